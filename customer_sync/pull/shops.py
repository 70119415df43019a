"""From the configuration and the environment to whoever fetches the shop's customers."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import assert_never

import httpx

from customer_sync.clock import Clock
from customer_sync.config import Config, Secret, ShopSettings, SourceName, read_secret
from customer_sync.errors import ConfigError
from customer_sync.pull.client import ShopClient, ShopObserver
from customer_sync.pull.magento import MagentoPuller
from customer_sync.pull.order import Puller
from customer_sync.pull.shopify import ShopifyPuller
from customer_sync.pull.shopify_api import ShopifyApi
from customer_sync.pull.woocommerce import WooCommercePuller
from customer_sync.trouble import Code


def shop_of(config: Config, platform: SourceName) -> ShopSettings:
    """Return where *platform* is pulled from.

    Raises:
        ConfigError: the configuration is about another platform, or does not say.
    """
    if config.source is not platform:
        raise ConfigError(
            f"{config.path} is about a {config.source} source, so {platform} cannot be pulled.",
            trouble=Code.SHOP_UNSET,
            hint=f"Write `source: {platform}`, or use a configuration of its own.",
        )
    if config.shop is None:
        raise ConfigError(
            f"{config.path} does not say where the shop is.",
            trouble=Code.SHOP_UNSET,
            hint="Add a block `shop:` with `url:` to the block `customer-sync:`.",
        )
    return config.shop


def variables(platform: SourceName, shop: ShopSettings) -> tuple[str, ...]:
    """Return the environment variables that hold what opens *shop*: a token, or two words."""
    app = (shop.client_id_variable, shop.client_secret_variable)
    match platform:
        case SourceName.SHOPIFY if all(app):
            return tuple(filter(None, app))
        case SourceName.SHOPIFY:
            return (shop.access_token_variable or "SHOPIFY_ACCESS_TOKEN",)
        case SourceName.MAGENTO:
            return (shop.access_token_variable or "MAGENTO_ACCESS_TOKEN",)
        case SourceName.WOOCOMMERCE:
            return (
                shop.consumer_key_variable or "WOOCOMMERCE_CONSUMER_KEY",
                shop.consumer_secret_variable or "WOOCOMMERCE_CONSUMER_SECRET",
            )
        case _:
            return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The way to one shop, before any request."""

    platform: SourceName
    shop: ShopSettings
    environ: Mapping[str, str]
    transport: httpx.AsyncBaseTransport | None = None

    @asynccontextmanager
    async def open(
        self,
        clock: Clock,
        *,
        deadline: float = float("inf"),
        on_request: ShopObserver = lambda _request: None,
    ) -> AsyncIterator[tuple[Puller, ShopClient]]:
        """Open it, in an event loop of *clock*, whose `monotonic` *deadline* is a time of.

        Raises:
            ConfigError: a secret is missing, or cannot be one.
        """
        client = ShopClient(
            self.shop.url,
            clock=clock,
            transport=self.transport,
            deadline=deadline,
            on_request=on_request,
        )
        async with client:
            yield self._puller(client), client

    def _puller(self, client: ShopClient) -> Puller:
        size = self.shop.page_size
        match self.platform:
            case SourceName.SHOPIFY:
                version = self.shop.api_version
                return ShopifyPuller(self._shopify(client), version, size)
            case SourceName.WOOCOMMERCE:
                client.headers["Authorization"] = self._basic()
                return WooCommercePuller(client, size)
            case SourceName.MAGENTO:
                (variable,) = variables(self.platform, self.shop)
                token = self._secret(variable, "the access token of Magento").reveal()
                client.headers["Authorization"] = f"Bearer {token}"
                return MagentoPuller(client, self.shop.store_code, size)
            case SourceName.CUSTOM:
                raise ConfigError(
                    "Customers cannot be pulled from a custom source.", trouble=Code.SHOP_UNSET
                )
            case _:
                assert_never(self.platform)

    def _shopify(self, client: ShopClient) -> ShopifyApi:
        version, (first, *more) = self.shop.api_version, variables(self.platform, self.shop)
        if more:
            app = (
                self._secret(first, "the client id of the Shopify app"),
                self._secret(more[0], "the client secret of the Shopify app"),
            )
            return ShopifyApi(client, version, app=app)
        token = self._secret(first, "the access token of Shopify")
        return ShopifyApi(client, version, token=token)

    def _basic(self) -> str:
        key_variable, secret_variable = variables(self.platform, self.shop)
        key = self._secret(key_variable, "the consumer key of WooCommerce")
        secret = self._secret(secret_variable, "the consumer secret of WooCommerce")
        pair = f"{key.reveal()}:{secret.reveal()}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def _secret(self, variable: str, what: str) -> Secret:
        secret = read_secret(variable, self.environ, what=what)
        text = secret.reveal()
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ConfigError(
                f"The environment variable {variable} holds something that cannot be {what}.",
                trouble=Code.ENVIRONMENT,
                hint="Copy it anew, without quotes and line breaks.",
            )
        return secret

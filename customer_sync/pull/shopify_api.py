"""Shopify's GraphQL interface: one question at a time, paced by what questions cost."""

from collections.abc import Mapping

from customer_sync.config import Secret
from customer_sync.errors import ShopAuthError, ShopRefused, ShopUnavailable
from customer_sync.platforms.paths import dig
from customer_sync.pull.client import Ask, ShopClient
from customer_sync.trouble import Code

_MOST_THROTTLED = 30
"""How often one question may be put off for its cost."""
_TOKEN = "X-Shopify-Access-Token"  # noqa: S105 - the header's name


class TooCostly(ShopRefused):
    """The question costs more than any single one may; a smaller one may pass."""


class ShopifyApi:
    """Asks one shop, no faster than it allows."""

    def __init__(
        self,
        client: ShopClient,
        version: str,
        *,
        token: Secret | None = None,
        app: tuple[Secret, Secret] | None = None,
    ) -> None:
        """Prepare it for a *token*, or for the client id and secret of an *app*."""
        self.client = client
        self._path = f"/admin/api/{version}/graphql.json"
        self._token = token
        self._app = app
        self._wait_s = 0.0

    async def ask(self, document: str, /, **variables: object) -> Mapping[str, object]:
        """Return the data of the answer.

        Raises:
            TooCostly: the question is too large.
            SourceError: Shopify does not answer it, or not as a whole.
        """
        for _ in range(_MOST_THROTTLED):
            await self.client.pause(self._wait_s)
            answer = await self._answered({"query": document, "variables": variables})
            self._wait_s = pause_s(answer)
            errors = answer.get("errors")
            if not errors:
                data = answer.get("data")
                if isinstance(data, Mapping):
                    return data
                raise ShopRefused(
                    f"{self.client.url} answers without any data.", trouble=Code.SHOP_ANSWER
                )
            if _code(errors) != "THROTTLED":
                raise _refusal(self.client.url, errors)
            self._wait_s = max(self._wait_s, 1.0)
        raise ShopUnavailable(
            f"{self.client.url} puts every question off, since too much is asked of it.",
            trouble=Code.SHOP_UNAVAILABLE,
            hint="Another app may use up the shop's limit; run again later.",
        )

    async def _answered(self, body: Mapping[str, object]) -> Mapping[str, object]:
        if _TOKEN not in self.client.headers:
            await self._authorise()
        ask = Ask(path=self._path, body=body)
        try:
            answer = await self.client.fetch(ask)
        except ShopAuthError:
            if self._app is None:
                raise
            # A token of this kind lives for a day, and an operation may take longer.
            await self._authorise()
            answer = await self.client.fetch(ask)
        value = answer.value
        return value if isinstance(value, Mapping) else {}

    async def _authorise(self) -> None:
        self.client.headers.pop(_TOKEN, None)
        token = self._token.reveal() if self._token else await self._fetched_token()
        self.client.headers[_TOKEN] = token

    async def _fetched_token(self) -> str:
        client_id, client_secret = self._app or (Secret(""), Secret(""))
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id.reveal(),
            "client_secret": client_secret.reveal(),
        }
        answer = await self.client.fetch(Ask(path="/admin/oauth/access_token", form=form))
        token = dig(answer.value, "access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise ShopAuthError(
                f"{self.client.url} gives no token for the client id and secret.",
                trouble=Code.SHOP_KEY,
            )
        return token


def pause_s(answer: Mapping[str, object]) -> float:
    """Return how long to wait until another question of the same cost is paid for.

    The numbers are Shopify's and not trusted: what makes no sense asks for no wait.
    """
    cost = dig(answer, "extensions", "cost")
    needed = _number(dig(cost, "requestedQueryCost"))
    available = _number(dig(cost, "throttleStatus", "currentlyAvailable"))
    rate = _number(dig(cost, "throttleStatus", "restoreRate"))
    if needed is None or available is None or not rate or rate < 0:
        return 0.0
    return max(needed - available, 0.0) / rate


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(str(value)) if is_number and abs(float(str(value))) < 1e9 else None


def _code(errors: object) -> str:
    first = errors[0] if isinstance(errors, list) and errors else None
    code = dig(first, "extensions", "code")
    return code if isinstance(code, str) and _is_word(code) else ""


def _refusal(url: str, errors: object) -> ShopRefused:
    code = _code(errors)
    told = f" ({code})" if code else ""
    if code == "MAX_COST_EXCEEDED":
        return TooCostly(f"{url} finds the question too large{told}.", trouble=Code.SHOP_ANSWER)
    if code == "ACCESS_DENIED":
        return ShopAuthError(
            f"{url} refuses {_path(errors)}{told}.",
            trouble=Code.SHOP_KEY,
            hint="The app needs the scope read_customers (read_orders for lastOrderDate), and "
            "approval for protected customer data, the fields of names, addresses, phones and "
            "emails included. Nothing was changed.",
        )
    return ShopRefused(
        f"{url} answers with an error{told} at {_path(errors)}.",
        trouble=Code.SHOP_ANSWER,
        hint="Is `shop.api_version` one that Shopify still supports? Nothing was changed.",
    )


def _path(errors: object) -> str:
    """Return which of the fields that were asked for an error is about."""
    first = errors[0] if isinstance(errors, list) and errors else None
    path = dig(first, "path")
    steps = path if isinstance(path, list) else []
    words = [step for step in steps if isinstance(step, str) and _is_word(step)]
    return f"the field {'.'.join(words)}" if words else "the question"


def _is_word(text: str) -> bool:
    return len(text) <= 60 and text.isascii() and text.replace("_", "").isalnum()

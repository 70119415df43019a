"""Customers from Shopify: the changed ones page by page, all of them by a bulk operation."""

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import IO

from customer_sync.core.model import Record
from customer_sync.errors import ShopRefused, ShopUnavailable, SourceError
from customer_sync.platforms.canonical import refused
from customer_sync.platforms.format import Understood
from customer_sync.platforms.paths import dig
from customer_sync.platforms.shopify import bulk
from customer_sync.platforms.shopify.graphql import understand_node
from customer_sync.pull import shopify_query
from customer_sync.pull.order import Order, record
from customer_sync.pull.shopify_api import ShopifyApi, TooCostly
from customer_sync.readers.strict_json import JsonProblem, decode
from customer_sync.trouble import Code

PAGE_SIZE = 250
"""The most that Shopify gives at a time."""

_RUNNING = frozenset({"CREATED", "RUNNING", "CANCELING"})
_BUSY = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})
_FIRST_LOOK_S = 1.0
_LONGEST_LOOK_S = 15.0
_MOST_LOOKS = 6000
"""About a day; Shopify itself allows ten, which is too long for anybody who waits."""
_MOST_STARTS = 10
_LONGEST_LINE = 10_000_000
"""In bytes; no customer needs as many."""


class ShopifyPuller:
    """Fetches customers from one shop."""

    def __init__(self, api: ShopifyApi, version: str, page_size: int | None = None) -> None:
        self._api = api
        self._version = version
        self._page_size = min(page_size or PAGE_SIZE, PAGE_SIZE)

    async def customers(self, order: Order, now: datetime) -> AsyncIterator[Understood]:
        """Yield the changed customers, or all of them.

        A customer that changes meanwhile comes again, later.

        Raises:
            SourceError: Shopify does not give them, or holds every email address back.
        """
        pulled = self._changed(order, now) if order.since else self._everybody(order, now)
        async for customer in pulled:
            yield customer

    # ------------------------------------------------------------ page by page

    async def _changed(self, order: Order, now: datetime) -> AsyncIterator[Understood]:
        number, addresses = 0, 0
        async for node in self._nodes(order):
            number += 1
            one = record(order, number, node, now)
            if not isinstance(node, Mapping):
                yield refused(one, "graphql", "There is no customer here.")
                continue
            addresses += bool(dig(node, "defaultEmailAddress", "emailAddress"))
            yield understand_node(one, node, order.wanted)
        if number and not addresses:
            await self._check_addresses()

    async def _nodes(self, order: Order) -> AsyncIterator[object]:
        asked = shopify_query.fields(self._version, order.mapped, is_bulk=False)
        changed = shopify_query.changed_since(order.since) if order.since else None
        after: object = None
        while True:
            page = await self._page(shopify_query.page(asked), after, changed)
            nodes, follows = dig(page, "nodes"), dig(page, "pageInfo")
            if not isinstance(nodes, list) or not isinstance(follows, Mapping):
                raise ShopRefused(
                    f"{self._api.client.url} answers without any customers.",
                    trouble=Code.SHOP_ANSWER,
                )
            for node in nodes:
                yield node
            if not follows.get("hasNextPage"):
                return
            if not follows.get("endCursor") or follows.get("endCursor") == after:
                raise ShopRefused(
                    f"{self._api.client.url} does not say where its list goes on.",
                    trouble=Code.SHOP_ANSWER,
                )
            after = follows["endCursor"]

    async def _page(self, query: str, after: object, changed: str | None) -> object:
        while True:
            try:
                data = await self._api.ask(query, first=self._page_size, after=after, query=changed)
            except TooCostly:
                if self._page_size <= 5:
                    raise
                self._page_size //= 2
            else:
                return data.get("customers")

    async def _check_addresses(self) -> None:
        """Make sure that addresses are given, though nobody who changed has one.

        Raises:
            SourceError: not a single one of many customers has one.
        """
        data = await self._api.ask(shopify_query.probe(), first=PAGE_SIZE)
        nodes = dig(data, "customers", "nodes")
        known = nodes if isinstance(nodes, list) else []
        if not any(dig(node, "defaultEmailAddress", "emailAddress") for node in known):
            raise SourceError(
                f"{self._api.client.url} gives no email address of any customer.",
                trouble=Code.NO_ADDRESSES,
                hint="The app needs approval for protected customer data, the field email "
                "included; without it Shopify answers null. Nothing was changed.",
            )

    # ------------------------------------------------------------ all at once

    async def _everybody(self, order: Order, now: datetime) -> AsyncIterator[Understood]:
        asked = shopify_query.fields(self._version, order.mapped, is_bulk=True)
        operation = await self._run(shopify_query.everybody(asked))
        url, size = operation.get("url"), operation.get("fileSize")
        if not isinstance(url, str):
            # There is no file where there is no customer.
            return
        with tempfile.TemporaryFile() as file:
            expected = int(str(size)) if str(size).isdecimal() else None
            await self._api.client.download(url, file, size=expected)
            file.seek(0)
            for customer in bulk.understand(_lines(order, file, now), order.wanted):
                yield customer

    async def _run(self, query: str) -> Mapping[str, object]:
        """Return the bulk operation for *query* when it is over."""
        for _ in range(_MOST_STARTS):
            started = (await self._api.ask(shopify_query.START, query=query)).get(
                "bulkOperationRunQuery"
            )
            operation = dig(started, "bulkOperation", "id")
            if isinstance(operation, str):
                return self._completed(await self._end_of(operation))
            if not _is_busy(started):
                raise ShopRefused(
                    f"{self._api.client.url} does not start a bulk operation.",
                    trouble=Code.SHOP_KEY,
                    hint="The app needs the scope read_customers. Nothing was changed.",
                )
            await self._make_room(query)
        raise ShopUnavailable(
            f"{self._api.client.url} is busy with other bulk operations.",
            trouble=Code.SHOP_UNAVAILABLE,
            hint="Nothing was changed; run again later.",
        )

    async def _make_room(self, query: str) -> None:
        """Wait for the operation that is in the way; end it if it is left over from an own pull."""
        data = await self._api.ask(shopify_query.CURRENT)
        operation = data.get("currentBulkOperation")
        name = dig(operation, "id")
        if not isinstance(name, str) or dig(operation, "status") not in _RUNNING:
            await self._api.client.pause(_LONGEST_LOOK_S)
            return
        if dig(operation, "query") == query:
            await self._api.ask(shopify_query.CANCEL, id=name)
        await self._end_of(name)

    async def _end_of(self, operation: str) -> Mapping[str, object]:
        wait_s = _FIRST_LOOK_S
        for _ in range(_MOST_LOOKS):
            await self._api.client.pause(wait_s)
            wait_s = min(wait_s * 1.5, _LONGEST_LOOK_S)
            node = (await self._api.ask(shopify_query.LOOK, id=operation)).get("node")
            if not isinstance(node, Mapping):
                raise ShopRefused(
                    f"{self._api.client.url} lost the bulk operation.", trouble=Code.SHOP_ANSWER
                )
            if node.get("status") not in _RUNNING:
                return node
        raise ShopUnavailable(
            f"{self._api.client.url} did not end the bulk operation within a day.",
            trouble=Code.SHOP_UNAVAILABLE,
            hint="Nothing was changed; run again later.",
        )

    def _completed(self, operation: Mapping[str, object]) -> Mapping[str, object]:
        status, code = operation.get("status"), operation.get("errorCode")
        if status == "COMPLETED":
            return operation
        known = {"ACCESS_DENIED", "INTERNAL_SERVER_ERROR", "TIMEOUT", "CANCELED", "FAILED"}
        words = [str(word).lower() for word in (status, code) if word in known]
        raise ShopRefused(
            f"{self._api.client.url} did not complete the bulk operation: "
            f"{', '.join(words) or 'it ended otherwise'}.",
            trouble=Code.SHOP_ANSWER,
            hint="Incomplete customers are not used, so nothing was changed. Access denied: the "
            "app needs the scope read_customers (read_orders for lastOrderDate), and approval for "
            "protected customer data. Else run again later.",
        )


def _is_busy(started: object) -> bool:
    errors = dig(started, "userErrors")
    return any(dig(one, "code") in _BUSY for one in (errors if isinstance(errors, list) else ()))


def _lines(order: Order, file: IO[bytes], now: datetime) -> Iterator[Record]:
    """Yield the lines of a bulk operation's file, each as a record of its own.

    Raises:
        ShopRefused: one is broken, so that whom it is about cannot be known.
    """
    lines = iter(lambda: file.readline(_LONGEST_LINE), b"")
    for number, line in enumerate(lines, start=1):
        try:
            yield record(order, number, decode(line.decode()), now)
        except (JsonProblem, UnicodeDecodeError):
            raise ShopRefused(
                f"{order.name}:{number}: The file that Shopify made is damaged.",
                trouble=Code.SHOP_ANSWER,
                hint="Nothing was changed; run again later.",
            ) from None

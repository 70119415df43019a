"""Customers from WooCommerce's REST interface, which can only list all of them."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from customer_sync.errors import ShopRefused, ShopUnavailable, UsageError
from customer_sync.platforms.format import Understood
from customer_sync.platforms.woocommerce.rest import understand
from customer_sync.pull.client import Answer, Ask, ShopClient
from customer_sync.pull.order import Order, record
from customer_sync.trouble import Code

PAGE_SIZE = 100
"""The most that WooCommerce gives at a time."""
PATH = "/wp-json/wc/v3/customers"

_MOST_RETREATS = 50


def refuse_since() -> UsageError:
    """Return why changes alone cannot be asked for."""
    return UsageError(
        "WooCommerce cannot tell which customers changed: it ignores such a question and answers "
        "with everybody.",
        trouble=Code.SHOP_NO_CHANGES,
        hint="Leave out `--since`. All customers are read, and only what differs is written.",
    )


class WooCommercePuller:
    """Fetches customers from one shop."""

    def __init__(self, client: ShopClient, page_size: int | None = None) -> None:
        self._client = client
        self._page_size = min(page_size or PAGE_SIZE, PAGE_SIZE)

    async def customers(self, order: Order, now: datetime) -> AsyncIterator[Understood]:
        """Yield all customers in the order of their ids, each once.

        Where somebody is deleted while the list is read, the rest moves up. So each page begins
        with the last customer of the one before; if it does not, reading goes back a page.

        Raises:
            UsageError: only changes are asked for.
            SourceError: the shop does not give its customers.
        """
        if order.since is not None:
            raise refuse_since()
        number, last, offset, retreats = 0, 0, 0, 0
        while True:
            answer = await self._page(offset)
            rows = self._rows(answer)
            ids = self._ascending(rows)
            if offset and (not ids or ids[0] > last):
                retreats += 1
                if retreats > _MOST_RETREATS:
                    raise ShopUnavailable(
                        f"{self._client.url} deletes customers faster than they can be read.",
                        trouble=Code.SHOP_UNAVAILABLE,
                        hint="Nothing was changed; run again later.",
                    )
                offset = max(0, offset - self._page_size + 1)
                continue
            for customer_id, row in zip(ids, rows, strict=True):
                if customer_id > last:
                    number, last = number + 1, customer_id
                    for customer in understand(record(order, number, row, now), order.wanted):
                        yield customer
            if self._is_last(answer, offset, len(rows)):
                return
            offset += max(len(rows) - 1, 1)

    async def _page(self, offset: int) -> Answer:
        query = {
            "role": "all",
            "orderby": "id",
            "order": "asc",
            "per_page": str(self._page_size),
            "offset": str(offset),
        }
        return await self._client.fetch(Ask(path=PATH, query=query))

    def _rows(self, answer: Answer) -> list[Mapping[str, object]]:
        rows = answer.value
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise ShopRefused(
                f"{self._client.url} answers with something else than a list of customers.",
                trouble=Code.SHOP_ANSWER,
                hint="Check `shop.url`: it is the address of the shop itself, without /wp-json.",
            )
        return rows

    def _ascending(self, rows: list[Mapping[str, object]]) -> list[int]:
        ids = [one for row in rows if isinstance(one := row.get("id"), int)]
        if len(ids) < len(rows) or ids != sorted(set(ids)):
            raise ShopRefused(
                f"{self._client.url} does not list its customers in the order of their ids, so "
                "that nobody can tell whether these are all.",
                trouble=Code.SHOP_ANSWER,
                hint="A plugin may change the order of lists; switch it off for this interface.",
            )
        return ids

    def _is_last(self, answer: Answer, offset: int, rows: int) -> bool:
        """Tell whether nothing follows, by what the shop counts, else by a page that is short.

        Plugins may filter pages, so that a short one means nothing where there is a count.
        """
        total = answer.headers.get("x-wp-total", "")
        if total.isascii() and total.isdecimal():
            return offset + rows >= int(total) or rows == 0
        return rows < self._page_size

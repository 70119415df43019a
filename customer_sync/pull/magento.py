"""Customers from Magento's REST interface, searched for by change and id."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from customer_sync.errors import ShopRefused
from customer_sync.platforms.format import Understood
from customer_sync.platforms.magento.rest import REST
from customer_sync.platforms.paths import dig
from customer_sync.pull.client import Ask, ShopClient
from customer_sync.pull.order import Order, record
from customer_sync.trouble import Code

PAGE_SIZE = 300
"""The most that Magento gives where its limits are switched on."""


class MagentoPuller:
    """Fetches customers from one shop."""

    def __init__(
        self, client: ShopClient, store_code: str | None = None, page_size: int | None = None
    ) -> None:
        self._client = client
        store = f"/{store_code}" if store_code else ""
        self._path = f"/rest{store}/V1/customers/search"
        self._page_size = min(page_size or PAGE_SIZE, PAGE_SIZE)

    async def customers(self, order: Order, now: datetime) -> AsyncIterator[Understood]:
        """Yield the customers that are asked for in the order of their ids, each once.

        Every question is for the ids after the last one, so that nobody is passed over where
        somebody is deleted while the list is read, nor does it matter that old versions repeat
        their last page for ever.

        Raises:
            SourceError: the shop does not give its customers.
        """
        number = last = 0
        while True:
            answer = await self._client.fetch(
                Ask(path=self._path, query=_query(order.since, last, self._page_size))
            )
            items = self._items(answer.value)
            for item in items:
                number, last = number + 1, self._next_id(item, last)
                for customer in REST.understand([record(order, number, item, now)], order.wanted):
                    yield customer
            total = dig(answer.value, "total_count")
            if not items or (isinstance(total, int) and len(items) >= total):
                return

    def _items(self, value: object) -> list[Mapping[str, object]]:
        items = dig(value, "items")
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise ShopRefused(
                f"{self._client.url} answers with something else than a list of customers.",
                trouble=Code.SHOP_ANSWER,
                hint="Check `shop.url`: it is the address of the shop itself, without /rest.",
            )
        return items

    def _next_id(self, item: Mapping[str, object], last: int) -> int:
        customer_id = item.get("id")
        if not isinstance(customer_id, int) or customer_id <= last:
            raise ShopRefused(
                f"{self._client.url} does not list its customers in the order of their ids, so "
                "that nobody can tell whether these are all.",
                trouble=Code.SHOP_ANSWER,
                hint="An extension may change searches; switch it off for this interface.",
            )
        return customer_id


def _query(since: datetime | None, last: int, page_size: int) -> dict[str, str]:
    """Return the search for customers beyond the id *last*, changed at or after *since*."""
    filters = [("entity_id", "gt", str(last))]
    if since is not None:
        filters.append(("updated_at", "gteq", f"{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}"))
    query = {
        f"searchCriteria[filter_groups][{group}][filters][0][{key}]": value
        for group, parts in enumerate(filters)
        for key, value in zip(("field", "condition_type", "value"), parts, strict=True)
    }
    return query | {
        "searchCriteria[sortOrders][0][field]": "entity_id",
        "searchCriteria[sortOrders][0][direction]": "ASC",
        "searchCriteria[pageSize]": str(page_size),
        "searchCriteria[currentPage]": "1",
    }

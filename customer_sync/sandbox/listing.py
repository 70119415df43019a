"""Listing contacts: pages, order, filters, and readers that lag behind the writers."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from customer_sync.sandbox import attributes, contacts, filters, reading
from customer_sync.sandbox.account import Account, Answer, Call
from customer_sync.sandbox.contact_rows import COLUMNS, LIST_IDS, ContactRow, from_row
from customer_sync.sandbox.errors import invalid
from customer_sync.sandbox.filters import Condition
from customer_sync.sandbox.timeline import parse_since
from customer_sync.sandbox.values import Definition

_MOST_IDS = 20


def index(call: Call) -> Answer:
    """List contacts, newest first unless asked otherwise; `count` is of all that match."""
    account = call.account
    definitions = attributes.definitions(account)
    conditions = [
        *_since(call),
        *_named(call),
        *_grouped(call, definitions),
        *_filtered(call, definitions),
    ]
    return page(call, definitions, conditions, default=50, most=1000)


def of_list(call: Call, list_id: int) -> Answer:
    """List the contacts of one list."""
    definitions = attributes.definitions(call.account)
    conditions = [*_since(call), on_lists(call.account, (list_id,))]
    return page(call, definitions, conditions, default=50, most=500)


def page(
    call: Call,
    definitions: Mapping[str, Definition],
    conditions: Sequence[Condition],
    *,
    default: int,
    most: int,
) -> Answer:
    """Return one page of the contacts that meet all *conditions*."""
    account = call.account
    excess = account.settings.excess_page_limit
    limit, offset, sort = reading.page(call.query, default=default, most=most, excess=excess)
    rows = account.db.execute(
        *_query(
            account,
            f"id, {COLUMNS}, list_ids",
            conditions,
            f"ORDER BY id {sort.name} LIMIT ? OFFSET ?",
            (limit, offset),
        )
    )
    shown = [_shown(account, definitions, row) for row in rows]
    return Answer(status=200, content={"contacts": shown, "count": count(account, conditions)})


def matching(
    account: Account, conditions: Sequence[Condition]
) -> Iterator[tuple[ContactRow, list[int]]]:
    """Yield every contact that meets all *conditions*, with its lists, in order of creation."""
    yield from _contacts(account, conditions, "ORDER BY id")


def newest(account: Account, most: int) -> Iterator[tuple[ContactRow, list[int]]]:
    """Yield the newest contacts with their lists."""
    yield from _contacts(account, [], f"ORDER BY id DESC LIMIT {most}")


def _contacts(
    account: Account, conditions: Sequence[Condition], order: str
) -> Iterator[tuple[ContactRow, list[int]]]:
    query = _query(account, f"id, {COLUMNS}, list_ids", conditions, order)
    for row in account.db.execute(*query):
        yield from_row(row), sorted(json.loads(row["list_ids"]))


def _shown(
    account: Account, definitions: Mapping[str, Definition], row: sqlite3.Row
) -> dict[str, object]:
    lists = sorted(json.loads(row["list_ids"]))
    return contacts.as_json(account, definitions, from_row(row), lists)


def count(account: Account, conditions: Sequence[Condition]) -> int:
    """Return how many contacts a lagging reader sees that meet all *conditions*."""
    return int(account.db.execute(*_query(account, "count(*)", conditions)).fetchone()[0])


def _query(
    account: Account,
    columns: str,
    conditions: Sequence[Condition],
    order: str = "",
    order_values: tuple[int, ...] = (),
) -> tuple[str, list[object]]:
    source = _source(account)
    where = " AND ".join(f"({each.sql})" for each in conditions) or "TRUE"
    values = [*source.values, *(value for each in conditions for value in each.values)]
    sql = f"WITH seen AS ({source.sql}) SELECT {columns} FROM seen WHERE {where} {order}"
    return sql, [*values, *order_values]


def _source(account: Account) -> Condition:
    """Return the contacts as they were `lag` ago: stored ones, except those changed since."""
    current = f"SELECT id, {COLUMNS}, {LIST_IDS} FROM contacts"
    if account.settings.lag <= 0:
        return Condition(sql=current)
    horizon = account.now - round(account.settings.lag * 1000)
    sql = (
        f"{current} WHERE id NOT IN (SELECT contact_id FROM shadows WHERE replaced_at > ?)"
        f" UNION ALL SELECT contact_id, {COLUMNS}, list_ids FROM shadows WHERE existed"
        " AND seq IN (SELECT min(seq) FROM shadows WHERE replaced_at > ? GROUP BY contact_id)"
    )
    return Condition(sql=sql, values=(horizon, horizon))


# ---------------------------------------------------------------- conditions


def _since(call: Call) -> list[Condition]:
    operator = ">=" if call.account.settings.since_is_inclusive else ">"
    columns = {"modifiedSince": "modified_at", "createdSince": "created_at"}
    return [
        Condition(sql=f"{column} {operator} ?", values=(parse_since(name, call.query[name]),))
        for name, column in columns.items()
        if name in call.query
    ]


def _named(call: Call) -> list[Condition]:
    ids = reading.query_ids(call.query, "ids")
    if ids is None:
        return []
    if len(ids) > _MOST_IDS:
        raise invalid(f"ids should hold at most {_MOST_IDS} contact ids")
    return [_among("id", ids)]


def _among(column: str, ids: Sequence[int]) -> Condition:
    sql = f"{column} IN (SELECT value FROM json_each(?))"
    return Condition(sql=sql, values=(json.dumps(ids),))


def _grouped(call: Call, definitions: Mapping[str, Definition]) -> list[Condition]:
    list_ids = reading.query_ids(call.query, "listIds")
    if "segmentId" not in call.query:
        return [] if list_ids is None else [on_lists(call.account, list_ids)]
    if list_ids is not None:
        raise invalid("Either listIds or segmentId should be passed")
    segment_id = reading.path_number("segmentId", call.query["segmentId"])
    return [segment(call.account, segment_id, definitions)]


def on_lists(account: Account, ids: Sequence[int]) -> Condition:
    """Return the condition of being on at least one of these lists."""
    if account.settings.lag <= 0:
        inner = _among("list_id", ids)
        sql = f"id IN (SELECT contact_id FROM memberships WHERE {inner.sql})"
        return Condition(sql=sql, values=inner.values)
    inner = _among("json_each.value", ids)
    sql = f"EXISTS (SELECT 1 FROM json_each(seen.list_ids) WHERE {inner.sql})"
    return Condition(sql=sql, values=inner.values)


def segment(account: Account, segment_id: int, definitions: Mapping[str, Definition]) -> Condition:
    """Return the condition that a segment stands for.

    Raises:
        BrevoFault: There is no such segment.
    """
    query = "SELECT filter FROM segments WHERE id = ?"
    row = account.db.execute(query, (segment_id,)).fetchone()
    if row is None:
        raise invalid("Segment ID does not exist")
    return filters.parse(row["filter"], definitions, account.settings)


def _filtered(call: Call, definitions: Mapping[str, Definition]) -> list[Condition]:
    text = call.query.get("filter")
    return [] if text is None else [filters.parse(text, definitions, call.account.settings)]

"""Whatever stands in a file: records or rejections, never an exception, and nothing unasked."""

import json
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from customer_sync.core.model import Record, Rejection
from customer_sync.core.validate import EventValidator
from customer_sync.core.values.names import camel_case
from customer_sync.errors import SourceError
from customer_sync.event_schema import event_schema
from customer_sync.platforms import shopify, woocommerce
from customer_sync.platforms.canonical import FIELDS
from customer_sync.platforms.format import Format, Sample, Understood, Wanted
from platform_builders import SAMPLES, decoded, record, understood

FORMATS = (*shopify.FORMATS, *woocommerce.FORMATS)
WANTED = Wanted(
    fields=frozenset({"metafields.custom.tier", "billing", "meta_data[x]", "Name", "state"}),
    include_guests=True,
    consent_field="meta_data[newsletter]",
)
FILES = sorted(
    path for folder in ("shopify", "woocommerce") for path in (SAMPLES / folder).iterdir()
)

WORDS = st.sampled_from(
    sorted(
        {
            *("__parentId", "addresses", "admin_graphql_api_id", "amountSpent", "billing", "body"),
            *("avg_order_value", "billing_address", "customer", "customer_id", "customers", "data"),
            *("date_created_gmt", "date_modified_gmt", "defaultAddress", "defaultEmailAddress"),
            *("default_address", "edges", "email", "email_marketing_consent", "errors", "headers"),
            *("id", "key", "legacyResourceId", "meta_data", "metafields", "namespace", "node"),
            *("nodes", "orders_to_redact", "phone", "shipping", "state", "status", "tags", "topic"),
            *("updatedAt", "updated_at", "user_id", "value", "verified_email", "webhook_id"),
            *("Customer ID", "Email", "Phone", "Username", "AOV", "Tags", "Country / Region"),
            "admin_graphql_api_id_customer_kept",
            "admin_graphql_api_id_customer_deleted",
        }
    )
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "gid://shopify/Customer/7",
            "gid://shopify/Customer/x",
            "gid://shopify/Product/7",
            "7.49E+12",
            "2026-01-01T00:00:00Z",
            "9999-12-31T23:59:59-12:00",
            "0000-00-00 00:00:00",
            "customers/create",
            "customers/delete",
            "customers/merge",
            "customer.updated",
            "customer.deleted",
            "{}",
            "subscribed",
            "'+447700900101",
        ]
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(WORDS, st.text(max_size=8)), inner, max_size=8),
    ),
    max_leaves=25,
)


def understood_safely(chosen: Format, *contents: object) -> list[Understood]:
    """Return what a format makes of *contents*; nothing where Shopify held back all addresses."""
    try:
        return understood(chosen, *contents, wanted=WANTED)
    except SourceError:
        return []


@settings(max_examples=300)
@given(chosen=st.sampled_from(FORMATS), contents=st.lists(JSON, max_size=4))
def test_anything_becomes_records_or_rejections(chosen: Format, contents: list[object]) -> None:
    """No exception, no other thing, and every event can be stored as JSON."""
    for item in understood_safely(chosen, *contents):
        assert isinstance(item, Record | Rejection)
        json.dumps(item.content)


@settings(max_examples=300)
@given(chosen=st.sampled_from(FORMATS), contents=st.lists(JSON, max_size=3))
def test_nothing_passes_that_is_not_canonical_or_asked_for(
    chosen: Format, contents: list[object]
) -> None:
    """Neither in events nor in what is kept of rejections."""
    asked = {camel_case(name) for name in FIELDS | WANTED.fields}
    for item in understood_safely(chosen, *contents):
        if isinstance(item.content, Mapping) and "data" in item.content:
            passed = item.content["data"]
            assert isinstance(passed, Mapping)
            assert {camel_case(name) for name in passed} <= asked


@given(columns=st.lists(WORDS, max_size=6), contents=st.lists(JSON, max_size=4))
def test_anything_is_recognised_as_one_thing_of_a_platform_at_most(
    columns: list[str], contents: list[object]
) -> None:
    """And looking at it never fails."""
    sample = Sample(name="any", columns=tuple(columns), contents=tuple(contents))
    for formats in (shopify.FORMATS, woocommerce.FORMATS):
        assert sum(bool(each.recognise(sample)) for each in formats) <= 1


@given(draw=st.data())
def test_a_field_replaced_by_anything_keeps_the_rest_understood(draw: st.DataObject) -> None:
    """Real records with one odd value each: an event in order, or a rejection that says why."""
    path = draw.draw(st.sampled_from(FILES))
    columns, records = decoded(path)
    contents = tuple(each.content for each in records)
    sample = Sample(name=path.name, columns=columns, contents=contents)
    (chosen,) = (each for each in FORMATS if each.recognise(sample))
    mangled = draw.draw(st.sampled_from(records)).content
    assert isinstance(mangled, dict)
    name = draw.draw(st.sampled_from(sorted(mangled)))
    odd = {**mangled, name: draw.draw(JSON)}
    validator = EventValidator(event_schema())
    for item in understood_safely(chosen, odd):
        if isinstance(item, Record):
            checked = validator.validate(item)
            if isinstance(checked, Rejection):
                rules = {problem.rule for problem in checked.problems}
                assert rules <= {"email", "identity"}
        else:
            assert item.problems
            assert record(None).place.file == item.place.file

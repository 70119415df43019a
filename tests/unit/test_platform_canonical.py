"""The canonical customer: values are read exactly, or not at all."""

from collections.abc import Callable

import pytest

from customer_sync.core.model import Rejection, SourceName, Trigger
from customer_sync.core.values.transform_error import TransformError
from customer_sync.platforms import canonical
from customer_sync.platforms.canonical import Draft
from customer_sync.platforms.paths import ABSENT, dig, first_told, lookup
from platform_builders import event, fields, record, rule, warned


def draft() -> Draft:
    """Return a customer of whom nothing is known."""
    return Draft(record({}), SourceName.CUSTOM)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (7491069000001, "7491069000001"),
        ("7491069000001", "7491069000001"),
        (706405506930370084, "706405506930370084"),
        ("gid://shopify/Customer/7491069000001", "7491069000001"),
        ("gid://shopify/Customer/7?key=x", "7"),
        (" 12 ", "12"),
        (2**63 - 1, "9223372036854775807"),
        ("", None),
        (None, None),
    ],
)
def test_an_id_is_decimal_text(written: object, expected: str | None) -> None:
    """Numbers, digits and gids give the same text; emptiness gives none."""
    assert canonical.identifier(written) == expected


@pytest.mark.parametrize("written", ["7.49107E+12", "7,49107E+12", 7.49e12, 12.0, "12.0"])
def test_a_rounded_id_is_refused(written: object) -> None:
    """What went through a float may stand for another customer."""
    with pytest.raises(TransformError, match="rounded"):
        canonical.identifier(written)


@pytest.mark.parametrize("written", [2**63, "x", "-5", True, {"a": 1}, "gid://shopify/A/b"])
def test_what_is_no_id_is_refused(written: object) -> None:
    """Neither words nor objects nor numbers beyond 64 bits identify anybody."""
    with pytest.raises(TransformError):
        canonical.identifier(written)


@pytest.mark.parametrize(
    ("convert", "written", "expected"),
    [
        (canonical.decimal_text, "11884.9", "11884.9"),
        (canonical.decimal_text, "0.00", "0.00"),
        (canonical.decimal_text, 0.1, "0.1"),
        (canonical.decimal_text, "12345678901234567890.12", "12345678901234567890.12"),
        (canonical.whole_number, "13", 13),
        (canonical.boolean, "FALSE", False),
        (canonical.boolean, "", None),
        (canonical.tag_list, "VIP, wholesale,VIP", ["VIP", "wholesale"]),
        (canonical.tag_list, [], None),
        (canonical.instant, "2025-01-01T00:30:00+01:00", "2024-12-31T23:30:00Z"),
        (canonical.instant, "2017-09-23T18:15:47-00:00", "2017-09-23T18:15:47Z"),
        (canonical.utc, "2025-01-01 00:30:00", "2025-01-01T00:30:00Z"),
        (canonical.utc, "0000-00-00 00:00:00", None),
        (canonical.calendar_date, "2022-07-12 08:36:54", "2022-07-12"),
        (canonical.phone, "(202) 555-0141", "(202) 555-0141"),
        (canonical.country_code, "gb", "GB"),
        (canonical.language, "pt_BR", "pt-BR"),
        (canonical.text, "  Ada ", "Ada"),
        (canonical.text, "\t", None),
    ],
)
def test_values_are_read(
    convert: Callable[[object], object], written: object, expected: object
) -> None:
    """Each kind of value has one canonical form."""
    assert convert(written) == expected


@pytest.mark.parametrize(
    ("convert", "written"),
    [
        (canonical.decimal_text, "1,234.50"),
        (canonical.decimal_text, "1.2E+05"),
        (canonical.decimal_text, float("inf")),
        (canonical.whole_number, "1.5"),
        (canonical.boolean, "maybe"),
        (canonical.tag_list, 5),
        (canonical.tag_list, [{"a": 1}]),
        (canonical.instant, "2025-01-01T00:30:00"),
        (canonical.instant, "2025-13-01T00:30:00Z"),
        (canonical.instant, "0001-01-01T00:00:00+10:00"),
        (canonical.instant, 5),
        (canonical.calendar_date, "12/07/2022"),
        (canonical.calendar_date, "2022-02-30"),
        (canonical.phone, "1.20256E+10"),
        (canonical.phone, 1.2e10),
        (canonical.country_code, "Germany"),
        (canonical.language, "UK"),
        (canonical.text, {}),
        (canonical.text, False),
    ],
)
def test_unreadable_values_are_refused(
    convert: Callable[[object], object], written: object
) -> None:
    """Nothing is guessed, and no message repeats what it is about."""
    with pytest.raises(TransformError) as caught:
        convert(written)
    assert str(written) not in str(caught.value)


def test_only_a_guard_is_taken_off() -> None:
    """An apostrophe that belongs to a name stays."""
    assert canonical.unguarded("'+44", guard="'", before="+=") == "+44"
    assert canonical.unguarded("'t Veld", guard="'", before="+=") == "'t Veld"
    assert canonical.unguarded("'", guard="'", before="+=") == "'"


# ---------------------------------------------------------------- consent


@pytest.mark.parametrize(
    ("word", "state", "accepted"),
    [
        ("SUBSCRIBED", "subscribed", True),
        ("yes", "subscribed", True),
        (1, "subscribed", True),
        ("on", "subscribed", True),
        ("not_subscribed", "notSubscribed", False),
        ("no", "notSubscribed", False),
        (False, "notSubscribed", False),
        ("UNSUBSCRIBED", "unsubscribed", False),
        ("redacted", "redacted", False),
    ],
)
def test_consent_has_a_state_and_an_answer(word: object, state: str, *, accepted: bool) -> None:
    """The state keeps what yes and no would lose."""
    customer = draft()
    customer.put_email_consent(word)
    assert customer.fields["marketingState"] == state
    assert customer.fields["acceptsMarketing"] is accepted


@pytest.mark.parametrize("word", ["pending", "INVALID"])
def test_an_open_state_is_no_yes(word: str) -> None:
    """Who has not confirmed yet may not be mailed."""
    customer = draft()
    customer.put_email_consent(word)
    customer.put_sms_consent(word)
    assert customer.fields["marketingState"] == word.lower()
    assert customer.fields["acceptsMarketing"] is False
    assert customer.fields["acceptsSmsMarketing"] is False


@pytest.mark.parametrize("nothing", [ABSENT, None, "", " "])
def test_no_consent_is_no_answer(nothing: object) -> None:
    """Absent and empty consent is unknown, which is neither yes nor no."""
    customer = draft()
    customer.put_email_consent(nothing)
    customer.put_sms_consent(nothing)
    assert customer.fields == {"source": "custom"}


def test_a_word_that_nobody_knows_is_a_warning() -> None:
    """Consent that cannot be read is unknown, and said to be."""
    customer = draft()
    customer.put_email_consent("perhaps")
    item = customer.finish(Trigger.LISTED)
    assert "acceptsMarketing" not in fields(item)
    assert warned(item) == {"acceptsMarketing"}


# ---------------------------------------------------------------- drafts


def test_absent_empty_and_value_stay_apart() -> None:
    """The difference decides between leaving alone and clearing."""
    customer = draft()
    customer.put("firstName", "Ada")
    customer.put("lastName", "")
    customer.put("city", ABSENT)
    assert customer.fields == {"source": "custom", "firstName": "Ada", "lastName": None}


def test_the_time_is_the_records_own_where_it_has_one() -> None:
    """Else it is that of the file."""
    customer = draft()
    assert event(customer.finish(Trigger.LISTED))["timestamp"] == "2026-07-01T12:00:00+00:00"
    customer.put("updatedAt", "2026-05-01T00:00:00Z", canonical.instant)
    assert event(customer.finish(Trigger.LISTED))["timestamp"] == "2026-05-01T00:00:00Z"


def test_a_destroyed_id_rejects_the_customer_in_a_form_that_can_be_mended() -> None:
    """What was read stays, the id as it is, but no free text."""
    customer = draft()
    customer.identify("7.49E+12", "/Customer ID")
    customer.put("email", "ada@example.com")
    customer.put("note", "ring twice")
    item = customer.finish(Trigger.LISTED)
    assert rule(item) == ("exact-id", "/Customer ID")
    assert isinstance(item, Rejection)
    assert item.content == {
        "event": "customer_listed",
        "timestamp": "2026-07-01T12:00:00+00:00",
        "data": {"source": "custom", "id": "7.49E+12", "email": "ada@example.com"},
    }


def test_only_what_is_asked_for_passes() -> None:
    """Secrets and objects do not even then; names of the canonical customer are not the shop's."""
    content = {
        "tier": "gold",
        "sizes": ["M", 40],
        "blank": "",
        "password_hash": "x",
        "nested": {"rp_token": "x"},
        "email": "raw",
        "changes": "raw",
    }
    customer = draft()
    names = {*content, "nested.rp_token", "missing"}
    customer.put_wanted(names, lambda name: lookup(content, name))
    item = customer.finish(Trigger.LISTED)
    assert fields(item) == {
        "source": "custom",
        "tier": "gold",
        "sizes": ["M", 40],
        "blank": None,
    }
    assert warned(item) == {"nested"}


# ---------------------------------------------------------------- paths

CONTENT = {
    "meta_data": [
        {"key": "news_letter", "value": "yes"},
        {"key": "with.dots", "value": 1},
        "odd",
    ],
    "custom_attributes": [{"attribute_code": "tier", "value": "gold"}],
    "billing": {"address_1": "12 Harbour Row", "gone": None},
    "A label (x.y)": "cell",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("meta_data[news_letter]", "yes"),
        ("metaData[newsLetter]", "yes"),
        ("meta_data.news_letter", "yes"),
        ("meta_data[with.dots]", 1),
        ("custom_attributes[tier]", "gold"),
        ("billing.address1", "12 Harbour Row"),
        ("billing.address_1", "12 Harbour Row"),
        ("billing.gone.deeper", None),
        ("billing.address_1.deeper", ABSENT),
        ("A label (x.y)", "cell"),
        ("meta_data[other]", ABSENT),
        ("", ABSENT),
        ("[]", ABSENT),
    ],
)
def test_a_path_leads_to_a_field(path: str, expected: object) -> None:
    """Dots lead into objects, brackets to the item with that key."""
    assert lookup(CONTENT, path) == expected


def test_digging_tells_missing_from_null() -> None:
    """Null on the way is emptiness, a missing name is absence."""
    assert dig({"a": {"b": 1}}, "a", "b") == 1
    assert dig({"a": None}, "a", "b") is None
    assert dig({"a": 1}, "a", "b") is ABSENT
    assert dig(ABSENT, "a") is ABSENT


def test_the_first_that_is_told_counts() -> None:
    """A value wins over emptiness, emptiness over absence."""
    assert first_told(ABSENT, "", "x") == "x"
    assert first_told(ABSENT, "") is None
    assert first_told(ABSENT) is ABSENT

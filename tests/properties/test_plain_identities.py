"""Plain addresses and phone numbers come out as the libraries would bring them out."""

import functools
import random
from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_sync.core.values import addresses, phones
from customer_sync.core.values.addresses import EmailInvalid, checked_address, email_address
from customer_sync.core.values.numbering import plain_e164
from customer_sync.core.values.phones import parsed_e164
from customer_sync.core.values.transform_error import TransformError
from thoroughness import examples

UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def by_email_validator(text: str) -> str | None:
    """Return what the library makes of an address."""
    try:
        return checked_address(text)
    except EmailInvalid:
        return None


def by_phonenumbers(written: str, region: str | None) -> str | None:
    """Return what the library makes of a number."""
    try:
        return parsed_e164(written, region)
    except TransformError:
        return None


# ---------------------------------------------------------------- addresses

LOCAL_PARTS = ("jane", "JANE.doe", "j", "jane+shop", "jane_doe-1", "0", "a" * 40, "a.b.c.d", "info")
HOSTS = (
    "example",
    "EXAMPLE",
    "mail",
    "my-shop",
    "3d",
    "a-b-c",
    "x" * 60,
    "xn--mnchen-3ya",
    "shop1",
)
ENDINGS = ("com", "ORG", "museum", "co.uk", "io", "example", "c", "c0m", "photography", "vermögen")
SPECIAL = ("test", "invalid", "localhost", "local", "onion", "arpa", "home.arpa", "LOCAL", "Test")
ODD = (
    ".",
    "..",
    "-",
    "--",
    "_",
    "@",
    " ",
    "\t",
    "\n",
    "\u00a0",
    "\u212a",
    "ß",
    "\u0131",
    '"',
    "'",
    "é",
    "!",
)


def written_addresses(count: int) -> Iterator[str]:
    """Yield addresses as people write them, right and wrong, the same ones each time."""
    chance = random.Random(8)
    for _ in range(count):
        local, host = chance.choice(LOCAL_PARTS), chance.choice(HOSTS)
        if chance.random() < 0.3:
            host = f"{chance.choice(HOSTS)}.{host}"
        ending = chance.choice(SPECIAL if chance.random() < 0.1 else ENDINGS)
        text = f"{local}{chance.randrange(999)}@{host}.{ending}"
        while chance.random() < 0.3:
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice(ODD) + text[at + chance.randrange(2) :]
        yield text


def test_an_address_comes_out_as_from_the_library() -> None:
    """Whichever way it takes; most plain ones take the short one."""
    written = list(written_addresses(examples(20_000)))
    assert sum(addresses._PLAIN.fullmatch(text) is not None for text in written) > len(written) / 5
    for text in written:
        try:
            came_out: str | None = email_address(text)
        except EmailInvalid:
            came_out = None
        assert came_out == by_email_validator(text), text


@UNTIMED
@given(st.from_regex(addresses._PLAIN, fullmatch=True) | st.emails() | st.text("aB1.-_+@\u212a "))
def test_what_the_pattern_of_plain_addresses_finds_is_one(text: str) -> None:
    """However strange."""
    try:
        came_out: str | None = email_address(text)
    except EmailInvalid:
        came_out = None
    assert came_out == by_email_validator(text)


@pytest.mark.parametrize("text", ["jane@example.com", "Jane.Doe+1@my-shop.example.co.uk"])
def test_a_plain_address_does_not_need_the_library(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is forty times as slow."""
    monkeypatch.delattr(addresses, "checked_address")
    assert email_address(text) == text.lower()


# ---------------------------------------------------------------- phone numbers

KINDS = [
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.TOLL_FREE,
    phonenumbers.PhoneNumberType.UAN,
    phonenumbers.PhoneNumberType.VOIP,
]
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
USUAL_REGIONS = ["US", "CA", "GB", "DE", "FR", "IT", "KR", "AR", "BR", "MX", "RU", "AU"]
CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
SEPARATORS = (" ", " ", "-", ".", "(", ")", ") ", " (", "/", "  ", " - ", "x", "#", ",", "\u00a0")


@functools.cache
def numbers_of(region: str) -> list[tuple[int, str, str]]:
    """Return a number of each kind: country code, national number, and as it is written there."""
    found = [phonenumbers.example_number_for_type(region, kind) for kind in KINDS]
    national = phonenumbers.PhoneNumberFormat.NATIONAL
    told = {
        (
            phonenumbers.country_code_for_region(region),
            phonenumbers.national_significant_number(number),
            phonenumbers.format_number(number, national),
        )
        for number in found
        if number is not None
    }
    return sorted(told)


def changed(digits: str, chance: random.Random) -> str:
    """Return *digits* with some others, some more or some fewer."""
    parts = list(digits)
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(parts))
        parts[at] = chance.choice(["", *"0123456789", *"0123456789", "00", "11"])
    return "".join(parts)


def written_numbers(count: int) -> Iterator[tuple[str, str]]:
    """Yield numbers of all regions as people write them, with a region, the same ones each time."""
    chance = random.Random(8)
    for _ in range(count):
        region = chance.choice(USUAL_REGIONS if chance.random() < 0.5 else REGIONS)
        code, digits, national = chance.choice(numbers_of(region))
        prefix = chance.choice(["", "", "", "0", "1", "8", "00", "011", "06", "01"])
        written = chance.choice(
            [
                f"+{code}{chance.choice(['', '', '0', '1', '8', '15'])}{changed(digits, chance)}",
                f"+{chance.choice(CODES)}{chance.randrange(10 ** chance.randrange(3, 12))}",
                changed(national, chance),
                f"{prefix}{changed(digits, chance)}",
                str(chance.randrange(10 ** chance.randrange(4, 14))),
                f"{code}{digits}",
            ]
        )
        if chance.random() < 0.4:
            at = chance.randrange(len(written) + 1)
            written = written[:at] + chance.choice(SEPARATORS) + written[at:]
        yield written, region


def test_a_phone_number_comes_out_as_from_the_library() -> None:
    """Whatever the short way answers; it answers for many."""
    answered = 0
    written = list(written_numbers(examples(6_000)))
    for text, region in written:
        plain = plain_e164(text, region)
        if plain is not None:
            answered += 1
            assert plain == by_phonenumbers(text, region), (text, region)
    assert answered > len(written) / 6


@UNTIMED
@given(
    st.text("+0123456789 ()-.\u0661\u00b2x"),
    st.sampled_from([*REGIONS, "ZZ", "", "us"]) | st.none(),
)
def test_anything_like_a_phone_number_comes_out_as_from_the_library(
    text: str, region: str | None
) -> None:
    """Whatever is put together."""
    plain = plain_e164(text, region)
    assert plain is None or plain == by_phonenumbers(text, region)


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("+12025550123", None, "+12025550123"),
        ("+44 7700 900123", "DE", "+447700900123"),
        ("0044 7700 900123", None, "+447700900123"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("202.555.0123", "CA", "+12025550123"),
    ],
)
def test_a_plain_phone_number_does_not_need_the_library(
    written: str, region: str | None, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is ten times as slow."""
    monkeypatch.delattr(phones, "parsed_e164")
    assert phones.e164(written, region=region) == number


@pytest.mark.parametrize("region", REGIONS)
def test_numbers_of_every_region_come_out_as_from_the_library(region: str) -> None:
    """In all their forms, from at home and from abroad."""
    for code, digits, national in numbers_of(region):
        for written in (f"+{code}{digits}", f"+{code} {digits}", national, digits, f"0{digits}"):
            plain = plain_e164(written, region)
            assert plain is None or plain == by_phonenumbers(written, region)


@pytest.mark.parametrize("region", ["ZZ", "", "us", None])
def test_a_region_that_is_none_has_no_national_numbers(region: str | None) -> None:
    """Neither way; a country code serves everywhere."""
    assert plain_e164("202-555-0123", region) is None
    assert by_phonenumbers("202-555-0123", region) is None
    assert plain_e164("+1 202-555-0123", region) == "+12025550123"

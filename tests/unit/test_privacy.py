"""What people may read: nobody's address, and nothing that steers their terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_sync.privacy import mask_email, mask_text, printable


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("jane.doe@example.com", "j***@example.com"),
        ("j@example.com", "j***@example.com"),
        ("@example.com", "***@example.com"),
        ("no address at all", "***"),
        ("", "***"),
    ],
)
def test_an_address_keeps_its_first_character_and_its_domain(email: str, masked: str) -> None:
    """Enough to recognise somebody by, not enough to write to."""
    assert mask_email(email) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("<jane@example.com>, mary@example.org!", "<j***@example.com>, m***@example.org!"),
        ('"jane@example.com" is taken', '"j***@example.com" is taken'),
        ("mail (jane@example.com): no", "mail (j***@example.com): no"),
        ("jane.doe+x@example.com", "j***@example.com"),
        ("at 5 @ noon", "at 5 @ noon"),
        ("", ""),
    ],
)
def test_every_address_in_a_text_is_masked(text: str, masked: str) -> None:
    """Wherever it stands."""
    assert mask_text(text) == masked


def test_a_long_text_without_an_address_is_read_but_once() -> None:
    """Were every character tried as a beginning, this would take hours."""
    text = "x" * 2_000_000
    assert mask_text(text) == text


@given(st.text(), st.text())
def test_nobody_is_found_in_a_masked_text(before: str, after: str) -> None:
    """Whatever stands around the address."""
    assert "jane.doe@" not in mask_text(f"{before} jane.doe@example.com {after}")


@pytest.mark.parametrize(
    "odd",
    [
        "\x1b]0;x\x07",
        "\x9b31m",
        "a\rb",
        "a\nb",
        "\u202egnirts",
        "\u2066x",
        "\ud800",
        "\u2028",
        "\x00",
    ],
)
def test_what_steers_a_terminal_is_replaced(odd: str) -> None:
    """Escapes, controls, line breaks, overrides of direction, half characters."""
    shown = printable(odd)
    assert len(shown) == len(odd)
    assert "\N{REPLACEMENT CHARACTER}" in shown
    assert shown.isprintable() or "\N{REPLACEMENT CHARACTER}" in shown
    shown.encode()


@pytest.mark.parametrize("text", ["Zoë", "日本", "[red]x[/red]", "😀", "non\u00a0breaking"])
def test_everything_else_stays(text: str) -> None:
    """People have all kinds of names."""
    assert printable(text) == text


@given(st.text())
def test_a_printable_text_can_be_printed(text: str) -> None:
    """On one line, in UTF-8."""
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()

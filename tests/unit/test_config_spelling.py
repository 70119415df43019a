"""Keys, limits, durations and sizes as people write them."""

from datetime import timedelta

import pytest

from customer_sync.config import parse_duration, parse_limit, parse_size
from customer_sync.config.problems import listed, nearest
from customer_sync.config.spelling import snake_case
from customer_sync.core.model import Limit


@pytest.mark.parametrize(
    ("key", "first_spelling"),
    [
        ("list_id", "list_id"),
        ("listId", "list_id"),
        ("fullRefreshEvery", "full_refresh_every"),
        ("source", "source"),
        ("customer-sync", "customer_sync"),
        ("customerSync", "customer_sync"),
    ],
)
def test_first_spelling(key: str, first_spelling: str) -> None:
    """Both spellings of a key have the same first spelling."""
    assert snake_case(key) == first_spelling


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("0", Limit(count=0)),
        ("250", Limit(count=250)),
        ("10%", Limit(share=0.1)),
        (" 2.5 % ", Limit(share=0.025)),
        ("0%", Limit(share=0.0)),
        ("100%", Limit(share=1.0)),
    ],
)
def test_limit(text: str, limit: Limit) -> None:
    """A whole number or a share."""
    assert parse_limit(text) == limit


@pytest.mark.parametrize("text", ["", "-1", "0.1", "101%", "100.5%", "%", "ten", "1e3", "٣"])
def test_no_limit(text: str) -> None:
    """Anything else is refused with what a limit is."""
    with pytest.raises(ValueError, match="whole number, or a share"):
        parse_limit(text)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        ("2 w", timedelta(weeks=2)),
    ],
)
def test_duration(text: str, duration: timedelta) -> None:
    """A whole number and its unit."""
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "7", "7 days", "1.5h", "-1h", "h", "1h30m", "9999999s"])
def test_no_duration(text: str) -> None:
    """Anything else is refused with what a duration is."""
    with pytest.raises(ValueError, match="whole number and its unit"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("500kB", 500_000), ("10MB", 10_000_000), (" 2 GB ", 2_000_000_000)]
)
def test_size(text: str, size: int) -> None:
    """A whole number and its unit, in thousands."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "10", "10 B", "10mb", "1.5MB", "-1MB", "9999999MB"])
def test_no_size(text: str) -> None:
    """Anything else is refused with what a size is."""
    with pytest.raises(ValueError, match="kB, MB or GB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("soruce", ["enabled", "source"], "source"),
        ("Shopify", ["shopify", "magento"], "shopify"),
        ("list-id", ["list_id", "listId"], "list_id"),
        ("x", ["enabled", "source"], None),
        ("source" * 1000, ["source"], None),
    ],
)
def test_nearest(word: str, known: list[str], meant: str | None) -> None:
    """A slip finds its word; what resembles nothing finds none; case and dashes do not count."""
    assert nearest(word, known) == meant


def test_enumeration() -> None:
    """Words are listed as a sentence would."""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"]) == "a or b"
    assert listed(["a", "b", "c"], last="and") == "a, b and c"

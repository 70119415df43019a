"""Whether a text is about somebody."""

import pytest

from builders import JANE
from customer_sync.core.proving.mentions import Mentions, is_record_of


@pytest.mark.parametrize(
    ("text", "is_mention"),
    [
        ("jane@example.com", True),
        ("JANE@Example.com", True),
        ('{"email":"jane@example.com","id":"1"}', True),
        ("Write to <jane@example.com>, please.", True),
        ("She is jane@example.com.", True),
        (r'{"note":"first\njane@example.com\nlast"}', True),
        ("mary.jane@example.com", False),
        ("jane@example.com.au", False),
        ("jane@example.community", False),
        ("jane+shop@example.com", False),
        ("nobody", False),
    ],
)
def test_an_address_counts_as_a_whole_word(text: str, is_mention: bool) -> None:
    """Somebody else's address that holds it is not the person's."""
    assert Mentions([JANE]).any_in(text) is is_mention


def test_addresses_are_struck_from_a_text() -> None:
    """All of them, and nothing else."""
    text = "from jane@example.com to mary.jane@example.com"
    assert Mentions([JANE]).struck_from(text) == "from (erased) to mary.jane@example.com"


@pytest.mark.parametrize(
    ("record", "is_theirs"),
    [
        ({"id": "5"}, True),
        ({"id": 5}, True),
        ({"record": {"event": "customer_created", "data": {"customer_id": 5}}}, True),
        ({"record": {"customer": {"id": 5}}}, True),
        ({"id": "55"}, False),
        ({"order": {"id": "5"}}, False),
        ({"record": {"id": None}}, False),
        ("5", False),
        (None, False),
    ],
)
def test_a_record_is_known_by_the_customers_own_id(record: object, is_theirs: bool) -> None:
    """Not by that of an order or an address."""
    assert is_record_of(record, {"5"}) is is_theirs

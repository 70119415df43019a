"""Which attribute type suits a field."""

import pytest

from customer_sync.core.model import AttributeType
from customer_sync.core.values.fields import standard_type


@pytest.mark.parametrize(
    ("field", "suits"),
    [
        ("firstName", AttributeType.TEXT),
        ("phone", AttributeType.TEXT),
        ("tags", AttributeType.TEXT),
        ("totalSpent", AttributeType.FLOAT),
        ("totalOrders", AttributeType.FLOAT),
        ("acceptsMarketing", AttributeType.BOOLEAN),
        ("birthday", AttributeType.DATE),
        ("nobodyKnows", AttributeType.TEXT),
    ],
)
def test_each_field_has_a_type_that_suits_it(field: str, suits: AttributeType) -> None:
    """What is not known is text, and so are tags, which no account defines beforehand."""
    assert standard_type(field) is suits

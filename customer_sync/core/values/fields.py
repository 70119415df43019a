"""The standard fields of a customer, and the attribute type that suits each."""

from collections.abc import Mapping
from types import MappingProxyType

from customer_sync.core.model import AttributeType

_TYPES: Mapping[str, AttributeType] = MappingProxyType(
    {
        "acceptsMarketing": AttributeType.BOOLEAN,
        "acceptsSmsMarketing": AttributeType.BOOLEAN,
        "birthday": AttributeType.DATE,
        "createdAt": AttributeType.DATE,
        "isGuest": AttributeType.BOOLEAN,
        "lastOrderDate": AttributeType.DATE,
        "taxExempt": AttributeType.BOOLEAN,
        "totalOrders": AttributeType.FLOAT,
        "totalSpent": AttributeType.FLOAT,
        "updatedAt": AttributeType.DATE,
        "verifiedEmail": AttributeType.BOOLEAN,
    }
)


def standard_type(field: str) -> AttributeType:
    """Return the type that an attribute for *field* (in camelCase) should have.

    Text suits everything else, tags included: a multiple-choice attribute takes only options that
    were defined beforehand, which a shop's tags are not.
    """
    return _TYPES.get(field, AttributeType.TEXT)

"""What the account of the emulator's tests has besides what every account has."""

from customer_sync.core.model import Attribute, AttributeType

ATTRIBUTES: dict[str, AttributeType | Attribute] = {
    "TOTAL": AttributeType.FLOAT,
    "BORN": AttributeType.DATE,
    "VIP": AttributeType.BOOLEAN,
    "GENDER": Attribute(
        name="GENDER", type=AttributeType.CATEGORY, options={"1": "Women", "2": "Men"}
    ),
    "TAGS": Attribute(
        name="TAGS",
        type=AttributeType.MULTIPLE_CHOICE,
        options={"red": "red", "green": "green", "blue": "blue"},
    ),
}
"""One attribute of each type; the options are few."""

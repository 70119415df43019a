"""What a configuration's mapping asks of the readers."""

from collections import defaultdict
from collections.abc import Iterable

from customer_sync.core.model import FieldRule
from customer_sync.platforms.canonical import FIELDS
from customer_sync.platforms.format import Wanted

_ADDRESS = "EMAIL"


def wanted(
    rules: Iterable[FieldRule],
    *,
    include_guests: bool = False,
    consent_field: str | None = None,
    records: str | None = None,
) -> Wanted:
    """Return what *rules* need beyond the canonical fields, and where they need them from."""
    fields: set[str] = set()
    aliases: dict[str, list[str]] = defaultdict(list)
    for rule in rules:
        if rule.field not in FIELDS:
            fields.add(rule.field)
        aliases[rule.field].extend(rule.aliases)
        if rule.attribute == _ADDRESS and rule.field != "email":
            # Who somebody is has to be known before anything is mapped.
            aliases["email"].append(rule.field)
    return Wanted(
        fields=frozenset(fields),
        include_guests=include_guests,
        consent_field=consent_field,
        aliases={field: tuple(names) for field, names in aliases.items() if names},
        records=records,
    )


def identity(asked: Wanted) -> frozenset[str]:
    """Return the further names that a customer's id and address go by."""
    return frozenset((*asked.aliases.get("id", ()), *asked.aliases.get("email", ())))

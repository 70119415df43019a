"""What a complete export implies: whoever it does not list is gone."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from customer_sync.core.model import Confirmed, Customer, Email, Rejection


class Listing:
    """Absence from a complete export, with care for records that could not be read.

    A rejected record is no absence. Where one does not even tell whom it is about, nobody's
    absence can be believed.
    """

    def __init__(self) -> None:
        self._spared: set[str] = set()
        self._is_doubtful = False

    def spare(self, rejection: Rejection) -> None:
        """Take note of a record that is there but unusable."""
        names = set(names_in(rejection.content))
        self._spared |= names
        self._is_doubtful = self._is_doubtful or not names

    @property
    def is_doubtful(self) -> bool:
        """Tell whether somebody is listed in a way that nobody can read."""
        return self._is_doubtful

    def present(self, listed: Iterable[Customer]) -> Collection[str]:
        """Return every address and id by which somebody may be listed."""
        return {name for c in listed for name in (c.email, *c.former_emails, *c.ids)} | self._spared

    def absent(
        self,
        living: Iterable[tuple[Confirmed, frozenset[str]]],
        listed: Mapping[Email, Customer],
        now: datetime,
    ) -> Iterator[Customer]:
        """Yield a tombstone for each of the *living* that the export does not list."""
        if self._is_doubtful:
            return
        present = self.present(listed.values())
        for confirmed, ids in living:
            if confirmed.email in present or not ids.isdisjoint(present):
                continue
            yield Customer(
                email=confirmed.email,
                email_at=confirmed.last_at,
                ids=ids,
                deleted_at=now,
                is_deleted=True,
                last_at=now,
                statements=0,
            )


def names_in(content: object) -> Iterator[str]:
    """Yield whatever may be an address or an id in a record that broke the rules."""
    if not isinstance(content, Mapping):
        return
    for part in (content, content.get("data")):
        if isinstance(part, Mapping):
            for key in ("email", "id", "customer_id", "customerId"):
                value = part.get(key)
                if isinstance(value, str) and value.strip():
                    yield value.strip().lower() if key == "email" else value.strip()
                elif isinstance(value, int) and not isinstance(value, bool):
                    yield str(value)

"""Once a run has accepted what it was told, nobody needs the source any more."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from customer_sync.store import QueueItem, Store
from session_stage import Shop, event


class Killed(BaseException):
    """The process ends here."""


class StoreOfTheDying(Store):
    """A state whose process dies as soon as everything is accepted."""

    def accept(self, items: Sequence[QueueItem]) -> None:
        """Queue, and die."""
        super().accept(items)
        raise Killed


def test_a_deletion_that_changes_no_contact_is_accepted_too(tmp_path: Path) -> None:
    """Two customers share an address, so that the contact of one who is deleted lives on."""
    shop = Shop(tmp_path)
    shared = "shared@example.com"
    shop.run(event("created", 1, email=shared), event("created", 2, email=shared))
    shop.state_type = StoreOfTheDying
    with pytest.raises(Killed):
        shop.run(event("deleted", 1, email=shared, at="2024-02-01T00:00:00Z"), event("created", 3))
    with shop.memory() as store:
        assert store.identities(["1", "2"], []).deleted.keys() == {"1"}
        assert len(store.queue()) == 1

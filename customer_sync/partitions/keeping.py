"""The contacts that are right as they are, on disk until the plan is applied."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from customer_sync.core.model import Email, Keep
from customer_sync.partitions.gather import kept
from customer_sync.run.journal import RunJournal
from customer_sync.run.settling import BlockTally, Settled


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptParts:
    """Those of all partitions."""

    folder: Path | None
    count: int
    tally: BlockTally

    def settle(self, journal: RunJournal, written: Collection[Email]) -> Iterator[Settled]:
        """Confirm them, and yield the blocks of the input that hold nobody else.

        What waits for an address that is *written* goes on waiting.
        """
        if self.folder is None:
            return iter(())
        return self.tally.settled(self._steady(journal, written, self.folder))

    def _steady(
        self, journal: RunJournal, written: Collection[Email], folder: Path
    ) -> Iterator[tuple[Keep, bytes | None]]:
        for number in range(self.count):
            rows = list(kept(folder, number))
            homes = {id(row.change): row.home for row in rows}
            known = {email: one for row in rows for email, one in row.known.items()}
            keeps = [row.change for row in rows]
            for change in journal.settle_kept(keeps, known, written):
                yield change, homes[id(change)]

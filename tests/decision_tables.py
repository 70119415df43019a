"""The tables of docs/consent.md, as rows that tests run."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from customer_sync.core.model import Note

PAGE = Path(__file__).resolve().parents[1] / "docs" / "consent.md"

EITHER = "either"
NONE = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """One line of the table of consent."""

    shop: str
    said: str
    holds: str
    block: str
    resubscribe: str
    afterwards: str
    note: str

    def __str__(self) -> str:
        return f"{self.shop}/{self.said}/{self.holds}/{self.block}/{self.resubscribe}"

    @property
    def policies(self) -> tuple[str, ...]:
        """The values of `resubscribe` that the row is about."""
        return ("never", "newer") if self.resubscribe == EITHER else (self.resubscribe,)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """One line of the table of edits in Brevo."""

    shop: str
    wrote: str
    holds: str
    on_drift: str
    afterwards: str
    note: str

    def __str__(self) -> str:
        return f"{self.shop}/{self.wrote}/{self.holds}/{self.on_drift}"

    @property
    def policies(self) -> tuple[str, ...]:
        """The values of `on_drift` that the row is about."""
        return ("source", "brevo") if self.on_drift == EITHER else (self.on_drift,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """One line of the table of the list."""

    put: str
    holds: str
    on_drift: str
    afterwards: str
    note: str

    def __str__(self) -> str:
        return f"{self.put}/{self.holds}/{self.on_drift}"

    @property
    def policies(self) -> tuple[str, ...]:
        """The values of `on_drift` that the row is about."""
        return ("source", "brevo") if self.on_drift == EITHER else (self.on_drift,)


def words(note: Note) -> str:
    """Return a note as the tables call it, the same for mail and for SMS."""
    return note.name.lower().removeprefix("sms_").replace("_", " ").replace("in brevo", "in Brevo")


def _tables() -> Iterator[list[list[str]]]:
    """Yield the cells of every table of the page, without its two lines of heading."""
    rows: list[list[str]] = []
    for line in [*PAGE.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            yield rows[2:]
            rows = []


_CONSENT, _DRIFT, _LIST = _tables()

CONSENT = tuple(
    ConsentRow(
        shop=shop,
        said=said,
        holds=holds,
        block=block,
        resubscribe=resubscribe,
        afterwards=afterwards,
        note=note,
    )
    for shop, said, holds, block, resubscribe, afterwards, note in _CONSENT
)
DRIFT = tuple(
    DriftRow(
        shop=shop, wrote=wrote, holds=holds, on_drift=on_drift, afterwards=afterwards, note=note
    )
    for shop, wrote, holds, on_drift, afterwards, note in _DRIFT
)
LIST = tuple(
    ListRow(put=put, holds=holds, on_drift=on_drift, afterwards=afterwards, note=note)
    for put, holds, on_drift, afterwards, note in _LIST
)

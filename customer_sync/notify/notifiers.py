"""Services that installed packages reach, each by the first part of its addresses."""

from collections.abc import Callable
from dataclasses import dataclass

from customer_sync.config import Secret
from customer_sync.notify.delivery import Answer
from customer_sync.privacy import mask_text, printable
from customer_sync.store.outbox import Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """A way to tell somebody how a run ended."""

    scheme: str
    """What the addresses begin with, before `://`."""
    doc: str
    """One sentence for people: whom it tells."""
    send: Callable[[str, Letter], Answer]
    """Send a letter to an address, once, within seconds, and say what came of it.

    Whatever it raises counts as a failure that may pass. It is called from a thread of its own.
    """


_by_scheme: dict[str, Notifier] = {}


def notifiers() -> tuple[Notifier, ...]:
    """Return those of all installed packages."""
    return tuple(_by_scheme.values())


def add_notifier(notifier: Notifier) -> None:
    """Let addresses name one more; to be called before the first run."""
    _by_scheme[notifier.scheme] = notifier


def notifier_for(address: Secret) -> Notifier | None:
    """Return who reaches *address*; None where no installed package does."""
    scheme, _, _ = address.reveal().partition("://")
    return _by_scheme.get(scheme.strip().lower())


class Installed:
    """One service that an installed package reaches; its address is shown to nobody."""

    def __init__(self, variable: str, address: Secret, notifier: Notifier) -> None:
        self.name = variable
        self._address = address.reveal().strip()
        self._notifier = notifier

    def __repr__(self) -> str:
        return f"Installed({self.name!r})"

    def send(self, letter: Letter) -> Answer:
        """Send *letter*, once."""
        scheme = self._notifier.scheme
        try:
            answer = self._notifier.send(self._address, letter)
            told = mask_text(printable(answer.told.replace(self._address, f"{scheme}://***")))
            return Answer(
                is_delivered=answer.is_delivered,
                told=told,
                may_be_repeated=answer.may_be_repeated,
            )
        except Exception as error:  # noqa: BLE001 # whatever a stranger's function may raise
            # Its words may hold the address.
            return Answer(is_delivered=False, told=f"{scheme} failed ({type(error).__name__})")

    def close(self) -> None:
        """Nothing is held open."""

"""Sends what waits in the outbox, at once and one after the other."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from customer_sync.notify.delivery import Pause, deliver
from customer_sync.notify.herald import note
from customer_sync.notify.recipients import Recipients
from customer_sync.store import Outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """What came of it, by the names of the recipients."""

    delivered: Mapping[str, int]
    left: Mapping[str, int]
    """How many still wait."""
    reasons: Mapping[str, str]
    """Why."""


def flush(outbox: Outbox, recipients: Recipients, *, pause: Pause) -> Flushed:
    """Send everything, to each recipient until one letter does not arrive."""
    reasons = {name: flaw.message for name, flaw in recipients.flaws.items()}
    ready = {one.name: one for one in recipients.ready}
    delivered: Counter[str] = Counter()
    for letter in outbox.letters():
        name = letter.recipient
        if name not in ready:
            reasons.setdefault(name, "the configuration names it no more")
        if name in reasons:
            continue
        answer = deliver(letter, ready[name], pause=pause)
        note(outbox, [(letter, answer)])
        delivered[name] += answer.is_delivered
        if not answer.is_delivered:
            reasons[name] = answer.told
    for one in recipients.ready:
        one.close()
    left = Counter(letter.recipient for letter in outbox.letters())
    return Flushed(
        delivered=+delivered,
        left=left,
        reasons={name: why for name, why in reasons.items() if left[name]},
    )

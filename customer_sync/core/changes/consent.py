"""Who may be mailed: a ratchet that only turns towards *no* by itself.

    the shop says                            Brevo holds   written
    no                                       mailable      a block
    no                                       blocked       nothing
    yes                                      mailable      nothing
    yes, and later than our own block        blocked       unblock, if `resubscribe: newer`
    yes, otherwise                           blocked       nothing, and a note
    nothing                                  anything      nothing

The same table holds for mail and for SMS.
"""

from datetime import datetime

from msgspec import Struct

from customer_sync.core.model import Dated, Resubscribe


class ConsentDecision(Struct, frozen=True, kw_only=True, gc=False):
    """What happens to a block."""

    blocked: bool | None = None
    """True sets the block, False lifts it, None leaves it alone."""
    is_yes_ignored: bool = False
    """The shop says yes and Brevo says no, and no it stays."""


def decide_consent(
    consent: Dated[bool] | None,
    *,
    is_blocked: bool,
    our_block_at: datetime | None,
    resubscribe: Resubscribe,
) -> ConsentDecision:
    """Return what the shop's word on mailing does to a contact.

    *our_block_at* is the time of the statement for which this tool set the block, None where
    somebody else did: the person by a link in a mail, an operator, another program.
    """
    if consent is None:
        return ConsentDecision()
    if not consent.value:
        return ConsentDecision(blocked=None if is_blocked else True)
    if not is_blocked:
        return ConsentDecision()
    is_newer = our_block_at is not None and consent.at > our_block_at
    if is_newer and resubscribe is Resubscribe.NEWER:
        return ConsentDecision(blocked=False)
    return ConsentDecision(is_yes_ignored=True)


class NewBlock(Struct, frozen=True, kw_only=True, gc=False):
    """Whether a contact that is made is blocked from the start, and why."""

    blocked: bool | None = None
    """None: a new contact may be mailed, and nothing is said of it."""
    comes_back: bool = False
    """A block of before is why, or one of the reasons."""
    is_lifted: bool = False
    """There was a block of our own, and newer consent lifts it."""


def decide_new_block(
    consent: Dated[bool] | None,
    *,
    our_block_at: datetime | None,
    was_blocked: bool,
    resubscribe: Resubscribe,
) -> NewBlock:
    """Return whether the contact of somebody who may have been blocked before is made blocked.

    *was_blocked* is what the state or the suppression ledger remembers, *our_block_at* as above.
    """
    is_remembered = was_blocked or our_block_at is not None
    if consent is not None and not consent.value:
        # The shop's no adds nothing to somebody else's block, and must not make it ours.
        return NewBlock(blocked=True, comes_back=was_blocked and our_block_at is None)
    if not is_remembered:
        return NewBlock()
    is_newer_yes = consent is not None and our_block_at is not None and consent.at > our_block_at
    if is_newer_yes and resubscribe is Resubscribe.NEWER:
        return NewBlock(is_lifted=True)
    return NewBlock(blocked=True, comes_back=True)

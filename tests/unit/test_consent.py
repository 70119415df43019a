"""Who may be mailed, as a table."""

import pytest

from builders import at, said
from customer_sync.core.changes.consent import ConsentDecision, decide_consent
from customer_sync.core.model import Resubscribe

LEAVE_ALONE = ConsentDecision()
BLOCK = ConsentDecision(blocked=True)
LIFT = ConsentDecision(blocked=False)
IGNORE_THE_YES = ConsentDecision(is_yes_ignored=True)

NEVER, NEWER = Resubscribe.NEVER, Resubscribe.NEWER
YES, NO = True, False
MAILABLE, BLOCKED = False, True
NOT_OURS = None


@pytest.mark.parametrize(
    ("consent", "said_at", "is_blocked", "our_block_at", "resubscribe", "decision"),
    [
        (None, 0, MAILABLE, NOT_OURS, NEVER, LEAVE_ALONE),
        (None, 0, BLOCKED, NOT_OURS, NEWER, LEAVE_ALONE),
        (None, 0, BLOCKED, 5, NEWER, LEAVE_ALONE),
        (NO, 9, MAILABLE, NOT_OURS, NEVER, BLOCK),
        (NO, 9, MAILABLE, NOT_OURS, NEWER, BLOCK),
        (NO, 9, BLOCKED, NOT_OURS, NEVER, LEAVE_ALONE),
        (NO, 9, BLOCKED, 5, NEWER, LEAVE_ALONE),
        (YES, 9, MAILABLE, NOT_OURS, NEVER, LEAVE_ALONE),
        (YES, 9, MAILABLE, 5, NEWER, LEAVE_ALONE),
        (YES, 9, BLOCKED, NOT_OURS, NEVER, IGNORE_THE_YES),
        (YES, 9, BLOCKED, NOT_OURS, NEWER, IGNORE_THE_YES),
        (YES, 9, BLOCKED, 5, NEVER, IGNORE_THE_YES),
        (YES, 9, BLOCKED, 5, NEWER, LIFT),
        (YES, 5, BLOCKED, 5, NEWER, IGNORE_THE_YES),
        (YES, 4, BLOCKED, 5, NEWER, IGNORE_THE_YES),
    ],
)
def test_consent_is_a_ratchet(
    *,
    consent: bool | None,
    said_at: float,
    is_blocked: bool,
    our_block_at: float | None,
    resubscribe: Resubscribe,
    decision: ConsentDecision,
) -> None:
    """Only a yes that is newer than our own block, with the operator's leave, lifts a block."""
    decided = decide_consent(
        None if consent is None else said(consent, said_at),
        is_blocked=is_blocked,
        our_block_at=None if our_block_at is None else at(our_block_at),
        resubscribe=resubscribe,
    )
    assert decided == decision

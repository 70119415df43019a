"""Shopify's consent, which came as a flag before it came as a state."""

from customer_sync.core.values.readings import is_empty
from customer_sync.core.values.transform_error import TransformError
from customer_sync.platforms.canonical import Draft, accepts, marketing_state
from customer_sync.platforms.paths import ABSENT


def put_email_consent(draft: Draft, state: object, older: object) -> None:
    """Set the consent to e-mail by *state*, or by *older* where the record has no state.

    Where both are there and disagree, the state is believed, with a warning. The flag of old was
    taken from the same decision and is only kept for old programs.
    """
    if state is ABSENT or is_empty(state):
        draft.put_email_consent(older)
        return
    draft.put_email_consent(state)
    if _contradicts(state, older):
        draft.warn(
            "acceptsMarketing",
            "An older field says otherwise than the consent object, which was believed.",
        )


def _contradicts(state: object, older: object) -> bool:
    if older is ABSENT:
        return False
    try:
        new, old = marketing_state(state), marketing_state(older)
    except TransformError:
        return False
    if new is None or old is None:
        return False
    return accepts(new) != accepts(old)

"""Consent to marketing in one vocabulary, and which answer each word of it gives."""

from enum import StrEnum

from customer_sync.core.transform_error import TransformError
from customer_sync.platforms.conversions import boolean


class MarketingState(StrEnum):
    """What a platform says about mailing a customer, as finely as any of them tells it."""

    SUBSCRIBED = "subscribed"
    NOT_SUBSCRIBED = "notSubscribed"
    UNSUBSCRIBED = "unsubscribed"
    PENDING = "pending"
    INVALID = "invalid"
    REDACTED = "redacted"


_STATE_WORDS = {
    **{state.value.casefold(): state for state in MarketingState},
    # What the checkboxes of WordPress's plugins keep.
    "on": MarketingState.SUBSCRIBED,
    "off": MarketingState.NOT_SUBSCRIBED,
}


def marketing_state(value: object) -> MarketingState | None:
    """Return the state that a platform's word means, in any spelling; yes and no count too.

    A mere *no* is *not subscribed*: files that know only yes and no write it for both of them.
    """
    if isinstance(value, str):
        word = value.strip().replace("_", "").replace(" ", "").replace("-", "").casefold()
        if word in _STATE_WORDS:
            return _STATE_WORDS[word]
    try:
        answer = boolean(value)
    except TransformError as error:
        raise TransformError("it is no state of consent that is known") from error
    if answer is None:
        return None
    return MarketingState.SUBSCRIBED if answer else MarketingState.NOT_SUBSCRIBED


def accepts(state: MarketingState) -> bool | None:
    """Return whether a customer in *state* may be mailed; None: the state decides nothing.

    - Subscribed is yes.
    - Not subscribed, unsubscribed and redacted are no, which blocks the contact.
    - Pending and invalid are unknown: who was asked to confirm has not said no, and an address that
      does not work says nothing about what its owner wants. Neither may block, or lift a block.
    """
    match state:
        case MarketingState.SUBSCRIBED:
            return True
        case MarketingState.NOT_SUBSCRIBED | MarketingState.UNSUBSCRIBED | MarketingState.REDACTED:
            return False
        case MarketingState.PENDING | MarketingState.INVALID:
            return None

"""Consent to marketing in one vocabulary, and which answer each word of it gives."""

from enum import StrEnum

from customer_sync.core.values.transform_error import TransformError
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


def accepts(state: MarketingState) -> bool:
    """Return whether a customer in *state* may be mailed.

    Subscribed is yes; everything else that a shop says is no, which blocks the contact. Whoever
    was asked to confirm and has not done so yet may not be mailed either.
    """
    return state is MarketingState.SUBSCRIBED

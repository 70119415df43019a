"""What Hypothesis may make up about a shop and an account: few names, so that things meet."""

from collections.abc import Mapping

from hypothesis import strategies as st

from builders import contact, statement
from customer_sync.core.model import (
    Contact,
    DeleteBehavior,
    Email,
    OnDrift,
    Policy,
    Resubscribe,
    Statement,
    Trigger,
    Value,
)

LIST = 5
EMAILS = tuple(Email(f"{name}@example.com") for name in ("ann", "bob", "cay", "dan"))
IDS = ("c1", "c2", "c3")

emails = st.sampled_from(EMAILS)
maybe = st.none() | st.booleans()
values: st.SearchStrategy[Value] = st.sampled_from(("x", "y", "", None, 1.5, True, ("p", "q")))
mapped: st.SearchStrategy[Mapping[str, Value]] = st.dictionaries(
    st.sampled_from(("FIRSTNAME", "TAGS", "SMS")), values, max_size=3
)
policies = st.builds(
    Policy,
    list_id=st.sampled_from((None, LIST)),
    delete_behavior=st.sampled_from(DeleteBehavior),
    deleted_attribute=st.sampled_from((None, "GONE")),
    update_enabled=st.booleans(),
    on_drift=st.sampled_from(OnDrift),
    resubscribe=st.sampled_from(Resubscribe),
)


@st.composite
def statements(
    draw: st.DrawFn, triggers: tuple[Trigger, ...] = tuple(Trigger), max_size: int = 8
) -> list[Statement]:
    """Make up statements of distinct times about few customers, in order of time."""
    count = draw(st.integers(min_value=1, max_value=max_size))
    return [draw(_statement(triggers, 10 * (n + 1))) for n in range(count)]


@st.composite
def _statement(draw: st.DrawFn, triggers: tuple[Trigger, ...], minute: int) -> Statement:
    trigger = draw(st.sampled_from(triggers))
    customer_id = draw(st.none() | st.sampled_from(IDS))
    email = draw(emails if customer_id is None else st.none() | emails)
    previous = draw(st.none() | st.none() | emails)
    says = trigger is not Trigger.DELETED
    return statement(
        trigger,
        minute,
        customer_id=customer_id,
        email=email,
        previous_email=None if previous == email else previous,
        attributes=draw(mapped) if says else {},
        email_consent=draw(maybe) if says else None,
        sms_consent=draw(maybe) if says else None,
    )


@st.composite
def accounts(draw: st.DrawFn) -> list[Contact]:
    """Make up contacts that an account may hold before the first run."""
    addresses = draw(st.lists(emails, unique=True))
    return [draw(_contact(email, number)) for number, email in enumerate(addresses, start=1)]


@st.composite
def _contact(draw: st.DrawFn, email: Email, number: int) -> Contact:
    held = {n: v for n, v in draw(mapped).items() if v not in (None, "", ())}
    left = draw(st.booleans())
    return contact(
        email,
        number=number,
        attributes={**held, "NICKNAME": "kept"},
        lists=draw(st.sets(st.sampled_from((LIST, 9)))) - ({LIST} if left else set()),
        left_lists=(LIST,) if left else (),
        email_blocked=draw(st.booleans()),
        sms_blocked=draw(st.booleans()),
    )

"""One person's way through the stages, told by the stages themselves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from customer_sync.core.changes.consent import NewBlock, decide_consent, decide_new_block
from customer_sync.core.changes.draft import same
from customer_sync.core.changes.suppression import Suppressed, remembered
from customer_sync.core.customers.news import confirmed_before
from customer_sync.core.mapping import Mapper, mentioned, region_of
from customer_sync.core.model import (
    Attribute,
    Confirmed,
    Contact,
    Customer,
    Dated,
    Email,
    Event,
    FieldRule,
    Place,
    Policy,
    Resubscribe,
    Statement,
    Step,
    Trigger,
    Value,
)
from customer_sync.core.values.transform_error import TransformError
from customer_sync.core.values.transforms import Context, apply_steps

# ---------------------------------------------------------------- mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """How one field of one record became the value of an attribute, or did not."""

    field: str
    attribute: str
    raw: object
    """What the record says; None where it says *empty*, or nothing at all."""
    is_mentioned: bool
    steps: tuple[tuple[Step, object], ...] = ()
    """Each transform with what it made of the value, up to the first that could not."""
    value: Value = None
    is_said: bool
    """Whether anything is said of the attribute: a value, or that it is empty."""
    warnings: tuple[str, ...] = ()


class Tracer:
    """Follows the fields of records through a mapping, line by line."""

    def __init__(
        self,
        rules: Sequence[FieldRule],
        attributes: Mapping[str, Attribute],
        *,
        default_region: str | None,
    ) -> None:
        self._default_region = default_region
        self._lines = [
            (rule, Mapper([rule], attributes, default_region=default_region)) for rule in rules
        ]

    def passages(self, event: Event) -> Iterator[Passage]:
        """Yield how each line of the mapping takes *event*; a deletion maps nothing."""
        if event.trigger is Trigger.DELETED:
            return
        for rule, mapper in self._lines:
            statement = mapper.map(event)
            is_there, raw = mentioned(event, rule.field)
            is_address = rule.attribute == "EMAIL"
            said = {"EMAIL": statement.email} if is_address else statement.attributes
            yield Passage(
                field=rule.field,
                attribute=rule.attribute,
                raw=raw,
                is_mentioned=is_there,
                steps=tuple(self._steps(rule, raw, event)) if is_there else (),
                value=said.get(rule.attribute),
                is_said=is_there and said.get(rule.attribute) is not None
                if is_address
                else rule.attribute in said,
                warnings=tuple(w.detail for w in statement.warnings if w.field == rule.field),
            )

    def _steps(self, rule: FieldRule, raw: object, event: Event) -> Iterator[tuple[Step, object]]:
        value = raw
        context = Context(default_region=region_of(event, self._default_region))
        for step in rule.steps:
            try:
                value = apply_steps(value, (step,), context)
            except TransformError:
                return
            yield step, value


# ---------------------------------------------------------------- folding


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What one record says of one thing."""

    place: Place
    at: datetime
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What holds of one thing after folding, and who said it."""

    name: str
    value: Value
    at: datetime
    said_by: Place | None
    """None: an earlier run, as the state or the retry queue remembers."""
    overruled: tuple[Word, ...] = ()
    """Records that say something of it too, and were not the last word."""


EMAIL_CONSENT = "consent to mail"
SMS_CONSENT = "consent to SMS"


def verdicts(customer: Customer, statements: Sequence[Statement]) -> Iterator[Verdict]:
    """Yield what holds of every attribute and consent, with the record that had the last word.

    *statements* stand in the order of the input, which settles equal times.
    """
    held: dict[str, Dated[Value]] = dict(sorted(customer.attributes.items()))
    for name, consent in (
        (EMAIL_CONSENT, customer.email_consent),
        (SMS_CONSENT, customer.sms_consent),
    ):
        if consent is not None:
            held[name] = Dated(value=consent.value, at=consent.at)
    for name, dated in held.items():
        words = [word for one in statements for word in _words(one, name)]
        agreeing = [w for w in words if w.at == dated.at and same(w.value, dated.value)]
        winner = agreeing[-1] if agreeing else None
        yield Verdict(
            name=name,
            value=dated.value,
            at=dated.at,
            said_by=winner.place if winner else None,
            overruled=tuple(word for word in words if word is not winner),
        )


def _words(statement: Statement, name: str) -> Iterator[Word]:
    consent_at = statement.consent_at or statement.occurred_at
    consents = {EMAIL_CONSENT: statement.email_consent, SMS_CONSENT: statement.sms_consent}
    if (consent := consents.get(name)) is not None:
        yield Word(place=statement.place, at=consent_at, value=consent)
    elif name in statement.attributes:
        value = statement.attributes[name]
        yield Word(place=statement.place, at=statement.occurred_at, value=value)


# ---------------------------------------------------------------- consent


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The row of the consent table that applies, and what follows from it."""

    channel: str
    shop_says: str
    brevo_holds: str
    our_block_at: datetime | None
    """The statement for which this tool set the block; None: it set none."""
    written: str
    why: str


def consents(
    customer: Customer,
    contact: Contact | None,
    confirmed: Mapping[Email, Confirmed],
    policy: Policy,
    suppressed: Suppressed,
) -> tuple[Consent, Consent]:
    """Return what the shop's word on mail and on SMS does to the contact of a living customer."""
    known = {e: confirmed[e] for e in (customer.email, *customer.former_emails) if e in confirmed}
    before = confirmed_before(customer, contact, known)
    ledger = remembered(customer.email, customer.former_emails, known, suppressed)
    was_blocked = before is not None and before.was_blocked_at_deletion
    return (
        _consent(
            "mail",
            customer.email_consent,
            None if contact is None else contact.is_email_blocked,
            our_block_at=before.email_blocked_at if before else None,
            was_blocked=ledger.is_mail_blocked or was_blocked,
            resubscribe=policy.resubscribe,
        ),
        _consent(
            "SMS",
            customer.sms_consent,
            None if contact is None else contact.is_sms_blocked,
            our_block_at=before.sms_blocked_at if before else None,
            was_blocked=ledger.is_sms_blocked,
            resubscribe=policy.resubscribe,
        ),
    )


def _consent(
    channel: str,
    said: Dated[bool] | None,
    is_blocked: bool | None,  # None: there is no contact
    *,
    our_block_at: datetime | None,
    was_blocked: bool,
    resubscribe: Resubscribe,
) -> Consent:
    if is_blocked is None:
        new = decide_new_block(
            said, our_block_at=our_block_at, was_blocked=was_blocked, resubscribe=resubscribe
        )
        blocked, why = new.blocked, _why_new(new, said)
    else:
        blocked = decide_consent(
            said, is_blocked=is_blocked, our_block_at=our_block_at, resubscribe=resubscribe
        ).blocked
        is_ours = our_block_at is not None
        why = _why_held(
            said, is_blocked=is_blocked, is_ours=is_ours, written=blocked, resubscribe=resubscribe
        )
    return Consent(
        channel=channel,
        shop_says="nothing" if said is None else ("yes" if said.value else "no"),
        brevo_holds={None: "no contact", True: "blocked", False: "mailable"}[is_blocked],
        our_block_at=our_block_at,
        written={None: "nothing", True: "a block", False: "the end of the block"}[blocked],
        why=why,
    )


_LIFTED = "the yes is newer than our own block, and `resubscribe: newer` lets it count"


def _why_new(new: NewBlock, said: Dated[bool] | None) -> str:
    if new.is_lifted:
        return _LIFTED
    if said is not None and not said.value:
        return "whoever says no gets a contact that is blocked from the start"
    if new.comes_back:
        return "whoever was blocked before comes back blocked"
    return "a new contact may be mailed, and nothing has to be said of it"


def _why_held(
    said: Dated[bool] | None,
    *,
    is_blocked: bool,
    is_ours: bool,
    written: bool | None,  # a flag with three values, as in ContactPatch
    resubscribe: Resubscribe,
) -> str:
    if said is None:
        return "silence is neither yes nor no"
    if not said.value:
        return "Brevo holds the no already" if is_blocked else "a no is written"
    if not is_blocked:
        return "the contact may be mailed already"
    return _why_blocked(is_ours=is_ours, written=written, resubscribe=resubscribe)


def _why_blocked(*, is_ours: bool, written: bool | None, resubscribe: Resubscribe) -> str:
    """Tell why a yes lifts a block, or does not."""
    if written is False:
        return _LIFTED
    if not is_ours:
        return "the shop's yes never lifts the block of somebody else"
    if resubscribe is Resubscribe.NEVER:
        return "our own block stays, as `resubscribe: never` says"
    return "our own block is as new as the yes, or newer"

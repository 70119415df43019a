"""POST /contacts/export: who is exported, and the CSV that the process leaves behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from customer_sync.sandbox import (
    attributes,
    contacts,
    folders,
    importing,
    listing,
    processes,
    reading,
    tables,
)
from customer_sync.sandbox.account import Account, Answer, Call
from customer_sync.sandbox.errors import invalid, missing, not_found
from customer_sync.sandbox.filters import NOBODY, Condition
from customer_sync.sandbox.identifiers import Identifier
from customer_sync.sandbox.processes import Work
from customer_sync.sandbox.timeline import timestamp


class ContactAction(StrEnum):
    """Which contacts of a list or segment are exported."""

    ALL = "allContacts"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBED = "unsubscribed"
    UNSUBSCRIBED_PER_LIST = "unsubscribedPerList"


class EmailAction(StrEnum):
    """What contacts did with an e-mail campaign."""

    OPENERS = "openers"
    NON_OPENERS = "nonOpeners"
    CLICKERS = "clickers"
    NON_CLICKERS = "nonClickers"
    UNSUBSCRIBED = "unsubscribed"
    HARD_BOUNCES = "hardBounces"
    SOFT_BOUNCES = "softBounces"


class SmsAction(StrEnum):
    """What became of an SMS campaign."""

    HARD_BOUNCES = "hardBounces"
    SOFT_BOUNCES = "softBounces"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an export is to write, as it waits in the file."""

    action: ContactAction | None
    """None: an action on campaigns, of which a sandbox has none."""
    list_id: int | None
    segment_id: int | None
    columns: Sequence[str]
    in_utc: bool


def submit(call: Call) -> Answer:
    """Take an export and answer 202.

    Raises:
        BrevoFault: The filter names no action, or an action on contacts without list and segment:
            there is no export of the whole base.
    """
    account, body = call.account, reading.json_object(call.body)
    chosen = reading.mapping(body, "customContactFilter")
    if not chosen:
        raise missing("customContactFilter is missing")
    action = _action(chosen)
    list_id, segment_id = _group(account, chosen, is_needed=action is not None)
    order = Order(
        action=action,
        list_id=list_id,
        segment_id=segment_id,
        columns=_columns(body),
        in_utc=bool(reading.flag(body, "exportDateInUTC")),
    )
    reading.flag(body, "disableNotification")
    notify_url = importing.local_url(body, "notifyUrl")
    process_id = processes.submit(
        account, Work.EXPORT, processes.as_order(order), notify_url=notify_url
    )
    return Answer(status=202, content={"processId": process_id})


def _action(chosen: Mapping[str, object]) -> ContactAction | None:
    name = "actionForContacts"
    on_contacts = reading.word(reading.text(chosen, name), ContactAction, name)
    name = "actionForEmailCampaigns"
    on_email = reading.word(reading.text(chosen, name), EmailAction, name)
    name = "actionForSmsCampaigns"
    on_sms = reading.word(reading.text(chosen, name), SmsAction, name)
    if sum(each is not None for each in (on_contacts, on_email, on_sms)) != 1:
        raise missing("Exactly one action should be passed in customContactFilter")
    is_bounce = on_email in (EmailAction.HARD_BOUNCES, EmailAction.SOFT_BOUNCES)
    if on_email is not None and not is_bounce and reading.number(chosen, "emailCampaignId") is None:
        raise missing("emailCampaignId is missing")
    return on_contacts


def _group(
    account: Account, chosen: Mapping[str, object], *, is_needed: bool
) -> tuple[int | None, int | None]:
    list_id, segment_id = reading.number(chosen, "listId"), reading.number(chosen, "segmentId")
    if is_needed and list_id is None and segment_id is None:
        raise missing("listId or segmentId is missing")
    if list_id is not None and not folders.list_rows(account, "id = ?", (list_id,)):
        raise not_found("List ID does not exist", 400)
    if segment_id is not None:
        listing.segment(account, segment_id, attributes.definitions(account))
    return list_id, segment_id


def _columns(body: Mapping[str, object]) -> tuple[str, ...]:
    own = tuple(name.upper() for name in reading.texts(body, "exportAttributes") or ())
    metadata = reading.texts(body, "exportMetadata") or ()
    statuses = reading.texts(body, "exportSubscriptionStatus") or ()
    is_mandatory = reading.flag(body, "exportMandatoryAttributes") is not False
    if not own and not is_mandatory:
        raise invalid("exportAttributes is needed without the mandatory attributes")
    mandatory = ("EMAIL", "ADDED_TIME", "MODIFIED_TIME") if is_mandatory else ()
    return tuple(dict.fromkeys((*mandatory, *own, *metadata, *statuses)))


def run(account: Account, order: Order) -> str:
    """Return the export as CSV."""
    definitions = attributes.definitions(account)
    conditions = [_by_action(order.action)]
    if order.list_id is not None:
        conditions.append(listing.on_lists(account, (order.list_id,)))
    if order.segment_id is not None:
        conditions.append(listing.segment(account, order.segment_id, definitions))
    zone = "UTC" if order.in_utc else account.settings.timezone
    rows = [
        {
            **contacts.shown_attributes(account, definitions, contact),
            "EMAIL": contact.identifiers.get(Identifier.EMAIL),
            "ADDED_TIME": timestamp(contact.created_at, zone),
            "MODIFIED_TIME": timestamp(contact.modified_at, zone),
            "_listIds": lists,
            "email_marketing": _subscription(is_blocked=contact.is_email_blocked),
            "sms_marketing": _subscription(is_blocked=contact.is_sms_blocked),
        }
        for contact, lists in listing.matching(account, conditions)
    ]
    return tables.write(order.columns, rows)


def _by_action(action: ContactAction | None) -> Condition:
    match action:
        case ContactAction.ALL:
            return Condition(sql="TRUE")
        case ContactAction.SUBSCRIBED:
            return Condition(sql="NOT email_blocked")
        case ContactAction.UNSUBSCRIBED:
            return Condition(sql="email_blocked")
        case ContactAction.UNSUBSCRIBED_PER_LIST | None:
            return NOBODY


def _subscription(*, is_blocked: bool) -> str:
    return "unsubscribed" if is_blocked else "subscribed"

"""Everything that is held about one person, as a document that explains itself."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
from msgspec import structs

from customer_sync.brevo.client import BrevoClient
from customer_sync.clock import Clock
from customer_sync.core.changes.suppression import Suppression
from customer_sync.core.model import Contact, ContactId, Email
from customer_sync.core.proving.mentions import Person
from customer_sync.errors import BrevoError
from customer_sync.past.waiting import DROPPED_FILE
from customer_sync.persons.erasure import is_theirs
from customer_sync.persons.leftovers import records_of, withheld_of
from customer_sync.run.rejects import REJECTS_FILE
from customer_sync.run.withholding import WITHHELD_FILE
from customer_sync.store import Store
from customer_sync.store.holdings import Holdings
from customer_sync.target import Connection, state_file

_EXPLAINED: Mapping[str, str] = {
    "confirmed": "What the program last wrote to Brevo for the person with success, field by "
    "field, each with the time at which the shop said it. It is kept to tell what is new.",
    "identities": "Which number the shop gives the customer, and where it was last seen.",
    "queue": "Changes that could not be written yet and are tried again: the shop's fields, the "
    "last error, and when it is tried next.",
    "operations": "The journal: each change that was written or tried, with the contact as it was "
    "before, so that a run can be undone.",
    "mirror": "A copy of the contact as Brevo last showed it, kept to save requests.",
    REJECTS_FILE: "Records of the shop about the person that could not be used, kept to be mended.",
    DROPPED_FILE: "Changes that an operator took off the queue, kept to be fed in again.",
    WITHHELD_FILE: "Deletions of the person's contact that wait for an operator's confirmation.",
}

_LEDGER = (
    "The ledger keeps keyed hashes instead of addresses. It remembers who must not be mailed again "
    "although the contact is gone, and who was erased at their own request."
)
_BREVO = "The contact at Brevo, as it is now: every field, the lists with their names, the blocks."
_NOT_COVERED = (
    "Files that the shop's exports are read from, and what the shop itself holds.",
    "Plans that an operator kept with `plan --out`, and reports that were kept elsewhere.",
    "Backups of the folder of the state.",
    "Statistics of campaigns and anything else at Brevo besides the contact itself.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the state holds."""

    person: Person
    holdings: Holdings = field(default_factory=Holdings)
    suppression: Suppression | None = None
    contact_ids: frozenset[ContactId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What Brevo holds."""

    contacts: tuple[Contact, ...]
    list_names: Mapping[int, str]


def export(connection: Connection, email: Email, *, is_offline: bool) -> bytes:
    """Return all that is held about the person at *email*, as JSON; nothing is changed.

    Raises:
        BrevoError: Brevo cannot be asked; with *is_offline* it is not.
        StoreError: the state cannot be read.
    """
    clock = connection.clock()
    path = connection.state / state_file(connection.config.brevo.target)
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(Store(path)) if path.exists() else None
        known = _known(store, email)
        try:
            held = None if is_offline else _at_brevo(connection, clock, known)
        except BrevoError as error:
            error.hint = "With --offline the document is made without what Brevo holds."
            raise
        if held is not None and store is not None:
            # A number may by now be that of somebody else's contact.
            own = tuple(c for c in held.contacts if is_theirs(c, store, known.person))
            held = replace(held, contacts=own)
    document = _document(connection, known, held, clock.now())
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def _known(store: Store | None, email: Email) -> _Known:
    if store is None:
        return _Known(person=Person(email=email, emails=frozenset({email})))
    person = store.person(email)
    return _Known(
        person=person,
        holdings=store.holdings(person),
        suppression=store.suppression(email),
        contact_ids=store.contact_ids(person),
    )


def _at_brevo(connection: Connection, clock: Clock, known: _Known) -> _Held:
    async def working() -> _Held:
        async with connection.open(clock) as account:
            return await _held(account, known)

    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        return runner.run(working())


async def _held(account: BrevoClient, known: _Known) -> _Held:
    refs: list[Email | ContactId] = [*sorted(known.person.emails), *sorted(known.contact_ids)]
    found: dict[ContactId, Contact] = {}
    for ref in refs:
        contact = None if ref in found else await account.contact(ref)
        if contact is not None:
            found[contact.id] = contact
    names = {one.id: one.name for one in await account.lists()} if found else {}
    return _Held(contacts=tuple(found.values()), list_names=names)


def _shown(contact: Contact, names: Mapping[int, str]) -> dict[str, object]:
    def lists(ids: frozenset[int]) -> list[dict[str, object]]:
        return [{"id": one, "name": names.get(one)} for one in sorted(ids)]

    return {
        "id": contact.id,
        "email": contact.email,
        "attributes": dict(contact.attributes),
        "lists": lists(contact.list_ids),
        "unsubscribed_from": lists(contact.unsubscribed_list_ids),
        "is_blocked_for_mail": contact.is_email_blocked,
        "is_blocked_for_sms": contact.is_sms_blocked,
        "modified_at": contact.modified_at,
    }


def _document(
    connection: Connection,
    known: _Known,
    held: _Held | None,
    now: datetime,
) -> dict[str, object]:
    files: dict[str, Sequence[object]] = {
        **records_of(connection.state, known.person),
        WITHHELD_FILE: list(withheld_of(connection.state, known.person)),
    }
    rows = {name: list(getattr(known.holdings, name)) for name in known.holdings.counts}
    suppression = known.suppression or Suppression()
    return {
        "what_this_is": "All that customer-sync and the Brevo account hold about one person.",
        "asked_for": known.person.email,
        "made_at": now,
        "target": connection.config.brevo.target,
        "known_as": {
            "addresses": sorted(known.person.emails),
            "ids_at_the_shop": sorted(known.person.ids),
        },
        "state": {name: _chapter(name, entries) for name, entries in rows.items()},
        "files": {name: _chapter(name, entries) for name, entries in files.items()},
        "suppression_ledger": {
            "what_this_is": _LEDGER,
            "is_remembered": known.suppression is not None,
            **structs.asdict(suppression),
        },
        "brevo": {
            "what_this_is": _BREVO,
            "was_asked": held is not None,
            "contacts": [_shown(c, held.list_names) for c in held.contacts] if held else [],
        },
        "not_covered": list(_NOT_COVERED),
    }


def _chapter(name: str, entries: Sequence[object]) -> dict[str, object]:
    return {"what_this_is": _EXPLAINED[name], "entries": list(entries)}

"""A person's right to be forgotten: deleted at Brevo, purged from the state, with a receipt."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from customer_sync.clock import Clock
from customer_sync.config import Target
from customer_sync.core.model import Contact, ContactId, Email
from customer_sync.core.proving.mentions import Person
from customer_sync.errors import BrevoError, ExitCode
from customer_sync.partitions.spill import SpillRoom
from customer_sync.persons.leftovers import (
    Leftover,
    leftovers,
    purge_files,
    records_of,
    withheld_of,
)
from customer_sync.run.importing import finish_jobs
from customer_sync.run.report import ReportedError, RunReport
from customer_sync.run.withholding import WITHHELD_FILE
from customer_sync.store import RunLock, Store, setting_aside
from customer_sync.target import Connection, state_file


class ErasingAccount(Protocol):
    """Whatever finds and deletes contacts. Every method may raise BrevoError."""

    async def contact(self, ref: Email | ContactId) -> Contact | None:
        """Fetch one contact."""
        ...

    async def delete(self, ref: ContactId) -> bool:
        """Delete one contact; False where it was gone already."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was deleted where; it holds no address unless the operator asked for it."""

    run_id: str
    erased_at: datetime
    target: Target
    person: str
    """The address that was asked for, masked or not."""
    hashes: tuple[str, ...]
    """What the ledger keeps of the person from now on: keyed hashes of addresses and ids."""
    addresses: int
    shop_ids: int
    contacts: tuple[ContactId, ...]
    """Brevo's numbers of the contacts that were deleted there."""
    state: Mapping[str, int] = field(default_factory=dict)
    """Rows that were taken out, by what they are."""
    files: Mapping[str, int] = field(default_factory=dict)
    """Entries that were taken out of files beside the state."""
    leftovers: tuple[Leftover, ...] = ()
    """Files beside the state that still hold an address, and what to do about each."""

    @property
    def exit_code(self) -> ExitCode:
        """How the command ends: something that is left needs a person."""
        return ExitCode.PARTIAL if self.leftovers else ExitCode.OK

    def to_json(self) -> bytes:
        """Return the receipt as one JSON document."""
        document = {**msgspec.to_builtins(self), "exit_code": self.exit_code}
        return msgspec.json.format(msgspec.json.encode(document), indent=2)


def hashes_of(store: Store, person: Person) -> tuple[str, ...]:
    """Return what the ledger knows a person by, in hexadecimal digits."""
    emails = (store.hash_of_email(email).hex() for email in sorted(person.emails))
    ids = (store.hash_of_id(customer_id).hex() for customer_id in sorted(person.ids))
    return (*emails, *ids)


async def delete_at_brevo(
    account: ErasingAccount, store: Store, person: Person
) -> tuple[ContactId, ...]:
    """Delete every contact that is the person's, and return their numbers.

    Those are the contacts at the person's addresses, and those that the state knows as theirs,
    wherever they have moved in Brevo, unless somebody else is known at that address.

    Raises:
        BrevoError: Brevo cannot be asked; what was not deleted is found again by the next attempt.
    """
    deleted: dict[ContactId, None] = {}
    refs: list[Email | ContactId] = [*sorted(person.emails), *sorted(store.contact_ids(person))]
    for ref in refs:
        contact = None if ref in deleted else await account.contact(ref)
        if contact is None or contact.id in deleted or not is_theirs(contact, store, person):
            continue
        await account.delete(contact.id)
        deleted[contact.id] = None
    return tuple(deleted)


def is_theirs(contact: Contact, store: Store, person: Person) -> bool:
    """Tell whether a contact stands at an address of the person's, or at one of nobody's."""
    if contact.email is None or contact.email in person.emails:
        return True
    return not store.is_elses(contact.email, person.ids)


def purge(
    store: Store, folder: Path, person: Person, now: datetime
) -> tuple[dict[str, int], dict[str, int]]:
    """Take a person out of every state in *folder* and of the files beside them.

    Returns the rows by what they are, and the files' entries. *store* is the one in use; that of
    the other target, a rehearsal perhaps, is purged as well.

    Raises:
        StoreError: a state cannot be rewritten; the same command may simply be repeated.
    """
    files = purge_files(folder, person)
    rows = store.purge(person)
    store.compact()
    for path in (folder / state_file(target) for target in Target):
        if path != store.path and path.exists():
            with Store(path) as other:
                known_there = other.person(person.email)
                other.note_erased(known_there, now)
                for name, count in other.purge(known_there).items():
                    rows[name] = rows.get(name, 0) + count
                other.compact()
    return rows, files


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an erasure is going to take away."""

    person: Person
    rows: Mapping[str, int]
    files: Mapping[str, int]


def erase(
    connection: Connection,
    email: Email,
    *,
    run_id: str,
    shown_as: str,
    confirm: Callable[[Preview], None],
) -> Receipt:
    """Erase the person at *email* everywhere, and return the receipt, which calls them *shown_as*.

    *confirm* is shown what is known and raises where the operator does not want it. From then on
    no run writes the person, whatever happens next: the ledger remembers the erasure first. Then
    Brevo forgets, and at last the state, which knows where to look at Brevo. So every failure is
    mended by doing the same again.

    Raises:
        BrevoError: Brevo cannot be asked; nothing but the ledger has changed.
        StoreError: a file cannot be rewritten.
    """
    folder, clock = connection.state, connection.clock()
    path = folder / state_file(connection.config.brevo.target)
    with (
        RunLock(folder / "lock", now=clock.now()),
        setting_aside(path, clock.now()),
        Store(path) as store,
        # What a run that was killed left there of its input.
        SpillRoom(folder),
    ):
        person = store.person(email)
        confirm(_preview(store, folder, person))
        started = clock.now()
        store.begin_run(run_id, "erase", started)
        store.note_erased(person, started)
        try:
            contacts = _at_brevo(connection, clock, store, person)
        except BrevoError as error:
            error.hint = _UNFINISHED
            report = _report(run_id, connection, error.exit_code, ReportedError.of(error))
            store.finish_run(run_id, clock.now(), error.exit_code, report)
            raise
        rows, files = purge(store, folder, person, started)
        receipt = Receipt(
            run_id=run_id,
            erased_at=started,
            target=connection.config.brevo.target,
            person=shown_as,
            hashes=hashes_of(store, person),
            addresses=len(person.emails),
            shop_ids=len(person.ids),
            contacts=contacts,
            state=rows,
            files=files,
            leftovers=leftovers(folder, person, store),
        )
        code = receipt.exit_code
        store.finish_run(
            run_id, clock.now(), code, _report(run_id, connection, code, _note(receipt))
        )
        return receipt


_UNFINISHED = (
    "The state still knows where to look for the person, and no run writes them any more. Give the "
    "same command again when Brevo answers."
)


def _at_brevo(
    connection: Connection, clock: Clock, store: Store, person: Person
) -> tuple[ContactId, ...]:
    async def working() -> tuple[ContactId, ...]:
        async with connection.open(clock) as account:
            if jobs := store.open_jobs():
                # An import that a killed run began could bring the person back.
                await finish_jobs(jobs, account, store.end_job, clock)
            return await delete_at_brevo(account, store, person)

    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        return runner.run(working())


def _preview(store: Store, folder: Path, person: Person) -> Preview:
    return Preview(
        person=person,
        rows=store.holdings(person).counts,
        files={
            **{name: len(found) for name, found in records_of(folder, person).items()},
            WITHHELD_FILE: len(withheld_of(folder, person)),
        },
    )


def _note(receipt: Receipt) -> ReportedError:
    return ReportedError(
        kind="note",
        message=f"Erased a person: {len(receipt.contacts)} contacts at Brevo, "
        f"{sum(receipt.state.values())} rows of the state, {sum(receipt.files.values())} entries "
        "of files.",
        where=receipt.hashes[0],
    )


def _report(run_id: str, connection: Connection, code: ExitCode, error: ReportedError) -> bytes:
    return RunReport(
        run_id=run_id,
        target=str(connection.config.brevo.target),
        dry_run=False,
        source=(),
        exit_code=code,
        errors=(error,),
    ).to_json()

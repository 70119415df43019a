"""Running an import: each row is created, updated or rejected, and nobody is told counts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from customer_sync.sandbox import attributes, contact_rows, patches, tables
from customer_sync.sandbox.account import Account
from customer_sync.sandbox.contact_rows import ContactRow
from customer_sync.sandbox.errors import BrevoFault
from customer_sync.sandbox.identifiers import (
    BY_ATTRIBUTE,
    PHONES,
    Identifier,
    normal_email,
    normal_phone,
    placeholder_email,
)
from customer_sync.sandbox.import_values import Origin, judge_imported
from customer_sync.sandbox.importing import CONTACT_ID_COLUMNS, Order
from customer_sync.sandbox.patches import Definitions, Patch
from customer_sync.sandbox.reading import integer
from customer_sync.sandbox.values import Category, Nothing, Stored

INVALID = "invalid_emails"
REPORTED: Mapping[Identifier | None, str] = {
    None: "duplicate_contact_id",
    Identifier.EXT_ID: "duplicate_ext_id",
    Identifier.EMAIL: "duplicate_email_id",
    Identifier.SMS: "duplicate_phone_id",
    Identifier.WHATSAPP: "duplicate_whatsapp_id",
    Identifier.LANDLINE: "duplicate_landline_number_id",
}
"""Which report a row is in whose identifier was taken; None: the contact's id."""


class _Rejected(Exception):
    """A row that cannot be imported; the argument is the report that it belongs in."""


@dataclass(slots=True, kw_only=True)
class _Job:
    """One import on its way: what it knows, and what it has met so far."""

    account: Account
    order: Order
    definitions: Definitions
    met: set[tuple[Identifier | None, str]] = field(default_factory=set)


def run(account: Account, order: Order) -> dict[str, str | None]:
    """Import all rows and return, for each report, its rejected rows as CSV, or None."""
    job = _Job(account=account, order=order, definitions=attributes.definitions(account))
    rejected: dict[str, list[Mapping[str, object]]] = {}
    for row in order.rows:
        try:
            _import(job, row)
        except _Rejected as reason:
            rejected.setdefault(str(reason), []).append(row)
    return {name: _report(rejected.get(name)) for name in (INVALID, *REPORTED.values())}


def _report(rows: Sequence[Mapping[str, object]] | None) -> str | None:
    if not rows:
        return None
    header = list(dict.fromkeys(name for row in rows for name in row))
    return tables.write(header, rows)


def _import(job: _Job, row: Mapping[str, object]) -> None:
    contact_id = _contact_id(row)
    identifiers = _identifiers(job.account, row)
    if contact_id is None and not identifiers:
        raise _Rejected(INVALID)
    _refuse_repetition(job, contact_id, identifiers)
    target = _find(job.account, contact_id, identifiers)
    if target is None and not identifiers:
        return
    if target is not None and not job.order.updates:
        _put_on_lists(job, target)
        return
    patch = _patch(job, row, identifiers, target)
    taken = patches.owners(job.account, target.id if target else 0, patch)
    if taken:
        raise _Rejected(REPORTED[next(iter(taken))])
    patches.apply(job.account, target, patch, cause="import")


def _put_on_lists(job: _Job, contact: ContactRow) -> None:
    if job.account.settings.import_lists_unchanged_contacts:
        contact_rows.touch(job.account, contact)
        contact_rows.add_to_lists(job.account, contact, job.order.list_ids)


# ---------------------------------------------------------------- who a row is about


def _contact_id(row: Mapping[str, object]) -> int | None:
    spelled = [str(row[name]).strip() for name in CONTACT_ID_COLUMNS if name in row]
    return integer(spelled[0]) if spelled else None


def _identifiers(account: Account, row: Mapping[str, object]) -> dict[Identifier, str]:
    """Return the identifiers of a row; a phone that is none is dropped, an address is not."""
    found: dict[Identifier, str] = {}
    for name, identifier in BY_ATTRIBUTE.items():
        spelled = _spelled(row.get(name))
        if not spelled:
            continue
        if identifier is Identifier.EMAIL:
            value = normal_email(spelled, lower=account.settings.lower_cases_email)
            if value is None:
                raise _Rejected(INVALID)
        else:
            value = normal_phone(spelled) if identifier in PHONES else spelled
        if value is not None:
            found[identifier] = value
    return found


def _spelled(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def _refuse_repetition(
    job: _Job, contact_id: int | None, identifiers: Mapping[Identifier, str]
) -> None:
    """Of rows that name the same contact the first counts, the others are reported."""
    keys: list[tuple[Identifier | None, str]] = [*identifiers.items()]
    if contact_id is not None:
        keys.insert(0, (None, str(contact_id)))
    for key in keys:
        if key in job.met:
            raise _Rejected(REPORTED[key[0]])
    job.met.update(keys)


def _find(
    account: Account, contact_id: int | None, identifiers: Mapping[Identifier, str]
) -> ContactRow | None:
    """Return the contact of a row: by its id, else by its address, else by what else is there.

    An address that nobody has makes a new contact, unless the switch says that an EXT_ID in the
    same row finds the contact that is to be renamed.
    """
    if contact_id is not None and (found := contact_rows.by_id(account, contact_id)):
        return found
    kinds: tuple[Identifier, ...] = tuple(identifiers)
    if Identifier.EMAIL in identifiers:
        renamed = (Identifier.EXT_ID,) if account.settings.import_renames else ()
        kinds = (Identifier.EMAIL, *renamed)
    for found in _owners(account, kinds, identifiers):
        return found
    return None


def _owners(
    account: Account, kinds: Sequence[Identifier], identifiers: Mapping[Identifier, str]
) -> Iterator[ContactRow]:
    for kind in kinds:
        if kind in identifiers:
            owner = contact_rows.by_identifier(account, kind, identifiers[kind])
            if owner is not None:
                yield owner


# ---------------------------------------------------------------- what a row says about them


def _patch(
    job: _Job,
    row: Mapping[str, object],
    identifiers: Mapping[Identifier, str],
    target: ContactRow | None,
) -> Patch:
    order, facts = job.order, job.account.settings
    return Patch(
        attributes=_attributes(job, row, target),
        identifiers=_written_identifiers(job, identifiers, target),
        add_lists=tuple(order.list_ids),
        email_blocked=_block(order.blocks_email, is_lifting=facts.import_unblocks),
        sms_blocked=_block(order.blocks_sms, is_lifting=facts.import_unblocks),
    )


def _block(wanted: bool | None, *, is_lifting: bool) -> bool | None:
    return True if wanted else (False if wanted is False and is_lifting else None)


def _written_identifiers(
    job: _Job, identifiers: Mapping[Identifier, str], target: ContactRow | None
) -> dict[Identifier, str | None]:
    written: dict[Identifier, str | None] = {**identifiers}
    if target is None:
        digits = identifiers.get(Identifier.SMS)
        if digits and Identifier.EMAIL not in written:
            written[Identifier.EMAIL] = placeholder_email(digits)
    elif not job.account.settings.import_renames:
        written.pop(Identifier.EMAIL, None)
    return written


def _attributes(
    job: _Job, row: Mapping[str, object], target: ContactRow | None
) -> dict[str, Stored | None]:
    found: dict[str, Stored | None] = {}
    if target and job.order.empties and job.account.settings.import_empties_absent:
        found = dict.fromkeys(target.attributes)
    origin = Origin.CSV if job.order.is_csv else Origin.JSON
    for name, value in row.items():
        definition = job.definitions.get(name)
        if definition is None or name in BY_ATTRIBUTE:
            continue
        if definition.category not in (Category.NORMAL, Category.CATEGORY):
            continue
        try:
            outcome = judge_imported(definition, value, job.account.settings, origin)
        except BrevoFault:
            continue
        if outcome is Nothing.CLEARED and job.order.empties:
            found[name] = None
        elif not isinstance(outcome, Nothing):
            found[name] = outcome
    return found

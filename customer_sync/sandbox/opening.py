"""What an account is opened with, and preparing one for a rehearsal."""

from collections.abc import Mapping

from customer_sync.core.model import Attribute, AttributeType
from customer_sync.sandbox import attributes
from customer_sync.sandbox.account import Account
from customer_sync.sandbox.identifiers import Identifier
from customer_sync.sandbox.settings import NAME_ATTRIBUTES
from customer_sync.sandbox.values import Category, Definition, Kind

FIRST_FOLDER = "Your First Folder"
FIRST_LIST = "Your first list"

_NEWER = {
    "OPT_IN": Kind.BOOLEAN,
    "DOUBLE_OPT-IN": Kind.CATEGORY,
    "CONTACT_TIMEZONE": Kind.TEXT,
    "JOB_TITLE": Kind.TEXT,
    "LINKEDIN": Kind.TEXT,
}


def open_fresh(account: Account) -> None:
    """Give an empty account what every new one has: attributes, a folder and a list in it."""
    for name in _first_attributes(account):
        attributes.store(account, _normal(name, Kind.TEXT))
    if account.settings.newer_account_attributes:
        for name, kind in _NEWER.items():
            attributes.store(account, _newer(name, kind))
    account.db.execute("INSERT INTO folders (name) VALUES (?)", (FIRST_FOLDER,))
    account.db.execute(
        "INSERT INTO lists (id, name, folder_id, created_at) VALUES (2, ?, 1, ?)",
        (FIRST_LIST, account.now),
    )


def _first_attributes(account: Account) -> list[str]:
    names = NAME_ATTRIBUTES[account.settings.language]
    return [
        Identifier.EMAIL.attribute,
        *names,
        *(each.attribute for each in Identifier if each is not Identifier.EMAIL),
    ]


def _normal(name: str, kind: Kind, options: Mapping[str, str] | None = None) -> Definition:
    return Definition(name=name, category=Category.NORMAL, kind=kind, options=options or {})


def _newer(name: str, kind: Kind) -> Definition:
    if kind is Kind.CATEGORY:
        options = {"1": "Yes", "2": "No"}
        return Definition(name=name, category=Category.CATEGORY, kind=kind, options=options)
    return _normal(name, kind)


def ensure_list(account: Account, list_id: int, name: str) -> None:
    """Make the list exist; one that exists keeps its name."""
    folder = account.db.execute("SELECT min(id) FROM folders").fetchone()[0]
    if folder is None:
        query = "INSERT INTO folders (name) VALUES (?)"
        folder = account.db.execute(query, (FIRST_FOLDER,)).lastrowid
    account.db.execute(
        "INSERT OR IGNORE INTO lists (id, name, folder_id, created_at) VALUES (?, ?, ?, ?)",
        (list_id, name, folder, account.now),
    )


def ensure_attribute(account: Account, name: str, wanted: AttributeType | Attribute) -> None:
    """Make the attribute exist with at least these options.

    Its name is in upper case, as all are.

    Raises:
        ValueError: It exists with another type, or no attribute can have that name.
    """
    name = name.upper()
    if not attributes.is_name(name):
        raise ValueError(f"no attribute can be named {name!r}")
    definition = _definition(name, wanted)
    existing = attributes.definitions(account).get(name)
    if existing is not None and existing.kind is not definition.kind:
        raise ValueError(f"{name} exists with type {existing.kind}, not {definition.kind}")
    options = {**(existing.options if existing else {}), **definition.options}
    attributes.store(
        account,
        Definition(name=name, category=definition.category, kind=definition.kind, options=options),
    )


def _definition(name: str, wanted: AttributeType | Attribute) -> Definition:
    kind = Kind((wanted.type or AttributeType.TEXT) if isinstance(wanted, Attribute) else wanted)
    options = wanted.options if isinstance(wanted, Attribute) else {}
    if kind is Kind.CATEGORY:
        return Definition(name=name, category=Category.CATEGORY, kind=kind, options=options)
    return _normal(name, kind, options)

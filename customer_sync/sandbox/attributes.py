"""Attributes: what an account defines, and the routes that list, create, change and delete them."""

import json
import re
from collections.abc import Mapping

from customer_sync.sandbox import reading
from customer_sync.sandbox.account import NO_CONTENT, Account, Answer, Call
from customer_sync.sandbox.errors import invalid, missing, not_found
from customer_sync.sandbox.identifiers import BY_ATTRIBUTE
from customer_sync.sandbox.values import Category, Definition, Kind

_LONGEST_OPTION = 200
_NAME = re.compile(r"[A-Z0-9_-]{1,100}", re.ASCII)
_KINDS: Mapping[Category, frozenset[Kind]] = {
    Category.NORMAL: frozenset(Kind) - {Kind.ID, Kind.CATEGORY},
    Category.TRANSACTIONAL: frozenset(Kind) - {Kind.CATEGORY, Kind.MULTIPLE_CHOICE, Kind.USER},
    Category.CATEGORY: frozenset({Kind.CATEGORY}),
}
"""The types that each category offers; calculated and global ones have a formula instead."""


def definitions(account: Account) -> dict[str, Definition]:
    """Return every attribute of the account by its name."""
    query = "SELECT name, category, type, options, formula FROM attributes ORDER BY rowid"
    return {
        row["name"]: Definition(
            name=row["name"],
            category=Category(row["category"]),
            kind=Kind(row["type"]),
            options=json.loads(row["options"]),
            formula=row["formula"],
        )
        for row in account.db.execute(query)
    }


def is_name(text: str) -> bool:
    """Tell whether an attribute can be named so."""
    return _NAME.fullmatch(text) is not None


def store(account: Account, definition: Definition) -> None:
    """Create the attribute, or replace what its options and formula were."""
    account.db.execute(
        "INSERT INTO attributes (name, category, type, options, formula) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET options = excluded.options, formula = excluded.formula",
        (
            definition.name,
            definition.category.value,
            definition.kind.value,
            json.dumps(definition.options, ensure_ascii=False),
            definition.formula,
        ),
    )


# ---------------------------------------------------------------- routes


def index(call: Call) -> Answer:
    """List all attributes; there is no paging."""
    found = [_as_json(each) for each in definitions(call.account).values()]
    return Answer(status=200, content={"attributes": found})


def _as_json(definition: Definition) -> dict[str, object]:
    shape: dict[str, object] = {
        "name": definition.name,
        "category": definition.category.value,
        "field_key": definition.name.lower(),
    }
    match definition.category:
        case Category.CATEGORY:
            shape["enumeration"] = [
                {"value": int(number), "label": label, "valueStr": number}
                for number, label in definition.options.items()
            ]
        case Category.CALCULATED | Category.GLOBAL:
            shape |= {"type": definition.kind.value, "calculatedValue": definition.formula or ""}
        case Category.NORMAL | Category.TRANSACTIONAL:
            shape["type"] = definition.kind.value
            if definition.kind is Kind.MULTIPLE_CHOICE:
                shape["multiCategoryOptions"] = list(definition.options)
    return shape


def create(call: Call) -> Answer:
    """Create an attribute in a category; its name must be new."""
    account, body = call.account, reading.json_object(call.body)
    category, name = _category(call), call.names["attributeName"].upper()
    if not is_name(name):
        raise invalid("Attribute name should hold letters, digits and underscores alone")
    known = definitions(account)
    if name in known:
        raise invalid("Attribute name must be unique")
    quota = account.settings.attribute_quota
    if quota is not None and len(known) >= quota:
        raise invalid("The account cannot have more attributes")
    store(account, _described(category, name, body))
    return Answer(status=201)


def _described(category: Category, name: str, body: Mapping[str, object]) -> Definition:
    kind = _kind(category, body)
    formula, options = None, {}
    if category in (Category.CALCULATED, Category.GLOBAL):
        formula = reading.required_text(body, "value")
        reading.flag(body, "isRecurring")
    elif category is Category.CATEGORY:
        options = _enumeration(body)
    elif kind is Kind.MULTIPLE_CHOICE:
        options = _choices(body)
    return Definition(name=name, category=category, kind=kind, options=options, formula=formula)


def _kind(category: Category, body: Mapping[str, object]) -> Kind:
    if category in (Category.CALCULATED, Category.GLOBAL):
        return Kind.FLOAT
    kind = reading.word(reading.text(body, "type"), Kind, "type")
    if kind is None and category is Category.CATEGORY:
        return Kind.CATEGORY
    if kind is None:
        raise missing("type is missing")
    if kind not in _KINDS[category]:
        raise invalid(f"type {kind} is not available in category {category}")
    return kind


def update(call: Call) -> Answer:
    """Change options or formula; the type of an attribute stays what it is."""
    account, body = call.account, reading.json_object(call.body)
    category = _category(call)
    if category is Category.TRANSACTIONAL:
        raise invalid("Transactional attributes cannot be updated")
    old = _existing(account, category, call.names["attributeName"])
    formula, options = old.formula, dict(old.options)
    if category in (Category.CALCULATED, Category.GLOBAL):
        formula = reading.required_text(body, "value")
    elif category is Category.CATEGORY:
        options = _enumeration(body)
    elif old.kind is Kind.MULTIPLE_CHOICE:
        options |= _choices(body)
    else:
        raise invalid("Only options and formulas can be updated")
    store(
        account,
        Definition(
            name=old.name, category=category, kind=old.kind, options=options, formula=formula
        ),
    )
    return NO_CONTENT


def delete(call: Call) -> Answer:
    """Delete an attribute and every value of it."""
    account = call.account
    old = _existing(account, _category(call), call.names["attributeName"])
    if old.name in BY_ATTRIBUTE:
        raise invalid("Default attributes cannot be deleted")
    account.db.execute("DELETE FROM attributes WHERE name = ?", (old.name,))
    account.db.execute(
        "UPDATE contacts SET attributes = json_remove(attributes, ?)", (_path(old.name),)
    )
    return NO_CONTENT


def delete_option(call: Call) -> Answer:
    """Delete one option of a multiple choice, from every contact that has it too."""
    account = call.account
    if call.names["attributeType"] != Kind.MULTIPLE_CHOICE.value:
        raise invalid("Only options of a multiple-choice attribute can be deleted")
    old = _existing(account, Category.NORMAL, call.names["multipleChoiceAttribute"])
    option = call.names["multipleChoiceAttributeOption"]
    if old.kind is not Kind.MULTIPLE_CHOICE or option not in old.options:
        raise not_found("Attribute option not found")
    options = {each: each for each in old.options if each != option}
    store(
        account,
        Definition(name=old.name, category=old.category, kind=old.kind, options=options),
    )
    _remove_choice(account, old.name, option)
    return NO_CONTENT


def _remove_choice(account: Account, name: str, option: str) -> None:
    path = _path(name)
    rows = account.db.execute(
        "SELECT id, attributes FROM contacts WHERE EXISTS"
        " (SELECT 1 FROM json_each(attributes, ?) WHERE value = ?)",
        (path, option),
    ).fetchall()
    for row in rows:
        values = json.loads(row["attributes"])
        values[name] = [each for each in values[name] if each != option]
        if not values[name]:
            del values[name]
        account.db.execute(
            "UPDATE contacts SET attributes = ? WHERE id = ?",
            (json.dumps(values, ensure_ascii=False), row["id"]),
        )


def _path(name: str) -> str:
    return f'$."{name}"'


def _category(call: Call) -> Category:
    category = reading.word(call.names["attributeCategory"], Category, "attributeCategory")
    if category is None:
        raise missing("attributeCategory is missing")
    return category


def _existing(account: Account, category: Category, name: str) -> Definition:
    found = definitions(account).get(name.upper())
    if found is None or found.category is not category:
        raise not_found("Attribute not found")
    return found


def _enumeration(body: Mapping[str, object]) -> dict[str, str]:
    entries = reading.array(body, "enumeration")
    if not entries:
        raise missing("enumeration is missing")
    found: dict[str, str] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            raise invalid("enumeration should be an array of value and label")
        value = reading.number(entry, "value")
        label = reading.required_text(entry, "label")
        if value is None:
            raise missing("value is missing")
        found[str(value)] = _option(label)
    return found


def _choices(body: Mapping[str, object]) -> dict[str, str]:
    options = reading.texts(body, "multiCategoryOptions")
    if not options:
        raise missing("multiCategoryOptions is missing")
    return {_option(each): each for each in options}


def _option(label: str) -> str:
    if not 1 <= len(label) <= _LONGEST_OPTION:
        raise invalid(f"An option has 1 to {_LONGEST_OPTION} characters")
    return label

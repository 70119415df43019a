"""The configuration against its JSON Schema, with every finding in plain words."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from customer_sync.config.findings import Findings
from customer_sync.config.problems import listed, nearest, quoted
from customer_sync.config.spelling import snake_case
from customer_sync.config.syntax import Path
from customer_sync.core.platforms import platforms

Schema: TypeAlias = dict[str, object]

_SECRETS = frozenset(
    {
        *("api_key", "base_url", "services", "webhook_secret", "webhook_url"),
        *("access_token", "client_id", "client_secret", "consumer_key", "consumer_secret", "url"),
    }
)
"""Keys whose values never appear in a message."""

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a block of `key: value` lines",
    "array": "a list",
    "null": "nothing",
}


@cache
def _schema_text() -> str:
    return (files("customer_sync") / "schemas" / "config.schema.json").read_text("utf-8")


def schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of config.yaml, with all platforms there are."""
    loaded: Schema = json.loads(_schema_text())
    words = _mapping(loaded, "$defs", "customer_sync", "properties", "source")["enum"]
    if isinstance(words, list):
        words[:] = map(str, platforms())
    return loaded


def check_shape(root: object, findings: Findings) -> None:
    """Add to *findings* whatever in *root* the schema does not allow.

    Nothing is added about values that are spoiled already: they do not stand for what was written.
    """
    errors = Draft202012Validator(schema()).iter_errors(root)
    placed = [(tuple(error.absolute_path), error) for error in errors]
    fresh = [(at, error) for at, error in placed if not findings.is_spoiled(at)]
    for at, error in fresh:
        EXPLAINED[str(error.validator)](error, at, findings)


def _unknown_key(error: ValidationError, at: Path, findings: Findings) -> None:
    known = tuple(_mapping(error.schema, "properties"))
    for key in _keys(error.instance):
        if key in known:
            continue
        findings.add((*at, key), f"There is no key {quoted(key)} here.", _known_keys(key, known))


def _known_keys(key: str, known: Iterable[str]) -> str:
    if near := nearest(key, known):
        return f"Did you mean `{near}`?"
    first_spellings = dict.fromkeys(
        name if "-" in name else snake_case(name) for name in known if not _is_respelled(name)
    )
    return f"Known keys are {listed(first_spellings, last='and')}."


def _is_respelled(name: str) -> bool:
    return name != snake_case(name) and "-" not in name


def _missing_key(error: ValidationError, at: Path, findings: Findings) -> None:
    properties = _mapping(error.schema, "properties")
    given = _keys(error.instance)
    # A key that is only misspelt is told as such, and not as missing too.
    misspelt = {nearest(key, properties) for key in given if key not in properties}
    for key in _texts(error.validator_value):
        if key not in given and key not in misspelt:
            findings.add_to_key(
                at, f"The key `{key}` is missing.", _missing_hint(key, properties.get(key))
            )


def _missing_hint(key: str, wanted: object) -> str:
    if key == "skills":
        return "Add `skills:`, and indented beneath it `customer-sync:` with a `source:`."
    words = _words(wanted)
    return f"Add `{key}:` with {listed(words)}." if words else f"Add `{key}:` and its value."


def _wrong_word(error: ValidationError, at: Path, findings: Findings) -> None:
    words = _words(error.schema)
    written = error.instance if isinstance(error.instance, str) else json.dumps(error.instance)
    near = nearest(written, words)
    findings.add(
        at,
        f"{quoted(written)} is not allowed here.",
        f"Did you mean `{near}`?" if near else f"Write {listed(words)}.",
    )


def _wrong_kind(error: ValidationError, at: Path, findings: Findings) -> None:
    allowed = error.validator_value
    kinds = [allowed] if isinstance(allowed, str) else _texts(allowed)
    wanted = listed(_KINDS[kind] for kind in kinds if kind != "null")
    # What stands where a whole block belongs may be anything, also a key, and is not repeated.
    found = _found(error.instance, is_shown="object" not in kinds and not _is_secret(at))
    hint = (
        f"Remove the key, or give it a value{_for_example(error, at)}."
        if error.instance is None
        else _kind_hint(error, at, kinds)
    )
    findings.add(at, f"Here {wanted} is expected, not {found}.", hint)


def _found(value: object, *, is_shown: bool) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return _KINDS["object"]
        case list():
            return _KINDS["array"]
        case bool():
            return f"`{str(value).lower()}`"
        case _:
            kind = "text" if isinstance(value, str) else "number"
            return f"the {kind} {quoted(str(value))}" if is_shown else f"a {kind}"


def _kind_hint(error: ValidationError, at: Path, kinds: list[str]) -> str:
    value = error.instance
    if isinstance(value, str) and value.startswith("$"):
        return "Only secrets are taken from the environment; write the value itself here."
    if "integer" in kinds and isinstance(value, str) and value.strip().isdecimal():
        return "Write the number without quotes."
    if kinds == ["boolean"]:
        return "Write true or false, without quotes."
    if "object" in kinds and "string" not in kinds:
        return "Indent what belongs to this key beneath it, one `key: value` a line."
    return f"Correct the value{_for_example(error, at)}."


def _wrong_form(error: ValidationError, at: Path, findings: Findings) -> None:
    sentence = _mapping(error.schema).get("patternErrorMessage", "This has not the right form.")
    findings.add(at, f"{sentence}", _form_hint(error, at))


def _form_hint(error: ValidationError, at: Path) -> str:
    text = str(error.instance)
    if _is_secret(at):
        reference = _mapping(error.schema).get("examples", ["${NAME}"])
        example = reference[0] if isinstance(reference, list) else "${NAME}"
        return (
            f"Write `{_key_of(at)}: {example}`, set that environment variable, "
            "and have a key that was ever saved in a file replaced."
        )
    return f"Change {quoted(text)}{_for_example(error, at)}."


def _too_small(error: ValidationError, at: Path, findings: Findings) -> None:
    findings.add(
        at,
        f"{quoted(str(error.instance))} is too small.",
        f"The least is {error.validator_value}{_for_example(error, at)}.",
    )


def _too_large(error: ValidationError, at: Path, findings: Findings) -> None:
    findings.add(
        at,
        f"{quoted(str(error.instance))} is too large.",
        f"The most is {error.validator_value}{_for_example(error, at)}.",
    )


def _nothing_in_it(error: ValidationError, at: Path, findings: Findings) -> None:
    findings.add(
        at, "Nothing stands here.", f"Give it a value{_for_example(error, at)}, or remove the key."
    )


def _two_at_once(error: ValidationError, at: Path, findings: Findings) -> None:
    is_choice = bool(_mapping(error.schema, "properties"))
    findings.add(
        at,
        f"Only one entry may stand here, but there are {len(_keys(error.instance))}.",
        "Keep the one that is meant."
        if is_choice
        else "Keep one; several are written as a list, each behind a dash of its own.",
    )


def _given_twice(error: ValidationError, at: Path, findings: Findings) -> None:
    """Explain items that repeat, each at its second place."""
    items = error.instance if isinstance(error.instance, list) else []
    for index, item in enumerate(items):
        if item in items[:index]:
            findings.add((*at, index), "This stands in the list already.", "Keep one of the two.")


def _both_spellings(error: ValidationError, at: Path, findings: Findings) -> None:
    pair = _mapping(error.validator_value).get("required")
    first, second = pair if isinstance(pair, list) else ("", "")
    findings.add(
        max((*at, first), (*at, second), key=findings.line),
        f"`{first}` and `{second}` are two spellings of one key.",
        "Keep one of the two.",
    )


def _for_example(error: ValidationError, at: Path) -> str:
    examples = _mapping(error.schema).get("examples")
    if not isinstance(examples, list) or not examples or not at:
        return ""
    example = examples[0]
    written = example if isinstance(example, str) else json.dumps(example)
    return f", for example `{at[-1]}: {written}`" if isinstance(at[-1], str) else ""


def _is_secret(at: Path) -> bool:
    return snake_case(_key_of(at)) in _SECRETS


def _key_of(at: Path) -> str:
    """Return the key that *at* stands under; for an item, that of its list."""
    return next((part for part in reversed(at) if isinstance(part, str)), "")


def _words(wanted: object) -> list[str]:
    words = _mapping(wanted).get("enum")
    return _texts(words)


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _keys(value: object) -> list[str]:
    return [str(key) for key in value] if isinstance(value, dict) else []


def _mapping(value: object, *below: str) -> Mapping[str, object]:
    for key in below:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


EXPLAINED: Mapping[str, Callable[[ValidationError, Path, Findings], None]] = {
    "additionalProperties": _unknown_key,
    "required": _missing_key,
    "enum": _wrong_word,
    "type": _wrong_kind,
    "pattern": _wrong_form,
    "minimum": _too_small,
    "maximum": _too_large,
    "minLength": _nothing_in_it,
    "minItems": _nothing_in_it,
    "minProperties": _nothing_in_it,
    "maxProperties": _two_at_once,
    "uniqueItems": _given_twice,
    "not": _both_spellings,
}
"""How a broken keyword is told, for every keyword that the schema uses."""

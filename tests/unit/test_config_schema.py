"""The JSON Schema that ships with the package, and its agreement with the code."""

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import cast

import pytest
from jsonschema import Draft202012Validator

from customer_sync.config import (
    BrevoSettings,
    Config,
    LogFormat,
    LogLevel,
    RunEvent,
    ShopSettings,
    SourceName,
    SyncMode,
    Target,
    load,
    parse_duration,
    parse_size,
    schema,
)
from customer_sync.config.cases import REASONS
from customer_sync.config.shape import EXPLAINED
from customer_sync.config.spelling import snake_case
from customer_sync.core.model import (
    AttributeType,
    DeleteBehavior,
    OnDrift,
    RatePlan,
    Resubscribe,
    Trigger,
)
from customer_sync.core.proving.cases import Verdict

Schema = dict[str, object]


def definition(name: str) -> dict[str, Schema]:
    """Return the properties of the schema's definition *name*."""
    definitions = cast("dict[str, dict[str, dict[str, Schema]]]", schema()["$defs"])
    return definitions[name]["properties"]


def objects(part: object) -> Iterator[Schema]:
    """Yield every schema within *part* that describes keys."""
    if isinstance(part, dict):
        if "additionalProperties" in part and "properties" in part:
            yield part
        for value in part.values():
            yield from objects(value)
    elif isinstance(part, list):
        for value in part:
            yield from objects(value)


def keywords(part: object) -> Iterator[str]:
    """Yield every keyword in *part* that can turn a configuration away."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in {"properties", "$defs"}:
                for inner in value.values():
                    yield from keywords(inner)
            elif key == "additionalProperties" and value is not False:
                yield from keywords(value)
            elif key == "not":
                yield key
            elif key in {"allOf", "items"}:
                for inner in value if isinstance(value, list) else [value]:
                    yield from keywords(inner)
            elif key not in ANNOTATIONS:
                yield key


ANNOTATIONS = {
    *("$schema", "$id", "$ref", "title", "description", "default", "examples"),
    "patternErrorMessage",
}


def test_every_keyword_has_its_words() -> None:
    """Whatever the schema can object to is told in plain words."""
    assert set(keywords(schema())) == set(EXPLAINED)


def test_schema_is_one() -> None:
    """It holds to the draft that it names."""
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema())


def test_caller_cannot_spoil_it() -> None:
    """Everybody gets a copy."""
    schema().clear()
    assert schema()


@pytest.mark.parametrize(
    ("where", "key", "words"),
    [
        ("brevo", "target", Target),
        ("brevo", "plan", RatePlan),
        ("customer_sync", "source", SourceName),
        ("options", "sync_mode", SyncMode),
        ("options", "delete_behavior", DeleteBehavior),
        ("options", "on_drift", OnDrift),
        ("options", "resubscribe", Resubscribe),
        ("attribute_entry", "type", AttributeType),
        ("test", "event", Trigger),
        ("logging", "format", LogFormat),
    ],
)
def test_words_agree_with_the_code(where: str, key: str, words: type[StrEnum]) -> None:
    """What the schema lets through is what the code knows, no more and no less."""
    assert definition(where)[key]["enum"] == [str(word) for word in words]


def test_levels_and_events_agree_with_the_code() -> None:
    """The same holds for the words that stand elsewhere in the schema."""
    definitions = cast("dict[str, Schema]", schema()["$defs"])
    assert definitions["log_level"]["enum"] == [str(level) for level in LogLevel]
    events = definition("notifications")["events"]
    assert cast("Schema", events["items"])["enum"] == [str(event) for event in RunEvent]


def test_what_tests_may_expect_agrees_with_the_code() -> None:
    """As a word alone, and as a word with more behind it."""
    definitions = cast("dict[str, Schema]", schema()["$defs"])
    words = [str(word) for word in Verdict]
    assert definitions["expect"]["pattern"] == f"^({'|'.join(words)})$"
    assert list(definition("expect")) == words
    reason = cast("Schema", definition("expect")["skip"]["properties"])["reason"]
    assert re.findall(r"`(\w+)`", str(cast("Schema", reason)["description"])) == list(REASONS)


def test_every_key_has_both_spellings() -> None:
    """Each snake_case key has its camelCase twin, which refers to it and must not join it."""
    for part in objects(schema()):
        keys = cast("dict[str, Schema]", part["properties"])
        snake = {key for key in keys if "_" in key}
        camel = {key for key in keys if key != key.lower()}
        assert {snake_case(key) for key in camel} == snake
        excluded = {
            frozenset(cast("dict[str, list[str]]", rule["not"])["required"])
            for rule in cast("list[Schema]", part.get("allOf", []))
        }
        for key in camel:
            assert "$ref" in keys[key]
            assert {key, snake_case(key)} in excluded


def test_every_key_is_explained() -> None:
    """Editors can show a title and a description for each key."""
    for part in objects(schema()):
        for key, described in cast("dict[str, Schema]", part["properties"]).items():
            if "$ref" not in described:
                assert described["title"], key
                assert str(described["description"]).endswith("."), key


def test_defaults_agree_with_the_code(tmp_path: Path) -> None:
    """What the schema calls a default is what a configuration without the key gets."""
    path = tmp_path / "config.yaml"
    path.write_text("skills: {customer-sync: {source: custom}}", encoding="utf-8")
    config = load(path)
    for where, key, value in _defaults_in_use(config):
        told = definition(where)[key]["default"]
        if isinstance(value, timedelta):
            assert isinstance(told, str)
            assert parse_duration(told) == value
        elif key == "max_size":
            assert isinstance(told, str)
            assert parse_size(told) == value
        else:
            assert told == value


def _defaults_in_use(config: Config) -> Iterator[tuple[str, str, object]]:
    brevo, policy, retry = config.brevo, config.policy, config.retry
    for key in ("target", "plan", "allow_other_base_url", "headroom"):
        yield "brevo", key, getattr(brevo, key)
    yield "brevo", "timeout", parse_duration(f"{int(brevo.timeout_s)}s")
    yield "customer_sync", "enabled", config.enabled
    for key in ("delete_behavior", "update_enabled", "on_drift", "resubscribe"):
        yield "options", key, getattr(policy, key)
    yield "options", "sync_mode", config.sync_mode
    yield "options", "full_refresh_every", config.full_refresh_every
    yield "options", "include_guests", config.include_guests
    yield "options", "batch_size", brevo.batch_size
    yield from (("retry", key, getattr(retry, key)) for key in ("max_attempts", "base_delay"))
    yield "retry", "max_delay", retry.max_delay
    shop = ShopSettings()
    yield "shop", "api_version", shop.api_version
    yield "shop", "overlap", shop.overlap
    yield "logging", "format", config.logging.format
    yield "logging", "max_size", config.logging.max_bytes
    yield "logging", "keep", config.logging.keep
    for key in ("max_delay_s", "max_batch", "inbox_limit", "pending_limit"):
        yield "realtime", key, getattr(config.realtime, key)
    yield "notifications", "events", list(config.notifications.events)
    yield "notifications", "allow_private", config.notifications.allow_private


def test_every_default_is_compared() -> None:
    """No default of the schema is left out of the comparison above, but for the two shared ones."""
    config = Config(
        path=Path("config.yaml"),
        brevo=BrevoSettings(),
        enabled=True,
        source=SourceName.CUSTOM,
        rules=(),
    )
    compared = {(where, key) for where, key, _ in _defaults_in_use(config)}
    definitions = cast("dict[str, dict[str, dict[str, Schema]]]", schema()["$defs"])
    told = {
        (where, key)
        for where, part in definitions.items()
        for key, described in part.get("properties", {}).items()
        if "default" in described
    }
    assert told == compared

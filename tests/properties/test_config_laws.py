"""Whatever stands in a configuration file, the answer is a Config or problems, never a crash."""

import contextlib
import tempfile
from pathlib import Path

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from customer_sync.config import (
    Config,
    SourceName,
    Target,
    check,
    parse_duration,
    parse_limit,
    template,
)
from customer_sync.config.document import parse
from customer_sync.config.syntax import BrokenYaml
from customer_sync.core.model import DeleteBehavior, FieldRule

UNTIMED = settings(deadline=None)

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["live", "custom", "date", "EMAIL", "${KEY}", "https://example.com", "5%", "7d", "GB"]
    ),
)
KEYS = st.one_of(
    st.sampled_from(
        [
            "version",
            "brevo",
            "target",
            "api_key",
            "apiKey",
            "base_url",
            "headroom",
            "timeout",
            "skills",
            "customer-sync",
            "customerSync",
            "source",
            "field_mapping",
            "email",
            "phone",
            "attribute",
            "type",
            "transform",
            "constant",
            "number",
            "options",
            "list_id",
            "listId",
            "deleted_attribute",
            "default_region",
            "max_deletes",
            "retry",
            "base_delay",
            "notifications",
            "webhook_url",
            "events",
            "debug",
            "log_level",
            "logging",
            "max_size",
        ]
    ),
    st.text(max_size=8),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=25,
)
SKILLS = st.fixed_dictionaries(
    {},
    optional={
        "enabled": SCALARS,
        "source": SCALARS,
        "field_mapping": TREES,
        "options": TREES,
        "notifications": TREES,
        "debug": TREES,
        "log_level": TREES,
        "logging": TREES,
    },
)
DOCUMENTS = st.one_of(
    TREES,
    st.fixed_dictionaries(
        {"skills": st.fixed_dictionaries({"customer-sync": SKILLS})},
        optional={"brevo": TREES, "version": TREES, "notifications": TREES},
    ),
)
SPECIAL = st.text(
    alphabet=st.sampled_from(list("ab:1-?&*!|>'\"%@`#{}[],~<=$\\ \t\n\r\0\ufeff\u2028\x85😀")),
    max_size=60,
)


def outcome(content: bytes) -> Config | None:
    """Return what *content* says; problems must be told properly, and exclude a Config."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_bytes(content)
        config, problems = check(path)
    assert (config is None) == bool(problems)
    for problem in problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message
        assert problem.hint
        assert problem.message.isprintable()
        assert problem.hint.isprintable()
        assert problem.pointer.isprintable()
        assert "xkeysib" not in str(problem)
    return config


@UNTIMED
@given(st.binary(max_size=200))
@example(b"\xff\xfe\x00")
@example(b"? {a: b}\n")
@example(b"%YAML 9.9\n---\n")
@example(b"a: &a [*a]\n")
@example(b"<<: 5\n")
@example(b"!!set {a, b}\n")
@example(b"[" * 5000)
@example(b"- " * 5000)
@example(b"a: !!binary '!'\n")
@example(b"a: !!int x\n")
@example(b'"\\xZZ"')
def test_any_bytes(content: bytes) -> None:
    """Bytes of any kind end as problems or as a configuration."""
    outcome(content)


@UNTIMED
@given(SPECIAL)
def test_any_signs(text: str) -> None:
    """Texts full of YAML's own signs end as problems or as a configuration."""
    outcome(text.encode())


@UNTIMED
@given(DOCUMENTS)
def test_any_document(document: object) -> None:
    """Documents of nearly the right shape end as problems or as a configuration."""
    outcome(yaml.safe_dump(document, allow_unicode=True, sort_keys=False).encode())


@UNTIMED
@given(DOCUMENTS, st.sampled_from(["xkeysib-0123456789abcdef-AbCd", "xkeysib-x"]))
def test_any_document_with_a_key_in_it(document: object, key: str) -> None:
    """Wherever a key was put by mistake, no problem repeats it."""
    misplaced = {"brevo": {"api_key": key, "plan": key}, key: document, "skills": key}
    outcome(yaml.safe_dump(misplaced, allow_unicode=True, sort_keys=False).encode())


@UNTIMED
@given(st.dictionaries(KEYS, st.one_of(st.text(max_size=20), st.integers(0, 999))))
def test_values_survive(content: dict[str, object]) -> None:
    """What PyYAML writes is what is read, as far as YAML's two versions agree."""
    written = yaml.safe_dump(content, allow_unicode=True, default_style='"')
    try:
        root = parse(written).root
    except BrokenYaml:
        assert not all(_is_plain(text) for text in [*content, *content.values()])
        return
    if all(_is_plain(text) for text in [*content, *content.values()]):
        assert root == content


def _is_plain(value: object) -> bool:
    return not isinstance(value, str) or value.isprintable()


@UNTIMED
@given(
    source=st.sampled_from(SourceName),
    target=st.sampled_from(Target),
    list_id=st.none() | st.integers(1, 2**53 - 1),
    fields=st.dictionaries(
        st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1),
        st.from_regex(r"[A-Z0-9_-]{1,20}", fullmatch=True),
        max_size=4,
    ),
    delete_behavior=st.sampled_from(DeleteBehavior),
)
def test_template_is_understood(
    source: SourceName,
    target: Target,
    list_id: int | None,
    fields: dict[str, str],
    delete_behavior: DeleteBehavior,
) -> None:
    """Whatever names fields have, the written file says them, or their clash is told."""
    text = template(
        source=source,
        target=target,
        list_id=list_id,
        rules=[FieldRule(field=name, attribute=word) for name, word in fields.items()],
        delete_behavior=delete_behavior,
    )
    config = outcome(text.encode())
    if config is not None:
        assert config.policy.list_id == list_id
        assert {rule.attribute for rule in config.rules} >= set(fields.values())


@UNTIMED
@given(st.text(max_size=12))
def test_limits_and_durations_never_crash(text: str) -> None:
    """Any text is a limit or a duration, or refused with a ValueError."""
    for parse_text in (parse_limit, parse_duration):
        with contextlib.suppress(ValueError):
            assert parse_text(text) is not None

"""The configuration to copy, and the one that is written for newcomers."""

from pathlib import Path

import pytest

from customer_sync.config import (
    STANDARD_RULES,
    Config,
    Notifications,
    SourceName,
    SyncMode,
    Target,
    check,
    load,
    template,
)
from customer_sync.config.document import parse
from customer_sync.core.model import AttributeType, DeleteBehavior, FieldRule, Step
from customer_sync.errors import ConfigError

SAMPLE = Path(__file__).parents[2] / "config.yaml"


def understood(tmp_path: Path, text: str) -> Config:
    """Return what *text* says as a configuration."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_sample_is_fine() -> None:
    """The configuration at the top of the project passes and needs no account."""
    config = load(SAMPLE)
    assert config.brevo.target is Target.SANDBOX
    assert config.source is SourceName.CUSTOM
    assert config.sync_mode is SyncMode.BATCH
    assert config.enabled


def test_sample_stays_fine_when_examples_are_switched_on(tmp_path: Path) -> None:
    """Every line that is commented out as an example is right as well."""
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    switched_on = [_switched_on(line) for line in lines]
    assert switched_on != lines
    config = understood(tmp_path, "\n".join(switched_on))
    assert config.policy.deleted_attribute == "DELETED_IN_SHOP"
    assert config.notifications.secret_variable == "WEBHOOK_SECRET"
    assert "BIRTHDAY" in {rule.attribute for rule in config.rules}


def _switched_on(line: str) -> str:
    """Return *line* without its comment mark if it is a `key: value` in lower case."""
    indent, mark, rest = line.partition("# ")
    key = rest.strip().partition(":")[0]
    is_example = mark and not indent.strip() and key.isidentifier() and ":" in rest
    is_word = key in {"sandbox", "live", "soft", "hard", "batch", "false", "source"}
    return f"{indent}{rest}" if is_example and key.islower() and not is_word else line


@pytest.mark.parametrize("source", SourceName)
@pytest.mark.parametrize("target", Target)
def test_template_passes(tmp_path: Path, source: SourceName, target: Target) -> None:
    """What is written for any source and target is a good configuration that says the same."""
    config = understood(tmp_path, template(source=source, target=target))
    assert (config.source, config.brevo.target) == (source, target)
    assert config.brevo.api_key_variable == "BREVO_API_KEY"
    assert config.rules == STANDARD_RULES


def test_template_says_what_was_asked_for(tmp_path: Path) -> None:
    """List, variable, deletion, webhook and mapping are found again."""
    rules = (
        FieldRule(field="email", attribute="EMAIL"),
        FieldRule(field="Größe: 'EU' #1 😀", attribute="SIZE"),
        FieldRule(field="no", attribute="NO", steps=(Step(name="upper"),)),
        FieldRule(field="totalSpent", attribute="TOTAL_SPENT", type=AttributeType.FLOAT),
        FieldRule(
            field="birthday",
            attribute="BIRTHDAY",
            type=AttributeType.DATE,
            steps=(Step(name="strip"), Step(name="date", argument="%d.%m.%Y")),
        ),
        FieldRule(
            field="origin",
            attribute="ORIGIN",
            type=AttributeType.MULTIPLE_CHOICE,
            steps=(Step(name="constant", argument=("a, b", "c")),),
        ),
    )
    config = understood(
        tmp_path,
        template(
            source=SourceName.MAGENTO,
            api_key_variable="SHOP_KEY",
            list_id=12,
            rules=rules,
            delete_behavior=DeleteBehavior.HARD,
            webhook_url="https://example.com/hook?a=b#c",
        ),
    )
    assert config.rules == tuple(
        FieldRule(field=found.field, attribute=rule.attribute, type=rule.type, steps=rule.steps)
        for found, rule in zip(config.rules, rules, strict=True)
    )
    assert [rule.field for rule in config.rules][2:] == [
        "no",
        "totalSpent",
        "birthday",
        "origin",
    ]
    assert config.brevo.api_key_variable == "SHOP_KEY"
    assert config.policy.list_id == 12
    assert config.policy.delete_behavior is DeleteBehavior.HARD
    assert config.notifications == Notifications(webhook_url="https://example.com/hook?a=b#c")


def test_template_with_wrong_answers_is_told(tmp_path: Path) -> None:
    """What was answered wrongly is found by the check, not written over."""
    path = tmp_path / "config.yaml"
    path.write_text(
        template(source=SourceName.CUSTOM, list_id=-1, webhook_url="ftp://example.com"), "utf-8"
    )
    _, problems = check(path)
    assert [problem.pointer.rpartition("/")[2] for problem in problems] == [
        "list_id",
        "webhook_url",
    ]


def test_template_never_holds_a_key() -> None:
    """A key in the place of the variable's name is refused, and not repeated."""
    with pytest.raises(ConfigError) as caught:
        template(source=SourceName.CUSTOM, api_key_variable="xkeysib-0123-abcd")
    assert "xkeysib" not in f"{caught.value}{caught.value.hint}"


def test_template_is_narrow() -> None:
    """No line is wider than a terminal in a corner of the screen."""
    text = template(source=SourceName.WOOCOMMERCE)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert isinstance(parse(text).root, dict)

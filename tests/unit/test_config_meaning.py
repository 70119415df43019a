"""What a good configuration means."""

from datetime import timedelta
from pathlib import Path

import pytest

from customer_sync.config import (
    STANDARD_RULES,
    BrevoSettings,
    Config,
    InvalidConfig,
    LogFormat,
    LogLevel,
    LogSettings,
    Notifications,
    RealtimeSettings,
    RetrySettings,
    RunEvent,
    SourceName,
    SyncMode,
    Target,
    load,
)
from customer_sync.core.model import (
    AttributeType,
    DeleteBehavior,
    FieldRule,
    Limit,
    OnDrift,
    Policy,
    RatePlan,
    Resubscribe,
    Step,
)

FULL = """\
version: 1
brevo:
  target: live
  api_key: ${MY_KEY}
  plan: extended
  base_url: http://127.0.0.1:8025/v3
  allow_other_base_url: true
  headroom: 0.2
  timeout: 2m
skills:
  customer-sync:
    enabled: false
    source: woocommerce
    field_mapping:
      last_name: lastname
      totalSpent: {attribute: TOTAL_SPENT, type: float, transform: {number: ","}}
      customerTier: {attribute: TIER, type: category, transform: [strip, {default: basic}]}
      origin: {attribute: ORIGIN, transform: {constant: [web, shop]}}
      metafields.custom.shoe_size: {attribute: SHOE_SIZE, transform: upper}
    options:
      sync_mode: realtime
      delete_behavior: hard
      list_id: 7
      update_enabled: false
      on_drift: brevo
      resubscribe: newer
      deleted_attribute: gone
      default_region: de
      full_refresh_every: 12 h
      max_deletes: 250
      max_rejects: 2.5%
      include_guests: true
      batch_size: 100
      retry:
        max_attempts: 3
        base_delay: 30s
        max_delay: 1w
    log_level: verbose
    logging:
      format: json
      file: logs/sync.log
      max_size: 2 MB
      keep: 0
    realtime:
      max_delay_s: 0.5
      max_batch: 50
      inbox_limit: 100
      pending_limit: 10
    notifications:
      webhook_url: ${HOOK}
      webhook_secret: ${HOOK_SECRET}
      events: [sync_failed]
"""


def loaded(tmp_path: Path, text: str) -> Config:
    """Return what *text* says."""
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def with_skill(*lines: str) -> str:
    """Return a configuration whose skill says *lines* besides its source."""
    return "\n".join(["skills:", "  customer-sync:", "    source: custom", *lines])


def test_everything_said(tmp_path: Path) -> None:
    """Every key reaches its place."""
    assert loaded(tmp_path, FULL) == Config(
        path=tmp_path / "config.yaml",
        brevo=BrevoSettings(
            target=Target.LIVE,
            api_key_variable="MY_KEY",
            plan=RatePlan.EXTENDED,
            base_url="http://127.0.0.1:8025/v3",
            allow_other_base_url=True,
            headroom=0.2,
            batch_size=100,
            timeout_s=120,
        ),
        enabled=False,
        source=SourceName.WOOCOMMERCE,
        rules=(
            FieldRule(field="email", attribute="EMAIL"),
            FieldRule(field="lastName", attribute="LASTNAME"),
            FieldRule(
                field="totalSpent",
                attribute="TOTAL_SPENT",
                type=AttributeType.FLOAT,
                steps=(Step(name="number", argument=","),),
            ),
            FieldRule(
                field="customerTier",
                attribute="TIER",
                type=AttributeType.CATEGORY,
                steps=(Step(name="strip"), Step(name="default", argument="basic")),
            ),
            FieldRule(
                field="origin",
                attribute="ORIGIN",
                steps=(Step(name="constant", argument=("web", "shop")),),
            ),
            FieldRule(
                field="metafields.custom.shoeSize",
                attribute="SHOE_SIZE",
                steps=(Step(name="upper"),),
            ),
        ),
        policy=Policy(
            list_id=7,
            delete_behavior=DeleteBehavior.HARD,
            deleted_attribute="GONE",
            update_enabled=False,
            on_drift=OnDrift.BREVO,
            resubscribe=Resubscribe.NEWER,
        ),
        sync_mode=SyncMode.REALTIME,
        default_region="DE",
        include_guests=True,
        full_refresh_every=timedelta(hours=12),
        max_deletes=Limit(count=250),
        max_rejects=Limit(share=0.025),
        retry=RetrySettings(
            max_attempts=3, base_delay=timedelta(seconds=30), max_delay=timedelta(weeks=1)
        ),
        debug=False,
        log_level=LogLevel.VERBOSE,
        logging=LogSettings(
            format=LogFormat.JSON,
            file=tmp_path / "logs" / "sync.log",
            max_bytes=2_000_000,
            keep=0,
        ),
        realtime=RealtimeSettings(max_delay_s=0.5, max_batch=50, inbox_limit=100, pending_limit=10),
        notifications=Notifications(
            webhook_url_variable="HOOK",
            secret_variable="HOOK_SECRET",
            events=(RunEvent.SYNC_FAILED,),
        ),
    )


def test_nothing_said(tmp_path: Path) -> None:
    """A source is enough; everything else has its default."""
    assert loaded(tmp_path, with_skill()) == Config(
        path=tmp_path / "config.yaml",
        brevo=BrevoSettings(),
        enabled=True,
        source=SourceName.CUSTOM,
        rules=STANDARD_RULES,
    )


def test_headings_without_anything_beneath(tmp_path: Path) -> None:
    """Blocks whose lines are all commented out count as absent."""
    text = with_skill("    field_mapping:", "    options:", "    notifications:") + "\nbrevo:\n"
    assert loaded(tmp_path, text) == loaded(tmp_path, with_skill())


@pytest.mark.parametrize(
    ("url", "leave"),
    [
        ("https://api.brevo.com/v3", "false"),
        ("https://api.sendinblue.com/v3", "false"),
        ("http://127.0.0.1:8025/v3", "false"),
        ("http://[::1]:8025/v3", "false"),
        ("http://localhost:8025/v3", "false"),
        ("https://brevo.example.com/v3", "true"),
    ],
)
def test_where_the_key_may_go(tmp_path: Path, url: str, leave: str) -> None:
    """To Brevo, to an emulator on this machine, and with leave to any other server."""
    brevo = f"target: live, api_key: '${{K}}', base_url: '{url}', allow_other_base_url: {leave}"
    settings = loaded(tmp_path, with_skill() + f"\nbrevo: {{{brevo}}}\n").brevo
    assert settings.base_url == url


@pytest.mark.parametrize(
    "url", ["https://brevo.example.com", "https://brevo.com.example.org", "https://notbrevo.com"]
)
def test_where_the_key_may_not_go(tmp_path: Path, url: str) -> None:
    """To whoever else has a certificate."""
    brevo = f"target: live, api_key: '${{K}}', base_url: '{url}'"
    with pytest.raises(InvalidConfig, match="not Brevo's address"):
        loaded(tmp_path, with_skill() + f"\nbrevo: {{{brevo}}}\n")


def test_every_key_in_the_other_spelling(tmp_path: Path) -> None:
    """The same configuration in camelCase means the same."""
    camel = FULL
    for key in [
        "api_key",
        "allow_other_base_url",
        "base_url",
        "field_mapping",
        "sync_mode",
        "delete_behavior",
        "list_id",
        "update_enabled",
        "on_drift",
        "deleted_attribute",
        "default_region",
        "full_refresh_every",
        "max_deletes",
        "max_rejects",
        "include_guests",
        "batch_size",
        "max_attempts",
        "base_delay",
        "max_delay_s",
        "max_batch",
        "inbox_limit",
        "pending_limit",
        "max_delay",
        "log_level",
        "max_size",
        "webhook_url",
        "webhook_secret",
        "last_name",
    ]:
        head, *rest = key.split("_")
        assert f" {key}:" in camel
        camel = camel.replace(f" {key}:", f" {head}{''.join(word.title() for word in rest)}:")
    for skill in ("customer-sync", "customer_sync", "customerSync"):
        respelled = camel.replace("customer-sync:", f"{skill}:")
        assert loaded(tmp_path, respelled) == loaded(tmp_path, FULL)


@pytest.mark.parametrize("level", ["top", "skill"])
def test_settings_at_either_level(tmp_path: Path, level: str) -> None:
    """Notifications, debug, log level and log are read at the top and inside the skill's block."""
    indent = "" if level == "top" else "    "
    config = loaded(
        tmp_path,
        with_skill(
            f"{indent}debug: true",
            f"{indent}log_level: error",
            f"{indent}logging: {{file: sync.log}}",
            f"{indent}notifications: {{webhook_url: 'https://example.com/hook'}}",
        ),
    )
    assert config.debug
    assert config.logging == LogSettings(file=tmp_path / "sync.log")
    assert config.notifications == Notifications(webhook_url="https://example.com/hook")


@pytest.mark.parametrize("line", ["debug: true", "log_level: debug", "logLevel: debug"])
def test_debug_has_two_names(tmp_path: Path, line: str) -> None:
    """`debug: true` and `log_level: debug` are one wish."""
    config = loaded(tmp_path, with_skill(f"    {line}"))
    assert (config.debug, config.log_level) == (True, LogLevel.DEBUG)


@pytest.mark.parametrize("attribute", ["email", "EMAIL", "{attribute: email, type: text}"])
def test_email_means_the_address(tmp_path: Path, attribute: str) -> None:
    """However the attribute of the address is written, it is EMAIL."""
    config = loaded(tmp_path, with_skill("    field_mapping:", f"      email: {attribute}"))
    (rule,) = config.rules
    assert (rule.field, rule.attribute) == ("email", "EMAIL")


def test_address_is_added_to_a_mapping_without_it(tmp_path: Path) -> None:
    """A mapping need not name the address."""
    config = loaded(tmp_path, with_skill("    field_mapping: {city: CITY}"))
    assert [rule.field for rule in config.rules] == ["email", "city"]


def test_address_from_another_field(tmp_path: Path) -> None:
    """Where another field is mapped to EMAIL, that one is the address."""
    config = loaded(tmp_path, with_skill('    field_mapping: {"E-Mail": EMAIL}'))
    assert config.rules == (FieldRule(field="eMail", attribute="EMAIL"),)


def test_number_that_is_whole(tmp_path: Path) -> None:
    """5.0 is the list 5."""
    assert loaded(tmp_path, with_skill("    options: {list_id: 5.0}")).policy.list_id == 5

"""Keys: named in the configuration, kept in the environment, shown to nobody."""

from pathlib import Path

import pytest

from customer_sync.config import (
    BrevoSettings,
    Config,
    Notifications,
    Secret,
    SourceName,
    webhook_address,
)
from customer_sync.config.problems import masked, shown
from customer_sync.errors import ConfigError

KEY = "xkeysib-0123456789abcdef-AbCd"


def config_with(variable: str | None) -> Config:
    """Return a configuration whose key is in *variable*."""
    return Config(
        path=Path("config.yaml"),
        brevo=BrevoSettings(api_key_variable=variable),
        enabled=True,
        source=SourceName.CUSTOM,
        rules=(),
    )


def test_key_comes_from_the_environment() -> None:
    """The variable that the file names is read, and blanks around the key are dropped."""
    assert config_with("MY_KEY").api_key({"MY_KEY": f" {KEY}\n"}) == Secret(KEY)


@pytest.mark.parametrize(
    ("environ", "state"), [({}, "not set"), ({"MY_KEY": ""}, "empty"), ({"MY_KEY": "  "}, "empty")]
)
def test_key_that_is_not_there(environ: dict[str, str], state: str) -> None:
    """A variable that is unset or empty is named, with the way to set it."""
    with pytest.raises(ConfigError, match=rf"MY_KEY.*is {state}") as caught:
        config_with("MY_KEY").api_key(environ)
    assert caught.value.hint == "Set it before starting: export MY_KEY=…"


def test_file_without_a_variable() -> None:
    """A file that names no variable is told what to write."""
    with pytest.raises(ConfigError, match="does not say where") as caught:
        config_with(None).api_key({"BREVO_API_KEY": KEY})
    assert "api_key: ${BREVO_API_KEY}" in (caught.value.hint or "")


def test_secret_is_never_shown() -> None:
    """Neither str, repr, format nor the repr of what holds it gives a secret away."""
    secret = Secret(KEY)
    for text in (str(secret), repr(secret), f"{secret}", f"{secret:>9}", repr([secret])):
        assert KEY not in text
        assert "***" in text
    assert secret.reveal() == KEY


def test_secrets_compare_by_what_they_hide() -> None:
    """Two secrets are equal if their texts are."""
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        "xsmtpsib-0123-abc",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "shpat_0123456789abcdef0123456789abcdef",
        "ck_0123456789abcdef0123456789abcdef01234567",
        "cs_0123456789abcdef0123456789abcdef01234567",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_whatever_looks_like_a_key_is_masked(key: str) -> None:
    """Keys of Brevo, of the platforms and of webhooks vanish from any text."""
    assert masked(f"It says {key}, which is odd.") == "It says ***, which is odd."


@pytest.mark.parametrize(
    "text",
    [
        "check, skip, desk-top and task_force",
        "DELETED_IN_SHOP",
        "full_refresh_every",
        "a_very_long_name_of_an_attribute_without_digits",
        "https://example.com/hooks/customer-sync",
    ],
)
def test_ordinary_words_are_not_masked(text: str) -> None:
    """Words that only resemble a key's beginning stay readable."""
    assert masked(text) == text


def test_shown_text_is_tame() -> None:
    """What is repeated from a file is one printable, short line."""
    assert shown("a\x1b[31mb\nc\u202ed") == "a�[31mb�c�d"
    assert len(shown("long " * 100)) == 60


def test_webhook_address_in_the_file() -> None:
    """An address that stands in the file is used as it is."""
    url = "https://example.com/hook"
    assert webhook_address(Notifications(webhook_url=url), {}) == url
    assert webhook_address(Notifications(), {}) is None


def test_webhook_address_in_the_environment() -> None:
    """An address that is itself a secret comes from its variable, and is checked all the same."""
    notifications = Notifications(webhook_url_variable="HOOK")
    assert webhook_address(notifications, {"HOOK": "https://example.com/x"}) is not None
    with pytest.raises(ConfigError, match=r"HOOK, which should hold the address .* not set"):
        webhook_address(notifications, {})
    with pytest.raises(ConfigError, match="HOOK: A web address must begin with https") as caught:
        webhook_address(notifications, {"HOOK": "http://example.com/s3cret"})
    assert "s3cret" not in f"{caught.value}{caught.value.hint}"

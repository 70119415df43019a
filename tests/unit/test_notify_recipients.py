"""Whom the configuration names, and services through Apprise."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from customer_sync.config import Notifications, RunEvent
from customer_sync.notify.messages import for_trial
from customer_sync.notify.recipients import names_of, recipients_of
from customer_sync.notify.services import Service
from customer_sync.notify.texts import as_text
from customer_sync.store import Letter
from customer_sync.trouble import Code
from webhook_receiver import KEY, Receiver, letter, receiving

# Apprise imports all its plugins, one of them a module that Python 3.13 does without.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ALL = Notifications(
    webhook_url="https://example.com/hook",
    secret_variable="HOOK_SECRET",
    service_variables=("CHAT_URL",),
)


def trial(event: RunEvent, name: str = "CHAT_URL") -> Letter:
    """Return a letter as `notify test` writes it."""
    body = for_trial(event, target="live", at=NOW).message("msg_1").body
    return letter(1, event=event, body=body, recipient=name)


def test_batches_are_told_to_programs_alone() -> None:
    """People are told how runs end."""
    assert names_of(ALL) == ("webhook", "CHAT_URL")
    assert names_of(ALL, RunEvent.SYNC_FAILED) == ("webhook", "CHAT_URL")
    assert names_of(ALL, RunEvent.BATCH_COMPLETED) == ("webhook",)


def test_nobody_is_told_of_what_they_did_not_ask_for() -> None:
    """`events` says of what."""
    quiet = Notifications(
        webhook_url_variable="HOOK_URL", events=(RunEvent.SYNC_FAILED,), service_variables=("A",)
    )
    assert names_of(quiet, RunEvent.SYNC_COMPLETED) == ()
    assert names_of(quiet, RunEvent.SYNC_FAILED) == ("webhook", "A")
    assert names_of(Notifications()) == ()


def test_whoever_cannot_be_told_stops_nobody_else() -> None:
    """A variable that is not set is a complaint about one recipient."""
    recipients = recipients_of(ALL, {"CHAT_URL": "json://example.com/"})
    assert [one.name for one in recipients.ready] == ["CHAT_URL"]
    (complaint,) = recipients.complaints
    assert complaint.startswith("webhook cannot be told: The environment variable HOOK_SECRET")


def test_all_are_ready() -> None:
    """Given their variables."""
    environ = {"HOOK_SECRET": KEY, "CHAT_URL": "json://example.com/"}
    recipients = recipients_of(ALL, environ)
    assert [one.name for one in recipients.ready] == ["webhook", "CHAT_URL"]
    assert recipients.flaws == {}
    for one in recipients.ready:
        one.close()


def test_without_a_secret_nothing_is_signed() -> None:
    """That is allowed."""
    recipients = recipients_of(Notifications(webhook_url="https://example.com/hook"), {})
    assert [one.name for one in recipients.ready] == ["webhook"]
    recipients.ready[0].close()


def test_what_apprise_does_not_know_is_told_without_the_address() -> None:
    """It may hold a token."""
    recipients = recipients_of(ALL, {"HOOK_SECRET": KEY, "CHAT_URL": "carrier-pigeon://s3cret"})
    flaw = recipients.flaws["CHAT_URL"]
    assert flaw.trouble is Code.NOTIFICATION
    assert "CHAT_URL" in flaw.message
    assert "s3cret" not in f"{flaw.message} {flaw.hint}"
    recipients.ready[0].close()


def test_without_apprise_services_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The complaint says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "customer_sync.notify.services", None)
    recipients = recipients_of(ALL, {"HOOK_SECRET": KEY, "CHAT_URL": "json://example.com/"})
    assert recipients.flaws["CHAT_URL"].trouble is Code.PACKAGE_MISSING
    recipients.ready[0].close()


# ---------------------------------------------------------------- services


class _Plugin:
    """One of Apprise's, as far as a service uses it."""

    def __init__(self, host: str, form: str, outcome: bool | Exception = True) -> None:
        self.host = host
        self.port = None
        self.templates = (form,)
        self.outcome = outcome
        self.sent: list[tuple[str, str, str]] = []

    def notify(self, *, title: str, body: str, notify_type: object, body_format: object) -> bool:
        """Note what is sent, and do what the test says."""
        assert body_format == "text"
        self.sent.append((title, body, str(notify_type)))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def service(plugin: _Plugin, *addresses: str, allow_private: bool = False) -> Service:
    """Return a service with *plugin* in it, whose host leads to *addresses*; none: unknown."""
    from customer_sync.config import Secret

    def resolver(_host: str, _port: int) -> Sequence[str]:
        if not addresses:
            raise OSError
        return addresses

    made = Service(
        "CHAT_URL",
        Secret("json://example.com/"),
        allow_private=allow_private,
        resolver=resolver,
    )
    object.__setattr__(made, "_plugin", plugin)
    return made


WITH_HOST = "{schema}://{host}/"


def test_a_service_takes_a_text() -> None:
    """Its kind is Apprise's word for how the run ended."""
    plugin = _Plugin("chat.example.com", WITH_HOST)
    answer = service(plugin, "93.184.215.14").send(trial(RunEvent.SYNC_FAILED))
    assert answer.is_delivered
    ((title, body, kind),) = plugin.sent
    assert title == "customer-sync: sync failed"
    assert "could not be reached" in body
    assert "This is a test" in body
    assert "failure" in kind.lower()


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (False, "the service did not take it"),
        (TypeError("token"), "Apprise failed (TypeError)"),
    ],
)
def test_a_service_that_fails_is_told_in_few_words(outcome: bool | Exception, told: str) -> None:
    """What a plugin raises may hold its address."""
    plugin = _Plugin("chat.example.com", WITH_HOST, outcome)
    answer = service(plugin, "93.184.215.14").send(trial(RunEvent.SYNC_COMPLETED))
    assert (answer.is_delivered, answer.told) == (False, told)


def test_a_service_within_a_private_network_is_told_only_when_allowed() -> None:
    """As a webhook is."""
    plugin = _Plugin("chat.internal", WITH_HOST)
    refused = service(plugin, "10.0.0.1").send(trial(RunEvent.SYNC_COMPLETED))
    assert "allow_private" in refused.told
    assert plugin.sent == []
    allowed = service(plugin, "10.0.0.1", allow_private=True).send(trial(RunEvent.SYNC_COMPLETED))
    assert allowed.is_delivered


@pytest.mark.parametrize(
    ("form", "addresses"), [("{schema}://{token}", ["10.0.0.1"]), (WITH_HOST, [])]
)
def test_what_is_no_machine_is_not_looked_up(form: str, addresses: list[str]) -> None:
    """A token that stands where others have a host, or a domain that only has mail."""
    plugin = _Plugin("chat", form)
    made = service(plugin, *addresses)
    assert made.send(trial(RunEvent.SYNC_COMPLETED)).is_delivered
    made.close()


def test_the_address_of_a_service_is_not_shown() -> None:
    """Only the name of its variable."""
    assert repr(service(_Plugin("x", WITH_HOST))) == "Service('CHAT_URL')"


def test_apprise_itself_sends_it() -> None:
    """A real plugin of Apprise, to somebody who takes it and later does not; no redirect."""
    from customer_sync.config import Secret

    with receiving(Receiver(key=None)) as receiver:
        address = Secret(f"json://127.0.0.1:{receiver.port}/hook")
        made = Service("CHAT_URL", address, allow_private=True)
        assert made.send(trial(RunEvent.SYNC_COMPLETED)).told == "the service took it"
        assert receiver.taken[0]["title"] == "customer-sync: sync completed"
        receiver.statuses, receiver.headers = [302], {"location": receiver.url}
        assert made.send(trial(RunEvent.SYNC_COMPLETED)).told == "the service did not take it"
        assert len(receiver.ids) == 2


def test_a_text_has_the_numbers() -> None:
    """Of a run with rejected records and withheld deletions, and what to look up; of a batch."""
    told = json.loads(trial(RunEvent.SYNC_FAILED).body)
    told["data"].update(rejections=1200, withheld=3, is_test=False, troubles={"CS211": 1200})
    title, body = as_text(letter(event="sync_failed", body=json.dumps(told).encode()))
    assert title == "customer-sync: sync failed"
    assert body.splitlines()[1:] == [
        "0 applied, 0 deferred, 0 failed",
        "run trial (notify test, target live)",
        "1,200 rejected, 3 withheld",
        "CS211 × 1,200: customer-sync explain CS211",
    ]
    title, _ = as_text(trial(RunEvent.BATCH_COMPLETED))
    assert title == "customer-sync: 0 of 0 changes done"

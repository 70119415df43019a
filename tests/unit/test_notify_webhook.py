"""A webhook: signed, bounded, and never led into a private network."""

import base64
import hashlib
import hmac
import socket
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from customer_sync.config import Secret
from customer_sync.config.addresses import is_public, names_private_host
from customer_sync.errors import ConfigError
from customer_sync.notify.delivery import ATTEMPTS, deliver
from customer_sync.notify.hosts import PrivateAddress, allowed_addresses, resolve
from customer_sync.notify.signing import Signer, Unsigned
from customer_sync.notify.webhook import LARGEST_ANSWER, Webhook
from webhook_receiver import KEY, Receiver, at_once, letter, receiving

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OTHER_KEY = "whsec_" + base64.b64encode(b"another key of twenty-four bytes").decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a receiver that listens."""
    with receiving(Receiver()) as listening:
        yield listening


@pytest.fixture
def webhook(receiver: Receiver) -> Iterator[Webhook]:
    """Return a webhook that leads to it."""
    hook = _webhook(receiver)
    yield hook
    hook.close()


def _webhook(receiver: Receiver, key: str = KEY) -> Webhook:
    signer = Signer(Secret(key), variable="HOOK_SECRET")
    return Webhook(receiver.url, signer, allow_private=True)


# ---------------------------------------------------------------- signatures


def test_the_reference_library_verifies_what_is_sent(receiver: Receiver, webhook: Webhook) -> None:
    """Id, timestamp and signature stand in the headers of Standard Webhooks."""
    assert webhook.send(letter()).is_delivered
    assert receiver.types() == ["sync_completed"]
    assert receiver.last_headers["webhook-id"] == "msg_1"


def test_the_signature_is_the_hmac_of_id_timestamp_and_body() -> None:
    """Computed once more by hand, from the words of the specification."""
    content = f"msg_1.{int(NOW.timestamp())}.{{}}".encode()
    secret = base64.b64decode(KEY.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    signer = Signer(Secret(KEY), variable="HOOK_SECRET")
    assert signer.headers("msg_1", b"{}", now=NOW) == {"webhook-signature": f"v1,{expected}"}


def test_while_keys_change_there_is_a_signature_for_each(receiver: Receiver) -> None:
    """A receiver that knows only one of two keys takes it."""
    webhook = _webhook(receiver, f"{OTHER_KEY} {KEY}")
    assert webhook.send(letter()).is_delivered
    webhook.close()


def test_another_key_is_found_out(receiver: Receiver) -> None:
    """The receiver of these tests does verify."""
    webhook = _webhook(receiver, OTHER_KEY)
    assert webhook.send(letter()).told == "status 401"
    assert receiver.taken == []
    webhook.close()


@pytest.mark.parametrize(
    "text",
    ["secret", "whsec_MDE", "whsec_c2hvcnQ=", "whsec_not base64", f"whsec_{'A' * 200}", f"{KEY} x"],
)
def test_what_is_no_key_is_not_signed_with(text: str) -> None:
    """The message names the variable and repeats nothing of what it holds."""
    with pytest.raises(ConfigError) as raised:
        Signer(Secret(text), variable="HOOK_SECRET")
    assert "HOOK_SECRET" in raised.value.message
    assert text not in f"{raised.value.message} {raised.value.hint}".split()


def test_without_a_key_nothing_is_signed() -> None:
    """The id and the time are there all the same."""
    assert Unsigned().headers("msg_1", b"{}", now=NOW) == {}


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_may_pass_is_tried_again_under_the_same_id(
    status: int, receiver: Receiver, webhook: Webhook
) -> None:
    """A receiver can tell that it is the same notification."""
    receiver.statuses = [status, status]
    assert deliver(letter(), webhook, pause=at_once).is_delivered
    assert receiver.ids == ["msg_1"] * 3


def test_after_a_few_attempts_it_is_enough(receiver: Receiver, webhook: Webhook) -> None:
    """The rest is for another time."""
    receiver.statuses = [503] * 10
    answer = deliver(letter(), webhook, pause=at_once)
    assert (answer.is_delivered, answer.told) == (False, "status 503")
    assert len(receiver.ids) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_not_asked_for_twice(
    status: int, receiver: Receiver, webhook: Webhook
) -> None:
    """Another attempt right away would be refused as well."""
    receiver.statuses = [status]
    assert deliver(letter(), webhook, pause=at_once).told == f"status {status}"
    assert len(receiver.ids) == 1


def test_a_redirect_is_not_followed(receiver: Receiver, webhook: Webhook) -> None:
    """Else a public address could lead to a private one."""
    receiver.statuses = [307]
    receiver.headers = {"location": receiver.url}
    answer = deliver(letter(), webhook, pause=at_once)
    assert "leads to another address" in answer.told
    assert len(receiver.ids) == 1


def test_no_more_of_an_answer_is_read_than_is_shown(receiver: Receiver, webhook: Webhook) -> None:
    """Addresses in it are masked, and nothing in it steers a terminal."""
    receiver.statuses = [200]
    receiver.body = b"\x1b[31mthanks jane@example.com " + b"x" * (50 * LARGEST_ANSWER)
    answer = webhook.send(letter())
    assert answer.is_delivered
    assert "thanks j***@example.com" in answer.told
    assert "\x1b" not in answer.told
    assert len(answer.told) < 200


def test_nobody_listening_is_told_without_the_address() -> None:
    """The path may be a secret."""
    with receiving(Receiver()) as gone:
        pass
    webhook = _webhook(gone)
    assert webhook.send(letter()).told == "no answer (ConnectError)"
    assert "hooks" not in repr(webhook)
    webhook.close()


def test_an_answer_that_is_none_is_no_delivery() -> None:
    """Whoever answers with something else than HTTP has not taken it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        webhook = Webhook(
            f"http://127.0.0.1:{server.getsockname()[1]}/", Unsigned(), allow_private=True
        )
        with _answering_nonsense(server):
            assert webhook.send(letter()).told == "no answer (RemoteProtocolError)"
        webhook.close()


def _answering_nonsense(server: socket.socket) -> "_Nonsense":
    return _Nonsense(server)


class _Nonsense:
    """Answers one connection with a word."""

    def __init__(self, server: socket.socket) -> None:
        import threading

        self._thread = threading.Thread(target=self._answer, args=(server,))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    @staticmethod
    def _answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"what?\r\n\r\n")


# ---------------------------------------------------------------- where a name leads


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "0.0.0.0", "100.64.0.1"),
        *("169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "224.0.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fc00::1", "ff02::1"),
        *("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "::ffff:169.254.169.254"),
        *("2001:0:a00:1::f5ff:fffe", "::7f00:1", "64:ff9b:1::1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    """Private, link-local, loopback, metadata, and what leads to them by way of IPv6."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07::1", "64:ff9b::5db8:d70e", "::ffff:1.1.1.1"]
)
def test_addresses_that_are_public(address: str) -> None:
    """Anybody's on the Internet."""
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "is_private"),
    [
        ("http://localhost/x", True),
        ("http://LOCALHOST.:80/x", True),
        ("http://a.localhost/", True),
        ("https://10.1.2.3/x", True),
        ("https://[::1]:8443/x", True),
        ("https://example.com/x", False),
        ("https://1.1.1.1/", False),
        ("", False),
    ],
)
def test_hosts_that_show_it_by_their_text(url: str, is_private: bool) -> None:
    """No name is looked up for it."""
    assert names_private_host(url) is is_private


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["93.184.215.14", "::1"]])
def test_a_name_that_leads_to_a_private_address_is_refused(addresses: Sequence[str]) -> None:
    """Also when only one of its addresses is private."""
    with pytest.raises(PrivateAddress):
        allowed_addresses(
            "example.com", 443, allow_private=False, resolver=lambda _host, _port: addresses
        )


def test_nothing_is_sent_to_a_private_address_unasked(receiver: Receiver) -> None:
    """The receiver listens, and hears nothing; the answer says what to write."""
    webhook = Webhook(receiver.url, Unsigned())
    answer = deliver(letter(), webhook, pause=at_once)
    assert "allow_private" in answer.told
    assert receiver.ids == []
    webhook.close()


def test_the_address_that_was_looked_at_is_the_one_that_is_used(receiver: Receiver) -> None:
    """The name is resolved once: nobody can change where it leads meanwhile."""
    asked = []

    def resolver(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    url = receiver.url.replace("127.0.0.1", "hooks.example.com")
    signer = Signer(Secret(KEY), variable="HOOK_SECRET")
    webhook = Webhook(url, signer, allow_private=True, resolver=resolver)
    assert webhook.send(letter()).is_delivered
    assert asked == [("hooks.example.com", receiver.port)]
    assert receiver.last_headers["host"] == f"hooks.example.com:{receiver.port}"
    webhook.close()


def test_where_one_address_does_not_answer_the_next_may(receiver: Receiver) -> None:
    """As browsers do with hosts of several addresses."""
    signer = Signer(Secret(KEY), variable="HOOK_SECRET")
    webhook = Webhook(
        receiver.url,
        signer,
        allow_private=True,
        resolver=lambda _host, _port: ["127.0.0.2", "127.0.0.1"],
    )
    assert webhook.send(letter()).is_delivered
    webhook.close()


def test_a_name_that_nobody_knows_is_told() -> None:
    """It may be known tomorrow."""

    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise OSError

    webhook = Webhook("https://hooks.example.com/", Unsigned(), resolver=unknown)
    answer = webhook.send(letter())
    assert answer.told == "the name of its host is not known"
    assert answer.may_be_repeated
    webhook.close()


def test_the_system_resolves_names() -> None:
    """Loopback is known without a network; a name that cannot be one is known nowhere."""
    assert resolve("127.0.0.1", 80) == ("127.0.0.1",)
    with pytest.raises(OSError, match="no host has such a name"):
        resolve("a" * 70 + ".example.com", 80)

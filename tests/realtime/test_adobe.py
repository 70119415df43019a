"""Webhooks of Adobe Commerce, which signs with a key of its own."""

import base64
import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from customer_sync.errors import ConfigError
from customer_sync.realtime.inbox import Inbox
from customer_sync.realtime.receiving import (
    ADOBE_SIGNATURE,
    Receiving,
    Request,
    RequestRefused,
    Secrets,
)
from customer_sync.realtime.signatures import RsaVerifier
from realtime_stage import NOW

CUSTOMER = {
    "id": 7,
    "email": "jane@example.com",
    "firstname": "Jane",
    "lastname": "Doe",
    "updated_at": "2026-11-24 11:59:00",
}
VARIABLE = "CUSTOMER_SYNC_ADOBE_PUBLIC_KEY"


def new_key() -> rsa.RSAPrivateKey:
    """Return a key as a shop has it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """Return what the shop's administration shows."""
    shown = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return shown.decode()


KEY, OLD_KEY = new_key(), new_key()
RECEIVING = Receiving(
    secrets=Secrets(adobe=RsaVerifier(pem(OLD_KEY) + pem(KEY), variable=VARIABLE))
)


def signed(content: object, key: rsa.RSAPrivateKey = KEY) -> Request:
    """Return a webhook as Adobe Commerce sends it."""
    body = json.dumps(content).encode()
    signature = base64.b64encode(key.sign(body, PKCS1v15(), SHA256())).decode()
    return Request(body=body, headers={ADOBE_SIGNATURE: signature}, at=NOW)


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
def test_what_is_signed_is_accepted(key: rsa.RSAPrivateKey) -> None:
    """By either of two keys, while one is exchanged for the other."""
    delivery = RECEIVING.magento(signed(CUSTOMER, key))
    assert len(delivery.records) == 1


@pytest.mark.parametrize("place", [0, 10, -2])
def test_one_changed_bit_is_refused(place: int) -> None:
    """Wherever it is in the body."""
    request = signed(CUSTOMER)
    body = bytearray(request.body)
    body[place] ^= 1
    with pytest.raises(RequestRefused) as refused:
        RECEIVING.magento(Request(body=bytes(body), headers=request.headers, at=NOW))
    assert refused.value.status == 401


@pytest.mark.parametrize("signature", ["", "!!", "AAAA", "é"])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    """Without a traceback."""
    request = Request(body=b"{}", headers={ADOBE_SIGNATURE: signature}, at=NOW)
    with pytest.raises(RequestRefused) as refused:
        RECEIVING.magento(request)
    assert refused.value.status == 401


def test_somebody_else_is_refused() -> None:
    """And whoever signs nothing."""
    for request in (signed(CUSTOMER, new_key()), Request(body=b"{}", headers={}, at=NOW)):
        with pytest.raises(RequestRefused) as refused:
            RECEIVING.magento(request)
        assert refused.value.status == 401


def test_a_replay_is_kept_once(tmp_path: Path) -> None:
    """What tells a time says nothing new when it is sent again."""
    with Inbox(tmp_path) as inbox:
        deliveries = [RECEIVING.magento(signed(CUSTOMER)) for _ in range(2)]
        assert inbox.keep(deliveries, now=NOW) == [True, False]


def test_without_a_time_in_it_the_same_body_is_news(tmp_path: Path) -> None:
    """A customer may be again what it was before; then that has to be written."""
    timeless = {name: value for name, value in CUSTOMER.items() if name != "updated_at"}
    first = signed(timeless)
    later = Request(body=first.body, headers=first.headers, at=NOW + timedelta(minutes=1))
    with Inbox(tmp_path) as inbox:
        deliveries = [RECEIVING.magento(first), RECEIVING.magento(later)]
        assert inbox.keep(deliveries, now=NOW) == [True, True]


@pytest.mark.parametrize(
    "text",
    [
        "hush",
        "-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----",
        pem(ec.generate_private_key(ec.SECP256R1())),
    ],
)
def test_what_is_no_such_key_is_told_at_the_start(text: str) -> None:
    """With where to find it, and without repeating it."""
    with pytest.raises(ConfigError, match=VARIABLE) as caught:
        RsaVerifier(text, variable=VARIABLE)
    assert "-----BEGIN" in str(caught.value.hint)
    assert "nonsense" not in str(caught.value)


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how to install it."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.serialization", None)
    with pytest.raises(ConfigError, match="not installed") as caught:
        RsaVerifier(pem(KEY), variable=VARIABLE)
    assert "customer-sync[adobe]" in str(caught.value.hint)

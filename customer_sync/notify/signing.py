"""Signatures as Standard Webhooks has them: whoever is told can tell that it is from us."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook

from customer_sync.config import Secret
from customer_sync.errors import ConfigError
from customer_sync.trouble import Code

_PREFIX = "whsec_"
_SIZES = range(24, 65)
"""How many bytes a key has, by the specification of Standard Webhooks."""


class Signer:
    """Signs with one key, or with several while receivers change from one to the next."""

    def __init__(self, secret: Secret, *, variable: str) -> None:
        """Take the keys from *secret*, which holds them with blanks between.

        Raises:
            ConfigError: one is no key; the message names *variable* and repeats nothing of it.
        """
        keys = secret.reveal().split()
        if not all(map(_is_key, keys)):
            raise ConfigError(
                f"The environment variable {variable} holds no key to sign notifications with: "
                f"{_PREFIX} and then 24 to 64 bytes in Base64.",
                trouble=Code.NOTIFICATION,
                hint=f"Make one: export {variable}=whsec_$(openssl rand -base64 32)",
            )
        self._keys = tuple(Webhook(key) for key in keys)

    def headers(self, id_: str, body: bytes, *, now: datetime) -> Mapping[str, str]:
        """Return the signatures of *body*, sent *now* under *id_*, as a header."""
        signatures = (key.sign(id_, now.astimezone(UTC), body.decode()) for key in self._keys)
        return {"webhook-signature": " ".join(signatures)}


class Unsigned:
    """Takes the place of a signer where no key was named."""

    def headers(
        self,
        id_: str,  # noqa: ARG002 # as a signer takes them
        body: bytes,  # noqa: ARG002
        *,
        now: datetime,  # noqa: ARG002
    ) -> Mapping[str, str]:
        """Return no header."""
        return {}


def _is_key(text: str) -> bool:
    encoded = text.removeprefix(_PREFIX)
    if encoded == text:
        return False
    try:
        return len(base64.b64decode(encoded, validate=True)) in _SIZES
    except (binascii.Error, ValueError):
        return False

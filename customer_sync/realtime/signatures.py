"""Who signed a request, over its raw bytes: with any of several secrets or keys."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from standardwebhooks import Webhook, WebhookVerificationError

from customer_sync.config import Secret
from customer_sync.errors import ConfigError
from customer_sync.trouble import Code

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


def read_secrets(variable: str, environ: Mapping[str, str]) -> tuple[Secret, ...]:
    """Return the secrets that the environment holds under *variable*, with blanks between them.

    Several are valid side by side, so that one can be changed for another without a gap.
    """
    return tuple(Secret(text) for text in environ.get(variable, "").split())


def is_signed(body: bytes, signature: str, secrets: Sequence[Secret]) -> bool:
    """Tell whether *signature* is the Base64 of an HMAC-SHA256 over *body* by one of *secrets*.

    How long it takes tells nothing about how much of it was right.
    """
    given = signature.strip().encode()
    fits = [hmac.compare_digest(_signature(body, secret), given) for secret in secrets]
    return any(fits)


def _signature(body: bytes, secret: Secret) -> bytes:
    return base64.b64encode(hmac.new(secret.reveal().encode(), body, hashlib.sha256).digest())


def is_bearer(authorization: str, tokens: Sequence[Secret]) -> bool:
    """Tell whether the header *authorization* bears one of *tokens*."""
    scheme, _, given = authorization.partition(" ")
    fits = [
        hmac.compare_digest(token.reveal().encode(), given.strip().encode()) for token in tokens
    ]
    return scheme.lower() == "bearer" and any(fits)


class StandardVerifier:
    """Verifies what is signed as Standard Webhooks has it: id, time and body together."""

    def __init__(self, secrets: Sequence[Secret], *, variable: str) -> None:
        """Take the keys from *secrets*.

        Raises:
            ConfigError: one is no key; the message names *variable* and repeats nothing of it.
        """
        try:
            self._keys = tuple(Webhook(secret.reveal()) for secret in secrets)
        except (ValueError, RuntimeError) as error:
            raise ConfigError(
                f"The environment variable {variable} holds no key of Standard Webhooks: whsec_ "
                "and then 24 to 64 bytes in Base64.",
                trouble=Code.ENVIRONMENT,
                hint=f"Make one: export {variable}=whsec_$(openssl rand -base64 32)",
            ) from error

    def verifies(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Tell whether *body* was signed by one of the keys within the last five minutes."""
        fits = [_verifies(key, body, headers) for key in self._keys]
        return any(fits)


class RsaVerifier:
    """Verifies what is signed as Adobe Commerce has it: RSA with SHA-256 over the body."""

    def __init__(self, pem: str, *, variable: str) -> None:
        """Take the public keys from *pem*, one block after the other.

        Raises:
            ConfigError: it holds no such key, or what reads it is not installed; the message names
                *variable*.
        """
        try:
            from cryptography.hazmat.primitives.asymmetric.rsa import (  # noqa: PLC0415 - an optional extra
                RSAPublicKey,
            )
            from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - likewise
                load_pem_public_key,
            )
        except ImportError as error:
            raise ConfigError(
                f"{variable} is set, and cryptography, which reads such keys, is not installed.",
                trouble=Code.PACKAGE_MISSING,
                hint="Install it with: pip install 'customer-sync[adobe]'",
            ) from error
        try:
            keys = [load_pem_public_key(block.encode()) for block in _PEM.findall(pem)]
        except ValueError as error:
            raise _no_public_key(variable) from error
        self._keys = tuple(key for key in keys if isinstance(key, RSAPublicKey))
        if not self._keys or len(self._keys) < len(keys):
            raise _no_public_key(variable)

    def verifies(self, body: bytes, signature: str) -> bool:
        """Tell whether *signature* is the Base64 of a signature over *body* by one of the keys."""
        try:
            given = base64.b64decode(signature.strip(), validate=True)
        except ValueError:
            return False
        return any(_is_by(key, body, given) for key in self._keys)


_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)


def _no_public_key(variable: str) -> ConfigError:
    return ConfigError(
        f"The environment variable {variable} holds no public RSA key in PEM.",
        trouble=Code.ENVIRONMENT,
        hint="Copy it from the shop's administration, from -----BEGIN to -----END; of two keys, "
        "one after the other.",
    )


def _is_by(key: "RSAPublicKey", body: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an optional extra
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - likewise
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - likewise

    try:
        key.verify(signature, body, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _verifies(key: Webhook, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        # Only the signature is asked about; the body is decoded by whoever believes it.
        key.verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True

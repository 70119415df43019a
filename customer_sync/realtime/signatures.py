"""Who signed a request: HMAC-SHA256 over the raw bytes, with any of several secrets."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from standardwebhooks import Webhook, WebhookVerificationError

from customer_sync.config import Secret
from customer_sync.errors import ConfigError
from customer_sync.trouble import Code


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


def _verifies(key: Webhook, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        # Only the signature is asked about; the body is decoded by whoever believes it.
        key.verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True

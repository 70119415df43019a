"""How the emulated Brevo says no: one exception, and the exact words for each occasion."""

from collections.abc import Sequence

import httpx


class BrevoFault(Exception):
    """A request that is answered with an error; whatever it wrote is taken back."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        duplicates: Sequence[str] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.duplicates = tuple(duplicates)
        self.headers = headers or {}

    def body(self) -> dict[str, object]:
        """Return the JSON object that Brevo answers with."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        if self.duplicates:
            body["metadata"] = {"duplicate_identifiers": list(self.duplicates)}
        return body


class ConnectionDropped(httpx.RemoteProtocolError):
    """The connection broke without an answer.

    In process it reaches the caller of httpx as what it is: the same kind of error that a broken
    connection is over HTTP. The server catches it and aborts the connection for real.
    """


def invalid(message: str) -> BrevoFault:
    """Return the answer to a value that is not acceptable."""
    return BrevoFault(400, "invalid_parameter", message)


def missing(message: str) -> BrevoFault:
    """Return the answer to a value that is not there."""
    return BrevoFault(400, "missing_parameter", message)


def out_of_range(message: str) -> BrevoFault:
    """Return the answer to a number beyond its bounds."""
    return BrevoFault(400, "out_of_range", message)


def not_found(message: str, status: int = 404) -> BrevoFault:
    """Return the answer to something that does not exist."""
    return BrevoFault(status, "document_not_found", message)


def duplicate(verb: str, identifiers: Sequence[str], *, code: str) -> BrevoFault:
    """Return the answer to identifiers that belong to another contact (400, never 409)."""
    message = (
        f"Unable to {verb} contact, {identifiers[0]} is already associated with another Contact"
    )
    return BrevoFault(400, code, message, duplicates=identifiers)


def unauthorized() -> BrevoFault:
    """Return the answer to a missing or wrong key."""
    return BrevoFault(401, "unauthorized", "Key not found")


def unknown_ip() -> BrevoFault:
    """Return the answer to a request from an address that is not allow-listed."""
    message = (
        "We have detected you are using an unrecognised IP address; "
        "add it to the authorised IPs of the account (sandbox: the setting knows_ip)"
    )
    return BrevoFault(401, "unauthorized", message)


def method_not_allowed(method: str, allowed: Sequence[str]) -> BrevoFault:
    """Return the answer to a verb that the path does not know."""
    message = f"{method} Method is not allowed on this path"
    return BrevoFault(405, "method_not_allowed", message, headers={"allow": ", ".join(allowed)})

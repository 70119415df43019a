"""Where a host name leads, before anything is sent there: nowhere within a private network."""

import socket
from collections.abc import Callable, Sequence
from typing import TypeAlias

from customer_sync.config.addresses import is_public

Resolve: TypeAlias = Callable[[str, int], Sequence[str]]
"""Returns the IP addresses of a host for a port, or raises OSError."""


class PrivateAddress(Exception):
    """A name leads into a private network, and nobody allowed that."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses that the system knows *host* under.

    Raises:
        OSError: it knows none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("no host has such a name") from error
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def allowed_addresses(
    host: str, port: int, *, allow_private: bool, resolver: Resolve = resolve
) -> Sequence[str]:
    """Return the addresses of *host*, to be used instead of its name: names may be made to move.

    Raises:
        PrivateAddress: one of them is not public, and private ones are not allowed.
        OSError: the name is not known.
    """
    addresses = resolver(host, port)
    if not allow_private and not all(map(is_public, addresses)):
        raise PrivateAddress(host)
    return addresses

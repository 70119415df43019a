"""Web addresses that a configuration may name: encrypted, or on this machine."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from customer_sync.config.model import BrevoSettings, Notifications, Target, read_secret
from customer_sync.errors import ConfigError
from customer_sync.trouble import Code

_BREVO_DOMAINS = ("brevo.com", "sendinblue.com")


def address_flaw(url: str) -> tuple[str, str] | None:
    """Return what is wrong with *url* and what to do, or None: https, or http to this machine.

    The address is not repeated, since a password may be part of it.
    """
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        return (
            "This is no web address.",
            "Write it in full, for example https://example.com/hooks/customer-sync.",
        )
    if parts.username or parts.password:
        return (
            "A name or password must not stand in a web address.",
            "Remove what stands before the `@`.",
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return (
            "A web address must begin with https:// unless it is on this machine.",
            "Change http:// to https://; customers' addresses must not travel unencrypted.",
        )
    return None


def is_brevo(url: str) -> bool:
    """Tell whether *url* leads to the real Brevo."""
    parts = _split(url)
    host = (parts.hostname or "") if parts else ""
    return any(host == domain or host.endswith(f".{domain}") for domain in _BREVO_DOMAINS)


def is_loopback(host: str) -> bool:
    """Tell whether *host* is this machine, without asking the network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_public(address: str) -> bool:
    """Tell whether an IP *address* is one of the public Internet, by what IANA registered.

    Private, shared, link-local, loopback, reserved and multicast ones are not, nor are IPv6
    addresses that lead to such an IPv4 address, nor where clouds tell machines their secrets.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = _inner(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    if inner is not None:
        return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not any(ip in other for other in _NOT_PUBLIC)


_NOT_PUBLIC = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "168.63.129.16/32", "64:ff9b:1::/48", "::/96"))
)
"""What some versions of Python take for public (RFC 6890, 8215, 4291), and where Azure tells a
machine its secrets; other clouds do that at link-local or private addresses."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that *ip* leads to, if it does (RFC 4291, 3056, 4380, 6052)."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def names_private_host(url: str) -> bool:
    """Tell whether *url* names a host of a private network or this machine by its very text."""
    parts = _split(url)
    host = (parts.hostname or "").rstrip(".") if parts else ""
    try:
        return not is_public(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def stays_here(brevo: BrevoSettings) -> bool:
    """Tell whether nothing that is meant for Brevo leaves this machine: it is an emulator here."""
    if brevo.target is Target.SANDBOX:
        return True
    parts = _split(brevo.base_url or "")
    return parts is not None and is_loopback(parts.hostname or "")


def webhook_address(notifications: Notifications, environ: Mapping[str, str]) -> str | None:
    """Return where notifications are posted, or None if nowhere.

    Raises:
        ConfigError: the address should stand in the environment, but does not or is of no use.
    """
    variable = notifications.webhook_url_variable
    if variable is None:
        return notifications.webhook_url
    url = read_secret(variable, environ, what="the address of the webhook").reveal()
    if flaw := address_flaw(url):
        message, hint = flaw
        raise ConfigError(
            f"The environment variable {variable}: {message}",
            trouble=Code.ENVIRONMENT,
            hint=hint,
        )
    return url


def _split(url: str) -> SplitResult | None:
    """Return the parts of *url*, or None where it has none or holds blanks or a false port."""
    if any(character.isspace() or not character.isprintable() for character in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts

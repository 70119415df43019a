"""Whose records can be read: our own platforms, and those that installed packages add."""

from typing import NewType, TypeAlias

from customer_sync.core.model import SourceName

PlatformName = NewType("PlatformName", str)
"""The name of a platform that an installed package adds."""

Platform: TypeAlias = SourceName | PlatformName
"""A platform's name, wherever it comes from; as text it is what stands in `source:`."""

_added: dict[str, PlatformName] = {}


def platforms() -> tuple[Platform, ...]:
    """Return every platform that is known, those of other packages last."""
    return (*SourceName, *_added.values())


def platform_named(text: str) -> Platform | None:
    """Return the platform of that name; None where there is none."""
    return next((one for one in platforms() if one == text), None)


def add_platform(name: PlatformName) -> None:
    """Let configurations and options name one more; to be called before the first is read."""
    _added[name] = name

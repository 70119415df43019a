"""What installed packages add: platforms, transforms and notifiers, found by their entry points."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from customer_sync.core.model import SourceName
from customer_sync.core.platforms import PlatformName, add_platform
from customer_sync.core.values.transforms import TRANSFORMS, Transform, add_transform
from customer_sync.errors import ConfigError
from customer_sync.guarding import guarded_format, guarded_transform
from customer_sync.notify.notifiers import Notifier, add_notifier
from customer_sync.platforms.format import Format
from customer_sync.platforms.recognise import add_formats
from customer_sync.trouble import Code

PLATFORMS = "customer_sync.platforms"
"""Entry points that lead to the formats of the platform of the entry's name, in a tuple."""

TRANSFORM_GROUP = "customer_sync.transforms"
"""Entry points that lead to a Transform of the entry's own name."""

NOTIFIERS = "customer_sync.notifiers"
"""Entry points that lead to a Notifier whose scheme is the entry's name."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(slots=True)
class _Found:
    """What was checked, and what was wrong with the rest."""

    platforms: dict[PlatformName, tuple[Format, ...]] = field(default_factory=dict)
    transforms: list[Transform] = field(default_factory=list)
    notifiers: list[Notifier] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)
    packages: dict[str, None] = field(default_factory=dict)
    """Whose they are, in order, each once."""


class _Flaw(Exception):
    """An entry cannot be used, and why, as the end of a sentence."""


@cache
def load_plugins() -> None:
    """Make known what is installed; called once more, it does nothing.

    All are looked at before any is added, so that a broken one leaves nothing behind.

    Raises:
        ConfigError: some cannot be loaded, are no such thing, or take a name that is taken.
    """
    found = _Found()
    for group in (TRANSFORM_GROUP, PLATFORMS, NOTIFIERS):
        _look(group, found)
    if found.flaws:
        raise _refused(found)
    for transform in found.transforms:
        add_transform(transform)
    for name, formats in found.platforms.items():
        add_platform(name)
        add_formats(formats)
    for notifier in found.notifiers:
        add_notifier(notifier)


def _look(group: str, found: _Found) -> None:
    entries = list(_entries(group))
    names = Counter(entry.name for entry in entries)
    for entry in entries:
        try:
            _check(entry, found, is_alone=names[entry.name] == 1)
        except _Flaw as flaw:
            package = entry.dist.name if entry.dist is not None else ""
            found.packages[package] = None
            whose = f" of the package {package}" if package else ""
            found.flaws.append(
                f"The extension `{entry.name} = {entry.value}` ({group}){whose} {flaw}."
            )


def _entries(group: str) -> Iterator[EntryPoint]:
    """Yield the entries by name, so that the order of installing makes no difference.

    A package that Python finds twice is one.
    """
    found = {(entry.name, entry.value): entry for entry in entry_points(group=group)}
    yield from (found[key] for key in sorted(found))


def _check(entry: EntryPoint, found: _Found, *, is_alone: bool) -> None:
    """Add to *found* what *entry* leads to.

    Raises:
        _Flaw: it cannot be used.
    """
    if not _NAME.fullmatch(entry.name):
        raise _Flaw("has no name that can be used: lower-case letters, digits, `-` and `_`")
    if not is_alone:
        raise _Flaw("has the name of another one")
    loaded = _load(entry)
    if entry.group == TRANSFORM_GROUP:
        found.transforms.append(guarded_transform(_transform(entry, loaded)))
    elif entry.group == PLATFORMS:
        formats = (guarded_format(one) for one in _formats(entry, loaded))
        found.platforms[PlatformName(entry.name)] = tuple(formats)
    else:
        found.notifiers.append(_notifier(entry, loaded))


def _load(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except Exception as error:
        # Whatever a stranger's module raises while it is imported.
        raise _Flaw(f"cannot be loaded ({type(error).__name__}: {error})") from error


def _transform(entry: EntryPoint, loaded: object) -> Transform:
    if not isinstance(loaded, Transform):
        raise _Flaw("is no Transform")
    if loaded.name != entry.name:
        raise _Flaw(f"calls itself {loaded.name}")
    if loaded.name in TRANSFORMS:
        raise _Flaw("has the name of a transform of ours")
    return loaded


def _formats(entry: EntryPoint, loaded: object) -> tuple[Format, ...]:
    if not isinstance(loaded, tuple) or not loaded:
        raise _Flaw("is no tuple of Formats")
    if entry.name in set(SourceName):
        raise _Flaw("has the name of a platform of ours")
    for one in loaded:
        if not isinstance(one, Format):
            raise _Flaw("is no tuple of Formats")
        if one.platform != entry.name:
            raise _Flaw(f"has a format of the platform {one.platform}, not of {entry.name}")
    return loaded


def _notifier(entry: EntryPoint, loaded: object) -> Notifier:
    if not isinstance(loaded, Notifier):
        raise _Flaw("is no Notifier")
    if loaded.scheme != entry.name:
        raise _Flaw(f"is for addresses that begin with {loaded.scheme}://")
    return loaded


def _refused(found: _Found) -> ConfigError:
    named = " ".join(package for package in found.packages if package)
    do = f": pip install --upgrade {named}, or pip uninstall {named}" if named else ""
    return ConfigError(
        " ".join(found.flaws),
        trouble=Code.EXTENSION,
        hint=f"Nothing was done. Mend what is installed, or take it away{do}.",
    )

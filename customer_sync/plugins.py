"""What installed packages add: platforms, transforms and notifiers, found by their entry points."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from customer_sync.core.model import SourceName
from customer_sync.core.values.transform_error import TransformError
from customer_sync.core.values.transforms import TRANSFORMS, Context, Transform, add_transform
from customer_sync.errors import ConfigError
from customer_sync.platforms.format import Format
from customer_sync.platforms.recognise import add_formats
from customer_sync.trouble import Code

PLATFORMS = "customer_sync.platforms"
"""Entry points that lead to a Format, or to several in a tuple."""

TRANSFORM_GROUP = "customer_sync.transforms"
"""Entry points that lead to a Transform of the entry's own name."""


@cache
def load_plugins() -> None:
    """Make known what is installed; called once more, it does nothing.

    Raises:
        ConfigError: one of them cannot be loaded, is no such thing, or takes a name that is taken.
    """
    for entry in _entries(TRANSFORM_GROUP):
        add_transform(guarded(_transform(entry)))
    for entry in _entries(PLATFORMS):
        add_formats(_formats(entry))


def _entries(group: str) -> Iterator[EntryPoint]:
    """Yield the entries by name, so that the order of installing makes no difference."""
    yield from sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value))


def _load(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except Exception as error:
        # Whatever a stranger's module raises while it is imported.
        raise _refused(entry, f"cannot be loaded ({type(error).__name__}: {error})") from error


def _transform(entry: EntryPoint) -> Transform:
    loaded = _load(entry)
    if not isinstance(loaded, Transform):
        raise _refused(entry, "is no Transform")
    if loaded.name != entry.name:
        raise _refused(entry, f"calls itself {loaded.name}")
    if loaded.name in TRANSFORMS:
        raise _refused(entry, "takes the name of another transform")
    return loaded


def _formats(entry: EntryPoint) -> tuple[Format, ...]:
    loaded = _load(entry)
    formats = loaded if isinstance(loaded, tuple) else (loaded,)
    if not formats or not all(isinstance(one, Format) for one in formats):
        raise _refused(entry, "is no Format, nor a tuple of some")
    if any(one.platform is not SourceName.CUSTOM for one in formats):
        raise _refused(entry, "claims a platform of ours; its formats are of SourceName.CUSTOM")
    return formats


def _refused(entry: EntryPoint, why: str) -> ConfigError:
    package = f" of the package {entry.dist.name}" if entry.dist is not None else ""
    return ConfigError(
        f"The extension `{entry.name} = {entry.value}` ({entry.group}){package} {why}.",
        trouble=Code.CONFIGURATION,
        hint="Mend or uninstall that package.",
    )


def guarded(transform: Transform) -> Transform:
    """Return *transform* with its failures told as ours are: the field is lost, not the run."""

    def apply(value: object, argument: object, context: Context) -> object:
        try:
            return transform.apply(value, argument, context)
        except TransformError:
            raise
        except Exception as error:  # noqa: BLE001 # whatever a stranger's function may raise
            # It must not show the value that it was given.
            detail = f"could not be understood: {transform.name} failed ({type(error).__name__})"
            raise TransformError(detail) from None

    return replace(transform, apply=apply)

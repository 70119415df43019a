"""Which platform's format a file is in, judged by what it holds and by what was configured."""

from collections.abc import Iterable, Sequence

from customer_sync.core.model import SourceName
from customer_sync.core.platforms import Platform
from customer_sync.core.values.names import camel_case
from customer_sync.errors import SourceError
from customer_sync.platforms import custom, events, magento, shopify, woocommerce
from customer_sync.platforms.format import Format, Sample
from customer_sync.platforms.recognised import Recognised
from customer_sync.readers.sources import called
from customer_sync.trouble import Code

PLATFORM_FORMATS: tuple[Format, ...] = (
    *shopify.FORMATS,
    *woocommerce.FORMATS,
    *magento.FORMATS,
)
"""Within a platform the first that fits counts."""

_added: list[Format] = []


def formats() -> tuple[Format, ...]:
    """Return every format that is told apart, those of other packages last."""
    return (*PLATFORM_FORMATS, *_added)


def add_formats(more: Iterable[Format]) -> None:
    """Let files be recognised as one of *more*; to be called before the first is read."""
    _added.extend(more)


def recognise(
    sample: Sample, *, source: Platform | None = None, is_forced: bool = False
) -> Recognised:
    """Return the format of *sample*.

    Events of our own form are welcome whatever *source* says. Without *source* the content decides;
    with it the content must not speak for another platform, unless *is_forced* and the source is
    custom, which reads anything by the names of its fields.

    Raises:
        SourceError: it looks like another platform's, or like two, or like none of *source*'s.
    """
    own = events.EVENTS
    if reason := own.recognise(sample):
        return Recognised(format=own, reason=reason)
    hits = [
        Recognised(format=one, reason=reason)
        for one in formats()
        if (reason := one.recognise(sample))
    ]
    if is_own_csv(sample) or (source is SourceName.CUSTOM and (is_forced or not hits)):
        return _custom(sample)
    if source is None:
        return _only(sample, hits)
    wanted = next((hit for hit in hits if hit.format.platform == source), None)
    if wanted is None:
        raise _mismatch(sample, source, hits)
    return wanted


def is_own_csv(sample: Sample) -> bool:
    """Tell whether *sample* is CSV of our own, with a column `event`."""
    return any(camel_case(column) == "event" for column in sample.columns)


def _custom(sample: Sample) -> Recognised:
    reason = "its header names a column event" if is_own_csv(sample) else ""
    return Recognised(format=custom.CUSTOM, reason=reason or custom.CUSTOM.recognise(sample))


def _only(sample: Sample, hits: Sequence[Recognised]) -> Recognised:
    platforms = {hit.format.platform for hit in hits}
    if len(platforms) > 1:
        raise SourceError(
            f"{called(sample.name)} looks like more than one thing: {_listed(hits)}.",
            trouble=Code.NOT_RECOGNISED,
            hint="Say which it is with `--source`, or with `source:` in the configuration.",
        )
    return hits[0] if hits else _custom(sample)


def _mismatch(sample: Sample, source: Platform, hits: Sequence[Recognised]) -> SourceError:
    if not hits:
        return SourceError(
            f"{called(sample.name)} is not recognised as anything that {source} gives out.",
            trouble=Code.NOT_RECOGNISED,
            hint="`--source custom` reads any file by the names of its fields.",
        )
    return SourceError(
        f"{called(sample.name)} looks like {_listed(hits)}, but the source is {source}.",
        trouble=Code.OTHER_PLATFORM,
        hint=f"Say `--source {hits[0].format.platform}`, or change `source:` in the configuration; "
        "`--source custom` reads any file by the names of its fields.",
    )


def _listed(hits: Sequence[Recognised]) -> str:
    return " or ".join(str(hit) for hit in hits)

"""Events in our own form, which every source may give: `{"event": ..., "timestamp", "data"}`."""

from collections.abc import Iterable, Iterator, Mapping

from customer_sync.core.model import SourceName
from customer_sync.platforms.format import Decoded, Format, Sample, Understood, Wanted


def is_event(content: object) -> bool:
    """Tell whether *content* means to be an event, however badly.

    A row whose columns are `event` and the customer's own fields is none: it has no `data`.
    """
    # JSON gives dictionaries; asking for them first spares the search among all mappings.
    if not isinstance(content, (dict, Mapping)):
        return False
    if "data" in content:
        return "event" in content or "timestamp" in content
    others = content.keys() - {"event", "timestamp"}
    is_flat = bool(others) and not any(isinstance(content[key], Mapping) for key in others)
    return "event" in content and not is_flat


def recognise(sample: Sample) -> str:
    """Return why *sample* is of our own form; what holds nothing readable counts as such."""
    if sample.columns:
        return ""
    if not sample.contents:
        return "it holds no record that could be told apart"
    return "its records have event and data" if is_event(sample.contents[0]) else ""


def understand(records: Iterable[Decoded], _wanted: Wanted) -> Iterator[Understood]:
    """Return *records* as they are; the event schema judges them."""
    yield from records


EVENTS = Format(
    name="customer events",
    platform=SourceName.CUSTOM,
    recognise=recognise,
    understand=understand,
    is_one_by_one=True,
)

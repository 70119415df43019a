"""The event schema that ships with the package, as a file that editors can use too."""

import json
from importlib.resources import files


def event_schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of an event."""
    text = (files("customer_sync") / "schemas" / "event.schema.json").read_text("utf-8")
    schema: dict[str, object] = json.loads(text)
    return schema

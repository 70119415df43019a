"""The plan that each sample of a platform leads to, compared with a golden one."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from customer_sync.core.model import Change, Keep, Skip, SourceName
from customer_sync.core.plan import Plan
from customer_sync.run.planfile import read_plan
from source_reading import SAMPLES
from worlds import World

CONFIG = """\
version: 1
skills:
  customer-sync:
    source: {source}
    field_mapping:
      firstName: FIRSTNAME
      lastName: LASTNAME
      phone: SMS
      id: EXT_ID
      company: COMPANY
      address1: STREET
      city: CITY
      zip: ZIP
      countryCode: COUNTRY
      customerTier: TIER
      birthday: {{attribute: BIRTHDAY, type: date}}
      totalOrders: {{attribute: ORDERS, type: float}}
      totalSpent: {{attribute: SPENT, type: float}}
      tags: TAGS
      metafields.custom.tier: METAFIELD
      custom_attributes[loyalty_level]: LOYALTY
      Vorname: GIVEN_NAME
    options:
      list_id: 5
      include_guests: true
      consent_field: meta_data[newsletter]
"""

WRITTEN_AT = 1_735_689_600
"""2025-01-01, in seconds since 1970."""

FILES = [
    (platform, path)
    for platform in SourceName
    for path in [*sorted((SAMPLES / platform.value).iterdir()), SAMPLES / platform.value]
]


@pytest.mark.parametrize(
    ("platform", "path"), FILES, ids=[p.relative_to(SAMPLES).as_posix() for _, p in FILES]
)
def test_the_plan_of_a_sample(
    embedded: World, golden: Callable[[str, str], None], platform: SourceName, path: Path
) -> None:
    """Who, what and why; the folder as a whole too, where its files are joined."""
    (embedded.folder / "config.yaml").write_text(CONFIG.format(source=platform), encoding="utf-8")
    options = ("--out", "plan.json", "--json", "--source", platform.value)
    report = embedded.call("plan", str(_as_written(path, embedded.folder)), *options).document
    plan = read_plan(embedded.folder / "plan.json").plan
    text = "\n".join((f"{report['records_read']} records", *_told(report), *_lines(plan)))
    name = path.relative_to(SAMPLES / platform.value).as_posix() if path.suffix else "folder"
    golden(f"platforms/{platform}/{name}.txt", f"{text}\n")


def _as_written(path: Path, folder: Path) -> Path:
    """Return a copy whose files were written a day after each other, in the order of their names.

    A row without a time is as old as its file, and a fresh checkout has its files all at once.
    """
    copy = folder / path.name
    if path.is_dir():
        shutil.copytree(path, copy)
    else:
        shutil.copy(path, copy)
    for day, file in enumerate(sorted(copy.iterdir()) if copy.is_dir() else [copy]):
        moment = WRITTEN_AT + day * 86_400
        os.utime(file, (moment, moment))
    return copy


def _told(report: dict[str, object]) -> Iterator[str]:
    errors = report["errors"]
    assert isinstance(errors, list)
    for error in errors:
        line = str(error["where"]).rpartition(":")[2]
        yield f"  {error['kind']} in line {line}: {error['message']}"


def _lines(plan: Plan) -> Iterator[str]:
    for change in plan.changes:
        yield _headline(change)
        for field in () if isinstance(change, Keep | Skip) else change.fields:
            yield f"  {field.name}: {field.old} -> {field.new} ({field.why})"
        for note in () if isinstance(change, Skip) else change.notes:
            yield f"  note: {note}"


def _headline(change: Change) -> str:
    kind = type(change).__name__.lower()
    if isinstance(change, Skip):
        return f"{kind} {change.email or ', '.join(sorted(change.ids))}: {change.reason}"
    return f"{kind} {change.customer.email}"

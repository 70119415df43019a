"""Whatever is in a file, the run gets events and rejections out of it, or one clear error."""

import contextlib
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from customer_sync.core.mapping import Mapper
from customer_sync.core.model import FieldRule, Record, Rejection, SourceName, Statement
from customer_sync.core.validate import EventValidator
from customer_sync.errors import SourceError
from customer_sync.event_schema import event_schema
from customer_sync.platforms.reading import Asked, open_seen, read
from customer_sync.platforms.wanting import wanted
from customer_sync.proof.inspection import columns, mapping, tally
from customer_sync.run.rejects import entry

NOW = datetime(2026, 7, 1, tzinfo=UTC)
SAMPLES = Path(__file__).parent.parent.parent / "samples"
FILES = [
    p.read_bytes() for p in sorted(SAMPLES.rglob("*")) if p.suffix in {".csv", ".json", ".jsonl"}
]
RULES = (
    FieldRule(field="email", attribute="EMAIL"),
    FieldRule(field="phone", attribute="SMS"),
    FieldRule(field="totalSpent", attribute="TOTAL"),
    FieldRule(field="metafields.custom.tier", attribute="TIER"),
    FieldRule(field="metaData[newsletter]", attribute="NEWS"),
    FieldRule(field="note", attribute="NOTE", aliases=("E-Mail", "a.b[c]")),
)
VALIDATOR = EventValidator(event_schema())
MAPPER = Mapper(RULES, {}, default_region="US")
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SHARDS = st.binary(max_size=4) | st.sampled_from(
    [
        *(bytes([byte]) for byte in b'"{}[],;\t\n\r\x00\xff'),
        *(b"NaN", b"\\ud800", b"null", b"[" * 70, b'{"a":' * 70, b"1e999", b"\xef\xbb\xbf"),
        *(b"=cmd|' /C calc'!A0", b"'+1", b" =1+1", b"\t-1", b"7.49E+12", b"x" * 70_000),
    ]
)


@st.composite
def mangled_files(draw: st.DrawFn) -> bytes:
    """A sample out of which bytes were cut and into which others were put; perhaps re-encoded."""
    content = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 40)))
        content = content[:start] + draw(SHARDS) + content[end:]
    encoding = draw(st.sampled_from(["", "", "utf-16", "cp1252"]))
    if encoding:
        content = content.decode("utf-8", "replace").encode(encoding, "replace")
    return content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content


HOW = st.builds(
    lambda source, is_forced, guests, records: Asked(
        source=source,
        is_forced=is_forced,
        wanted=wanted(RULES, include_guests=guests, consent_field="Newsletter", records=records),
    ),
    st.sampled_from([None, *SourceName]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, None, "data.customers"]),
)


def everything(content: bytes, how: Asked) -> list[Record | Rejection]:
    """Read *content* to its end, or to where it turns out to be unreadable."""
    found: list[Record | Rejection] = []
    with contextlib.suppress(SourceError):
        for one in read(["-"], stdin=io.BytesIO(content), now=NOW, asked=how):
            found.append(one)  # noqa: PERF402 - what came before an error counts
    return found


@UNTIMED
@given(st.binary() | mangled_files(), HOW)
@example(b'{"items": [[], null, {"id": {}}], "total_count": 1}', Asked())
@example(b'{"subscriber": {"subscriber_email": "a"}, "customer": []}', Asked())
@example(
    b'[{"id": 1, "website_id": [], "group_id": {}, "addresses": [1, {"region": []}]}]', Asked()
)
def test_every_record_becomes_a_statement_or_a_rejection(content: bytes, how: Asked) -> None:
    """Nothing but a SourceError comes out of reading, validating and mapping."""
    for one in everything(content, how):
        event = VALIDATOR.validate(one) if isinstance(one, Record) else one
        if isinstance(event, Rejection):
            assert event.problems
            assert entry(event)
        else:
            assert isinstance(MAPPER.map(event), Statement)


@UNTIMED
@given(mangled_files())
def test_whatever_can_be_read_can_be_inspected(content: bytes) -> None:
    """Without any more errors than a run has."""
    stdin, how = io.BytesIO(content), Asked()
    with (
        contextlib.suppress(SourceError),
        open_seen("-", stdin=stdin, now=NOW, asked=how) as (seen, records),
    ):
        columns(seen.sample, seen.recognised.format, how.wanted)
        mapping(tally(records, VALIDATOR))


@UNTIMED
@given(st.lists(mangled_files(), min_size=2, max_size=3))
def test_several_files_are_no_more_dangerous_than_one(contents: list[bytes]) -> None:
    """Also where they are joined."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SourceError):
        for number, content in enumerate(contents):
            (Path(folder) / f"{number}.csv").write_bytes(content)
        for one in read([folder], stdin=io.BytesIO(), now=NOW):
            assert one.place.line >= 1

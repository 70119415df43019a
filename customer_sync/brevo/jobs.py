"""Import jobs in Brevo's spelling: rows and their bytes, processes, rejected rows."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from customer_sync.brevo import shape
from customer_sync.brevo.values import Json, value_to
from customer_sync.core.model import Attribute
from customer_sync.core.requests.jobs import (
    ImportRow,
    Process,
    ProcessId,
    ProcessState,
    RejectedRow,
)
from customer_sync.errors import BrevoUnavailable
from customer_sync.trouble import Code

ADVISED_BYTES = 8_000_000
"""What Brevo advises as the most for one inline import; 10 MB is where it refuses."""

_ENVELOPE_BYTES = 4096
"""More than everything around the rows takes."""

_ENDED = {
    "completed": ProcessState.COMPLETED,
    "failed": ProcessState.FAILED,
    "cancelled": ProcessState.CANCELLED,
}


def to_bytes(body: Json) -> bytes:
    """Return *body* as it is sent.

    Raises:
        ValueError: it holds a number that JSON does not know (infinity, not a number).
    """
    written = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return written.encode("utf-8", errors="replace")


def row_to_json(row: ImportRow, attributes: Mapping[str, Attribute]) -> dict[str, Json]:
    """Return one row; None becomes an empty field whatever the type, as files have it."""
    values: dict[str, Json] = {
        name: "" if value is None else value_to(name, value, attributes.get(name))
        for name, value in row.attributes.items()
    }
    return {"email": row.email, "attributes": values}


def cut_rows(
    rows: Iterable[ImportRow],
    attributes: Mapping[str, Attribute],
    *,
    most_bytes: int = ADVISED_BYTES,
) -> Iterator[tuple[ImportRow, ...]]:
    """Cut *rows*, in their order, into jobs of at most *most_bytes* as sent.

    A row that is too large on its own makes a job of its own.
    """
    job: list[ImportRow] = []
    size = _ENVELOPE_BYTES
    for row in rows:
        added = len(to_bytes(row_to_json(row, attributes))) + 1
        if job and size + added > most_bytes:
            yield tuple(job)
            job, size = [], _ENVELOPE_BYTES
        job.append(row)
        size += added
    if job:
        yield tuple(job)


def import_to_json(
    rows: Sequence[ImportRow],
    attributes: Mapping[str, Attribute],
    *,
    list_ids: Iterable[int],
    email_blocked: bool,
    sms_blocked: bool,
    update_existing: bool,
) -> dict[str, Json]:
    """Return the body of an import job.

    A block is named only where it is set: whether `false` would lift blocks is not known. Empty
    fields erase only where a row has one to erase.
    """
    body: dict[str, Json] = {
        "jsonBody": [row_to_json(row, attributes) for row in rows],
        "listIds": [*sorted(list_ids)],
        "updateExistingContacts": update_existing,
        "disableNotification": True,
    }
    if update_existing and any(None in row.attributes.values() for row in rows):
        body["emptyContactsAttributes"] = True
    if email_blocked:
        body["emailBlacklist"] = True
    if sms_blocked:
        body["smsBlacklist"] = True
    return body


def process_id_from(answer: object) -> ProcessId:
    """Return the id of the job that was just started."""
    found = shape.mapping(answer, "an import")
    return ProcessId(shape.whole(found.get("processId"), "processId"))


def process_from(answer: object) -> Process:
    """Return a job; any status but the three final ones means that it runs."""
    found = shape.mapping(answer, "a process")
    told = shape.mapping(found.get("info") or {}, "info")
    reports = shape.mapping(told.get("import") or {}, "import")
    return Process(
        id=ProcessId(shape.whole(found.get("id"), "a process's id")),
        name=shape.optional_text(found.get("name")),
        state=_ENDED.get(shape.optional_text(found.get("status")), ProcessState.RUNNING),
        rejected_urls={
            reason: url for reason, url in reports.items() if isinstance(url, str) and url
        },
    )


def rejected_rows_from(reason: str, document: bytes) -> tuple[RejectedRow, ...]:
    """Return the rows of a CSV with a header, separated by `;` or `,`.

    Raises:
        BrevoUnavailable: it is no such file.
    """
    written = document.decode("utf-8-sig", errors="replace")
    header = written.partition("\n")[0]
    delimiter = ";" if header.count(";") >= header.count(",") else ","
    try:
        names, *rows = csv.reader(io.StringIO(written, newline=""), delimiter=delimiter)
    except (csv.Error, ValueError) as error:
        raise BrevoUnavailable(
            f"Brevo's list of {reason} is no CSV file: {error}", trouble=Code.STRANGE_ANSWER
        ) from error
    return tuple(
        RejectedRow(reason=reason, fields=dict(zip(map(str.strip, names), cells, strict=False)))
        for cells in rows
        if any(cells)
    )

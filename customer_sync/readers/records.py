"""From decoded lines, values and rows to records, wrapped ones unwrapped."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from customer_sync.core.model import Place, Problem, Record, Rejection, Trigger
from customer_sync.core.names import camel_case
from customer_sync.readers.csv_rows import BadRow, RaggedRow, Row, make_row
from customer_sync.readers.json_values import BadJson, JsonValue
from customer_sync.readers.lines import Line, mended_excerpt
from customer_sync.readers.strict_json import JsonProblem, decode


@dataclass(frozen=True, slots=True)
class RecordMaker:
    """Makes the records and rejections of one file."""

    name: str
    written_at: datetime

    def place(self, line: int) -> Place:
        """Return the place of a line of this file."""
        return Place(file=self.name, line=line)

    def from_line(self, line: Line) -> Record | Rejection:
        """Return what a line of JSON tells."""
        if line.is_too_long:
            problem = JsonProblem("length", "The line is longer than 10 MB, which no customer is.")
            return self.rejection(self.place(line.number), problem, mended_excerpt(line.text))
        try:
            value = decode(line.text)
        except JsonProblem as problem:
            is_torn = not line.is_ended and problem.rule == "json"
            cause = _torn(problem) if is_torn else problem
            return self.rejection(self.place(line.number), cause, mended_excerpt(line.text))
        return self.record(line.number, value)

    def from_row(self, row: Row | RaggedRow | BadRow) -> Record | Rejection:
        """Return what a row of CSV tells."""
        return self._from_row(row, self.place(row.line), self.written_at.isoformat())

    def _from_row(
        self, row: Row | RaggedRow | BadRow, place: Place, timestamp: str
    ) -> Record | Rejection:
        match row:
            case Row():
                return self._record(place, event_of_row(row, timestamp))
            case RaggedRow():
                content = {
                    "columns": list(row.columns),
                    "cells": list(row.cells),
                    "timestamp": timestamp,
                }
                return self.rejection(place, row.problem, content)
            case BadRow():
                return self.rejection(place, row.problem, row.content)

    def rejection(self, place: Place, problem: JsonProblem, content: object) -> Rejection:
        """Return *content* as refused, because of *problem*."""
        found = Problem(pointer="", rule=problem.rule, detail=problem.detail)
        return Rejection(place=place, problems=(found,), content=content)

    def from_value(self, value: JsonValue | BadJson) -> Record | Rejection:
        """Return what a value of a JSON file tells."""
        if isinstance(value, BadJson):
            return self.rejection(self.place(value.line), value.problem, value.content)
        return self.record(value.line, value.value)

    def record(self, line: int, value: object) -> Record | Rejection:
        """Return the record that *value* is, or that it holds as an entry of a rejects file."""
        match value:
            case {"rejected": {"file": str(file), "line": int(number)}, "text": str(text)}:
                place = Place(file=file, line=number)
                try:
                    return self._unwrapped(place, decode(text))
                except JsonProblem as problem:
                    return self.rejection(place, problem, text)
            case {"rejected": {"file": str(file), "line": int(number)}, "record": content}:
                return self._unwrapped(Place(file=file, line=number), content)
            case _:
                return self._record(self.place(line), value)

    def _record(self, place: Place, content: object) -> Record:
        return Record(place=place, content=content, written_at=self.written_at)

    def _unwrapped(self, place: Place, content: object) -> Record | Rejection:
        match content:
            case {"columns": [*columns], "cells": [*cells], "timestamp": str(timestamp)} if all(
                isinstance(text, str) for text in [*columns, *cells]
            ):
                return self._from_row(make_row(place.line, columns, cells), place, timestamp)
            case _:
                return self._record(place, content)


def _torn(problem: JsonProblem) -> JsonProblem:
    return JsonProblem(
        "torn", f"The file ends in the middle of this line, it seems. {problem.detail}"
    )


def event_of_row(row: Row, timestamp: str) -> Mapping[str, object]:
    """Return the event that *row* tells.

    Columns `event` and `timestamp` are taken for the event's own; without them, or where they are
    empty, the customer is listed at the time when the file was written. Other cells are its
    fields, as text; an empty cell says that there is none.
    """
    own: dict[str, str] = {}
    fields: dict[str, str | None] = {}
    for column, cell in row.cells.items():
        name = camel_case(column)
        if name in {"event", "timestamp"}:
            own[name] = cell.strip()
        else:
            fields[column] = cell if cell.strip() else None
    return {
        "event": own.get("event") or Trigger.LISTED.value,
        "timestamp": own.get("timestamp") or timestamp,
        "data": fields,
    }

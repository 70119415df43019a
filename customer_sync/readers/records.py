"""From decoded lines, values and rows to records, wrapped ones unwrapped."""

from dataclasses import dataclass
from datetime import datetime

from customer_sync.core.model import Place, Problem, Record, Rejection
from customer_sync.core.validate import parse_moment
from customer_sync.readers.csv_rows import AnyRow, BadRow, RaggedRow, Row, make_row
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

    def from_row(self, row: AnyRow) -> Record | Rejection:
        """Return a row of CSV as a mapping of column to cell, both as they are written."""
        return self._from_row(row, self.place(row.line), self.written_at)

    def _from_row(self, row: AnyRow, place: Place, written_at: datetime) -> Record | Rejection:
        match row:
            case Row():
                return Record(place=place, content=row.cells, written_at=written_at)
            case RaggedRow():
                content = {
                    "columns": list(row.columns),
                    "cells": list(row.cells),
                    "timestamp": written_at.isoformat(),
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
        if not isinstance(value, dict) or "rejected" not in value:
            place = Place(file=self.name, line=line)
            return Record(place=place, content=value, written_at=self.written_at)
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
                row = make_row(place.line, columns, cells)
                return self._from_row(row, place, self._moment(timestamp))
            case _:
                return self._record(place, content)

    def _moment(self, timestamp: str) -> datetime:
        try:
            return parse_moment(timestamp)
        except ValueError:
            # Whoever mended the cells may have touched the time.
            return self.written_at


def _torn(problem: JsonProblem) -> JsonProblem:
    return JsonProblem(
        "torn", f"The file ends in the middle of this line, it seems. {problem.detail}"
    )

"""Log lines: safe in what they show, alike in both formats, gone when the log is closed."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from customer_sync.config import LogFormat
from customer_sync.monitoring.log_lines import LONGEST, VERBOSE, JsonLines, TextLines
from customer_sync.monitoring.logs import NAME, RunLog, Wish, opened

RUN = "20261124T080000Z-ab12"
HOSTILE = "Jane\n2026-11-24 error forged\x1b[31m\u202e\u2028\x85"


@pytest.fixture
def troubles() -> list[str]:
    """Return where complaints about the log itself go."""
    return []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file for lines."""
    return tmp_path / "sync.log"


def text_lines(path: Path, *, show_pii: bool = False, **fields: Any) -> str:
    """Return the text file after one event with *fields*."""
    with opened(Wish(file=path), print):
        RunLog(RUN, show_pii=show_pii).tell(logging.INFO, "happened", **fields)
    return path.read_text(encoding="utf-8")


def json_document(path: Path, **fields: Any) -> dict[str, Any]:
    """Return the one line of the JSON file after one event with *fields*."""
    with opened(Wish(file=path, format=LogFormat.JSON), print):
        RunLog(RUN).tell(logging.INFO, "happened", **fields)
    (line,) = path.read_text(encoding="utf-8").split("\n")[:-1]
    document: dict[str, Any] = json.loads(line)
    return document


def test_a_line_has_its_time_level_run_and_event(path: Path) -> None:
    """In this order, so that lines sort and can be grepped."""
    time, level, run_id, event, field = text_lines(path, status=200).split()
    assert (level, run_id, event, field) == ("info", RUN, "happened", "status=200")
    assert time.endswith("Z")
    assert len(time) == len("2026-11-24T08:00:00.123Z")


def test_values_that_could_be_misread_are_in_quotes(path: Path) -> None:
    """So that a program can take a line apart."""
    line = text_lines(path, a="two words", b='a "b"', c="x=1", d="", e=True, f=0.25, g=None)
    assert line.endswith('a="two words" b="a \\"b\\"" c="x=1" d="" e=true f=0.25\n')


def test_what_a_field_holds_several_of_is_spread(path: Path) -> None:
    """Each under the name of both."""
    line = text_lines(path, stages={"read": 0.5, "apply": 2.0})
    assert line.endswith("stages.read=0.5 stages.apply=2\n")


def test_json_has_the_same_as_text(path: Path) -> None:
    """With numbers as numbers, and what is not known as null."""
    document = json_document(path, status=None, ms=12, stages={"read": 0.5})
    del document["time"]
    assert document == {
        "level": "info",
        "run_id": RUN,
        "event": "happened",
        "status": None,
        "ms": 12,
        "stages": {"read": 0.5},
    }


def test_addresses_are_masked(path: Path) -> None:
    """Wherever they stand in a text."""
    assert "j***@example.com is" in text_lines(path, detail="jane@example.com is taken")
    path.unlink()
    assert "jane" not in str(json_document(path, detail="jane@example.com is taken"))


def test_addresses_are_shown_where_asked_for(path: Path) -> None:
    """As everywhere else with --show-pii."""
    assert "=jane@example.com" in text_lines(path, show_pii=True, contact="jane@example.com")


@pytest.mark.parametrize("lines", [TextLines(), JsonLines()])
def test_a_text_from_outside_begins_no_line(lines: logging.Formatter) -> None:
    """Nor does it steer a terminal: a customer's name may hold anything."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(lines)
    logger = logging.getLogger(NAME)
    logger.addHandler(handler)
    try:
        RunLog(RUN).tell(logging.WARNING, "happened", detail=HOSTILE)
        logger.warning("%s from another part", HOSTILE)
    finally:
        logger.removeHandler(handler)
    told = stream.getvalue()
    assert len(told.splitlines()) == 2
    assert told.replace("\n", "").isprintable()


def test_a_half_character_fails_no_line(path: Path) -> None:
    """JSON from a shop may hold one, and no file can."""
    assert json_document(path, detail="a\ud800b")["detail"] == "a\N{REPLACEMENT CHARACTER}b"


def test_a_percent_sign_means_itself(path: Path) -> None:
    """A text is no pattern."""
    assert "detail=%s%d" in text_lines(path, detail="%s%d")


def test_no_text_is_longer_than_a_screen(path: Path) -> None:
    """A record may hold megabytes."""
    assert len(json_document(path, detail="x" * 10_000)["detail"]) == LONGEST


@pytest.mark.parametrize("lines", [TextLines(), JsonLines()])
def test_what_another_part_logs_is_masked_too(lines: logging.Formatter) -> None:
    """It has no run and no fields, and perhaps an address."""
    record = logging.LogRecord(NAME, logging.WARNING, "", 0, "to %s", ("jane@example.com",), None)
    assert "to j***@example.com" in lines.format(record)


@pytest.mark.parametrize(
    ("level", "told"),
    [
        (logging.ERROR, ["error"]),
        (logging.INFO, ["error", "info"]),
        (VERBOSE, ["error", "info", "verbose"]),
        (logging.DEBUG, ["error", "info", "verbose", "debug"]),
    ],
)
def test_a_level_includes_those_before_it(path: Path, level: int, told: list[str]) -> None:
    """And none behind it."""
    with opened(Wish(file=path, level=level), print):
        for one in (logging.ERROR, logging.INFO, VERBOSE, logging.DEBUG):
            RunLog(RUN).tell(one, "happened")
    assert [line.split()[1] for line in path.read_text("utf-8").splitlines()] == told


def test_json_goes_to_standard_error_too(
    path: Path, capsys: pytest.CaptureFixture[str], troubles: list[str]
) -> None:
    """With a level of its own; the file has it all."""
    wish = Wish(format=LogFormat.JSON, file=path, level=logging.DEBUG, stderr_level=logging.ERROR)
    with opened(wish, troubles.append):
        RunLog(RUN).tell(logging.DEBUG, "detail")
        RunLog(RUN).tell(logging.ERROR, "error")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "error"
    assert len(path.read_text("utf-8").splitlines()) == 2


def test_text_leaves_standard_error_to_people(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who see progress and a summary there; errors are not printed twice."""
    text_lines(path)
    with opened(Wish(), print):
        RunLog(RUN).tell(logging.ERROR, "error")
    assert capsys.readouterr().err == ""


@pytest.fixture
def everything() -> Iterator[list[logging.LogRecord]]:
    """Yield what a program of somebody else's hears, which added a handler of its own."""
    heard: list[logging.LogRecord] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record)

    logger, handler = logging.getLogger(NAME), Listening()
    logger.addHandler(handler)
    yield heard
    logger.removeHandler(handler)


def test_another_program_can_listen(everything: list[logging.LogRecord]) -> None:
    """It gets the text with addresses masked, and the fields by name."""
    RunLog(RUN).tell(logging.ERROR, "failed", contact="jane@example.com")
    (record,) = everything
    assert record.getMessage() == "failed contact=j***@example.com"
    assert vars(record)["fields"] == {"contact": "j***@example.com"}
    assert vars(record)["run_id"] == RUN


def test_a_closed_log_leaves_nothing_behind(path: Path) -> None:
    """Neither handlers nor levels: the program around may go on and log its own."""
    logger = logging.getLogger(NAME)
    before = (list(logger.handlers), logger.level)
    with pytest.raises(ZeroDivisionError), opened(Wish(file=path, level=VERBOSE), print):
        raise ZeroDivisionError
    assert (list(logger.handlers), logger.level) == before

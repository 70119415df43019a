"""From a file to a Config: what can be wrong with the file as a whole."""

import json
from pathlib import Path

import pytest

from customer_sync.config import InvalidConfig, SourceName, check, load
from customer_sync.errors import ConfigError, ExitCode

SMALLEST = "skills: {customer-sync: {source: custom}}\n"
EVENT = {
    "event": "customer_created",
    "timestamp": "2024-01-15T10:30:00Z",
    "data": {"id": "1", "email": "jane@example.com"},
}


def only_problem(path: Path) -> tuple[int, str, str]:
    """Return the line, the message and the hint of the one problem that *path* has."""
    config, (problem,) = check(path)
    assert config is None
    assert problem.pointer == ""
    return problem.line, problem.message, problem.hint


def test_missing_file(tmp_path: Path) -> None:
    """Where there is no file, the command that writes one is named."""
    line, message, hint = only_problem(tmp_path / "config.yaml")
    assert (line, message) == (1, "There is no such file.")
    assert "customer-sync init" in hint


def test_folder(tmp_path: Path) -> None:
    """A folder instead of a file is told, with the file that was probably meant."""
    _, message, hint = only_problem(tmp_path)
    assert message == "This is a folder."
    assert str(tmp_path / "config.yaml") in hint


def test_impossible_path() -> None:
    """A path that no file can have is told like one that does not exist."""
    _, message, hint = only_problem(Path("config\0.yaml"))
    assert "cannot be read" in message
    assert "Check its name" in hint


def test_file_within_a_file(tmp_path: Path) -> None:
    """What the operating system says is passed on where there is nothing better."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    _, message, _ = only_problem(tmp_path / "file" / "config.yaml")
    assert message == "The file cannot be read: Not a directory."


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"version: 1\nskills: \xff\xfe\n", 2),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 1),
        (b"version: 1\n\nskills: \0\n", 3),
    ],
    ids=["latin-1", "picture", "null"],
)
def test_no_text(tmp_path: Path, content: bytes, line: int) -> None:
    """A file that is no text is told with the line where that shows."""
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    found, message, hint = only_problem(path)
    assert found == line
    assert message in {"This is no UTF-8 text.", "This is no text file."}
    assert "UTF-8" in hint


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """What Windows' editors write is read too."""
    path = tmp_path / "config.yaml"
    path.write_text(SMALLEST.replace("\n", "\r\n"), encoding=encoding)
    assert load(path).source is SourceName.CUSTOM


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(EVENT),
        f"{json.dumps(EVENT)}\n{json.dumps(EVENT)}\n",
        json.dumps(EVENT, indent=2),
        json.dumps([EVENT, EVENT]),
        f"{json.dumps(EVENT)}\n" * 10_000,
    ],
    ids=["one", "lines", "indented", "array", "large"],
)
def test_events_instead_of_configuration(tmp_path: Path, text: str) -> None:
    """Events are recognised, and the hint says after which command they belong."""
    path = tmp_path / "events.jsonl"
    path.write_text(text, encoding="utf-8")
    _, message, hint = only_problem(path)
    assert message in {
        "This holds events, not a configuration.",
        "This is far too large for a configuration.",
    }
    assert "customer-sync run" in hint


def test_far_too_large(tmp_path: Path) -> None:
    """A huge file is not read to its end."""
    path = tmp_path / "config.yaml"
    path.write_text(f"{SMALLEST}{'#' * 1_000_000}", encoding="utf-8")
    _, message, hint = only_problem(path)
    assert message == "This is far too large for a configuration."
    assert hint == "Check which file you named."


def test_json_is_yaml(tmp_path: Path) -> None:
    """A configuration in JSON is as good as one in YAML."""
    path = tmp_path / "config.json"
    path.write_text('{"skills": {"customer-sync": {"source": "magento"}}}', encoding="utf-8")
    assert load(path).source is SourceName.MAGENTO


def test_load_raises_everything(tmp_path: Path) -> None:
    """`load` raises one error that carries all problems and lists them, with exit code CONFIG."""
    path = tmp_path / "config.yaml"
    path.write_text(f"{SMALLEST}debug: 1\nlog_level: loud\n", encoding="utf-8")
    with pytest.raises(InvalidConfig) as caught:
        load(path)
    assert isinstance(caught.value, ConfigError)
    assert caught.value.exit_code is ExitCode.CONFIG
    assert len(caught.value.problems) == 2
    assert f"{path} has 2 problems:" in caught.value.message
    for problem in caught.value.problems:
        assert str(problem) in caught.value.message
    assert caught.value.hint is not None


def test_problem_reads_like_a_compiler_message(tmp_path: Path) -> None:
    """A problem as text begins with path, line and column, so that editors can jump to it."""
    path = tmp_path / "config.yaml"
    path.write_text(f"{SMALLEST}debug: 1\n", encoding="utf-8")
    _, (problem,) = check(path)
    assert str(problem).startswith(f"{path}:2:8: /debug: ")


def test_path_stays_readable(tmp_path: Path) -> None:
    """Long names in a path are not mistaken for keys."""
    path = tmp_path / "a1234567890123456789012345678901234567890" / "config.yaml"
    with pytest.raises(InvalidConfig, match="a1234567890123456789012345678901234567890"):
        load(path)

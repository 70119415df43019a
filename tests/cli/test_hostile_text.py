"""Names, files and answers that try to steer the terminal, or rich: shown, and obeyed nowhere."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from customer_sync.privacy import printable_json
from every_command import SHOWING, Texts, story
from worlds import World, served_sandbox

HOSTILE = (
    "\x1b[31mred\x1b]8;;https://evil.example\x1b\\link \x9b2Jc1 \x9d0;title\x9c"
    " \u202egnp.exe\u202c \u2066iso\u2069 \u2028line\u2029 \x07bell\x08\x7f \r\nforged: ok"
    " [/red] [bold]markup[link=https://evil.example] \\[x]"
)
"""Escapes, hyperlinks, C1 controls, overrides of direction, line ends, and rich's own markup."""

TEXTS = Texts(
    email="jane@example.com",
    other_email="mary@example.com",
    name=HOSTILE,
    phone=f"{HOSTILE}+12025550123",
)


def steering(text: str) -> set[str]:
    """Return the characters in *text* that are not merely shown; line ends are ours."""
    return {
        character
        for character in text
        if character != "\n"
        and (
            unicodedata.category(character)[0] == "C"
            or unicodedata.category(character) in {"Zl", "Zp"}
        )
    }


@pytest.fixture
def world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """Yield a world whose very folder has such a name."""
    monkeypatch.setenv("BREVO_API_KEY", "key")
    folder = tmp_path / "shop [/x]\x1b[31m"
    folder.mkdir(parents=True)
    with served_sandbox(tmp_path / "served.db") as url:
        lines = [f"base_url: {url}"]
        world = World(folder=folder, capsys=capsys, target="live", brevo_lines=lines, url=url)
        world.configure()
        yield world


def test_no_output_steers_the_terminal(world: World) -> None:
    """Of no command, whatever stands in the shop's records."""
    bad = {}
    for name, result in story(world, TEXTS):
        assert "Traceback" not in result.err, name
        if found := steering(result.out + result.err):
            bad[name] = found
    assert bad == {}


def test_no_markup_is_obeyed(world: World) -> None:
    """It is shown as it is written, and no tag of it ends the program."""
    outputs = dict(story(world, TEXTS))
    shown = outputs["plan"].out.replace("\n", "")
    assert "[31mred" in shown
    for name in SHOWING.keys() - {"no such option"}:
        assert outputs[name].exit_code != 1, name


@pytest.mark.parametrize("name", ["a [/x].jsonl", "b\x1b[31m.jsonl", "c\u202elnosj.jsonl"])
def test_names_of_files_are_only_shown(world: World, name: str) -> None:
    """Those that a folder holds may come from anybody."""
    inbox = world.folder / "inbox"
    (inbox / name).parent.mkdir(parents=True)
    (inbox / name).write_text("{}\n{\n", encoding="utf-8")
    for arguments in (
        ("run", "inbox", "--verbose"),
        ("validate", f"inbox/{name}"),
        ("inspect", f"inbox/{name}"),
        ("run", f"inbox/{name}x"),
        ("run", "inbox", "--config", f"inbox/{name}"),
        ("show", f"inbox/{name}"),
        ("init", f"inbox/new-{name}.yaml"),
        ("init", f"nowhere/{name}"),
    ):
        result = world.call(*arguments)
        assert "Traceback" not in result.err
        assert steering(result.out + result.err) == set(), arguments


def test_the_configuration_is_named_as_it_is(world: World) -> None:
    """Where it is disabled, say."""
    path = world.folder / "odd [/x]\x1b.yaml"
    path.parent.mkdir()
    text = (world.folder / "config.yaml").read_text(encoding="utf-8")
    path.write_text(
        text.replace("    source:", "    enabled: false\n    source:"), encoding="utf-8"
    )
    name = str(path)
    for arguments in (
        ("run", "events.jsonl", "--config", name),
        ("erase", "jane@example.com", "--config", name),
        ("suppressions", "lift", "jane@example.com", "--config", name),
        ("validate", name),
        ("doctor", "--config", name),
    ):
        result = world.call(*arguments)
        assert "[/x]" in (result.out + result.err).replace("\n", ""), arguments
        assert steering(result.out + result.err) == set(), arguments


def test_what_brevo_says_is_only_shown(world: World) -> None:
    """The name of a list, say."""
    world.call("lists", "--create", HOSTILE[:40])
    for arguments in (("lists",), ("lists", "--json")):
        result = world.call(*arguments)
        assert "red" in result.out
        assert steering(result.out + result.err) == set()


def test_a_document_still_says_the_same() -> None:
    """Only its spelling changes."""
    document = {"name": HOSTILE, "others": ["Zoë", "日本", "😀", "\U000e0001"]}
    text = json.dumps(document, ensure_ascii=False, indent=2)
    safe = printable_json(text)
    assert steering(safe) == set()
    assert json.loads(safe) == document
    assert "Zoë" in safe
    assert "😀" in safe

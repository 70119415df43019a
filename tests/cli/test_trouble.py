"""Every trouble has a code, is told under it, and can be looked up."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

import customer_sync
from brevo_double import ScriptedServer, refusal, talk
from customer_sync.brevo.client import BrevoClient
from customer_sync.errors import BrevoError, ExitCode
from customer_sync.remedies import ADVICE, AREAS
from customer_sync.trouble import Code
from provoking import Scene
from provoking_commands import PROVOCATIONS as BY_COMMAND
from provoking_services import PROVOCATIONS as BY_SERVICE
from trouble_page import trouble_page
from whole_command import app
from worlds import World

PACKAGE = Path(customer_sync.__file__).parent
PAGE = PACKAGE.parent / "docs" / "troubleshooting.md"
PROVOCATIONS = {**BY_COMMAND, **BY_SERVICE}
CATALOGUE = ("trouble.py", "remedies.py")


@pytest.mark.parametrize("code", Code, ids=lambda code: f"{code}-{code.name}")
def test_every_code_can_be_provoked(
    code: Code, embedded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever meets the trouble is told this code and no other."""
    assert PROVOCATIONS[code](Scene(world=embedded, patch=monkeypatch)) == code


def _symptoms() -> Iterator[tuple[Code, int, str, str]]:
    for code, advice in ADVICE.items():
        for symptom in advice.symptoms:
            if found := re.fullmatch(r"(\d{3})(?: or \d{3})? (\w+)(?: or \w+)?: (.+)", symptom):
                yield code, int(found[1]), found[2], found[3]


@pytest.mark.parametrize(("code", "status", "word", "message"), tuple(_symptoms()))
def test_what_brevo_answers_is_known_again(
    code: Code, status: int, word: str, message: str
) -> None:
    """By the words that the page quotes, even where an answer names no duplicates."""
    server = ScriptedServer([refusal(status, message, word)])
    with pytest.raises(BrevoError) as caught:
        talk(server, BrevoClient.account)
    assert caught.value.trouble is code


def test_every_code_is_used_by_the_package() -> None:
    """None is kept for show."""
    used = {
        node.attr
        for path in PACKAGE.rglob("*.py")
        if path.name not in CATALOGUE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Code"
    }
    assert used == {code.name for code in Code}


def test_every_code_is_in_the_catalogue() -> None:
    """In the order of the codes, below an area, leading to others that exist."""
    assert list(ADVICE) == list(Code)
    for code, advice in ADVICE.items():
        assert re.fullmatch(r"CS\d{3}", code)
        assert code[2] in AREAS
        assert code not in advice.see


def _commands() -> Iterator[tuple[Code, list[str]]]:
    for code, advice in ADVICE.items():
        for command in re.findall(r"`customer-sync ([a-z][^`]*)`", advice.meaning + advice.remedy):
            yield code, shlex.split(command)


@pytest.mark.parametrize(
    ("code", "words"),
    tuple(_commands()),
    ids=lambda one: " ".join(one) if isinstance(one, list) else one,
)
def test_every_command_of_a_remedy_exists(code: Code, words: list[str]) -> None:
    """With its options: nobody in trouble is sent astray."""
    del code
    command = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]  # type: ignore[attr-defined] # looked for
    assert getattr(command, "invoke_without_command", True), words
    known = {option for one in command.params for option in one.opts}
    assert {word for word in words if word.startswith("--")} <= known | {"--help"}


def test_a_code_is_explained(embedded: World) -> None:
    """With what Brevo answers then, what to do, and what is like it; no account is asked."""
    (embedded.folder / "config.yaml").unlink()
    result = embedded.call("explain", "cs407")
    assert result.exit_code == ExitCode.OK
    assert "CS407: Phone owned by another contact" in result.out
    assert "SMS is already associated with another Contact" in result.out
    assert "Correct the number at the shop" in result.out
    assert "CS406: Contact already exists" in result.out


def test_a_code_without_answers_of_brevo_is_explained_without(embedded: World) -> None:
    """Nor are there headings over nothing."""
    result = embedded.call("explain", "CS114")
    assert "What to do" in result.out
    assert "What Brevo answers" not in result.out
    assert "See also" not in result.out


def test_a_code_is_explained_to_programs(embedded: World) -> None:
    """The same as a document."""
    document = embedded.call("explain", "CS401", "--json").document
    advice = ADVICE[Code.KEY_REFUSED]
    assert document == {
        "code": "CS401",
        "area": "Brevo",
        "title": advice.title,
        "meaning": advice.meaning,
        "remedy": advice.remedy,
        "symptoms": list(advice.symptoms),
        "see": list(advice.see),
        "exit_code": ExitCode.OK,
    }


def test_all_codes_are_listed(embedded: World) -> None:
    """By area, with their titles."""
    listing = embedded.call("explain", "--list").out
    for code in Code:
        assert f"{code}  {ADVICE[code].title}" in listing
    for area in AREAS.values():
        assert area in listing


def test_all_codes_are_listed_for_programs(embedded: World) -> None:
    """In their order."""
    document = embedded.call("explain", "--list", "--json").document
    assert [one["code"] for one in document["codes"]] == list(Code)


def test_an_unknown_code_leads_to_those_that_are_known(embedded: World) -> None:
    """It is no address either."""
    result = embedded.call("explain", "CS999")
    assert result.exit_code == ExitCode.USAGE
    assert "explain --list" in result.err


def test_without_anything_to_explain_both_kinds_are_named(embedded: World) -> None:
    """An address or a code."""
    result = embedded.call("explain")
    assert result.exit_code == ExitCode.USAGE
    assert "Write an address, or a code" in result.err


def test_programs_are_told_the_code(embedded: World) -> None:
    """Beside the message and the hint that people see."""
    (error,) = embedded.call("run", "none.jsonl", "--json").document["errors"]
    assert error["trouble"] == Code.SOURCE_MISSING


def test_the_page_is_the_catalogue(request: pytest.FixtureRequest) -> None:
    """`--update-golden` writes it anew."""
    written = trouble_page()
    if request.config.getoption("--update-golden"):
        PAGE.write_text(written, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == written


@pytest.mark.parametrize(
    "words",
    [
        *("Contact already exists", "Invalid attribute", "Rate limit exceeded", "Invalid email"),
        *("Unauthorised IP", "Wrong key", "List gone", "Phone owned by another contact"),
    ],
)
def test_the_page_has_what_people_search_for(words: str) -> None:
    """In the heading of a section."""
    headings = re.findall(r"^### CS\d{3}: (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [one for one in headings if one.startswith(words)]

"""inspect: a look at a file before anything runs."""

from pathlib import Path

import pytest

from customer_sync.config import check
from source_reading import SAMPLES
from worlds import World

FILE = (
    "email,_website,firstname,dob,telephone_2,password_hash\n"
    "ada@example.com,base,Ada,1990-05-06,1,hush\n"
    "ADA@example.com,b2b,Ada,,,\n"
    "bo@example.com,base,Bo,soon,,\n"
    "broken,base,,,,\n"
)


@pytest.fixture
def world(embedded: World) -> World:
    """Return a world with a file to look at."""
    (embedded.folder / "export.csv").write_text(FILE, encoding="utf-8")
    return embedded


def test_the_document_holds_all_of_it(world: World) -> None:
    """Format and why, columns, counts, the first customers masked, a mapping."""
    document = world.call("inspect", "export.csv", "--json").document
    assert document["format"] == "Magento customers file"
    assert (document["platform"], document["notation"]) == ("magento", "CSV")
    assert document["reason"] == "it has email and _website"
    becomes = {column["name"]: column["fields"] for column in document["columns"]}
    assert becomes == {
        "email": ["email"],
        "_website": ["sourceScope"],
        "firstname": ["firstName"],
        "dob": ["birthday"],
        "telephone_2": [],
        "password_hash": [],
    }
    assert [c["name"] for c in document["columns"] if c["is_secret"]] == ["password_hash"]
    assert (document["records"], document["rejections"]) == (4, {"email": 1})
    assert document["fields"]["birthday"] == {"values": 1, "empty": 1, "absent": 0, "odd": 1}
    assert (document["repeated_emails"], document["repeated_ids"]) == (1, 0)
    assert document["first"][0] == {"email": "a***@example.com", "firstName": "A***"}
    assert document["mapping"]["birthday"] == {"attribute": "BIRTHDAY", "type": "date"}


def test_people_see_the_same(world: World) -> None:
    """Without addresses in full, and without secrets."""
    result = world.call("inspect", "export.csv")
    assert result.exit_code == 0
    assert "export.csv: Magento customers file (it has email and _website)" in result.out
    for part in ("never read", "1 rejected by the rule email", "a***@example.com"):
        assert part in result.out
    assert "hush" not in result.out
    assert "ada@example.com" not in result.out.lower()


def test_addresses_are_shown_where_that_is_asked_for(world: World) -> None:
    """By the usual option."""
    result = world.call("inspect", "export.csv", "--show-pii")
    assert "ada@example.com" in result.out


def test_nothing_is_written(world: World) -> None:
    """It only looks."""
    before = sorted(p.name for p in world.folder.rglob("*"))
    world.call("inspect", "export.csv")
    assert sorted(p.name for p in world.folder.rglob("*")) == before


FILES = sorted(p for p in SAMPLES.rglob("*") if p.suffix in {".csv", ".json", ".jsonl"})


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(SAMPLES).as_posix())
def test_the_mapping_can_be_pasted(embedded: World, path: Path) -> None:
    """For every sample it makes a configuration without problems, and the sample can be run."""
    out = embedded.call("inspect", str(path)).out
    mapping = out.partition("A mapping for config.yaml:\n")[2]
    indented = "".join(f"    {line}\n" for line in mapping.splitlines())
    config = embedded.folder / "pasted.yaml"
    config.write_text(f"version: 1\nskills:\n  customer-sync:\n{indented}", encoding="utf-8")
    assert check(config)[1] == ()
    result = embedded.call("run", str(path), "-c", "pasted.yaml", "--dry-run")
    assert result.exit_code in {0, 7}, result.err


def test_a_configuration_tells_how_to_read(embedded: World) -> None:
    """Its mapping, its aliases, its source."""
    (embedded.folder / "people.csv").write_text("Kontakt;Ort\nada@example.com;Ulm\n")
    assert embedded.call("inspect", "people.csv").exit_code == 4
    text = (embedded.folder / "config.yaml").read_text()
    (embedded.folder / "config.yaml").write_text(text.replace("email: email", "Kontakt: EMAIL"))
    document = embedded.call("inspect", "people.csv", "-c", "config.yaml", "--json").document
    assert document["fields"]["email"]["values"] == 1


def test_a_file_that_cannot_be_read_is_an_error(embedded: World) -> None:
    """With a sentence and a code."""
    result = embedded.call("inspect", "no.csv")
    assert result.exit_code == 4
    assert "no.csv" in result.err

"""export-subject: all that is held about a person, in one document that explains itself."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from customer_sync.brevo.retry import RetryPolicy
from customer_sync.clock import SystemClock
from customer_sync.sandbox import Sandbox
from worlds import World

JANE, OLD, MARY = "jane@example.com", "jane.old@example.com", "mary@example.com"
MADE, MOVED, LATER = "2024-01-15T10:00:00Z", "2024-01-16T10:00:00Z", "2024-01-17T10:00:00Z"


def told(trigger: str, customer_id: str, email: str, at: str = MADE, **fields: object) -> Any:
    """Return an event."""
    content = {"id": customer_id, "email": email, **fields}
    return {"event": f"customer_{trigger}", "timestamp": at, "data": content}


def lived(world: World) -> None:
    """Let Jane come, move, and be rejected once, and Mary be there."""
    world.sync(
        told("created", "c1", OLD, firstName="Jane", acceptsMarketing=False),
        told("created", "c2", MARY, firstName="Mary"),
    )
    world.sync(
        told("updated", "c1", JANE, at=MOVED),
        told("updated", "c1", "jane@@example.com", at=LATER, firstName="Janet"),
    )


def exported(world: World, *options: str, email: str = JANE) -> dict[str, Any]:
    """Return the document."""
    return world.call("export-subject", email, *options).document


def entries(document: dict[str, Any]) -> dict[str, int]:
    """Return how many entries each chapter has."""
    chapters = {**document["state"], **document["files"]}
    return {name: len(chapter["entries"]) for name, chapter in chapters.items()}


def test_everything_about_a_person_is_in_it(world: World) -> None:
    """What the state holds, what Brevo holds now, what waits beside the state."""
    lived(world)
    document = exported(world)
    assert document["known_as"] == {"addresses": [OLD, JANE], "ids_at_the_shop": ["c1"]}
    assert entries(document) == {
        "confirmed": 1,
        "identities": 1,
        "queue": 0,
        "operations": 2,
        "mirror": 1,
        "rejects.jsonl": 1,
        "dropped.jsonl": 0,
        "withheld.json": 0,
    }
    (contact,) = document["brevo"]["contacts"]
    assert (contact["email"], contact["attributes"]) == (JANE, {"FIRSTNAME": "Jane"})
    assert contact["lists"] == [{"id": 5, "name": "Customers"}]
    assert contact["is_blocked_for_mail"]
    assert document["suppression_ledger"]["is_remembered"]


def test_nothing_about_others_is_in_it(world: World) -> None:
    """Not even about whoever has an address by now that was the person's."""
    lived(world)
    world.sync(told("created", "c3", OLD, at=LATER, firstName="Olga"))
    text = json.dumps(exported(world))
    assert "Mary" not in text
    assert "Olga" not in text


def test_every_chapter_explains_itself(world: World) -> None:
    """To somebody who knows neither the program nor its words."""
    document = exported(world)
    chapters = [*document["state"].values(), *document["files"].values()]
    assert all(chapter["what_this_is"].endswith(".") for chapter in chapters)
    assert document["not_covered"]


def test_an_unknown_person_has_an_empty_document(embedded: World) -> None:
    """Which is an answer too; and no state is made for it."""
    document = exported(embedded, "--offline", email="nobody@example.com")
    assert sum(entries(document).values()) == 0
    assert document["known_as"]["addresses"] == ["nobody@example.com"]
    assert not document["suppression_ledger"]["is_remembered"]
    assert not (embedded.folder / ".customer-sync" / "state-sandbox.db").exists()


def test_a_contact_that_no_shop_knows_is_found_at_brevo(embedded: World) -> None:
    """The state has never heard of it."""
    embedded.sync(told("created", "c2", MARY))
    with _emulator(embedded) as sandbox:
        sandbox.make(JANE, {})
    (contact,) = exported(embedded)["brevo"]["contacts"]
    assert contact["email"] == JANE


def test_it_changes_nothing(world: World) -> None:
    """Neither here nor at Brevo."""
    lived(world)
    state = next((world.folder / ".customer-sync").glob("state-*.db"))
    before = (_dump(state), world.contacts())
    exported(world)
    assert (_dump(state), world.contacts()) == before


def _dump(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    return dump


def test_withheld_deletions_are_in_it(world: World) -> None:
    """They hold the contact as it was."""
    world.sync(told("created", "c1", JANE), told("created", "c2", MARY))
    gone = [told("deleted", i, e, at=LATER) for i, e in (("c1", JANE), ("c2", MARY))]
    world.sync(*gone, options=["--max-deletes", "0"])
    (held,) = exported(world)["files"]["withheld.json"]["entries"]
    assert held["before"]["email"] == JANE


def test_what_waits_is_in_it(embedded: World) -> None:
    """With the error that keeps it waiting."""
    with _emulator(embedded) as sandbox:
        sandbox.inject("POST /contacts", status=400)
    embedded.sync(told("created", "c1", JANE, firstName="Jane"))
    (item,) = exported(embedded)["state"]["queue"]["entries"]
    assert item["customer"]["attributes"]["FIRSTNAME"]["value"] == "Jane"
    assert item["attempts"] == 1


def test_a_line_that_somebody_spoilt_is_shown_as_it_is(embedded: World) -> None:
    """It may have been mended by hand, and badly."""
    embedded.sync(told("created", "c2", MARY))
    rejects = embedded.folder / ".customer-sync" / "rejects.jsonl"
    rejects.write_text(f"{{jane is {JANE}\n", encoding="utf-8")
    assert exported(embedded)["files"]["rejects.jsonl"]["entries"] == [f"{{jane is {JANE}"]


def test_it_goes_to_a_file_for_its_owner(world: World) -> None:
    """Nothing of it is shown then."""
    lived(world)
    result = world.call("export-subject", JANE, "--out", "jane.json")
    kept = world.folder / "jane.json"
    assert (result.exit_code, result.out) == (0, "")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text(encoding="utf-8"))["asked_for"] == JANE


def test_a_file_that_cannot_be_written_is_told(embedded: World) -> None:
    """With what to do."""
    result = embedded.call("export-subject", JANE, "--out", "nowhere/jane.json")
    assert result.exit_code == 4
    assert "nowhere/jane.json cannot be written" in result.err


def test_brevo_may_be_down(embedded: World) -> None:
    """Then the rest can be had without it."""
    lived(embedded)
    with _emulator(embedded) as sandbox:
        sandbox.inject("GET /contacts/{identifier}", status=503, times=RetryPolicy().attempts)
    result = embedded.call("export-subject", JANE)
    assert result.exit_code == 6
    assert "--offline" in result.err
    document = exported(embedded, "--offline")
    assert (document["brevo"]["was_asked"], document["brevo"]["contacts"]) == (False, [])
    assert entries(document)["confirmed"] == 1


def test_after_an_erasure_only_the_ledger_knows(world: World) -> None:
    """That, and when."""
    lived(world)
    world.call("erase", JANE, "--yes")
    document = exported(world)
    assert sum(entries(document).values()) == 0
    assert document["brevo"]["contacts"] == []
    assert document["suppression_ledger"]["erased_at"]


def _emulator(world: World) -> Sandbox:
    state = world.folder / ".customer-sync"
    state.mkdir(exist_ok=True)
    sandbox = Sandbox(state / "brevo-sandbox.db", clock=SystemClock())
    sandbox.ensure(lists={5: "Customers"})
    return sandbox

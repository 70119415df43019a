"""verify: the proof that Brevo holds what the shop says, from the command line."""

import csv
import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_sync.clock import SystemClock
from customer_sync.target import open_sandbox
from worlds import World


def event(trigger: str, number: int, *, day: int = 1, **fields: object) -> dict[str, object]:
    """Return an event of one of many customers."""
    content = {"id": f"c{number}", "email": f"p{number}@example.com", **fields}
    return {
        "event": f"customer_{trigger}",
        "timestamp": f"2024-01-{day:02}T10:00:00Z",
        "data": content,
    }


SHOP = [
    event("created", 1, firstName="Ada"),
    event("created", 2, acceptsMarketing=False),
    event("created", 3, firstName="Bo"),
    event("deleted", 3, day=2),
    event("created", 4, email="p1@example.com"),
    event("updated", 5, email=None, firstName="Nobody"),
    event("created", 6, email="nonsense"),
]


def verify(world: World, *options: str, events: list[dict[str, object]] | None = None) -> Any:
    """Return the document about *events*."""
    world.write("shop.jsonl", SHOP if events is None else events)
    return world.call("verify", "shop.jsonl", "--json", *options).document


def patch(world: World, email: str, **body: object) -> None:
    """Edit a contact in Brevo, as somebody at its website would."""
    url = f"{world.url}/contacts/{email.replace('@', '%40')}"
    assert httpx.put(url, json=body, headers={"api-key": "key"}).status_code == 204


def standings(part: dict[str, int]) -> dict[str, int]:
    """Return the numbers that are not 0, without the sum."""
    return {name: number for name, number in part.items() if number and name != "total"}


# ---------------------------------------------------------------- the sums


def test_a_shop_that_was_synced_is_proved(world: World) -> None:
    """Every customer has its place, and the sums are as large as the shop."""
    world.sync(*SHOP)
    document = verify(world)
    assert standings(document["customers"]) == {
        "synced": 1,
        "without_consent": 1,
        "duplicate": 1,
        "without_address": 1,
        "invalid": 1,
    }
    assert document["customers"]["total"] == 5
    assert standings(document["deleted"]) == {"as_it_should_be": 1}
    assert standings(document["contacts"]) == {"of_a_customer": 2}
    assert (document["adds_up"], document["unexplained"], document["exit_code"]) == (True, 0, 0)


def test_nothing_is_written_to_brevo(served: World) -> None:
    """Whatever is missing there."""
    served.sync(event("created", 9))
    before = served.contacts()
    document = verify(served)
    assert served.contacts() == before
    assert {route.split()[0] for route in document["requests"]} == {"GET"}


def test_what_was_never_written_is_a_difference(world: World) -> None:
    """Exit 7, with the reason."""
    document = verify(world, events=[event("created", 1, firstName="Ada")])
    assert document["exit_code"] == 7
    assert document["differences"] == [
        {
            "email": "p***@example.com",
            "ids": ["c1"],
            "contact_id": None,
            "why": "was never written",
            "fields": ["FIRSTNAME"],
        }
    ]


def test_an_edit_in_brevo_is_found(served: World) -> None:
    """By the field, and by what became of it."""
    served.sync(event("created", 1, firstName="Ada"))
    patch(served, "p1@example.com", attributes={"FIRSTNAME": "Eve"})
    found = verify(served, events=[event("created", 1, firstName="Ada")])["differences"]
    assert [(one["fields"], one["why"]) for one in found] == [(["FIRSTNAME"], "edited in Brevo")]


def test_an_unsubscription_is_no_difference(served: World) -> None:
    """The shop's yes changes nothing about it."""
    yes = event("created", 1, acceptsMarketing=True)
    served.sync(yes)
    patch(served, "p1@example.com", emailBlacklisted=True)
    assert standings(verify(served, events=[yes])["customers"]) == {"blocked": 1}


def test_a_lifted_block_is_found(served: World) -> None:
    """Nobody who said no is mailed without being noticed."""
    no = event("created", 1, acceptsMarketing=False)
    served.sync(no)
    patch(served, "p1@example.com", emailBlacklisted=False)
    document = verify(served, events=[no])
    assert standings(document["customers"]) == {"different": 1}
    assert document["differences"][0]["fields"] == ["e-mail"]


def test_an_older_export_is_proved_by_what_was_said_since(world: World) -> None:
    """Newer news were written, and are what Brevo has to hold."""
    old = event("created", 1, firstName="Ada")
    world.sync(old)
    world.sync(event("updated", 1, day=3, firstName="Eve"))
    assert standings(verify(world, events=[old])["customers"]) == {"synced": 1}


def test_contacts_of_others_are_counted(served: World) -> None:
    """Those of earlier runs, and those of nobody."""
    served.sync(event("created", 1), event("created", 2), event("created", 3))
    served.sync(event("deleted", 3, day=2))
    body = {"email": "stranger@example.org"}
    httpx.post(f"{served.url}/contacts", json=body, headers={"api-key": "key"})
    document = verify(served, events=[event("created", 1)])
    assert standings(document["contacts"]) == {
        "of_a_customer": 1,
        "of_a_deleted_customer": 1,
        "of_a_customer_outside_these_sources": 1,
        "of_nobody_known": 1,
    }
    assert document["exit_code"] == 0


# ---------------------------------------------------------------- without sources


def test_without_sources_the_state_is_what_counts(served: World) -> None:
    """All who were ever confirmed, deleted ones included."""
    served.sync(event("created", 1, firstName="Ada"), event("created", 2), event("deleted", 3))
    served.sync(event("deleted", 2, day=2))
    document = served.call("verify", "--json").document
    assert standings(document["customers"]) == {"synced": 1}
    assert standings(document["deleted"]) == {"as_it_should_be": 2}
    patch(served, "p2@example.com", emailBlacklisted=False)
    patch(served, "p1@example.com", attributes={"FIRSTNAME": ""})
    document = served.call("verify", "--json").document
    assert standings(document["customers"]) == {"different": 1}
    assert standings(document["deleted"]) == {"as_it_should_be": 1, "different": 1}
    assert document["exit_code"] == 7


# ---------------------------------------------------------------- what explains a difference


def test_whoever_waits_for_a_retry_is_pending(embedded: World) -> None:
    """With and without sources, and nothing is unexplained."""
    embedded.sync(event("created", 1), event("created", 2))
    late = [event("updated", 1, day=2, firstName="Ada"), event("created", 3, firstName="Bo")]
    with open_sandbox(embedded.folder / ".customer-sync", SystemClock()) as sandbox:
        for route in ("POST /contacts", "PUT /contacts/{identifier}"):
            sandbox.inject(route, status=400, times=1)
    embedded.sync(*late)
    for document in (verify(embedded, events=late), embedded.call("verify", "--json").document):
        assert document["customers"]["pending"] == 2
        assert document["exit_code"] == 0


def test_withheld_deletions_are_told_apart(embedded: World) -> None:
    """The guard's file explains them."""
    embedded.sync(event("created", 1), event("created", 2))
    gone = [event("deleted", 1, day=2)]
    embedded.sync(*gone, options=["--max-deletes", "0"])
    document = verify(embedded, events=gone)
    assert standings(document["deleted"]) == {"withheld": 1}
    assert document["exit_code"] == 0
    (embedded.folder / ".customer-sync" / "withheld.json").write_text("{}")
    assert verify(embedded, events=gone)["exit_code"] == 7


def test_absence_means_deletion_only_where_that_is_said(embedded: World) -> None:
    """As for a run."""
    embedded.sync(event("created", 1), event("created", 2))
    one = [event("created", 1)]
    assert verify(embedded, events=one)["exit_code"] == 0
    document = verify(embedded, "--complete", events=one)
    assert standings(document["deleted"]) == {"different": 1}


# ---------------------------------------------------------------- samples


def test_a_sample_asks_for_few_and_says_what_it_proves(world: World) -> None:
    """A request each, no list of contacts, and a bound for all."""
    people = [event("created", number) for number in range(1, 41)]
    world.sync(*people)
    document = verify(world, "--sample", "15%", "--seed", "7", events=people)
    assert document["requests"]["GET /contacts/{identifier}"] == 6
    assert "GET /contacts" not in document["requests"]
    assert standings(document["customers"]) == {"synced": 6, "not_looked_at": 34}
    assert document["contacts"] is None
    sample = document["sample"]
    assert (sample["looked_at"], sample["of"], sample["seed"]) == (6, 40, 7)
    assert 0 < sample["most_different"] < 20


def test_people_are_told_what_a_sample_proves(embedded: World) -> None:
    """In a sentence, with the seed to repeat it."""
    embedded.sync(event("created", 1), event("created", 2))
    embedded.write("shop.jsonl", [event("created", 1), event("created", 2)])
    shown = embedded.call("verify", "shop.jsonl", "--sample", "2", "--seed", "5").out
    assert "Looked at 2 of 2 addresses (--seed 5). With 95% confidence, at most 0 of all" in shown
    assert "not looked at" in shown


@pytest.mark.parametrize("options", [["--sample", "0"], ["--sample", "some"], ["--complete"]])
def test_options_that_prove_nothing_are_refused(embedded: World, options: list[str]) -> None:
    """A sample of nobody, and completeness of nothing."""
    assert embedded.call("verify", *options).exit_code == 2


# ---------------------------------------------------------------- what people see and get


def test_people_see_the_sums(embedded: World) -> None:
    """Masked, with what to do next."""
    embedded.write("shop.jsonl", SHOP)
    result = embedded.call("verify", "shop.jsonl")
    assert result.exit_code == 7
    assert "2 differ and nothing explains it" in result.out
    assert "p***@example.com" in result.out
    assert "p1@example.com" not in result.out + result.err
    assert "p1@example.com" in embedded.call("verify", "shop.jsonl", "--show-pii").out


def test_more_differences_than_rows_are_counted(embedded: World) -> None:
    """Nothing is left out in silence."""
    embedded.write("shop.jsonl", [event("created", number) for number in range(5)])
    assert "… and 3 more" in embedded.call("verify", "shop.jsonl", "--rows", "2").out


def test_a_proof_without_differences_can_be_silent(embedded: World) -> None:
    """For cron; where something differs, it speaks."""
    embedded.sync(event("created", 1))
    result = embedded.call("verify", "--quiet")
    assert (result.exit_code, result.out, result.err) == (0, "", "")
    embedded.write("shop.jsonl", [event("created", 2)])
    assert "differ" in embedded.call("verify", "shop.jsonl", "--quiet").out


def test_rejected_records_of_known_customers_are_told_of(embedded: World) -> None:
    """They are no further customers."""
    broken = {**event("updated", 1), "timestamp": "soon"}
    embedded.sync(event("created", 1))
    document = verify(embedded, events=[event("created", 1), broken])
    assert (document["rejections"], document["rejections_of_known_customers"]) == (1, 1)
    assert document["customers"]["total"] == 1
    assert "1 rejected records besides" in embedded.call("verify", "shop.jsonl").out


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a list."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_there_is_a_list_behind_every_number(embedded: World) -> None:
    """As many rows as the number says, in files for their owner alone."""
    embedded.sync(*SHOP)
    document = verify(embedded, "--out", "proof")
    for part in ("customers", "deleted", "contacts"):
        for name, number in document[part].items():
            if name != "total":
                path = embedded.folder / document["lists"][f"{part}-{name.replace('_', '-')}"]
                assert len(rows_of(path)) == number
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (invalid,) = rows_of(embedded.folder / "proof" / "customers-invalid.csv")
    assert invalid["place"] == "shop.jsonl:7"
    (synced,) = rows_of(embedded.folder / "proof" / "customers-synced.csv")
    assert (synced["email"], synced["ids"]) == ("p1@example.com", "c1")


def test_lists_take_the_place_of_older_ones(embedded: World) -> None:
    """And whoever asks is told where they are."""
    embedded.sync(*SHOP)
    verify(embedded, "--out", "proof")
    embedded.write("shop.jsonl", [event("created", 1)])
    shown = embedded.call("verify", "shop.jsonl", "--out", "proof").out
    assert "The lists are in proof." in shown
    assert rows_of(embedded.folder / "proof" / "customers-invalid.csv") == []


def test_a_spreadsheet_calculates_nothing(embedded: World) -> None:
    """An id that looks like a formula is shown as it is."""
    formula = event("created", 1, id="=HYPERLINK(1)")
    verify(embedded, "--out", "proof", events=[formula])
    (row,) = rows_of(embedded.folder / "proof" / "customers-different.csv")
    assert row["ids"] == "'=HYPERLINK(1)"


def test_a_folder_that_cannot_be_made_is_told(embedded: World) -> None:
    """In a sentence."""
    embedded.write("taken", [])
    result = embedded.call("verify", "--out", "taken")
    assert result.exit_code == 4
    assert "The folder taken cannot be made" in result.err


# ---------------------------------------------------------------- a bad world


def test_a_run_that_works_is_not_disturbed(embedded: World) -> None:
    """What it has written half would look like a difference."""
    embedded.sync(event("created", 1))
    lock = os.open(embedded.folder / ".customer-sync" / "lock", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = embedded.call("verify", "--json")
    finally:
        os.close(lock)
    assert result.exit_code == 9
    assert json.loads(result.out)["exit_code"] == 9


def test_a_source_that_is_missing_stops_it(embedded: World) -> None:
    """As it stops a run."""
    result = embedded.call("verify", "missing.jsonl")
    assert result.exit_code == 4
    assert "missing.jsonl" in result.err

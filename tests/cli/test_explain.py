"""explain: one person's story from the command line, from the shop's records to Brevo."""

import io
import json
from typing import Any

import httpx
import pytest

from customer_sync.clock import SystemClock
from customer_sync.target import open_sandbox
from worlds import World

JANE = "jane@example.com"


def event(trigger: str, *, day: int = 1, **fields: object) -> dict[str, object]:
    """Return an event of Jane, unless the fields say otherwise."""
    return {
        "event": f"customer_{trigger}",
        "timestamp": f"2024-01-{day:02}T10:00:00Z",
        "data": {"id": "c1", "email": JANE, **fields},
    }


BO = event("created", id="c2", email="bo@example.org", firstName="Bo")


def story(world: World, *events: object, who: str = JANE, options: tuple[str, ...] = ()) -> Any:
    """Return what is told of somebody, given these events."""
    sources = [world.write("shop.jsonl", events)] if events else []
    return world.call("explain", who, *sources, "--json", *options).document


def field(told: Any, name: str) -> Any:
    """Return how one field of the first record was mapped."""
    (found,) = [one for one in told["records"][0]["fields"] if one["field"] == name]
    return found


# ---------------------------------------------------------------- records


def test_only_the_records_of_the_person_are_told(world: World) -> None:
    """With place, trigger and time."""
    told = story(world, BO, event("created", firstName="Jane"), BO, event("updated", day=2))
    assert [(r["place"], r["event"], r["at"]) for r in told["records"]] == [
        ("shop.jsonl:2", "customer_created", "2024-01-01T10:00:00Z"),
        ("shop.jsonl:4", "customer_updated", "2024-01-02T10:00:00Z"),
    ]
    assert told["known_as"] == {"emails": [JANE], "ids": ["c1"]}


def test_records_under_other_names_belong_to_the_story(embedded: World) -> None:
    """An id that a later record tells leads to earlier ones, and so does a former address."""
    told = story(
        embedded,
        event("created", email="jane.old@example.com"),
        event("updated", day=2, email=None, firstName="Jane"),
        BO,
        event("updated", day=3),
    )
    assert [r["place"] for r in told["records"]] == [f"shop.jsonl:{line}" for line in (1, 2, 4)]
    assert told["desired"][0]["former_emails"] == ["j***@example.com"]


def test_the_state_tells_under_which_id_somebody_is_known(embedded: World) -> None:
    """A deletion that gives an id alone is part of the story."""
    embedded.sync(event("created"))
    told = story(embedded, {**event("deleted", day=2), "data": {"id": "c1"}})
    assert [r["event"] for r in told["records"]] == ["customer_deleted"]
    assert told["desired"][0]["is_deleted"]
    assert told["plan"][0]["kind"] == "delete"


def test_a_rejected_record_is_told_with_its_rules(embedded: World) -> None:
    """Nobody has to look for it in another file."""
    told = story(embedded, {**event("created"), "timestamp": "soon"})
    (record,) = told["records"]
    assert not record["accepted"]
    assert [(one["pointer"], one["rule"]) for one in record["problems"]] == [
        ("/timestamp", "pattern")
    ]
    assert told["known"]


def test_standard_input_is_a_source_too(embedded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although names may have to be found by reading it again."""
    lines = [event("updated", email=None, firstName="Jane"), event("updated", day=2)]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    told = embedded.call("explain", JANE, "-", "--json").document
    assert [r["place"] for r in told["records"]] == ["-:1", "-:2"]


# ---------------------------------------------------------------- mapping


def test_each_field_is_followed_to_its_attribute(embedded: World) -> None:
    """What the shop says, what each transform makes of it, what is written."""
    config = embedded.folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    line = "firstName: {attribute: FIRSTNAME, transform: [strip, title]}"
    config.write_text(text.replace("firstName: FIRSTNAME", line), encoding="utf-8")
    told = story(embedded, event("created", firstName="  JANE "))
    assert field(told, "firstName") == {
        "field": "firstName",
        "attribute": "FIRSTNAME",
        "is_mentioned": True,
        "raw": "  JANE ",
        "steps": [
            {"transform": "strip", "argument": None, "value": "JANE"},
            {"transform": "title", "argument": None, "value": "Jane"},
        ],
        "is_said": True,
        "value": "Jane",
        "warnings": [],
    }


def test_a_value_that_cannot_be_used_is_told_with_the_reason(embedded: World) -> None:
    """The field is left out, and the story says why."""
    told = story(embedded, event("created", phone="unknown"))
    phone = field(told, "phone")
    assert (phone["is_mentioned"], phone["is_said"]) == (True, False)
    assert "The field was left out" in phone["warnings"][0]
    assert "The field was left out" in embedded.call("explain", JANE, "shop.jsonl").out


def test_silence_and_emptiness_are_told_apart(embedded: World) -> None:
    """A field that is not mentioned says nothing; an empty one clears."""
    told = story(embedded, event("created", lastName=None))
    assert (field(told, "firstName")["is_mentioned"], field(told, "firstName")["is_said"]) == (
        False,
        False,
    )
    last_name = field(told, "lastName")
    assert (last_name["is_said"], last_name["value"]) == (True, None)


# ---------------------------------------------------------------- folding


def test_the_last_word_on_every_field_is_told(embedded: World) -> None:
    """By its place, and who was overruled."""
    told = story(
        embedded,
        event("updated", day=3, firstName="Janet"),
        event("created", firstName="Jane", lastName="Roe", acceptsMarketing=True),
    )
    fields = {one["name"]: one for one in told["desired"][0]["fields"]}
    assert (fields["FIRSTNAME"]["value"], fields["FIRSTNAME"]["said_by"]) == (
        "Janet",
        "shop.jsonl:1",
    )
    assert [one["place"] for one in fields["FIRSTNAME"]["overruled"]] == ["shop.jsonl:2"]
    assert fields["LASTNAME"]["said_by"] == "shop.jsonl:2"
    assert fields["consent to mail"]["value"] is True


def test_what_an_earlier_run_heard_has_no_place_now(embedded: World) -> None:
    """The state remembers the value, not the line."""
    embedded.sync(event("created", firstName="Jane"))
    told = story(embedded)
    (name,) = told["desired"][0]["fields"]
    assert (name["name"], name["value"], name["said_by"]) == ("FIRSTNAME", "Jane", None)


# ---------------------------------------------------------------- consent


def consent(told: Any) -> tuple[str, str, str]:
    """Return the row of the consent table for mail."""
    mail = told["desired"][0]["consent"][0]
    assert mail["channel"] == "mail"
    return mail["shop_says"], mail["brevo_holds"], mail["written"]


def why(told: Any) -> str:
    """Return why."""
    reason: str = told["desired"][0]["consent"][0]["why"]
    return reason


def unsubscribe(world: World) -> None:
    """Let Jane unsubscribe in Brevo."""
    url = f"{world.url}/contacts/{JANE.replace('@', '%40')}"
    answer = httpx.put(url, json={"emailBlacklisted": True}, headers={"api-key": "key"})
    assert answer.status_code == 204


def test_a_new_contact_may_be_mailed(embedded: World) -> None:
    """Unless somebody said no."""
    told = story(embedded, event("created"))
    assert consent(told) == ("nothing", "no contact", "nothing")
    assert why(told).startswith("a new contact may be mailed")
    told = story(embedded, event("created", acceptsMarketing=False))
    assert consent(told) == ("no", "no contact", "a block")


def test_a_no_blocks(embedded: World) -> None:
    """Once."""
    embedded.sync(event("created"))
    no = event("updated", day=2, acceptsMarketing=False)
    told = story(embedded, no)
    assert consent(told) == ("no", "mailable", "a block")
    embedded.sync(no)
    told = story(embedded, no)
    assert consent(told) == ("no", "blocked", "nothing")
    assert why(told) == "Brevo holds the no already"


def test_a_yes_lifts_nobody_elses_block(served: World) -> None:
    """And the story says so."""
    served.sync(event("created"))
    assert why(story(served)) == "silence is neither yes nor no"
    unsubscribe(served)
    told = story(served, event("updated", day=2, acceptsMarketing=True))
    assert consent(told) == ("yes", "blocked", "nothing")
    assert why(told) == "the shop's yes never lifts the block of somebody else"


@pytest.mark.parametrize(
    ("resubscribe", "day", "written", "reason"),
    [
        ("never", 3, "nothing", "our own block stays, as `resubscribe: never` says"),
        ("newer", 3, "the end of the block", "the yes is newer than our own block"),
    ],
)
def test_a_yes_after_our_own_block(
    embedded: World, resubscribe: str, day: int, written: str, reason: str
) -> None:
    """Depends on the operator's leave."""
    embedded.configure(f"resubscribe: {resubscribe}")
    embedded.sync(event("created", acceptsMarketing=False))
    told = story(embedded, event("updated", day=day, acceptsMarketing=True))
    assert consent(told) == ("yes", "blocked", written)
    assert why(told).startswith(reason)


def test_a_yes_to_whoever_is_mailable_changes_nothing(embedded: World) -> None:
    """There is nothing to write."""
    embedded.sync(event("created"))
    told = story(embedded, event("updated", day=2, acceptsMarketing=True))
    assert consent(told) == ("yes", "mailable", "nothing")


def test_whoever_was_blocked_comes_back_blocked(embedded: World) -> None:
    """Because the state and its ledger remember."""
    embedded.configure("delete_behavior: hard")
    embedded.sync(event("created", acceptsMarketing=False))
    embedded.sync(event("deleted", day=2))
    told = story(embedded, event("created", day=3))
    assert consent(told) == ("nothing", "no contact", "a block")
    assert why(told) == "whoever was blocked before comes back blocked"
    assert told["state"]["ledger"]["blocked_for_mail"] == [JANE]
    assert "says the suppression ledger" in embedded.call("explain", JANE, "shop.jsonl").out


# ---------------------------------------------------------------- state, plan, Brevo


def test_what_earlier_runs_did_is_told(world: World) -> None:
    """Which run, by which request, with what outcome."""
    run = world.sync(event("created", firstName="Jane"))
    told = story(world)
    (tried,) = told["state"]["journal"]
    assert (tried["run"], tried["route"]) == (run["run_id"], "POST /contacts")
    assert tried["outcome"] == "applied"
    assert tried["change"]["kind"] == "create"
    assert told["brevo"][0]["attributes"] == {"FIRSTNAME": "Jane"}
    assert told["brevo"][0]["list_ids"] == [5]
    assert [one["standing"] for one in told["standing"]] == ["synced"]


def test_what_waits_is_told(embedded: World) -> None:
    """With the error, and how often it was tried."""
    embedded.sync(event("created"))
    with open_sandbox(embedded.folder / ".customer-sync", SystemClock()) as sandbox:
        sandbox.inject("PUT /contacts/{identifier}", status=400, times=1)
    embedded.sync(event("updated", day=2, firstName="Jane"))
    told = story(embedded)
    (item,) = told["state"]["queue"]
    assert (item["attempts"], item["is_dead"]) == (1, False)
    assert told["plan"][0]["kind"] == "update"
    assert told["standing"][0]["standing"] == "pending"
    assert "waits, 1 attempts, next try" in embedded.call("explain", JANE).out


def test_the_planned_change_is_told(embedded: World) -> None:
    """As a run would plan it, and nothing is written."""
    embedded.sync(event("created", firstName="Jane"))
    told = story(embedded, event("updated", day=2, firstName="Janet"))
    (change,) = told["plan"]
    assert change == {
        "kind": "update",
        "email": JANE,
        "fields": [
            {"name": "FIRSTNAME", "old": "Jane", "new": "Janet", "why": "changed in the shop"}
        ],
        "notes": [],
    }
    assert told["brevo"][0]["attributes"]["FIRSTNAME"] == "Jane"


def test_whoever_is_left_alone_is_told_why(embedded: World) -> None:
    """An id that leads nowhere, an old piece of news."""
    told = story(embedded, {**event("updated"), "data": {"id": "c9"}}, who="id:c9")
    assert told["left_alone"][0]["reason"].startswith("unknown customer")
    embedded.sync(event("created", day=5, firstName="Jane"))
    told = story(embedded, event("updated", day=2, firstName="Old"))
    assert [one["reason"] for one in told["plan"]] == ["older than what is already confirmed"]
    assert told["desired"][0]["fields"][0]["value"] == "Jane"
    shown = embedded.call("explain", JANE, "shop.jsonl").out
    assert "skip: older than what is already confirmed" in shown


# ---------------------------------------------------------------- who may read what


def test_somebody_nobody_knows(embedded: World) -> None:
    """Is no error."""
    result = embedded.call("explain", "nobody@example.com")
    assert result.exit_code == 0
    assert "Nothing is known of nobody@example.com" in result.out
    assert not story(embedded, BO, who="nobody@example.com")["known"]


def test_an_id_is_enough(embedded: World) -> None:
    """Known to the state, or only to the sources; no address is shown then."""
    embedded.sync(event("created"))
    assert story(embedded, who="id:c1")["known_as"]["emails"] == ["j***@example.com"]
    assert story(embedded, BO, who="id:c2")["known_as"]["emails"] == ["b***@example.org"]


def test_only_the_address_that_was_asked_for_is_shown(embedded: World) -> None:
    """Others are masked, in what Brevo holds too."""
    events = [
        event("created", email="jane.old@example.com", lastName="see bo@example.org"),
        event("updated", day=2),
    ]
    embedded.write("shop.jsonl", events)
    for options in ([], ["--json"]):
        shown = embedded.call("explain", "Jane@Example.com", "shop.jsonl", *options).out
        assert JANE in shown
        assert "jane.old@example.com" not in shown
        assert "bo@example.org" not in shown
    shown = embedded.call("explain", JANE, "shop.jsonl", "--show-pii").out
    assert "jane.old@example.com" in shown


@pytest.mark.parametrize("who", ["CS1", "jane", "jane@", "id:"])
def test_what_is_neither_address_nor_id_is_refused(embedded: World, who: str) -> None:
    """With the way to write an id."""
    result = embedded.call("explain", who)
    assert result.exit_code == 2
    assert "id:" in result.err or "not an address" in result.err


def test_a_name_cannot_steer_the_terminal(embedded: World) -> None:
    """Nor be taken for markup."""
    embedded.write("shop.jsonl", [event("created", firstName="\x1b[31m[bold]Jane")])
    shown = embedded.call("explain", JANE, "shop.jsonl").out
    assert "\x1b[31m" not in shown
    assert "[bold]Jane" in shown


def test_what_is_odd_can_be_read_too(served: World) -> None:
    """A value that was refused, what was remarked, a list that was left, kinds of values."""
    phone = "+12025550123"
    served.sync(event("created", id="c2", email="bo@example.org", phone=phone))
    served.sync(event("created", phone=phone, totalSpent=12.5, verifiedEmail=True))
    unsubscribe(served)
    assert served.url is not None
    control = served.url.removesuffix("/v3") + "/sandbox/unsubscribe"
    assert httpx.post(control, json={"email": JANE, "list": 5}).is_success
    yes = event("updated", day=2, phone=phone, acceptsMarketing=True)
    anonymous = {**event("updated", day=2), "data": {"id": "c9"}}
    served.write("shop.jsonl", [yes, anonymous])
    shown = served.call("explain", JANE, "shop.jsonl").out
    assert f'SMS "{phone}" was refused by Brevo' in shown
    assert "note: unsubscribed in Brevo; the shop's yes changes nothing" in shown
    assert "TOTAL_SPENT 12.5" in shown
    assert "VERIFIED yes" in shown
    assert "lists that the person left: 5" in shown
    left_alone = served.call("explain", "id:c9", "shop.jsonl").out
    assert "left alone: unknown customer" in left_alone


def test_people_read_it_in_the_order_of_the_pipeline(embedded: World) -> None:
    """From the records to Brevo."""
    embedded.sync(event("created", firstName="Jane", acceptsMarketing=True))
    broken = {**event("updated"), "timestamp": "soon"}
    embedded.write("shop.jsonl", [event("deleted", day=2), broken])
    shown = embedded.call("explain", JANE, "shop.jsonl").out
    chapters = (
        "Records",
        "shop.jsonl:2  rejected",
        "What the shop says",
        "deleted since 2024-01-02",
        "What the state remembers",
        "What a run of these sources would do",
        "delete jane@example.com",
        "Where verify has it",
        "What Brevo holds",
        "mail: mailable",
    )
    positions = [shown.index(chapter) for chapter in chapters]
    assert positions == sorted(positions)

"""The block `tests` of a configuration: how it may be written, and what is wrong with it."""

from pathlib import Path

import pytest

from customer_sync.config import ConfigProblem, PlacedCase, check, load
from customer_sync.core.model import Email, Reason, SourceName
from customer_sync.core.proving.cases import Case, Expected, Held, Told, Verdict

HEAD = """\
skills:
  customer-sync:
    source: custom
    options: {list_id: 5}
    tests:
"""
GOOD = "{name: one, customer: {id: 7}, expect: skip}"


def written(folder: Path, *tests: str) -> Path:
    """Return a configuration with *tests*, each in one line."""
    path = folder / "config.yaml"
    path.write_text(HEAD + "".join(f"      - {test}\n" for test in tests), encoding="utf-8")
    return path


def cases(folder: Path, *tests: str) -> tuple[PlacedCase, ...]:
    """Return *tests* as they are understood."""
    return load(written(folder, *tests)).cases


def problems(folder: Path, *tests: str) -> tuple[ConfigProblem, ...]:
    """Return what is wrong with *tests*."""
    return check(written(folder, *tests))[1]


def test_everything_said(tmp_path: Path) -> None:
    """Every key reaches its place."""
    (placed,) = cases(
        tmp_path,
        "{name: all, before: [{event: customer_created, customer: {id: 7}}, {record: {id: 8}}], "
        "event: customer_deleted, timestamp: 2024-01-15T10:30:00Z, customer: {id: 7, a_b: [x]}, "
        "contact: {email: ADA@example.com , attributes: {firstname: Ada, TAGS: [a, 1], GONE: null},"
        " lists: [6], left_lists: [5], blocked: true, sms_blocked: true}, expect: {update: "
        "{attributes: {FIRSTNAME: 1.5, SMS: true}, email: ada@example.org, lists: [6, 7], "
        "blocked: false, sms_blocked: false, gone: false, warnings: [first_name]}}}",
    )
    assert placed.case == Case(
        name="all",
        before=(
            Told(contents=({"event": "customer_created", "data": {"id": 7}},)),
            Told(contents=({"id": 8},), is_event=False),
        ),
        told=Told(
            contents=(
                {
                    "event": "customer_deleted",
                    "timestamp": "2024-01-15T10:30:00Z",
                    "data": {"id": 7, "a_b": ["x"]},
                },
            )
        ),
        contact=Held(
            email=Email("ada@example.com"),
            attributes={"FIRSTNAME": "Ada", "TAGS": ("a", "1"), "GONE": None},
            list_ids=frozenset({6}),
            left_list_ids=frozenset({5}),
            is_email_blocked=True,
            is_sms_blocked=True,
        ),
        is_contact_told=True,
        expected=Expected(
            verdict=Verdict.UPDATE,
            attributes={"FIRSTNAME": 1.5, "SMS": True},
            email=Email("ada@example.org"),
            list_ids=frozenset({6, 7}),
            is_email_blocked=False,
            is_sms_blocked=False,
            is_gone=False,
            warnings=frozenset({"firstName"}),
        ),
    )


def test_little_said(tmp_path: Path) -> None:
    """A customer who is updated, no contact, and nothing but what becomes of it."""
    (placed,) = cases(tmp_path, "{name: one, customer: {id: 7}, expect: skip}")
    assert placed.case == Case(
        name="one",
        told=Told(contents=({"event": "customer_updated", "data": {"id": 7}},)),
        expected=Expected(verdict=Verdict.SKIP),
    )
    assert (placed.line, placed.column) == (6, 48)
    assert placed.pointer == "/skills/customer-sync/tests/0/expect"


@pytest.mark.parametrize(
    ("expect", "expected"),
    [
        ("{skip: {reason: stale}}", Expected(verdict=Verdict.SKIP, reason=Reason.STALE)),
        (
            "{reject: {rule: email, pointer: /data/email}}",
            Expected(verdict=Verdict.REJECT, rule="email", pointer="/data/email"),
        ),
        ("{ignore: }", Expected(verdict=Verdict.IGNORE)),
        ("{create: {warnings: []}}", Expected(verdict=Verdict.CREATE, warnings=frozenset())),
        ("{keep: {lists: []}}", Expected(verdict=Verdict.KEEP, list_ids=frozenset())),
        *((f"{{{word}: }}", Expected(verdict=word)) for word in Verdict),
        *((word.value, Expected(verdict=word)) for word in Verdict),
    ],
)
def test_what_may_be_expected(expect: str, expected: Expected, tmp_path: Path) -> None:
    """One word, alone or with more behind it."""
    (placed,) = cases(tmp_path, f"{{name: one, customer: {{id: 7}}, expect: {expect}}}")
    assert placed.case.expected == expected


@pytest.mark.parametrize(
    ("contact", "held"),
    [
        ("{}", Held(list_ids=frozenset({5}))),
        ("{lists: []}", Held()),
        ("{leftLists: [5]}", Held(left_list_ids=frozenset({5}))),
        ("{smsBlocked: true}", Held(list_ids=frozenset({5}), is_sms_blocked=True)),
        ("", None),
    ],
)
def test_what_brevo_may_hold(contact: str, held: Held | None, tmp_path: Path) -> None:
    """A contact is on the list of the configuration, unless it is told otherwise."""
    (placed,) = cases(
        tmp_path, f"{{name: one, customer: {{id: 7}}, contact: {contact}, expect: skip}}"
    )
    assert placed.case.contact == held
    assert placed.case.is_contact_told


def test_records_may_be_several(tmp_path: Path) -> None:
    """One record, or a list of them."""
    (placed,) = cases(tmp_path, "{name: one, record: [{id: 7}, {id: 7, a: b}], expect: skip}")
    assert placed.case.told == Told(contents=({"id": 7}, {"id": 7, "a": "b"}), is_event=False)


def test_contact_without_a_list_of_its_own(tmp_path: Path) -> None:
    """Where the configuration names no list, a contact is on none."""
    path = tmp_path / "config.yaml"
    path.write_text(
        "skills: {customer-sync: {source: custom, tests: [{name: one, customer: {id: 7}, "
        "contact: {blocked: true}, expect: skip}]}}",
        encoding="utf-8",
    )
    config = load(path)
    assert config.source is SourceName.CUSTOM
    assert config.cases[0].case.contact == Held(is_email_blocked=True)


BROKEN = {
    "no name": ("{customer: {id: 7}, expect: skip}", "", "`name` is missing", "Add `name:`"),
    "nothing expected": ("{name: one, customer: {id: 7}}", "", "`expect` is missing", "Add"),
    "no customer": (
        "{name: one, expect: skip}",
        "",
        "Either `customer` or `record` is needed here, and not both.",
        "Give the fields",
    ),
    "two customers": (
        "{name: one, customer: {id: 7}, record: {id: 7}, expect: skip}",
        "",
        "Either `customer` or `record` is needed here, and not both.",
        "Give the fields",
    ),
    "no customer before": (
        "{name: one, before: [{event: customer_created}], customer: {id: 7}, expect: skip}",
        "/before/0",
        "Either `customer` or `record` is needed here, and not both.",
        "Give the fields",
    ),
    "an event beside a record": (
        "{name: one, event: customer_created, record: {id: 7}, expect: skip}",
        "/event",
        "`event` stands beside `customer`; a record tells it itself.",
        "Write it into the record",
    ),
    "a time beside a record": (
        "{name: one, timestamp: 2024-01-15T10:30:00Z, record: {id: 7}, expect: skip}",
        "/timestamp",
        "`timestamp` stands beside `customer`",
        "Write it into the record",
    ),
    "an unknown event": (
        "{name: one, event: customer_create, customer: {id: 7}, expect: skip}",
        "/event",
        "`customer_create` is not allowed here.",
        "Did you mean `customer_created`?",
    ),
    "an empty customer": (
        "{name: one, customer: {}, expect: skip}",
        "/customer",
        "Nothing stands here.",
        "Give it a value",
    ),
    "a misspelt key": (
        "{name: one, custmer: {id: 7}, expect: skip}",
        "/custmer",
        "There is no key `custmer` here.",
        "Did you mean `customer`?",
    ),
    "an unknown word": (
        "{name: one, customer: {id: 7}, expect: skipped}",
        "/expect",
        "This is none of the words for what can become of a customer: create, update, delete,",
        "for example `expect: keep`",
    ),
    "an unknown word with more": (
        "{name: one, customer: {id: 7}, expect: {skipped: {}}}",
        "/expect/skipped",
        "There is no key `skipped` here.",
        "Did you mean `skip`?",
    ),
    "two words": (
        "{name: one, customer: {id: 7}, expect: {skip: {}, keep: {}}}",
        "/expect",
        "Only one entry may stand here, but there are 2.",
        "Keep the one that is meant.",
    ),
    "no word": (
        "{name: one, customer: {id: 7}, expect: {}}",
        "/expect",
        "Nothing stands here.",
        "Give it a value",
    ),
    "a key of another word": (
        "{name: one, customer: {id: 7}, expect: {skip: {blocked: true}}}",
        "/expect/skip/blocked",
        "There is no key `blocked` here.",
        "Known keys are reason",
    ),
    "an unknown reason": (
        "{name: one, customer: {id: 7}, expect: {skip: {reason: stael}}}",
        "/expect/skip/reason",
        "There is no reason `stael`.",
        "Did you mean `stale`?",
    ),
    "no reason at all": (
        "{name: one, customer: {id: 7}, expect: {skip: {reason: luck}}}",
        "/expect/skip/reason",
        "There is no reason `luck`.",
        "There are stale, ",
    ),
    "a reason that one customer cannot have": (
        "{name: one, customer: {id: 7}, expect: {skip: {reason: moved}}}",
        "/expect/skip/reason",
        "There is no reason `moved`.",
        "There are stale, ",
    ),
    "an attribute that nothing is mapped to": (
        "{name: one, customer: {id: 7}, expect: {create: {attributes: {FIRST_NAME: Ada}}}}",
        "/expect/create/attributes/FIRST_NAME",
        "No field is mapped to `FIRST_NAME`.",
        "Did you mean `FIRSTNAME`?",
    ),
    "an attribute like no other": (
        "{name: one, customer: {id: 7}, expect: {create: {attributes: {POINTS: 7}}}}",
        "/expect/create/attributes/POINTS",
        "No field is mapped to `POINTS`.",
        "Map one in `field_mapping`, or leave it out.",
    ),
    "an address that is none": (
        "{name: one, customer: {id: 7}, contact: {email: ada}, expect: skip}",
        "/contact/email",
        "This is no address.",
        "Write the address",
    ),
    "an attribute's value that is none": (
        "{name: one, customer: {id: 7}, contact: {attributes: {A: {b: c}}}, expect: skip}",
        "/contact/attributes/A",
        "Here a text, a number, true or false or a list is expected",
        "Correct the value",
    ),
    "a list that is no number": (
        "{name: one, customer: {id: 7}, contact: {lists: [five]}, expect: skip}",
        "/contact/lists/0",
        "Here a whole number is expected",
        "Correct the value",
    ),
    "two spellings": (
        "{name: one, record: {a: b}, contact: {sms_blocked: true, smsBlocked: true}, expect: skip}",
        "/contact/sms_blocked",
        "two spellings of one key",
        "Keep one of the two.",
    ),
}


@pytest.mark.parametrize(("test", "at", "says", "advises"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_wrong_is_told_at_its_place(
    test: str, at: str, says: str, advises: str, tmp_path: Path
) -> None:
    """Beside a good test, and nothing else."""
    (problem,) = problems(tmp_path, GOOD.replace("one", "good"), test)
    assert problem.line == 7
    assert problem.pointer == f"/skills/customer-sync/tests/1{at}"
    assert says in problem.message
    assert problem.hint.startswith(advises) or advises in problem.hint


def test_what_is_no_test_is_told(tmp_path: Path) -> None:
    """A word where a block belongs."""
    (problem,) = problems(tmp_path, "one")
    assert problem.pointer == "/skills/customer-sync/tests/0"


def test_names_are_different(tmp_path: Path) -> None:
    """Two tests of one name could not be told apart."""
    (problem,) = problems(tmp_path, GOOD, GOOD.replace("one", "two"), GOOD)
    assert (problem.line, problem.pointer) == (8, "/skills/customer-sync/tests/2/name")
    assert problem.message == "The test in line 6 has this name already."


def test_an_empty_attribute_needs_no_mapping(tmp_path: Path) -> None:
    """That nothing is written to an attribute can be expected of any."""
    expect = "{create: {attributes: {PASSWORD: null}}}"
    assert problems(tmp_path, f"{{name: one, customer: {{id: 7}}, expect: {expect}}}") == ()


def test_an_attribute_of_the_contact_needs_no_mapping(tmp_path: Path) -> None:
    """That it stays as it is can be expected."""
    test = (
        "{name: one, customer: {id: 7}, contact: {attributes: {POINTS: 7}}, "
        "expect: {keep: {attributes: {points: 7}}}}"
    )
    assert problems(tmp_path, test) == ()

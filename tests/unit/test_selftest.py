"""Tests in a configuration: what is given, what comes of it, and what a failing one says."""

import textwrap
from pathlib import Path

import pytest

from customer_sync.config import Config, InvalidConfig, load
from customer_sync.proof.selftest import problems_of, refuse_failing, try_all

HEAD = """\
skills:
  customer-sync:
    source: {source}
    field_mapping:
      firstName: FIRSTNAME
      phone: SMS
      totalSpent: {{attribute: TOTAL_SPENT, type: float}}
      birthday: BIRTHDAY
      verifiedEmail: VERIFIED
      tags: {{attribute: TAGS, type: multiple-choice}}
    options: {{list_id: 5, default_region: US{options}}}
    tests:
"""


def configured(folder: Path, tests: str, *, options: str = "", source: str = "custom") -> Config:
    """Return a configuration with *tests*."""
    head = HEAD.format(source=source, options=options and f", {options}")
    path = folder / "config.yaml"
    path.write_text(head + textwrap.indent(tests, "      "), encoding="utf-8")
    return load(path)


def complaints(
    folder: Path, tests: str, *, options: str = "", source: str = "custom"
) -> dict[str, str]:
    """Return the complaints of each of *tests* by its name."""
    tried = try_all(configured(folder, tests, options=options, source=source))
    return {one.name: " ".join(one.complaints) for one in tried}


def one_by_one(tests: str) -> list[pytest.ParameterSet]:
    """Return each of *tests* by itself."""
    blocks = [f"- name: {block}" for block in tests.split("- name: ")[1:]]
    return [pytest.param(block, id=block.splitlines()[0][len("- name: ") :]) for block in blocks]


PASSING = """\
- name: a new customer
  customer: {email: ada@example.com, firstName: Ada}
  expect: create

- name: with what it holds
  customer: {email: ada@example.com, firstName: Ada}
  expect: {create: {attributes: {FIRSTNAME: Ada, SMS: null}, lists: [5], blocked: false}}

- name: a field that changed
  customer: {email: ada@example.com, firstName: Ada}
  contact: {attributes: {FIRSTNAME: Eva}}
  expect: {update: {attributes: {FIRSTNAME: Ada}}}

- name: nothing to do
  customer: {email: ada@example.com, firstName: Ada}
  contact: {attributes: {FIRSTNAME: Ada}}
  expect: keep

- name: what is not mentioned stays
  customer: {email: ada@example.com, firstName: Ada}
  contact: {attributes: {FIRSTNAME: Eva, POINTS: 7}}
  expect: {update: {attributes: {FIRSTNAME: Ada, POINTS: 7}}}

- name: a value as Brevo shows it
  customer: {email: ada@example.com, phone: 202-555-0123}
  contact: {attributes: {SMS: "12025550123"}}
  expect: keep

- name: values of other types
  customer:
    email: ada@example.com
    totalSpent: 12.50
    birthday: "1990-05-06T00:00:00Z"
    tags: [a, b]
  contact: {attributes: {TOTAL_SPENT: 12.5, BIRTHDAY: 1990-05-06, TAGS: [b, a]}}
  expect: {keep: {attributes: {TOTAL_SPENT: 12.5, TAGS: [a, b]}}}

- name: a value of no use
  customer: {email: ada@example.com, phone: "12"}
  expect: {create: {attributes: {SMS: null}, warnings: [phone]}}

- name: an empty value clears
  customer: {email: ada@example.com, first_name: ""}
  contact: {attributes: {FIRSTNAME: Ada}}
  expect: {update: {attributes: {firstname: ""}}}

- name: off the list
  customer: {email: ada@example.com, firstName: Ada}
  contact: {attributes: {FIRSTNAME: Ada}, lists: [7]}
  expect: {update: {lists: [5, 7]}}

- name: left the list
  customer: {email: ada@example.com, firstName: Ada}
  contact: {attributes: {FIRSTNAME: Ada}, left_lists: [5]}
  expect: {keep: {lists: []}}

- name: a no
  customer: {email: ada@example.com, acceptsMarketing: false}
  contact: {}
  expect: {update: {blocked: true}}

- name: a no to SMS
  customer: {email: ada@example.com, acceptsSmsMarketing: false}
  contact: {}
  expect: {update: {smsBlocked: true, blocked: false}}

- name: somebody else's block
  customer: {email: ada@example.com, acceptsMarketing: true}
  contact: {blocked: true, sms_blocked: true}
  expect: {keep: {blocked: true, sms_blocked: true}}

- name: our own block
  before:
    - customer: {email: ada@example.com, acceptsMarketing: false}
  customer: {email: ada@example.com, acceptsMarketing: true}
  expect: {keep: {blocked: true}}

- name: a deletion
  event: customer_deleted
  customer: {email: ada@example.com}
  contact: {attributes: {FIRSTNAME: Ada}}
  expect: {delete: {blocked: true, lists: [], gone: false, attributes: {FIRSTNAME: Ada}}}

- name: a deletion of nobody
  event: customer_deleted
  customer: {email: ada@example.com}
  expect: {keep: {gone: true}}

- name: old news
  before:
    - timestamp: 2024-01-02T00:00:00Z
      customer: {email: ada@example.com, firstName: Ada}
  timestamp: 2024-01-01T00:00:00Z
  customer: {email: ada@example.com, firstName: Eva}
  expect: {skip: {reason: stale}}

- name: nobody known
  customer: {id: 7}
  expect: {skip: {reason: unknown_customer}}

- name: known by the id
  before:
    - customer: {id: 7, email: ada@example.com}
  customer: {id: 7, firstName: Ada}
  expect: {update: {email: ada@example.com}}

- name: an address that changed
  before:
    - customer: {id: 7, email: ada@example.com}
  customer: {id: 7, email: ada@example.org}
  expect: {update: {email: ada@example.org}}

- name: an address that is told to have changed
  customer:
    email: ada@example.org
    changes: {email: {old: ada@example.com, new: ada@example.org}}
  contact: {email: ada@example.com}
  expect: {update: {email: ada@example.org}}

- name: an address that is shared
  before:
    - customer: {id: 7, email: ada@example.com}
    - customer: {id: 8, email: ada@example.com}
  event: customer_deleted
  customer: {id: 8}
  expect: {skip: {reason: shared_address}}

- name: a stale owner
  before:
    - customer: {id: 7, email: ada@example.com}
    - customer: {id: 8, email: ada@example.com}
    - {event: customer_deleted, customer: {id: 8}}
  event: customer_deleted
  customer: {id: 7}
  expect: {delete: {blocked: true}}

- name: gone from Brevo
  before:
    - customer: {email: ada@example.com, firstName: Ada}
  customer: {email: ada@example.com}
  contact:
  expect: {create: {attributes: {FIRSTNAME: Ada}}}

- name: a shop's id that was rounded
  customer: {id: 1.2, email: ada@example.com}
  expect: {reject: {pointer: /data/id}}

- name: an address without @
  customer: {email: ada.example.com}
  expect: {reject: {rule: email, pointer: /data/email}}

- name: an event as it is in a file
  record: {event: customer_eaten, data: {email: a@example.com}}
  expect: {reject: {rule: enum, pointer: /event}}

- name: several events
  record:
    - event: customer_created
      timestamp: 2024-01-01T00:00:00Z
      data: {email: ada@example.com, firstName: Ada}
    - event: customer_updated
      timestamp: 2024-01-02T00:00:00Z
      data: {email: ada@example.com, acceptsMarketing: false}
  expect: {create: {attributes: {FIRSTNAME: Ada}, blocked: true}}

- name: a record of a custom source
  record: {E-Mail: ada@example.com, First Name: Ada}
  expect: {create: {attributes: {FIRSTNAME: Ada}}}
"""


@pytest.mark.parametrize("test", one_by_one(PASSING))
def test_what_comes_as_expected_passes(test: str, tmp_path: Path) -> None:
    """All kinds of things that may be given and expected."""
    assert set(complaints(tmp_path, test).values()) == {""}


BY_OPTION = {
    "resubscribe: newer": """\
- name: newer consent may lift our block
  before:
    - customer: {email: ada@example.com, acceptsMarketing: false}
  customer: {email: ada@example.com, acceptsMarketing: true}
  expect: {update: {blocked: false}}

- name: also where the address changes
  before:
    - customer: {id: 7, email: ada@example.com, acceptsMarketing: false}
  customer: {id: 7, email: ada@example.org, acceptsMarketing: true}
  expect: {update: {email: ada@example.org, blocked: false}}

- name: but nobody else's
  before:
    - customer: {email: ada@example.com, acceptsMarketing: true}
  customer: {email: ada@example.com, acceptsMarketing: true}
  contact: {blocked: true}
  expect: {keep: {blocked: true}}
""",
    "delete_behavior: hard": """\
- name: deleted for good
  event: customer_deleted
  customer: {email: ada@example.com}
  contact: {}
  expect: {delete: {gone: true}}

- name: what was known of somebody who was deleted for good is void
  before:
    - customer: {id: 7, email: ada@example.com, firstName: Ada}
    - customer: {id: 7, email: ada@example.org}
    - event: customer_deleted
      customer: {id: 7, email: ada@example.com}
  event: customer_created
  customer: {id: 7, email: ada@example.org}
  expect: {create: {attributes: {FIRSTNAME: null}}}

- name: a block is remembered, whoever had set it
  before:
    - customer: {id: 7, email: ada@example.com}
    - event: customer_deleted
      customer: {id: 7}
  event: customer_created
  customer: {id: 7, email: ada@example.com, acceptsMarketing: true}
  contact: {blocked: true, sms_blocked: true}
  expect: {keep: {blocked: true, sms_blocked: true}}

- name: whoever was deleted with a no comes back blocked
  before:
    - customer: {email: ada@example.com, acceptsMarketing: false}
    - event: customer_deleted
      customer: {email: ada@example.com, acceptsMarketing: false}
  event: customer_created
  customer: {email: ada@example.com, firstName: Ada}
  expect: {create: {blocked: true}}
""",
    "deleted_attribute: GONE": """\
- name: a mark of deletion
  event: customer_deleted
  customer: {email: ada@example.com}
  contact: {}
  expect: {delete: {attributes: {GONE: true}}}
""",
    "update_enabled: false": """\
- name: updates disabled
  event: customer_created
  customer: {email: ada@example.com, firstName: Ada}
  contact: {attributes: {FIRSTNAME: Eva}}
  expect: {skip: {reason: updates_disabled}}
""",
    "on_drift: brevo": """\
- name: an edit in Brevo stays
  before:
    - customer: {email: ada@example.com, firstName: Ada}
  customer: {email: ada@example.com, firstName: Ada}
  contact: {attributes: {FIRSTNAME: Augusta}}
  expect: {keep: {attributes: {FIRSTNAME: Augusta}}}
""",
    "on_drift: source": """\
- name: an edit in Brevo yields
  before:
    - customer: {email: ada@example.com, firstName: Ada}
  customer: {email: ada@example.com, firstName: Ada}
  contact: {attributes: {FIRSTNAME: Augusta}}
  expect: {update: {attributes: {FIRSTNAME: Ada}}}
""",
    "consent_field: Newsletter": """\
- name: consent of a custom source
  record: {email: ada@example.com, Newsletter: "no"}
  contact: {}
  expect: {update: {blocked: true}}
""",
    "records: response.customers": """\
- name: a record is what stands at the path of records
  record: {email: ada@example.com}
  expect: create
""",
}


@pytest.mark.parametrize(("option", "tests"), BY_OPTION.items(), ids=BY_OPTION.keys())
def test_options_decide(option: str, tests: str, tmp_path: Path) -> None:
    """Tests show what an option does."""
    assert set(complaints(tmp_path, tests, options=option).values()) == {""}


BY_SOURCE = {
    "shopify": """\
- name: Shopify's webhook
  record:
    customer_id: 7
    email_address: ada@example.com
    email_marketing_consent: {state: unsubscribed}
  contact: {}
  expect: {update: {blocked: true}}

- name: an event among them
  record:
    event: customer_created
    timestamp: 2024-01-01T00:00:00Z
    data: {email: ada@example.com}
  expect: create
""",
    "woocommerce": """\
- name: a row of WooCommerce's report
  record:
    Name: Ada
    Username: ada
    Last Active: ""
    Sign Up: ""
    Email: ada@example.com
    Orders: 4
    Paying: true
    Total Spend: 12.5
    AOV: 3.1
    Country / Region: GB
    City: Leeds
    Region: null
    Postal Code: LS1
  expect: {create: {attributes: {TOTAL_SPENT: 12.5}}}

- name: a guest
  record:
    Name: Ada
    Username: ""
    Last Active: ""
    Sign Up: ""
    Email: ada@example.com
    Orders: "4"
    Total Spend: "12.5"
    AOV: "3.1"
    Country / Region: GB
    City: Leeds
    Region: ""
    Postal Code: LS1
  expect: ignore
""",
}


@pytest.mark.parametrize(("source", "tests"), BY_SOURCE.items(), ids=BY_SOURCE.keys())
def test_records_are_read_as_the_source_writes_them(
    source: str, tests: str, tmp_path: Path
) -> None:
    """Answers, webhooks and rows of exports alike."""
    assert set(complaints(tmp_path, tests, source=source).values()) == {""}


FAILING = """\
- name: another kind of change
  customer: {email: ada@example.com, firstName: Ada}
  contact: {attributes: {FIRSTNAME: Eva}}
  expect: keep

- name: a change without fields
  customer: {email: ada@example.com, firstName: Ada}
  contact: {attributes: {FIRSTNAME: Ada}}
  expect: create

- name: a rejection
  customer: {email: ada.example.com}
  expect: create

- name: a rejection as a whole
  record: {event: customer_created, timestamp: '2024-01-01T00:00:00Z'}
  expect: create

- name: left alone
  customer: {id: 7}
  expect: create

- name: another value
  customer: {email: ada@example.com, firstName: Ada}
  expect: {create: {attributes: {FIRSTNAME: Eva}}}

- name: values of other types
  customer: {email: ada@example.com, totalSpent: 12.5, tags: [a, b]}
  expect: {create: {attributes: {TOTAL_SPENT: 12, TAGS: null}}}

- name: yes or no
  customer: {email: ada@example.com, verifiedEmail: "yes"}
  expect: {create: {attributes: {VERIFIED: false}}}

- name: not blocked
  customer: {email: ada@example.com, acceptsMarketing: true}
  contact: {}
  expect: {keep: {blocked: true}}

- name: blocked
  customer: {email: ada@example.com, acceptsMarketing: false}
  expect: {create: {blocked: false, sms_blocked: true}}

- name: other lists
  customer: {email: ada@example.com, firstName: Ada}
  contact: {lists: [7]}
  expect: {update: {lists: []}}

- name: another address, masked
  customer: {email: ada@example.com, firstName: Ada}
  expect: {create: {email: eva@example.org}}

- name: a contact that stays
  event: customer_deleted
  customer: {email: ada@example.com}
  contact: {}
  expect: {delete: {gone: true, blocked: false}}

- name: no contact
  event: customer_deleted
  customer: {email: ada@example.com}
  expect: {keep: {gone: false}}

- name: no contact to be blocked
  event: customer_deleted
  customer: {email: ada@example.com}
  expect: {keep: {blocked: true}}

- name: warnings
  customer: {email: ada@example.com, phone: "12"}
  expect: {create: {warnings: [first_name]}}

- name: another reason
  customer: {id: 7}
  expect: {skip: {reason: stale}}

- name: another rule
  customer: {email: ada.example.com}
  expect: {reject: {rule: enum}}

- name: another place
  customer: {email: ada.example.com}
  expect: {reject: {pointer: ""}}

- name: another rule at another place
  record: {event: customer_created, timestamp: '2024-01-01T00:00:00Z'}
  expect: {reject: {rule: email, pointer: /data/email}}

- name: two customers
  record: [{email: ada@example.com}, {email: eva@example.com}]
  expect: create

- name: a broken past
  before:
    - customer: {email: ada@example.com, firstName: Ada}
    - customer: {email: ada.example.com}
  customer: {email: ada@example.com, firstName: Ada}
  expect: create
"""

SAYS = {
    "another kind of change": "keep was expected, and update (FIRSTNAME `Eva` → `Ada`) came.",
    "a change without fields": "create was expected, and keep came.",
    "a rejection": "create was expected, and reject (/data/email breaks the rule email) came.",
    "a rejection as a whole": (
        "create was expected, and reject (/ breaks the rule required) came."
    ),
    "left alone": (
        "create was expected, and skip (unknown customer: no address, and no contact known by its"
        " id) came."
    ),
    "another value": "FIRSTNAME is `Ada` and not `Eva`.",
    "values of other types": ("TAGS is `a, b` and not empty. TOTAL_SPENT is `12.5` and not `12`."),
    "yes or no": "VERIFIED is true and not false.",
    "not blocked": "The contact is not blocked and should be.",
    "blocked": (
        "The contact is blocked and should not be. The contact is not blocked for SMS and should "
        "be."
    ),
    "other lists": "The contact is on lists 5, 7 and should be on no list.",
    "another address, masked": (
        "The contact's address is a***@example.com and not e***@example.org."
    ),
    "a contact that stays": "There is still a contact afterwards.",
    "no contact": "There is no contact afterwards.",
    "no contact to be blocked": "There is no contact afterwards that could be as expected.",
    "warnings": (
        "There is no warning about the field firstName. There is a warning about the field phone,"
        " which was not expected."
    ),
    "another reason": (
        "The reason is not “older than what is already confirmed” but “unknown customer: no "
        "address, and no contact known by its id”."
    ),
    "another rule": "The record does not break the rule enum, but this: email at /data/email.",
    "another place": (
        "The record does not break a rule at its top, but this: email at /data/email."
    ),
    "another rule at another place": (
        "The record does not break the rule email at /data/email, but this: required at its top."
    ),
    "two customers": "It is about 2 customers; write a test for each of them.",
    "a broken past": (
        "What entry 2 of `before` tells would not be synced: reject (/data/email breaks the rule "
        "email)."
    ),
}


@pytest.mark.parametrize("test", one_by_one(FAILING))
def test_what_comes_otherwise_is_told(test: str, tmp_path: Path) -> None:
    """With what came instead."""
    ((name, says),) = complaints(tmp_path, test).items()
    assert says == SAYS[name]


@pytest.mark.parametrize("record", ["{email: {address: ada@example.com}}", "{points: 7}"])
def test_a_record_that_the_source_does_not_write_is_told(record: str, tmp_path: Path) -> None:
    """It would stop a run, too."""
    test = f"- {{name: one, record: {record}, expect: create}}"
    assert complaints(tmp_path, test, source="shopify") == {
        "one": "The record of the test is not recognised as anything that shopify gives out."
    }


THREE = """\
- name: good
  customer: {email: ada@example.com, firstName: Ada}
  expect: create
- name: bad
  customer: {email: ada@example.com, firstName: Ada}
  expect: keep
- name: bad too
  customer: {email: ada@example.com, firstName: Ada}
  expect: skip
"""


def test_failing_tests_are_problems_with_their_places(tmp_path: Path) -> None:
    """Each at what it expects; those that pass are none."""
    config = configured(tmp_path, THREE)
    tried = try_all(config)
    assert {one.name: one.has_passed for one in tried} == {
        "good": True,
        "bad": False,
        "bad too": False,
    }
    problem, _ = problems_of(config, tried)
    assert (problem.path, problem.line, problem.column) == (config.path, 18, 17)
    assert problem.pointer == "/skills/customer-sync/tests/1/expect"
    assert problem.message == (
        "The test “bad” fails: keep was expected, and create (FIRSTNAME empty → `Ada`) came."
    )
    assert problem.hint == "Correct the mapping or the options, or what the test expects."


def test_failing_tests_stop_whoever_asks(tmp_path: Path) -> None:
    """All that fail are told at once."""
    with pytest.raises(InvalidConfig) as caught:
        refuse_failing(configured(tmp_path, THREE))
    assert [problem.line for problem in caught.value.problems] == [18, 21]


@pytest.mark.parametrize("tests", ["- {name: one, customer: {id: 7}, expect: skip}", ""])
def test_passing_tests_stop_nobody(tests: str, tmp_path: Path) -> None:
    """Nor do none at all."""
    refuse_failing(configured(tmp_path, tests))


def test_a_test_finds_nothing_that_another_left(tmp_path: Path) -> None:
    """The contact that one makes is not there for the next."""
    again = THREE.replace("name: good", "name: good again")
    found = complaints(tmp_path, again + THREE.partition("- name: bad")[0])
    assert found["good"] == found["good again"] == ""

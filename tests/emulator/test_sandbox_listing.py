"""GET /contacts: pages, order, filters, spellings of arrays, and readers that lag."""

from collections.abc import Callable
from typing import Any

import pytest

from customer_sync.sandbox import Settings
from customer_sync.sandbox.facts import Excess
from sandboxes import Brevo

OpenBrevo = Callable[[Settings], Brevo]


def ids(brevo: Brevo, query: str = "", path: str = "/contacts") -> list[int]:
    """Return the ids on one page."""
    answer = brevo.request("GET", f"{path}?{query}")
    assert answer.status_code == 200, answer.text
    return [contact["id"] for contact in answer.json()["contacts"]]


def create_some(brevo: Brevo, number: int = 5, **fields: object) -> None:
    """Create contacts with the ids 1 to *number* at seconds of their own."""
    brevo.tick = 1
    for each in range(1, number + 1):
        brevo.create(f"c{each}@example.com", **fields)


def test_an_empty_account_lists_nobody(brevo: Brevo) -> None:
    """An empty result is an empty array with a count of zero."""
    assert brevo.get("/contacts").json() == {"contacts": [], "count": 0}


def test_the_newest_come_first(brevo: Brevo) -> None:
    """Contacts are in order of creation, descending unless asked otherwise."""
    create_some(brevo)
    brevo.put("/contacts/1", {})
    assert (ids(brevo), ids(brevo, "sort=asc")) == ([5, 4, 3, 2, 1], [1, 2, 3, 4, 5])


def test_a_page_has_limit_and_offset(brevo: Brevo) -> None:
    """The count is of everything that matches, not of the page."""
    create_some(brevo)
    page = brevo.get("/contacts", limit=2, offset=1, sort="asc").json()
    assert ([each["id"] for each in page["contacts"]], page["count"]) == ([2, 3], 5)


def test_a_page_has_fifty_unless_asked_otherwise(brevo: Brevo) -> None:
    """The default page is fifty contacts, the largest a thousand."""
    rows = [{"email": f"c{each}@example.com"} for each in range(1001)]
    brevo.do_import(jsonBody=rows)
    assert [len(ids(brevo)), len(ids(brevo, "limit=1000"))] == [50, 1000]


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=x", "offset=-1", "sort=up", "limit=1.5", "offset=" + "9" * 30]
)
def test_a_page_that_makes_no_sense_is_refused(brevo: Brevo, query: str) -> None:
    """Limits, offsets and orders that are none get 400."""
    assert brevo.request("GET", f"/contacts?{query}").status_code == 400


def test_a_limit_above_the_maximum_is_out_of_range(brevo: Brevo) -> None:
    """Asking for more than the most is refused."""
    answer = brevo.get("/contacts", limit=1001)
    assert (answer.status_code, answer.json()["code"]) == (400, "out_of_range")


def test_a_limit_above_the_maximum_may_be_cut(open_brevo: OpenBrevo) -> None:
    """What happens above the most is a switch."""
    brevo = open_brevo(Settings(excess_page_limit=Excess.CLAMP))
    create_some(brevo)
    assert len(ids(brevo, "limit=1001")) == 5


def test_modified_since_includes_the_moment_itself(brevo: Brevo) -> None:
    """A watermark is met by contacts modified at that very millisecond or later."""
    create_some(brevo)
    mark = brevo.contact(3)["modifiedAt"]
    brevo.put("/contacts/1", {})
    found = brevo.get("/contacts", modifiedSince=str(mark)).json()["contacts"]
    assert [each["id"] for each in found] == [5, 4, 3, 1]


def test_modified_since_may_exclude_the_moment(open_brevo: OpenBrevo) -> None:
    """Whether the moment itself is included is a switch, so clients overlap."""
    brevo = open_brevo(Settings(since_is_inclusive=False))
    create_some(brevo)
    mark = brevo.contact(3)["modifiedAt"]
    found = brevo.get("/contacts", modifiedSince=str(mark)).json()["contacts"]
    assert [each["id"] for each in found] == [5, 4]


def test_created_since_is_blind_to_changes(brevo: Brevo) -> None:
    """Modifying does not make anybody newer."""
    create_some(brevo)
    mark = brevo.contact(4)["createdAt"]
    brevo.put("/contacts/1", {})
    found = brevo.get("/contacts", createdSince=str(mark)).json()["contacts"]
    assert [each["id"] for each in found] == [5, 4]


@pytest.mark.parametrize(
    ("since", "found"),
    [
        ("2026-03-01T12:00:03Z", [3]),
        ("2026-03-01T14:00:02.500%2B02:00", [3]),
        ("2026-03-01T07:00:04.000-05:00", []),
    ],
)
def test_times_are_understood_in_any_zone(brevo: Brevo, since: str, found: list[int]) -> None:
    """Milliseconds are optional, offsets are heeded."""
    create_some(brevo, 3)
    assert ids(brevo, f"modifiedSince={since}") == found


@pytest.mark.parametrize(
    "since",
    [
        "2026-03-01T14:00:00+02:00",
        "2026-03-01",
        "2026-03-01T14:00:00",
        "now",
        "2026-13-01T00:00:00Z",
    ],
)
def test_a_time_without_a_zone_is_refused(brevo: Brevo, since: str) -> None:
    """A plus sign that was not encoded arrives as a space, and is 400 like any other nonsense."""
    assert brevo.request("GET", f"/contacts?modifiedSince={since}").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "ids=1,3",
        "ids=1&ids=3",
        "ids[0]=1&ids[1]=3",
        "ids[]=1&ids[]=3",
        "ids=[1,3]",
        "ids=%5B1%2C%203%5D",
    ],
)
def test_arrays_are_understood_in_every_spelling(brevo: Brevo, query: str) -> None:
    """Clients write arrays with commas, by repeating, with brackets, or as JSON."""
    create_some(brevo, 4)
    assert ids(brevo, query) == [3, 1]


def test_at_most_twenty_ids_can_be_named(brevo: Brevo) -> None:
    """One id more is refused."""
    spelled = ",".join(str(each) for each in range(1, 22))
    assert brevo.get("/contacts", ids=spelled.rpartition(",")[0]).status_code == 200
    assert brevo.get("/contacts", ids=spelled).status_code == 400


def test_lists_select_their_contacts(brevo: Brevo) -> None:
    """A contact on any of the lists is found once."""
    brevo.create("c1@example.com", listIds=[2])
    brevo.create("c2@example.com", listIds=[2, 5])
    brevo.create("c3@example.com")
    assert (ids(brevo, "listIds=2,5"), ids(brevo, "listIds=5")) == ([2, 1], [2])


def test_a_segment_selects_its_contacts(brevo: Brevo) -> None:
    """A segment stands for a filter."""
    create_some(brevo, 3, attributes={"FIRSTNAME": "Jane"})
    brevo.put("/contacts/2", {"attributes": {"FIRSTNAME": "Joan"}})
    brevo.sandbox.make_segment(4, "Joans", 'equals(FIRSTNAME,"Joan")')
    assert ids(brevo, "segmentId=4") == [2]


@pytest.mark.parametrize("query", ["segmentId=9", "segmentId=0", "segmentId=4&listIds=5"])
def test_segments_are_refused_when_unknown_or_mixed_with_lists(brevo: Brevo, query: str) -> None:
    """A segment must exist and goes without lists."""
    brevo.sandbox.make_segment(4, "All", 'equals(FIRSTNAME,"Jane")')
    assert brevo.request("GET", f"/contacts?{query}").status_code == 400


ATTRIBUTES: dict[str, Any] = {
    "FIRSTNAME": 'Jane "J", the first)',
    "TOTAL": 9.5,
    "BORN": "1990-05-17",
    "VIP": True,
    "GENDER": "Men",
    "TAGS": ["red", "blue"],
    "SMS": "+12025550123",
}


@pytest.mark.parametrize(
    "text",
    [
        'equals(FIRSTNAME,"Jane \\"J\\", the first)")',
        "equals(TOTAL, 9.5)",
        'equals(TOTAL,"9.5")',
        'equals(BORN, "1990-05-17")',
        "equals(VIP, true)",
        'equals(GENDER,"Men")',
        'equals(GENDER,"2")',
        "equals(GENDER,2)",
        'equals(TAGS,"red")',
        'equals(TAGS,"blue, red")',
        'equals(SMS,"+12025550123")',
        'equals(EMAIL,"Jane@example.com")',
    ],
)
def test_a_filter_finds_equal_values(brevo: Brevo, text: str) -> None:
    """Every type can be filtered by; a category by number or label; options must all be there."""
    brevo.create(attributes=ATTRIBUTES)
    brevo.create("joan@example.com")
    found = brevo.get("/contacts", filter=text).json()
    assert [each["email"] for each in found["contacts"]] == ["jane@example.com"]


@pytest.mark.parametrize(
    "text",
    [
        'equals(TAGS,"red, green")',
        'equals(GENDER,"Nobody")',
        "equals(TOTAL,x)",
        "equals(VIP,false)",
    ],
)
def test_a_filter_leaves_out_the_rest(brevo: Brevo, text: str) -> None:
    """A value that differs, or that cannot be, finds nobody."""
    brevo.create(attributes=ATTRIBUTES)
    assert brevo.get("/contacts", filter=text).json()["count"] == 0


@pytest.mark.parametrize("text", ["x", "greater(TOTAL,1)", 'equals(NOPE,"x")', "equals(TOTAL)"])
def test_a_filter_that_is_none_is_refused(brevo: Brevo, text: str) -> None:
    """Only `equals` of an attribute that exists is understood."""
    assert brevo.get("/contacts", filter=text).status_code == 400


def test_conditions_add_up(brevo: Brevo) -> None:
    """Several conditions have to be met at once."""
    create_some(brevo, 3, listIds=[5])
    since = "2026-03-01T12:00:02Z"
    assert ids(brevo, f"listIds=5&modifiedSince={since}&ids=1,2") == [2]


def test_listed_contacts_have_no_statistics(brevo: Brevo) -> None:
    """A listing shows what a single read shows, without statistics."""
    brevo.create(listIds=[5], attributes={"VIP": False})
    single = brevo.contact()
    del single["statistics"]
    assert brevo.get("/contacts").json()["contacts"] == [single]


def test_lagging_readers_see_the_past(open_brevo: OpenBrevo) -> None:
    """With a lag, listings miss creations, changes and deletions until it has passed."""
    brevo = open_brevo(Settings(lag=10))
    create_some(brevo, 2, attributes={"FIRSTNAME": "Old"}, listIds=[5])
    assert ids(brevo) == []
    brevo.clock.advance(10)
    brevo.put("/contacts/1", {"attributes": {"FIRSTNAME": "New"}, "unlinkListIds": [5]})
    brevo.delete("/contacts/2")
    assert names(brevo) == {1: "Old", 2: "Old"}
    assert ids(brevo, "listIds=5") == [2, 1]
    brevo.clock.advance(10)
    assert names(brevo) == {1: "New"}
    assert ids(brevo, "listIds=5") == []


def test_the_first_of_several_changes_counts_for_lagging_readers(open_brevo: OpenBrevo) -> None:
    """They see the contact as it was before all changes that they cannot see yet."""
    brevo = open_brevo(Settings(lag=10))
    brevo.create(attributes={"FIRSTNAME": "One"})
    brevo.clock.advance(10)
    for name in ("Two", "Three"):
        brevo.put("/contacts/1", {"attributes": {"FIRSTNAME": name}})
    assert names(brevo) == {1: "One"}


def test_counts_lag_as_well(open_brevo: OpenBrevo) -> None:
    """The size of a list is as late as a listing."""
    brevo = open_brevo(Settings(lag=10))
    brevo.create(listIds=[5])
    early = brevo.get("/contacts/lists/5").json()["uniqueSubscribers"]
    brevo.clock.advance(10)
    late = brevo.get("/contacts/lists/5").json()["uniqueSubscribers"]
    assert (early, late) == (0, 1)


def test_a_single_read_does_not_lag(open_brevo: OpenBrevo) -> None:
    """A contact read by itself is shown as it is."""
    brevo = open_brevo(Settings(lag=10))
    brevo.create()
    assert brevo.contact()["id"] == 1


def names(brevo: Brevo) -> dict[int, str]:
    """Return the first names of all listed contacts."""
    found = brevo.get("/contacts").json()["contacts"]
    return {each["id"]: each["attributes"]["FIRSTNAME"] for each in found}

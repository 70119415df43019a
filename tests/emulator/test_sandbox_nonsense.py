"""Whatever is sent to the sandbox, it is answered like Brevo would, and never breaks."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_sync.clock import SimulatedClock
from customer_sync.sandbox import Sandbox, Settings
from customer_sync.sandbox.identifiers import normal_email, normal_phone
from customer_sync.sandbox.routes import ROUTES
from emulator_account import ATTRIBUTES
from sandboxes import START, Brevo, in_process

FIELDS = [
    *("email", "ext_id", "attributes", "listIds", "unlinkListIds", "emailBlacklisted", "sms"),
    *("updateEnabled", "forceMerge", "getId", "contacts", "id", "jsonBody", "fileBody", "newList"),
    *("listName", "folderId", "name", "type", "enumeration", "value", "label", "emails", "ids"),
    *("extIds", "all", "multiCategoryOptions", "customContactFilter", "actionForContacts"),
    *("listId", "exportAttributes", "emptyContactsAttributes", "smtpBlacklistSender"),
    *("EMAIL", "SMS", "FIRSTNAME", "TOTAL", "BORN", "VIP", "GENDER", "TAGS", "EXT_ID", "ID"),
]
WORDS = [
    *("jane@example.com", "joan@example.com", "+12025550123", "1990-05-17", "", "red", "Men"),
    *("allContacts", "text", "multiple-choice", "EMAIL;SMS\nx@example.com;1", "equals(TAGS,1)"),
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.sampled_from([1, 2, 5])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(WORDS)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=12,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6)
SEGMENTS = st.sampled_from(["1", "5", "normal", "category", "TAGS", "red", "jane@example.com"])
QUERIES = st.dictionaries(
    st.sampled_from(["limit", "offset", "sort", "listIds", "ids", "filter", "identifierType"]),
    st.sampled_from(
        ["1", "-1", "[1,5]", "asc", "equals(TOTAL,1)", "ext_id", "99999999999999999999"]
    )
    | st.text(max_size=8),
    max_size=2,
)


@pytest.fixture(scope="module")
def brevo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brevo]:
    """One sandbox for all examples, so that they meet what others left."""
    clock = SimulatedClock(START)
    path = tmp_path_factory.mktemp("nonsense") / "brevo.db"
    options = Settings(rate_limits=False, lag=1)
    with Sandbox(path, clock=clock, settings=options) as sandbox, in_process(sandbox, clock) as ask:
        sandbox.ensure(lists={5: "Customers"}, attributes=ATTRIBUTES)
        brevo = Brevo(sandbox, clock, ask, "http://sandbox.invalid/v3")
        brevo.tick = 3
        yield brevo


@given(
    route=st.sampled_from(
        [(verb, path) for path, operations in ROUTES.items() for verb in operations]
    ),
    body=BODIES,
    query=QUERIES,
    chosen=st.lists(SEGMENTS | st.text(min_size=1, max_size=8), min_size=3, max_size=3),
)
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_the_sandbox(
    brevo: Brevo,
    route: tuple[str, str],
    body: dict[str, object],
    query: dict[str, str],
    chosen: list[str],
) -> None:
    """Every answer is documented, and every error is an object with code and message."""
    verb, template = route
    names = iter(quote(each, safe="") for each in chosen)
    path = "/".join(next(names) if part.startswith("{") else part for part in template.split("/"))
    answer = brevo.request(verb, path, json=body, params={**query})
    assert answer.status_code in (200, 201, 202, 204, 400, 403, 404, 405)
    if answer.status_code >= 400:
        assert set(answer.json()) - {"metadata"} == {"code", "message"}
    elif answer.status_code == 204:
        assert answer.content == b""


@given(st.text(max_size=40))
def test_a_normal_phone_is_its_own_normal_form(text: str) -> None:
    """Normalising twice is normalising once, in any of the three spellings."""
    digits = normal_phone(text)
    if digits is not None:
        assert {normal_phone(prefix + digits) for prefix in ("", "+", "00")} == {digits}


@given(st.from_regex(r"\A\+?(00)?(1202555|4477009)[ 0-9().-]{2,12}\Z"))
def test_a_phone_has_digits_alone(text: str) -> None:
    """Whatever is stored can be compared digit by digit."""
    digits = normal_phone(text)
    assert digits is None or (digits.isascii() and digits.isdigit())


@given(st.emails())
def test_a_normal_address_is_its_own_normal_form(text: str) -> None:
    """Normalising twice is normalising once, and folds the case."""
    address = normal_email(text, lower=True)
    if address is not None:
        assert address == address.lower() == normal_email(address, lower=True)

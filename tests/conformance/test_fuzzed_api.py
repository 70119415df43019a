"""A fuzzer made for OpenAPI servers asks the sandbox for everything that the description allows.

And for much that it does not. `CUSTOMER_SYNC_FUZZ=500` asks so often per operation, not 10 times.
"""

import os
from collections.abc import Iterator
from typing import Any, Protocol

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.openapi import from_dict
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from brevo_description import PATH, Document, corrected, load, operations

EXAMPLES = int(os.environ.get("CUSTOMER_SYNC_FUZZ", "10"))
KEY = {"api-key": "key"}

KNOWN: dict[str, str | int] = {
    "identifier": "jane@example.com",
    "listId": 5,
    "folderId": 1,
    "attributeCategory": "normal",
    "attributeName": "TAGS",
    "multipleChoiceAttribute": "TAGS",
    "multipleChoiceAttributeOption": "red",
    "processId": 1,
}
"""What stands in a path half of the time, so that something is found there."""


class Server(Protocol):
    """Where the sandbox is reached."""

    @property
    def url(self) -> str:
        """The base URL of the API."""


def _described() -> Document | None:
    published = load()
    return None if published is None else corrected(published)


DESCRIBED = _described()


def _ways() -> list[tuple[str, str, GenerationMode]]:
    """Return every operation, as described and, where it takes anything typed, against that."""
    if DESCRIBED is None:
        return []
    found = []
    for path, method, operation in operations(DESCRIBED):
        found.append((path, method, GenerationMode.POSITIVE))
        schemas = [each["schema"] for each in operation.get("parameters", [])]
        if "requestBody" in operation or any(each != {"type": "string"} for each in schemas):
            found.append((path, method, GenerationMode.NEGATIVE))
    return found


pytestmark = pytest.mark.skipif(DESCRIBED is None, reason=f"there is no {PATH.name} to fuzz by")


@pytest.fixture(scope="module")
def schema() -> schemathesis.BaseSchema:
    """Return the description as the fuzzer reads it."""
    assert DESCRIBED is not None
    return from_dict(DESCRIBED)


@pytest.fixture
def session(server: Server) -> Iterator[requests.Session]:
    """Yield a session with the key, and a sandbox that holds one of everything."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(KEY)
        jane: dict[str, Any] = {
            "email": "jane@example.com",
            "listIds": [5],
            "attributes": {"TAGS": ["red"]},
        }
        rows: dict[str, Any] = {"jsonBody": [{"email": "bob@example.org"}], "listIds": [5]}
        assert session.post(f"{server.url}/contacts", json=jane).status_code == 201
        assert session.post(f"{server.url}/contacts/import", json=rows).status_code == 202
        yield session


@pytest.mark.parametrize("way", _ways(), ids=" ".join)
def test_every_answer_is_a_described_one(
    schema: schemathesis.BaseSchema,
    server: Server,
    session: requests.Session,
    way: tuple[str, str, GenerationMode],
) -> None:
    """No 500, no status, type, header or body that the description does not have."""
    path, method, mode = way

    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[*hypothesis.HealthCheck],  # the fuzzer filters what it makes
    )
    @hypothesis.given(
        case=schema[path][method].as_strategy(generation_mode=mode), known=st.booleans()
    )
    def ask(case: Case[Any], *, known: bool) -> None:
        if known:
            case.path_parameters.update({n: KNOWN[n] for n in case.path_parameters if n in KNOWN})
        answer = case.call(base_url=server.url, session=session, headers=KEY)
        case.validate_response(answer, checks=CHECKS)

    ask()


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

"""A sandbox on loopback for clients that others wrote."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from customer_sync.clock import SystemClock
from customer_sync.core.model import Attribute, AttributeType
from customer_sync.sandbox import Sandbox, Settings
from sandboxes import serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a sandbox is reached, and its time."""

    url: str
    """The base URL of the API."""
    advance: Callable[[float], None]
    """Lets so many seconds pass there."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Yield a sandbox with list 5 and one attribute of each type, without rate limits."""
    settings = Settings(rate_limits=False)
    with Sandbox(tmp_path / "brevo.db", clock=SystemClock(), settings=settings) as sandbox:
        sandbox.ensure(lists={5: "Customers"}, attributes=ATTRIBUTES)
        with serving(sandbox.app) as url:
            yield Server(url=url, advance=_advancing(url))


def _advancing(url: str) -> Callable[[float], None]:
    def advance(seconds: float) -> None:
        route = f"{url.removesuffix('/v3')}/sandbox/clock/advance"
        httpx.post(route, json={"seconds": seconds}, trust_env=False).raise_for_status()

    return advance


ATTRIBUTES: dict[str, AttributeType | Attribute] = {
    "TOTAL": AttributeType.FLOAT,
    "BORN": AttributeType.DATE,
    "VIP": AttributeType.BOOLEAN,
    "GENDER": Attribute(
        name="GENDER", type=AttributeType.CATEGORY, options={"1": "Women", "2": "Men"}
    ),
    "TAGS": Attribute(
        name="TAGS", type=AttributeType.MULTIPLE_CHOICE, options={"red": "red", "blue": "blue"}
    ),
}

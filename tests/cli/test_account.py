"""attributes, lists, doctor and sandbox serve."""

import subprocess
import sys
from datetime import UTC, datetime

import httpx
import pytest

from customer_sync.errors import ExitCode
from customer_sync.store import RunLock
from worlds import World

GOOD = {
    "event": "customer_created",
    "timestamp": "2024-01-15T10:30:00Z",
    "data": {"id": "1", "email": "jane@example.com", "firstName": "Jane"},
}


@pytest.fixture
def shop(served: World) -> World:
    """Return a world that maps more than the account has."""
    config = served.folder / "config.yaml"
    text = config.read_text(encoding="utf-8").replace(
        "      lastName: LASTNAME\n",
        "      lastName: LASTNAME\n"
        "      birthday: BIRTHDAY\n"
        "      customerTier: {attribute: TIER, type: category}\n",
    )
    config.write_text(text, encoding="utf-8")
    return served


def test_missing_attributes_are_found_and_created(shop: World) -> None:
    """Check names them, create makes them with the fitting type, and a run then passes."""
    checked = shop.call("attributes", "check", "--json")
    assert checked.exit_code == ExitCode.REFUSED
    missing = {
        a["name"]: a["wanted"]
        for a in checked.document["attributes"]
        if a["fit"] == "does not exist"
    }
    assert missing == {"BIRTHDAY": "date", "TIER": "category"}

    refused = shop.call("attributes", "create", "--yes")
    assert refused.exit_code == ExitCode.CONFIG
    assert "--options TIER=" in refused.err

    created = shop.call("attributes", "create", "--yes", "--options", "TIER=gold,silver")
    assert created.exit_code == ExitCode.OK
    assert shop.call("attributes", "check").exit_code == ExitCode.OK
    tiered = {**GOOD, "data": {"email": "jane@example.com", "customerTier": "Gold"}}
    assert shop.sync(tiered)["outcomes"]["applied"] == 1
    assert shop.sync(tiered)["bill"] == {}


def test_an_attribute_of_another_type_is_refused(world: World) -> None:
    """Its type cannot be changed; the message tells both."""
    config = world.folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    world.sync(GOOD)
    config.write_text(text.replace("type: float", "type: date"), encoding="utf-8")
    result = world.call("attributes", "check")
    assert result.exit_code == ExitCode.REFUSED
    assert "has another type" in result.out
    report = world.sync(GOOD)
    assert report["exit_code"] == ExitCode.REFUSED
    assert "float in Brevo and date here" in report["errors"][0]["message"]


def test_lists_are_shown_and_created(world: World) -> None:
    """A new list goes into a folder, which every list needs."""
    made = world.call("lists", "--create", "Neu", "--json")
    assert "Neu" in {one["name"] for one in made.document["lists"]}
    assert "list_id" in world.call("lists").out


def test_the_doctor_finds_everything_in_place(world: World) -> None:
    """Before and after a run."""
    assert world.call("doctor").exit_code == ExitCode.OK
    world.sync(GOOD)
    result = world.call("doctor", "--json")
    assert result.exit_code == ExitCode.OK
    found = {c["name"]: c["found"] for c in result.document["checks"]}
    assert found["state"] == "1 customers, 0 waiting, 0 dead"
    assert found["list"] == "5: Customers"


def test_the_doctor_names_each_trouble_with_its_remedy(shop: World) -> None:
    """A missing attribute, a missing list and a held lock are told in one go."""
    config = shop.folder / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("list_id: 5", "list_id: 77")
    config.write_text(text, encoding="utf-8")
    with RunLock(shop.folder / ".customer-sync" / "lock", now=datetime.now(UTC)):
        result = shop.call("doctor", "--json")
    assert result.exit_code == ExitCode.REFUSED
    remedies = {c["name"]: c["remedy"] for c in result.document["checks"] if c["health"] != "ok"}
    assert remedies["attributes"] == "customer-sync attributes create"
    assert remedies["list"] == "customer-sync lists"
    assert "lock" in remedies


def test_the_doctor_stops_at_a_broken_configuration(embedded: World) -> None:
    """Nothing else can be examined then."""
    (embedded.folder / "config.yaml").write_text("skills: []\n", encoding="utf-8")
    result = embedded.call("doctor")
    assert result.exit_code == ExitCode.CONFIG
    assert "customer-sync validate config.yaml" in result.out


def test_the_sandbox_is_served_with_troubles_on_demand(embedded: World) -> None:
    """Any client of Brevo's API can rehearse against it."""
    server = subprocess.Popen(
        [sys.executable, "-m", "customer_sync", "sandbox", "serve", "--port=0", "--fail=503:1"],
        cwd=embedded.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[4]
        answer = httpx.get(f"{url}/contacts", headers={"api-key": "key"})
        assert answer.status_code == 503
        assert httpx.get(url.removesuffix("/v3")).status_code == 200
    finally:
        server.terminate()
        server.communicate(timeout=20)


@pytest.mark.parametrize(
    "arguments",
    [["--fail", "lots"], ["--set", "nonsense"], ["--set", "no_such=1"], ["--fail", "200:0.5"]],
)
def test_odd_troubles_are_usage_errors(embedded: World, arguments: list[str]) -> None:
    """What the sandbox cannot do is said before it listens."""
    result = embedded.call("sandbox", "serve", "--port", "0", *arguments)
    assert result.exit_code == ExitCode.USAGE
    assert "hint: " in result.err

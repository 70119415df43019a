"""pull, and shops as sources of a run."""

import contextlib
import json
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from customer_sync.sandbox.serve import bind, make_server
from shop_emulators import (
    ENVIRON,
    SECRETS,
    MagentoShop,
    Shop,
    ShopifyShop,
    WooShop,
    magento_customer,
    page,
    shopify_customer,
    woo_customer,
)
from worlds import Result, World

CONFIG = """\
version: 1
skills:
  customer-sync:
    source: {source}
    shop: {{url: "{url}"}}
    field_mapping:
      firstName: FIRSTNAME
      phone: SMS
      custom_attributes[rp_token]: STOLEN
    options: {{list_id: 5, default_region: US}}
"""


@contextlib.contextmanager
def served(shop: Shop) -> Iterator[str]:
    """Serve *shop* on loopback."""
    with bind("127.0.0.1", 0) as listener:
        server = make_server(shop.app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            host, port = listener.getsockname()[:2]
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> World:
    """Return a world whose environment has all secrets."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    return World(folder=tmp_path, capsys=capsys)


@contextlib.contextmanager
def configured(world: World, source: str, shop: Shop) -> Iterator[Shop]:
    """Serve *shop* and configure *world* for it."""
    with served(shop) as url:
        if isinstance(shop, ShopifyShop):
            shop.base = url
        text = CONFIG.format(source=source, url=url)
        (world.folder / "config.yaml").write_text(text, encoding="utf-8")
        yield shop


@pytest.fixture
def magento(world: World) -> Iterator[MagentoShop]:
    """Yield a Magento shop with three customers, which *world* is configured for."""
    shop = MagentoShop(customers=[magento_customer(n) for n in (1, 2, 3)])
    with configured(world, "magento", shop):
        yield shop


def ran(world: World, *arguments: str) -> dict[str, Any]:
    """Run and return the report, of a run that ended well."""
    result = world.call("run", *arguments, "--json")
    assert result.exit_code == 0, result.err
    return result.document


def writes(report: dict[str, Any]) -> int:
    """Return how many changes were planned."""
    plan = report["plan"]
    return sum(plan[kind] for kind in ("create", "update", "delete"))


def asked_since(shop: MagentoShop) -> str | None:
    """Return from when on the last question was for changes."""
    return shop.requests[-1][1].get("searchCriteria[filter_groups][1][filters][0][value]")


def change(shop: MagentoShop, number: int, **fields: object) -> None:
    """Change a customer now."""
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    shop.customers[number - 1] |= {"updated_at": now, **fields}


# ---------------------------------------------------------------- run shopify:


@pytest.mark.parametrize(
    ("source", "shop"),
    [
        ("shopify", ShopifyShop(customers=[shopify_customer(n) for n in (1, 2, 3)])),
        ("woocommerce", WooShop(customers=[woo_customer(n) for n in (1, 2, 3)])),
        ("magento", MagentoShop(customers=[magento_customer(n) for n in (1, 2, 3)])),
    ],
)
def test_a_shop_is_a_source_like_any_file(world: World, source: str, shop: Shop) -> None:
    """Its customers become contacts, and the second run has nothing to do."""
    with configured(world, source, shop):
        report = ran(world, f"{source}:")
        assert report["records_read"] == 3
        assert {*world.contacts()} == {f"person{n}@example.com" for n in (1, 2, 3)}
        assert writes(ran(world, f"{source}:")) == 0


def test_absence_means_nothing_by_itself(world: World, magento: MagentoShop) -> None:
    """Though everybody was pulled; it means deletion with --complete."""
    ran(world, "magento:")
    del magento.customers[0]
    ran(world, "magento:")
    assert not world.contacts()["person1@example.com"]["is_email_blocked"]
    ran(world, "magento:", "--complete")
    assert world.contacts()["person1@example.com"]["is_email_blocked"]


def test_changes_alone_are_pulled_from_where_the_last_run_got_to(
    world: World, magento: MagentoShop
) -> None:
    """The first time everybody."""
    assert ran(world, "magento:", "--since", "last")["records_read"] == 3
    change(magento, 2, firstname="Changed")
    assert ran(world, "magento:", "--since", "last")["records_read"] == 1
    assert world.contacts()["person2@example.com"]["attributes"]["FIRSTNAME"] == "Changed"


def test_a_dry_run_does_not_move_the_watermark(world: World, magento: MagentoShop) -> None:
    """What it showed was not written."""
    for command in (("run", "magento:", "--dry-run"), ("plan", "magento:")):
        assert world.call(*command).exit_code == 0
        ran(world, "magento:", "--since", "last", "--dry-run")
        assert asked_since(magento) is None


def test_a_run_that_fails_does_not_move_the_watermark(world: World, magento: MagentoShop) -> None:
    """What it pulled comes again."""
    ran(world, "magento:")
    change(magento, 2, firstname="Changed", id=2)
    magento.customers.append(magento_customer(4, email="no address"))
    change(magento, 4)
    failed = world.call("run", "magento:", "--since", "last", "--strict")
    assert failed.exit_code == 4
    report = world.call("run", "magento:", "--since", "last", "--json").document
    assert report["records_read"] == 2


def test_a_shop_that_fails_changes_nothing(world: World, magento: MagentoShop) -> None:
    """Neither Brevo nor the watermark, and the exit code says what to do."""
    ran(world, "magento:")
    change(magento, 1, firstname="Changed")
    magento.troubles = [page(401)]
    result = world.call("run", "magento:", "--since", "last", "--json")
    assert result.exit_code == 5
    assert result.document["errors"][0]["kind"]
    assert ran(world, "magento:", "--since", "last")["records_read"] == 1


def test_rejections_of_changes_stay_when_later_changes_are_pulled(
    world: World, magento: MagentoShop
) -> None:
    """The shop does not tell them again; pulling everybody does."""
    rejects = world.folder / ".customer-sync" / "rejects.jsonl"
    ran(world, "magento:")
    magento.customers.append(magento_customer(4, email="no address"))
    change(magento, 4)
    assert world.call("run", "magento:", "--since", "last").exit_code == 7
    change(magento, 1, firstname="Changed")
    magento.customers[3]["updated_at"] = "2026-01-01 00:00:00"
    ran(world, "magento:", "--since", "1h")
    assert rejects.exists()
    del magento.customers[3]
    ran(world, "magento:")
    assert not rejects.exists()


def test_files_and_shops_go_together(world: World, magento: MagentoShop) -> None:
    """In one run."""
    event = {"event": "customer_created", "timestamp": "2026-01-01T00:00:00Z"}
    name = world.write("events.jsonl", [event | {"data": {"email": "zoe@example.com"}}])
    assert ran(world, name, "magento:")["records_read"] == 4


# ---------------------------------------------------------------- pull


def test_pull_writes_a_file_that_run_accepts(world: World, magento: MagentoShop) -> None:
    """Private, in event form, with every customer."""
    result = world.call("pull", "magento", "--out", "customers.jsonl")
    assert (result.exit_code, result.out) == (0, "")
    path = world.folder / "customers.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert {event["event"] for event in events} == {"customer_listed"}
    assert ran(world, "customers.jsonl")["records_read"] == 3
    assert writes(ran(world, "magento:")) == 0


def test_pull_prints_customers_where_no_file_is_named(world: World, magento: MagentoShop) -> None:
    """And nothing else on standard output."""
    result = world.call("pull", "magento")
    assert [json.loads(line)["data"]["id"] for line in result.out.splitlines()] == ["1", "2", "3"]


@pytest.mark.parametrize("command", [("pull", "magento"), ("run", "magento:")])
def test_requests_to_the_shop_are_in_the_log(
    world: World, magento: MagentoShop, command: tuple[str, ...]
) -> None:
    """Each attempt, by its path; and where people look, as a line."""
    magento.troubles = [page(503)]
    result = world.call(*command, "--verbose", "--log-file", "sync.log")
    log = (world.folder / "sync.log").read_text(encoding="utf-8")
    told = [line for line in log.splitlines() if " shop_request " in line]
    assert len(told) == len(magento.requests)
    assert "status=503" in told[0]
    assert "status=200" in told[1]
    assert "attempt=2" in told[1]
    assert " method=GET route=/rest/V1/customers/search " in told[0]
    assert "GET /rest/V1/customers/search 503" in result.err


def test_a_pull_that_fails_is_one_json_line(world: World, magento: MagentoShop) -> None:
    """With its code; standard error holds nothing else that is not JSON."""
    magento.troubles = [page(401)]
    result = world.call("pull", "magento", "--log-format", "json")
    told = [json.loads(line) for line in result.err.splitlines()]
    (error,) = [line for line in told if line["level"] == "error"]
    assert (error["event"], error["code"]) == ("error", "CS602")
    assert result.out == ""


def test_pull_moves_no_watermark_until_its_file_was_used(
    world: World, magento: MagentoShop
) -> None:
    """The run that reads the file moves it."""
    world.call("pull", "magento", "--out", "customers.jsonl")
    world.call("pull", "magento", "--since", "last", "--out", "more.jsonl")
    assert asked_since(magento) is None
    world.call("pull", "magento", "--out", "customers.jsonl")
    ran(world, "customers.jsonl")
    world.call("pull", "magento", "--since", "last", "--out", "more.jsonl")
    assert asked_since(magento) is not None


def test_a_pull_that_fails_leaves_no_file(world: World, magento: MagentoShop) -> None:
    """Nor a part of one."""
    magento.troubles = [page(404)]
    result = world.call("pull", "magento", "--out", "customers.jsonl")
    assert result.exit_code == 4
    assert "404" in result.err
    assert not list(world.folder.glob("*customers*"))
    assert not list(world.folder.glob(".*customers*"))


def test_what_cannot_be_used_is_counted(world: World) -> None:
    """Exit 7, and it stays in the file."""
    shop = ShopifyShop(
        customers=[shopify_customer(1), shopify_customer(2, id="gid://shopify/Order/9")]
    )
    with configured(world, "shopify", shop):
        assert world.call("pull", "shopify", "--out", "out.jsonl").exit_code == 7
        assert world.call("run", "out.jsonl", "--json").document["rejections"] == 1


@pytest.mark.parametrize(
    "command", [("pull", "magento", "--out", "customers.jsonl"), ("run", "magento:")]
)
def test_an_interrupted_pull_begins_anew(
    world: World, magento: MagentoShop, command: tuple[str, ...]
) -> None:
    """Ctrl-C leaves neither a file nor a trace of one; the next time brings everybody."""
    config = world.folder / "config.yaml"
    answering = config.read_text(encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config.write_text(CONFIG.format(source="magento", url=url), encoding="utf-8")
        with subprocess.Popen(
            [sys.executable, "-m", "customer_sync", *command],
            cwd=world.folder,
            stderr=subprocess.PIPE,
        ) as process:
            connection, _ = listener.accept()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate()
            connection.close()
    assert process.returncode == 130, errors
    assert b"Traceback" not in errors
    assert not [path for path in world.folder.iterdir() if "customers" in path.name]
    config.write_text(answering, encoding="utf-8")
    assert world.call(*command, *(("--since", "last") if "run" in command else ())).exit_code == 0
    assert asked_since(magento) is None


# ---------------------------------------------------------------- what is refused


def test_everybody_and_changes_contradict_each_other(world: World, magento: MagentoShop) -> None:
    """Of changes alone most customers are missing."""
    result = world.call("run", "magento:", "--since", "1d", "--complete")
    assert result.exit_code == 2
    assert "--complete" in result.err
    assert magento.requests == []


@pytest.mark.parametrize("command", [("run", "woocommerce:"), ("pull", "woocommerce")])
def test_woocommerce_refuses_changes_with_the_reason(
    world: World, command: tuple[str, ...]
) -> None:
    """Nothing is asked."""
    shop = WooShop(customers=[])
    with configured(world, "woocommerce", shop):
        result = world.call(*command, "--since", "1d")
    assert result.exit_code == 2
    assert "ignores" in result.err
    assert shop.requests == []


@pytest.mark.parametrize("since", ["soon", "2999-01-01", "2026-13-01", "-1d", ""])
def test_times_that_are_none_are_refused(world: World, magento: MagentoShop, since: str) -> None:
    """With what would be one."""
    assert world.call("pull", "magento", "--since", since).exit_code == 2
    assert magento.requests == []


@pytest.mark.parametrize(
    ("since", "told"),
    [
        ("2026-02-03", "2026-02-03 00:00:00"),
        ("2026-02-03T04:05:06Z", "2026-02-03 04:05:06"),
        ("2026-02-03T04:05:06+02:00", "2026-02-03 02:05:06"),
    ],
)
def test_times_are_understood(world: World, magento: MagentoShop, since: str, told: str) -> None:
    """In UTC where no zone is given."""
    assert world.call("pull", "magento", "--since", since).exit_code == 0
    assert asked_since(magento) == told


def test_since_is_for_shops(world: World, magento: MagentoShop) -> None:
    """Files are read as a whole."""
    name = world.write("events.jsonl", [])
    assert world.call("run", name, "--since", "1d").exit_code == 2


def test_another_platform_is_refused(world: World, magento: MagentoShop) -> None:
    """The configuration is about one."""
    result = world.call("run", "shopify:")
    assert result.exit_code == 3
    assert "source: shopify" in result.err


def test_a_configuration_without_shop_says_what_to_add(world: World) -> None:
    """Before anything else."""
    world.configure()
    (world.folder / "config.yaml").write_text(
        "skills: {customer-sync: {source: shopify}}", encoding="utf-8"
    )
    result = world.call("pull", "shopify")
    assert result.exit_code == 3
    assert "shop:" in result.err


def test_a_missing_secret_names_its_variable(
    world: World, magento: MagentoShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is asked."""
    monkeypatch.delenv("MAGENTO_ACCESS_TOKEN")
    result = world.call("run", "magento:")
    assert result.exit_code == 3
    assert "MAGENTO_ACCESS_TOKEN" in result.err
    assert magento.requests == []


# ---------------------------------------------------------------- secrets


def everything(world: World, *results: Result) -> Iterator[bytes]:
    """Yield all that is left in the folder and on the outputs, but the sandbox's memory."""
    for result in results:
        yield f"{result.out}{result.err}".encode()
    for path in world.folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


@pytest.mark.parametrize(
    ("source", "shop"),
    [
        ("shopify", ShopifyShop(customers=[shopify_customer(1)])),
        ("woocommerce", WooShop(customers=[woo_customer(1)])),
        ("magento", MagentoShop(customers=[magento_customer(1)])),
    ],
)
def test_no_secret_is_left_anywhere(world: World, source: str, shop: Shop) -> None:
    """Neither on the outputs nor in a file, the state included, whether it works or not."""
    with configured(world, source, shop):
        log = ("--verbose", "--log-file", "sync.log")
        results = [
            world.call("run", f"{source}:", "--show-pii", *log),
            world.call("pull", source, "--out", "out.jsonl", *log),
            world.call("pull", source),
        ]
        for status in (400, 401, 403, 404):
            shop.troubles = [page(status)]
            results.append(world.call("run", f"{source}:", "--json", *log))
            shop.troubles = [page(status)]
            results.append(world.call("pull", source, "--log-format", "json", *log))
    assert [result.exit_code for result in results[:3]] == [0, 0, 0]
    assert all(result.exit_code in {4, 5} for result in results[3:])
    for content in everything(world, *results):
        for secret in (*SECRETS, "never-to-be-seen", "never to be seen", "Basic "):
            assert secret.encode() not in content

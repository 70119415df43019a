"""Other programs use the sync: values in, values out."""

import asyncio
import logging
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from customer_sync import Client, CustomerSync, Progress
from customer_sync.config import InvalidConfig
from customer_sync.core.model import Keep
from customer_sync.errors import ConfigError, ExitCode, StoreBusy
from customer_sync.store import RunLock

CONFIG: dict[str, object] = {
    "version": 1,
    "skills": {
        "customer-sync": {
            "source": "custom",
            "fieldMapping": {"email": "email", "firstName": "FIRSTNAME"},
            "options": {"list_id": 5},
        }
    },
}
JANE = {"event": "customer_created", "data": {"email": "jane@example.com", "first_name": "Jane"}}
SETTINGS: dict[str, object] = {
    "source": "woocommerce",
    "field_mapping": {
        "email": "email",
        "totalSpent": {"attribute": "TOTAL_SPENT", "type": "float"},
    },
}
SPENT = {
    "event": "customer_updated",
    "data": {"email": "jane@example.com", "total_orders": 10, "total_spent": 1250.00},
}


def test_importing_the_package_is_cheap() -> None:
    """Nothing heavy is loaded before it is used."""
    code = (
        "import sys, customer_sync; print({'httpx', 'rich', 'typer', 'msgspec'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As in any other module."""
    import customer_sync

    with pytest.raises(AttributeError, match="nonsense"):
        _ = customer_sync.nonsense


def test_an_event_is_carried_through_and_then_there_is_nothing_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a timestamp it is of now; nothing is printed."""
    sync = CustomerSync(CONFIG, state=tmp_path)
    report = sync.trigger(JANE)
    assert (report.exit_code, report.outcomes.applied) == (ExitCode.OK, 1)
    assert sync.plan(records=[JANE | {"timestamp": "2024-01-15T10:00:00Z"}]).plan.writes == ()
    assert sync.status().is_healthy
    assert capsys.readouterr() == ("", "")


def test_signals_stay_as_they_are(tmp_path: Path) -> None:
    """Also while it runs."""
    before = signal.getsignal(signal.SIGINT)

    class Looking(Progress):
        seen: list[object] = []  # noqa: RUF012 - one for all

        def stage(self, name: str, total: int | None = None) -> None:
            self.seen.append(signal.getsignal(signal.SIGINT))

    CustomerSync(CONFIG, state=tmp_path, progress=Looking()).trigger(JANE)
    assert Looking.seen
    assert set(Looking.seen) == {before}


def test_it_works_within_an_event_loop(tmp_path: Path) -> None:
    """Both ways of calling do."""
    sync = CustomerSync(CONFIG, state=tmp_path)

    async def working() -> tuple[int, int, bool]:
        preview = await sync.aplan(records=[JANE | {"timestamp": "2024-01-15T10:00:00Z"}])
        first = await sync.atrigger(JANE)
        sync.trigger(JANE)
        return preview.plan.totals.create, first.outcomes.applied, (await sync.astatus()).is_healthy

    assert asyncio.run(working()) == (1, 1, True)


def test_a_cancelled_run_ends_before_the_call_does(tmp_path: Path) -> None:
    """So that the lock is free again."""

    async def working() -> None:
        task = asyncio.create_task(CustomerSync(CONFIG, state=tmp_path).atrigger(JANE))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(working())
    assert CustomerSync(CONFIG, state=tmp_path).trigger(JANE).exit_code == ExitCode.OK


def test_another_run_is_an_error_of_the_package(tmp_path: Path) -> None:
    """The lock is honoured."""
    sync = CustomerSync(CONFIG, state=tmp_path)
    sync.trigger(JANE)
    with RunLock(tmp_path / "lock", now=sync.status().now), pytest.raises(StoreBusy):
        sync.trigger(JANE)


def test_a_record_that_json_cannot_express_is_rejected(tmp_path: Path) -> None:
    """And stops nothing."""
    records = [{"email": object()}, {"email": "joe@example.com"}]
    report = CustomerSync(CONFIG, state=tmp_path).run(records=records)
    assert (report.rejections, report.outcomes.applied) == (1, 1)


def test_a_single_record_needs_no_list(tmp_path: Path) -> None:
    """Nor is it taken for a list of its fields."""
    report = CustomerSync(CONFIG, state=tmp_path).run(records={"email": "joe@example.com"})
    assert (report.records_read, report.outcomes.applied) == (1, 1)


@dataclass
class Customer:
    """As a program of somebody's has it."""

    email: str
    id: UUID
    total_spent: Decimal
    updated_at: datetime


def test_records_may_be_what_programs_have(tmp_path: Path) -> None:
    """Objects with times, decimals and the like are read as JSON would be."""
    jane = Customer("jane@example.com", UUID(int=7), Decimal("12.50"), datetime.now(UTC))
    report = CustomerSync(CONFIG, state=tmp_path).run(records=[jane])
    assert (report.warnings, report.outcomes.applied) == (0, 1)


@pytest.mark.parametrize("event", [[1], "customer_updated", None])
def test_what_is_no_event_is_rejected(tmp_path: Path, event: object) -> None:
    """As any other record is, also in programs that no type checker read."""
    sync = CustomerSync(CONFIG, state=tmp_path)
    report = sync.trigger(event)  # type: ignore[arg-type] # the point
    assert (report.exit_code, report.rejections) == (ExitCode.PARTIAL, 1)


def test_a_platform_is_named_by_a_word(tmp_path: Path) -> None:
    """One that does not exist is told with what there is."""
    sync = CustomerSync(CONFIG, state=tmp_path)
    row = {"id": 7, "email": "jane@example.com", "first_name": "Jane", "orders_count": 1}
    assert sync.plan(records=[row], source="shopify").plan.totals.create == 1
    with pytest.raises(ConfigError, match="Did you mean `shopify`"):
        sync.run(records=[row], source="shopfy")


def test_addresses_stay_out_of_the_programs_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever level it logs at; its own requests are told as ever."""
    for name in (None, "httpx"):
        caplog.set_level(logging.DEBUG, logger=name)
    CustomerSync(CONFIG, state=tmp_path).trigger(JANE)
    logging.getLogger("httpx").info("a request of the program's own")
    assert caplog.messages == ["a request of the program's own"]


def test_it_says_what_it_is(tmp_path: Path) -> None:
    """To whoever looks at it while debugging."""
    assert repr(CustomerSync(CONFIG, state=tmp_path)) == (
        f"CustomerSync(custom to sandbox, state in {tmp_path})"
    )


def test_what_is_exported_is_there() -> None:
    """By the names that `__all__` promises."""
    import customer_sync

    for name in customer_sync.__all__:
        assert getattr(customer_sync, name).__name__ == name


def test_every_problem_of_a_given_configuration_is_told() -> None:
    """As of a file, but with nothing about files."""
    with pytest.raises(InvalidConfig, match="sorce") as caught:
        CustomerSync({"version": 1, "skills": {"customer-sync": {"sorce": "custom"}}})
    assert caught.value.message.splitlines() == [
        "The configuration has one problem:",
        "  /skills/customer-sync/sorce: There is no key `sorce` here. Did you mean `source`?",
    ]
    assert caught.value.hint == "Mend what was given, and try again."


def test_what_is_disabled_writes_nothing(tmp_path: Path) -> None:
    """It can be looked at all the same."""
    off = {"version": 1, "skills": {"customer-sync": {"source": "custom", "enabled": False}}}
    sync = CustomerSync(off, state=tmp_path)
    with pytest.raises(ConfigError, match=r"disabled in the configuration\."):
        sync.trigger(JANE)
    assert sync.plan(records=[JANE | {"timestamp": "2024-01-15T10:00:00Z"}]).plan.totals.create == 1


def test_a_skill_stays_enabled(tmp_path: Path) -> None:
    """Another client of the same file knows it, until it is disabled."""
    file = tmp_path / "sync.yaml"
    Client(file).skills.enable("customer-sync", SETTINGS)
    skills = Client(file).skills
    assert skills.trigger("customer-sync", SPENT).outcomes.applied == 1
    assert skills.status("customer-sync").is_healthy
    skills.disable("customer-sync")
    with pytest.raises(ConfigError, match="disabled"):
        skills.trigger("customer-sync", SPENT)


@pytest.mark.parametrize(
    ("name", "settings", "data"),
    [
        (
            "customer-sync",
            {
                "source": "woocommerce",
                "field_mapping": {"total_spent": {"attribute": "SPENT", "type": "float"}},
                "options": {"list_id": 5, "delete_behavior": "soft"},
            },
            {"email": "jane@example.com", "total_orders": 10, "total_spent": 1250.00},
        ),
        (
            "customerSync",
            {
                "source": "woocommerce",
                "fieldMapping": {"totalSpent": {"attribute": "SPENT", "type": "float"}},
                "options": {"listId": 5, "deleteBehavior": "soft"},
            },
            {"email": "jane@example.com", "totalOrders": 10, "totalSpent": 1250.00},
        ),
    ],
)
def test_both_spellings_mean_the_same(
    tmp_path: Path, name: str, settings: dict[str, object], data: dict[str, object]
) -> None:
    """Of the skill, of its settings, and of what an event holds."""
    skills = Client(tmp_path / "sync.yaml").skills
    skills.enable(name, settings)
    assert skills.trigger(name, {"event": "customer_updated", "data": data}).outcomes.applied == 1
    sync = CustomerSync(tmp_path / "sync.yaml")
    now = datetime.now(UTC)
    told_again = {"event": "customer_updated", "timestamp": now, "data": data}
    (again,) = sync.plan(records=told_again).plan.changes
    assert isinstance(again, Keep)
    assert again.customer.attributes["SPENT"].value == 1250


def test_a_skill_that_was_never_enabled_is_told_so(tmp_path: Path) -> None:
    """With what to call first; so is a name that no skill has."""
    skills = Client(tmp_path / "sync.yaml").skills
    with pytest.raises(ConfigError, match="not enabled"):
        skills.trigger("customer-sync", SPENT)
    with pytest.raises(ConfigError, match="not enabled"):
        skills.disable("customer-sync")
    with pytest.raises(ConfigError, match="no skill"):
        skills.trigger("coffee", SPENT)


def test_a_file_that_somebody_wrote_is_not_overwritten(tmp_path: Path) -> None:
    """Its comments would be lost."""
    file = tmp_path / "config.yaml"
    file.write_text("version: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="not written by a client"):
        Client(file).skills.enable("customer-sync", SETTINGS)
    assert file.read_text(encoding="utf-8") == "version: 1\n"

"""Troubles with the command line, the sources, the plan and the state, one provocation each."""

import asyncio
import contextlib
import gzip
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from builders import update
from customer_sync.brevo.api import checked_base_url
from customer_sync.clock import SystemClock
from customer_sync.config import Secret, Target
from customer_sync.core.model import ContactPatch, Policy, Resubscribe
from customer_sync.core.plan import Plan, check_account, check_consent
from customer_sync.core.platforms import PlatformName
from customer_sync.core.validate import EventValidator
from customer_sync.guarding import guarded_format
from customer_sync.notify.signing import Signer
from customer_sync.partitions.processes import Processes
from customer_sync.platforms.format import Format, Sample
from customer_sync.realtime.inbox import Delivery
from customer_sync.realtime.intake import Intake, Limits
from customer_sync.run.pipeline import check_clock
from customer_sync.sandbox.serve import bind
from customer_sync.store import Store
from customer_sync.store.lock import RunLock
from customer_sync.target import SANDBOX_FILE, state_file
from customer_sync.trouble import Code
from provoking import EVENT, Provocation, Scene, raised
from session_stage import Shop
from worlds import served_sandbox

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STATE = ".customer-sync"
STATE_FILE = state_file(Target.SANDBOX)


def _with_data(**fields: object) -> dict[str, object]:
    return {**EVENT, "data": {"id": "1", "email": "jane@example.com", **fields}}


# ---------------------------------------------------------------- command line, configuration


def _nobody_waits(scene: Scene) -> str:
    scene.world.sync(EVENT)
    return scene.told_by("queue", "retry", "nobody@example.com")


def _options_missing(scene: Scene) -> str:
    scene.patch.setenv("BREVO_API_KEY", "key")
    with served_sandbox(scene.world.folder / "served.db") as url:
        scene.world.target, scene.world.brevo_lines = "live", [f"base_url: {url}"]
        scene.world.configure()
        config = scene.world.folder / "config.yaml"
        text = config.read_text(encoding="utf-8").replace(
            "      lastName: LASTNAME\n", "      tier: {attribute: TIER, type: category}\n"
        )
        config.write_text(text, encoding="utf-8")
        return scene.told_by("attributes", "create", "--yes")


def _bad_configuration(scene: Scene) -> str:
    scene.world.configure("no_such_key: 1")
    return scene.run(EVENT)


def _no_key(scene: Scene) -> str:
    scene.go_live()
    scene.patch.delenv("BREVO_API_KEY")
    return scene.run(EVENT)


def _plan_of_another_target(scene: Scene) -> str:
    name = scene.world.write("events.jsonl", [EVENT])
    scene.world.call("plan", name, "--out", "plan.json")
    scene.go_live()
    return scene.told_by("apply", "plan.json")


def _unencrypted_address(_: Scene) -> str:
    return raised(lambda: checked_base_url("http://api.example.com/v3"))


def _without_packages(scene: Scene) -> str:
    scene.world.sync(EVENT)
    scene.patch.setitem(sys.modules, "jinja2", None)
    for name in [one for one in sys.modules if one.startswith("customer_sync.monitoring.dash")]:
        scene.patch.delitem(sys.modules, name)
    return scene.told_by("report", "--html", "page.html")


def _burst_format() -> None:
    def burst(_: Sample) -> str:
        raise RuntimeError("nobody foresaw this")

    odd = Format(
        name="Odd", platform=PlatformName("odd"), recognise=burst, understand=lambda *_: iter(())
    )
    guarded_format(odd).recognise(Sample(name="a.csv"))


# ---------------------------------------------------------------- sources and records


def _truncated(scene: Scene) -> str:
    whole = gzip.compress(json.dumps(EVENT).encode() * 100)
    return scene.told_by("run", scene.text("events.jsonl.gz", whole[:-20]))


def _too_many_rejected(scene: Scene) -> str:
    return scene.run({**EVENT, "data": {}}, options=("--max-rejects", "0"))


def _null_addresses(scene: Scene) -> str:
    nodes = [{"id": f"gid://shopify/Customer/{n}", "email": None} for n in (7, 8)]
    answer = json.dumps({"data": {"customers": {"nodes": nodes}}})
    return scene.told_by("run", scene.text("shopify.json", answer), "--source", "shopify")


def _other_platform(scene: Scene) -> str:
    content = "email,_website,firstname\na@example.com,base,Ann\n"
    return scene.told_by("run", scene.text("shop.csv", content), "--source", "shopify")


# ---------------------------------------------------------------- the plan


def _block_lifted(_: Scene) -> str:
    plan = Plan(changes=(update(patch=ContactPatch(email_blocked=False)),))
    return raised(lambda: check_consent(plan, Policy(resubscribe=Resubscribe.NEVER)))


def _changed_plan(scene: Scene) -> str:
    name = scene.world.write("events.jsonl", [EVENT])
    scene.world.call("plan", name, "--out", "plan.json")
    path = scene.world.folder / "plan.json"
    path.write_text(path.read_text(encoding="utf-8").replace("Jane", "Joan"), encoding="utf-8")
    return scene.told_by("apply", "plan.json")


def _withheld(scene: Scene) -> str:
    scene.world.sync(EVENT)
    gone = EVENT | {"event": "customer_deleted", "timestamp": "2024-02-01T00:00:00Z"}
    return scene.reported(gone, options=("--max-deletes", "0"))


def _lacking_shard(scene: Scene) -> str:
    name = scene.world.write("events.jsonl", [EVENT])
    scene.world.call("plan", name, "--shard", "1/2", "--out", "plan.json")
    return scene.told_by("apply", "plan.json")


def _end_at_once(_work: object, _task: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _lost_worker(scene: Scene) -> str:
    setup = Shop(scene.world.folder).partition_setup()

    async def results() -> list[None]:
        with Processes(setup, 1) as crew:
            return [one async for one in crew.each(_end_at_once, [1])]

    return raised(lambda: asyncio.run(results()))


# ---------------------------------------------------------------- the state


def _state_in_use(scene: Scene) -> str:
    with RunLock(scene.world.folder / STATE / "lock", now=NOW):
        return scene.run(EVENT)


def _damaged_state(scene: Scene) -> str:
    scene.world.sync(EVENT)
    (scene.world.folder / STATE / STATE_FILE).write_bytes(b"no database at all" * 500)
    return scene.run(EVENT)


def _folder_for_a_state(scene: Scene) -> str:
    (scene.world.folder / STATE / STATE_FILE).mkdir(parents=True)
    return scene.run(EVENT)


def _newer_state(scene: Scene) -> str:
    scene.world.sync(EVENT)
    path = scene.world.folder / STATE / STATE_FILE
    with contextlib.closing(sqlite3.connect(path)) as state:
        state.execute("INSERT INTO migrations VALUES ('of tomorrow', '2027-01-01')")
        state.commit()
    return scene.run(EVENT)


def _state_being_read(scene: Scene) -> str:
    path = scene.world.folder / "state.db"
    with Store(path) as store, contextlib.closing(sqlite3.connect(path)) as reader:
        store.begin_run("r1", "run", NOW)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM runs").fetchall()
        return raised(store.compact)


def _no_room(scene: Scene) -> str:
    (scene.world.folder / STATE / "rejects.jsonl").mkdir(parents=True)
    return scene.run({**EVENT, "data": {}})


def _damaged_sandbox(scene: Scene) -> str:
    scene.world.sync(EVENT)
    for path in (scene.world.folder / STATE).glob(f"{SANDBOX_FILE}*"):
        path.write_bytes(b"no database at all" * 500)
    return scene.run(EVENT)


# ---------------------------------------------------------------- the rest


def _bug(scene: Scene) -> str:
    def burst(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    scene.patch.setattr(EventValidator, "validate", burst)
    return scene.run(EVENT)


def _full_inbox(scene: Scene) -> str:
    async def keep() -> None:
        limits = Limits(requests=0)
        intake = Intake(scene.world.folder, SystemClock(), limits=limits, on_news=lambda _: None)
        with contextlib.closing(intake):
            await intake.keep(Delivery(records=()))

    return raised(lambda: asyncio.run(keep()))


PROVOCATIONS: Mapping[Code, Provocation] = {
    Code.COMMAND_LINE: lambda scene: scene.told_by("run", "--no-such-option"),
    Code.NO_SUCH_RUN: lambda scene: scene.told_by("runs", "show", "r1"),
    Code.NOT_WAITING: _nobody_waits,
    Code.CONDITION: lambda scene: scene.told_by("status", "--fail-if", "moon<1"),
    Code.OPTIONS_MISSING: _options_missing,
    Code.CONFIGURATION: _bad_configuration,
    Code.ENVIRONMENT: _no_key,
    Code.OTHER_TARGET: _plan_of_another_target,
    Code.FILE_EXISTS: lambda scene: scene.told_by("init", "config.yaml"),
    Code.BASE_URL: _unencrypted_address,
    Code.PACKAGE_MISSING: _without_packages,
    Code.LISTENING: lambda _: raised(lambda: bind("127.0.0.1", 2**16)),
    Code.CLOCK: lambda _: raised(lambda: check_clock(timedelta(days=400))),
    Code.NOT_WRITTEN: lambda scene: scene.told_by(
        "plan", scene.world.write("events.jsonl", [EVENT]), "--out", "missing/plan.json"
    ),
    Code.EXTENSION: lambda _: raised(_burst_format),
    Code.SOURCE_MISSING: lambda scene: scene.told_by("run", "none.jsonl"),
    Code.SOURCE_UNREADABLE: _truncated,
    Code.ENCODING: lambda scene: scene.run(EVENT, options=("--encoding", "klingon")),
    Code.NOT_TEXT: lambda scene: scene.told_by(
        "run", scene.text("a.csv", b"PK\x03\x04" + bytes(30))
    ),
    Code.NOT_RECOGNISED: lambda scene: scene.told_by("run", scene.text("a.csv", "Hello you\n")),
    Code.OTHER_PLATFORM: _other_platform,
    Code.HEADER: lambda scene: scene.told_by(
        "run", scene.text("a.csv", "id,email,email\n1,a@example.com,b@example.com\n")
    ),
    Code.TOO_MANY_REJECTED: _too_many_rejected,
    Code.NO_ADDRESSES: _null_addresses,
    Code.RECORD: lambda scene: scene.reported({**EVENT, "data": {}}),
    Code.RECORD_EMAIL: lambda scene: scene.reported(_with_data(email="jane at home")),
    Code.FIELD: lambda scene: scene.reported(_with_data(phone="unknown")),
    Code.ACCOUNT_LACKS: lambda _: raised(lambda: check_account((), Policy(list_id=9), {}, [5])),
    Code.BLOCK_LIFTED: _block_lifted,
    Code.PLAN_UNREADABLE: lambda scene: scene.told_by("apply", "none.json"),
    Code.PLAN_CHANGED: _changed_plan,
    Code.DELETIONS_WITHHELD: _withheld,
    Code.SHARDS: _lacking_shard,
    Code.STATE_BUSY: _state_in_use,
    Code.STATE_DAMAGED: _damaged_state,
    Code.STATE_UNUSABLE: _folder_for_a_state,
    Code.STATE_NEWER: _newer_state,
    Code.STATE_BEING_READ: _state_being_read,
    Code.NO_ROOM: _no_room,
    Code.SANDBOX_FILE: _damaged_sandbox,
    Code.INBOX_FULL: _full_inbox,
    Code.WORKER_LOST: _lost_worker,
    Code.NOTIFICATION: lambda _: raised(lambda: Signer(Secret("no key"), variable="KEY")),
    Code.BUG: _bug,
}

"""Everything that a run needs, examined one after the other, with a remedy for each trouble."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from customer_sync.brevo.answers import Account, ContactList
from customer_sync.brevo.client import BrevoClient
from customer_sync.brevo.throttle import Family, RateNote
from customer_sync.clock import SystemClock
from customer_sync.config import Config, check
from customer_sync.core.attributes import Fit, compare_attributes
from customer_sync.core.model import Attribute
from customer_sync.errors import CustomerSyncError, ExitCode, StoreBusy
from customer_sync.proof.selftest import try_all
from customer_sync.store import RunLock, Store
from customer_sync.target import Connection, state_file, with_account

LEAST_FREE_BYTES = 200_000_000
MOST_SKEW = timedelta(minutes=2)


class Health(StrEnum):
    """How something is."""

    GOOD = "ok"
    DOUBTFUL = "note"
    BAD = "BAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    health: Health
    found: str
    remedy: str = ""
    exit_code: ExitCode = ExitCode.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the account told."""

    account: Account
    attributes: Mapping[str, Attribute]
    lists: tuple[ContactList, ...]
    budgets: Mapping[Family, RateNote | None]
    ahead: timedelta | None


def examine(config_path: Path, state: Path, environ: Mapping[str, str]) -> list[Check]:
    """Look at the configuration, the disk, the state, the lock, and the account.

    It writes nothing to Brevo and asks it four questions. What depends on something that is broken
    is left out.
    """
    config, problems = check(config_path)
    if config is None:
        found = f"{len(problems)} to mend, the first: {problems[0]}"
        remedy = f"customer-sync validate {config_path}"
        return [_bad("configuration", found, remedy, ExitCode.CONFIG)]
    return [
        Check(name="configuration", health=Health.GOOD, found=str(config_path)),
        *_tests(config),
        *_disk(state),
        *_lock(state),
        *_state(config, state),
        *_brevo(Connection(config=config, state=state, environ=environ)),
    ]


def _tests(config: Config) -> Iterator[Check]:
    """Carry out the tests of the configuration, where it has any; a run waits for them."""
    tried = try_all(config)
    failing = [one.name for one in tried if not one.has_passed]
    if failing:
        found = f"{len(failing)} of {len(tried)} fail, the first: {failing[0]}"
        remedy = f"customer-sync validate {config.path}"
        yield _bad("tests", found, remedy, ExitCode.CONFIG)
    elif tried:
        yield Check(name="tests", health=Health.GOOD, found=f"{len(tried)} passed")


def _bad(name: str, found: str, remedy: str, code: ExitCode) -> Check:
    return Check(name=name, health=Health.BAD, found=found, remedy=remedy, exit_code=code)


def _failed(name: str, error: CustomerSyncError) -> Check:
    found = f"{error.trouble}: {error.message}"
    return _bad(name, found, error.hint or "", error.exit_code)


def _disk(state: Path) -> Iterator[Check]:
    existing = next(p for p in (state.absolute(), *state.absolute().parents) if p.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / 1e9:.1f} GB free"
    if free < LEAST_FREE_BYTES:
        yield _bad("disk", found, "Make room, or name another folder: --state", ExitCode.CONFIG)
    else:
        yield Check(name="disk", health=Health.GOOD, found=found)


def _lock(state: Path) -> Iterator[Check]:
    if not (state / "lock").exists():
        yield Check(name="lock", health=Health.GOOD, found="free; no run yet")
        return
    try:
        with RunLock(state / "lock", now=SystemClock().now()):
            yield Check(name="lock", health=Health.GOOD, found="free")
    except StoreBusy as error:
        yield Check(
            name="lock", health=Health.DOUBTFUL, found=error.message, remedy=error.hint or ""
        )
    except CustomerSyncError as error:
        yield _failed("lock", error)


def _state(config: Config, state: Path) -> Iterator[Check]:
    path = state / state_file(config.brevo.target)
    if not path.exists():
        yield Check(name="state", health=Health.GOOD, found="none yet; the first run makes it")
        return
    try:
        with Store(path) as store:
            waiting, dead = store.queue_counts()
            found = f"{store.count_known():,} customers, {waiting:,} waiting, {dead:,} dead"
    except CustomerSyncError as error:
        yield _failed("state", error)
        return
    health = Health.DOUBTFUL if dead else Health.GOOD
    remedy = "Dead letters are no longer tried by themselves." if dead else ""
    yield Check(name="state", health=health, found=found, remedy=remedy)


def _brevo(connection: Connection) -> Iterator[Check]:
    try:
        asked = with_account(connection, _ask)
    except CustomerSyncError as error:
        yield _failed("Brevo", error)
        return
    account, config = asked.account, connection.config
    plans = ", ".join(account.plans) or "unknown"
    yield Check(
        name="Brevo",
        health=Health.GOOD,
        found=f"{config.brevo.target}: {account.company or 'account'}, plan {plans}",
    )
    yield from _budgets(asked.budgets)
    if not connection.is_sandbox:
        yield from _clock(asked.ahead)
    yield from _attributes(config, asked.attributes)
    yield from _list(config, asked.lists)


async def _ask(client: BrevoClient) -> _Asked:
    return _Asked(
        account=await client.account(),
        attributes=await client.attributes(),
        lists=await client.lists(),
        budgets={family: client.budget(family) for family in Family},
        ahead=client.clock_ahead,
    )


def _budgets(budgets: Mapping[Family, RateNote | None]) -> Iterator[Check]:
    for family, note in budgets.items():
        if note is None or note.remaining is None:
            continue
        of = "" if note.limit is None else f" of {note.limit:,}"
        found = f"{note.remaining:,}{of} requests left in this window"
        yield Check(name=f"limit for {family}", health=Health.GOOD, found=found)


def _clock(ahead: timedelta | None) -> Iterator[Check]:
    if ahead is None:
        return
    seconds = abs(ahead).total_seconds()
    found = f"{seconds:.0f} s {'behind' if ahead > timedelta(0) else 'ahead of'} Brevo's"
    if abs(ahead) > MOST_SKEW:
        remedy = "Set the clock, for example with chrony."
        yield Check(name="clock", health=Health.DOUBTFUL, found=found, remedy=remedy)
    else:
        yield Check(name="clock", health=Health.GOOD, found=found)


def _attributes(config: Config, existing: Mapping[str, Attribute]) -> Iterator[Check]:
    findings = compare_attributes(config.rules, config.policy, existing)
    unfit = [f for f in findings if f.fit is not Fit.GOOD]
    if unfit:
        remedy = (
            "customer-sync attributes create"
            if any(f.fit is Fit.MISSING for f in unfit)
            else "Correct the type in field_mapping, or map to another attribute."
        )
        yield _bad("attributes", "; ".join(map(str, unfit)), remedy, ExitCode.REFUSED)
    else:
        yield Check(name="attributes", health=Health.GOOD, found=f"all {len(findings)} fit")


def _list(config: Config, lists: tuple[ContactList, ...]) -> Iterator[Check]:
    wanted = config.policy.list_id
    if wanted is None:
        found = "none is configured; contacts join no list"
        yield Check(name="list", health=Health.DOUBTFUL, found=found, remedy="options: list_id")
        return
    name = next((one.name for one in lists if one.id == wanted), None)
    if name is None:
        found = f"list {wanted} does not exist"
        yield _bad("list", found, "customer-sync lists", ExitCode.REFUSED)
    else:
        yield Check(name="list", health=Health.GOOD, found=f"{wanted}: {name}")

"""The runs, what each tried, and the import jobs that they began."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import NamedTuple

import msgspec

from customer_sync.core.model import ContactId, Create, Delete, Email, Update, Write
from customer_sync.core.requests.jobs import OpenJob, ProcessId
from customer_sync.core.undoing.past import APPLIED, Known, Tried
from customer_sync.store.database import telling, transaction
from customer_sync.store.statefile import StateFile, as_time

CUT_OFF = "cut off"
"""The outcome of a change whose run died before it heard whether Brevo has it."""

_WHY_CUT_OFF = "the run died before it heard the answer; the next one looked at what had arrived"

_KINDS: Mapping[str, type[Write]] = {"create": Create, "update": Update, "delete": Delete}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run, as the history shows it."""

    id: str
    command: str
    started_at: datetime
    finished_at: datetime | None
    exit_code: int | None
    report: bytes | None
    """The report as a JSON document."""
    batches: int = 1
    """How many runs were put together to this one."""


_TRIED = (
    "id, kind, change, route, intended_at, outcome, detail, finished_at, contact_id, NULL, NULL, 0"
)
"""What is asked for where nobody asks what was known before."""


class _Row(NamedTuple):
    """What the file holds of one change that was tried."""

    kind: str
    change: bytes
    route: str
    intended_at: str
    outcome: str | None
    detail: str | None
    finished_at: str | None
    contact_id: int | None
    known: bytes | None
    touched_at: str | None
    is_superseded: int


class _Someone(msgspec.Struct):
    email: Email | None = None
    former_emails: tuple[Email, ...] = ()


class _Whom(msgspec.Struct):
    """Whom a change in the journal is about, without all the rest of it."""

    customer: _Someone
    before: _Someone = msgspec.field(default_factory=_Someone)

    @property
    def names(self) -> set[Email | None]:
        """The addresses of the customer and of the contact."""
        return {self.customer.email, *self.customer.former_emails, self.before.email}


class History(StateFile):
    """What was done, when, and what came of it."""

    def _begin_run(self, run_id: str, command: str, now: datetime) -> None:
        self._db.execute(
            "UPDATE operations SET outcome = ?, detail = ?, finished_at = ? WHERE outcome IS NULL",
            (CUT_OFF, _WHY_CUT_OFF, now.isoformat()),
        )
        self._db.execute(
            "INSERT INTO runs (id, command, started_at) VALUES (?, ?, ?)",
            (run_id, command, now.isoformat()),
        )

    def _open_deletions(self) -> Iterator[Delete]:
        """Yield the deletions that a run that died may have carried out or not."""
        for (change,) in self._db.execute(
            "SELECT change FROM operations WHERE outcome IS NULL AND kind = 'delete'"
        ).fetchall():
            yield self._decoded(change, Delete)

    def finish_run(self, run_id: str, now: datetime, exit_code: int, report: bytes) -> None:
        """Note how a run ended."""
        self._write(
            "UPDATE runs SET finished_at = ?, exit_code = ?, report = ? WHERE id = ?",
            (now.isoformat(), exit_code, report, run_id),
        )

    def runs(self, limit: int = 20, *, since: datetime | None = None) -> list[RunRow]:
        """Return the last *limit* runs, the newest first; only those *since* a time if given."""
        begin = "" if since is None else since.astimezone(UTC).isoformat()
        return self._runs("WHERE part_of IS NULL AND started_at >= ?", (begin,), limit)

    def runs_like(self, prefix: str) -> list[RunRow]:
        """Return the runs whose ids begin with *prefix*, the newest first."""
        return self._runs("WHERE substr(id, 1, length(?)) = ?", (prefix, prefix), -1)

    def last_run(self, *, has_written: bool = False) -> RunRow | None:
        """Return the last run, or the last that tried to write anything; None: there is none."""
        written = "WHERE EXISTS (SELECT 1 FROM operations o WHERE o.run_id = runs.id)"
        return next(
            iter(self._runs(written if has_written else "WHERE part_of IS NULL", (), 1)), None
        )

    def last_end(self, exit_codes: Collection[int] = ()) -> RunRow | None:
        """Return the last run to end, or to end with one of *exit_codes* where some are given."""
        ended = f"exit_code IN ({','.join('?' * len(exit_codes))})" if exit_codes else "1"
        found = self._runs(
            f"WHERE part_of IS NULL AND finished_at IS NOT NULL AND {ended}", (*exit_codes,), 1
        )
        return next(iter(found), None)

    def runs_by_exit(self) -> dict[int | None, int]:
        """Return how many runs ended with each exit code; None: those without an end."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT exit_code, sum(batches) FROM runs WHERE part_of IS NULL GROUP BY exit_code"
            ).fetchall()
        return dict(rows)

    def ended_between(self, commands: Collection[str], since: str, until: str) -> list[RunRow]:
        """Return the runs of *commands* that began in [*since*, *until*) and ended, in order."""
        marks = ",".join("?" * len(commands))
        where = (
            f"WHERE part_of IS NULL AND command IN ({marks}) AND finished_at IS NOT NULL"
            " AND started_at >= ? AND started_at < ?"
        )
        return self._runs(where, (*commands, since, until), -1)[::-1]

    def put_together(self, whole: RunRow, parts: Collection[str]) -> None:
        """Let *whole* stand for the runs *parts* wherever runs are listed.

        Parts that tried to write stay, without their reports: the journal is about them, and each
        of them can still be shown and undone by its id. The others are forgotten.
        """
        with telling(self.path), transaction(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO runs"
                " (id, command, started_at, finished_at, exit_code, report, batches)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    whole.id,
                    whole.command,
                    whole.started_at.isoformat(),
                    whole.finished_at and whole.finished_at.isoformat(),
                    whole.exit_code,
                    whole.report,
                    whole.batches,
                ),
            )
            for part in parts:
                if part == whole.id:
                    continue
                self._db.execute(
                    "DELETE FROM runs WHERE id = ?"
                    " AND NOT EXISTS (SELECT 1 FROM operations WHERE run_id = runs.id)"
                    " AND NOT EXISTS (SELECT 1 FROM jobs WHERE run_id = runs.id)",
                    (part,),
                )
                self._db.execute(
                    "UPDATE runs SET part_of = ?, report = NULL WHERE id = ?", (whole.id, part)
                )

    def _runs(self, where: str, values: tuple[object, ...], limit: int) -> list[RunRow]:
        with telling(self.path):
            rows = self._db.execute(
                "SELECT id, command, started_at, finished_at, exit_code, report, batches FROM runs"
                f" {where} ORDER BY started_at DESC, id DESC LIMIT ?",
                (*values, limit),
            ).fetchall()
        return [
            RunRow(
                id=run_id,
                command=command,
                started_at=as_time(started),
                finished_at=as_time(finished) if finished else None,
                exit_code=exit_code,
                report=report,
                batches=batches,
            )
            for run_id, command, started, finished, exit_code, report, batches in rows
        ]

    def _intend(
        self,
        run_id: str,
        changes: Sequence[Write],
        known: Sequence[bytes | None],
        route: str,
        now: datetime,
    ) -> None:
        """Journal *changes*, each with what was *known* of its person, as JSON, before it."""
        self._db.executemany(
            "INSERT INTO operations"
            " (run_id, email, kind, route, change, intended_at, known, has_more_names)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    run_id,
                    change.customer.email,
                    _kind(change),
                    route,
                    msgspec.json.encode(change),
                    now.isoformat(),
                    before,
                    _has_more_names(change),
                )
                for change, before in zip(changes, known, strict=True)
            ],
        )

    def _finish_operation(
        self,
        run_id: str,
        change: Write,
        outcome: str,
        detail: str,
        now: datetime,
        *,
        contact_id: ContactId | None = None,
        latency_s: float | None = None,
    ) -> None:
        ended = (outcome, detail, now.isoformat(), contact_id, latency_s)
        of_it = (run_id, change.customer.email, _kind(change))
        updated = self._db.execute(
            "UPDATE operations SET outcome = ?, detail = ?, finished_at = ?, contact_id = ?,"
            " latency_s = ? WHERE run_id = ? AND email = ? AND outcome IS NULL AND kind = ?",
            (*ended, *of_it),
        ).rowcount
        if not updated and isinstance(change, Create):
            # The contact had vanished and was made anew: that is what was done in the end.
            self._db.execute(
                "UPDATE operations SET outcome = ?, detail = ?, finished_at = ?, contact_id = ?,"
                " latency_s = ?, kind = ?, change = ?"
                " WHERE run_id = ? AND email = ? AND outcome IS NULL AND kind = 'update'",
                (*ended, _kind(change), msgspec.json.encode(change), *of_it[:2]),
            )

    def tried(self, run_id: str) -> Iterator[Tried]:
        """Yield what a run tried, in the order in which it was tried."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT kind, change, route, intended_at, outcome, detail, finished_at, contact_id,"
                " known, (SELECT max(t.finished_at) FROM operations t"
                "  WHERE t.email = o.email AND t.outcome = ?),"
                " EXISTS (SELECT 1 FROM operations l WHERE l.email = o.email AND l.id > o.id"
                "  AND l.run_id <> o.run_id AND l.outcome = ?)"
                " FROM operations o WHERE run_id = ? OR run_id IN"
                " (SELECT id FROM runs WHERE part_of = ?) ORDER BY id",
                (APPLIED, APPLIED, run_id, run_id),
            )
            for row in rows:
                yield self._tried(_Row(*row))

    def tried_for(self, emails: Iterable[Email]) -> list[tuple[str, Tried]]:
        """Return what any run tried for the contacts at *emails*, the oldest first, by its run."""
        rows = self._select(
            "SELECT id, run_id, kind, change, route, intended_at, outcome, detail, finished_at,"
            " contact_id, NULL, NULL, 0 FROM operations WHERE email IN ({})",
            emails,
        )
        in_order = sorted(rows, key=lambda row: int(row[0]))
        return [(run_id, self._tried(_Row(*row))) for _, run_id, *row in in_order]

    def _tried(self, row: "_Row") -> Tried:
        return Tried(
            change=self._decoded(row.change, _KINDS[row.kind]),
            route=row.route,
            intended_at=as_time(row.intended_at),
            outcome=row.outcome,
            detail=row.detail or "",
            finished_at=as_time(row.finished_at) if row.finished_at else None,
            contact_id=None if row.contact_id is None else ContactId(row.contact_id),
            known=self._decoded(row.known, Known) if row.known else Known(),
            touched_at=as_time(row.touched_at) if row.touched_at else None,
            is_superseded=bool(row.is_superseded),
        )

    def latencies(self, since: datetime, until: datetime) -> list[tuple[datetime, float]]:
        """Return when Brevo had each change and how many seconds after the shop's word, in order.

        Only what was applied in [*since*, *until*), and not by undoing a run.
        """
        with telling(self.path):
            rows = self._db.execute(
                "SELECT finished_at, latency_s FROM operations WHERE latency_s IS NOT NULL"
                " AND finished_at >= ? AND finished_at < ? ORDER BY finished_at",
                tuple(moment.astimezone(UTC).isoformat() for moment in (since, until)),
            ).fetchall()
        return [(as_time(finished_at), latency_s) for finished_at, latency_s in rows]

    def tried_lately(self, emails: Collection[Email], since: datetime) -> list[Tried]:
        """Return what was still tried at a moment, or since, for anybody at *emails*, in its order.

        Whoever has, had or was to leave such an address counts.
        """
        begin = since.astimezone(UTC).isoformat()
        asked = frozenset(emails)
        with telling(self.path):
            numbers = {
                number
                for number, email in self._db.execute(
                    "SELECT id, email FROM operations"
                    " WHERE coalesce(finished_at, intended_at) >= ?",
                    (begin,),
                )
                if email in asked
            }
            others = self._db.execute(
                "SELECT id, change FROM operations WHERE has_more_names"
                " AND coalesce(finished_at, intended_at) >= ?",
                (begin,),
            ).fetchall()
        for number, change in others:
            if not self._decoded(change, _Whom).names.isdisjoint(asked):
                numbers.add(number)
        rows = self._select(f"SELECT {_TRIED} FROM operations WHERE id IN ({{}})", numbers)
        return [self._tried(_Row(*row[1:])) for row in sorted(rows, key=itemgetter(0))]

    def begin_job(self, run_id: str, rows: int, now: datetime) -> int:
        """Note that an import job is about to be started; return its number."""
        with telling(self.path), transaction(self._db, is_durable=True):
            job = self._db.execute(
                "INSERT INTO jobs (run_id, rows, started_at) VALUES (?, ?, ?)",
                (run_id, rows, now.isoformat()),
            ).lastrowid
        return int(job or 0)

    def name_job(self, job: int, process_id: ProcessId) -> None:
        """Note what Brevo calls a job."""
        with telling(self.path), transaction(self._db, is_durable=True):
            self._db.execute("UPDATE jobs SET process_id = ? WHERE id = ?", (process_id, job))

    def end_job(self, job: int) -> None:
        """Note that a job is over, or never was."""
        self._write("UPDATE jobs SET is_over = 1 WHERE id = ?", (job,))

    def open_jobs(self) -> list[OpenJob]:
        """Return the jobs whose end nobody saw."""
        with telling(self.path):
            rows = self._db.execute(
                "SELECT id, process_id, started_at FROM jobs WHERE NOT is_over ORDER BY id"
            ).fetchall()
        return [
            OpenJob(
                id=job,
                process_id=None if process_id is None else ProcessId(process_id),
                started_at=as_time(started_at),
            )
            for job, process_id, started_at in rows
        ]


def _has_more_names(change: Write) -> bool:
    """Tell whether a change is about other addresses than the one that it is found by."""
    before = None if isinstance(change, Create) else change.before.email
    return bool(change.customer.former_emails) or before not in {None, change.customer.email}


def _kind(change: Write) -> str:
    return type(change).__name__.lower()

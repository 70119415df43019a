"""What the eye sees, at a fixed width: previews, progress and summaries."""

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from msgspec import structs
from rich.console import Console

from builders import (
    JANE,
    MARY,
    NEW_JANE,
    contact,
    create,
    customer,
    hard_delete,
    rename,
    soft_delete,
    update,
)
from customer_sync.brevo.exchange import Attempt, RateWait, Retry
from customer_sync.brevo.throttle import Family
from customer_sync.console import Watch, duration, make_console, show_error, show_plan, show_summary
from customer_sync.core.model import (
    Applied,
    Change,
    Deferred,
    Failed,
    FieldChange,
    FieldWarning,
    Keep,
    Note,
    Place,
    Problem,
    Reason,
    Rejection,
    Skip,
    Value,
    Why,
)
from customer_sync.core.plan import Guard, Plan, Totals, make_plan
from customer_sync.errors import ConfigError
from customer_sync.run.report import OutcomeCounts, ReportedError, RunReport
from customer_sync.trouble import Code

HOSTILE = "[red]x[/red] \x1b]0;x\x07\u202e :smile:"

Golden = Callable[[str, str], None]


def console(*, is_terminal: bool = False, width: int = 110, color: bool = False) -> Console:
    """Return a console that writes into a string."""
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=is_terminal,
        color_system="standard" if color else None,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )


def text_of(target: Console) -> str:
    """Return what was written."""
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def field(name: str, old: Value, new: Value, why: Why = Why.CHANGED) -> FieldChange:
    """Return a line of the preview."""
    return FieldChange(name=name, old=old, new=new, why=why)


def full_plan() -> Plan:
    """Return a plan with every kind of change, as a shop would see it."""
    fields = (
        field("FIRSTNAME", "Jane", HOSTILE),
        field("TOTAL_SPENT", 12345.67, 12345.68),
        field("TAGS", ("a", "b"), ("c",)),
        field("VIP", old=False, new=True, why=Why.DIFFERS),
        field("NOTE", "friend of secret@example.com", None, Why.DRIFT),
        field("LONG", "x" * 100, "y" * 40),
    )
    moved = structs.replace(
        rename(JANE, NEW_JANE, number=2), fields=(field("EMAIL", JANE, NEW_JANE, Why.RENAMED),)
    )
    changes: list[Change] = [
        structs.replace(create(MARY), fields=(field("FIRSTNAME", None, "Mary", Why.NEW),)),
        structs.replace(create("bare@example.com"), fields=()),
        structs.replace(update("big@example.com"), fields=fields, notes=(Note.DRIFT_OVERWRITTEN,)),
        moved,
        structs.replace(
            soft_delete("gone@example.com"),
            fields=(field("e-mail", None, "blocked", Why.DELETED),),
        ),
        hard_delete("forgotten@example.com", number=9),
        Keep(customer=customer("kept@example.com"), before=contact("kept@example.com")),
        Skip(email=JANE, ids=frozenset({"c1"}), reason=Reason.STALE),
        Skip(email=None, ids=frozenset({HOSTILE}), reason=Reason.UNKNOWN_CUSTOMER),
    ]
    return make_plan(changes, Guard(known_contacts=9))


# ---------------------------------------------------------------- the preview


def test_a_preview(golden: Golden) -> None:
    """Who, what, old and new per attribute, why; totals; requests; and whom it is sent to."""
    out = console()
    bill = Counter({"POST /contacts": 2, "POST /contacts/batch": 1200})
    show_plan(out, full_plan(), bill, rate_per_s=10, is_sandbox=True)
    golden("console/preview.txt", text_of(out))


def test_a_preview_with_addresses(golden: Golden) -> None:
    """Only when asked for."""
    out = console()
    show_plan(out, full_plan(), Counter({"POST /contacts": 1}), rate_per_s=10, show_pii=True)
    golden("console/preview_pii.txt", text_of(out))


def test_a_short_preview_counts_the_rest(golden: Golden) -> None:
    """With what is withheld, in words that steer nothing."""
    plan = replace(full_plan(), withheld=(hard_delete(),), withheld_because=f"too many {HOSTILE}")
    out = console(width=80)
    show_plan(out, plan, Counter({"POST /contacts": 1}), rate_per_s=10, rows=2)
    golden("console/preview_short.txt", text_of(out))


def test_an_empty_preview(golden: Golden) -> None:
    """Nothing to do is said, not left out."""
    out = console()
    show_plan(out, Plan(changes=()), Counter(), rate_per_s=10)
    golden("console/preview_empty.txt", text_of(out))


@pytest.mark.parametrize("show_pii", [False, True])
def test_customers_cannot_steer_the_terminal(show_pii: bool) -> None:
    """Neither by markup nor by escapes, in colour either."""
    out = console(is_terminal=True, color=True)
    show_plan(out, full_plan(), Counter(), rate_per_s=10, show_pii=show_pii)
    text = text_of(out)
    assert "[red]x[/red]" in text
    assert ":smile:" in text
    assert not any(odd in text for odd in ("\x1b]", "\x07", "\u202e"))


def test_no_address_is_shown_unless_asked_for() -> None:
    """Not in values either."""
    out = console(width=300)
    show_plan(out, full_plan(), Counter(), rate_per_s=10)
    for name in ("jane", "mary", "jane.new", "secret", "gone", "kept", "forgotten", "big", "bare"):
        assert f"{name}@" not in text_of(out)
    shown = console(width=300)
    show_plan(shown, full_plan(), Counter(), rate_per_s=10, show_pii=True)
    assert "secret@example.com" in text_of(shown)
    assert MARY in text_of(shown)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (1e6, "277.8 h"),
    ],
)
def test_durations_are_told_as_people_do(seconds: float, words: str) -> None:
    """Seconds, minutes, or hours with a tenth."""
    assert duration(seconds) == words


# ---------------------------------------------------------------- the end


REPORT = RunReport(
    run_id="20240115T103000Z-abcd",
    target="sandbox",
    dry_run=False,
    source=("events.jsonl",),
    records_read=12345,
    rejections=2,
    plan=Totals(create=3, update=2, delete=1, keep=1000, skip=4),
    outcomes=OutcomeCounts(applied=4, deferred=1, failed=1),
    requests={"POST /contacts": 3, "GET /contacts": 1200},
    duration_s=12.34,
    exit_code=7,
    errors=tuple(
        ReportedError(
            kind="rejection",
            message=f"{n} {HOSTILE}",
            where=f"[b]{n}\x1b[31m:1",
            # What is no trouble has no code.
            trouble="CS211" if n else "",
        )
        for n in range(12)
    ),
)


def test_a_summary(golden: Golden) -> None:
    """The first errors, a count of the rest, and one line to look for."""
    out = console(width=200)
    show_summary(out, REPORT)
    golden("console/summary.txt", text_of(out))


def test_a_summary_of_a_preview(golden: Golden) -> None:
    """It says that nothing was written."""
    out = console(width=200)
    show_summary(out, replace(REPORT, dry_run=True, errors=(), outcomes=OutcomeCounts()))
    golden("console/summary_dry.txt", text_of(out))


def test_an_error_keeps_its_lines_and_nothing_else() -> None:
    """Several problems stand on a line each; escapes are replaced."""
    out = console()
    show_error(
        out, ConfigError("one\n[red]two\x1b[0m", trouble=Code.CONFIGURATION, hint="do\nthis")
    )
    assert text_of(out) == (
        "error CS111: one\n[red]two\N{REPLACEMENT CHARACTER}[0m\nhint: do\nthis\n"
    )


# ---------------------------------------------------------------- progress


class Stopwatch:
    """A time that goes on when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_without_a_terminal_stages_are_told_in_plain_lines(golden: Golden) -> None:
    """When one ends, and every half minute in between; retries, waits and failures counted."""
    out, time = console(), Stopwatch()
    with Watch(out, is_quiet=False, is_verbose=False, monotonic=time) as watch:
        watch.stage("read")
        watch.step(5)
        time.now += 31
        watch.step(995)
        watch.step()
        watch.stage("observe")
        watch.stage("apply", 3)
        watch.request(Retry(route="PUT", number=1, reason="503", seconds=1))
        watch.request(RateWait(family=Family.CONTACTS, seconds=100))
        watch.outcome(Applied(change=create()))
        watch.outcome(Deferred(change=update(), trouble=Code.BREVO_UNAVAILABLE, error="503"))
        watch.outcome(
            Failed(change=update(), trouble=Code.REQUEST_REFUSED, code="invalid", detail="wrong")
        )
    golden("console/progress_plain.txt", text_of(out))


def test_when_verbose_every_request_and_every_problem_is_told(golden: Golden) -> None:
    """Masked, and without what steers a terminal."""
    out = console(width=160)
    with Watch(out, is_quiet=False, is_verbose=True, monotonic=Stopwatch()) as watch:
        place = Place(file="[b]events.jsonl", line=3)
        problem = Problem(pointer="/email", rule="format", detail=f"secret@example.com {HOSTILE}")
        watch.stage("read")
        watch.rejection(Rejection(place=place, problems=(problem,), content=None))
        watch.warning(FieldWarning(place=place, field="phone", detail=problem.detail))
        for status, error in ((201, ""), (None, "ReadTimeout")):
            watch.request(
                Attempt(
                    route="POST /contacts",
                    number=1,
                    status=status,
                    error=error,
                    seconds=0.1234,
                    waited_s=2,
                )
            )
    golden("console/progress_verbose.txt", text_of(out))


def test_when_quiet_nothing_is_told() -> None:
    """Not even on a terminal."""
    for is_terminal in (False, True):
        out = console(is_terminal=is_terminal)
        with Watch(out, is_quiet=True, is_verbose=False) as watch:
            watch.stage("read")
            watch.step(1000)
        assert text_of(out) == ""


def test_on_a_terminal_progress_is_live_and_vanishes() -> None:
    """The line is cleared at the end; no plain lines are left in between."""
    out = console(is_terminal=True)
    with Watch(out, is_quiet=False, is_verbose=False) as watch:
        watch.stage("apply", 2)
        watch.outcome(Applied(change=create()))
        watch.stage("report")
    assert "apply: 1" not in text_of(out)
    assert "\x1b[2K" in text_of(out)


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where colours are forced by a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert make_console(stderr=True).no_color is False
    monkeypatch.setenv("NO_COLOR", "1")
    assert make_console(stderr=True).no_color is True


def test_lines_into_a_pipe_are_not_wrapped_at_80() -> None:
    """Whoever greps them finds them whole."""
    assert make_console(stderr=True).width >= 80
    assert Console(file=io.StringIO()).is_terminal is False


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(changes=()), "Nothing to do: Brevo holds what the shop says.\n"),
        (Plan(changes=(Skip(email=JANE, ids=frozenset(), reason=Reason.STALE),)), "write.\n"),
        (Plan(changes=(), withheld=(hard_delete(),), withheld_because="x"), "write.\n"),
    ],
)
def test_all_is_well_only_where_nobody_was_left_alone(plan: Plan, words: str) -> None:
    """Whoever is skipped or withheld is not as the shop says."""
    out = console()
    show_plan(out, plan, Counter(), rate_per_s=10)
    assert text_of(out).endswith(words)

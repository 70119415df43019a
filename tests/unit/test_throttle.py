"""The pace of requests: never above a limit, hardly below it, and steered by what answers say."""

import asyncio
import itertools
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brevo_double import clock_at_noon, in_simulated_time
from customer_sync.brevo.throttle import Family, Pace, RateNote, Throttle, Window, windows
from customer_sync.core.model import RatePlan
from customer_sync.errors import BrevoUnavailable

SILENT = RateNote()


def pace(
    family: Family = Family.CONTACTS,
    *,
    plan: RatePlan = RatePlan.GENERAL,
    headroom: float = 0.03,
    at_once: int = 1,
) -> Pace:
    """Return a pace that has seen nothing yet."""
    return Pace(windows(plan, family), headroom=headroom, at_once=at_once)


def departures(
    pace: Pace, gaps: Iterable[float], lateness: Iterable[float], notes: Iterable[RateNote] = ()
) -> list[float]:
    """Return when requests leave that arrive after *gaps* and wake up later than they should.

    After each departure the pace learns the next of *notes*.
    """
    now, arrival, left = 0.0, 0.0, []
    spoken = itertools.chain(notes, itertools.repeat(SILENT))
    for gap, late in zip(gaps, lateness, strict=False):
        arrival += gap
        now = max(now, arrival)
        while (due := pace.due(now)) > now:
            now = due + late
        pace.take(now)
        left.append(now)
        pace.learn(next(spoken), was_refused=False, now=now)
    return left


def most_in_any(seconds: float, times: Sequence[float]) -> int:
    """Return the largest number of *times* in any half-open stretch of *seconds*."""
    return max(
        sum(1 for other in times[index:] if other < start + seconds)
        for index, start in enumerate(times)
    )


# ---------------------------------------------------------------- the law


@given(
    gaps=st.lists(st.floats(0, 0.4) | st.just(0.0), min_size=1, max_size=120),
    lateness=st.lists(st.floats(0, 0.3) | st.just(0.0), min_size=120, max_size=120),
    headroom=st.sampled_from([0.0, 0.03, 0.2]),
    plan=st.sampled_from(RatePlan),
)
def test_no_second_ever_holds_more_than_the_plan_allows(
    gaps: list[float], lateness: list[float], headroom: float, plan: RatePlan
) -> None:
    """Whenever requests arrive and however late tasks wake up, the limit per second holds."""
    left = departures(pace(plan=plan, headroom=headroom), gaps, lateness)
    assert most_in_any(1.0, left) <= windows(plan, Family.CONTACTS)[0].limit


@given(
    gaps=st.lists(st.floats(0, 200) | st.just(0.0), min_size=1, max_size=250),
    lateness=st.lists(st.floats(0, 60) | st.just(0.0), min_size=250, max_size=250),
)
def test_no_hour_ever_holds_more_than_a_hundred_other_requests(
    gaps: list[float], lateness: list[float]
) -> None:
    """The hourly budget holds in any hour, not only in those of the clock."""
    left = departures(pace(Family.OTHER, at_once=10), gaps, lateness)
    assert most_in_any(3600.0, left) <= 100


@given(
    notes=st.lists(
        st.builds(
            RateNote,
            limit=st.none() | st.integers(1, 10**14),
            remaining=st.none() | st.integers(0, 10**14),
            reset_s=st.none() | st.floats(0, 1e14),
        ),
        max_size=60,
    )
)
def test_no_answer_can_make_it_faster_or_stop_it(notes: list[RateNote]) -> None:
    """Whatever the headers claim, the limit holds, and a request waits for an hour at most."""
    left = departures(pace(), [0.0] * 60, [0.0] * 60, notes)
    assert most_in_any(1.0, left) <= 10
    assert all(later - earlier <= 3601 for earlier, later in itertools.pairwise(left))


@given(hourly=st.integers(20, 60))
def test_an_hour_that_is_tighter_than_its_seconds_holds_as_well(hourly: int) -> None:
    """Windows of any make hold side by side, also where the longer one binds."""
    granted = (Window(limit=10, seconds=1.0), Window(limit=hourly, seconds=3600.0))
    left = departures(Pace(granted, headroom=0.0, at_once=1), [0.0] * 130, [0.0] * 130)
    assert most_in_any(1.0, left) <= 10
    assert most_in_any(3600.0, left) <= hourly


# ---------------------------------------------------------------- using what there is


@pytest.mark.parametrize("plan", RatePlan)
@pytest.mark.parametrize("late", [0.0, 0.005])
def test_at_least_95_percent_of_the_rate_is_used(plan: RatePlan, late: float) -> None:
    """With work waiting, three percent of headroom cost no more than five, also of late tasks."""
    left = departures(pace(plan=plan), [0.0] * 6000, [late] * 6000)
    allowed = windows(plan, Family.CONTACTS)[0].limit
    assert len(left) / left[-1] >= 0.95 * allowed


def test_at_least_95_percent_of_the_hourly_budget_is_used() -> None:
    """The small budget is spread over the hour, not left lying."""
    left = departures(pace(Family.OTHER, at_once=10), [0.0] * 1000, [0.0] * 1000)
    assert len(left) / left[-1] >= 0.95 * 100 / 3600


def test_requests_leave_at_even_distances() -> None:
    """A burst would be one late packet away from a 429."""
    left = departures(pace(), [0.0] * 50, [0.0] * 50)
    gaps = [later - earlier for earlier, later in itertools.pairwise(left)]
    assert max(gaps) - min(gaps) < 0.001
    assert gaps[0] == pytest.approx(0.1041, abs=0.0001)


def test_a_short_run_need_not_wait_for_the_hourly_budget() -> None:
    """A handful of requests to /account and /processes leave at once."""
    assert departures(pace(Family.OTHER, at_once=10), [0.0] * 10, [0.0] * 10) == [0.0] * 10


# ---------------------------------------------------------------- what answers say


def test_headers_are_read() -> None:
    """Brevo has names of its own for what others call Retry-After."""
    note = RateNote.from_headers(
        {
            "x-sib-ratelimit-limit": "100",
            "x-sib-ratelimit-remaining": "7",
            "x-sib-ratelimit-reset": "90",
            "retry-after": "1",
        }
    )
    assert note == RateNote(limit=100, remaining=7, reset_s=90.0)


@pytest.mark.parametrize("written", ["", "-5", "soon", "nan", "inf", "1e400", "9" * 400])
def test_headers_that_are_no_sensible_number_count_as_missing(written: str) -> None:
    """The headers are untrusted."""
    note = RateNote.from_headers(
        {f"x-sib-ratelimit-{name}": written for name in ("limit", "remaining", "reset")}
    )
    assert note == SILENT


def test_a_refusal_closes_the_family_until_its_window_is_over() -> None:
    """429 with a second's window costs at most that second."""
    it = pace()
    it.take(0.0)
    note = RateNote(limit=10, remaining=0, reset_s=1.0)
    assert it.learn(note, was_refused=True, now=0.5) == 1.0
    assert it.due(0.5) == 1.5


def test_a_refusal_of_the_hour_waits_for_the_hour() -> None:
    """429 on /processes with forty minutes to go waits forty minutes."""
    it = pace(Family.OTHER)
    it.learn(RateNote(limit=100, remaining=0, reset_s=2400.0), was_refused=True, now=10.0)
    assert it.due(10.0) == 2410.0


def test_a_refusal_without_headers_waits_a_little() -> None:
    """The retry's own pauses do the rest."""
    it = pace()
    assert 0 < it.learn(SILENT, was_refused=True, now=0.0) < 1.0


def test_milliseconds_are_recognised() -> None:
    """A number that no window can have was meant in milliseconds."""
    it = pace(Family.OTHER)
    assert it.learn(RateNote(limit=100, reset_s=90_000.0), was_refused=True, now=0.0) == 90.0


@pytest.mark.parametrize(("limit", "longest"), [(10, 1.0), (36_000, 3600.0), (None, 1.0)])
def test_no_refusal_closes_for_longer_than_its_window(limit: int | None, longest: float) -> None:
    """An absurd reset is cut to what its window can be."""
    it = pace()
    assert it.learn(RateNote(limit=limit, reset_s=1e14), was_refused=True, now=0.0) == longest


def test_an_hour_that_others_used_up_closes_the_family() -> None:
    """The budget belongs to the account: other programs draw on it too."""
    it = pace(Family.OTHER)
    it.learn(RateNote(limit=100, remaining=0, reset_s=600.0), was_refused=False, now=0.0)
    assert it.due(0.0) == 600.0


def test_the_hour_of_the_contacts_is_heeded() -> None:
    """Where answers describe the hour and little is left of it, the rest is spread over it."""
    it = pace()
    it.learn(RateNote(limit=36_000, remaining=101, reset_s=1000.0), was_refused=False, now=0.0)
    left = departures(it, [0.0] * 60, [0.0] * 60)
    assert 500 < left[-1] < 700


def test_no_more_leave_than_the_hour_has_left() -> None:
    """Answers that are late do not bring back what is under way already."""
    it = pace(Family.OTHER, at_once=10)
    it.learn(RateNote(limit=100, remaining=3, reset_s=600.0), was_refused=False, now=0.0)
    for _ in range(3):
        assert it.due(0.0) <= 0.0
        it.take(0.0)
    it.learn(RateNote(limit=100, remaining=2, reset_s=600.0), was_refused=False, now=1.0)
    assert it.due(1.0) == 600.0


def test_a_new_hour_brings_a_new_budget() -> None:
    """What the last hour lacked is forgotten when it is over."""
    it = pace(Family.OTHER, at_once=10)
    it.learn(RateNote(limit=100, remaining=0, reset_s=600.0), was_refused=False, now=0.0)
    it.learn(RateNote(limit=100, remaining=99, reset_s=3600.0), was_refused=False, now=600.0)
    assert it.due(600.0) <= 600.0


def test_a_new_hour_is_recognised_before_the_old_one_seemed_over() -> None:
    """Whole seconds put the end of an hour a little too late."""
    it = pace(Family.OTHER, at_once=10)
    it.learn(RateNote(limit=100, remaining=1, reset_s=600.0), was_refused=False, now=0.0)
    it.take(1.0)
    assert it.due(1.0) == 600.0
    it.learn(RateNote(limit=100, remaining=99, reset_s=3600.0), was_refused=False, now=599.5)
    assert it.due(599.5) <= 599.5


def test_a_limit_below_the_plan_is_followed() -> None:
    """A configuration that names too large a plan is corrected by the first answer."""
    it = pace(plan=RatePlan.EXTENDED)
    it.learn(RateNote(limit=10, remaining=9, reset_s=1.0), was_refused=False, now=0.0)
    left = departures(it, [0.0] * 100, [0.0] * 100)
    gaps = [later - earlier for earlier, later in itertools.pairwise(left)]
    assert most_in_any(1.0, left) <= 10
    assert min(gaps) == pytest.approx(max(gaps))


def test_a_limit_above_the_plan_changes_nothing() -> None:
    """The operator's word is the ceiling."""
    it = pace()
    it.learn(RateNote(limit=60, remaining=59, reset_s=1.0), was_refused=False, now=0.0)
    assert most_in_any(1.0, departures(it, [0.0] * 100, [0.0] * 100)) <= 10


def test_a_second_that_is_used_up_stops_nothing() -> None:
    """At the full rate every window ends with nothing left; pausing for that would halve it."""
    it = pace()
    it.take(0.0)
    note = RateNote(limit=10, remaining=0, reset_s=1.0)
    assert it.learn(note, was_refused=False, now=0.0) == 0.0
    assert it.due(0.2) <= 0.2


# ---------------------------------------------------------------- shared by tasks


def test_tasks_share_one_pace_in_the_order_they_asked() -> None:
    """A hundred tasks at once leave as one would, and nobody overtakes."""
    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.03)
    left: list[tuple[int, float]] = []

    async def task(number: int) -> None:
        await throttle.slot(Family.CONTACTS)
        left.append((number, clock.monotonic()))

    async def all_at_once() -> None:
        await asyncio.gather(*(task(number) for number in range(100)))

    in_simulated_time(clock, all_at_once())
    assert [number for number, _ in left] == list(range(100))
    assert most_in_any(1.0, [when for _, when in left]) <= 10


@given(
    arrivals=st.lists(st.floats(0, 8), min_size=1, max_size=60),
    headroom=st.sampled_from([0.0, 0.03]),
)
def test_concurrent_arrivals_never_exceed_the_limit(arrivals: list[float], headroom: float) -> None:
    """The law holds for tasks as it does for the decision alone."""
    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=headroom)
    left: list[float] = []

    async def task(arrival: float) -> None:
        await clock.sleep(arrival)
        await throttle.slot(Family.CONTACTS)
        left.append(clock.monotonic())

    async def all_of_them() -> None:
        await asyncio.gather(*map(task, arrivals))

    in_simulated_time(clock, all_of_them())
    assert len(left) == len(arrivals)
    assert most_in_any(1.0, left) <= 10


def test_families_do_not_wait_for_each_other() -> None:
    """A full hourly budget must not hold up the contacts."""
    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.03)
    throttle.learn(Family.OTHER, RateNote(limit=100, reset_s=3000.0), was_refused=True)
    in_simulated_time(clock, throttle.slot(Family.CONTACTS))
    assert clock.monotonic() == 0.0


def test_a_task_that_waits_hears_of_a_pause() -> None:
    """A refusal that arrives while others wait for their slots holds them up too."""
    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.03)

    async def refused_while_waiting() -> float:
        await throttle.slot(Family.CONTACTS)
        waiting = asyncio.ensure_future(throttle.slot(Family.CONTACTS))
        await clock.sleep(0.01)
        throttle.learn(Family.CONTACTS, RateNote(limit=10, reset_s=1.0), was_refused=True)
        await waiting
        return clock.monotonic()

    assert in_simulated_time(clock, refused_while_waiting()) == pytest.approx(1.01)


def test_a_slot_beyond_the_deadline_is_refused_at_once() -> None:
    """A run that may not last until then is told so instead of waiting in vain."""
    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.03)
    throttle.learn(Family.OTHER, RateNote(limit=100, reset_s=3000.0), was_refused=True)
    with pytest.raises(BrevoUnavailable, match="3000 s"):
        in_simulated_time(clock, throttle.slot(Family.OTHER, deadline=60.0))
    assert clock.monotonic() == 0.0


def test_a_cancelled_task_leaves_the_queue() -> None:
    """An interrupted run must not leave the throttle locked."""
    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.03)

    async def cancel_the_second() -> float:
        await throttle.slot(Family.CONTACTS)
        waiting = asyncio.ensure_future(throttle.slot(Family.CONTACTS))
        await clock.sleep(0.01)
        waiting.cancel()
        return await throttle.slot(Family.CONTACTS)

    assert in_simulated_time(clock, cancel_the_second()) < 0.11


@pytest.mark.parametrize("headroom", [-0.1, 1.0])
def test_headroom_is_a_share(headroom: float) -> None:
    """Leaving everything, or less than nothing, makes no sense."""
    with pytest.raises(ValueError, match="share"):
        Throttle(RatePlan.GENERAL, clock_at_noon(), headroom=headroom)


def test_the_latest_limits_are_remembered() -> None:
    """What is left of the account's budget can be shown."""
    throttle = Throttle(RatePlan.GENERAL, clock_at_noon(), headroom=0.03)
    note = RateNote(limit=100, remaining=42, reset_s=60.0)
    throttle.learn(Family.OTHER, note, was_refused=False)
    throttle.learn(Family.OTHER, SILENT, was_refused=False)
    assert throttle.latest(Family.OTHER) == note
    assert throttle.latest(Family.CONTACTS) is None

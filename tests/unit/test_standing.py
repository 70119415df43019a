"""Whether the sync works."""

from dataclasses import replace
from datetime import timedelta

from customer_sync.core.figures import Trouble
from customer_sync.core.standing import (
    WAITS_TOO_LONG,
    Realtime,
    Standing,
    problems,
    remarks,
)
from figures_builders import past_run


def test_nothing_happened_yet() -> None:
    """A sync that never ran does not work."""
    assert problems(Standing()) == ("no run has ended yet",)


def test_the_first_run_is_under_way() -> None:
    """That is told."""
    found = problems(Standing(under_way=past_run(seconds=None)))
    assert found == ("no run has ended yet, and the first one is under way",)


def test_it_works_when_the_last_run_did_what_it_could() -> None:
    """What it had to reject or defer is for the figures to tell."""
    assert problems(Standing(last_run=past_run(exit_code=7), dead_letters=3, queue_depth=9)) == ()


def test_a_failed_run_is_told_with_its_reason() -> None:
    """And with the code to look it up by, which an earlier version did not note."""
    stopped = Trouble(kind="BrevoAuthError", message="No such key.", trouble="CS401")
    run = past_run(exit_code=5, errors=(stopped,))
    ended = f"the last run, {run.id}, ended with exit code 5 (AUTH)"
    assert problems(Standing(last_run=run)) == (f"{ended}: No such key (CS401)",)
    run = past_run(exit_code=5, errors=(replace(stopped, trouble=""),))
    assert problems(Standing(last_run=run)) == (f"{ended}: No such key",)


def test_what_single_records_lack_is_no_reason() -> None:
    """Deletions were withheld, whatever else there was; of an interruption there is no error."""
    rejected = Trouble(kind="rejection", message="email is not an address", trouble="CS211")
    withheld = Trouble(kind="withheld", message="9 deletions were withheld.", trouble="CS305")
    (found,) = problems(Standing(last_run=past_run(exit_code=8, errors=(rejected, withheld))))
    assert found.endswith("(REFUSED): 9 deletions were withheld (CS305)")
    (found,) = problems(Standing(last_run=past_run(exit_code=130, errors=(rejected,))))
    assert found.endswith("(INTERRUPTED)")


def test_what_to_do_about_a_failed_run_is_told() -> None:
    """As the run advised, and where there is more; else what shows what it did."""
    stopped = Trouble(kind="BrevoAuthError", hint="Check the key.", trouble="CS401")
    told = remarks(Standing(last_run=past_run(exit_code=5, errors=(stopped,))))
    assert told == ("Check the key. `customer-sync explain CS401` tells more",)
    told = remarks(Standing(last_run=past_run(exit_code=5, errors=(Trouble(kind="Old"),))))
    assert told == ()
    run = past_run(exit_code=130)
    told = remarks(Standing(last_run=run, dead_letters=1))
    assert told[0] == f"`customer-sync runs show {run.id}` shows what it did"
    assert told[1].startswith("dead letters: 1;")
    assert remarks(Standing(last_run=run, cut_off=run)) == ()


def test_an_exit_code_of_a_later_version_is_told_as_a_number() -> None:
    """It is no reason to break."""
    (found,) = problems(Standing(last_run=past_run(exit_code=99)))
    assert "exit code 99 (unknown)" in found


def test_a_run_that_was_killed_is_a_problem_although_the_one_before_ended_well() -> None:
    """Until the next run takes over."""
    killed = past_run(seconds=None)
    (found,) = problems(Standing(last_run=past_run(), cut_off=killed))
    assert found == f"the last run, {killed.id}, was cut off"


def test_a_run_under_way_is_none() -> None:
    """The one before it counts."""
    assert problems(Standing(last_run=past_run(), under_way=past_run(seconds=None))) == ()


def test_dead_letters_are_remarked() -> None:
    """They need a person, and say nothing about the sync."""
    (found,) = remarks(Standing(dead_letters=2))
    assert found.startswith("dead letters: 2;")
    assert remarks(Standing()) == ()


# ---------------------------------------------------------------- events


WELL = Standing(last_run=past_run(exit_code=0))


def test_events_that_are_expected_need_somebody_to_receive_them() -> None:
    """That is what `sync_mode: realtime` says."""
    nobody = replace(WELL, realtime=Realtime(is_expected=True))
    assert problems(nobody) == ("nobody receives events: neither `serve` nor `watch` runs",)
    assert problems(replace(WELL, realtime=Realtime(is_expected=True, is_alive=True))) == ()
    assert problems(replace(WELL, realtime=Realtime())) == ()


def test_events_must_not_wait_for_long() -> None:
    """They were to be written within seconds."""
    waiting = Realtime(is_expected=True, is_alive=True, waiting=7, waits_for=WAITS_TOO_LONG)
    assert problems(replace(WELL, realtime=waiting)) == ()
    longer = replace(waiting, waits_for=WAITS_TOO_LONG + timedelta(minutes=1))
    (problem,) = problems(replace(WELL, realtime=longer))
    assert problem == "events wait: 7, the first of them for 16 minutes"


def test_whoever_waits_for_the_first_event_is_well() -> None:
    """There need not have been a run."""
    assert problems(Standing(realtime=Realtime(is_expected=True, is_alive=True))) == ()


def test_what_was_received_and_left_behind_is_remarked() -> None:
    """Whatever the mode."""
    (remark,) = remarks(replace(WELL, realtime=Realtime(waiting=3)))
    assert "3" in remark
    assert "customer-sync serve" in remark
    assert remarks(replace(WELL, realtime=Realtime(waiting=3, is_alive=True))) == ()

"""Whether the sync works."""

from customer_sync.core.figures import Trouble
from customer_sync.core.standing import Standing, problems, remarks
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
    """The first error of its report is what stopped it."""
    run = past_run(exit_code=5, errors=(Trouble(kind="BrevoAuthError", message="No such key."),))
    (found,) = problems(Standing(last_run=run))
    assert found == f"the last run, {run.id}, ended with exit code 5 (AUTH): No such key."


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

"""Withheld deletions: looked at in a file, confirmed by handing it in, and never anything else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from customer_sync.config import Target
from customer_sync.core.model import Limit
from customer_sync.errors import ConfigError, ExitCode, SourceError
from customer_sync.run.edges import RunOptions
from customer_sync.run.planfile import read_plan, write_plan
from customer_sync.run.report import OutcomeCounts, RunReport
from customer_sync.run.withholding import confirmed_deletes
from session_stage import Shop, event

PEOPLE = [event("created", n, firstName=f"F{n}") for n in range(1, 7)]
GONE = [event("deleted", n, at="2024-02-01T00:00:00Z") for n in range(1, 7)]
NONE_AT_ALL = Limit(count=0)


@pytest.fixture(params=["soft", "hard"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """Return a shop that withheld the deletions of its first two customers."""
    shop = Shop(tmp_path, options=f"delete_behavior: {request.param}")
    shop.run(*PEOPLE)
    report = shop.run(*GONE[:2], options=RunOptions(max_deletes=NONE_AT_ALL))
    assert report.exit_code == ExitCode.REFUSED
    return shop


def file_of(shop: Shop) -> Path:
    """Return the file that a person looks at."""
    return shop.state / "withheld.json"


def confirm(shop: Shop, *events: object) -> RunReport:
    """Hand the file in, with whatever else the shop says."""
    deletes = confirmed_deletes(file_of(shop), Target.SANDBOX)
    options = RunOptions(confirmed_deletes=deletes, max_deletes=NONE_AT_ALL)
    return shop.run(*events, options=options)


def held(shop: Shop) -> set[str]:
    """Return whose deletion waits."""
    return {change.customer.email for change in read_plan(file_of(shop)).withheld}


def mailable(shop: Shop) -> set[str]:
    """Return who may be mailed."""
    return {email for email, c in shop.contacts().items() if not c.is_email_blocked}


def everybody(*but: int) -> set[str]:
    """Return all six customers without some."""
    return {f"p{n}@example.com" for n in range(1, 7) if n not in but}


# ---------------------------------------------------------------- handed in as it was


def test_what_was_looked_at_is_applied(shop: Shop) -> None:
    """And nothing else, whatever the limit is."""
    report = confirm(shop)
    assert report.exit_code == ExitCode.OK
    assert report.outcomes == OutcomeCounts(applied=2)
    assert mailable(shop) == everybody(1, 2)


def test_it_can_be_confirmed_together_with_news(shop: Shop) -> None:
    """Deletions that are new are withheld as ever."""
    renamed = event("updated", 5, at="2024-02-01T00:00:00Z", firstName="Five")
    report = confirm(shop, GONE[2], renamed)
    assert report.exit_code == ExitCode.REFUSED
    assert report.outcomes == OutcomeCounts(applied=3)
    assert held(shop) == {"p3@example.com"}
    assert mailable(shop) == everybody(1, 2)


def test_confirming_twice_is_confirming_once(shop: Shop) -> None:
    """The second time there is nothing to do."""
    confirm(shop)
    report = confirm(shop)
    assert report.exit_code == ExitCode.OK
    assert report.outcomes == OutcomeCounts()


def test_whoever_came_back_meanwhile_stays(shop: Shop) -> None:
    """The shop's newer word counts, also where it came in an earlier run."""
    shop.run(event("created", 1, at="2024-03-01T00:00:00Z", firstName="Back"))
    report = confirm(shop, event("created", 2, at="2024-03-01T00:00:00Z"))
    assert report.plan.delete == 0
    assert mailable(shop) == everybody()


def test_withheld_runs_add_up(shop: Shop) -> None:
    """Each is found in the file until it is decided about."""
    options = RunOptions(max_deletes=NONE_AT_ALL)
    shop.run(*GONE[2:4], options=options)
    shop.run(GONE[0], options=options)
    assert held(shop) == everybody(5, 6)
    assert confirm(shop).outcomes == OutcomeCounts(applied=4)
    shop.run(GONE[4], options=options)
    assert held(shop) == {"p5@example.com"}


def test_a_deletion_that_was_let_through_waits_no_more(shop: Shop) -> None:
    """With a higher limit, say."""
    shop.run(GONE[0])
    shop.run(GONE[4], options=RunOptions(max_deletes=NONE_AT_ALL))
    assert held(shop) == {"p2@example.com", "p5@example.com"}


# ---------------------------------------------------------------- the contact moved


def test_a_contact_that_changed_meanwhile_is_looked_at_once_more(shop: Shop) -> None:
    """It is left alone and withheld anew as it is now; the others are deleted."""
    shop.run(event("updated", 1, at="2024-01-20T00:00:00Z", lastName="Edited"))
    report = confirm(shop)
    assert report.exit_code == ExitCode.REFUSED
    assert report.outcomes == OutcomeCounts(applied=1)
    assert "1 contact was changed in Brevo" in report.errors[0].message
    assert "--confirm-deletes" in report.errors[0].hint
    assert held(shop) == {"p1@example.com"}
    assert mailable(shop) == everybody(2)
    assert confirm(shop).outcomes == OutcomeCounts(applied=1)
    assert mailable(shop) == everybody(1, 2)


# ---------------------------------------------------------------- another file


def everything(document: Any) -> None:
    """Withhold nobody else's deletion than that of the first."""
    document["withheld"] = document["withheld"][:1]


def somebody_else(document: Any) -> None:
    """Let another contact be deleted."""
    document["withheld"][0]["before"]["id"] = 6


@pytest.mark.parametrize("edit", [everything, somebody_else])
def test_a_file_that_was_edited_is_refused(shop: Shop, edit: Callable[[Any], None]) -> None:
    """A person confirms what the program found, or nothing."""
    path = file_of(shop)
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SourceError, match="was changed after it was made"):
        confirmed_deletes(path, Target.SANDBOX)


def test_a_file_that_was_edited_is_not_written_over(shop: Shop) -> None:
    """What was withheld in it would be gone without a word."""
    path = file_of(shop)
    edited = path.read_bytes().replace(b"p1@", b"q1@")
    path.write_bytes(edited)
    report = shop.run(GONE[2], options=RunOptions(max_deletes=NONE_AT_ALL))
    (aside,) = shop.state.glob("withheld-changed-*.json")
    assert aside.read_bytes() == edited
    assert held(shop) == {"p3@example.com"}
    assert aside.name in report.errors[1].message


def test_a_file_of_another_account_is_refused(shop: Shop) -> None:
    """A rehearsal confirms nothing for the real one."""
    with pytest.raises(ConfigError, match=r"withheld from sandbox, .* says live"):
        confirmed_deletes(file_of(shop), Target.LIVE)


def test_a_plan_that_withholds_nothing_is_refused(shop: Shop) -> None:
    """It is another file than was meant."""
    path = shop.folder / "plan.json"
    plan = read_plan(file_of(shop)).plan
    nothing = type(plan)(changes=())
    write_plan(path, nothing, target="sandbox", made_at=shop.clock.now())
    with pytest.raises(SourceError, match="no deletions that were withheld"):
        confirmed_deletes(path, Target.SANDBOX)


def test_what_another_account_withheld_is_kept_apart(shop: Shop) -> None:
    """A rehearsal does not push out what waits for the real one, and finds its own again."""
    path = file_of(shop)
    kept = read_plan(path)
    live = kept.plan.withheld
    write_plan(path, kept.plan, target="live", made_at=kept.made_at)
    options = RunOptions(max_deletes=NONE_AT_ALL)
    shop.run(GONE[2], options=options)
    assert held(shop) == {"p3@example.com"}
    assert confirmed_deletes(shop.state / "withheld-live.json", Target.LIVE) == live
    path.rename(shop.state / "withheld-sandbox.json")
    (shop.state / "withheld-live.json").rename(path)
    shop.run(GONE[3], options=options)
    assert held(shop) == {"p3@example.com", "p4@example.com"}
    assert confirmed_deletes(shop.state / "withheld-live.json", Target.LIVE) == live
    assert not (shop.state / "withheld-sandbox.json").exists()

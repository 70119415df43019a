"""Tests in the configuration at the command line: validate tells them, runs wait for them."""

import pytest

from customer_sync.errors import ExitCode
from worlds import World

EVENT = {
    "event": "customer_created",
    "timestamp": "2024-01-15T10:30:00Z",
    "data": {"id": 7, "email": "ada@example.com", "firstName": "Ada"},
}
GOOD = """\
    tests:
      - name: a no blocks
        customer: {email: ada@example.com, acceptsMarketing: false}
        contact: {}
        expect: {update: {blocked: true}}
"""
BAD = """\
      - name: a yes lifts any block
        customer: {email: eva@example.com, acceptsMarketing: true}
        contact: {blocked: true}
        expect: {update: {blocked: false}}
"""


def give_tests(world: World, tests: str) -> None:
    """Add *tests* to the configuration."""
    path = world.folder / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8") + tests, encoding="utf-8")


def test_validate_tells_which_tests_pass(embedded: World) -> None:
    """By their names, and how many."""
    give_tests(embedded, GOOD)
    result = embedded.call("validate", "config.yaml")
    assert result.exit_code == ExitCode.OK
    assert result.out.splitlines() == [
        "  passed  a no blocks",
        "config.yaml: good, 1 of 1 test passed",
    ]


def test_validate_tells_what_came_instead(embedded: World) -> None:
    """With the line, and exits 3."""
    give_tests(embedded, GOOD + BAD)
    result = embedded.call("validate", "config.yaml")
    assert result.exit_code == ExitCode.CONFIG
    assert " ".join(result.out.split()) == (
        "config.yaml:29 /skills/customer-sync/tests/1/expect: The test “a yes lifts any block” "
        "fails: update was expected, and keep came. "
        "Correct the mapping or the options, or what the test expects. "
        "passed a no blocks FAILED a yes lifts any block "
        "config.yaml: 1 to mend, 1 of 2 tests passed"
    )


def test_validate_as_a_document(embedded: World) -> None:
    """Tests are listed, and failing ones are problems of their own rule."""
    give_tests(embedded, GOOD + BAD)
    document = embedded.call("validate", "config.yaml", "--json").document
    assert document["tests"] == [
        {"file": "config.yaml", "line": 25, "name": "a no blocks", "passed": True},
        {"file": "config.yaml", "line": 29, "name": "a yes lifts any block", "passed": False},
    ]
    (problem,) = document["problems"]
    assert (problem["rule"], problem["line"]) == ("test", 29)
    assert document["exit_code"] == ExitCode.CONFIG


def test_validate_without_tests(embedded: World) -> None:
    """Nothing is said of them."""
    assert embedded.call("validate", "config.yaml").out == "config.yaml: good\n"
    assert embedded.call("validate", "config.yaml", "--json").document["tests"] == []


def test_a_broken_configuration_is_not_tested(embedded: World) -> None:
    """Its problems come first."""
    give_tests(embedded, GOOD + BAD.replace("expect", "expects"))
    document = embedded.call("validate", "config.yaml", "--json").document
    assert document["tests"] == []
    assert {problem["rule"] for problem in document["problems"]} == {"config"}


def test_names_cannot_steer_a_terminal(embedded: World) -> None:
    """Whoever wrote the configuration, the screen stays as it is."""
    give_tests(embedded, GOOD.replace("a no blocks", '"a no \\e[2J blocks"'))
    assert "\x1b" not in embedded.call("validate", "config.yaml").out


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_failing_test_stops_a_run_before_anything_is_read(world: World, command: str) -> None:
    """It exits 3 and tells the test; neither Brevo nor the state has heard of it."""
    give_tests(world, GOOD + BAD)
    name = world.write("events.jsonl", [EVENT])
    result = world.call(command, name, "--json")
    assert result.exit_code == ExitCode.CONFIG
    assert "The test “a yes lifts any block” fails" in result.err
    assert "customer-sync validate config.yaml" in result.err
    assert result.document["requests"] == {}
    assert result.document["errors"][0]["kind"] == "InvalidConfig"
    assert not (world.folder / ".customer-sync").exists()


def test_a_failing_test_stops_a_plan_that_was_kept(world: World) -> None:
    """What was planned before is not written either, until the test is mended."""
    name = world.write("events.jsonl", [EVENT])
    world.call("plan", name, "--out", "plan.json")
    good = (world.folder / "config.yaml").read_text(encoding="utf-8")
    give_tests(world, GOOD + BAD)
    assert world.call("apply", "plan.json").exit_code == ExitCode.CONFIG
    assert world.contacts() == {}
    (world.folder / "config.yaml").write_text(good + GOOD, encoding="utf-8")
    assert world.call("apply", "plan.json").exit_code == ExitCode.OK
    assert set(world.contacts()) == {"ada@example.com"}


def test_the_way_back_is_open_all_the_same(world: World) -> None:
    """To undo a run does not depend on the mapping."""
    world.sync(EVENT)
    give_tests(world, GOOD + BAD)
    result = world.call("undo", "last", "--dry-run", "--json")
    assert result.exit_code == ExitCode.OK, result.err


def test_a_run_goes_on_where_all_tests_pass(world: World) -> None:
    """They leave nothing behind."""
    give_tests(world, GOOD)
    assert world.sync(EVENT)["exit_code"] == ExitCode.OK
    assert set(world.contacts()) == {"ada@example.com"}


def test_the_doctor_tells_of_the_tests(embedded: World) -> None:
    """How many pass, or which one a run would stop at."""
    give_tests(embedded, GOOD)
    sound = embedded.call("doctor", "--json").document
    assert [c["found"] for c in sound["checks"] if c["name"] == "tests"] == ["1 passed"]
    give_tests(embedded, BAD)
    result = embedded.call("doctor", "--json")
    assert result.exit_code == ExitCode.CONFIG
    (trouble,) = (c for c in result.document["checks"] if c["name"] == "tests")
    assert trouble["found"] == "1 of 2 fail, the first: a yes lifts any block"
    assert trouble["remedy"] == "customer-sync validate config.yaml"

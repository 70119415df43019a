"""schedule: what is printed is understood by those it is printed for, whatever the paths are."""

import os
import plistlib
import re
import shlex
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_sync.errors import ExitCode
from customer_sync.scheduling import (
    At,
    Every,
    Place,
    Task,
    cron,
    github_actions,
    launchd,
    read_at,
    read_every,
    sync_and_watch,
    systemd,
)
from customer_sync.scheduling.task import NEEDS_NOBODY
from customer_sync.scheduling.timing import calendar_event, cron_fields
from worlds import World

KINDS = ("cron", "systemd", "launchd", "github-actions", "kubernetes")
ODD = 'o\'d $A 5% "x" \\n ${{a}}'
"""A name in which each notation has something to escape."""

_PROGRAM = """\
#!/bin/sh
printf '%s\\n' "$BREVO_API_KEY" "$PWD" "$@" > "$SEEN"
echo "said: 5% of $1"
exit $ENDING
"""


def _place(folder: Path, *, alert: str | None = None) -> Place:
    """Return a place whose program notes its words and ends as told by its environment."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "customer-sync"
    program.write_text(_PROGRAM, encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    key_file = folder / "customer-sync.env"
    key_file.write_text("BREVO_API_KEY=from-the-file\n", encoding="utf-8")
    return Place(
        program=(str(program),),
        folder=folder,
        config=folder / "config.yaml",
        state=folder / "state",
        log=folder / "state" / "log",
        variables=("BREVO_API_KEY",),
        key_file=key_file,
        alert=alert,
    )


def _with_shop(world: World, more: str = "") -> None:
    """Let the configuration say where the shop is."""
    config = world.folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    shop = "source: shopify\n    shop: {url: https://example.myshopify.com}"
    config.write_text(text.replace("source: custom", shop) + more, encoding="utf-8")


def _tasks(place: Place, *, every: str = "15m") -> tuple[Task, ...]:
    return sync_and_watch(place, [str(place.folder / "exports")], read_every(every))


def _shell(
    words: list[str], tmp_path: Path, ending: int, **environ: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a command with the program's ending; return how it ended and what the program saw."""
    seen = tmp_path / "seen"
    finished = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "SEEN": str(seen), "ENDING": str(ending), **environ},
    )
    return finished, seen.read_text(encoding="utf-8").splitlines()


def _as_cron_reads(line: str) -> str:
    """Return the command of a crontab line: a bare per cent sign ends it, an escaped one stays."""
    command = line.split(maxsplit=5)[5]
    assert re.search(r"(?<!\\)%", command) is None
    return command.replace("\\%", "%")


def _cron_commands(place: Place) -> list[str]:
    (unit,) = cron(place, _tasks(place))
    lines = [line for line in unit.text.splitlines() if not line.startswith("#")]
    return [_as_cron_reads(line) for line in lines]


# ---------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("text", "fields", "event"),
    [
        ("1m", "* * * * *", "*-*-* *:00/1:00"),
        ("15m", "*/15 * * * *", "*-*-* *:00/15:00"),
        ("60m", "0 * * * *", "*-*-* 00/1:00:00"),
        ("6h", "0 */6 * * *", "*-*-* 00/6:00:00"),
        ("1d", "0 0 * * *", "*-*-* 00:00:00"),
    ],
)
def test_a_pace_is_spelled_for_each_notation(text: str, fields: str, event: str) -> None:
    """Minutes, hours and a day."""
    timing = read_every(text)
    assert (cron_fields(timing), calendar_event(timing)) == (fields, event)


@pytest.mark.parametrize("text", ["7m", "0m", "90m", "30s", "61s", "5h", "2d", "often"])
def test_a_pace_that_cannot_be_kept_evenly_is_refused(text: str) -> None:
    """Cron would start anew at each hour or midnight."""
    with pytest.raises(ValueError, match=r"5m|whole number"):
        read_every(text)


def test_a_time_of_the_day_is_read() -> None:
    """With or without a leading zero."""
    assert read_at("2:05") == At(hour=2, minute=5)
    assert cron_fields(read_at("02:30")) == "30 2 * * *"


@pytest.mark.parametrize("text", ["24:00", "12:60", "noon", "1230"])
def test_what_is_no_time_of_the_day_is_refused(text: str) -> None:
    """Each clock ends at 23:59."""
    with pytest.raises(ValueError, match="02:30"):
        read_at(text)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize("timing", [Every(minutes=15), Every(minutes=360), At(hour=2, minute=30)])
def test_systemd_knows_the_calendar_events(timing: Every | At) -> None:
    """As its own program says."""
    asked = ["systemd-analyze", "calendar", calendar_event(timing)]
    assert subprocess.run(asked, capture_output=True, check=False).returncode == 0


def test_daily_runs_may_be_silent_for_longer_than_frequent_ones(tmp_path: Path) -> None:
    """The watch tells of a missed day, and of a few missed quarters of an hour."""
    place = _place(tmp_path)
    daily = sync_and_watch(place, ["shopify:"], At(hour=2, minute=30))[1]
    often = sync_and_watch(place, ["shopify:"], Every(minutes=15))[1]
    rare = sync_and_watch(place, ["shopify:"], Every(minutes=360))[1]
    assert "last_success_age>26h" in daily.arguments
    assert "last_success_age>2h" in often.arguments
    assert "last_success_age>8h" in rare.arguments


# ---------------------------------------------------------------- cron


def test_a_cron_line_hands_over_every_word_as_it_is(tmp_path: Path) -> None:
    """Quotes, dollars, per cent signs and spaces in paths included; the key comes from its file."""
    place = _place(tmp_path / ODD)
    finished, seen = _shell(["/bin/sh", "-c", _cron_commands(place)[0]], tmp_path, 0)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert seen == ["from-the-file", str(place.folder), *_tasks(place)[0].arguments]


@pytest.mark.parametrize("code", ExitCode)
def test_cron_mails_what_needs_a_person_and_nothing_else(tmp_path: Path, code: ExitCode) -> None:
    """Cron mails whatever is printed."""
    command = _cron_commands(_place(tmp_path))[0]
    finished, _ = _shell(["/bin/sh", "-c", command], tmp_path, code)
    needs_nobody = code in NEEDS_NOBODY
    assert finished.stdout == ("" if needs_nobody else "said: 5% of run\n")
    assert finished.returncode == (0 if needs_nobody else code)


def test_the_watch_needs_a_person_at_7(tmp_path: Path) -> None:
    """It is what tells that runs do no good, whatever each of them ended with."""
    finished, _ = _shell(["/bin/sh", "-c", _cron_commands(_place(tmp_path))[1]], tmp_path, 7)
    assert (finished.returncode, finished.stdout) == (7, "said: 5% of status\n")


def test_the_alert_of_cron_is_run(tmp_path: Path) -> None:
    """Beside the mail."""
    place = _place(tmp_path, alert="echo 'tell 100%'")
    finished, _ = _shell(["/bin/sh", "-c", _cron_commands(place)[0]], tmp_path, 5)
    assert finished.stdout.splitlines() == ["said: 5% of run", "tell 100%"]


def test_without_a_key_file_the_environment_has_the_key(tmp_path: Path) -> None:
    """A sandbox needs none at all."""
    place = _place(tmp_path)
    place.key_file.unlink()
    command = _cron_commands(place)[0]
    _, seen = _shell(["/bin/sh", "-c", command], tmp_path, 0, BREVO_API_KEY="from-outside")
    assert seen[0] == "from-outside"


def test_a_line_that_cron_would_cut_off_is_refused(tmp_path: Path) -> None:
    """Paths stand in it several times."""
    place = _place(tmp_path / ("d" * 120))
    with pytest.raises(ValueError, match="998"):
        cron(place, _tasks(place))


# ---------------------------------------------------------------- systemd


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` also checks that the program exists where the unit says."""
    place = _place(tmp_path / 'o\'dd 100% "x"', alert='echo "$HOME 5%"')
    files = []
    for unit in systemd(place, _tasks(place)):
        file = tmp_path / Path(unit.name).name
        file.write_text(unit.text, encoding="utf-8")
        files.append(str(file))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stderr == ""
    assert checked.returncode == 0


def test_a_systemd_unit_hands_over_every_word_as_it_is(tmp_path: Path) -> None:
    """Read back by the rules of systemd.service(5): quotes, backslashes, doubled per cent signs."""
    place = _place(tmp_path / ODD)
    task = _tasks(place)[0]
    service = systemd(place, [task])[0].text
    line = re.search(r"^ExecStart=:(.+)$", service, re.MULTILINE)
    assert line is not None
    words = [w.replace("%%", "%") for w in shlex.split(line[1])]
    # systemd starts no program with quotes in its path; env does.
    assert words == ["/usr/bin/env", *place.program, *task.arguments]
    assert re.search(r"(?<!%)(?:%%)*%(?!%)", service) is None


def test_systemd_alerts_at_what_needs_a_person(tmp_path: Path) -> None:
    """Other endings count as a success."""
    service, _, alert = systemd(_place(tmp_path, alert="tell me"), _tasks(_place(tmp_path))[:1])
    fine = re.search(r"^SuccessExitStatus=(.+)$", service.text, re.MULTILINE)
    assert fine is not None
    assert [int(code) for code in fine[1].split()] == list(NEEDS_NOBODY)
    assert f"OnFailure={Path(alert.name).name}" in service.text
    assert 'ExecStart=:/bin/sh -c "tell me"' in alert.text


# ---------------------------------------------------------------- launchd


def _plist(place: Place, index: int = 0) -> dict[str, Any]:
    unit = launchd(place, _tasks(place))[index]
    content: dict[str, Any] = plistlib.loads(unit.text.encode())
    return content


def test_a_property_list_hands_over_every_word_as_it_is(tmp_path: Path) -> None:
    """It is run here as launchd would, with the key from its file."""
    place = _place(tmp_path / ODD)
    content = _plist(place)
    finished, seen = _shell(content["ProgramArguments"], tmp_path, 6)
    assert finished.returncode == 0
    assert seen[0] == "from-the-file"
    assert seen[2:] == list(_tasks(place)[0].arguments)


def test_launchd_alerts_at_what_needs_a_person(tmp_path: Path) -> None:
    """The alert is run, and the job ends as the run did."""
    content = _plist(_place(tmp_path, alert="echo told"))
    finished, _ = _shell(content["ProgramArguments"], tmp_path, 5)
    assert (finished.returncode, finished.stdout.splitlines()[-1]) == (5, "told")


def test_launchd_knows_paces_and_times(tmp_path: Path) -> None:
    """The run every so often, the watch in the morning."""
    assert _plist(_place(tmp_path))["StartInterval"] == 900
    assert _plist(_place(tmp_path), 1)["StartCalendarInterval"] == {"Hour": 8, "Minute": 0}


# ---------------------------------------------------------------- GitHub Actions


def _workflow(place: Place) -> dict[str, Any]:
    (unit,) = github_actions(place, _tasks(place))
    content: dict[str, Any] = yaml.safe_load(unit.text)
    return content


def test_the_workflow_runs_each_task_at_its_time(tmp_path: Path) -> None:
    """Each job asks which of the times it was."""
    workflow = _workflow(_place(tmp_path))
    times = [one["cron"] for one in workflow["on"]["schedule"]]
    assert times == ["*/15 * * * *", "0 8 * * *"]
    for job, time in zip(workflow["jobs"].values(), times, strict=True):
        assert f"github.event.schedule == '{time}'" in job["if"]
    assert workflow["concurrency"]["cancel-in-progress"] is False


def test_a_workflow_step_hands_over_every_word_as_it_is(tmp_path: Path) -> None:
    """With the key from the repository's secrets, and no expression but that one."""
    place = _place(tmp_path / ODD)
    step = _workflow(place)["jobs"]["customer-sync"]["steps"][0]
    assert step["env"] == {"BREVO_API_KEY": "${{ secrets.BREVO_API_KEY }}"}
    evaluated = step["run"].replace("${{ '${{' }}", "${{")
    finished, seen = _shell(["/bin/sh", "-c", evaluated], tmp_path, 9)
    assert finished.returncode == 0
    assert seen[2:] == list(_tasks(place)[0].arguments)


def test_the_alert_of_a_workflow_follows_a_failure(tmp_path: Path) -> None:
    """As a step of its own."""
    steps = _workflow(_place(tmp_path, alert="tell me"))["jobs"]["customer-sync"]["steps"]
    assert steps[1] == {"name": "Tell somebody", "if": "failure()", "run": "tell me"}


def test_github_starts_nothing_every_minute(tmp_path: Path) -> None:
    """It would silently start it less often."""
    place = _place(tmp_path)
    with pytest.raises(ValueError, match="5 minutes"):
        github_actions(place, _tasks(place, every="1m"))


# ---------------------------------------------------------------- the command


@pytest.mark.parametrize("kind", KINDS)
def test_the_key_is_in_no_unit(embedded: World, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the name of its variable is."""
    monkeypatch.setenv("BREVO_API_KEY", "xkeysib-0123456789abcdef")
    printed = embedded.call("schedule", kind, "exports").out
    assert "xkeysib" not in printed
    assert "BREVO_API_KEY" in printed


@pytest.mark.parametrize("kind", ["cron", "systemd", "launchd", "github-actions"])
def test_paths_are_absolute(embedded: World, kind: str) -> None:
    """A scheduler knows neither our folder nor our PATH."""
    printed = embedded.call("schedule", kind, "exports", "--every", "1h").out
    for name in ("exports", "config.yaml", ".customer-sync"):
        assert str(embedded.folder / name) in printed
    assert "59m" in printed


def test_a_shop_is_named_as_it_is(embedded: World) -> None:
    """It is no file."""
    _with_shop(embedded)
    printed = embedded.call("schedule", "cron", "shopify:", "--at", "02:30").out
    assert "30 2 * * *" in printed
    assert " run shopify: --config" in printed


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_is_secret_is_named(embedded: World, kind: str) -> None:
    """The key, the shop's token, and what notifications need: none is missing at night."""
    _with_shop(
        embedded,
        "notifications:\n  webhook_url: ${HOOK_URL}\n  webhook_secret: ${HOOK_SECRET}\n"
        "  services: ['${CHAT_URL}']\n",
    )
    printed = embedded.call("schedule", kind, "shopify:").out
    for name in ("BREVO_API_KEY", "SHOPIFY_ACCESS_TOKEN", "HOOK_URL", "HOOK_SECRET", "CHAT_URL"):
        assert name in printed
    if kind == "github-actions":
        (step,) = yaml.safe_load(printed)["jobs"]["customer-sync"]["steps"]
        assert step["env"]["CHAT_URL"] == "${{ secrets.CHAT_URL }}"


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        ("source: magento", ["MAGENTO_ACCESS_TOKEN"]),
        ("source: woocommerce", ["WOOCOMMERCE_CONSUMER_KEY", "WOOCOMMERCE_CONSUMER_SECRET"]),
        ("source: shopify", ["SHOPIFY_ACCESS_TOKEN"]),
    ],
)
def test_each_shop_has_secrets_of_its_own(embedded: World, keys: str, names: list[str]) -> None:
    """They go by their usual names where the configuration gives no others."""
    _with_shop(embedded)
    config = embedded.folder / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("source: shopify", keys)
    config.write_text(text, encoding="utf-8")
    (step,) = yaml.safe_load(embedded.call("schedule", "github-actions").out)["jobs"][
        "customer-sync"
    ]["steps"]
    assert list(step["env"]) == ["BREVO_API_KEY", *names]


def test_files_need_no_secrets_of_the_shop(embedded: World) -> None:
    """Although the configuration says where the shop is."""
    _with_shop(embedded)
    assert "SHOPIFY_ACCESS_TOKEN" not in embedded.call("schedule", "cron", "exports").out


def test_a_shop_that_is_not_configured_is_refused_now(embedded: World) -> None:
    """Rather than by each run."""
    refused = embedded.call("schedule", "cron", "shopify:", "--at", "02:30")
    assert refused.exit_code == ExitCode.CONFIG
    assert "CS601" in refused.err


def test_the_configuration_in_the_manifests_can_be_read(embedded: World) -> None:
    """Line by line, as it was written, and equal to the file."""
    printed = embedded.call("schedule", "kubernetes", "in/a.csv").out
    text = (embedded.folder / "config.yaml").read_text(encoding="utf-8")
    assert "  config.yaml: |" in printed
    assert next(yaml.safe_load_all(printed))["data"] == {"config.yaml": text}


def test_the_shop_of_the_configuration_needs_no_naming(embedded: World) -> None:
    """Without sources, and without a shop, there is nothing to read."""
    assert embedded.call("schedule", "cron").exit_code == ExitCode.USAGE
    _with_shop(embedded)
    assert " run shopify: --config" in embedded.call("schedule", "cron").out


def test_manifests_hold_together(embedded: World) -> None:
    """Every volume, claim and configuration that a pod mounts is there or told of."""
    printed = embedded.call("schedule", "kubernetes", "in/a.csv", "--image", "registry/x:1").out
    documents = list(yaml.safe_load_all(printed))
    assert [d["kind"] for d in documents] == [
        *("ConfigMap", "PersistentVolumeClaim", "CronJob", "CronJob")
    ]
    original = (embedded.folder / "config.yaml").read_text(encoding="utf-8")
    assert documents[0]["data"] == {"config.yaml": original}
    for document in documents[2:]:
        pod = document["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
        assert container["image"] == "registry/x:1"
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["restartPolicy"] == "Never"
        assert document["spec"]["concurrencyPolicy"] == "Forbid"
    run = documents[2]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert run["args"][:3] == ["customer-sync", "run", "/exports/a.csv"]


def test_a_shop_needs_no_volume_for_exports(embedded: World) -> None:
    """Nothing but configuration, state and a temporary folder is mounted."""
    _with_shop(embedded)
    printed = embedded.call("schedule", "kubernetes", "shopify:", "--at", "2:30").out
    assert "claimName: customer-sync-exports" not in printed


@pytest.mark.parametrize(
    "arguments",
    [
        ("cron", "-"),
        ("cron", "a", "--every", "7m"),
        ("cron", "a", "--at", "25:00"),
        ("cron", "a", "--at", "02:30", "--every", "1h"),
        ("github-actions", "a", "--every", "1m"),
        ("kubernetes", "x/a.csv", "y/a.csv"),
        ("cron", "a\nb"),
        ("systemd", "a\\"),
        ("cron", "a" * 999),
    ],
)
def test_what_no_scheduler_could_do_is_refused(embedded: World, arguments: tuple[str, ...]) -> None:
    """Nothing is printed that would be pasted."""
    refused = embedded.call("schedule", *arguments)
    assert (refused.exit_code, refused.out) == (ExitCode.USAGE, "")
    assert refused.err


def test_files_are_written_and_never_replaced_unasked(embedded: World) -> None:
    """--force is leave to do so."""
    call = ("schedule", "systemd", "exports", "--out", "units")
    assert embedded.call(*call).exit_code == 0
    written = sorted(file.name for file in (embedded.folder / "units").iterdir())
    assert written[:2] == ["customer-sync-alert.service", "customer-sync-watch-alert.service"]
    assert embedded.call(*call).exit_code == ExitCode.CONFIG
    assert embedded.call(*call, "--force").exit_code == 0


def test_a_folder_that_cannot_be_written_is_told(embedded: World) -> None:
    """In a sentence."""
    refused = embedded.call("schedule", "cron", "a", "--out", "config.yaml/units")
    assert refused.exit_code == ExitCode.CONFIG
    assert "cannot be written" in refused.err

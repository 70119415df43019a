"""Packages that are installed beside it add platforms, transforms and notifiers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from customer_sync.config import Secret
from customer_sync.core.model import Place, Record
from customer_sync.core.platforms import PlatformName
from customer_sync.core.values.transform_error import TransformError
from customer_sync.core.values.transforms import Context, Kind, Transform, add_transform
from customer_sync.errors import SourceError
from customer_sync.guarding import guarded_format, guarded_transform
from customer_sync.notify.delivery import Answer
from customer_sync.notify.notifiers import Installed, Notifier
from customer_sync.platforms.format import Format, Sample, Wanted
from customer_sync.store import Letter
from customer_sync.trouble import Code
from webhook_receiver import letter

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "plugin"
CONFIG = """\
version: 1
notifications:
  services: ['${TILL}']
skills:
  customer-sync:
    source: tillworks
    field_mapping:
      email: email
      firstName: {attribute: INITIAL, type: text, transform: initial}
"""
TILL = "till_no,mail,given,newsletter\n7,jane@example.com,jane,yes\n"
PROGRAM = """\
from customer_sync import Client, CustomerSync

sync = CustomerSync("config.yaml")
Client("other.yaml").skills.enable("customer-sync", {"source": "tillworks"})
print(sync.plan("till.csv", source="tillworks").plan.totals.create)
print(sync.run("till.csv").outcomes.applied)
print(sync.run(records=[{"till_no": "8", "mail": "ravi@example.com"}]).outcomes.applied)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the example package was installed."""
    site = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    where = ["--no-index", "--target", str(site), str(EXAMPLE)]
    subprocess.run([*install, *where], check=True, capture_output=True)
    return site


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a folder with a till's export, and a folder that the till prints from."""
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "till.csv").write_text(TILL, encoding="utf-8")
    (tmp_path / "slips").mkdir()
    return tmp_path


def _python(folder: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), str(EXAMPLE.parents[1])])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "TILL": f"tillslip://{folder / 'slips'}"},
        capture_output=True,
        text=True,
        check=False,
    )


def _call(folder: Path, site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _python(folder, site, "-m", "customer_sync", *arguments)


def _slips(folder: Path) -> list[str]:
    return [slip.read_text(encoding="utf-8") for slip in (folder / "slips").iterdir()]


def test_the_command_line_uses_all_that_the_example_adds(shop: Path, installed: Path) -> None:
    """Its platform is named in the configuration, its transform applied, its notifier told."""
    plan = _call(shop, installed, "plan", "till.csv", "--show-pii")
    assert plan.returncode == 0, plan.stderr
    assert "INITIAL" in plan.stdout
    run = _call(shop, installed, "run", "till.csv")
    assert run.returncode == 0, run.stderr
    assert [slip.splitlines()[0] for slip in _slips(shop)] == ["customer-sync: sync completed"]
    shown = json.loads(_call(shop, installed, "sandbox", "show", "--json").stdout)
    assert [one["attributes"]["INITIAL"] for one in shown["contacts"]] == ["J"]
    assert '"bill": {}' in _call(shop, installed, "run", "till.csv", "--json").stdout


def test_the_library_uses_all_that_the_example_adds(shop: Path, installed: Path) -> None:
    """With nothing to call for it; a record of its platform needs no file."""
    done = _python(shop, installed, "-c", PROGRAM)
    assert (done.stdout.split(), done.stderr) == (["1", "1", "1"], "")
    assert len(_slips(shop)) == 2


def test_its_platform_is_named_like_any_other(shop: Path, installed: Path) -> None:
    """In listings, in options, and where somebody misspelt it."""
    seen = json.loads(_call(shop, installed, "inspect", "till.csv", "--json").stdout)
    assert (seen["platform"], seen["format"]) == ("tillworks", "Tillworks customers CSV")
    forced = _call(shop, installed, "inspect", "till.csv", "--source", "tillworks")
    assert "source: tillworks" in forced.stdout
    slip = _call(shop, installed, "inspect", "till.csv", "--source", "tilworks")
    assert "Did you mean `tillworks`?" in slip.stderr
    other = _call(shop, installed, "inspect", "till.csv", "--source", "shopify")
    assert "`--source tillworks`" in other.stderr
    words = json.loads(_call(shop, installed, "schema", "config").stdout)["$defs"]["customer_sync"]
    assert words["properties"]["source"]["enum"][-2:] == ["custom", "tillworks"]


def test_init_takes_it_for_the_source(shop: Path, installed: Path) -> None:
    """By what is in a file, or by its name."""
    seen = _call(shop, installed, "init", "seen.yaml", "--look-at", "till.csv", "--offline")
    named = _call(shop, installed, "init", "named.yaml", "--source", "tillworks")
    assert (seen.returncode, named.returncode) == (0, 0), seen.stderr + named.stderr
    for name in ("seen.yaml", "named.yaml"):
        assert "\n    source: tillworks\n" in (shop / name).read_text(encoding="utf-8")
        assert _call(shop, installed, "validate", name).returncode == 0


def test_it_has_no_shop_to_pull_from(shop: Path, installed: Path) -> None:
    """What is said of custom sources is said of it."""
    text = CONFIG.replace("source: tillworks", "source: tillworks\n    shop: {url: a.example.com}")
    (shop / "config.yaml").write_text(text, encoding="utf-8")
    told = _call(shop, installed, "validate", "config.yaml").stdout
    assert "Customers cannot be pulled from a tillworks source." in told


def test_without_the_package_its_names_are_unknown(shop: Path, tmp_path: Path) -> None:
    """The configuration says so, line by line."""
    told = _call(shop, tmp_path, "validate", "config.yaml")
    assert told.returncode == 3
    assert "`tillworks` is not allowed here" in told.stdout
    assert "`initial`" in told.stdout


# ---------------------------------------------------------------- packages that are broken

ODD_MODULE = """\
from customer_sync.core.platforms import PlatformName
from customer_sync.core.values.transforms import Kind, Transform
from customer_sync.notify.notifiers import Notifier
from customer_sync.platforms.format import Format

def _transform(name):
    return Transform(
        name=name, doc="", takes=Kind.TEXT, gives=Kind.TEXT, apply=lambda value, *_: value
    )

LOWER, FINE = _transform("lower"), _transform("fine")
FORMATS = (
    Format(
        name="Odd",
        platform=PlatformName("odd"),
        recognise=lambda sample: "",
        understand=lambda records, wanted: iter(()),
    ),
)
MIXED = (*FORMATS, "no format")
BELL = Notifier(scheme="bell", doc="", send=lambda address, letter: None)
"""


def _package(site: Path, name: str, **entries: str) -> None:
    """Put a package with *entries*, by group, where Python finds it."""
    site.mkdir(exist_ok=True)
    (site / "odd_module.py").write_text(ODD_MODULE, encoding="utf-8")
    dist = site / f"{name}-1.0.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = (f"[customer_sync.{group}]\n{entry}\n" for group, entry in entries.items())
    (dist / "entry_points.txt").write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("group", "entry", "complaint"),
    [
        ("transforms", "odd = absent_module:X", "cannot be loaded (ModuleNotFoundError"),
        ("transforms", "odd = os:sep", "is no Transform"),
        ("transforms", "odd = odd_module:FINE", "calls itself fine"),
        ("transforms", "lower = odd_module:LOWER", "has the name of a transform of ours"),
        ("transforms", "Odd! = odd_module:FINE", "has no name that can be used"),
        ("platforms", "odd = os:sep", "is no tuple of Formats"),
        ("platforms", "odd = odd_module:MIXED", "is no tuple of Formats"),
        ("platforms", "shopify = odd_module:FORMATS", "has the name of a platform of ours"),
        ("platforms", "other = odd_module:FORMATS", "has a format of the platform odd, not of"),
        ("notifiers", "bell = os:sep", "is no Notifier"),
        ("notifiers", "gong = odd_module:BELL", "is for addresses that begin with bell://"),
    ],
)
def test_a_broken_package_is_named(tmp_path: Path, group: str, entry: str, complaint: str) -> None:
    """With what is wrong with it and what to do, and no traceback."""
    _package(tmp_path / "site", "broken", **{group: entry})
    done = _call(tmp_path, tmp_path / "site", "explain", "CS111")
    assert done.returncode == 3
    assert done.stderr.startswith("error CS120: ")
    assert f"of the package broken {complaint}" in " ".join(done.stderr.split())
    assert "pip uninstall broken" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_packages_with_one_name_are_both_named(tmp_path: Path) -> None:
    """Neither wins by the order of installing."""
    site = tmp_path / "site"
    _package(site, "one", transforms="fine = odd_module:FINE")
    _package(site, "two", transforms="fine = odd_module:LOWER")
    told = _call(tmp_path, site, "explain", "CS111").stderr
    assert told.count("has the name of another one") == 2
    assert "pip uninstall one two" in told


def test_a_package_that_is_broken_adds_nothing_at_all(tmp_path: Path) -> None:
    """Nor does one beside it that is sound, for a run would be another one after mending."""
    site = tmp_path / "site"
    _package(
        site, "sound", transforms="fine = odd_module:FINE", platforms="odd = odd_module:FORMATS"
    )
    _package(site, "broken", notifiers="bell = absent_module:X")
    code = (
        "from customer_sync.core.platforms import platforms\n"
        "from customer_sync.core.values.transforms import TRANSFORMS\n"
        "from customer_sync.errors import ConfigError\n"
        "from customer_sync.notify.notifiers import notifiers\n"
        "from customer_sync.plugins import load_plugins\n"
        "try:\n"
        "    load_plugins()\n"
        "except ConfigError as error:\n"
        "    print(error.trouble, 'odd' in platforms(), 'fine' in TRANSFORMS, notifiers())\n"
    )
    assert _python(tmp_path, site, "-c", code).stdout.split() == ["CS120", "False", "False", "()"]


def test_sound_packages_are_added_once(tmp_path: Path) -> None:
    """However often it is asked for."""
    site = tmp_path / "site"
    _package(
        site, "sound", notifiers="bell = odd_module:BELL", platforms="odd = odd_module:FORMATS"
    )
    code = (
        "from customer_sync.core.platforms import platforms\n"
        "from customer_sync.notify.notifiers import notifiers\n"
        "from customer_sync.platforms.recognise import formats\n"
        "from customer_sync.plugins import load_plugins\n"
        "load_plugins()\n"
        "load_plugins()\n"
        "print(platforms()[-1], formats()[-1].name, len(notifiers()))\n"
    )
    assert _python(tmp_path, site, "-c", code).stdout.split() == ["odd", "Odd", "1"]


# ---------------------------------------------------------------- what fails at its work


def test_a_transform_that_fails_costs_its_field_and_tells_no_value() -> None:
    """Whatever it raises."""

    def fail(value: object, _argument: object, _context: Context) -> object:
        raise RuntimeError(value)

    odd = Transform(name="odd", doc="Fails.", takes=Kind.TEXT, gives=Kind.TEXT, apply=fail)
    with pytest.raises(TransformError) as caught:
        guarded_transform(odd).apply("jane@example.com", None, Context())
    assert "jane" not in caught.value.detail


def test_a_transform_may_say_itself_what_is_wrong() -> None:
    """Its own words reach the operator."""

    def refuse(_value: object, _argument: object, _context: Context) -> object:
        raise TransformError("is no number of a till")

    odd = Transform(name="odd", doc="Refuses.", takes=Kind.TEXT, gives=Kind.TEXT, apply=refuse)
    with pytest.raises(TransformError, match="no number of a till"):
        guarded_transform(odd).apply("x", None, Context())


def test_a_name_is_given_once() -> None:
    """What a mapping means does not depend on what else is installed."""
    taken = Transform(
        name="lower", doc="", takes=Kind.TEXT, gives=Kind.TEXT, apply=lambda value, *_: value
    )
    with pytest.raises(ValueError, match="lower"):
        add_transform(taken)


JANE = Record(
    place=Place(file="till.csv", line=2),
    content={"mail": "jane@example.com"},
    written_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def _understand_badly(records: object, _wanted: Wanted) -> Iterator[Record]:
    raise KeyError(records)
    yield


def _understand_nonsense(_records: object, _wanted: Wanted) -> Iterator[Record]:
    yield "jane@example.com"  # type: ignore[misc] # what a package without types may do


def _understand_nothing(records: Iterator[Record], _wanted: Wanted) -> Iterator[Record]:
    yield from records


def _format(understand: object) -> Format:
    return guarded_format(
        Format(
            name="Odd CSV",
            platform=PlatformName("odd"),
            recognise=lambda sample: sample.columns[9],
            understand=understand,  # type: ignore[arg-type] # the point of two of them
        )
    )


@pytest.mark.parametrize("understand", [_understand_badly, _understand_nonsense])
def test_a_format_that_fails_is_named_and_shows_no_record(understand: object) -> None:
    """Whatever it raises, or returns."""
    with pytest.raises(SourceError) as caught:
        list(_format(understand).understand(iter([JANE]), Wanted()))
    assert "The extension for odd failed: Odd CSV" in caught.value.message
    assert "jane" not in caught.value.message


def test_a_format_that_fails_to_recognise_names_the_file() -> None:
    """So that somebody sees which one to send along."""
    with pytest.raises(SourceError, match=r"with till\.csv: Odd CSV \(IndexError\)"):
        _format(_understand_nothing).recognise(Sample(name="till.csv"))


def test_trouble_with_the_file_itself_is_not_the_formats() -> None:
    """The reader's own error passes."""

    def broken() -> Iterator[Record]:
        raise SourceError("The file is torn.", trouble=Code.SOURCE_UNREADABLE)
        yield

    with pytest.raises(SourceError, match="torn"):
        list(_format(_understand_nothing).understand(broken(), Wanted()))


def _told(send: object) -> Answer:
    bell = Notifier(scheme="bell", doc="", send=send)  # type: ignore[arg-type] # some are none
    address = Secret("bell://a-secret")
    one = Installed("BELL_URL", address, bell)
    assert "a-secret" not in repr(one)
    answer = one.send(letter())
    one.close()
    return answer


def test_a_notifiers_address_is_shown_to_nobody() -> None:
    """Even where it says it itself."""
    answer = _told(lambda address, _: Answer(is_delivered=False, told=f"{address} is deaf"))
    assert answer == Answer(is_delivered=False, told="bell://*** is deaf")


def test_a_notifier_that_fails_may_be_tried_again() -> None:
    """Its words, which may hold the address, are not repeated."""

    def fail(address: str, _letter: Letter) -> Answer:
        raise RuntimeError(address)

    assert _told(fail) == Answer(is_delivered=False, told="bell failed (RuntimeError)")
    assert _told(lambda *_: None).told == "bell failed (AttributeError)"

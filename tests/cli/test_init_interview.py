"""init: asked or told, it writes a configuration that works, and shows what it would do."""

import io

import pytest

from customer_sync.clock import SystemClock
from customer_sync.config import Target, load
from customer_sync.core.model import AttributeType, DeleteBehavior, SourceName
from customer_sync.errors import BrevoUnavailable, ExitCode
from customer_sync.target import open_sandbox
from customer_sync.trouble import Code
from worlds import Result, World

CSV = """\
Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Total Spent,Total Orders,Tags
1,Ada,Example,ada@example.com,yes,10.50,2,vip
2,Ravi,Sample,ravi@example.com,no,0.00,0,
"""
"""What Shopify exports, with the columns that tell it."""


class _Terminal(io.TextIOWrapper):
    """Somebody who types these answers, one a line."""

    def __init__(self, *answers: str) -> None:
        super().__init__(io.BytesIO("".join(f"{answer}\n" for answer in answers).encode()))

    def isatty(self) -> bool:
        """Say that there is somebody."""
        return True


@pytest.fixture
def shop(embedded: World) -> World:
    """Return a folder with an export and without a configuration."""
    (embedded.folder / "config.yaml").unlink()
    (embedded.folder / "customers.csv").write_text(CSV, encoding="utf-8")
    return embedded


def _asked(
    world: World, monkeypatch: pytest.MonkeyPatch, *answers: str, options: tuple[str, ...] = ()
) -> Result:
    """Let somebody answer the interview; every answer has to be asked for."""
    terminal = _Terminal(*answers)
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdin", terminal)
        result = world.call("init", *options)
    assert terminal.read() == ""
    return result


def test_a_file_answers_for_source_and_mapping(shop: World) -> None:
    """What the file is taken for, and the fields that it fills, with their types."""
    made = shop.call("init", "--look-at", "customers.csv")
    config = load(shop.folder / "config.yaml")
    assert made.exit_code == 0
    assert (config.source, config.brevo.target) == (SourceName.SHOPIFY, Target.SANDBOX)
    types = {rule.attribute: rule.type for rule in config.rules}
    assert types["FIRSTNAME"] is None
    assert types["TOTAL_SPENT"] is AttributeType.FLOAT
    assert "2 records, 0 to be rejected" in made.err


def test_it_ends_with_a_dry_run_of_the_file(shop: World) -> None:
    """Which shows what would be created, masked, and changes nothing."""
    made = shop.call("init", "--look-at", "customers.csv")
    assert "This is what a run would do now" in made.out
    assert "FIRSTNAME" in made.out
    assert "ada@example.com" not in made.out
    assert shop.contacts() == {}


def test_it_says_how_to_do_what_was_shown(shop: World) -> None:
    """In the words of a shell, and with the configuration where it has a name of its own."""
    made = shop.call("init", "--look-at", "customers.csv")
    assert made.out.endswith("To do it: customer-sync run customers.csv\n")
    (shop.folder / "customers.csv").rename(shop.folder / "all customers.csv")
    made = shop.call("init", "other.yaml", "--look-at", "all customers.csv")
    told = "To do it: customer-sync run 'all customers.csv' --config other.yaml\n"
    assert made.out.endswith(told)


def test_what_would_be_refused_is_not_recommended(shop: World) -> None:
    """Here because the account does not let anybody in."""
    state = shop.folder / ".customer-sync"
    state.mkdir()
    with open_sandbox(state, SystemClock()) as sandbox:
        sandbox.inject("GET /contacts/attributes", status=401, times=9)
    made = shop.call("init", "--look-at", "customers.csv")
    assert made.exit_code == ExitCode.AUTH
    assert "To do it" not in made.out


def test_offline_nothing_is_tried(shop: World) -> None:
    """The file is still looked at."""
    made = shop.call("init", "--look-at", "customers.csv", "--offline")
    assert made.out == "config.yaml is written. Next: customer-sync validate config.yaml\n"
    assert load(shop.folder / "config.yaml").source is SourceName.SHOPIFY


def test_nobody_is_asked_without_a_terminal(shop: World) -> None:
    """Options and defaults are all there is."""
    made = shop.call("init")
    config = load(shop.folder / "config.yaml")
    assert made.exit_code == 0
    assert (config.source, config.brevo.target) == (SourceName.CUSTOM, Target.SANDBOX)
    assert config.policy.list_id is None


def test_somebody_is_asked_what_no_option_says(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File, target, list and deletions; the source is seen from the file."""
    made = _asked(shop, monkeypatch, "customers.csv", "", "7", "hard")
    config = load(shop.folder / "config.yaml")
    assert made.exit_code == 0
    assert (config.policy.list_id, config.policy.delete_behavior) == (7, DeleteBehavior.HARD)
    assert config.brevo.target is Target.SANDBOX


def test_without_a_file_the_source_is_asked(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enter takes what is offered."""
    _asked(shop, monkeypatch, "", "magento", "", "", "")
    config = load(shop.folder / "config.yaml")
    assert (config.source, config.policy.list_id) == (SourceName.MAGENTO, None)


def test_options_are_not_asked_again(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all of them, nothing is."""
    options = (
        *("--look-at", "customers.csv", "--target", "sandbox", "--list-id", "5"),
        *("--delete-behavior", "soft"),
    )
    assert _asked(shop, monkeypatch, options=options).exit_code == 0


def test_a_file_is_replaced_with_leave_only(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By --force, or by a yes; a no leaves it as it was."""
    config = shop.folder / "config.yaml"
    config.write_text("mine", encoding="utf-8")
    assert _asked(shop, monkeypatch, "n").exit_code == ExitCode.CONFIG
    assert shop.call("init").exit_code == ExitCode.CONFIG
    assert config.read_text(encoding="utf-8") == "mine"
    assert _asked(shop, monkeypatch, "y", "", "", "", "", "").exit_code == 0
    assert shop.call("init", "--force").exit_code == 0


def test_a_file_that_cannot_be_read_ends_it(shop: World) -> None:
    """Nothing is written."""
    refused = shop.call("init", "--look-at", "nowhere.csv")
    assert refused.exit_code == ExitCode.INPUT
    assert not (shop.folder / "config.yaml").exists()


# ---------------------------------------------------------------- with an account


def _live(world: World) -> tuple[str, ...]:
    """Return the options for the account of a world that is reached over HTTP."""
    assert world.url is not None
    (world.folder / "customers.csv").write_text(CSV, encoding="utf-8")
    return ("--target", "live", "--base-url", world.url, "--force")


def test_the_account_offers_its_lists(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that it does not have is asked for again."""
    made = _asked(served, monkeypatch, "", "", "", "99", "5", "", options=_live(served))
    assert "5  Customers" in made.err
    assert "no list" in made.err
    assert load(served.folder / "config.yaml").policy.list_id == 5


def test_the_account_gets_the_attributes_that_it_lacks(
    served: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If somebody says yes; then the dry run finds nothing missing."""
    answers = ("customers.csv", "", "5", "", "y")
    made = _asked(served, monkeypatch, *answers, options=_live(served))
    assert made.exit_code == 0
    assert "Created" in made.err
    assert served.call("attributes", "check").exit_code == 0


def test_scripts_say_by_option_whether_attributes_are_created(served: World) -> None:
    """Unasked, nothing is created in anybody's account."""
    options = (*_live(served), "--look-at", "customers.csv", "--list-id", "5")
    unasked = served.call("init", *options)
    assert "Later: customer-sync attributes create" in unasked.err
    assert served.call("attributes", "check").exit_code == ExitCode.REFUSED
    assert served.call("init", *options, "--create-attributes").exit_code == 0
    assert served.call("attributes", "check").exit_code == 0


def test_a_list_that_the_account_lacks_is_told(served: World) -> None:
    """Beside those that it has."""
    made = served.call("init", *_live(served), "--list-id", "77")
    assert "no list 77; it has: " in made.err
    assert "5 (Customers)" in made.err


def test_without_its_key_the_account_is_not_asked(
    served: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of the variable is enough to write the file."""
    monkeypatch.delenv("OTHER_KEY", raising=False)
    options = (*_live(served), "--key-variable", "OTHER_KEY", "--look-at", "customers.csv")
    made = served.call("init", *options)
    assert made.exit_code == 0
    assert "OTHER_KEY is not set" in made.err
    assert load(served.folder / "config.yaml").brevo.api_key_variable == "OTHER_KEY"


def test_a_key_in_place_of_its_name_gets_into_no_file(served: World) -> None:
    """Nor is it repeated."""
    refused = served.call("init", *_live(served), "--key-variable", "xkeysib-0123456789")
    assert refused.exit_code == ExitCode.CONFIG
    assert "xkeysib" not in refused.err


def test_an_account_that_is_away_does_not_hold_up(
    embedded: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is written, and tried another time."""
    monkeypatch.setenv("BREVO_API_KEY", "key")
    monkeypatch.setattr("customer_sync.cli.interview.with_account", _is_away)
    made = embedded.call("init", "--target", "live", "--force")
    assert made.exit_code == 0
    assert "cannot be asked now: Nobody answers." in made.err
    assert "Next: customer-sync validate" in made.out


def _is_away(*_: object) -> None:
    raise BrevoUnavailable("Nobody answers.", trouble=Code.BREVO_UNAVAILABLE)

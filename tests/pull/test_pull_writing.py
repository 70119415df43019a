"""Pulled customers as a file."""

import io
import stat
from pathlib import Path

import pytest

from customer_sync.clock import SimulatedClock
from customer_sync.config import SourceName
from customer_sync.core.model import Rejection
from customer_sync.errors import SourceError
from customer_sync.platforms.reading import read
from customer_sync.pull.writing import lines, room_for
from customer_sync.trouble import Code
from pull_looking import Fetch
from shop_emulators import ShopifyShop, WooShop, shopify_customer, woo_customer


def test_a_file_is_private_and_whole(tmp_path: Path) -> None:
    """Until all is written there is none under its name."""
    path = tmp_path / "customers.jsonl"
    with room_for(path) as file:
        file.write("{}\n")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "{}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def _fail_while_writing(path: Path, error: BaseException) -> None:
    with room_for(path) as file:
        file.write("new")
        raise error


@pytest.mark.parametrize(
    "error", [SourceError("gone", trouble=Code.SOURCE_UNREADABLE), KeyboardInterrupt()]
)
def test_a_failure_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    """And nothing else."""
    path = tmp_path / "customers.jsonl"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(type(error)):
        _fail_while_writing(path, error)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_pull_left_is_begun_anew(tmp_path: Path) -> None:
    """Nothing of it gets into the result, nor its permissions."""
    part = tmp_path / ".customers.jsonl.part"
    part.write_text("a long line of somebody else's\n", encoding="utf-8")
    part.chmod(0o644)
    path = tmp_path / "customers.jsonl"
    with room_for(path) as file:
        file.write("{}\n")
    assert path.read_text(encoding="utf-8") == "{}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_killed_pull_left_is_no_source(tmp_path: Path, clock: SimulatedClock) -> None:
    """Neither of a folder nor of a glob."""
    (tmp_path / ".customers.jsonl.part").write_text("{}\n", encoding="utf-8")
    for source in (str(tmp_path), f"{tmp_path}/*"):
        with pytest.raises(SourceError):
            read([source], stdin=io.BytesIO(), now=clock.now())


def test_two_pulls_do_not_write_one_file(tmp_path: Path) -> None:
    """The second is told."""
    path = tmp_path / "customers.jsonl"
    with room_for(path) as file:
        file.write("{}\n")
        with pytest.raises(SourceError, match="Another pull"), room_for(path):
            pass
    assert path.read_text(encoding="utf-8") == "{}\n"


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    """Whatever it leads to stays as it is."""
    victim = tmp_path / "victim"
    victim.write_text("mine", encoding="utf-8")
    (tmp_path / ".customers.jsonl.part").symlink_to(victim)
    with room_for(tmp_path / "customers.jsonl") as file:
        file.write("{}\n")
    assert victim.read_text(encoding="utf-8") == "mine"


def test_a_place_that_is_none_is_told(tmp_path: Path) -> None:
    """Before anything is pulled."""
    with pytest.raises(SourceError, match="cannot be written"), room_for(tmp_path / "no" / "file"):
        pass


def test_the_file_is_read_as_what_was_pulled(
    fetch: Fetch, tmp_path: Path, clock: SimulatedClock
) -> None:
    """Record by record."""
    shop = ShopifyShop(customers=[shopify_customer(n, firstName="Zoë 🌻") for n in (1, 2)])
    pulled = fetch(SourceName.SHOPIFY, shop.transport)
    path = tmp_path / "customers.jsonl"
    with room_for(path) as file:
        file.writelines(lines(pulled))
    back = list(read([str(path)], stdin=io.BytesIO(), now=clock.now()))
    assert [one.content for one in back] == [one.content for one in pulled.records()]


def test_what_cannot_be_used_stays_in_the_file(fetch: Fetch, clock: SimulatedClock) -> None:
    """With its place and the rule, as in a rejects file."""
    shop = ShopifyShop(
        customers=[shopify_customer(1), shopify_customer(2, id="gid://shopify/Order/9")]
    )
    pulled = fetch(SourceName.SHOPIFY, shop.transport)
    kinds = [isinstance(one, Rejection) for one in pulled.records()]
    assert sorted(kinds) == [False, True]
    assert (pulled.count, pulled.rejections) == (2, 1)
    [rejected] = [line for line in lines(pulled) if "rejected" in line]
    assert '"file": "shopify:"' in rejected


def test_what_is_kept_meanwhile_has_no_name(fetch: Fetch, clock: SimulatedClock) -> None:
    """Nobody finds customers in the folder for temporary files, also after a crash."""
    pulled = fetch(SourceName.WOOCOMMERCE, WooShop(customers=[woo_customer(1)]).transport)
    assert not isinstance(pulled.kept.name, str)

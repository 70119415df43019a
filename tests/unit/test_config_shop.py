"""The block `shop`: where customers are pulled from."""

from datetime import timedelta
from pathlib import Path

import pytest

from customer_sync.config import ShopSettings, SourceName, check, load, template

SNAKE = """\
skills:
  customer-sync:
    source: {source}
    shop:
      url: https://shop.example.com/
{lines}
"""


def told(tmp_path: Path, source: str, *lines: str, url: str = "") -> list[str]:
    """Return the problems of a configuration with these lines in its block."""
    path = tmp_path / "config.yaml"
    text = SNAKE.format(source=source, lines="\n".join(f"      {line}" for line in lines))
    path.write_text(text.replace("https://shop.example.com/", url) if url else text, "utf-8")
    return [f"{problem.message} {problem.hint}" for problem in check(path)[1]]


def understood(tmp_path: Path, source: str, *lines: str) -> ShopSettings:
    """Return what such a configuration says."""
    assert told(tmp_path, source, *lines) == []
    shop = load(tmp_path / "config.yaml").shop
    assert shop is not None
    return shop


def test_an_address_is_enough(tmp_path: Path) -> None:
    """Everything else has its default."""
    assert understood(tmp_path, "shopify") == ShopSettings(url="https://shop.example.com")


def test_without_the_block_there_is_no_shop(tmp_path: Path) -> None:
    """Files are all there is."""
    path = tmp_path / "config.yaml"
    path.write_text("skills: {customer-sync: {source: shopify}}", encoding="utf-8")
    assert load(path).shop is None


@pytest.mark.parametrize(
    "lines",
    [
        ("api_version: 2026-10", "client_id: ${A}", "client_secret: ${B}", "page_size: 50"),
        ("apiVersion: 2026-10", "clientId: ${A}", "clientSecret: ${B}", "pageSize: 50"),
    ],
)
def test_both_spellings_are_understood(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """As everywhere."""
    assert understood(tmp_path, "shopify", *lines, "overlap: 1h") == ShopSettings(
        url="https://shop.example.com",
        api_version="2026-10",
        client_id_variable="A",
        client_secret_variable="B",
        page_size=50,
        overlap=timedelta(hours=1),
    )


def test_other_platforms_have_keys_of_their_own(tmp_path: Path) -> None:
    """Each is understood where it belongs."""
    woo = understood(tmp_path, "woocommerce", "consumer_key: ${K}", "consumer_secret: ${S}")
    assert (woo.consumer_key_variable, woo.consumer_secret_variable) == ("K", "S")
    magento = understood(tmp_path, "magento", "store_code: eu", "access_token: ${T}")
    assert (magento.store_code, magento.access_token_variable) == ("eu", "T")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("shopify", "access_token: shpat_0123456789abcdef"),
        ("shopify", "client_secret: shpss_0123456789abcdef"),
        ("woocommerce", "consumer_key: ck_0123456789abcdef"),
        ("woocommerce", "consumer_secret: cs_0123456789abcdef"),
        ("magento", "access_token: k7x2m9q4w8e1r5t3"),
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(
    tmp_path: Path, source: str, line: str
) -> None:
    """It belongs into the environment."""
    [problem] = [p for p in told(tmp_path, source, line) if "secret must not" in p]
    assert line.split(": ")[1] not in problem
    assert "${" in problem


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com",
        "https://me:secret@shop.example.com",
        "shop.example.com",
        "ftp://shop.example.com",
        "https://shop.example.com/?key=me:secret",
    ],
)
def test_an_address_must_be_encrypted_and_bare(tmp_path: Path, url: str) -> None:
    """Customers and secrets travel there."""
    problems = told(tmp_path, "shopify", url=url)
    assert len(problems) == 1
    assert "me:secret" not in problems[0]


def test_this_machine_needs_no_encryption(tmp_path: Path) -> None:
    """A shop for trying things out is no secret to itself."""
    assert told(tmp_path, "shopify", url="http://127.0.0.1:8080") == []


@pytest.mark.parametrize(
    ("source", "lines", "problem"),
    [
        ("custom", (), "cannot be pulled"),
        ("shopify", ("consumer_key: ${K}",), "`consumer_key` means nothing for shopify"),
        ("woocommerce", ("access_token: ${K}",), "`access_token` means nothing"),
        ("magento", ("apiVersion: 2026-07",), "`api_version` means nothing"),
        ("shopify", ("client_id: ${A}",), "belong together"),
        (
            "shopify",
            ("client_id: ${A}", "client_secret: ${B}", "access_token: ${C}"),
            "none is needed",
        ),
        ("shopify", ("api_version: 2026-05",), "first month of a quarter"),
        ("magento", ("store_code: ../admin",), "letters, digits"),
        ("shopify", ("page_size: 1",), "too small"),
        ("shopify", ("overlap: 0m",), "too short"),
        ("shopify", ("domain: x",), "no key `domain`"),
    ],
)
def test_what_is_wrong_is_told(
    tmp_path: Path, source: str, lines: tuple[str, ...], problem: str
) -> None:
    """With what to do."""
    problems = told(tmp_path, source, *lines)
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize("source", [one for one in SourceName if one is not SourceName.CUSTOM])
def test_the_first_configuration_shows_the_block(tmp_path: Path, source: SourceName) -> None:
    """And it is right as soon as its comment marks are gone."""
    text = template(source=source)
    path = tmp_path / "config.yaml"
    assert "    # shop:\n    #   url: " in text
    path.write_text(text.replace("    # shop:\n    #   url: ", "    shop:\n      url: "), "utf-8")
    shop = load(path).shop
    assert shop is not None
    assert shop.url.startswith("https://")

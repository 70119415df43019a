"""The documentation site: it is built without a warning, asks nothing of others, and is current."""

import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reference_pages import commands_page, configuration_page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FETCHING = {"link": "href", "script": "src", "img": "src", "source": "src", "iframe": "src"}
"""Elements that a browser fetches something for, and the attribute that says where from."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site; any warning, such as a link that leads nowhere, fails."""
    folder = tmp_path_factory.mktemp("site")
    sphinx = (sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html")
    finished = subprocess.run(
        [*sphinx, "-d", folder / "doctrees", DOCS, folder / "html"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return folder / "html"


def test_every_page_is_on_the_site(site: Path) -> None:
    """With a way to it from the first page, or the build would warn."""
    written = {page.stem for page in DOCS.glob("*.md")}
    assert written <= {page.stem for page in site.glob("*.html")}


class _Fetched(HTMLParser):
    """Collects the addresses that a page makes a browser ask."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element fetches."""
        wanted = FETCHING.get(tag)
        self.addresses += [value or "" for name, value in attrs if name == wanted]


def test_the_site_asks_nobody_else(site: Path) -> None:
    """It can be read without a network: scripts, styles, fonts and pictures come along."""
    for page in site.glob("*.html"):
        fetched = _Fetched()
        fetched.feed(page.read_text(encoding="utf-8"))
        assert fetched.addresses
        foreign = [one for one in fetched.addresses if re.match(r"(?:[a-z]+:)?//", one)]
        assert foreign == [], page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", style.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "write"),
    [("configuration.md", configuration_page), ("commands.md", commands_page)],
    ids=["configuration", "commands"],
)
def test_the_reference_is_what_the_program_says(
    name: str, write: Callable[[], str], request: pytest.FixtureRequest
) -> None:
    """`--update-golden` writes it anew."""
    page, written = DOCS / name, write()
    if request.config.getoption("--update-golden"):
        page.write_text(written, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == written


@pytest.mark.parametrize("name", ["README.md", "README.ko.md", "CHANGELOG.md"])
def test_the_links_beside_the_site_lead_somewhere(name: str) -> None:
    """What the build does not read links to files that are there."""
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    missing = [target for target in targets if not (ROOT / target).exists()]
    assert missing == []

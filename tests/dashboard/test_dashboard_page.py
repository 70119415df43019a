"""The page in a real browser: whole by itself, on a phone, in the dark, for whoever listens."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # has none
from playwright.sync_api import Browser, Page

from browsing import browsing
from customer_sync.core.figures import PastRun, Trouble
from customer_sync.core.model import RatePlan
from customer_sync.core.standing import Standing
from customer_sync.monitoring.dashboard import render_page
from customer_sync.monitoring.watching import Past, budgets_of, overview
from figures_builders import NOON, past_run

HOSTILE = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>\"'--></style>"

Opening = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield one browser for all of these tests."""
    with browsing() as opened:
        yield opened


@pytest.fixture
def opening(browser: Browser, tmp_path: Path) -> Iterator[Opening]:
    """Yield what opens a page that asks for nothing and complains of nothing."""
    pages: list[Page] = []
    heard: list[str] = []

    def open_(content: str, *, width: int = 1200, scheme: str = "light") -> Page:
        (tmp_path / "report.html").write_text(content, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url))
        page.goto(file_uri(tmp_path))
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.context.close()
    assert heard == [file_uri(tmp_path)] * len(pages)


def file_uri(folder: Path) -> str:
    """Return where the page stands."""
    return (folder / "report.html").as_uri()


def month_of(*runs: PastRun, standing: Standing | None = None) -> Past:
    """Return a month that ends at noon."""
    since = NOON - timedelta(days=30)
    latencies = [(run.started_at, 90.0 + i * 600) for i, run in enumerate(reversed(runs))]
    return Past(
        since=since,
        until=NOON,
        runs=runs,
        latencies=latencies,
        standing=standing or Standing(last_run=runs[0] if runs else None),
    )


def page_of(past: Past) -> str:
    """Return the page about a past."""
    seen = overview(past, target="sandbox", budgets=budgets_of(RatePlan.GENERAL))
    return render_page(seen, since="30d")


def busy() -> Past:
    """Return a month with a little of everything."""
    trouble = Trouble(kind="deferred", message="no answer", hint="Run again.", code="x")
    runs = [
        past_run(
            at=NOON - timedelta(days=n, hours=1),
            exit_code=6 if n == 9 else 0,
            applied=5 + n % 4,
            kept=7,
            deferred=n % 3,
            requests={"GET /contacts": 10, "POST /contacts/lists/{listId}/contacts/remove": 2},
            failed_requests={"GET /contacts": n % 5},
            broken_rules={"format": 1},
            notes={"edited in Brevo since; the shop's value was written": 2},
            consent={"blocked": 1},
            stages={"read": 1.5, "apply": 12.0},
            queue_depth=n % 6,
            errors=(trouble,),
        )
        for n in range(28)
    ]
    return month_of(*runs, standing=Standing(last_run=runs[0], dead_letters=2))


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_shut_out(opening: Opening, width: int, scheme: str) -> None:
    """The accessibility checker finds nothing to complain of, with everything unfolded."""
    page = opening(page_of(busy()), width=width, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"]})
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("past", [busy, month_of], ids=["busy", "empty"])
def test_a_phone_need_not_scroll_sideways(opening: Opening, past: Callable[[], Past]) -> None:
    """At 360 pixels; wide tables scroll by themselves."""
    page = opening(page_of(past()), width=360)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_dark_is_dark(opening: Opening) -> None:
    """Whoever asked for it gets light letters on a dark ground, in the drawings too."""
    colours = {}
    for scheme in ("light", "dark"):
        page = opening(page_of(busy()), scheme=scheme)
        colours[scheme] = page.evaluate(
            """() => {
                const sum = c => c.match(/[0-9.]+/g).slice(0, 3).reduce((a, b) => a + +b, 0);
                const of = (e, p) => sum(getComputedStyle(document.querySelector(e))[p]);
                return [of('body', 'backgroundColor'), of('body', 'color'),
                        of('figure svg text', 'fill')];
            }"""
        )
        page.close()
    (light_ground, light_ink, light_drawn), (ground, ink, drawn) = colours.values()
    for bright, dim in ((light_ground, light_ink), (ink, ground), (drawn, light_drawn)):
        assert bright > 600
        assert dim < 200


def test_what_comes_from_outside_is_never_carried_out(opening: Opening) -> None:
    """Wherever it stands: it is text."""
    run = past_run(
        at=NOON - timedelta(hours=1),
        exit_code=6,
        requests={HOSTILE: 1},
        broken_rules={HOSTILE: 1},
        notes={HOSTILE: 1},
        consent={HOSTILE: 1},
        stages={HOSTILE: 1.0},
        errors=(Trouble(kind=HOSTILE, message=HOSTILE, hint=HOSTILE, code=HOSTILE),),
    )
    page = opening(page_of(month_of(run)))
    assert page.evaluate("window.hit") is None
    assert page.locator("main script, main img, main style").count() == 0
    assert page.locator(".troubles").inner_text().count(HOSTILE) == 4


def test_what_is_to_be_typed_is_set_as_code(opening: Opening) -> None:
    """Without the backticks that a terminal shows; one alone is a character like others."""
    alone = Trouble(kind="CustomerSyncError", message="x", hint="Mend the ` of the shop.")
    advised = Trouble(kind="deferred", message="no answer", hint="Do `customer-sync retry` <now>.")
    run = past_run(at=NOON - timedelta(hours=1), exit_code=6, errors=(alone, advised))
    first, second = opening(page_of(month_of(run))).locator(".remedy").all()
    assert first.inner_text() == "What to do: Mend the ` of the shop."
    assert second.inner_text() == "What to do: Do customer-sync retry <now>."
    assert second.locator("code").inner_text() == "customer-sync retry"


def test_every_drawing_has_its_table(opening: Opening) -> None:
    """With a row for every stretch of time, the last of which ends now."""
    page = opening(page_of(busy()))
    assert page.locator("figure svg").count() == 4
    last = []
    for number in range(4):
        figure = page.locator("figure").nth(number)
        figure.locator("summary").click()
        assert figure.locator("table").is_visible()
        assert figure.locator("tbody tr").count() == 30
        last.append(figure.locator("tbody tr").last.locator("td").all_inner_texts())
    assert last == [["100%"], ["4.53 h", "4.53 h", "4.53 h"], ["0%"], ["0"]]


def test_letters_in_drawings_can_be_read_on_a_phone(opening: Opening) -> None:
    """None is smaller than nine pixels."""
    page = opening(page_of(busy()), width=360)
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll('figure svg text')].map(t => {
            const svg = t.ownerSVGElement;
            return parseFloat(getComputedStyle(t).fontSize)
                * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
        }))"""
    )
    assert smallest >= 9


def test_an_empty_month_is_a_page_too(opening: Opening) -> None:
    """It says what there is to say: nothing has run."""
    page = opening(page_of(month_of()))
    assert "no run has ended yet" in page.locator(".verdict").inner_text()
    assert "There was no run." in page.locator("main").inner_text()

"""Draw docs/dashboard.png: the page of `report --html` after a month in the sandbox."""

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browsing import browsing  # noqa: E402 - found only now
from customer_sync.core.model import RatePlan  # noqa: E402 - as above
from customer_sync.monitoring.dashboard import render_page  # noqa: E402 - as above
from customer_sync.monitoring.watching import budgets_of, look, overview  # noqa: E402 - as above
from month import a_month  # noqa: E402 - as above

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAYS = 30


def page(folder: Path) -> str:
    """Return the page about a month that ends at noon."""
    month = a_month(folder, end=END, days=DAYS, runs_per_day=4)
    with month.shop.memory() as store:
        past = look(store, month.shop.state / "lock", since=timedelta(days=DAYS), now=month.now)
    seen = overview(past, target="sandbox", budgets=budgets_of(RatePlan.EXTENDED))
    return render_page(seen, since=f"{DAYS}d")


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "report.html"
        file.write_text(page(Path(name)), encoding="utf-8")
        with browsing() as browser:
            shown = browser.new_page(viewport={"width": 1000, "height": 1400})
            shown.goto(file.as_uri())
            shown.screenshot(path=ROOT / "docs" / "dashboard.png")


if __name__ == "__main__":
    main()

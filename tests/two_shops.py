"""The same shop twice, whose runs differ in a way that must make no difference."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from zlib import crc32

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from customer_sync.core.model import Limit, Write
from customer_sync.run.edges import RunOptions
from customer_sync.run.report import RunReport
from session_stage import Shop, event

CUSTOMERS = tuple(f"c{n}" for n in range(6))
ADDRESSES = tuple(f"p{n}@example.com" for n in range(8))
EXPORT = RunOptions(is_complete=True, max_deletes=Limit(count=100))
BOM = "\ufeff"
"""A file that begins with it is always read as a whole."""


def ending_a_block(line: str) -> str:
    """Return *line* with blanks behind it, so many that a block ends with it."""
    for blanks in range(2**16):
        padded = line + "".join(" \t"[blanks >> bit & 1] for bit in range(16))
        if not crc32(f"{padded}\n".encode()) & 1023:
            return padded
    raise AssertionError(line)


class TwoShops(RuleBasedStateMachine):
    """The same shop twice; the export of one is read as a whole every time."""

    def options(self, _shop: Shop, options: RunOptions) -> RunOptions:
        """Return the options of a run of one of the shops."""
        return options

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp())
        self.one, self.other = Shop(self.folder / "one"), Shop(self.folder / "other")
        self.rows: dict[str, dict[str, object]] = {}
        self.lines: dict[str, str] = {}
        for shop in (self.one, self.other):
            shop.folder.mkdir()

    def teardown(self) -> None:
        """Throw both away."""
        shutil.rmtree(self.folder)

    @initialize(numbers=st.lists(st.sampled_from(range(6)), min_size=2, unique=True))
    def open(self, numbers: list[int]) -> None:
        """Sell something to a few, and let an export of them be found right."""
        for number in numbers:
            self.say(CUSTOMERS[number], {"email": ADDRESSES[number]})
        for _ in range(3):
            self.export()

    # ------------------------------------------------------------ what happens

    def say(self, customer: str, fields: Mapping[str, object]) -> None:
        """Let the shop say something about a customer."""
        self.later(60)
        now = self.one.clock.now().isoformat()
        known = self.rows.get(customer, {"id": customer})
        self.rows[customer] = {**known, **fields, "updatedAt": now}
        self.lines[customer] = ending_a_block(json.dumps(self.rows[customer]))

    def meet(self) -> None:
        """Let a minute pass, and the clock that is behind catch up."""
        clocks = [shop.clock for shop in (self.one, self.other)]
        latest = max(clock.now() for clock in clocks)
        for clock in clocks:
            clock.advance((latest - clock.now()).total_seconds() + 60)

    def later(self, seconds: float) -> None:
        """Let time pass for both."""
        for shop in (self.one, self.other):
            shop.clock.advance(seconds)

    @rule(
        customer=st.sampled_from(CUSTOMERS),
        fields=st.fixed_dictionaries(
            {},
            optional={
                "firstName": st.sampled_from(("Ann", "Bob", None)),
                "phone": st.sampled_from(("+12025550101", "12", None)),
                "acceptsMarketing": st.booleans(),
            },
        ),
    )
    def change(self, customer: str, fields: dict[str, object]) -> None:
        """Change a customer, or let one come (back)."""
        self.say(customer, {"email": ADDRESSES[CUSTOMERS.index(customer)]} | fields)

    @rule(customer=st.sampled_from(CUSTOMERS), email=st.sampled_from(ADDRESSES))
    def move(self, customer: str, email: str) -> None:
        """Give a customer another address, perhaps one that somebody has."""
        self.say(customer, {"email": email})

    @rule(customer=st.sampled_from(CUSTOMERS))
    def leave(self, customer: str) -> None:
        """Take a customer out of the export."""
        self.rows.pop(customer, None)
        self.lines.pop(customer, None)

    @rule(
        email=st.sampled_from(ADDRESSES),
        body=st.sampled_from(({"emailBlacklisted": True}, {"attributes": {"FIRSTNAME": "Eve"}})),
    )
    def meddle(self, email: str, body: dict[str, object]) -> None:
        """Change a contact in Brevo's pages."""
        self.later(60)
        for shop in (self.one, self.other):
            if email in shop.contacts():
                with shop.sandbox() as sandbox:
                    sandbox.edit(email, body)

    @rule(hours=st.sampled_from((1, 24 * 8)))
    def wait(self, hours: int) -> None:
        """Let time pass, perhaps until a full listing is due."""
        self.later(3600 * hours)

    @rule(status=st.sampled_from((400, 503)))
    def break_a_request(self, status: int) -> None:
        """Let the next writes fail; what they were to do waits in the queue."""
        for shop in (self.one, self.other):
            for route in ("POST /contacts", "PUT /contacts/{identifier}", "POST /contacts/batch"):
                shop.break_requests(route, status=status, times=20)
        self.export()

    @rule(customer=st.sampled_from(CUSTOMERS), email=st.sampled_from(ADDRESSES))
    def tell(self, customer: str, email: str) -> None:
        """Run an event by itself, beside the export, perhaps one that is old by now."""
        self.later(60)
        at = self.one.clock.now().isoformat()
        told = event("updated", customer, at=at, email=email, lastName="Told")
        self.both("events.jsonl", [json.dumps(told)], RunOptions())

    @rule()
    def export(self) -> None:
        """Run the export, in the order of the customers' numbers."""
        lines = [self.lines[customer] for customer in sorted(self.lines)]
        self.both("export.jsonl", lines, EXPORT)

    # ------------------------------------------------------------ what must be

    def both(self, name: str, lines: list[str], options: RunOptions) -> None:
        """Run the same lines in both shops, and compare what came of it."""
        self.meet()
        plans: list[tuple[Write, ...]] = []
        reports = []
        for shop, mark in ((self.one, ""), (self.other, BOM)):
            path = shop.folder / name
            path.write_text(mark + "".join(f"{line}\n" for line in lines), encoding="utf-8")
            reports.append(
                shop.run(
                    sources=(str(path),),
                    options=self.options(shop, options),
                    on_planned=lambda planned: plans.append(planned.plan.writes),
                )
            )
        assert told(reports[0]) == told(reports[1])
        one, other = ([written(change) for change in plan] for plan in plans)
        assert one == other
        assert self.one.holds() == self.other.holds()


def written(change: Write) -> tuple[object, ...]:
    """Return what both plans have to agree on: all but the times of what was found out."""
    return type(change), change.customer.email, change.patch, change.fields, change.notes


def told(report: RunReport) -> dict[str, object]:
    """Return what both reports have to agree on: all but requests, times and places."""
    whole = report.to_builtins()
    assert isinstance(whole, dict)
    counts = ("records_read", "rejections", "folded", "retried", "warnings", "withheld", "drift")
    others = ("plan", "outcomes", "skipped", "notes", "queue_depth", "exit_code")
    return {name: whole[name] for name in (*counts, *others)}

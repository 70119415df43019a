"""One person's story on the screen."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from customer_sync.core.model import Change, Contact, FieldChange, Keep, Rejection, Skip
from customer_sync.core.proving.story import Passage, Verdict
from customer_sync.core.undoing.past import Tried
from customer_sync.privacy import mask_text, printable
from customer_sync.proof.explaining import Desired, Heard, Story


def print_story(
    console: Console, who: str, story: Story, *, spare: str | None, show_pii: bool
) -> None:
    """Print *story* in the order of the pipeline; of addresses only *spare* is shown in full."""
    _Page(console, spare=spare, show_pii=show_pii).tell(who, story)


class _Page:
    """Prints what is already known, with every text masked and harmless to the terminal."""

    def __init__(self, console: Console, *, spare: str | None, show_pii: bool) -> None:
        self._console = console
        self._spare = spare
        self._show_pii = show_pii

    def tell(self, who: str, story: Story) -> None:
        """Print all chapters; of one without content, that there is none."""
        if not story.is_anybody:
            self._say(f"Nothing is known of {who}: no record, no memory, no contact.")
            return
        names = [*story.emails, *(f"id {one}" for one in story.ids)]
        self._say(f"{who}, known as {', '.join(names)}" if names else who, style="bold")
        self._chapter("Records", "none in these sources", story.heard)
        for heard in story.heard:
            self._record(heard)
        self._chapter("What the shop says", "nothing", story.desired or story.left_alone)
        for desired in story.desired:
            self._desired(desired)
        for skip in story.left_alone:
            self._say(f"  left alone: {skip.reason.value}")
        self._remembered(story)
        self._chapter("What a run of these sources would do", "nothing", story.changes)
        for change in story.changes:
            self._change(change, indent="  ")
        self._chapter("Where verify has it", "nowhere", story.standings)
        for standing, entry in story.standings:
            self._say(f"  {standing}" + (f": {entry.why}" if entry.why else ""))
        self._chapter("What Brevo holds", "no contact", story.observed)
        for contact in story.observed:
            self._contact(contact)

    # ------------------------------------------------------------ chapters

    def _record(self, heard: Heard) -> None:
        record = heard.record
        if isinstance(record, Rejection):
            self._say(f"  {record.place}  rejected", style="red")
            for problem in record.problems:
                self._say(
                    f"      {problem.pointer or '/'} ({problem.rule}, {problem.trouble}): "
                    f"{problem.detail}"
                )
            return
        event = record.event
        known_as = " ".join(
            part
            for part in (f"id {event.customer_id}" if event.customer_id else "", event.email or "")
            if part
        )
        self._say(f"  {event.place}  {event.trigger.value}  {_time(event.occurred_at)}  {known_as}")
        for passage in heard.passages:
            if passage.is_mentioned or passage.is_said:
                self._passage(passage)
        told = {detail for passage in heard.passages for detail in passage.warnings}
        for warning in record.statement.warnings:
            if warning.detail not in told:
                self._say(f"      {warning.field}: {warning.detail}", style="yellow")

    def _passage(self, passage: Passage) -> None:
        way = "".join(f" → {step.name} {_value(value)}" for step, value in passage.steps)
        end = f" → {passage.attribute} {_value(passage.value)}" if passage.is_said else ""
        self._say(f"      {passage.field} {_value(passage.raw)}{way}{end}")
        for warning in passage.warnings:
            self._say(f"        {warning}", style="yellow")

    def _desired(self, desired: Desired) -> None:
        customer = desired.customer
        state = "deleted" if customer.is_deleted else "a customer"
        since = f" since {_time(customer.deleted_at)}" if customer.is_deleted else ""
        self._say(f"  {customer.email}: {state}{since}")
        if desired.verdicts:
            self._verdicts(desired.verdicts)
        for one in desired.consents:
            ours = f", by us for {_time(one.our_block_at)}" if one.our_block_at else ""
            self._say(
                f"  {one.channel}: the shop says {one.shop_says}, Brevo holds {one.brevo_holds}"
                f"{ours}; written: {one.written}, as {one.why}"
            )

    def _verdicts(self, verdicts: Iterable[Verdict]) -> None:
        rows = []
        for one in verdicts:
            said_by = str(one.said_by) if one.said_by else "an earlier run"
            others = ", ".join(f"{w.place} {_value(w.value)}" for w in one.overruled)
            rows.append((one.name, _value(one.value), _time(one.at), said_by, others))
        self._table(("", "value", "said at", "by", "overruled"), rows)

    def _remembered(self, story: Story) -> None:
        known = story.remembered
        anything = known.confirmed or known.waiting or known.journal
        self._chapter("What the state remembers", "nothing", anything)
        for one in known.confirmed:
            state = "confirmed as deleted" if one.is_deleted else "confirmed"
            self._say(f"  {one.email}: {state} by news of {_time(one.last_at)}")
            for name, refused in one.refused.items():
                self._say(f"      {name} {_value(refused)} was refused by Brevo", style="yellow")
        for item in known.waiting:
            when = "given up" if item.is_dead else f"next try {_time(item.next_at)}"
            self._say(
                f"  {item.customer.email}: waits, {item.attempts} attempts, {when}: {item.error}",
                style="yellow",
            )
        for run_id, tried in known.journal:
            self._tried(run_id, tried)
        for names, what in (
            (known.suppressed.mail, "must not come back mailable"),
            (known.suppressed.sms, "must not come back open to SMS"),
            (known.suppressed.erased, "was erased"),
        ):
            for email in sorted(names):
                self._say(f"  {email}: {what}, says the suppression ledger")

    def _tried(self, run_id: str, tried: Tried) -> None:
        detail = f": {tried.detail}" if tried.detail else ""
        ended = f"{tried.outcome or 'no outcome yet'}{detail}"
        self._say(f"  run {run_id}  by {tried.route}  {_time(tried.intended_at)}  {ended}")
        self._change(tried.change, indent="      ")

    def _change(self, change: Change, *, indent: str) -> None:
        kind = type(change).__name__.lower()
        if isinstance(change, Skip):
            self._say(f"{indent}{kind}: {change.reason.value}")
            return
        self._say(f"{indent}{kind} {change.customer.email}")
        for one in () if isinstance(change, Keep) else change.fields:
            self._say(f"{indent}    {_field(one)}")
        for note in change.notes:
            self._say(f"{indent}    note: {note.value}")

    def _contact(self, contact: Contact) -> None:
        self._say(f"  contact {contact.id}, {contact.email or 'without address'}")
        for name, value in sorted(contact.attributes.items()):
            self._say(f"      {name} {_value(value)}")
        lists = ", ".join(map(str, sorted(contact.list_ids))) or "none"
        self._say(f"      lists: {lists}")
        if contact.unsubscribed_list_ids:
            left = ", ".join(map(str, sorted(contact.unsubscribed_list_ids)))
            self._say(f"      lists that the person left: {left}")
        mail = "blocked" if contact.is_email_blocked else "mailable"
        sms = "blocked" if contact.is_sms_blocked else "open"
        self._say(f"      mail: {mail}, SMS: {sms}")

    # ------------------------------------------------------------ lines

    def _chapter(self, title: str, otherwise: str, content: object) -> None:
        self._console.print()
        self._say(title if content else f"{title}: {otherwise}", style="bold")

    def _say(self, line: str, *, style: str = "") -> None:
        self._console.print(Text(self._shown(line), style=style))

    def _table(self, headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(Text(self._shown(cell)) for cell in row))
        self._console.print(table)

    def _shown(self, text: str) -> str:
        return printable(text if self._show_pii else mask_text(text, spare=self._spare))


def _field(change: FieldChange) -> str:
    return f"{change.name} {_value(change.old)} → {_value(change.new)} ({change.why.value})"


def _time(at: datetime | None) -> str:
    return "–" if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z"


def _value(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value))
        case str():
            return f'"{value}"'
        case _:
            return str(value)

"""The web page of a sandbox: contacts, lists, jobs and the last requests, in one HTML document."""

from collections.abc import Iterable, Sequence
from html import escape

from customer_sync.sandbox import attributes, folders, listing, processes, traffic
from customer_sync.sandbox.account import Account
from customer_sync.sandbox.contact_rows import ContactRow
from customer_sync.sandbox.contacts import shown_attributes
from customer_sync.sandbox.identifiers import Identifier
from customer_sync.sandbox.state import State
from customer_sync.sandbox.timeline import timestamp

_MOST = 100

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
       color: #1d2a26; background: #fbfcfb; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p.note { color: #5b6b65; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid #dfe6e2;
         vertical-align: top; }
th { font-weight: 600; color: #5b6b65; } td { font-variant-numeric: tabular-nums; }
"""


def render(state: State) -> str:
    """Return the page; every value in it is escaped, and it asks for nothing from elsewhere."""
    account = state.peek()
    sections = (
        _contacts(account),
        _lists(account),
        _jobs(account),
        _transitions(state),
        _requests(account),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Brevo sandbox</title><style>{_STYLE}</style></head><body>"
        "<h1>Brevo sandbox</h1>"
        '<p class="note">Emulated: nothing here reaches Brevo. '
        f"Plan {escape(account.settings.plan)}, its time is {_time(account, account.now)}.</p>"
        f"{''.join(sections)}</body></html>"
    )


def _contacts(account: Account) -> str:
    definitions = attributes.definitions(account)
    total = listing.count(account, [])
    rows = [
        (
            contact.id,
            contact.identifiers.get(Identifier.EMAIL, ""),
            _blocks(contact),
            ", ".join(str(each) for each in lists),
            "; ".join(
                f"{name}: {value}"
                for name, value in shown_attributes(account, definitions, contact).items()
            ),
            _time(account, contact.modified_at),
        )
        for contact, lists in listing.newest(account, _MOST)
    ]
    header = ("Id", "Email", "Blocked", "Lists", "Attributes", "Modified")
    return _section(f"Contacts ({total})", header, rows)


def _blocks(contact: ContactRow) -> str:
    words = (("email", contact.is_email_blocked), ("SMS", contact.is_sms_blocked))
    return ", ".join(word for word, is_blocked in words if is_blocked)


def _lists(account: Account) -> str:
    rows = []
    for each in folders.list_rows(account, "TRUE", (), "ORDER BY id"):
        members = listing.count(account, [listing.on_lists(account, (each.id,))])
        rows.append((each.id, each.name, each.folder_id, members))
    return _section("Lists", ("Id", "Name", "Folder", "Contacts"), rows)


def _jobs(account: Account) -> str:
    query = f"SELECT * FROM processes ORDER BY id DESC LIMIT {_MOST}"
    rows = [
        (
            row["id"],
            row["name"],
            processes.status(row, account.now),
            _time(account, row["starts_at"]),
            _time(account, row["ends_at"]),
        )
        for row in account.db.execute(query)
    ]
    return _section("Jobs", ("Id", "Name", "Status", "Starts", "Ends"), rows)


def _transitions(state: State) -> str:
    rows = [
        (
            each.at.isoformat(),
            each.contact_id,
            each.address or "",
            each.channel,
            each.cause,
            each.route,
        )
        for each in state.transitions()[-_MOST:]
    ]
    header = ("Time", "Contact", "Address", "Channel", "Cause", "Route")
    return _section("Mailable again after a block", header, rows)


def _requests(account: Account) -> str:
    rows = [
        (_time(account, each.at), each.method, each.path, each.status or "dropped")
        for each in traffic.last(account)[:_MOST]
    ]
    return _section("Last requests", ("Time", "Method", "Path", "Status"), rows)


def _time(account: Account, milliseconds: int) -> str:
    return escape(timestamp(milliseconds, account.settings.timezone))


def _section(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    if not body:
        return f'<h2>{escape(title)}</h2><p class="note">None yet.</p>'
    return (
        f'<h2>{escape(title)}</h2><div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )

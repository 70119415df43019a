"""Troubles with Brevo and with the shop, one provocation each."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence

import httpx
from msgspec.structs import replace
from starlette.responses import RedirectResponse, Response

from brevo_double import ScriptedServer, clock_at_noon, refusal, talk
from builders import create, rename
from customer_sync.brevo.client import BrevoClient
from customer_sync.brevo.pauses import Pauses
from customer_sync.brevo.retry import RetryPolicy
from customer_sync.brevo.throttle import Throttle
from customer_sync.config import ShopSettings, SourceName
from customer_sync.core.model import Contact, ContactPatch, Deferred, Email, RatePlan
from customer_sync.core.requests.bill import Route
from customer_sync.core.requests.jobs import ImportRow, OpenJob, ProcessId
from customer_sync.core.requests.routes import Batch, Phase
from customer_sync.platforms.format import Wanted
from customer_sync.pull.order import Order
from customer_sync.pull.pulled import pull
from customer_sync.pull.shops import Door
from customer_sync.run.apply import MOST_ALONE, StopSign, apply
from customer_sync.run.importing import Imported, finish_jobs
from customer_sync.run.writing import write
from customer_sync.trouble import Code
from fakes import ListJournal, MemoryAccount
from provoking import Provocation, Scene, raised
from shop_emulators import ENVIRON, WooShop, page, woo_customer

JANE = Email("jane@example.com")


# ---------------------------------------------------------------- Brevo


def _answered(*replies: httpx.Response | Exception) -> Provocation:
    """Let Brevo answer the creation of a contact with the last of *replies* for ever."""
    return lambda _: _asked(*replies)


def _asked(*replies: httpx.Response | Exception, deadline: float = float("inf")) -> str:
    server = ScriptedServer([*replies])

    async def ask(client: BrevoClient) -> object:
        return await client.create(JANE, create().patch)

    return raised(lambda: talk(server, ask, retry=RetryPolicy(attempts=2), deadline=deadline))


def _refused(message: str, *duplicates: str, status: int = 400, code: str = "") -> Provocation:
    return _answered(refusal(status, message, code or "invalid_parameter", duplicates))


def _no_room_in_the_limit(_: Scene) -> str:
    told = {"x-sib-ratelimit-limit": "100", "x-sib-ratelimit-reset": "2400"}
    return _asked(httpx.Response(429, headers=told), deadline=60.0)


def _unverified(_: Scene) -> str:
    failure = httpx.ConnectError("certificate verify failed")
    failure.__cause__ = ssl.SSLCertVerificationError("self-signed")
    return _asked(failure)


def _lost_answer(_: Scene) -> str:
    async def start(client: BrevoClient) -> object:
        return await client.start_import([ImportRow(email=JANE)], list_ids=[5])

    return raised(lambda: talk(ScriptedServer([httpx.ReadError("reset")]), start))


def _import_without_end(_: Scene) -> str:
    clock = clock_at_noon()
    running = {"id": 3, "name": "IMPORTUSER", "status": "in_process"}
    server = ScriptedServer([httpx.Response(200, json={"processes": [running], "count": 1})])
    job = OpenJob(id=1, process_id=ProcessId(3), started_at=clock.now())

    async def wait(client: BrevoClient) -> None:
        await finish_jobs([job], client, lambda _: None, clock)

    return raised(lambda: talk(server, wait, clock=clock))


def _left_out(_: Scene) -> str:
    """Let an import leave out more than can be tried one by one."""

    async def import_nobody(batches: Sequence[Batch]) -> list[Imported]:
        return [Imported(change=change) for batch in batches for change in batch.changes]  # type: ignore[arg-type] # all are creations

    journal = ListJournal()
    changes = tuple(create(f"c{n}@example.com") for n in range(MOST_ALONE + 1))
    phase = Phase(name="import", batches=(Batch(route=Route.IMPORT, changes=changes),))
    asyncio.run(
        apply([phase], MemoryAccount(), journal, StopSign(), in_flight=1, importer=import_nobody)
    )
    (deferred,) = [one for one in journal.outcomes if isinstance(one, Deferred)]
    return deferred.trouble


def _broken_off(_: Scene) -> str:
    clock = clock_at_noon()
    pauses = Pauses(clock.sleep)
    pauses.break_off()
    return raised(lambda: asyncio.run(pauses.sleep(10)))


def _lost_block(_: Scene) -> str:
    change = rename("old@example.com", "new@example.com", email_blocked=True)

    class Forgetful(MemoryAccount):
        def _patched(self, known: Contact, patch: ContactPatch) -> Contact:
            return replace(super()._patched(known, patch), is_email_blocked=False)

    account = Forgetful(held={change.before.id: change.before})
    return raised(lambda: asyncio.run(write(change, account, ListJournal().recreate)))


def _key_with_a_line_break(_: Scene) -> str:
    clock = clock_at_noon()
    throttle = Throttle(RatePlan.GENERAL, clock, headroom=0.0)
    address = "http://sandbox.invalid/v3"
    return raised(lambda: BrevoClient(address, "line\nbreak", throttle=throttle, clock=clock))


# ---------------------------------------------------------------- the shop


def _pulled(answer: Response, *, times: int = 1, platform: str = "woocommerce") -> str:
    clock = clock_at_noon()
    shop = WooShop(customers=[woo_customer(1)], clock=clock, troubles=[answer] * times)
    door = Door(
        platform=SourceName(platform),
        shop=ShopSettings(url="https://shop.example.com"),
        environ=ENVIRON,
        transport=shop.transport,
    )
    order = Order(platform=door.platform, wanted=Wanted())
    return raised(lambda: pull(door, order, clock=clock, deadline=float("inf")))


def _changes_of_woocommerce(scene: Scene) -> str:
    config = scene.world.folder / "config.yaml"
    text = config.read_text(encoding="utf-8").replace(
        "source: custom", "source: woocommerce\n    shop: {url: https://shop.example.com}"
    )
    config.write_text(text, encoding="utf-8")
    for name in ("WOOCOMMERCE_CONSUMER_KEY", "WOOCOMMERCE_CONSUMER_SECRET"):
        scene.patch.setenv(name, ENVIRON[name])
    return scene.told_by("pull", "woocommerce", "--since", "7d")


_MOVED = RedirectResponse("https://elsewhere.example.com/", 301)

PROVOCATIONS: Mapping[Code, Provocation] = {
    Code.KEY_REFUSED: _refused("Key not found", status=401, code="unauthorized"),
    Code.IP_NOT_AUTHORISED: _refused(
        "We have detected you are using an unrecognised IP address 192.0.2.1.",
        status=401,
        code="unauthorized",
    ),
    Code.KEY_MAY_NOT: _refused("no right", status=403, code="permission_denied"),
    Code.BREVO_UNAVAILABLE: _answered(refusal(503)),
    Code.RATE_LIMIT: _no_room_in_the_limit,
    Code.CONTACT_EXISTS: _refused(
        "Unable to create contact, email is already associated with another Contact", "email"
    ),
    Code.PHONE_TAKEN: _refused(
        "Unable to create contact, SMS is already associated with another Contact", "SMS"
    ),
    Code.ATTRIBUTE_REFUSED: _refused("Attribute TIER does not exist"),
    Code.EMAIL_REFUSED: _refused("email is not valid in to"),
    Code.PHONE_REFUSED: _refused("Invalid phone number"),
    Code.LIST_GONE: _refused("List ID does not exist", status=404, code="document_not_found"),
    Code.CONTACT_GONE: _refused("Contact does not exist", status=404, code="document_not_found"),
    Code.REQUEST_REFUSED: _refused("Something else", status=402),
    Code.STRANGE_ANSWER: _answered(httpx.Response(201, text="<html>Welcome</html>")),
    Code.CERTIFICATE: _unverified,
    Code.IMPORT_UNCERTAIN: _lost_answer,
    Code.IMPORT_RUNNING: _import_without_end,
    Code.IMPORT_LEFT_OUT: _left_out,
    Code.BROKEN_OFF: _broken_off,
    Code.BLOCK_LOST: _lost_block,
    Code.KEY_MALFORMED: _key_with_a_line_break,
    Code.SHOP_UNSET: lambda scene: scene.told_by("pull", "woocommerce"),
    Code.SHOP_KEY: lambda _: _pulled(Response('{"code": "no"}', 401)),
    Code.SHOP_UNAVAILABLE: lambda _: _pulled(page(503), times=100),
    Code.SHOP_ANSWER: lambda _: _pulled(Response("Notice: a plugin", 200)),
    Code.SHOP_NO_CHANGES: _changes_of_woocommerce,
    Code.SHOP_ELSEWHERE: lambda _: _pulled(_MOVED),
    Code.SHOP_FIREWALL: lambda _: _pulled(page(403)),
}

"""Brevo's contacts API as methods: one request each, values in and out."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx

from customer_sync import compression
from customer_sync.brevo import inventory, jobs, wire
from customer_sync.brevo.answers import (
    Account,
    AnyRef,
    ContactList,
    ContactPage,
    ContactRef,
    Folder,
    ListChange,
)
from customer_sync.brevo.api import (
    MOST_ITEMS_PER_PAGE,
    Api,
    checked_base_url,
    checked_key,
    is_local,
)
from customer_sync.brevo.exchange import (
    Exchange,
    RequestEvent,
    RequestObserver,
    UncertainFailure,
)
from customer_sync.brevo.refusals import RequestRefused, says_nothing_to_do, unknown_positions
from customer_sync.brevo.retry import Dice, RetryPolicy
from customer_sync.brevo.throttle import Family, RateNote, Throttle
from customer_sync.clock import Clock
from customer_sync.core.model import (
    Attribute,
    AttributeType,
    Contact,
    ContactId,
    ContactPatch,
    Email,
)
from customer_sync.core.requests.jobs import ImportRow, Process, ProcessId, RejectedRow
from customer_sync.errors import (
    BatchRejected,
    BrevoRejected,
    BrevoUnavailable,
    ImportUncertain,
)
from customer_sync.trouble import Code

MOST_PER_PAGE = 1000
MOST_PER_LIST_CHANGE = 150

_IMPORT_TIMEOUTS = 5
"""An import carries megabytes: it may take this many times as long as other requests."""


def _ignore(event: RequestEvent) -> None:
    """Observe nothing."""


class BrevoClient:
    """One account at Brevo; many tasks of one event loop may use it at once.

    To be used in an `async with`. Contacts are translated by the account's attributes, which are
    fetched once, before the first request that needs them.

    Every method may raise BrevoAuthError (the key was refused), BrevoUnavailable (Brevo could not
    be reached in time, or answered what cannot be understood) and BrevoRejected (this request was
    refused for what it says).
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        throttle: Throttle,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_s: float = 60.0,
        retry: RetryPolicy | None = None,
        deadline: float = float("inf"),
        dice: Dice = random.random,
        on_request: RequestObserver = _ignore,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        *deadline* is a time of the clock's `monotonic`: no wait or retry goes past it.

        Raises:
            ConfigError: the key cannot be a key, or the address would expose it.
        """
        self._base_url = checked_base_url(base_url)
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=timeout_s,
            follow_redirects=False,
            # A proxy of the environment is for the world; what stays here must not go through it.
            trust_env=not is_local(self._base_url),
            headers={
                "accept": "application/json",
                "accept-encoding": compression.ACCEPTED,
                "user-agent": "customer-sync",
            },
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )
        self._exchange = Exchange(
            self._http,
            api_key=checked_key(api_key),
            throttle=throttle,
            clock=clock,
            policy=retry or RetryPolicy(),
            dice=dice,
            deadline=deadline,
            observer=on_request,
        )
        self._api = Api(self._base_url, self._exchange, timeout_s=timeout_s)
        self._attributes: dict[str, Attribute] | None = None
        self._attributes_turn = asyncio.Lock()

    def __repr__(self) -> str:
        return f"BrevoClient({self._base_url!r})"

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    @property
    def requests(self) -> Counter[str]:
        """How many API requests were sent by route (`POST /contacts`), repetitions included."""
        return self._exchange.requests

    @property
    def clock_ahead(self) -> timedelta | None:
        """By how much Brevo's clock is ahead of ours, to the second; None: it did not say."""
        return self._exchange.ahead

    def hurry(self) -> None:
        """Wait neither for the rate limit nor to repeat a request from now on."""
        self._exchange.hurry()

    def budget(self, family: Family) -> RateNote | None:
        """Return what the last answer told of a rate limit, None where none told anything."""
        return self._exchange.budget(family)

    # ------------------------------------------------------------ the account

    async def account(self) -> Account:
        """Return the account that the key belongs to; draws on the small hourly budget."""
        return inventory.account_from((await self._api.send("GET /account")).json)

    async def attributes(self) -> dict[str, Attribute]:
        """Return the account's attributes by name, fetched once and remembered."""
        async with self._attributes_turn:
            if self._attributes is None:
                answer = await self._api.send("GET /contacts/attributes")
                self._attributes = wire.attributes_from(answer.json)
            return dict(self._attributes)

    async def create_attribute(
        self, name: str, kind: AttributeType, options: Sequence[str] = ()
    ) -> None:
        """Create an attribute; one that exists with this type already is as good."""
        category, body = wire.attribute_to_json(kind, options)
        try:
            await self._api.send(
                "POST /contacts/attributes/{attributeCategory}/{attributeName}",
                category,
                quote(name, safe=""),
                body=body,
            )
        except BrevoRejected:
            # The first of two attempts may have created it although its answer was lost.
            self._attributes = None
            existing = (await self.attributes()).get(name)
            if existing is None or existing.type is not kind:
                raise
        self._attributes = None

    async def lists(self) -> tuple[ContactList, ...]:
        """Return all lists, by as many requests as it takes."""
        return await self._api.every("GET /contacts/lists", "lists", inventory.list_from)

    async def create_list(self, name: str, folder_id: int) -> int:
        """Create a list and return its id; not repeated when the answer was lost."""
        answer = await self._api.send(
            "POST /contacts/lists", body={"name": name, "folderId": folder_id}, may_repeat=False
        )
        return inventory.new_id_from(answer.json)

    async def folders(self) -> tuple[Folder, ...]:
        """Return all folders, by as many requests as it takes."""
        return await self._api.every("GET /contacts/folders", "folders", inventory.folder_from)

    async def create_folder(self, name: str) -> int:
        """Create a folder and return its id; not repeated when the answer was lost."""
        answer = await self._api.send(
            "POST /contacts/folders", body={"name": name}, may_repeat=False
        )
        return inventory.new_id_from(answer.json)

    # ------------------------------------------------------------ reading contacts

    async def contact(self, ref: AnyRef) -> Contact | None:
        """Return a contact, None where Brevo knows none by that name."""
        attributes = await self.attributes()
        segment, query = wire.path_of(ref)
        try:
            answer = await self._api.send("GET /contacts/{identifier}", segment, query=query)
        except BrevoRejected as rejection:
            if rejection.status == 404:
                return None
            raise
        return wire.contact_from(answer.json, attributes)

    async def unsubscriptions(
        self, ref: ContactId, since: date, until: date
    ) -> tuple[datetime, ...]:
        """Return when a person unsubscribed by a link in a mail, from a day to another inclusive.

        *until* may not lie ahead by Brevo's clock. Nobody is known where the contact is gone.
        """
        segment, query = wire.path_of(ref)
        window = {"startDate": since.isoformat(), "endDate": until.isoformat()}
        try:
            answer = await self._api.send(
                "GET /contacts/{identifier}", segment, query={**query, **window}
            )
        except BrevoRejected as rejection:
            if rejection.status == 404:
                return ()
            raise
        return wire.unsubscriptions_from(answer.json)

    async def contacts_page(
        self, *, offset: int, limit: int = MOST_PER_PAGE, modified_since: datetime | None = None
    ) -> ContactPage:
        """Return a page of contacts, the oldest first: new ones append at the end while one reads.

        *modified_since* is aware; Brevo does not say whether that very moment is included.
        """
        attributes = await self.attributes()
        query = {"limit": str(limit), "offset": str(offset), "sort": "asc"}
        if modified_since is not None:
            query["modifiedSince"] = wire.time_to(modified_since)
        answer = await self._api.send("GET /contacts", query=query)
        return wire.page_from(answer.json, attributes)

    # ------------------------------------------------------------ writing contacts

    async def create(self, email: Email, patch: ContactPatch) -> ContactId | None:
        """Create a contact, or update it where it exists; return its id, None where it existed.

        None also follows a repetition whose first attempt had created the contact unseen.
        """
        body = wire.create_to_json(email, patch, await self.attributes())
        answer = await self._api.send("POST /contacts", body=body)
        return ContactId(inventory.new_id_from(answer.json)) if answer.status == 201 else None

    async def update(self, ref: AnyRef, patch: ContactPatch) -> None:
        """Write *patch* to a contact that exists (status 404 of BrevoRejected: it does not)."""
        body = wire.patch_to_json(patch, await self.attributes())
        segment, query = wire.path_of(ref)
        await self._api.send("PUT /contacts/{identifier}", segment, query=query, body=body)

    async def update_batch(self, items: Sequence[tuple[ContactRef, ContactPatch]]) -> None:
        """Write many patches by one request, all or none.

        Raises:
            BatchRejected: nothing was applied; `unknown` holds the positions Brevo named, if any.
        """
        body = wire.batch_to_json(items, await self.attributes())
        try:
            await self._api.send("POST /contacts/batch", body=body)
        except RequestRefused as refused:
            raise _batch_rejection(refused, len(items)) from refused

    async def delete(self, ref: AnyRef) -> bool:
        """Delete a contact; False where there was none from the first, which is just as well."""
        segment, query = wire.path_of(ref)
        try:
            await self._api.send("DELETE /contacts/{identifier}", segment, query=query)
        except BrevoRejected as rejection:
            if rejection.status == 404:
                return rejection.attempts > 1
            raise
        return True

    async def add_to_list(self, list_id: int, refs: Sequence[ContactRef]) -> ListChange:
        """Put 1 to 150 contacts on a list, all given by address or all by id."""
        return await self._change_list("POST /contacts/lists/{listId}/contacts/add", list_id, refs)

    async def join_list(self, list_id: int, refs: Sequence[ContactId]) -> Sequence[ContactId]:
        """Put contacts on a list; return those who joined. The others are on it, or unknown."""
        joined = set((await self.add_to_list(list_id, refs)).changed)
        return [ref for ref in refs if ref in joined]

    async def leave_list(self, list_id: int, refs: Sequence[ContactId]) -> Sequence[ContactId]:
        """Take contacts off a list; return those who left. The others are off it, or unknown."""
        left = set((await self.remove_from_list(list_id, refs)).changed)
        return [ref for ref in refs if ref in left]

    async def remove_from_list(self, list_id: int, refs: Sequence[ContactRef]) -> ListChange:
        """Take 1 to 150 contacts off a list, all given by address or all by id."""
        return await self._change_list(
            "POST /contacts/lists/{listId}/contacts/remove", list_id, refs
        )

    # ------------------------------------------------------------ jobs

    async def start_import(
        self,
        rows: Sequence[ImportRow],
        *,
        list_ids: Iterable[int],
        email_blocked: bool = False,
        sms_blocked: bool = False,
        update_existing: bool = True,
    ) -> ProcessId:
        """Start a job that creates contacts and, if told so, updates those that exist.

        At least one list is needed. A block holds for every row; without it existing blocks stay.
        The answer proves little: unknown attributes and values that do not fit vanish silently,
        false may not overwrite true. Only reading the contacts back tells.

        Raises:
            ImportUncertain: the job may have been started, but its id is lost.
        """
        body = jobs.import_to_json(
            rows,
            await self.attributes(),
            list_ids=list_ids,
            email_blocked=email_blocked,
            sms_blocked=sms_blocked,
            update_existing=update_existing,
        )
        try:
            answer = await self._api.send(
                "POST /contacts/import", body=body, may_repeat=False, timeouts=_IMPORT_TIMEOUTS
            )
        except UncertainFailure as failure:
            raise _uncertain(failure) from failure
        try:
            return jobs.process_id_from(answer.json)
        except BrevoUnavailable as failure:
            raise _uncertain(failure) from failure

    async def process(self, process_id: ProcessId) -> Process:
        """Return a job; draws on the small hourly budget (status 404: there is none)."""
        answer = await self._api.send("GET /processes/{processId}", str(process_id))
        return jobs.process_from(answer.json)

    async def processes(self, limit: int = MOST_ITEMS_PER_PAGE) -> tuple[Process, ...]:
        """Return the account's latest jobs, the newest first; draws on the small hourly budget."""
        query = {"limit": str(limit), "offset": "0", "sort": "desc"}
        answer = await self._api.send("GET /processes", query=query)
        items, _ = inventory.items_from(answer.json, "processes")
        return tuple(map(jobs.process_from, items))

    async def rejected_rows(self, process: Process) -> tuple[RejectedRow, ...]:
        """Return the rows that an import left out, from the files that it names.

        The files are no part of the API: neither the key nor a rate limit goes with them.
        """
        rows: list[RejectedRow] = []
        for reason, url in sorted(process.rejected_urls.items()):
            rows_file = await self._api.download("GET rejected rows", url)
            rows.extend(jobs.rejected_rows_from(reason, rows_file.content))
        return tuple(rows)

    async def _change_list(
        self, route: str, list_id: int, refs: Sequence[ContactRef]
    ) -> ListChange:
        if not 0 < len(refs) <= MOST_PER_LIST_CHANGE:
            raise ValueError(f"a list takes 1 to {MOST_PER_LIST_CHANGE} contacts in one request")
        try:
            answer = await self._api.send(route, str(list_id), body=wire.refs_to_json(refs))
        except RequestRefused as refused:
            if says_nothing_to_do(refused.status, refused.said):
                return ListChange(changed=(), unchanged=tuple(refs))
            raise
        return inventory.list_change_from(answer.json, refs)


def _batch_rejection(refused: RequestRefused, size: int) -> BatchRejected:
    return BatchRejected(
        refused.message,
        trouble=refused.trouble,
        status=refused.status,
        code=refused.code,
        duplicate_identifiers=refused.duplicate_identifiers,
        unknown=unknown_positions(refused.said, size) if refused.status == 404 else (),
    )


def _uncertain(failure: BrevoUnavailable) -> ImportUncertain:
    return ImportUncertain(
        f"the import may have arrived, but its number is lost: {failure.message}",
        trouble=Code.IMPORT_UNCERTAIN,
        hint="The account's recent processes tell whether it runs.",
    )

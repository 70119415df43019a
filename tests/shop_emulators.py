"""Small emulators of the shops' own interfaces, in the shapes that they answer with."""

import base64
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from customer_sync.clock import Clock, SystemClock

TOKEN = "shpat_0123456789abcdef0123456789abcdef"
CONSUMER_KEY = "ck_0123456789abcdef0123456789abcdef01234567"
CONSUMER_SECRET = "cs_76543210fedcba9876543210fedcba9876543210"
CLIENT_SECRET = "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"
MAGENTO_TOKEN = "k7x2m9q4w8e1r5t3y6u0i2o8p4a7s1d5"
SECRETS = (TOKEN, CONSUMER_KEY, CONSUMER_SECRET, CLIENT_SECRET, MAGENTO_TOKEN)

ENVIRON = {
    "SHOPIFY_ACCESS_TOKEN": TOKEN,
    "SHOPIFY_CLIENT_ID": "0a1b2c3d4e5f",
    "SHOPIFY_CLIENT_SECRET": CLIENT_SECRET,
    "WOOCOMMERCE_CONSUMER_KEY": CONSUMER_KEY,
    "WOOCOMMERCE_CONSUMER_SECRET": CONSUMER_SECRET,
    "MAGENTO_ACCESS_TOKEN": MAGENTO_TOKEN,
}

Json = dict[str, Any]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True, kw_only=True)
class Shop:
    """What the emulators have in common: requests are kept, and troubles come first."""

    clock: Clock = field(default_factory=SystemClock)
    requests: list[tuple[str, dict[str, str], Mapping[str, str]]] = field(default_factory=list)
    """Path, query and headers of each."""
    bodies: list[Json] = field(default_factory=list)
    troubles: list[Response] = field(default_factory=list)
    """Answers that are given instead, one to each request."""
    before: Callable[[int], None] = lambda _number: None
    """Called before each request with how many there were."""

    @property
    def app(self) -> Starlette:
        """The shop as an application."""
        return Starlette(routes=self.routes())

    @property
    def transport(self) -> httpx.ASGITransport:
        """The shop as a transport that needs no network."""
        return httpx.ASGITransport(app=self.app)

    def routes(self) -> list[Route]:
        """Return what the shop answers to."""
        raise NotImplementedError

    def answering(self, endpoint: Endpoint) -> Endpoint:
        """Return *endpoint* behind what holds for all requests."""

        async def answer(request: Request) -> Response:
            self.before(len(self.requests))
            self.requests.append((request.url.path, dict(request.query_params), request.headers))
            response = self.troubles.pop(0) if self.troubles else await endpoint(request)
            response.headers["date"] = format_datetime(self.clock.now(), usegmt=True)
            return response

        return answer


def page(status: int, **headers: str) -> Response:
    """Return the page of a firewall, which repeats what it was sent."""
    body = f"<!DOCTYPE html><title>Blocked</title>{' '.join(SECRETS)} zoe@example.com"
    return Response(body, status, {"content-type": "text/html", **headers})


def phone(number: int) -> str:
    """Return a phone of the range that is kept for stories."""
    return f"+120255501{number % 100:02}"


# ---------------------------------------------------------------- WooCommerce


def woo_customer(number: int, **changes: object) -> Json:
    """Return a customer as WooCommerce lists it."""
    billing = {
        "first_name": "",
        "last_name": "",
        "company": "",
        "address_1": "1 Sample Street",
        "address_2": "",
        "city": "Springfield",
        "state": "IL",
        "postcode": "62701",
        "country": "US",
        "email": f"bill{number}@example.com",
        "phone": phone(number),
    }
    return {
        "id": number,
        "date_created": "2026-01-02T04:04:05",
        "date_created_gmt": "2026-01-02T03:04:05",
        "date_modified": None,
        "date_modified_gmt": None,
        "email": f"person{number}@example.com",
        "first_name": f"First{number}",
        "last_name": f"Last{number}",
        "role": "customer",
        "username": f"person{number}",
        "billing": billing,
        "shipping": {},
        "is_paying_customer": False,
        "avatar_url": "https://example.com/avatar",
        "meta_data": [{"id": 1, "key": "newsletter", "value": "yes"}],
        **changes,
    }


@dataclass(slots=True, kw_only=True)
class WooShop(Shop):
    """A shop whose customers are listed page by page."""

    customers: list[Json]
    has_counts: bool = True

    def routes(self) -> list[Route]:
        """Return the one route of the REST interface that is used."""
        return [Route("/wp-json/wc/v3/customers", self.answering(self._customers))]

    async def _customers(self, request: Request) -> Response:
        pair = f"{CONSUMER_KEY}:{CONSUMER_SECRET}".encode()
        if request.headers.get("authorization") != f"Basic {base64.b64encode(pair).decode()}":
            error = {"code": "woocommerce_rest_cannot_view", "message": "Sorry, …"}
            return JSONResponse(error | {"data": {"status": 401}}, 401)
        asked = request.query_params
        role = asked.get("role", "customer")
        found = [c for c in self.customers if role in {"all", c["role"]}]
        found.sort(key=lambda c: c["id" if asked.get("orderby") == "id" else "first_name"])
        size, start = min(int(asked.get("per_page", "10")), 100), int(asked.get("offset", "0"))
        headers = {
            "x-wp-total": str(len(found)),
            "x-wp-totalpages": str(-(-len(found) // size)),
        }
        return JSONResponse(
            found[start : start + size], headers=headers if self.has_counts else None
        )


# ---------------------------------------------------------------- Magento


def magento_customer(number: int, **changes: object) -> Json:
    """Return a customer as Magento's search answers with it."""
    return {
        "id": number,
        "group_id": 1,
        "default_billing": str(number * 10),
        "created_at": "2026-01-02 03:04:05",
        "updated_at": "2026-02-03 04:05:06",
        "created_in": "Default Store View",
        "email": f"person{number}@example.com",
        "firstname": f"First{number}",
        "lastname": f"Last{number}",
        "store_id": 1,
        "website_id": 1,
        "addresses": [
            {
                "id": number * 10,
                "customer_id": number,
                "country_id": "US",
                "street": ["1 Sample Street"],
                "telephone": phone(number),
                "postcode": "62701",
                "city": "Springfield",
                "default_billing": True,
            }
        ],
        "disable_auto_group_change": 0,
        "extension_attributes": {"is_subscribed": True},
        "custom_attributes": [{"attribute_code": "rp_token", "value": "never-to-be-seen"}],
        **changes,
    }


_PARAMETER = re.compile(
    r"searchCriteria\[(\w+)\](?:\[(\d+)\])?(?:\[filters\]\[\d+\])?(?:\[(\w+)\])?"
)


@dataclass(slots=True, kw_only=True)
class MagentoShop(Shop):
    """A shop whose customers are searched for."""

    customers: list[Json]
    ignores_filters: bool = False

    def routes(self) -> list[Route]:
        """Return the search, with and without a store in its path."""
        endpoint = self.answering(self._search)
        return [
            Route("/rest/V1/customers/search", endpoint),
            Route("/rest/{store}/V1/customers/search", endpoint),
        ]

    async def _search(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {MAGENTO_TOKEN}":
            return JSONResponse(
                {"message": "The consumer isn't authorized.", "parameters": {}}, 401
            )
        criteria: dict[str, dict[str, Json]] = {}
        for name, value in request.query_params.items():
            kind, group, part = _PARAMETER.fullmatch(name).groups()  # type: ignore[union-attr] # all are searchCriteria
            criteria.setdefault(kind, {}).setdefault(group or "", {})[part or ""] = value
        filters = [] if self.ignores_filters else list(criteria.get("filter_groups", {}).values())
        found = sorted(
            (c for c in self.customers if all(_fits(c, one) for one in filters)),
            key=lambda c: c["id"],
        )
        size = int(criteria["pageSize"][""][""])
        at = int(criteria["currentPage"][""][""]) - 1
        return JSONResponse(
            {
                "items": found[at * size : (at + 1) * size],
                "search_criteria": {"page_size": size, "current_page": at + 1},
                "total_count": len(found),
            }
        )


def _fits(customer: Json, one: Json) -> bool:
    if one["field"] == "entity_id":
        assert one["condition_type"] == "gt"
        return bool(customer["id"] > int(one["value"]))
    assert (one["field"], one["condition_type"]) == ("updated_at", "gteq")
    return bool(customer["updated_at"] >= one["value"])


# ---------------------------------------------------------------- Shopify


def shopify_customer(number: int, **changes: object) -> Json:
    """Return a customer as Shopify's GraphQL has it."""
    return {
        "id": f"gid://shopify/Customer/{number}",
        "legacyResourceId": str(number),
        "firstName": f"First{number}",
        "lastName": f"Last{number}",
        "createdAt": "2026-01-02T03:04:05Z",
        "updatedAt": f"2026-02-{number % 27 + 1:02}T04:05:06Z",
        "numberOfOrders": "2",
        "amountSpent": {"amount": "118.9", "currencyCode": "USD"},
        "tags": ["regular"],
        "locale": "en",
        "taxExempt": False,
        "verifiedEmail": True,
        "note": "never to be seen unasked",
        "lastOrder": {"createdAt": "2026-02-01T00:00:00Z"},
        "defaultEmailAddress": {
            "emailAddress": f"person{number}@example.com",
            "marketingState": "SUBSCRIBED",
            "marketingUpdatedAt": "2026-01-02T03:04:05Z",
        },
        "defaultPhoneNumber": {"phoneNumber": phone(number), "marketingState": "SUBSCRIBED"},
        "defaultAddress": {"address1": "1 Sample Street", "countryCodeV2": "US", "phone": None},
        **changes,
    }


@dataclass(slots=True, kw_only=True)
class ShopifyShop(Shop):
    """A shop with pages and bulk operations."""

    customers: list[Json]
    metafields: list[Json] = field(default_factory=list)
    """The further lines of a bulk operation, each with its `__parentId`."""
    most_at_once: int = 250
    """Pages that ask for more cost too much."""
    available: float = 2000.0
    errors: list[Json] = field(default_factory=list)
    """Given instead of data, once each."""
    operations: dict[str, Json] = field(default_factory=dict)
    looks_until_done: int = 2
    ends_with: Json = field(default_factory=dict)
    downloads: list[Response] = field(default_factory=list)
    """Answers that are given instead of the file."""
    tokens: list[str] = field(default_factory=lambda: [TOKEN])
    """Those that are valid; the last is given to apps."""
    base: str = "https://shop.example.com"

    def routes(self) -> list[Route]:
        """Return GraphQL, the place of the files, and where apps get their token."""
        return [
            Route(
                "/admin/api/{version}/graphql.json", self.answering(self._graphql), methods=["POST"]
            ),
            Route("/files/{name}", self.answering(self._file)),
            Route("/admin/oauth/access_token", self.answering(self._token), methods=["POST"]),
        ]

    async def _token(self, request: Request) -> Response:
        text = (await request.body()).decode()
        if f"client_secret={CLIENT_SECRET}" not in text or "client_credentials" not in text:
            return JSONResponse({"error": "invalid_client"}, 400)
        return JSONResponse({"access_token": self.tokens[-1], "scope": "read_customers"})

    async def _graphql(self, request: Request) -> Response:
        if request.headers.get("x-shopify-access-token") not in self.tokens:
            return JSONResponse({"errors": "[API] Invalid API key or access token"}, 401)
        body = await request.json()
        self.bodies.append(body)
        if self.errors:
            return JSONResponse({"errors": [self.errors.pop(0)], "extensions": self._cost(500)})
        document, variables = body["query"], body["variables"]
        if "bulkOperationRunQuery" in document:
            data = self._start(variables["query"])
        elif "bulkOperationCancel" in document:
            self.operations[variables["id"]]["status"] = "CANCELED"
            data = {"bulkOperationCancel": {"userErrors": []}}
        elif "currentBulkOperation" in document:
            data = {"currentBulkOperation": list(self.operations.values())[-1]}
        elif "node(id" in document:
            data = {"node": self._look(variables["id"])}
        else:
            if variables["first"] > self.most_at_once:
                error = {"message": "…", "extensions": {"code": "MAX_COST_EXCEEDED"}}
                return JSONResponse({"errors": [error]})
            data = {"customers": self._page(document, **variables)}
        return JSONResponse({"data": data, "extensions": self._cost(500)})

    def _cost(self, requested: float) -> Json:
        status = {
            "maximumAvailable": 2000,
            "currentlyAvailable": self.available,
            "restoreRate": 100,
        }
        return {"cost": {"requestedQueryCost": requested, "throttleStatus": status}}

    def _page(
        self, document: str, *, first: int, after: str | None = None, query: str = ""
    ) -> Json:
        since = json.loads(query.removeprefix("updated_at:>=")) if query else ""
        found = sorted(
            (c for c in self.customers if c["updatedAt"] >= since), key=lambda c: c["updatedAt"]
        )
        start = int(after or "0")
        nodes = [_selected(c, document) for c in found[start : start + first]]
        end = start + len(nodes)
        return {
            "nodes": nodes,
            "pageInfo": {"hasNextPage": end < len(found), "endCursor": str(end)},
        }

    def _start(self, query: str) -> Json:
        if any(one["status"] == "RUNNING" for one in self.operations.values()):
            error = {"field": None, "message": "…", "code": "OPERATION_IN_PROGRESS"}
            return {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [error]}}
        name = f"gid://shopify/BulkOperation/{len(self.operations) + 1}"
        operation = {"id": name, "status": "RUNNING", "query": query, "looks": 0}
        self.operations[name] = operation
        return {"bulkOperationRunQuery": {"bulkOperation": operation, "userErrors": []}}

    def _look(self, name: str) -> Json:
        operation = self.operations[name]
        operation["looks"] += 1
        if operation["status"] == "RUNNING" and operation["looks"] >= self.looks_until_done:
            text = self._lines(operation["query"])
            operation |= {
                "status": "COMPLETED",
                "errorCode": None,
                "fileSize": str(len(text)) if text else None,
                "url": f"{self.base}/files/{name.rpartition('/')[2]}?signature=x" if text else None,
                **self.ends_with,
            }
        return operation

    def _lines(self, document: str) -> bytes:
        lines = [*(_selected(c, document) for c in self.customers), *self.metafields]
        return "".join(json.dumps(line).replace("/", "\\/") + "\n" for line in lines).encode()

    async def _file(self, request: Request) -> Response:
        if self.downloads:
            return self.downloads.pop(0)
        operation = self.operations[f"gid://shopify/BulkOperation/{request.path_params['name']}"]
        return PlainTextResponse(self._lines(operation["query"]))


def _selected(customer: Json, document: str) -> Json:
    """Return the fields that a query asks for."""
    words = set(re.findall(r"\w+", document))
    return {name: value for name, value in customer.items() if name in words}


@dataclass(slots=True, kw_only=True)
class Breaking(httpx.AsyncBaseTransport):
    """Breaks the first so many requests on their way, and lets the others through."""

    inner: httpx.AsyncBaseTransport
    times: int
    error: type[httpx.TransportError] = httpx.ReadError

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Break it, or let it through."""
        self.times -= 1
        if self.times >= 0:
            raise self.error(f"broken: {SECRETS}")
        return await self.inner.handle_async_request(request)

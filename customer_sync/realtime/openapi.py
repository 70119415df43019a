"""What can be asked of the server, as OpenAPI 3.1 describes it."""

from collections.abc import Mapping
from copy import deepcopy

from customer_sync import __version__
from customer_sync.event_schema import event_schema


def description() -> dict[str, object]:
    """Return the description, with the event schema that requests are checked by."""
    schema, definitions = _event()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "customer-sync",
            "version": __version__,
            "description": "Receives what happens to customers; an answer of 2xx means that it is "
            "kept safely and will be in Brevo within seconds.",
        },
        "paths": {
            "/events": {"post": _events()},
            "/webhooks/shopify": {"post": _webhook("Shopify", "X-Shopify-Hmac-Sha256")},
            "/webhooks/woocommerce": {"post": _webhook("WooCommerce", "X-WC-Webhook-Signature")},
            "/webhooks/magento": {"post": _webhook("Magento", "webhook-signature")},
            "/healthz": {"get": _page("Whether the process lives.", "application/json")},
            "/readyz": {"get": _page("Whether events can be received.", "application/json")},
            "/metrics": {"get": _page("Figures for Prometheus.", "text/plain", is_open=False)},
            "/dashboard": {"get": _page("The page for people.", "text/html", is_open=False)},
            "/openapi.json": {"get": _page("This description.", "application/json")},
        },
        "components": {
            "schemas": {
                **definitions,
                "Event": schema,
                "Accepted": _ACCEPTED,
                "Refused": _REFUSED,
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_ACCEPTED: Mapping[str, object] = {
    "type": "object",
    "required": ["accepted", "duplicate"],
    "properties": {
        "accepted": {"type": "integer", "description": "How many records were kept."},
        "duplicate": {"type": "boolean", "description": "All of it had been kept before."},
    },
}
_REFUSED: Mapping[str, object] = {
    "type": "object",
    "required": ["error", "problems"],
    "properties": {
        "error": {"type": "string"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "rule", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON Pointer; of several records, led by the number of "
                        "the record, from 0.",
                    },
                    "rule": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def _event() -> tuple[dict[str, object], dict[str, object]]:
    """Return the event schema, and what it refers to, at home among the components."""
    schema = {key: value for key, value in event_schema().items() if key[:1] != "$"}
    # Whoever sends an event may leave its time to us.
    required = [name for name in _names(schema.get("required")) if name != "timestamp"]
    definitions = event_schema().get("$defs", {})
    assert isinstance(definitions, Mapping)  # noqa: S101 - the schema ships with the package
    at_home = _at_home(dict(definitions))
    assert isinstance(at_home, dict)  # noqa: S101 - as it was given
    moved = _at_home({**schema, "required": required})
    assert isinstance(moved, dict)  # noqa: S101 - likewise
    return moved, at_home


def _names(names: object) -> list[object]:
    return list(names) if isinstance(names, list) else []


def _at_home(part: object) -> object:
    """Return *part* with its references leading to the components."""
    match part:
        case {"$ref": str(reference), **others}:
            return {**others, "$ref": reference.replace("#/$defs/", "#/components/schemas/")}
        case Mapping():
            return {key: _at_home(value) for key, value in part.items()}
        case list():
            return [_at_home(item) for item in part]
        case _:
            return deepcopy(part)


def _answer(words: str, schema: str) -> dict[str, object]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": words, "content": {"application/json": {"schema": reference}}}


_REFUSALS = {
    "400": "It cannot be read, or is too old.",
    "401": "The token or the signature is missing or wrong.",
    "413": "It is too large.",
    "422": "A record breaks a rule; nothing of the request was kept.",
    "503": "It cannot be kept at the moment; come again after Retry-After.",
}


def _events() -> dict[str, object]:
    event = {"$ref": "#/components/schemas/Event"}
    refusals = {**_REFUSALS, "415": "It is not JSON by its content type."}
    return {
        "summary": "Keep one event, or many.",
        "security": [{"token": []}, {}],
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string"},
                "description": "A request of a key that is known is not kept again.",
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"oneOf": [event, {"type": "array", "items": event}]}
                },
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        },
        "responses": {
            "202": _answer("All of it is safe.", "Accepted"),
            **{status: _answer(words, "Refused") for status, words in refusals.items()},
        },
    }


def _webhook(platform: str, header: str) -> dict[str, object]:
    return {
        "summary": f"Keep what {platform} delivers.",
        "parameters": [
            {
                "name": header,
                "in": "header",
                "required": False,
                "schema": {"type": "string"},
                "description": "The signature over the raw bytes; only a ping has none.",
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
        "responses": {
            "200": _answer("It is safe.", "Accepted"),
            **{status: _answer(words, "Refused") for status, words in _REFUSALS.items()},
        },
    }


def _page(words: str, media_type: str, *, is_open: bool = True) -> dict[str, object]:
    return {
        "summary": words,
        "security": [] if is_open else [{"token": []}, {}],
        "responses": {
            "200": {"description": words, "content": {media_type: {"schema": {}}}},
            "503": _answer("It cannot be told at the moment.", "Refused"),
        },
    }

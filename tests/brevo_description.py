"""Brevo's published description of its API, with the corrections that reality asks for.

The file is a third party's copy of what Brevo publishes and lies beside the repository. Where it
is wrong or behind, a correction mends it: one function each, whose docstring says why and whence.
"""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

PATH = Path(__file__).resolve().parents[2] / "shared" / "brevo-openapi.json"
PREFIX = "/v3"

Document: TypeAlias = dict[str, Any]
"""An OpenAPI document, or a part of one."""

_METHODS = ("get", "put", "post", "delete")
_CONTACT_LISTS = "/contacts/lists/{listId}/contacts"
_ERROR = {"$ref": "#/components/schemas/errorModel"}
_OPTIONAL_FLAG = {"type": "boolean", "default": False}
_IDS = {"type": "array", "items": {"type": "integer", "format": "int64"}}


def load() -> Document | None:
    """Return the description as published, None where there is no copy of it."""
    if not PATH.exists():
        return None
    document: Document = json.loads(PATH.read_text(encoding="utf-8"))
    return document


def corrected(published: Document) -> Document:
    """Return the description with every correction made."""
    document = copy.deepcopy(published)
    for correct in CORRECTIONS:
        correct(document)
    return document


def closed(document: Document) -> Document:
    """Return a description whose objects hold nothing but what it names.

    Brevo itself takes unknown fields and ignores them, which is why nobody would notice a
    misspelled one. Objects without named fields stay open.
    """
    found: Document = _closed(document)
    return found


def with_troubles(document: Document) -> Document:
    """Return a description in which every request may be answered with every error.

    That holds where a test ordered troubles, and for paths and verbs that do not exist.
    """
    troubled = copy.deepcopy(document)
    for _, _, operation in operations(troubled):
        operation["responses"]["4XX"] = _json_error(_ERROR)
    return troubled


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Yield path, method and description of every operation."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _closed(part: Any) -> Any:
    if isinstance(part, list):
        return [_closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {name: _closed(each) for name, each in part.items()}
    if found.get("type") == "object" and found.get("properties"):
        found.setdefault("additionalProperties", False)
    return found


# ---------------------------------------------------------------- corrections


def answer_at_any_host(document: Document) -> None:
    """Take any host for Brevo's: the same paths are served by an emulator [G]."""
    document["servers"] = [{"url": PREFIX}]


def merge_the_parts_of_objects(document: Document) -> None:
    """Write objects that are put together of parts as one, which means the same.

    It is what allows to say that an object holds nothing else.
    """
    merged = _merged(document, document)
    document.clear()
    document.update(merged)


def _merged(document: Document, part: Any) -> Any:
    if isinstance(part, list):
        return [_merged(document, each) for each in part]
    if not isinstance(part, dict):
        return part
    if not isinstance(part.get("allOf"), list):
        return {name: _merged(document, each) for name, each in part.items()}
    whole: Document = {"type": "object", "properties": {}, "required": []}
    for each in part["allOf"]:
        flat = _merged(document, _resolved(document, each))
        whole["properties"] |= flat.get("properties", {})
        whole["required"] += flat.get("required", [])
    return whole


def _resolved(document: Document, part: Document) -> Document:
    reference = part.get("$ref")
    if reference is None:
        return part
    found: Document = document
    for name in str(reference).removeprefix("#/").split("/"):
        found = found[name]
    return found


def answer_nothing(document: Document) -> None:
    """Say in the usual way that an answer has no body: without `content`, not with an empty one."""
    for _, _, operation in operations(document):
        for answer in operation["responses"].values():
            if answer.get("content") == {}:
                del answer["content"]


def name_the_files_of_rejected_rows(document: Document) -> None:
    """Show where an import's rejected rows are: URLs of files or null, not counts [D]{SDK,PRO}."""
    for process in _processes(document):
        reports = process["properties"]["info"]["properties"]["import"]["properties"]
        for name in reports:
            reports[name] = {"type": "string", "format": "url", "nullable": True}


def forget_the_older_process(document: Document) -> None:
    """Drop what the newest model of a process no longer has [D]{SDK}."""
    for process in _processes(document):
        del process["properties"]["info"]["properties"]["export"]
        for name in ("error", "created_at", "completed_at"):
            del process["properties"][name]


def let_processes_be_under_way(document: Document) -> None:
    """Add the status that 2026 brought: `in_process` [D]{SDK}."""
    for process in _processes(document):
        process["properties"]["status"]["enum"].append("in_process")


def _processes(document: Document) -> list[Document]:
    one = _answer(document, "/processes/{processId}", "get", "200")
    many = _answer(document, "/processes", "get", "200")
    return [one, many["properties"]["processes"]["items"]]


def merge_and_return_ids_on_creation(document: Document) -> None:
    """Add the fields of POST /contacts that 2026 brought [D]{OAS26,SDK}."""
    fields = _body(document, "/contacts", "post")["properties"]
    fields |= {"forceMerge": dict(_OPTIONAL_FLAG), "getId": dict(_OPTIONAL_FLAG)}


def merge_on_update(document: Document) -> None:
    """Add the field of PUT that 2026 brought [D]{OAS26,SDK}."""
    fields = _body(document, "/contacts/{identifier}", "put")["properties"]
    fields["forceMerge"] = dict(_OPTIONAL_FLAG)


def list_by_ids(document: Document) -> None:
    """Let GET /contacts take up to 20 ids, and no segment below 1 [D]{OAS26}."""
    parameters = document["paths"]["/contacts"]["get"]["parameters"]
    parameters.append({"in": "query", "name": "ids", "schema": {**_IDS, "maxItems": 20}})
    for parameter in parameters:
        if parameter["name"] == "segmentId":
            parameter["schema"]["minimum"] = 1


def import_with_consent_groups(document: Document) -> None:
    """Add the field of imports that 2026 brought [D]{OAS26}."""
    _body(document, "/contacts/import", "post")["properties"]["consentGroupIds"] = dict(_IDS)


def import_open_rows(document: Document) -> None:
    """Let rows of an import hold anything, identifiers included [D]{CH23b} [S]{FS7,EMP}."""
    rows = _body(document, "/contacts/import", "post")["properties"]["jsonBody"]
    rows["items"]["additionalProperties"] = True
    rows["items"]["properties"]["attributes"]["additionalProperties"] = True


def show_newer_contacts(document: Document) -> None:
    """Add the fields of contacts that 2026 brought [D]{SDK}, and an `ext_id` beside them [G]."""
    contact = document["components"]["schemas"]["getContactDetails"]
    contact["properties"] |= {
        "whatsappBlacklisted": {"type": "boolean"},
        "consentGroups": {"type": "array", "items": {"type": "object"}},
        "ext_id": {"type": "string"},
    }
    contact["required"].append("whatsappBlacklisted")


def refuse_whole_batches(document: Document) -> None:
    """Let a batch end with 404, and a 400 name duplicates as single updates do [S]{I257} [G]."""
    answers = document["paths"]["/contacts/batch"]["post"]["responses"]
    answers["404"] = _json_error(_ERROR)
    answers["400"] = _json_error({"$ref": "#/components/schemas/contactErrorModel"})


def tell_which_were_moved(document: Document) -> None:
    """Let moves on lists name external ids [D]{SDK}, and none at all.

    An empty array is an array of addresses as well as of ids, so that *one of* refuses it.
    """
    moved = document["components"]["schemas"]["postContactInfo"]["properties"]["contacts"]
    for name in ("success", "failure"):
        kinds = moved["properties"][name].pop("oneOf")
        moved["properties"][name] = {"anyOf": [*kinds, {"type": "array", "items": _TEXT}]}


_TEXT = {"type": "string"}


def move_by_exactly_one_kind(document: Document) -> None:
    """Ask each way to name contacts for its own field, or every body fits all of them [D]{OAS}.

    The text of the description says the same: exactly one of them is to be passed.
    """
    for verb in ("add", "remove"):
        for way in _body(document, f"{_CONTACT_LISTS}/{verb}", "post")["oneOf"]:
            way["required"] = [*way["properties"]]


def show_more_of_attributes(document: Document) -> None:
    """Add what live answers hold beyond the description [S]{AP}."""
    answer = _answer(document, "/contacts/attributes", "get", "200")
    attribute = answer["properties"]["attributes"]["items"]["properties"]
    attribute["field_key"] = {"type": "string"}
    attribute["enumeration"]["items"]["properties"]["valueStr"] = {"type": "string"}


def hold_any_attribute(document: Document) -> None:
    """Leave contacts' attributes and statistics open: accounts name the former [D]{CRE}."""
    contact = document["components"]["schemas"]["getContactDetails"]
    contact["properties"]["attributes"]["additionalProperties"] = True


def know_of_consent_groups(document: Document) -> None:
    """Add the routes that 2026 brought; accounts without the feature get 403 [D]{OAS26}."""
    identifier = {"in": "path", "name": "id", "required": True, "schema": _TEXT}
    for path, methods in {"": ("get", "post"), "/{id}": ("get", "put", "delete")}.items():
        document["paths"][f"/contacts/consent-groups{path}"] = {
            method: {
                "parameters": [identifier] if path else [],
                "responses": {"403": _json_error(_ERROR)},
            }
            for method in methods
        }


def refuse_anywhere(document: Document) -> None:
    """Let every route ask for a key, forbid, limit and fail, which none declares [D]{OAS,LIM}.

    Gateways answer with 5xx for it, in whatever form [S]{I136,P26}; nothing tells how a 429 looks.
    """
    for _, _, operation in operations(document):
        for status in ("401", "403"):
            operation["responses"].setdefault(status, _json_error(_ERROR))
        operation["responses"]["429"] = _any_error()
        operation["responses"]["5XX"] = _any_error()


def refuse_bad_queries(document: Document) -> None:
    """Add a 400 to the listing of attributes [D]{OAS26}."""
    answers = document["paths"]["/contacts/attributes"]["get"]["responses"]
    answers["400"] = {"$ref": "#/components/responses/errorModel"}


def tell_of_the_limits(document: Document) -> None:
    """Declare the headers that limited routes answer with, not always [D]{HDR} [S]{FS3}."""
    number = {"schema": {"type": "integer", "minimum": 0}}
    names = [f"x-sib-ratelimit-{part}" for part in ("limit", "remaining", "reset")]
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            own = copy.deepcopy(_resolved(document, answer))
            own["headers"] = dict.fromkeys(names, number)
            document["paths"][path][method]["responses"][status] = own


CORRECTIONS: tuple[Callable[[Document], None], ...] = (
    answer_at_any_host,
    answer_nothing,
    name_the_files_of_rejected_rows,
    forget_the_older_process,
    let_processes_be_under_way,
    merge_and_return_ids_on_creation,
    merge_on_update,
    list_by_ids,
    import_with_consent_groups,
    import_open_rows,
    show_newer_contacts,
    hold_any_attribute,
    refuse_whole_batches,
    tell_which_were_moved,
    move_by_exactly_one_kind,
    show_more_of_attributes,
    refuse_bad_queries,
    know_of_consent_groups,
    refuse_anywhere,
    tell_of_the_limits,
    merge_the_parts_of_objects,
)
"""In the order in which they are made."""


# ---------------------------------------------------------------- finding the way


def _body(document: Document, path: str, method: str) -> Document:
    found: Document = document["paths"][path][method]["requestBody"]
    return _schema(found)


def _answer(document: Document, path: str, method: str, status: str) -> Document:
    found: Document = document["paths"][path][method]["responses"][status]
    return _schema(found)


def _schema(described: Document) -> Document:
    found: Document = described["content"]["application/json"]["schema"]
    return found


def _json_error(schema: Document) -> Document:
    return {"description": "Refused", "content": {"application/json": {"schema": schema}}}


def _any_error() -> Document:
    refused = _json_error(_ERROR)
    refused["content"]["text/plain"] = {"schema": {"type": "string"}}
    return refused

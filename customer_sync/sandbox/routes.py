"""Every route of the emulated Brevo, with the operation behind each of its verbs."""

from collections.abc import Mapping

from customer_sync.sandbox import (
    attributes,
    batch,
    contacts,
    double_opt_in,
    exporting,
    folders,
    importing,
    listing,
    lists,
    processes,
    profile,
    segments,
)
from customer_sync.sandbox.reception import Operation

ROUTES: Mapping[str, Mapping[str, Operation]] = {
    "/account": {"GET": profile.show},
    "/processes": {"GET": processes.index},
    "/processes/{processId}": {"GET": processes.show},
    "/contacts": {"GET": listing.index, "POST": contacts.create},
    "/contacts/batch": {"POST": batch.update_many},
    "/contacts/import": {"POST": importing.submit},
    "/contacts/export": {"POST": exporting.submit},
    "/contacts/doubleOptinConfirmation": {"POST": double_opt_in.ask},
    "/contacts/attributes": {"GET": attributes.index},
    "/contacts/attributes/{attributeCategory}/{attributeName}": {
        "POST": attributes.create,
        "PUT": attributes.update,
        "DELETE": attributes.delete,
    },
    "/contacts/attributes/{attributeType}/{multipleChoiceAttribute}"
    "/{multipleChoiceAttributeOption}": {"DELETE": attributes.delete_option},
    "/contacts/folders": {"GET": folders.index, "POST": folders.create},
    "/contacts/folders/{folderId}": {
        "GET": folders.show,
        "PUT": folders.update,
        "DELETE": folders.delete,
    },
    "/contacts/folders/{folderId}/lists": {"GET": folders.lists},
    "/contacts/lists": {"GET": lists.index, "POST": lists.create},
    "/contacts/lists/{listId}": {
        "GET": lists.show,
        "PUT": lists.update,
        "DELETE": lists.delete,
    },
    "/contacts/lists/{listId}/contacts": {"GET": lists.contacts},
    "/contacts/lists/{listId}/contacts/add": {"POST": lists.add},
    "/contacts/lists/{listId}/contacts/remove": {"POST": lists.remove},
    "/contacts/segments": {"GET": segments.index},
    "/contacts/consent-groups": dict.fromkeys(("GET", "POST"), profile.forbid),
    "/contacts/consent-groups/{id}": dict.fromkeys(("GET", "PUT", "DELETE"), profile.forbid),
    "/contacts/{identifier}": {
        "GET": contacts.show,
        "PUT": contacts.update,
        "DELETE": contacts.delete,
    },
    "/contacts/{identifier}/campaignStats": {"GET": contacts.show_statistics},
}
"""Paths as the published description spells them; fixed ones stand before those with names."""

"""POST /contacts/doubleOptinConfirmation: asking people to confirm, who in a sandbox never do."""

from customer_sync.sandbox import attributes, contact_rows, patches, reading
from customer_sync.sandbox.account import NO_CONTENT, Answer, Call
from customer_sync.sandbox.errors import missing
from customer_sync.sandbox.identifiers import Identifier


def ask(call: Call) -> Answer:
    """Check the request and answer as if a message went out, which nobody will ever confirm.

    Raises:
        BrevoFault: A mandatory field is missing, a list is unknown, a value has the wrong shape.
    """
    account, body = call.account, reading.json_object(call.body)
    email = patches.email(reading.required_text(body, "email"), account.settings)
    patches.read_patch(account, attributes.definitions(account), body)
    patches.known_lists(account, reading.numbers(body, "excludeListIds"))
    if not patches.known_lists(account, reading.numbers(body, "includeListIds")):
        raise missing("includeListIds is missing")
    if reading.number(body, "templateId") is None:
        raise missing("templateId is missing")
    reading.required_text(body, "redirectionUrl")
    is_known = contact_rows.by_identifier(account, Identifier.EMAIL, email) is not None
    return NO_CONTENT if is_known else Answer(status=201)

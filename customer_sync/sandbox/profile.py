"""The account itself: who it belongs to, and what it may not do."""

from customer_sync.core.model import RatePlan
from customer_sync.sandbox.account import Answer, Call
from customer_sync.sandbox.errors import BrevoFault


def show(call: Call) -> Answer:
    """Show the account that the key opens."""
    settings = call.account.settings
    is_enterprise = settings.plan is RatePlan.EXTENDED
    content = {
        "organization_id": "5f0000000000000000000001",
        "user_id": 1,
        "enterprise": is_enterprise,
        "companyName": "Sandbox",
        "email": settings.account_email,
        "firstName": "Sandbox",
        "lastName": "Owner",
        "address": {"street": "", "city": "", "zipCode": "", "country": ""},
        "dateTimePreferences": {
            "timezone": settings.timezone,
            "timeFormat": "24",
            "dateFormat": settings.import_date_order.value,
        },
        "plan": [{"type": "free", "credits": 300, "creditsType": "sendLimit"}],
        "planVerticals": [],
        "relay": {
            "enabled": False,
            "data": {"userName": settings.account_email, "relay": "smtp.invalid", "port": 587},
        },
        "marketingAutomation": {"enabled": False},
    }
    return Answer(status=200, content=content)


def forbid(_: Call) -> Answer:
    """Refuse a feature that accounts do not have unless Brevo opens it for them."""
    raise BrevoFault(403, "permission_denied", "This feature is not available for the account")

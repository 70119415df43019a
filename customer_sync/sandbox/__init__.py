"""An emulated Brevo account: the default target, a test double, and a rehearsal room."""

from customer_sync.sandbox.app import Sandbox
from customer_sync.sandbox.errors import ConnectionDropped
from customer_sync.sandbox.settings import Language, Settings
from customer_sync.sandbox.state import Transition

__all__ = ["ConnectionDropped", "Language", "Sandbox", "Settings", "Transition"]

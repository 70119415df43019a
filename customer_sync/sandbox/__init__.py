"""An emulated Brevo account: the default target, a test double, and a rehearsal room."""

from customer_sync.sandbox.app import Sandbox, Transition
from customer_sync.sandbox.errors import ConnectionDropped
from customer_sync.sandbox.settings import Language, Settings

__all__ = ["ConnectionDropped", "Language", "Sandbox", "Settings", "Transition"]

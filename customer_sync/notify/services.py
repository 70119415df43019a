"""Chat and mail services, through Apprise: one sentence and a few numbers as a text."""

import apprise

from customer_sync.config import RunEvent, Secret
from customer_sync.errors import ConfigError
from customer_sync.notify.delivery import Answer
from customer_sync.notify.hosts import PrivateAddress, Resolve, allowed_addresses, resolve
from customer_sync.notify.texts import as_text
from customer_sync.notify.webhook import IS_PRIVATE
from customer_sync.store.outbox import Letter
from customer_sync.trouble import Code

_KINDS = {
    RunEvent.SYNC_COMPLETED: apprise.NotifyType.SUCCESS,
    RunEvent.SYNC_FAILED: apprise.NotifyType.FAILURE,
    RunEvent.BATCH_COMPLETED: apprise.NotifyType.INFO,
}


class Service:
    """One service, whose address an environment variable holds and nobody is shown."""

    def __init__(
        self,
        variable: str,
        address: Secret,
        *,
        allow_private: bool = False,
        resolver: Resolve = resolve,
    ) -> None:
        """Understand *address*; nothing is sent yet.

        Raises:
            ConfigError: Apprise knows no such service.
        """
        self.name = variable
        self._allow_private = allow_private
        self._resolver = resolver
        asset = apprise.AppriseAsset(
            app_id="customer-sync",
            app_desc="customer-sync",
            http_redirects=False,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
        )
        plugin = apprise.Apprise.instantiate(address.reveal(), asset=asset)
        if plugin is None:
            raise ConfigError(
                f"The environment variable {variable} holds no address of a service that Apprise "
                "knows.",
                trouble=Code.NOTIFICATION,
                hint="It has the form that Apprise writes for the service, such as "
                "slack://… or mailtos://….",
            )
        self._plugin = plugin

    def __repr__(self) -> str:
        return f"Service({self.name!r})"

    def send(self, letter: Letter) -> Answer:
        """Send *letter* as a text, once."""
        if self._is_private() and not self._allow_private:
            return Answer(is_delivered=False, told=IS_PRIVATE, may_be_repeated=False)
        title, body = as_text(letter)
        kind = _KINDS[RunEvent(letter.event)]
        try:
            # Not by way of Apprise's own threads: a program cannot end before those do.
            # Told what it is, a plugin keeps its line breaks, also where it sends HTML.
            is_sent = self._plugin.notify(
                title=title, body=body, notify_type=kind, body_format=apprise.NotifyFormat.TEXT
            )
        except Exception as error:  # noqa: BLE001 # whatever a plugin of Apprise may raise
            return Answer(is_delivered=False, told=f"Apprise failed ({type(error).__name__})")
        if is_sent:
            return Answer(is_delivered=True, told="the service took it")
        return Answer(is_delivered=False, told="the service did not take it")

    def close(self) -> None:
        """Nothing is held open."""

    def _is_private(self) -> bool:
        """Tell whether the address leads into a private network, where it names a host at all.

        For most services it names none, but an account at theirs.
        """
        plugin = self._plugin
        if "{host}" not in str(plugin.templates):
            return False
        try:
            allowed_addresses(
                str(plugin.host), plugin.port or 443, allow_private=False, resolver=self._resolver
            )
        except PrivateAddress:
            return True
        except OSError:
            # The domain of a mail address need not be a machine.
            return False
        return False

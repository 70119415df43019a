"""Who is to be told, from the configuration and the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from customer_sync.config import Notifications, RunEvent, read_secret, webhook_address
from customer_sync.errors import ConfigError
from customer_sync.notify.delivery import Recipient
from customer_sync.notify.hosts import Resolve, resolve
from customer_sync.notify.notifiers import Installed, notifier_for
from customer_sync.notify.signing import Signer, Unsigned
from customer_sync.notify.webhook import Webhook
from customer_sync.trouble import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients:
    """Everybody whom the configuration names, in its order."""

    ready: tuple[Recipient, ...] = ()
    flaws: Mapping[str, ConfigError] = field(default_factory=dict)
    """Why the others cannot be told as things are, by their names."""

    @property
    def complaints(self) -> tuple[str, ...]:
        """What an operator should know of those who cannot be told."""
        return tuple(
            f"{name} cannot be told: {flaw.message} {flaw.hint or ''}".rstrip()
            for name, flaw in self.flaws.items()
        )


def names_of(notifications: Notifications, event: RunEvent | None = None) -> tuple[str, ...]:
    """Return the names of all who are told of *event*; None: of anything.

    Batches are told to the webhook alone: a program counts them, people in a chat would stop
    reading.
    """
    if event is not None and event not in notifications.events:
        return ()
    has_webhook = notifications.webhook_url or notifications.webhook_url_variable
    webhook = (Webhook.name,) if has_webhook else ()
    is_for_people = event is not RunEvent.BATCH_COMPLETED
    return (*webhook, *(notifications.service_variables if is_for_people else ()))


def recipients_of(
    notifications: Notifications, environ: Mapping[str, str], *, resolver: Resolve = resolve
) -> Recipients:
    """Return whom to tell; what stands in somebody's way is told, not raised."""
    ready: list[Recipient] = []
    flaws: dict[str, ConfigError] = {}
    for name in names_of(notifications):
        try:
            ready.append(
                _webhook(notifications, environ, resolver)
                if name == Webhook.name
                else _service(name, notifications, environ, resolver)
            )
        except ConfigError as flaw:
            flaws[name] = flaw
    return Recipients(ready=tuple(ready), flaws=flaws)


def _webhook(
    notifications: Notifications, environ: Mapping[str, str], resolver: Resolve
) -> Recipient:
    variable = notifications.secret_variable
    signer: Signer | Unsigned = Unsigned()
    if variable is not None:
        secret = read_secret(variable, environ, what="the key that notifications are signed with")
        signer = Signer(secret, variable=variable)
    return Webhook(
        webhook_address(notifications, environ) or "",
        signer,
        allow_private=notifications.allow_private,
        resolver=resolver,
    )


def _service(
    variable: str, notifications: Notifications, environ: Mapping[str, str], resolver: Resolve
) -> Recipient:
    address = read_secret(variable, environ, what="the address of a service")
    notifier = notifier_for(address)
    if notifier is not None:
        return Installed(variable, address, notifier)
    try:
        from customer_sync.notify.services import Service  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise ConfigError(
            "Services are reached through Apprise, which is not installed.",
            trouble=Code.PACKAGE_MISSING,
            hint="pip install 'customer-sync[notify]'",
        ) from error
    return Service(variable, address, allow_private=notifications.allow_private, resolver=resolver)

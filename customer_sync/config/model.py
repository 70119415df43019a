"""What config.yaml says, as frozen values that cannot be wrong in form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from customer_sync.core.model import FieldRule, Limit, Policy, RatePlan
from customer_sync.core.platforms import Platform
from customer_sync.core.proving.cases import Case
from customer_sync.errors import ConfigError
from customer_sync.trouble import Code

FULL_REFRESH_EVERY = timedelta(days=7)
"""How old the picture of the account may get where the file does not say."""


class Target(StrEnum):
    """Where contacts are written: the embedded sandbox, or a real account."""

    SANDBOX = "sandbox"
    LIVE = "live"


class SyncMode(StrEnum):
    """Whether the source is read now and then or followed all the time."""

    BATCH = "batch"
    REALTIME = "realtime"


class LogLevel(StrEnum):
    """How much is told about a run while it goes on; each level includes those before it."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    VERBOSE = "verbose"
    DEBUG = "debug"


class LogFormat(StrEnum):
    """How the lines of the log look: for people, or one JSON object each."""

    TEXT = "text"
    JSON = "json"


class RunEvent(StrEnum):
    """What a webhook can be told about."""

    SYNC_COMPLETED = "sync_completed"
    SYNC_FAILED = "sync_failed"
    BATCH_COMPLETED = "batch_completed"


class Secret:
    """A text that is shown to nobody: only `reveal` gives it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, for the one place that has to send it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, format_spec: str) -> str:
        return format("***", format_spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrevoSettings:
    """How Brevo is reached."""

    target: Target = Target.SANDBOX
    api_key_variable: str | None = None
    """The environment variable that holds the key; the key itself is never in a file."""
    plan: RatePlan = RatePlan.GENERAL
    base_url: str | None = None
    """None: Brevo's own address, or the embedded sandbox."""
    allow_other_base_url: bool = False
    """Whether an address that is neither Brevo's nor on this machine may be given the key."""
    headroom: float = 0.03
    """The share of the rate limit that is left to whatever else uses the account."""
    batch_size: int = 1000
    """The most contacts that one request carries."""
    timeout_s: float = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """How the retry queue backs off from run to run."""

    max_attempts: int = 8
    """After so many failed attempts a change is dead: kept and listed, but no longer tried."""
    base_delay: timedelta = timedelta(minutes=5)
    """The wait after the first failure; it doubles with each one that follows."""
    max_delay: timedelta = timedelta(hours=24)
    """No wait is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """Who is told what about a run."""

    webhook_url: str | None = None
    webhook_url_variable: str | None = None
    """The environment variable that holds the address, where the address is itself a secret."""
    secret_variable: str | None = None
    """The environment variable that holds the key which notifications are signed with."""
    events: tuple[RunEvent, ...] = tuple(RunEvent)
    allow_private: bool = False
    """Whether they may go to addresses within a private network, or on this machine."""
    service_variables: tuple[str, ...] = ()
    """The environment variables that hold the addresses of chat and mail services."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """Where the log of runs goes."""

    format: LogFormat = LogFormat.TEXT
    file: Path | None = None
    """None: there is no file; as JSON, the lines go to standard error all the same."""
    max_bytes: int = 10_000_000
    """The size at which the file is put aside for a new one."""
    keep: int = 5
    """How many files that were put aside are kept; 0: none is put aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSettings:
    """How events are kept and written that are received one by one."""

    max_delay_s: float = 2.0
    """The longest that an event waits for others to be written with it."""
    max_batch: int = 2000
    """So many events are written at once, and never more."""
    inbox_limit: int = 1_000_000
    """So many events may wait for Brevo; beyond that senders are asked to come again."""
    pending_limit: int = 1000
    """So many requests may wait for the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """Where the shop itself answers, and under which variables its secrets are found."""

    url: str = ""
    api_version: str = "2026-07"
    """Shopify's; each is supported for about a year."""
    store_code: str | None = None
    """Magento's; None: the default store."""
    page_size: int | None = None
    """Customers per request; None: as many as the platform allows."""
    overlap: timedelta = timedelta(minutes=10)
    """How much earlier than where the last pull ended the next one begins."""
    access_token_variable: str | None = None
    client_id_variable: str | None = None
    client_secret_variable: str | None = None
    consumer_key_variable: str | None = None
    consumer_secret_variable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCase:
    """A test of the configuration, and where in the file it says what it expects."""

    case: Case
    line: int
    column: int
    pointer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One config.yaml, checked and with every default filled in."""

    path: Path
    brevo: BrevoSettings
    enabled: bool
    """False: commands that would write say so and change nothing."""
    source: Platform
    rules: tuple[FieldRule, ...]
    """In the order of the file; `email` comes first where the file does not name it."""
    policy: Policy = field(default_factory=Policy)
    sync_mode: SyncMode = SyncMode.BATCH
    default_region: str | None = None
    """The country (ISO 3166-1, two letters) of phone numbers that name none themselves."""
    include_guests: bool = False
    """Whether people without an account at the shop, who only ordered or subscribed, count."""
    consent_field: str | None = None
    """Where a source without consent of its own keeps it, by name or path."""
    records: str | None = None
    """The path to the customers within a custom JSON file that holds more than them."""
    full_refresh_every: timedelta = FULL_REFRESH_EVERY
    """How old the picture of the account may get before all contacts are listed again."""
    max_deletes: Limit | None = None
    """None: the guard's own measure."""
    max_rejects: Limit | None = None
    """None: any number."""
    retry: RetrySettings = field(default_factory=RetrySettings)
    debug: bool = False
    log_level: LogLevel = LogLevel.INFO
    logging: LogSettings = field(default_factory=LogSettings)
    notifications: Notifications = field(default_factory=Notifications)
    realtime: RealtimeSettings = field(default_factory=RealtimeSettings)
    metrics_file: Path | None = None
    """Where each run leaves its figures for Prometheus."""
    shop: ShopSettings | None = None
    """None: customers are read from files only."""
    cases: tuple[PlacedCase, ...] = ()
    """The tests that every run has to pass before it begins, in the order of the file."""

    def api_key(self, environ: Mapping[str, str]) -> Secret:
        """Return the key for Brevo from the variable that the file names.

        Raises:
            ConfigError: the file names no variable, or the variable is unset or empty.
        """
        variable = self.brevo.api_key_variable
        if variable is None:
            raise ConfigError(
                f"{self.path} does not say where the key for Brevo is kept.",
                trouble=Code.ENVIRONMENT,
                hint="Add `api_key: ${BREVO_API_KEY}` below `brevo:` and set that variable.",
            )
        return read_secret(variable, environ, what="the key for Brevo")


def read_secret(variable: str, environ: Mapping[str, str], *, what: str) -> Secret:
    """Return the secret that the environment holds under *variable*, without outer blanks.

    Raises:
        ConfigError: the variable is unset or empty; the message names it and *what* it is for.
    """
    text = environ.get(variable, "").strip()
    if not text:
        state = "empty" if variable in environ else "not set"
        raise ConfigError(
            f"The environment variable {variable}, which should hold {what}, is {state}.",
            trouble=Code.ENVIRONMENT,
            hint=f"Set it before starting: export {variable}=…",
        )
    return Secret(text)

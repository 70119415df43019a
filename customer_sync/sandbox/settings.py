"""How one sandbox behaves: its key, plan, troubles, delays, and the switches of `facts`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum, StrEnum
from typing import Any, get_args, get_type_hints

from customer_sync.core.model import RatePlan
from customer_sync.sandbox.facts import Facts
from customer_sync.sandbox.timeline import zone


class Language(StrEnum):
    """The language of the account at sign-up; it names the two attributes for a person's name."""

    ENGLISH = "en"
    FRENCH = "fr"
    GERMAN = "de"
    SPANISH = "es"
    ITALIAN = "it"
    PORTUGUESE = "pt"


NAME_ATTRIBUTES: Mapping[Language, tuple[str, str]] = {
    Language.ENGLISH: ("FIRSTNAME", "LASTNAME"),
    Language.FRENCH: ("PRENOM", "NOM"),
    Language.GERMAN: ("VORNAME", "NACHNAME"),
    Language.SPANISH: ("NOMBRE", "APELLIDOS"),
    Language.ITALIAN: ("NOME", "COGNOME"),
    Language.PORTUGUESE: ("NOME", "SOBRENOME"),
}


_LONGEST_S = 366 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Facts):
    """What whoever opens a sandbox decides about it."""

    api_key: str | None = None
    """The only key that is let in; None lets in every key that is not empty."""
    plan: RatePlan = RatePlan.GENERAL
    knows_ip: bool = True
    """False: every request is refused as coming from an address that is not allow-listed."""
    rate_limits: bool = True
    """False: no limit is enforced and no header of one is sent."""
    latency: float = 0.0
    """Seconds that every answer under /v3 takes."""
    fail: Mapping[int, float] = field(default_factory=dict)
    """HTTP status to the share of requests that are answered with it, instead of being done."""
    drop: float = 0.0
    """Share of requests whose connection breaks: half of them before, half after they were done."""
    lag: float = 0.0
    """Seconds by which listings and counts are behind."""
    seed: int = 0
    """What the shares are drawn by; the same seed and requests give the same troubles."""
    timezone: str = "+01:00"
    """An offset or an IANA name; timestamps carry its offset."""
    language: Language = Language.ENGLISH
    account_email: str = "owner@example.com"
    """The account's own address, whose contact cannot be deleted."""
    import_queue_s: float = 5.0
    """Seconds an import or export stays `queued`."""
    import_run_s: float = 10.0
    """Seconds it is `in_process` after that, for up to 1,000 rows; every further 1,000 add one."""
    import_fail: float = 0.0
    """Share of imports that end as `failed`, without any of their rows."""
    import_bytes: int = 10_000_000
    """The largest body of an import."""

    def __post_init__(self) -> None:
        """Refuse what no sandbox can do.

        Raises:
            ValueError: A share is not between 0 and 1, a status is none of an error, a time is
                negative, or the time zone is unknown.
        """
        zone(self.timezone)
        for share in (*self.fail.values(), self.drop, self.import_fail, self.limit_headers_gap):
            if not 0 <= share <= 1:
                raise ValueError(f"a share is between 0 and 1, not {share}")
        for status in self.fail:
            if not 400 <= status <= 599:
                raise ValueError(f"an error has a status from 400 to 599, not {status}")
        for name in ("latency", "lag", "import_queue_s", "import_run_s"):
            if not 0 <= getattr(self, name) < _LONGEST_S:
                raise ValueError(f"{name} is a number of seconds, not {getattr(self, name)}")


DEFAULTS = Settings()


def as_json(settings: Settings) -> dict[str, object]:
    """Return *settings* as a JSON object, the key itself left out."""
    values = {each.name: getattr(settings, each.name) for each in fields(settings)}
    values["api_key"] = None if settings.api_key is None else "set"
    values["fail"] = {str(status): share for status, share in settings.fail.items()}
    return values


def changed(settings: Settings, changes: Mapping[str, object]) -> Settings:
    """Return *settings* with *changes* (JSON values) made.

    Raises:
        ValueError: A name is unknown or a value does not fit; the message says which.
    """
    hints = get_type_hints(Settings)
    unknown = sorted(set(changes) - set(hints))
    if unknown:
        raise ValueError(f"no such setting: {', '.join(unknown)}")
    values: dict[str, Any] = {
        name: _fitting(name, hints[name], value) for name, value in changes.items()
    }
    return replace(settings, **values)


def _fitting(name: str, hint: object, value: object) -> object:
    if name == "fail":
        return _shares(value)
    kinds = get_args(hint) or (hint,)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            allowed = [str(member.value) for member in kind]
            if value in allowed:
                return kind(value)
            raise ValueError(f"{name} must be one of: {', '.join(allowed)}")
    if type(value) in kinds or (float in kinds and type(value) is int):
        return value
    raise ValueError(f"{name} cannot be {value!r}")


def _shares(value: object) -> dict[int, float]:
    if not isinstance(value, Mapping):
        raise ValueError("fail must be an object of status to share")  # noqa: TRY004 - one error for all settings
    try:
        return {int(status): float(share) for status, share in value.items()}
    except (TypeError, ValueError):
        raise ValueError("fail must be an object of status to share") from None

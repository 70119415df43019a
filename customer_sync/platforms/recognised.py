"""What a file was taken for."""

from dataclasses import dataclass

from customer_sync.platforms.format import Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A format, and why the file is taken for it."""

    format: Format
    reason: str
    """A clause such as `its header has _website and _email`."""

    def __str__(self) -> str:
        return f"{self.format.name} ({self.reason})"

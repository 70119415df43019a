"""What can stop a run, what to do about it, and with which exit code.

CustomerSyncError
  UsageError           the command line cannot be understood
  ConfigError          stop before reading: configuration or environment unusable
  SourceError          stop: the input cannot be read, or too much of it was rejected
    ShopRefused        stop: the shop answers, but not with customers
      ShopAuthError    stop: the shop refused the token or the key
    ShopUnavailable    try again later: network, 429, 5xx
  PlanRefused          stop before writing: the guard said no
  WorkerLost           try again: a process that planned was killed
  StoreError           stop: the state is unusable
    StoreBusy          stop: another run holds the state
    StoreDamaged       stop: the file is broken, and whoever holds the lock moves it aside
  BrevoError
    BrevoAuthError     stop: the key was refused
    BrevoUnavailable   try again later: network, 429, 5xx
      ImportUncertain  look first: the import job may or may not have arrived
      BrokenOff        the run had to end while the request waited for its turn
    BrevoRejected      this request's own failure: any other 4xx
      BatchRejected    none of the batch was applied; some positions may be named
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import ClassVar

from customer_sync.trouble import Code


class ExitCode(IntEnum):
    """How a command ended; the README's table says the same."""

    OK = 0
    BUG = 1
    USAGE = 2
    CONFIG = 3
    INPUT = 4
    AUTH = 5
    UNAVAILABLE = 6
    PARTIAL = 7
    REFUSED = 8
    BUSY = 9
    PENDING = 10
    INTERRUPTED = 130


_MILDEST_FIRST = (
    ExitCode.OK,
    ExitCode.PENDING,
    ExitCode.PARTIAL,
    ExitCode.REFUSED,
    ExitCode.UNAVAILABLE,
    ExitCode.INPUT,
    ExitCode.BUSY,
    ExitCode.AUTH,
    ExitCode.CONFIG,
    ExitCode.USAGE,
    ExitCode.BUG,
    ExitCode.INTERRUPTED,
)
"""Where several apply, the one further down is reported: it needs a person sooner."""


def most_severe(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the code that a command ends with when all of *codes* apply."""
    return max(codes, key=_MILDEST_FIRST.index, default=ExitCode.OK)


class CustomerSyncError(Exception):
    """A condition that stops the command, told in a sentence, with a hint what to do next.

    `trouble` is the code under which `customer-sync explain` tells more of it.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    was_told = False
    """Whether standard error has it already, as a line of the log."""

    def __init__(self, message: str, *, trouble: Code, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.trouble = trouble
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Let it go from one process to another with all that it knows."""
        return _as_it_was, (type(self), self.args, vars(self))


def _as_it_was(
    kind: type[CustomerSyncError], args: tuple[object, ...], known: dict[str, object]
) -> CustomerSyncError:
    error = kind.__new__(kind, *args)
    vars(error).update(known)
    return error


class UsageError(CustomerSyncError):
    """The command line cannot be understood."""

    exit_code = ExitCode.USAGE


class ConfigError(CustomerSyncError):
    """The configuration or the environment cannot be used."""

    exit_code = ExitCode.CONFIG


class SourceError(CustomerSyncError):
    """The input cannot be read, or more of it was rejected than is allowed."""

    exit_code = ExitCode.INPUT


class ShopRefused(SourceError):
    """The shop, asked for its customers, answers with something else."""


class ShopAuthError(ShopRefused):
    """The shop refused the token or the key, or does not let it read what is needed."""

    exit_code = ExitCode.AUTH


class ShopUnavailable(SourceError):
    """The shop could not be reached or asked to wait, and retrying did not help in time."""

    exit_code = ExitCode.UNAVAILABLE


class PlanRefused(CustomerSyncError):
    """The guard refuses the whole plan; nothing was written."""

    exit_code = ExitCode.REFUSED


class WorkerLost(CustomerSyncError):
    """Try again: a process that planned was killed."""

    exit_code = ExitCode.UNAVAILABLE


class StoreError(CustomerSyncError):
    """The state cannot be read or written."""

    exit_code = ExitCode.CONFIG


class StoreBusy(StoreError):
    """Another run holds the state."""

    exit_code = ExitCode.BUSY


class StoreDamaged(StoreError):
    """The state's file is not, or no longer, a whole database."""


class BrevoError(CustomerSyncError):
    """Brevo, or the way to it, answered with something other than success."""

    exit_code = ExitCode.UNAVAILABLE


class BrevoAuthError(BrevoError):
    """Brevo refused the key (401, 403); no further request makes sense."""

    exit_code = ExitCode.AUTH


class BrevoUnavailable(BrevoError):
    """Brevo could not be reached or asked to wait, and retrying did not help in time."""


class BrevoRejected(BrevoError):
    """Brevo refused this one request for what it says; others may pass.

    `status` is the HTTP status, `code` Brevo's word (`invalid_parameter`, ...; may be empty),
    `duplicate_identifiers` what `metadata.duplicate_identifiers` listed (`email`, `SMS`, ...).
    """

    exit_code = ExitCode.PARTIAL

    def __init__(
        self,
        message: str,
        *,
        trouble: Code,
        status: int,
        code: str = "",
        duplicate_identifiers: tuple[str, ...] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, trouble=trouble, hint=hint)
        self.status = status
        self.code = code
        self.duplicate_identifiers = duplicate_identifiers
        self.attempts = 1
        """How many there were; an earlier one, whose answer was lost, may have done it."""


class ImportUncertain(BrevoUnavailable):
    """The answer to an import was lost, so the job may run or not; the recent processes tell.

    Sending it again blindly could run it twice.
    """


class BrokenOff(BrevoUnavailable):
    """The run had to end while a request waited for its turn, or to be made once more.

    That is not Brevo's doing, and does not count as a failed attempt.
    """


class BatchRejected(BrevoRejected):
    """Brevo refused a batch as a whole; nothing of it was applied.

    `unknown` holds the positions, counted from 0, of the contacts that Brevo does not know. It is
    empty where the answer names none: then any row may be the cause.
    """

    def __init__(
        self,
        message: str,
        *,
        trouble: Code,
        status: int,
        code: str = "",
        duplicate_identifiers: tuple[str, ...] = (),
        unknown: tuple[int, ...] = (),
    ) -> None:
        super().__init__(
            message,
            trouble=trouble,
            status=status,
            code=code,
            duplicate_identifiers=duplicate_identifiers,
        )
        self.unknown = unknown

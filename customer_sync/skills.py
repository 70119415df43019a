"""The sync in the form that users of hosted services know: `client.skills.enable` and `trigger`."""

from collections.abc import Mapping
from pathlib import Path

from customer_sync.config.mappings import as_yaml, from_mapping, read_root
from customer_sync.config.spelling import snake_case
from customer_sync.errors import ConfigError, StoreError
from customer_sync.library import CustomerSync
from customer_sync.monitoring.watching import Status
from customer_sync.plugins import load_plugins
from customer_sync.private_file import write_private
from customer_sync.run.listening import Listener
from customer_sync.run.report import RunReport
from customer_sync.trouble import Code

NAME = "customer-sync"
"""The only skill there is."""

FILE = "customer-sync.yaml"
"""Where a client keeps what was enabled, unless it is told another place."""

_MARK = "# Kept by customer_sync.Client: enable() and disable() write it anew.\n"
"""The first line of a file that may be overwritten."""


class Client:
    """A place where the skill is enabled, and stays so: `client.skills` does the rest."""

    def __init__(
        self,
        file: str | Path = FILE,
        *,
        brevo: Mapping[str, object] | None = None,
        progress: Listener | None = None,
    ) -> None:
        """Keep in *file* what is enabled, and the state in a folder beside it.

        *brevo* is the configuration's block of that name, kept in the file by `enable`; without it,
        contacts go to the embedded sandbox. The command line takes the file with `--config`, and
        `CustomerSync(file)` does whatever else there is.

        Raises:
            ConfigError: an installed extension cannot be used.
        """
        load_plugins()
        self.skills = Skills(Path(file), brevo=brevo, progress=progress)


class Skills:
    """What a client can switch on, and tell of events.

    Keys are camelCase or snake_case. Each method may raise ConfigError for a skill of another name.
    """

    def __init__(
        self, file: Path, *, brevo: Mapping[str, object] | None, progress: Listener | None
    ) -> None:
        self._file = file
        self._brevo = brevo
        self._progress = progress

    def enable(self, name: str, settings: Mapping[str, object]) -> None:
        """Keep *settings*, the skill's block of the configuration, in the place of earlier ones.

        Raises:
            ConfigError: they cannot be used, or the file was written by somebody else; nothing
                was changed.
        """
        _check_name(name)
        self._keep({"enabled": True, **settings}, _brevo_of(self._kept()))

    def disable(self, name: str) -> None:
        """Let nothing be written until it is enabled again; its settings and state stay.

        Raises:
            ConfigError: it was never enabled, or the file was written by somebody else.
        """
        _check_name(name)
        root = self._kept()
        skills = root.get("skills")
        block = skills.get(NAME) if isinstance(skills, Mapping) else None
        if not isinstance(block, Mapping):
            raise self._not_enabled()
        self._keep({**block, "enabled": False}, _brevo_of(root))

    def trigger(self, name: str, event: Mapping[str, object]) -> RunReport:
        """Carry one event through to Brevo; it is of now where it has no `timestamp`.

        Raises:
            ConfigError: the skill is not enabled.
            CustomerSyncError: whatever stopped it.
        """
        return self._sync(name).trigger(event)

    async def atrigger(self, name: str, event: Mapping[str, object]) -> RunReport:
        """Do as `trigger` does, while the event loop goes on."""
        return await self._sync(name).atrigger(event)

    def status(self, name: str) -> Status:
        """Tell whether the sync works.

        Raises:
            ConfigError: the skill was never enabled.
        """
        return self._sync(name).status()

    def _sync(self, name: str) -> CustomerSync:
        _check_name(name)
        if not self._file.exists():
            raise self._not_enabled()
        return CustomerSync(self._file, progress=self._progress)

    def _kept(self) -> Mapping[str, object]:
        """Return what the file says; nothing where there is none."""
        if not self._file.exists():
            return {}
        text = _text(self._file)
        if not text.startswith(_MARK):
            raise ConfigError(
                f"{self._file} was not written by a client, and is not overwritten.",
                trouble=Code.FILE_EXISTS,
                hint="Name another file, or use CustomerSync with this one.",
            )
        return read_root(text, self._file)

    def _keep(self, block: Mapping[str, object], kept: object) -> None:
        brevo = kept if self._brevo is None else self._brevo
        root: dict[str, object] = {"version": 1}
        if brevo is not None:
            root["brevo"] = brevo
        root["skills"] = {NAME: block}
        from_mapping(root, self._file)
        try:
            write_private(self._file, (_MARK + as_yaml(root)).encode())
        except OSError as error:
            raise _unwritten(self._file, error) from error

    def _not_enabled(self) -> ConfigError:
        return ConfigError(
            f"{NAME} is not enabled in {self._file}.",
            trouble=Code.CONFIGURATION,
            hint=f'Call client.skills.enable("{NAME}", {{...}}) first.',
        )


def _check_name(name: str) -> None:
    if snake_case(name).replace("_", "-") != NAME:
        raise ConfigError(
            f"There is no skill of the name {name!r}.",
            trouble=Code.CONFIGURATION,
            hint=f"There is {NAME}.",
        )


def _brevo_of(root: Mapping[str, object]) -> object:
    return root.get("brevo")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read ({type(error).__name__}).",
            trouble=Code.CONFIGURATION,
            hint="Check its name and its permissions.",
        ) from error


def _unwritten(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be written: {error.strerror}.",
        trouble=Code.NO_ROOM,
        hint="Check that the folder exists, and its permissions.",
    )

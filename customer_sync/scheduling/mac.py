"""Property lists for launchd."""

import plistlib
from collections.abc import Sequence

from customer_sync.scheduling.task import Place, Task, Unit, default_alert, judged
from customer_sync.scheduling.timing import At, Every, Timing

_FOLDER = "~/Library/LaunchAgents"
_WITH_KEY = 'if [ -f "$0" ]; then set -a; . "$0"; set +a; fi; '


def launchd(place: Place, tasks: Sequence[Task]) -> tuple[Unit, ...]:
    """Return one property list for each task, to be loaded with `launchctl bootstrap`."""
    return tuple(_unit(place, task) for task in tasks)


def _unit(place: Place, task: Task) -> Unit:
    label = task.name
    script = _WITH_KEY + judged(task, place.alert or default_alert(task))
    command = ["/bin/sh", "-c", script, str(place.key_file), *place.program, *task.arguments]
    content: dict[str, object] = {
        "Label": label,
        "ProgramArguments": command,
        "WorkingDirectory": str(place.folder),
        "StandardOutPath": f"{place.log}.launchd",
        "StandardErrorPath": f"{place.log}.launchd",
        "Umask": 0o077,
        "ProcessType": "Background",
        **_times(task.timing),
    }
    text = plistlib.dumps(content, sort_keys=False).decode().replace(_BEGIN, _said(place) + _BEGIN)
    return Unit(name=f"{_FOLDER}/{label}.plist", text=text)


_BEGIN = '<plist version="1.0">\n'


def _said(place: Place) -> str:
    names = ", ".join(place.variables)
    return (
        "<!-- What is secret stands in the key file, the fourth of ProgramArguments, with a line "
        f"NAME='...' for each of {names}; chmod 600. -->\n"
    )


def _times(timing: Timing) -> dict[str, object]:
    match timing:
        case At(hour=hour, minute=minute):
            return {"StartCalendarInterval": {"Hour": hour, "Minute": minute}}
        case Every(minutes=minutes):
            return {"StartInterval": minutes * 60}

"""Units for systemd: a service and a timer for each task, and a service for the alert."""

from collections.abc import Iterator, Sequence

from customer_sync.scheduling.task import Place, Task, Unit, default_alert
from customer_sync.scheduling.timing import calendar_event

_FOLDER = "/etc/systemd/system"

_SERVICE = """\
[Unit]
Description={description}
Wants=network-online.target
After=network-online.target
OnFailure={name}-alert.service

[Service]
Type=oneshot
WorkingDirectory={folder}
# Holds {secrets}; only root needs to read it (chmod 600). The dash: it may be absent.
EnvironmentFile=-{key_file}
ExecStart=:{command}
# Endings that need nobody: the next run mends them.
SuccessExitStatus={fine}
TimeoutStartSec=infinity
UMask=0077
NoNewPrivileges=true
PrivateTmp=true
"""

_TIMER = """\
[Unit]
Description={description}

[Timer]
OnCalendar={calendar}
# A run that was missed while the machine was off is made up for.
Persistent=true
RandomizedDelaySec=30

[Install]
WantedBy=timers.target
"""

_ALERT = """\
[Unit]
Description=Tell somebody: {description}

[Service]
Type=oneshot
ExecStart=:/bin/sh -c {command}
"""


def systemd(place: Place, tasks: Sequence[Task]) -> tuple[Unit, ...]:
    """Return the units: they run as root unless a `User=` is added."""
    return tuple(unit for task in tasks for unit in _units(place, task))


def _units(place: Place, task: Task) -> Iterator[Unit]:
    service = _SERVICE.format(
        name=task.name,
        description=task.description,
        folder=_specified(str(place.folder)),
        secrets=", ".join(f"{name}='...'" for name in place.variables),
        key_file=_specified(str(place.key_file)),
        command=" ".join(_word(one) for one in (*_startable(place.program), *task.arguments)),
        fine=" ".join(str(int(code)) for code in task.fine),
    )
    timer = _TIMER.format(description=task.description, calendar=calendar_event(task.timing))
    alert = _ALERT.format(
        description=task.description, command=_word(place.alert or default_alert(task))
    )
    yield Unit(name=f"{_FOLDER}/{task.name}.service", text=service)
    yield Unit(name=f"{_FOLDER}/{task.name}.timer", text=timer)
    yield Unit(name=f"{_FOLDER}/{task.name}-alert.service", text=alert)


def _startable(program: tuple[str, ...]) -> tuple[str, ...]:
    """Return *program* so that systemd starts it: it takes no quotes or backslashes in its path."""
    return ("/usr/bin/env", *program) if set(program[0]) & set("\"'\\") else program


def _word(text: str) -> str:
    """Return *text* as one word of ExecStart, whose colon keeps dollars as they are."""
    escaped = _specified(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _specified(text: str) -> str:
    """Return *text* without specifiers, which begin with a per cent sign."""
    return text.replace("%", "%%")

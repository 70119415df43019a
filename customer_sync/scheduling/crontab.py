"""Lines for crontab(5)."""

from collections.abc import Sequence

from customer_sync.scheduling.task import Place, Task, Unit, shell_line
from customer_sync.scheduling.timing import cron_fields

_HEAD = """\
# customer-sync: bring Brevo in line with the shop, and look every day whether that works.
# Add these lines with `crontab -e`. What is secret stands in a file that only you may read:
#   {keep}
# with a line for each of these, the value in single quotes:
{secrets}# {alerted}
# The log is {log}. Runs never overlap: whoever comes second ends at once.
"""

_LONGEST_COMMAND = 998
"""MAX_COMMAND of Vixie's cron, from which most others come, is 1000 with the end of the line."""

_BY_MAIL = (
    "cron mails what is printed, which is only what needs a person: set MAILTO=you@example.com."
)
_BY_COMMAND = "The alert is run when a person is needed, and cron mails what was printed."


def cron(place: Place, tasks: Sequence[Task]) -> tuple[Unit, ...]:
    """Return one crontab: times are those of the machine.

    Raises:
        ValueError: the paths are too long for a line of it.
    """
    quoted_key_file = shell_line([str(place.key_file)])
    head = _HEAD.format(
        keep=f"(umask 077; touch {quoted_key_file})",
        secrets="".join(f"#   {name}='...'\n" for name in place.variables),
        alerted=_BY_COMMAND if place.alert else _BY_MAIL,
        log=place.log,
    )
    if any(len(_escaped(_command(place, task))) > _LONGEST_COMMAND for task in tasks):
        raise ValueError(
            f"cron reads commands of up to {_LONGEST_COMMAND} characters, and these paths make it "
            "longer. Use shorter ones, or systemd."
        )
    lines = [f"{cron_fields(task.timing)} {_escaped(_command(place, task))}\n" for task in tasks]
    return (Unit(name="customer-sync.cron", text=head + "".join(lines)),)


def _command(place: Place, task: Task) -> str:
    """Return a shell line that prints what the command said if somebody has to read it."""
    key_file = shell_line([str(place.key_file)])
    fine = "|".join(str(int(code)) for code in task.fine)
    told = f" {place.alert};" if place.alert else ""
    return (
        f"cd {shell_line([str(place.folder)])} && "
        f'{{ k={key_file}; [ ! -f "$k" ] || {{ set -a; . "$k"; set +a; }}; '
        f"said=$({shell_line([*place.program, *task.arguments])} 2>&1); code=$?; "
        f"case $code in {fine}) ;; *) printf '%s\\n' \"$said\";{told} exit $code;; esac; }}"
    )


def _escaped(command: str) -> str:
    """Return *command* as a crontab has it, where a bare per cent sign ends the line."""
    return command.replace("%", "\\%")

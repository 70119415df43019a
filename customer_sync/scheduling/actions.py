"""A workflow for GitHub Actions."""

from collections.abc import Sequence

import yaml

from customer_sync.scheduling.task import Place, Task, Unit, judged, shell_line
from customer_sync.scheduling.timing import Every, cron_fields

_FASTEST_MIN = 5
"""GitHub starts nothing more often (docs.github.com, "Events that trigger workflows")."""

_HEAD = """\
# customer-sync on a runner of your own: who said no is remembered in the state, which must outlive
# the job and holds customers' data, so that neither GitHub's runners nor its caches are its place.
# Put into the secrets of the repository: {secrets}.
# Times are UTC. GitHub mails whoever is to know of failed workflows; a run that the next one mends
# does not fail.
"""


def github_actions(place: Place, tasks: Sequence[Task]) -> tuple[Unit, ...]:
    """Return one workflow.

    Raises:
        ValueError: GitHub does not start anything as often.
    """
    if any(isinstance(t.timing, Every) and t.timing.minutes < _FASTEST_MIN for t in tasks):
        raise ValueError("GitHub Actions starts nothing more often than every 5 minutes.")
    workflow = {
        "name": "customer-sync",
        "on": {
            "schedule": [{"cron": cron_fields(task.timing)} for task in tasks],
            "workflow_dispatch": {},
        },
        "permissions": {},
        # A run that is under way is waited for, never broken off.
        "concurrency": {"group": "customer-sync", "cancel-in-progress": False},
        "jobs": {task.name: _job(place, task, is_first=task is tasks[0]) for task in tasks},
    }
    head = _HEAD.format(secrets=", ".join(place.variables))
    text = head + yaml.safe_dump(workflow, sort_keys=False, width=1_000_000, allow_unicode=True)
    return (Unit(name=".github/workflows/customer-sync.yaml", text=text),)


def _job(place: Place, task: Task, *, is_first: bool) -> dict[str, object]:
    """Return a job that runs at its own times only; by hand, the first one runs."""
    cause = f"github.event.schedule == '{cron_fields(task.timing)}'"
    by_hand = " || github.event_name == 'workflow_dispatch'" if is_first else ""
    command = shell_line(["/bin/sh", "-c", judged(task, None), "sh", *place.program])
    steps: list[dict[str, object]] = [
        {
            "name": task.description,
            "working-directory": _literal(str(place.folder)),
            "env": {name: f"${{{{ secrets.{name} }}}}" for name in place.variables},
            "run": _literal(f"{command} {shell_line(task.arguments)}"),
        }
    ]
    if place.alert:
        steps.append({"name": "Tell somebody", "if": "failure()", "run": _literal(place.alert)})
    return {"if": cause + by_hand, "runs-on": "self-hosted", "steps": steps}


def _literal(text: str) -> str:
    """Return *text* so that GitHub finds no expression in it."""
    return text.replace("${{", "${{ '${{' }}")

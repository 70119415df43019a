"""Whether anybody is to be told of a run, and who does it."""

import os
from pathlib import Path

from customer_sync.config import Config
from customer_sync.notify.herald import RunHerald
from customer_sync.notify.recipients import names_of, recipients_of
from customer_sync.store import Store
from customer_sync.target import state_file


def herald_for(
    config: Config, folder: Path, *, command: str, run_id: str, is_dry: bool
) -> RunHerald | None:
    """Return who tells others of the run; None where nobody is to be told."""
    if is_dry or not names_of(config.notifications):
        return None
    return RunHerald(
        config,
        recipients_of(config.notifications, os.environ),
        run_id=run_id,
        command=command,
        reopen=lambda: Store(folder / state_file(config.brevo.target)),
    )

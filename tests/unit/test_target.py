"""Which Brevo a command talks to, and that a rehearsal stays one."""

import asyncio
from pathlib import Path

import pytest

from customer_sync.brevo.client import BrevoClient
from customer_sync.clock import SimulatedClock, SystemClock
from customer_sync.config import Target
from customer_sync.config.loading import load
from customer_sync.core.model import AttributeType
from customer_sync.errors import ConfigError
from customer_sync.target import Connection, state_file

CONFIG = """\
version: 1
brevo: {%s}
skills:
  customer-sync:
    source: custom
    field_mapping:
      email: email
      totalSpent: {attribute: TOTAL_SPENT, type: float}
      firstName: FIRSTNAME
    options: {list_id: 12, deleted_attribute: GONE}
"""


def connection(folder: Path, brevo: str, **environ: str) -> Connection:
    """Return the connection of a configuration."""
    (folder / "config.yaml").write_text(CONFIG % brevo, encoding="utf-8")
    return Connection(config=load(folder / "config.yaml"), state=folder / "s", environ=environ)


def test_the_embedded_account_has_what_the_configuration_writes_to(tmp_path: Path) -> None:
    """As a merchant's would: the list, the attributes with their types, the mark of deletion."""
    chosen = connection(tmp_path, "target: sandbox")
    clock = chosen.clock()

    async def look() -> tuple[dict[str, AttributeType | None], set[int]]:
        async with chosen.open(clock, on_request=lambda _: None) as client:
            attributes = {n: a.type for n, a in (await client.attributes()).items()}
            return attributes, {each.id for each in await client.lists()}

    with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
        attributes, lists = runner.run(look())
    assert attributes["TOTAL_SPENT"] is AttributeType.FLOAT
    assert attributes["GONE"] is AttributeType.BOOLEAN
    assert attributes["FIRSTNAME"] is AttributeType.TEXT
    assert 12 in lists


def test_only_the_embedded_account_lives_in_simulated_time(tmp_path: Path) -> None:
    """Waiting for the real one is real."""
    assert isinstance(connection(tmp_path, "target: sandbox").clock(), SimulatedClock)
    assert isinstance(connection(tmp_path, "target: live, api_key: '${K}'").clock(), SystemClock)


@pytest.mark.parametrize("environ", [{}, {"BREVO_API_KEY": ""}, {"BREVO_API_KEY": "  "}])
def test_a_live_account_needs_a_key(tmp_path: Path, environ: dict[str, str]) -> None:
    """Nothing is sent without one, and the message names the variable."""
    chosen = connection(tmp_path, "target: live, api_key: '${BREVO_API_KEY}'", **environ)

    async def enter() -> None:
        async with chosen.open(SystemClock(), on_request=lambda _: None):
            pass

    with pytest.raises(ConfigError, match="BREVO_API_KEY"):
        asyncio.run(enter())
    assert not (tmp_path / "s").exists()


def test_a_live_account_is_where_the_configuration_says(tmp_path: Path) -> None:
    """The key is never shown."""
    brevo = "target: live, api_key: '${K}', base_url: 'http://127.0.0.1:9/v3'"
    chosen = connection(tmp_path, brevo, K="xkeysib-secret")

    async def shown() -> str:
        async with chosen.open(SystemClock(), on_request=lambda _: None) as client:
            assert isinstance(client, BrevoClient)
            return repr(client)

    text = asyncio.run(shown())
    assert "127.0.0.1:9" in text
    assert "secret" not in text


def test_a_rehearsal_has_a_memory_of_its_own() -> None:
    """What was confirmed in the sandbox says nothing about the real account."""
    assert len({state_file(target) for target in Target}) == len(Target)

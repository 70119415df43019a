"""Worlds for the command line's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from worlds import World, served_sandbox


@pytest.fixture
def embedded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> World:
    """Return a world whose Brevo is in the same process."""
    world = World(folder=tmp_path, capsys=capsys)
    world.configure()
    return world


@pytest.fixture
def served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """Yield a world whose Brevo is reached over HTTP."""
    monkeypatch.setenv("BREVO_API_KEY", "key")
    with served_sandbox(tmp_path / "served.db") as url:
        world = World(
            folder=tmp_path,
            capsys=capsys,
            target="live",
            brevo_lines=[f"base_url: {url}"],
            url=url,
        )
        world.configure()
        yield world


@pytest.fixture(params=["embedded", "served"])
def world(request: pytest.FixtureRequest) -> World:
    """Return a world of each kind."""
    chosen: World = request.getfixturevalue(request.param)
    return chosen

"""A file for its owner's eyes only, written whole or not at all."""

from pathlib import Path

import pytest

from customer_sync.private_file import write_private


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """Even where a file was that everybody could read."""
    path = tmp_path / "receipt.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    write_private(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    """What stands there is untouched, and no half of a file is beside it."""
    taken = tmp_path / "receipt.json"
    taken.mkdir()
    with pytest.raises(OSError, match="receipt"):
        write_private(taken, b"new")
    assert list(tmp_path.iterdir()) == [taken]

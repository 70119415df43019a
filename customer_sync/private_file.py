"""A file for its owner's eyes only, written whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_private(path: Path, document: bytes) -> None:
    """Put *document* at *path* in one step; its mode is 0600, whatever was there.

    Raises:
        OSError: it cannot be written; what was there is untouched.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise

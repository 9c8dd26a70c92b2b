"""Files that are written whole or not at all."""

import os
from pathlib import Path

unfinished: set[Path] = set()
"""Files that are being written: a signal removes them."""


def write_whole(path: Path, content: bytes) -> None:
    """Writes a temporary file beside `path` and renames it, so that a reader never sees half a file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.add(temporary)
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        unfinished.discard(temporary)

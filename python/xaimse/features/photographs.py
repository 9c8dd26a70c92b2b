"""The photographs of a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from .errors import FeaturesError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm", ".pnm"}


def photographs(data: Path, limit: int | None) -> list[Path]:
    """The photographs of a folder and those below it, sorted by the bytes of their paths; or one. Run folders are no
    data. Raises FeaturesError where there is none."""
    if not data.is_dir():
        if not data.exists():
            raise FeaturesError(f"--data {data} does not exist")
        return [data]
    found = sorted(_below(data), key=lambda path: os.fsencode(path.relative_to(data)))[:limit]
    if not found:
        raise FeaturesError(f"--data {data} has no photographs ({', '.join(sorted(SUFFIXES))})")
    return found


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        if "run.json" in files:
            folders.clear()
            continue
        paths = (Path(place, name) for name in files if Path(name).suffix.lower() in SUFFIXES)
        yield from (path for path in paths if path.is_file())  # nobody waits for a pipe

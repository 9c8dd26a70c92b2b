"""Where the files are that come with the package."""

from pathlib import Path

_FOLDERS = {"photos": "photos", "configs": "configs", "schema": "docs/schema", "slurm": "scripts/slurm"}


def data_path(name: str) -> Path:
    """The folder `name` of what comes with the package: "photos" (four photographs), "configs", "schema" or "slurm".

    In an installed package it lies in `xaimse/data`, in a clone where the repository keeps it. Raises ValueError for
    another name.
    """
    if name not in _FOLDERS:
        raise ValueError(f"{name!r} is none of {', '.join(_FOLDERS)}")
    here = Path(__file__).resolve().parent
    packaged = here / "data" / name
    return packaged if packaged.is_dir() else here.parents[1] / _FOLDERS[name]

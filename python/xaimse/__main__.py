"""`python -m xaimse`: what is installed and where; `python -m xaimse photos|configs|schema` prints one path."""

import argparse
import sys

from . import __version__
from ._data import data_path
from ._programs import NAMES, libtorch, program


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m xaimse", description="What is installed and where, or the path of one of the packaged folders."
    )
    parser.add_argument("folder", nargs="?", choices=["photos", "configs", "schema"], help="print its path only")
    options = parser.parse_args(arguments)
    if options.folder:
        print(data_path(options.folder))
        return 0
    rows = [("xaimse", __version__), ("LibTorch", libtorch() or "none: pip install 'torch==2.11.*'")]
    rows += [(name, str(program(name))) for name in NAMES if program(name).exists()]
    rows += [(name, str(data_path(name))) for name in ("photos", "configs", "schema")]
    print("\n".join(f"{name:14}{value}" for name, value in rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The programs that a study runs: where they are, and which options they have."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from .._programs import environment
from .._programs import program as launcher

if sys.version_info >= (3, 11):
    import tomllib as toml
else:
    import tomli as toml

__all__ = ("Options", "ProgramError", "defaults", "environment", "find", "flags", "toml")

Options = dict[str, Any]
"""Values by the option's name, as in a configuration file: {"beam-width": 3}."""


class ProgramError(ValueError):
    """A program that is not there or does not answer; one line."""


@cache
def find(name: str) -> Path:
    """The program `name`: in the folder XAI_BIN, the installed package, the build tree of this one, or on PATH."""
    folder = os.environ.get("XAI_BIN")
    built = Path(__file__).absolute().parents[3] / "bin"  # build/PRESET/python/xaimse/study: not through the link
    for path in ([Path(folder) / name] if folder else []) + [launcher(name), built / name]:
        if os.access(path, os.X_OK):
            return path.absolute()
    found = shutil.which(name)
    if not found:
        raise ProgramError(f"there is no program {name}: install the package, or name its folder in XAI_BIN")
    return Path(found).absolute()


@cache
def defaults(name: str) -> Options:
    """The options of a program with their defaults, as it prints them itself."""
    done = subprocess.run(
        [find(name), "--print-config"], capture_output=True, text=True, env=environment(), stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise ProgramError(f"{find(name)} --print-config ended with {done.returncode}: {done.stderr.strip()}")
    return toml.loads(done.stdout)


def flags(options: Options) -> list[str]:
    """{"beam-width": 3, "library": ["a"], "only-correct": True} as --beam-width=3 --library=a --only-correct."""
    words = []
    for name, value in options.items():
        if isinstance(value, bool):
            words += [f"--{name}"] if value else []
        else:
            words += [f"--{name}={each}" for each in (value if isinstance(value, list) else [value])]
    return words

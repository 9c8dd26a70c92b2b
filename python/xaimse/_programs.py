"""The entry points of the C++ programs: each becomes the program of its name, beside the LibTorch of this Python."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

NAMES = ("xai-mse", "xai-subexp", "xai-saliency", "xai-crosstest", "xai-merge")


def program(name: str) -> Path:
    """The launcher of a program; it is there in an installed package only."""
    return Path(__file__).resolve().parent / "bin" / name


def libtorch() -> str | None:
    """The LibTorch that the programs start with: what XAI_LIBTORCH names, or the folder of the torch package (not
    imported); None where there is neither."""
    named = os.environ.get("XAI_LIBTORCH")
    if named:
        return named
    torch = find_spec("torch")
    return torch.submodule_search_locations[0] if torch and torch.submodule_search_locations else None


def environment() -> dict[str, str]:
    """That of a program: its launcher wants to know the LibTorch of this Python, and says so where there is none."""
    found = libtorch()
    return {**os.environ} | ({"XAI_LIBTORCH": found} if found else {})


def _start(name: str) -> NoReturn:
    os.execve(program(name), [name, *sys.argv[1:]], environment() | {"XAI_COMMAND": sys.argv[0]})


def mse() -> NoReturn:
    _start("xai-mse")


def subexp() -> NoReturn:
    _start("xai-subexp")


def saliency() -> NoReturn:
    _start("xai-saliency")


def crosstest() -> NoReturn:
    _start("xai-crosstest")


def merge() -> NoReturn:
    _start("xai-merge")

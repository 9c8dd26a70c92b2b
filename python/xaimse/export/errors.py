"""What ends an export, and how it is said in one line."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Refusal(Exception):
    """What was asked for cannot be exported; the message is one line that says why and what to do."""


def words(values: Iterable[float]) -> str:
    """Numbers as they stand on a command line."""
    return " ".join(f"{value:.10g}" if isinstance(value, float) else str(value) for value in values)


def few(names: Iterable[object], count: int = 3) -> str:
    """The first of many names."""
    texts = [str(name) for name in names]
    return ", ".join(texts[:count]) + (f" and {len(texts) - count} more" if len(texts) > count else "")


def first_line(error: BaseException) -> str:
    """The line of a (TorchScript) error that says what happened."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = next((line for line in reversed(lines) if "Error" in line), lines[0] if lines else type(error).__name__)
    return line if len(line) <= 300 else line[:300] + "..."


def blame(error: BaseException) -> str:
    """One line of what one's own code raised, with the place."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not re.match("<|.*/(site|dist)-packages/|.*/lib/python3", frame.filename)
        and Path(frame.filename).resolve().parent != Path(__file__).resolve().parent
    ]
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {first_line(error).removeprefix(type(error).__name__ + ': ')}{place}"


@contextmanager
def needed_packages() -> Iterator[None]:
    """Makes a Refusal of a package that is missing within; it, or who depends on it, is in the extra `export`."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        raise Refusal(f"{name} is not installed: pip install 'xaimse[export]'") from error

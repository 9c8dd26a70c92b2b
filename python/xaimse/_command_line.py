"""What the programs in Python share: errors in one line, an orderly end when a signal comes, aligned tables."""

import argparse
import os
import signal
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from ._files import unfinished
from ._version import __version__

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Parser(argparse.ArgumentParser):
    """Tells its version; errors are one line; the texts stand as they are written."""

    def __init__(self, program: str, description: str | None, epilog: str | None = None) -> None:
        super().__init__(
            prog=program,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_argument("--version", action="version", version=f"{program} {__version__}")

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see --help\n")


@contextmanager
def stopped_by_signals(program: str) -> Iterator[None]:
    """A signal ends the process at once, with exit code 75. An exception would not do: what is called on the way, the
    import of torch for one, may swallow it."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        for path in unfinished:
            path.unlink(missing_ok=True)
        os.write(2, f"{program}: stopped\n".encode())
        os._exit(75)

    # the main thread alone gets signals
    numbers = _SIGNALS if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code(program: str, show: Callable[[], None], refusals: tuple[type[Exception], ...]) -> int:
    """Of what writes to standard output: 0, or 2 and one line where it refuses. Who reads may stop before the end."""
    try:
        show()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except refusals as error:
        print(f"{program}: {printable(error)}", file=sys.stderr)
        return 2
    return 0


def printable(text: object) -> str:
    """Text that a terminal shows and does not obey: control characters, which names in data may have, as "\\x1b"."""
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cs") else repr(c)[1:-1] for c in str(text))


def aligned(rows: Sequence[Sequence[str]], left: Iterable[int]) -> list[str]:
    """Rows of cells as aligned lines; the columns `left` to the left, the others to the right. A row that is shorter
    than the first one ends in free text."""
    rows = [[printable(text) for text in row] for row in rows]
    left, columns = set(left), len(rows[0])
    inner = [row if len(row) == columns else row[:-1] for row in rows]
    widths = [max(len(row[column]) for row in inner if column < len(row)) for column in range(columns)]
    lines = []
    for row, cells_of_row in zip(rows, inner, strict=True):
        padded = [
            text.ljust(widths[column]) if column in left else text.rjust(widths[column])
            for column, text in enumerate(cells_of_row)
        ]
        lines.append("  ".join([*padded, *row[len(cells_of_row) :]]).rstrip())
    return lines

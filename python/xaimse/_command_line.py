"""What the programs in Python share: errors in one line, and an orderly end when a signal comes."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class Parser(argparse.ArgumentParser):
    """Errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see --help\n")


class Stopped(SystemExit):
    """A signal came; what is being written is cleaned up on the way out."""


@contextmanager
def stopped_by_signals(program: str) -> Iterator[None]:
    """Signals raise Stopped within, with exit code 75."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        print(f"{program}: stopped", file=sys.stderr, flush=True)
        raise Stopped(75)

    # the main thread alone gets signals
    numbers = _SIGNALS if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

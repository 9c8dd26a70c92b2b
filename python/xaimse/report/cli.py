"""The command line of xai-report."""

# pandas, SciPy and matplotlib take seconds to import: only when there is something to show, after signals are caught

import argparse
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from .._command_line import Parser, exit_code, stopped_by_signals
from ..runs import RunError, listed

DESCRIPTION = """\
Shows runs of xai-mse, xai-subexp, xai-saliency and xai-crosstest as one HTML page, which opens from a disk without a
network, and its figures as PNG and PDF in a folder beside it.

  xai-report runs/lite0 runs/vit --out report.html             two models side by side
  xai-report runs/* --out report.html --overwrite              everything there is, again
  xai-report runs/* --out report.html --photographs 0          numbers and figures alone, no photograph in it

Runs that are under way, stopped or failed are shown as far as they are, and the page says what is missing.
docs/report.md says what stands where.
"""
EPILOG = "Exit codes: 0 done; 2 bad usage, or runs that cannot be read; 75 stopped by a signal."
PROGRAM = "xai-report"
NEEDED = ("jinja2", "matplotlib")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(PROGRAM, DESCRIPTION, EPILOG)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run, of any of the programs")
    parser.add_argument("--out", type=page, required=True, metavar="FILE", help="the page; its name ends in .html")
    parser.add_argument(
        "--photographs",
        type=count,
        default=60,
        metavar="N",
        help="photographs that the page shows, spread evenly over those of all runs; others are rows of a table (60)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE and its figures")
    parser.add_argument("--seed", type=count, default=0, help="of the bootstrap of the comparisons (0)")
    return parser.parse_args(arguments)


def page(text: str) -> Path:
    if Path(text).suffix != ".html":
        raise argparse.ArgumentTypeError(f"'{text}' must end in .html")
    return Path(text)


def count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 or more, not '{text}'")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; gives its exit code. Raises SystemExit, 2, for a command line that is none. A signal
    ends the process, with 75."""
    with stopped_by_signals(PROGRAM):
        options = parse(arguments)

        def show() -> None:
            missing = [name for name in NEEDED if find_spec(name) is None]
            if missing:
                raise RunError(f"without {listed(missing)} there is no page: pip install 'xaimse[report]'")
            from .writing import write

            write(options)

        return exit_code(PROGRAM, show, (RunError, OSError))

"""The command line of xai-compare."""

# pandas and SciPy take seconds to import: only when there is something to compare, after signals are caught

import argparse
from collections.abc import Sequence

from .._command_line import Parser, exit_code, stopped_by_signals
from ..runs import RunError, listed
from .tables import MODEL, PHOTOGRAPHS, TABLES, VARY

DESCRIPTION = """\
Compares models on the same photographs: runs of one of the xai programs over one data set, with equal options.

  xai-compare runs/lite0 runs/vit                     models, differences, overlap of evidence, and what may be said
  xai-compare runs/* --photographs both-right         on the photographs that both models get right
  xai-compare runs/seed0 runs/seed1 --vary seed       one model twice: how stable is a run?
  xai-compare runs/* --csv > pairs.csv                every pair and kind of photographs, for a spreadsheet
  xai-compare runs/* --json | jq -r '.pairs[].says'   for another program

Intervals are of means, by the bootstrap over photographs; p is of paired tests, corrected by Holm over all pairs.
docs/compare.md says what is computed, and what one may say. A run that is under way is compared as far as it is.
"""
EPILOG = "Exit codes: 0 done; 2 bad usage, or runs that cannot be read or compared; 75 stopped by a signal."
PROGRAM = "xai-compare"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(PROGRAM, DESCRIPTION, EPILOG)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run; of xai-crosstest one has all models")
    parser.add_argument(
        "--vary",
        choices=VARY,
        default=MODEL,
        metavar="WHAT",
        help=f"what the runs differ in, all else being equal: {listed(VARY)} (default: model)",
    )
    parser.add_argument(
        "--photographs",
        nargs="+",
        choices=PHOTOGRAPHS,
        metavar="KIND",
        help=f"these alone: {listed(PHOTOGRAPHS)} (default: all and truncated as text, every kind as JSON and CSV)",
    )
    parser.add_argument(
        "--table", choices=TABLES, metavar="NAME", help=f"this alone: {listed(TABLES)} (default: all; of CSV pairs)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="of the bootstrap and of the choice among many sets (0)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as a JSON object with an array for each table")
    form.add_argument("--csv", action="store_true", help="as CSV with a line of titles; what is missing is empty")
    return parser.parse_args(arguments)


def seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be 0 or more, not {value}")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; gives its exit code. Raises SystemExit, 2, for a command line that is none. A signal
    ends the process, with 75."""
    with stopped_by_signals(PROGRAM):
        options = parse(arguments)
        from .showing import show

        return exit_code(PROGRAM, lambda: show(options), (RunError, OSError))

"""The command line of xai-results."""

# pandas takes a second to import: only when there is something to show, after signals are caught

import argparse
from collections.abc import Sequence
from pathlib import Path

from .._command_line import Parser, exit_code, stopped_by_signals
from ..definitions import TABLES
from ..runs import NoSuchTable, RunError, listed

DESCRIPTION = """\
Shows the results of runs of xai-mse, xai-subexp, xai-saliency and xai-crosstest.

  xai-results runs/first                              a line for each image, and where its picture is
  xai-results runs/lite0 runs/vit --compare           models side by side: means with 95 % intervals
  xai-results runs/maps runs/rise --maps maps.png     maps of the same photographs side by side, with scores
  xai-results runs/first --table mses --csv           every explanation, for a spreadsheet
  xai-results runs/first --json | jq '.[].found'      for another program
  xai-results runs/first --describe                   what the columns of the tables are, with units

A run that is under way or was stopped is shown as far as it is; a line on standard error says so. In Python:
xaimse.read("runs/first").
"""
EPILOG = "Exit codes: 0 done; 2 bad usage, or a folder that holds no run that can be read; 75 stopped by a signal."
PROGRAM = "xai-results"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(PROGRAM, DESCRIPTION, EPILOG)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--table", choices=TABLES, metavar="NAME", help=f"this table of the runs: {listed(TABLES)}")
    what.add_argument("--compare", action="store_true", help="the runs' statistics side by side")
    what.add_argument("--maps", type=Path, metavar="PNG", help="draw the maps of runs of xai-saliency into this file")
    what.add_argument("--describe", action="store_true", help="what each column is, with unit and range")
    parser.add_argument("--images", nargs="+", metavar="IMAGE", help="these alone, named as in the records")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as a JSON array, an object a row; what is missing is null")
    form.add_argument("--csv", action="store_true", help="as CSV with a line of titles; what is missing is empty")
    options = parser.parse_args(arguments)
    check_combinations(parser, options)
    return options


def check_combinations(parser: Parser, options: argparse.Namespace) -> None:
    """Ends with what does not go together."""
    if (options.json or options.csv) and (options.maps or options.describe):
        parser.error("--json and --csv are of tables, and --maps and --describe give none")
    if options.images and (options.compare or options.describe):
        parser.error("--images is of records, tables and maps; --compare is over all images, --describe of none")
    if options.maps and options.maps.suffix.lower() != ".png":
        parser.error(f"--maps draws a PNG: {options.maps} must end in .png")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; gives its exit code. Raises SystemExit, 2, for a command line that is none. A signal
    ends the process, with 75."""
    with stopped_by_signals(PROGRAM):
        options = parse(arguments)
        from .showing import show

        return exit_code(PROGRAM, lambda: show(options), (RunError, NoSuchTable, OSError))

"""The command line of xai-features."""

# torch takes seconds to import: only when there is something to measure, after signals are caught

import argparse
from collections.abc import Sequence
from pathlib import Path

from .._command_line import Parser, exit_code, stopped_by_signals
from .errors import FeaturesError

DESCRIPTION = """\
Measures the last feature maps of models over photographs: does every channel carry its part, or do a few dominate?

  xai-features --model models/*.pt --data photos --out features      every model that has a features part
  xai-features --model models/lite0.pt --data val --limit 500 --out features --device cuda

Writes features.csv (a line a model and channel), summary.csv and summary.json (a line, or an object, a model), and
shares.png. A share is a channel's part of the sum of all channels' mean |activation|. docs/features.md says more.
"""
EPILOG = (
    "Exit codes: 0 done; 2 bad usage, or a model or data that cannot be used; 3 done, but some photographs could not "
    "be read; 75 stopped by a signal."
)
PROGRAM = "xai-features"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(PROGRAM, DESCRIPTION, EPILOG)
    parser.add_argument(
        "--model", nargs="+", type=Path, required=True, metavar="FILE", help="NAME.pt, beside its card NAME.json"
    )
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="a folder of photographs, or one")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the four files go")
    parser.add_argument("--limit", type=whole_number, metavar="N", help="only the first N photographs, by path")
    parser.add_argument("--batch-size", type=whole_number, default=8, metavar="N", help="photographs at a time (8)")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda or cuda:1")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    return parser.parse_args(arguments)


def whole_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not '{text}'")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; gives its exit code. Raises SystemExit, 2, for a command line that is none. A signal
    ends the process, with 75."""
    with stopped_by_signals(PROGRAM):
        options = parse(arguments)
        from .running import run

        failed: list[str] = []
        code = exit_code(PROGRAM, lambda: failed.extend(run(options)), (FeaturesError, OSError))
        return 3 if failed and not code else code

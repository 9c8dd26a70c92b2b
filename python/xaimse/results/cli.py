"""The command line of xai-results."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas

from ..definitions import CROSSTEST, SALIENCY, TABLES
from ..reading import Runs, listed, read_all
from ..runs import RunError
from . import maps, output
from .overview import overview

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
EPILOG = "Exit codes: 0 done; 2 bad usage, or a folder that holds no run that can be read."


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="xai-results",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run")
    what = made.add_mutually_exclusive_group()
    what.add_argument("--table", choices=TABLES, metavar="NAME", help=f"this table of the runs: {listed(TABLES)}")
    what.add_argument("--compare", action="store_true", help="the runs' statistics side by side")
    what.add_argument("--maps", type=Path, metavar="PNG", help="draw the maps of runs of xai-saliency into this file")
    what.add_argument("--describe", action="store_true", help="what each column is, with unit and range")
    made.add_argument("--images", nargs="+", metavar="IMAGE", help="these alone, named as in the records")
    form = made.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as a JSON array, an object a row; what is missing is null")
    form.add_argument("--csv", action="store_true", help="as CSV with a line of titles; what is missing is empty")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; gives its exit code."""
    options = parser().parse_args(arguments)
    try:
        show(options)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (RunError, AttributeError, OSError) as error:
        print(f"xai-results: {error}", file=sys.stderr)
        return 2
    return 0


def show(options: argparse.Namespace) -> None:
    if (options.json or options.csv) and (options.maps or options.describe):
        raise RunError("--json and --csv are of tables, and --maps and --describe give none")
    runs = read_all(options.runs)
    for name, run in runs.items():
        if not run.complete:
            print(f"xai-results: not complete: {name}: {run!r}", file=sys.stderr)
    if options.maps:
        draw_maps(runs, options.images, options.maps)
    elif options.describe:
        describe(runs)
    elif options.compare or options.table or options.json or options.csv:
        frame = comparison(runs) if options.compare else of_images(data(runs, options.table), options.images)
        form = output.as_json if options.json else output.as_csv if options.csv else output.as_text
        sys.stdout.write(form(frame))
    else:
        overviews(runs, options.images)


def data(runs: Runs, table: str | None) -> pandas.DataFrame:
    """A table of all runs; that which the overview is made of where none is asked for."""
    if table is None:
        table = "pairs" if any(run.kind == CROSSTEST for run in runs.values()) else "records"
    if len(runs) > 1:
        return runs.table(table)
    (run,) = runs.values()
    return run.table(table)


def comparison(runs: Runs) -> pandas.DataFrame:
    unlike = runs.differences
    if unlike:
        print(f"xai-results: unlike runs: they differ in {listed(unlike)}", file=sys.stderr)
    return runs.compare()


def of_images(frame: pandas.DataFrame, images: list[str] | None) -> pandas.DataFrame:
    """The rows of these images, all where none are named."""
    if images is None:
        return frame
    frame = frame.reset_index() if frame.index.names != [None] else frame
    if "image" not in frame:
        raise RunError("--images: this table has no images")
    require_known(images, frame["image"])
    return frame[frame["image"].isin(images)]


def require_known(images: list[str], known: "Sequence[str] | pandas.Series[str]") -> None:
    missing = [image for image in images if image not in set(known)]
    if missing:
        raise RunError(f"--images: there is no {missing[0]}; images are named as in the records")


def overviews(runs: Runs, images: list[str] | None) -> None:
    for place, (name, run) in enumerate(runs.items()):
        if images:
            require_known(images, run.images)
        if len(runs) > 1:
            print(f"{'' if place == 0 else chr(10)}{name}: {run.kind}, {', '.join(run.model_names)}\n")
        sys.stdout.write(overview(run, images or run.images))


def describe(runs: Runs) -> None:
    for kind in dict.fromkeys(run.kind for run in runs.values()):
        next(run for run in runs.values() if run.kind == kind).describe()


def draw_maps(runs: Runs, images: list[str] | None, file: Path) -> None:
    several = list(runs.values())
    for run in several:
        if run.kind != SALIENCY:
            raise RunError(f"{run.folder} is a run of {run.kind}; maps are of runs of {SALIENCY}")
    common = maps.common_images(several)
    missing = sorted(set(images or ()) - set(common))
    if missing or not common:
        raise RunError(f"not every run has a map of {', '.join(missing) or 'any image'}")
    drawn = maps.side_by_side(several, images or common)
    drawn.quantize(palette=drawn.quantize(256)).save(file, optimize=True)

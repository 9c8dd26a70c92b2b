"""What xai-results shows of the runs that it was given."""

import argparse
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pandas

from .._command_line import printable
from .._files import write_whole
from ..definitions import CROSS, SALIENCY
from ..reading import Runs, read_all
from ..runs import RunError, listed
from . import maps, output
from .overview import overview


def show(options: argparse.Namespace) -> None:
    """Writes what the options of the command line ask for. Raises RunError, NoSuchTable, OSError."""
    runs = read_all(options.runs)
    for name, run in runs.items():
        if not run.complete:
            print(f"xai-results: not complete: {printable(name)}: {printable(repr(run))}", file=sys.stderr)
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
        table = "pairs" if any(run.kind in CROSS for run in runs.values()) else "records"
    if len(runs) > 1:
        return runs.table(table)
    (run,) = runs.values()
    return run.table(table)


def comparison(runs: Runs) -> pandas.DataFrame:
    unlike = runs.differences
    if unlike:
        print(f"xai-results: unlike runs: they differ in {printable(listed(unlike))}", file=sys.stderr)
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
    for run in runs.values():
        if images and run.kind in CROSS:
            raise RunError(f"--images: the matrix of {run.folder} is over all its images; --table records has each")
        if images:
            require_known(images, run.images)
    for place, (name, run) in enumerate(runs.items()):
        if len(runs) > 1:
            models = printable(", ".join(run.model_names))
            print(f"{'' if place == 0 else chr(10)}{printable(name)}: {run.kind}, {models}\n")
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
    png = BytesIO()
    drawn.save(png, "PNG", optimize=True)
    try:
        write_whole(file, png.getvalue())
    except OSError as error:
        raise RunError(f"{file} cannot be written: {error.strerror or error}") from None

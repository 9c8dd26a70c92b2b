"""What is shown of a run that is asked for nothing else: a line an image, or the matrix, and the pictures."""

from collections.abc import Hashable
from typing import Any

import pandas

from .._command_line import aligned, printable
from ..definitions import CROSS, MSE, SALIENCY, SHOWN, SUBEXP
from ..reading import Run
from .output import missing

Record = dict[Hashable, Any]
HEADERS = {
    MSE: ("found", "diverse", "smallest"),
    SUBEXP: ("found", "distinct", "orders"),
    SALIENCY: ("p", "insertion", "deletion"),
}


def overview(run: Run, images: list[str]) -> str:
    """`images`: those to show."""
    records = run.records[run.records["image"].isin(images)]
    lines = matrix(run) if run.kind in CROSS else table(run, records)
    drawn = list(dict.fromkeys(records["picture"].dropna()))
    if drawn:
        lines += ["", "Pictures:", *(f"  {printable(run.folder / picture)}" for picture in drawn)]
    return "\n".join(lines) + "\n"


def table(run: Run, records: pandas.DataFrame) -> list[str]:
    """A line for each image; one that is not `ok` shows why instead of numbers."""
    if run.kind == SUBEXP:
        counts = run.sub_explanations[["image", "distinct", "tree_nodes", "truncated"]]
        records = records.merge(counts, on="image", how="left")
    rows: list[tuple[str, ...]] = [("image", "class", *HEADERS[run.kind], "seconds")]
    for record in records.to_dict("records"):
        name = "-" if missing(record["predicted"]) else run.class_name(record["predicted"])
        if record["status"] == "ok":
            rows.append((record["image"], name, *NUMBERS[run.kind](record), f"{record['seconds']:.1f}"))
        else:
            reason = "" if missing(record["reason"]) else f": {record['reason']}"
            rows.append((record["image"], name, record["status"] + reason))
    return aligned(rows, left=(0, 1))


def _mse(record: Record) -> tuple[str, str, str]:
    bound = "" if missing(record["diverse_exact"]) or record["diverse_exact"] else ">="
    smallest = "-" if missing(record["min_size"]) else str(record["min_size"])
    return str(record["found"]), f"{bound}{record['diverse']}", smallest


def _subexp(record: Record) -> tuple[str, str, str]:
    bound = ">=" if record["truncated"] else ""
    orders = f"{record['tree_nodes']:.4g}" if not missing(record["tree_nodes"]) else "1e308"
    return str(record["found"]), f"{bound}{record['distinct']}", f"{bound}{orders}"


def _saliency(record: Record) -> tuple[str, str, str]:
    scores = (record["insertion"], record["deletion"])
    insertion, deletion = ("undefined" if missing(score) else f"{score:.3f}" for score in scores)
    return f"{record['p_full']:.3f}", insertion, deletion


NUMBERS = {MSE: _mse, SUBEXP: _subexp, SALIENCY: _saliency}


def matrix(run: Run) -> list[str]:
    """Means with the number of images that they are over."""
    means = run.matrix
    rows = [("", *map(str, means.columns))]
    for source, of_source in zip(means.index, means.to_numpy(), strict=True):
        rows.append((str(source), *("-" if missing(mean) else f"{mean:.3f}" for mean in of_source)))
    pairs = run.pairs
    if run.kind == SHOWN:
        pairs = pairs[(pairs["photographs"] == "all") & (pairs["quantity"] == "sufficient")]
    over = sorted(set(pairs["n"]))
    images = str(over[0]) if len(over) == 1 else f"{over[0]} to {over[-1]}"
    title = (
        "Share of a model's MSEs that are sufficient for another, too (higher: more alike); rows: whose MSEs"
        if run.kind == SHOWN
        else "Mean insertion AUC (higher is better); rows: where the map comes from, columns: the model tested"
    )
    return [title, *aligned(rows, left=(0,)), f"Over {images} of {len(run.images)} images."]

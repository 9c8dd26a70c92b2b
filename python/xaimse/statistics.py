"""Statistics of a run that has no summary yet, from its records: what summary.json will say, but for the intervals.

The same quantities over the same images as src/record/summary.cpp, sub_explanation_summary.cpp and cross_summary.cpp
take; a test holds one against the other.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy
import pandas

from .definitions import CROSSTEST, MSE, SALIENCY, SHOWN, SHOWN_QUANTITIES, SUBEXP

Tables = Callable[[str], pandas.DataFrame]
Row = dict[str, Any]

SEARCH = ("found", "diverse", "min_size", "mean_mse_size", "keeps_top1", "p_full", "evaluations", "seconds")
FIELDS = {
    MSE: SEARCH,
    SUBEXP: SEARCH,
    SALIENCY: (
        "insertion",
        "deletion",
        "insertion_minus_deletion",
        "rank_correlation",
        "top_overlap",
        "p_full",
        "p_baseline",
        "forward",
        "backward",
        "iterations",
        "seconds",
    ),
}
COUNTS = [count + of for of in ("", "_per_mse") for count in ("distinct", "tree_nodes", "log10_tree_nodes")]


def statistics_so_far(kind: str, table: Tables, options: Row) -> Iterator[Row]:
    """Rows of the table `statistics`. `table`: the run's tables by name; `options`: of its run.json."""
    if kind == SHOWN:
        for pair in pairs_so_far(kind, table, options):
            if pair["photographs"] == "all" and pair["quantity"] in ("sufficient", "ratio"):
                yield {**pair, "quantity": f"{pair['quantity']} {pair['source']} -> {pair['model']}"}
        return
    if kind == CROSSTEST:
        for pair in pairs_so_far(kind, table, options):
            yield {"quantity": f"auc {pair['source']} -> {pair['model']}", **pair}
        return
    records = table("records")
    records = records[records.status == "ok"].set_index("image")
    if kind == SALIENCY:
        records["insertion_minus_deletion"] = records.insertion - records.deletion
    else:
        of_image = table("mses").groupby("image")
        records["mean_mse_size"] = of_image["size"].mean()
        records["keeps_top1"] = of_image["keeps_top1"].mean().astype(float)
    for field in FIELDS[kind]:
        yield {"quantity": field, **_statistics(records[field])}
    if kind == SUBEXP:
        yield from _counted(table("sub_explanations"))
    if kind == MSE and records.units.notna().any():
        yield from _estimated(records)


def _estimated(records: pandas.DataFrame) -> Iterator[Row]:
    for count, column in (("one_minimal", "one_minimal"), ("mses", "mse_count")):
        values = records[column]
        yield {"quantity": f"estimated_{count}", **_statistics(values)}
        yield {"quantity": f"log10_estimated_{count}", **_statistics(numpy.log10(values[values > 0]))}


def _counted(counts: pandas.DataFrame) -> Iterator[Row]:
    for prefix, images in (("", counts[~counts.truncated]), ("truncated_", counts[counts.truncated])):
        for count in COUNTS:
            yield {"quantity": prefix + count, **_statistics(images[count])}
    for count in ("estimated_tree_nodes", "estimated_log10_tree_nodes"):
        yield {"quantity": count, **_statistics(counts[count])}
    for quantity, spent in (("sub_evaluations", "evaluations"), ("saved", "saved")):
        total = counts[spent] + counts[f"estimate_{spent}"].fillna(0)
        yield {"quantity": quantity, **_statistics(total)}


def pairs_so_far(kind: str, table: Tables, options: Row) -> Iterator[Row]:
    """Rows of the table `pairs`: over the images all of whose pairs are ok, or over each pair's own."""
    records = table("records")
    models = list(dict.fromkeys(records.source))
    ok = records[records.status == "ok"]
    if options.get("images") == "common":
        defined = ok.groupby("image").size()
        ok = ok[ok.image.isin(defined.index[defined == len(models) ** 2])]
    for source in models:
        for model in models:
            of_pair = records[(records.source == source) & (records.model == model)]
            images = ok[(ok.source == source) & (ok.model == model)]
            undefined = int((of_pair.status == "undefined").sum())
            pair = {"source": source, "model": model, "undefined": undefined}
            if kind == SHOWN:
                for row in _shown_so_far(pair, images, table):
                    yield {**pair, **row}
            else:
                yield {**pair, **_statistics(images.auc)}


def _shown_so_far(pair: Row, images: pandas.DataFrame, table: Tables) -> Iterator[Row]:
    """Of an ordered pair, over `images`, its records that count."""
    sets = table("shown_sets")
    sets = sets[(sets.source == pair["source"]) & (sets.model == pair["model"]) & sets.image.isin(images.image)]
    own = sets[sets.what == "mse"]
    values: dict[str, pandas.Series[Any]] = {}
    for prefix, some in (
        ("", own),
        ("smallest_", own[own.smallest.astype(bool)]),
        ("random_", sets[sets.what == "random"]),
        ("other_", sets[sets.what == "other"]),
    ):
        of_image = some.groupby("image")
        values[f"{prefix}sufficient"] = of_image.sufficient.mean()
        values[f"{prefix}ratio"] = of_image.ratio.mean()
        values[f"{prefix}median_ratio"] = of_image.ratio.median()
    records = table("records")
    for photographs in ("all", "both_right") if records.label.notna().any() else ("all",):
        if photographs == "both_right":
            mine = records[records.model.isin((pair["source"], pair["model"]))]
            wrong = mine[~(mine.predicted == mine.label).fillna(False)].image
            values = {name: of[~of.index.isin(wrong)] for name, of in values.items()}
        for quantity in SHOWN_QUANTITIES:
            yield {"photographs": photographs, "quantity": quantity, **_statistics(values[quantity])}


def _statistics(values: "pandas.Series[Any]") -> Row:
    values = values.dropna().astype(float)
    return {
        "n": len(values),
        "mean": values.mean(),
        "median": values.median(),
        "standard_deviation": values.std(),
        "low": None,
        "high": None,
    }

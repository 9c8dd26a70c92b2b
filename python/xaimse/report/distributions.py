"""How the numbers of MSEs and their sizes are distributed over the images, by model."""

from collections.abc import Sequence

import numpy
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from ..compare.quantities import QUANTITIES
from ..definitions import MSE
from .drawing import HATCHES, INK, Easel, colour, label_rows, of_families, rows_height
from .gathering import Floats, Gathered, of_kinds, with_sets
from .parts import Cell, Column, Figure, Section, Table, counted, heading, number, plain, span, statistic, told

ESTIMATED = "estimated_mses"
TITLES = {
    "found": "MSEs found by image",
    "diverse": "Diverse MSEs by image",
    "min_size": "Patches of the smallest MSE by image",
    ESTIMATED: "MSEs that there are, estimated, by image",
}
AXES = {
    "found": "MSEs found",
    "diverse": "diverse MSEs",
    "min_size": "patches of the smallest MSE",
    ESTIMATED: "log10 of the estimated number of MSEs",
}


def section(runs: Sequence[Gathered], easel: Easel) -> Section:
    made = Section("distributions", "Distributions")
    sources = with_sets(runs)
    for name in ("found", "diverse", "min_size"):
        values = {run.name: _known(run.measured.values[name]) for run in sources if run.measured}
        _add(made, easel, name, [run for run in sources if run.measured], values)
    estimated = [run for run in of_kinds(runs, MSE) if any(row.estimated for row in run.rows.values())]
    logs = {
        run.name: numpy.log10([row.estimated for row in run.rows.values() if row.estimated and row.estimated > 0])
        for run in estimated
    }
    _add(made, easel, ESTIMATED, estimated, logs)
    return made


def _known(values: Floats) -> Floats:
    known: Floats = values[~numpy.isnan(values)]
    return known


def _add(made: Section, easel: Easel, name: str, runs: Sequence[Gathered], values: dict[str, Floats]) -> None:
    runs = [run for run in runs if len(values[run.name])]
    if runs:
        made.blocks += [_figure(easel, name, runs, values), _table(name, runs, values)]


def _figure(easel: Easel, name: str, runs: Sequence[Gathered], values: dict[str, Floats]) -> Figure:
    families = of_families([run.family for run in runs])

    def paint(canvas: Canvas) -> None:
        axes = canvas.subplots()
        boxes = axes.boxplot(
            [values[run.name] for run in runs],
            positions=range(len(runs)),
            orientation="horizontal",
            widths=0.62,
            whis=(5, 95),
            patch_artist=True,
            showmeans=True,
            medianprops={"color": INK, "linewidth": 1.4},
            meanprops={"marker": "D", "markerfacecolor": "white", "markeredgecolor": INK, "markersize": 3.5},
            flierprops={"marker": ".", "markersize": 2, "markeredgecolor": "#777777"},
            boxprops={"linewidth": 0.6},
            whiskerprops={"linewidth": 0.7, "color": "#777777"},
            capprops={"linewidth": 0.7, "color": "#777777"},
        )
        for run, box in zip(runs, boxes["boxes"], strict=True):
            place = families[run.family]
            box.set(facecolor=colour(place), hatch=HATCHES[place % len(HATCHES)], edgecolor=INK, alpha=0.75)
        label_rows(axes, [run.name for run in runs])
        axes.set_xlabel(AXES[name])
        if len(families) > 1:
            keys = [
                Patch(facecolor=colour(n), hatch=HATCHES[n % len(HATCHES)], edgecolor=INK, alpha=0.75, label=family)
                for family, n in families.items()
            ]
            canvas.legend(handles=keys, loc="outside upper left", ncols=3, handlelength=1.6)

    medians = ", ".join(f"{run.name} {number(float(numpy.median(values[run.name])))}" for run in runs)
    n = f"{span(len(values[run.name]) for run in runs)} images a model; the table has each"
    how = (
        f"{_definition(name)}. A value is an image with status ok. Box: quartiles, with the median as a line; "
        "diamond: the mean; whiskers: 5 % and 95 % of the images; points: beyond. Colour and hatching: the family."
    )
    ends = "none is drawn; the table has that of the mean"
    alt = f"Box plot of {AXES[name]} by model. Medians: {medians}."
    keys = 0.25 * -(-len(families) // 3) if len(families) > 1 else 0
    return easel.draw(name, TITLES[name], alt, told(runs, how, n, ends), paint, rows_height(len(runs)) + keys)


def _definition(name: str) -> str:
    if name == ESTIMATED:
        return "log10 of the unbiased estimate of the number of MSEs that there are, found or not (docs/counting.md)"
    return QUANTITIES[name].definition


def _table(name: str, runs: Sequence[Gathered], values: dict[str, Floats]) -> Table:
    quantity = f"log10_{name}" if name == ESTIMATED else name
    columns = [
        Column("model"),
        Column("family"),
        *(Column(title, numeric=True) for title in ("n", "mean", "5 %", "25 %", "median", "75 %", "95 %")),
    ]
    rows = []
    for run in runs:
        of = values[run.name]
        quantiles = [counted(float(q)) for q in numpy.quantile(of, [0.05, 0.25, 0.5, 0.75, 0.95])]
        mean: Cell = statistic(run.statistics.get(quantity))
        rows.append([heading(run.name), plain(run.family), counted(len(of)), mean, *quantiles])
    return Table(f"{TITLES[name]}: numbers of the figure", columns, rows)

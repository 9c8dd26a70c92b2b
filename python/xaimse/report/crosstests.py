"""Matrices of models and families: maps, or MSEs, of one model shown to another; landscape and ensembles."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from ..definitions import CROSSTEST, SHOWN
from ..tables import ROWS_OF_A_SUMMARY
from .drawing import INK, MARKERS, Easel, colour, label_rows, of_families, rows_height, shortened
from .gathering import Floats, Gathered, Row, of_kinds
from .parts import Block, Cell, Column, Section, Table, counted, heading, plain, signed, span, statistic, told

PHOTOGRAPHS = {"all": "all photographs", "both_right": "photographs that both models get right"}
SHARES = {
    "sufficient": "sufficient for the other",
    "smallest_sufficient": "of the smallest MSEs",
    "random_sufficient": "of random sets of as many patches (control)",
    "other_sufficient": "of its MSEs of another photograph (control)",
}
RATIOS = {"ratio": "mean ratio", "median_ratio": "median ratio"}


def sections(runs: Sequence[Gathered], easel: Easel) -> Iterator[Section]:
    for kind, tests in ((CROSSTEST, of_kinds(runs, CROSSTEST)), (SHOWN, of_kinds(runs, SHOWN))):
        for place, run in enumerate(tests, 1):
            suffix = f"-{place}" if len(tests) > 1 else ""
            yield _maps(run, easel, suffix) if kind == CROSSTEST else _sets(run, easel, suffix)


def _of(title: str, run: Gathered, suffix: str) -> str:
    return f"{title}: {run.name}" if suffix else title


# --- maps


def _maps(run: Gathered, easel: Easel, suffix: str) -> Section:
    made = Section(f"crosstest{suffix}", _of("Cross-testing: maps shown to other models", run, suffix))
    what = "mean insertion AUC (higher is better)"
    how = (
        "Insertion AUC of the column's model when the photograph is revealed in the order of the row's map: trapezoid "
        "under (p_t − p(b)) / (p(x) − p(b)), not clipped, mean over images."
    )
    made.blocks += _matrix(run, easel, f"matrix{suffix}", what, how, run.pairs)
    if not run.summary:
        return made
    made.blocks.append(_families(run.family_pairs, "Mean AUC by family (higher is better)"))
    asymmetry = list(run.summary["asymmetry"])
    if asymmetry:
        made.blocks += _asymmetry(run, easel, suffix, asymmetry)
    made.blocks += _landscape(run, easel, suffix)
    if run.summary.get("landscape_reason"):
        made.text.append(f"There is no landscape: {run.summary['landscape_reason']}.")
    made.blocks += _ensembles(run)
    return made


def _matrix(run: Gathered, easel: Easel, name: str, what: str, how: str, pairs: Sequence[Row]) -> list[Block]:
    """Two figures, the matrix and what it is more than its transpose, and their table."""
    models = list(dict.fromkeys(str(pair["source"]) for pair in pairs))
    if not models:
        return []
    place = {model: number for number, model in enumerate(models)}
    means: Floats = numpy.full((len(models), len(models)), numpy.nan)
    for pair in pairs:
        if pair.get("mean") is not None:
            means[place[pair["source"]], place[pair["model"]]] = pair["mean"]
    table = _square(what, models, pairs, means)
    if numpy.isnan(means).all():
        return [table]
    n = f"{span(pair['n'] for pair in pairs)} images a cell, {span(pair['undefined'] for pair in pairs)} undefined"
    size = 1.35 + 0.2 * max(len(models), 3)
    alt = f"Matrix of the {what} of {len(models)} models; the table below has its numbers."
    figure = easel.draw(
        name, f"Matrix: {what}", alt, told([run], how, n), _painted(models, means, "cividis", what, "{:.2f}"), size
    )
    if len(models) < 2:
        return [figure, table]
    asymmetry = means - means.T
    numpy.fill_diagonal(asymmetry, numpy.nan)
    how = (
        "The cell above less its mirror image. Above 0: the column's model does more with what the row's looks at "
        "than the other way round."
    )
    alt = f"Asymmetry of the matrix of {len(models)} models, cell less mirror image."
    note = told([run], how, n, "none: see the cells of the table")
    skewed = _painted(models, asymmetry, "PuOr", "cell − mirror image", "{:+.2f}")
    return [figure, easel.draw(f"{name}-asymmetry", f"Asymmetry: {what}", alt, note, skewed, size), table]


def _painted(models: Sequence[str], values: Floats, colours: str, title: str, form: str) -> Callable[[Canvas], None]:
    def paint(canvas: Canvas) -> None:
        axes = canvas.subplots()
        known = values[~numpy.isnan(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        if "+" in form:
            high = max(abs(low), abs(high), 1e-3)
            low = -high
        mesh = axes.pcolormesh(numpy.ma.masked_invalid(values), cmap=colours, vmin=low, vmax=high or low + 1e-3)
        many = len(models) > 6
        small = 4.2 if many else 6.5
        for (row, column), value in numpy.ndenumerate(values):
            if not numpy.isnan(value):
                red, green, blue, _ = mesh.cmap(mesh.norm(value))
                dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
                text = form.format(value).replace("-", "−")
                text = text.replace("0.", ".") if many and abs(value) < 1 else text
                ink = "white" if dark else "black"
                axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=small, color=ink)
        names = [shortened(model, 18) for model in models]
        ticks = numpy.arange(len(models)) + 0.5
        turned: dict[str, Any] = (
            {"rotation": 90} if many else {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
        )
        axes.set_xticks(ticks, names, fontsize=5.5 if many else 6.5, **turned)
        axes.set_yticks(ticks, names, fontsize=5.5 if many else 6.5)
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("model that is tested")
        axes.set_ylabel("whose evidence")
        bar = canvas.colorbar(mesh, ax=axes, location="top", fraction=0.04, aspect=40, pad=0.04)
        bar.outline.set_visible(False)  # type: ignore[operator]
        bar.ax.tick_params(labelsize=6)

    return paint


def _square(what: str, models: Sequence[str], pairs: Sequence[Row], means: Floats) -> Table:
    cells = {(pair["source"], pair["model"]): pair for pair in pairs}
    rows = []
    for row, source in enumerate(models):
        of_source = [
            statistic(cells.get((source, model)), shade=_shade(means, row, column))
            for column, model in enumerate(models)
        ]
        rows.append([heading(source), *of_source])
    columns = [Column("whose evidence"), *(Column(f"shown to {model}", numeric=True) for model in models)]
    return Table(f"Matrix: {what}, with interval and n", columns, rows)


def _shade(means: Floats, row: int, column: int) -> float | None:
    value = means[row, column]
    if numpy.isnan(value):
        return None
    low, high = numpy.nanmin(means), numpy.nanmax(means)
    return round(float((value - low) / (high - low)), 2) if high > low else None


def _families(pairs: Sequence[Row], caption: str) -> Table:
    families = list(dict.fromkeys(str(pair["source_family"]) for pair in pairs))
    cells = {(pair["source_family"], pair["target_family"]): pair for pair in pairs}
    rows = []
    for source in families:
        row = [heading(source)]
        for target in families:
            pair: Row = cells.get((source, target)) or {}
            if pair.get("mean") is None:
                row.append(Cell("–", numeric=True))
                continue
            over = "its model's test of itself" if pair["self_test"] else f"{pair['pairs']} pairs of models"
            cell = statistic({"n": "", **pair}) if pair.get("n") is not None else counted(float(pair["mean"]))
            cell.detail = ", ".join(filter(None, [cell.detail, over]))
            row.append(cell)
        rows.append(row)
    columns = [Column("whose evidence"), *(Column(f"shown to {family}", numeric=True) for family in families)]
    return Table(caption, columns, rows, "Means over ordered pairs of different models.")


SIDES = {
    "as_source": "others under its maps",
    "as_target": "it under others' maps",
    "difference": "difference",
}


def _asymmetry(run: Gathered, easel: Easel, suffix: str, rows: Sequence[Row]) -> list[Block]:
    def paint(canvas: Canvas) -> None:
        axes = canvas.subplots()
        for place, row in enumerate(rows):
            for offset, (side, marker, filled) in enumerate((("as_source", "o", True), ("as_target", "s", False))):
                of = row[side]
                if of.get("mean") is None:
                    continue
                ends = [[0], [0]] if of.get("low") is None else [[of["mean"] - of["low"]], [of["high"] - of["mean"]]]
                axes.errorbar(
                    of["mean"],
                    place + 0.26 * offset - 0.13,
                    xerr=numpy.maximum(ends, 0),
                    fmt=marker,
                    color=colour(offset),
                    markerfacecolor=colour(offset) if filled else "white",
                    markersize=4,
                    linewidth=0.9,
                    label=SIDES[side] if place == 0 else None,
                )
        label_rows(axes, [str(row["model"]) for row in rows])
        axes.set_xlabel("mean insertion AUC (higher is better)")
        canvas.legend(loc="outside upper left", ncols=2)

    how = (
        "Mean insertion AUC of the other models under the model's maps (do others use what it looks at?), and of the "
        "model under theirs (does it use what others look at?)."
    )
    n = f"{span(row['difference']['n'] for row in rows)} images"
    alt = "Each model as source and as target of maps, with intervals; the table has the numbers."
    figure = easel.draw(
        f"asymmetry{suffix}", "Asymmetry of models", alt, told([run], how, n), paint, rows_height(len(rows)) + 0.25
    )
    columns = [Column("model"), Column("family"), *(Column(title, numeric=True) for title in SIDES.values())]
    cells = [[heading(row["model"]), plain(row["family"]), *(statistic(row[side]) for side in SIDES)] for row in rows]
    return [figure, Table("Asymmetry of models: mean AUC, interval and n", columns, cells)]


def _landscape(run: Gathered, easel: Easel, suffix: str) -> list[Block]:
    points = list(ROWS_OF_A_SUMMARY["landscape"](run.summary or {"landscape": None}))
    if not points:
        return []
    families = of_families([str(point["family"]) for point in points])

    def scatter(axes: Axes, method: str, title: str) -> None:
        middle = numpy.mean([point[method][0] for point in points])
        for rank, point in enumerate(sorted(points, key=lambda point: float(point[method][0]))):
            place = families[str(point["family"])]
            x, y = point[method]
            side, up = -1 if x > middle else 1, 1 if rank % 2 else -1  # so that neighbours' names lie apart
            axes.plot(
                x,
                y,
                MARKERS[place % len(MARKERS)],
                color=colour(place),
                markeredgecolor=INK,
                markersize=5,
                linestyle="",
            )
            axes.annotate(
                shortened(str(point["model"])),
                (x, y),
                xytext=(4 * side, 5 * up),
                textcoords="offset points",
                fontsize=5.5,
                ha="left" if side > 0 else "right",
                va="bottom" if up > 0 else "top",
            )
        axes.set_title(title, loc="left")
        axes.margins(0.2)
        axes.set_aspect("equal", adjustable="datalim")
        axes.grid(color=INK, alpha=0.15, linewidth=0.5)

    def paint(canvas: Canvas) -> None:
        upper, lower = canvas.subplots(2, 1)
        scatter(upper, "kernel_pca", "kernel PCA of the centred (C + Cᵀ) / 2")
        scatter(lower, "mds", "classical MDS of distances between rows and columns")
        marks = {
            family: upper.plot([], [], MARKERS[n % len(MARKERS)], color=colour(n), markeredgecolor=INK, label=family)[0]
            for family, n in families.items()
        }
        canvas.legend(handles=list(marks.values()), loc="outside upper left", ncols=3)

    how = (
        "Places of the models by their matrix C: near ones are tested alike and test others alike. Colour and marker: "
        "the family. Axes have no meaning of their own."
    )
    n = f"{len(points)} models"
    alt = f"Two scatter plots of {', '.join(str(point['model']) for point in points)}; the table has their places."
    figure = easel.draw(f"landscape{suffix}", "Landscape of the models", alt, told([run], how, n, "none"), paint, 4.6)
    titles = ("kernel PCA 1", "kernel PCA 2", "MDS 1", "MDS 2")
    columns = [Column("model"), Column("family"), *(Column(title, numeric=True) for title in titles)]
    rows = [
        [heading(point["model"]), plain(point["family"]), *map(counted, (*point["kernel_pca"], *point["mds"]))]
        for point in points
    ]
    return [figure, Table("Landscape: places of the models", columns, rows)]


def _ensembles(run: Gathered) -> list[Block]:
    sets = list(ROWS_OF_A_SUMMARY["ensembles"](run.summary or {"ensembles": None}))
    if not sets:
        return []
    titles = ("n", "top-1", "top-5", "gain over best", "gain over mean")
    columns = [Column("members"), Column("relation"), *(Column(title, numeric=True) for title in titles)]
    rows = [
        [
            heading(" + ".join(map(str, of["members"]))),
            plain(of["relation"]),
            counted(of["top1"].get("n")),
            *(counted(_share(of[k])) for k in ("top1", "top5")),
            *(_gain(of[k]) for k in ("gain_over_best", "gain_over_mean")),
        ]
        for of in sets
    ]
    note = "Averaged softmax. Gain: top-1 less that of the best member, and less the mean of the members' top-1."
    caption = "Ensembles: top-1 of averaged models (higher is better)"
    return [Table(caption, columns, rows, note, folded=len(rows) > 40)]


def _share(of: Mapping[str, Any]) -> float | None:
    return None if of.get("share") is None else float(of["share"])


def _gain(value: float | None) -> Cell:
    return Cell("–", numeric=True) if value is None else Cell(signed(value), value=value, numeric=True)


# --- MSEs


def _sets(run: Gathered, easel: Easel, suffix: str) -> Section:
    made = Section(f"shown{suffix}", _of("Sets shown to other models", run, suffix))
    made.text.append(
        "Does what suffices for one model suffice for another? Each model's MSEs are shown to every other, and beside "
        "them random sets of as many patches, and its MSEs of another photograph: only what lies above these controls "
        "says that two models use the same evidence of a photograph."
    )
    what = "share of MSEs that are sufficient for the other model, too"
    for photographs, title in PHOTOGRAPHS.items():
        pairs = [pair for pair in run.pairs if pair["photographs"] == photographs]
        if not pairs:
            continue
        how = (
            "Share of an image's MSEs of the row's model for which p(S) / p(all) of the column's model is at least "
            f"the threshold, mean over {title}. Rows: whose MSEs; columns: who is shown them."
        )
        name = f"sets-{photographs.replace('_', '-')}{suffix}"
        of = [pair for pair in pairs if pair["quantity"] == "sufficient"]
        made.blocks += _matrix(run, easel, name, f"{what}, {title}", how, of)
        made.blocks.append(_controls(pairs, title))
    for photographs, title in PHOTOGRAPHS.items():
        of_families = [
            pair for pair in run.family_pairs if pair["photographs"] == photographs and pair["quantity"] == "sufficient"
        ]
        if of_families:
            made.blocks.append(_families(of_families, f"By family: {what}, {title}"))
    made.blocks += _ensembles(run)
    return made


def _controls(pairs: Sequence[Row], title: str) -> Table:
    quantities = SHARES | RATIOS
    columns = [
        Column("whose MSEs"),
        Column("shown to"),
        *(Column(text, numeric=True) for text in quantities.values()),
        Column("undefined", "images for which the pair is undefined", True),
    ]
    of_pair: dict[tuple[str, str], dict[str, Row]] = {}
    for pair in pairs:
        of_pair.setdefault((pair["source"], pair["model"]), {})[pair["quantity"]] = pair
    rows = [
        [
            heading(source),
            plain(model),
            *(statistic(of.get(name)) for name in quantities),
            counted(of["sufficient"]["undefined"]),
        ]
        for (source, model), of in of_pair.items()
    ]
    return Table(f"Sets shown beside their controls, {title}: mean share, interval and n", columns, rows)

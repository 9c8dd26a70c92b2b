"""Maps of xai-saliency: mean curves and scores. The maps themselves stand with the photographs."""

from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas

from ..definitions import SALIENCY
from .drawing import INK, LINES, MARKERS, Easel, colour, shortened
from .gathering import Gathered, of_kinds
from .parts import Column, Section, Table, counted, heading, plain, span, statistic, told

BETTER = {"insertion": "higher is better", "deletion": "lower is better"}


def section(runs: Sequence[Gathered], easel: Easel) -> Section:
    made = Section("maps", "Maps: insertion and deletion")
    sources = of_kinds(runs, SALIENCY)
    if not sources:
        return made
    drawn = [run for run in sources if run.run.curves]

    def paint(canvas: Canvas) -> None:
        panels = canvas.subplots(2, 1, sharex=True)
        for name, axes in zip(BETTER, panels, strict=True):
            for place, run in enumerate(drawn):
                curve = run.run.curves.get(name)
                if curve:
                    axes.plot(
                        curve.shares,
                        curve.mean,
                        color=colour(place),
                        linestyle=LINES[place % len(LINES)],
                        marker=MARKERS[place % len(MARKERS)],
                        markevery=0.2,
                        markersize=3,
                        label=shortened(run.name, 26),
                    )
            axes.set_title(f"{name} ({BETTER[name]})", loc="left")
            axes.grid(color=INK, alpha=0.15, linewidth=0.5)
        panels[1].set_xlabel("share of cells shown (insertion), hidden (deletion)")
        handles, labels = panels[0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside upper left", ncols=2)

    if drawn:
        metrics = sorted({str(run.options.get("metric")) for run in drawn})
        how = (
            "Means of the curves of all images that have scores; cells in the map's order, the most important first. "
            f"Metric {', '.join(metrics)}: of normalised (p_t − p(b)) / (p(x) − p(b)), of reference p_t "
            "(docs/definitions.md)."
        )
        n = f"{span(curve.n for run in drawn for curve in run.run.curves.values())} images a curve"
        alt = f"Mean insertion and deletion curves of {', '.join(run.name for run in drawn)}; the table has the areas."
        note = told(drawn, how, n, "none is drawn; the table has those of the areas")
        made.blocks.append(
            easel.draw(
                "curves", "Mean insertion and deletion curves", alt, note, paint, 3.5 + 0.15 * -(-len(drawn) // 2)
            )
        )
    columns = [
        Column("model and method"),
        Column("family"),
        Column("metric"),
        Column("images", numeric=True),
        *(Column(f"{name} ({better})", numeric=True) for name, better in BETTER.items()),
    ]
    rows = [
        [
            heading(run.name),
            plain(run.family),
            plain(run.options.get("metric")),
            counted(run.ok),
            *(statistic(run.statistics.get(name)) for name in BETTER),
        ]
        for run in sources
    ]
    made.blocks.append(
        Table("Scores of maps on their own models", columns, rows, "Maps of unlike metrics do not compare.")
    )
    made.text.append("The maps of single photographs stand beside the sets, under Photographs.")
    return made

"""The first table, and what the runs are."""

from collections.abc import Sequence

from ..compare.quantities import PER_MSE, QUANTITIES
from ..definitions import CROSS
from ..tables import value_at
from .gathering import Gathered, Row
from .parts import Cell, Column, Section, Table, command, counted, data_hash, heading, number, plain, shown, statistic

ESTIMATED = "log10_estimated_mses"
# of summary.json, and what it is called there
QUANTITY = {
    "found": "found",
    "diverse": "diverse",
    "min_size": "smallest",
    "mean_mse_size": "mean size",
    "keeps_top1": "keeps top‑1",
    PER_MSE: "sub-explanations per MSE",
    "insertion": "insertion (higher is better)",
    "deletion": "deletion (lower is better)",
    ESTIMATED: "MSEs there are, estimated (log10)",
}
OTHER_DEFINITIONS = {ESTIMATED: "log10 of the estimated number of MSEs that there are, found or not [log10 of a count]"}


def overview(runs: Sequence[Gathered]) -> Section:
    present = [name for name in QUANTITY if any(name in run.statistics for run in runs)]
    columns = [
        Column("model", "name of the model; of several runs of it, of the run"),
        Column("family", "as the model's card says"),
        Column("program"),
        Column("status", "of the run"),
        Column("images", "images that have a record", True),
        Column("ok", "images that were analysed; of xai-crosstest pairs of an image, a source and a model", True),
        *(Column(QUANTITY[name], _definition(name), True) for name in present),
        Column("top‑1 (higher is better)", "share of labelled images that are classified right", True),
    ]
    rows = [row for run in runs for row in _rows(run, present)]
    table = Table(
        "Runs and models: mean over images, 95 % interval of the mean, and n images",
        columns,
        rows,
        "Intervals are of the mean, by the bootstrap over images; a run that is not complete has none. Numbers of "
        "MSEs are of those found with the run's options, never of all there are: compare runs with equal options. A "
        "title is a button that sorts.",
        "overview",
    )
    return Section("overview", "Overview", blocks=[table])


def _definition(name: str) -> str:
    return QUANTITIES[name].definition if name in QUANTITIES else OTHER_DEFINITIONS[name]


def _rows(run: Gathered, present: Sequence[str]) -> list[list[Cell]]:
    if run.kind in CROSS:
        models = (run.summary or {}).get("models") or run.run.cards
        return [
            [*_head(run, str(model["name"]), str(model["family"])), *(statistic(None) for _ in present), _top1(model)]
            for model in models
        ]
    quantities = [statistic(run.statistics.get(name)) for name in present]
    return [[*_head(run, run.name, run.family), *quantities, _top1(run.summary or {})]]


def _head(run: Gathered, model: str, family: str) -> list[Cell]:
    return [
        heading(model, link=f"#{anchor(run)}"),
        plain(family),
        plain(run.kind),
        plain(run.info.get("status")),
        counted(run.images),
        counted(run.ok),
    ]


def _top1(of: Row) -> Cell:
    top1 = of.get("top1") or {}
    if not top1.get("n"):
        return statistic(None)
    return Cell(number(float(top1["share"])), f"n = {top1['n']}", float(top1["share"]), numeric=True)


def anchor(run: Gathered) -> str:
    """The run's place on the page."""
    return f"run-{run.number}"


def described(run: Gathered) -> Row:
    """What the page says of a run: its command, options and hashes."""
    info = run.info
    facts = {
        "program": f"{info.get('tool')} {info.get('tool_version', '')}, commit {info.get('git_commit') or 'unknown'}",
        "folder": str(run.folder),
        "status": str(info.get("status")),
        "command": command(run),
        **{f"model {card.get('name', '?')}, SHA-256": str(card.get("sha256", "unknown")) for card in run.run.cards},
        "data": f"{shown(value_at(info, ('data', 'path')))}, {run.run.image_count} images",
        "data, SHA-256 of list and labels": data_hash(run),
        "seed": shown(info.get("seed")),
        "platform": ", ".join(f"{name} {shown(value)}" for name, value in (info.get("platform") or {}).items()),
        "started, ended": f"{shown(info.get('started'))}, {shown(info.get('ended'))}",
        "records": ", ".join(f"{count} {status}" for status, count in (info.get("counts") or {}).items()),
    }
    return {
        "anchor": anchor(run),
        "name": f"{run.name} ({run.kind})",
        "facts": {name: text for name, text in facts.items() if text},
        "options": {name: shown(value) for name, value in run.options.items()},
        "missing": run.missing,
    }

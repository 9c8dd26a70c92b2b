"""What xai-compare says of the runs of each program."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from ..compare.comparing import compared
from ..compare.measuring import Measured
from ..compare.pairing import name_models, require_comparable, study
from ..compare.quantities import OVERLAPS, QUANTITIES
from ..compare.tables import ALL, MODEL
from ..definitions import MSE, SALIENCY, SUBEXP
from ..runs import RunError
from .gathering import Gathered, Row, of_kinds
from .parts import Section, Sentences

OF_SUBEXP = ("distinct_per_mse",)
"""What runs of xai-subexp alone have, where there are runs of xai-mse beside them."""


def section(runs: Sequence[Gathered], seed: int) -> Section:
    made = Section("comparisons", "What may be said of differences")
    for kind in (MSE, SUBEXP, SALIENCY):
        measured = [run for run in of_kinds(runs, kind) if run.measured]
        if len(measured) > 1:
            alone = OF_SUBEXP if kind == SUBEXP and len(of_kinds(runs, MSE)) > 1 else ()
            _compare(made, kind, measured, seed, alone)
    if made.blocks:
        made.text.append(
            "Sentences of xai-compare, over all photographs that both models have: paired differences with 95 % "
            "bootstrap intervals over photographs, Wilcoxon's signed-rank test, and Holm's correction over all pairs "
            "of a quantity. Where nothing may be said, that is not that models are equal. Its tables and other kinds "
            "of photographs (both right, one right, same class): xai-compare RUN... --json."
        )
    return made


def _compare(made: Section, kind: str, runs: Sequence[Gathered], seed: int, alone: Sequence[str]) -> None:
    try:
        require_comparable([run.run for run in runs], MODEL)
        models = [_of_quantities(run.measured, alone) for run in runs if run.measured]
        name_models(models, MODEL)
        side_by_side = study(models)
        side_by_side.kinds = (ALL,)
        comparison = compared(side_by_side, seed, ["pairs"] if alone else ["pairs", "overlaps"])
    except RunError as error:
        made.text.append(f"Runs of {kind} are not compared: {error}.")
        return
    for name, of_name in groupby(comparison.pairs, key=lambda row: str(row["quantity"])):
        made.blocks.append(_sentences(kind, name, QUANTITIES[name].definition, of_name))
    for name, of_name in groupby(comparison.overlaps, key=lambda row: str(row["overlap"])):
        made.blocks.append(_sentences(kind, name, OVERLAPS[name].definition, of_name))
    made.text += [f"{kind}: {note}." for note in comparison.notes]


def _of_quantities(measured: Measured, alone: Sequence[str]) -> Measured:
    """Its `alone` quantities, where there are such; else all."""
    return replace(measured, values={name: measured.values[name] for name in alone}, sets={}) if alone else measured


def _sentences(kind: str, name: str, definition: str, rows: Iterable[Row]) -> Sentences:
    return Sentences(f"{name} ({kind})", [str(row["says"]) for row in rows], definition)

"""Models beside each other: the rows of the three tables. N photographs of all runs."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from ..runs import RunFolder
from . import overlaps, sentences
from .measuring import Measured
from .pairing import Study, Truths
from .patch_sets import Floats, Packed
from .quantities import OVERLAPS, PER_MSE, QUANTITIES
from .statistics import Bootstrap, differences, holm, signed_rank, t_test
from .tables import ALL, TRUNCATED

Row = dict[str, Any]
Test = Callable[[Floats], tuple[float, str | None]]


@dataclass
class Comparison:
    """Rows with the columns of `tables`; None is what there is none of."""

    models: list[Row]
    pairs: list[Row]
    overlaps: list[Row]
    notes: list[str]
    """What was left out."""


def compared(study: Study, seed: int, tables: Collection[str]) -> Comparison:
    """`tables`: those to make."""
    bootstrap = Bootstrap(len(study.images), seed)
    comparison = Comparison([], [], [], [])
    for name in QUANTITIES:
        have = [bool((~numpy.isnan(model.values.get(name, numpy.zeros(0)))).any()) for model in study.models]
        if not any(have):
            continue
        without = [model.name for model, has in zip(study.models, have, strict=True) if not has]
        comparison.notes += [f"{model} has no {name}" for model in without]
        if "models" in tables:
            comparison.models += _models(study, name, bootstrap)
        if "pairs" in tables:
            comparison.pairs += _pairs(study, name, bootstrap)
    if "overlaps" not in tables:
        return comparison
    if len({model.run.info["options"].get("grid") for model in study.models if model.sets}) > 1:
        comparison.notes.append("no overlaps: the runs have unlike grids")
    elif all(model.sets for model in study.models):
        for name in OVERLAPS:
            comparison.overlaps += _overlaps(study, name, bootstrap)
    return comparison


def _models(study: Study, name: str, bootstrap: Bootstrap) -> Iterator[Row]:
    of = [(stratum, model) for stratum in _strata_of_models(name) for model in study.models]
    columns = numpy.stack([_values(model, name, model.truncated, stratum) for stratum, model in of], axis=1)
    low, high = bootstrap.intervals(columns)
    for place, (stratum, model) in enumerate(of):
        values = _known(columns[:, place])
        if stratum == TRUNCATED and not len(values):
            continue
        yield {
            "quantity": name,
            "photographs": stratum,
            "model": model.name,
            "family": model.family,
            "n": len(values),
            "mean": _or_none(values.mean() if len(values) else numpy.nan),
            "median": _or_none(numpy.median(values) if len(values) else numpy.nan),
            "standard_deviation": _or_none(values.std(ddof=1) if len(values) > 1 else numpy.nan),
            "low": _or_none(low[place]),
            "high": _or_none(high[place]),
            "better": QUANTITIES[name].better or None,
        }


def _strata_of_models(name: str) -> tuple[str, ...]:
    return (ALL, TRUNCATED) if name == PER_MSE else (ALL,)


def _values(model: Measured, name: str, truncated: Truths, stratum: str) -> Floats:
    """The model's values, N; of counts that may be truncated those of the photographs that the stratum is of."""
    values = model.values.get(name)
    if values is None:
        return numpy.full(len(truncated), numpy.nan)
    if name != PER_MSE:
        return values
    return numpy.where(truncated if stratum == TRUNCATED else ~truncated, values, numpy.nan)


# --- differences


@dataclass
class _Column:
    """A pair of models on a stratum of the photographs."""

    row: Row
    d: Floats
    """Differences, N; NaN for none."""
    so_far: bool


def _pairs(study: Study, name: str, bootstrap: Bootstrap) -> list[Row]:
    columns = []
    for a, b in _pairs_of(study):
        for stratum, there in study.strata(a, b).items():
            if stratum == TRUNCATED and name != PER_MSE:
                continue
            of_a, of_b = (_values(model, name, a.truncated | b.truncated, stratum) for model in (a, b))
            d = numpy.where(there, differences(of_a, of_b), numpy.nan)
            both = ~numpy.isnan(d)
            if stratum == TRUNCATED and not both.any():
                continue
            row = _row("quantity", name, stratum, a, b)
            row |= {
                "n": int(both.sum()),
                "mean_a": _mean(of_a[both]),
                "mean_b": _mean(of_b[both]),
                "difference": _mean(d[both]),
                "median_difference": _or_none(numpy.median(d[both]) if both.any() else numpy.nan),
                "a_higher": int((d > 0).sum()),
                "b_higher": int((d < 0).sum()),
            }
            columns.append(_Column(row, d, _so_far(a, b)))
    _test(columns, signed_rank, bootstrap)
    for column in columns:
        column.row["says"] = sentences.of_difference(column.row, QUANTITIES[name], column.so_far)
    return _by_stratum(columns)


def _test(columns: Sequence[_Column], test: Test, bootstrap: Bootstrap) -> None:
    """Adds intervals and p to the rows; Holm's over all pairs of a stratum. Truncated counts are not tested."""
    low, high = bootstrap.intervals(numpy.stack([column.d for column in columns], axis=1))
    families: dict[str, list[tuple[Row, float]]] = {}
    for place, column in enumerate(columns):
        row, d = column.row, _known(column.d)
        bounds = row["photographs"] == TRUNCATED
        p, reason = (numpy.nan, "lower-bounds") if bounds else test(d)
        row |= {"low": _or_none(low[place]), "high": _or_none(high[place]), "p": _or_none(p), "reason": reason}
        families.setdefault(row["photographs"], []).append((row, p))
    for family in families.values():
        adjusted = holm(numpy.array([p for _, p in family]))
        for (row, _), p in zip(family, adjusted, strict=True):
            row |= {"p_holm": _or_none(p), "holm_over": len(family)}


# --- overlaps


def _overlaps(study: Study, name: str, bootstrap: Bootstrap) -> list[Row]:
    patches = int(study.models[0].run.info["options"]["grid"]) ** 2
    columns = []
    for a, b in _pairs_of(study):
        measured = _overlap(name, a.sets[name], b.sets[name], patches)
        d = differences(measured.observed, measured.chance)
        for stratum, there in study.strata(a, b).items():
            if stratum == TRUNCATED:
                continue
            both = there & ~numpy.isnan(measured.observed)
            row = _row("overlap", name, stratum, a, b)
            row |= {
                "n": int(both.sum()),
                "observed": _mean(measured.observed[both]),
                "chance": _mean(measured.chance[both]),
                "uniform": _mean(measured.uniform[both]),
                "shifts": measured.shifts,
                "difference": _mean(d[both]),
            }
            columns.append(_Column(row, numpy.where(both, d, numpy.nan), _so_far(a, b)))
    _test(columns, t_test, bootstrap)
    for column in columns:
        column.row["says"] = sentences.of_overlap(column.row, OVERLAPS[name], column.so_far)
    return _by_stratum(columns)


@dataclass
class _Overlap:
    """N each, NaN where a model has no sets."""

    observed: Floats
    chance: Floats
    uniform: Floats
    shifts: int


def _overlap(name: str, a: Packed, b: Packed, patches: int) -> _Overlap:
    both = numpy.flatnonzero((a.count > 0) & (b.count > 0))
    whole = numpy.full((3, len(a.count)), numpy.nan)
    shifts = 0
    if len(both):
        a, b = a.of(both), b.of(both)
        found = overlaps.overlapping(overlaps.MEASURES[name], a, b)
        whole[:, both] = found.observed, found.chance, overlaps.uniform(name, a, b, patches)
        shifts = found.shifts
    return _Overlap(whole[0], whole[1], whole[2], shifts)


# --- parts of rows


def _pairs_of(study: Study) -> Iterator[tuple[Measured, Measured]]:
    for a, b in study.pairs:
        yield study.models[a], study.models[b]


def _row(of: str, name: str, stratum: str, a: Measured, b: Measured) -> Row:
    return {of: name, "photographs": stratum, "a": a.name, "b": b.name}


def _by_stratum(columns: Sequence[_Column]) -> list[Row]:
    """Rows of one stratum together, in the order in which strata come first."""
    order = list(dict.fromkeys(column.row["photographs"] for column in columns))
    return sorted((column.row for column in columns), key=lambda row: order.index(row["photographs"]))


def _so_far(a: Measured, b: Measured) -> bool:
    return not (is_whole(a.run) and is_whole(b.run))


def is_whole(run: RunFolder) -> bool:
    """The run has a record of every image of its data set, or of its shard."""
    return run.complete and not (run.info.get("merged") or {}).get("missing")


def _known(values: Floats) -> Floats:
    known: Floats = values[~numpy.isnan(values)]
    return known


def _mean(values: Floats) -> float | None:
    return _or_none(values.mean() if len(values) else numpy.nan)


def _or_none(value: float) -> float | None:
    return None if numpy.isnan(value) else float(value)

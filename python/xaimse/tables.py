"""Makes tables (pandas) of records and summaries, with the types and definitions of `definitions`."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy
import numpy.typing
import pandas

from .definitions import LIST, NUMBER, Column

Row = dict[str, Any]
Floats = numpy.typing.NDArray[numpy.float64]


def table(columns: Iterable[Column], rows: Iterable[Row]) -> pandas.DataFrame:
    """A row for each of `rows`, with the value at each column's field (its name where it is derived)."""
    columns = list(columns)
    getters = [getter(column.field or column.name) for column in columns]
    values: list[list[Any]] = [[] for _ in columns]
    for row in rows:
        for get, cells in zip(getters, values, strict=True):
            cells.append(get(row))
    made = pandas.DataFrame({c.name: series(cells, c.type) for c, cells in zip(columns, values, strict=True)})
    return described(made, columns)


def described(made: pandas.DataFrame, columns: Iterable[Column]) -> pandas.DataFrame:
    """`made`, with the definitions of its columns in `attrs`."""
    made.attrs["columns"] = {column.name: column.text for column in columns}
    return made


def getter(field: str) -> Callable[[Row], Any]:
    """What gives the value at a field of a row, which most columns of many rows have at its top."""
    name, *path = field.split(".")
    return (lambda row: value_at(row.get(name), path)) if path else (lambda row: row.get(name))


def value_at(row: Any, path: Iterable[str]) -> Any:
    """What stands at `path` in nested objects; None where a part of it is missing or null."""
    for name in path:
        if row is None:
            return None
        row = row[int(name)] if isinstance(row, list) else row.get(name)
    return row


def series(values: list[Any], kind: str) -> "pandas.Series[Any]":
    if kind == NUMBER:
        return pandas.Series([number(value) for value in values], dtype=kind)
    if kind == LIST:
        return pandas.Series([value if value is None else tuple(value) for value in values], dtype=object)
    return pandas.Series(values, dtype=kind)


def number(value: Any) -> float:
    """A number, or the digits of one, as a double; NaN for None and for what is beyond the largest double."""
    if value is None:
        return math.nan
    value = float(value)
    return value if math.isfinite(value) else math.nan


# --- rows of a record: shaped so that each column's field leads to its value


def _mses(record: Row) -> Iterator[Row]:
    members = set(record.get("diverse_members") or ())
    for place, mse in enumerate(record.get("mses") or ()):
        yield {
            "image": record["image"],
            "mse": place,
            "size": len(mse["patches"]),
            "mses[]": mse,
            "diverse_members[]": place in members,
        }


def _sub_explanations(record: Row) -> Iterator[Row]:
    if record.get("sub_explanations") is not None:
        yield record


def _by_size(record: Row) -> Iterator[Row]:
    counted = [(None, record), *enumerate(record.get("mses") or ())]
    for place, owner in counted:
        for size, counts in (value_at(owner, ("sub_explanations", "by_size")) or {}).items():
            yield {
                "image": record["image"],
                "mse": place,
                "size": int(size),
                "sub_explanations": {"by_size": {"*": counts}},
            }
    for size, mses in (value_at(record, ("estimate", "by_size")) or {}).items():
        yield {"image": record["image"], "size": int(size), "estimate": {"by_size": {"*": mses}}}


def _objective(record: Row) -> Iterator[Row]:
    for part, values in (record.get("objective") or {}).items():
        for iteration, value in enumerate(values):
            yield {"image": record["image"], "iteration": iteration, "objective": {"*": part}, "value": value}


def _shown_sets(record: Row) -> Iterator[Row]:
    sets = record.get("sets")
    if not sets:
        return
    places: tuple[int | None, ...] = tuple(sets["shown"])
    for what, ratios, mses in (
        ("mse", sets["ratios"], places),
        ("random", sets["random_ratios"], places),
        ("other", sets["other_ratios"], (None,) * len(sets["other_ratios"])),
    ):
        for place, (ratio, mse) in enumerate(zip(ratios, mses, strict=True)):
            yield {
                **{name: record[name] for name in ("image", "source", "model")},
                "what": what,
                "smallest": None if mse is None else place < sets["smallest"],
                "sufficient": ratio >= sets["threshold"],
                "sets": {"shown": mse, "ratios": ratio},
            }


ROWS_OF_A_RECORD: dict[str, Callable[[Row], Iterable[Row]]] = {
    "records": lambda record: (record,),
    "mses": _mses,
    "sub_explanations": _sub_explanations,
    "by_size": _by_size,
    "objective": _objective,
    "shown_sets": _shown_sets,
}


# --- curves: a row each, indexed by whose it is; a column for each share of the cells


def saliency_curves(records: Iterable[Row], columns: Iterable[Column]) -> pandas.DataFrame:
    return _curves(
        ("image", "curve"),
        (
            ((record["image"], curve), record[curve]["curve"], curve_shares(record, len(record[curve]["curve"])))
            for record in records
            for curve in ("insertion", "deletion")
            if record.get(curve)
        ),
        columns,
    )


def crosstest_curves(records: Iterable[Row], columns: Iterable[Column]) -> pandas.DataFrame:
    return _curves(
        ("image", "source", "model"),
        (
            ((record["image"], record["source"], record["model"]), record["curve"], _steps(len(record["curve"])))
            for record in records
            if record.get("curve")
        ),
        columns,
    )


def _steps(points: int) -> Floats:
    return numpy.arange(points) / max(points - 1, 1)


def curve_shares(record: Row, points: int) -> Floats:
    """The share of cells after each step of a curve with so many points, its start included."""
    if record["metric"] == "normalised":
        return _steps(points)
    cells = record["size"] ** 2
    shown = numpy.arange(points) * max(1, cells // 50)
    shares: Floats = numpy.minimum(shown, cells) / cells
    return shares


def _curves(
    names: tuple[str, ...],
    curves: Iterable[tuple[tuple[str, ...], list[float], Floats]],
    columns: Iterable[Column],
) -> pandas.DataFrame:
    keys, values, shares = [], [], numpy.zeros(0)
    for key, curve, steps in curves:
        keys.append(key)
        values.append(numpy.asarray(curve, float))
        shares = steps  # the same for all curves of a run
    index = pandas.MultiIndex.from_tuples(keys, names=names) if keys else _no_rows(names)
    made = pandas.DataFrame(
        numpy.stack(values) if values else numpy.zeros((0, 0)), index, pandas.Index(shares, name="share")
    )
    return described(made, columns)


def _no_rows(names: tuple[str, ...]) -> pandas.MultiIndex:
    return pandas.MultiIndex.from_arrays([[] for _ in names], names=names)


# --- tables of a summary


def _statistics(summary: Row) -> Iterator[Row]:
    for quantity, statistics in summary["quantities"].items():
        yield {"quantity": quantity, **statistics}


def _ensembles(summary: Row) -> Iterator[Row]:
    for members in (summary["ensembles"] or {"sets": []})["sets"]:
        yield {**members, "size": len(members["members"])}


def _of_cells(cells: Iterable[Row]) -> Iterator[Row]:
    """One row a cell; of a run that shows MSEs, one a cell, group of images and quantity."""
    for cell in cells:
        if "all" not in cell:
            yield cell
            continue
        for photographs in ("all", "both_right"):
            for quantity, statistics in (cell[photographs] or {}).items():
                yield {**cell, **statistics, "photographs": photographs, "quantity": quantity}


ROWS_OF_A_SUMMARY: dict[str, Callable[[Row], Iterable[Row]]] = {
    "statistics": _statistics,
    "pairs": lambda summary: _of_cells(summary["matrix"]),
    "family_pairs": lambda summary: _of_cells(summary["families"]),
    "asymmetry": lambda summary: summary["asymmetry"],
    "landscape": lambda summary: (summary["landscape"] or {"points": []})["points"],
    "ensembles": _ensembles,
    "models": lambda summary: summary["models"],
}


def square(long: pandas.DataFrame, value: str, columns: Iterable[Column]) -> pandas.DataFrame:
    """`value` of a table of pairs, by its first column (rows) and its second (columns), in the table's order."""
    row, column = long.columns[:2]
    if "quantity" in long:  # of a run that shows MSEs
        long = long[(long["photographs"] == "all") & (long["quantity"] == "sufficient")]
    made = long.pivot(index=row, columns=column, values=value)
    return described(made.reindex(index=long[row].unique(), columns=long[column].unique()), columns)

"""Tables as text, JSON and CSV."""

import csv
import io
import json
from typing import Any

import pandas

from .._command_line import aligned

Cell = str | int | float | bool | list[Any] | None


def cells(frame: pandas.DataFrame) -> tuple[list[str], list[list[Cell]]]:
    """Titles and rows of a table, its index in front; what is missing is None, so that JSON has no NaN."""
    if frame.index.names != [None]:
        frame = frame.reset_index()
    columns = [[cell(value) for value in frame.iloc[:, place]] for place in range(frame.shape[1])]
    return [str(title) for title in frame.columns], [list(row) for row in zip(*columns, strict=True)]


def missing(value: Any) -> bool:
    return bool(pandas.isna(value))


def cell(value: Any) -> Cell:
    if isinstance(value, tuple):
        return list(value)
    if missing(value):
        return None
    plain: Cell = value.item() if hasattr(value, "item") else value
    return plain


def as_json(frame: pandas.DataFrame) -> str:
    """An array of objects, one a row, a row a line; numbers read back to the same double."""
    titles, rows = cells(frame)
    lines = [json.dumps(dict(zip(titles, row, strict=True)), ensure_ascii=False, allow_nan=False) for row in rows]
    return "[" + ",\n ".join(lines) + "]\n"


def as_csv(frame: pandas.DataFrame) -> str:
    """RFC 4180 with a line of titles; an empty cell is null, and a list is its members with + between them."""
    text = io.StringIO()
    titles, rows = cells(frame)
    writer = csv.writer(text)
    writer.writerow(titles)
    for row in rows:
        writer.writerow("+".join(map(str, value)) if isinstance(value, list) else value for value in row)
    return text.getvalue()


def as_text(frame: pandas.DataFrame) -> str:
    """Aligned columns, floats to four digits, what is missing as -."""
    titles, rows = cells(frame)
    left = {place for place in range(len(titles)) if any(isinstance(row[place], str | list) for row in rows)}
    return "\n".join(aligned([titles, *([shown(value) for value in row] for row in rows)], left)) + "\n"


def shown(value: Cell) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)

"""What a model's outputs are called: ImageNet's classes, or those of a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import timm.data

from .errors import Refusal
from .files import read_text
from .limits import MOST_CLASSES


@dataclass(frozen=True)
class ClassList:
    """Ids, which differ, and names of classes 0 to K - 1."""

    ids: list[str]
    names: list[str]


def imagenet_classes() -> ClassList:
    """Ids (sorted WordNet ids) and names (first synonym) of the 1000 ImageNet classes.

    Two pairs of classes share their first synonym, crane and maillot: their names carry the id.
    """
    info = timm.data.ImageNetInfo()
    ids = info.label_names()
    names = [info.index_to_description(index).split(",")[0] for index in range(len(ids))]
    return ClassList(
        ids, [name if names.count(name) == 1 else f"{name} ({wnid})" for name, wnid in zip(names, ids, strict=True)]
    )


def read_classes(path: Path) -> ClassList:
    """A class list: CSV with the header index,wnid,name and the indices 0..K-1 in order, or a class a line."""
    text = read_text(path, "class list")
    try:
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise Refusal(f"{path}: is no class list: {error}") from error
    header = [field.strip().lower() for field in rows[0]] if rows else []
    if len(header) == 1 and header[0]:
        names = [line.strip() for line in text.splitlines() if line.strip()]
        return _checked(path, names, names)
    if not {"index", "wnid", "name"} <= set(header) or not any(rows[1:]):
        raise Refusal(f"{path}: expected the columns index,wnid,name (or a class a line) and at least one class")
    if len(set(header)) < len(header):
        raise Refusal(f"{path}: the header has a column twice")
    rows = [row for row in rows[1:] if row]
    uneven = next((number for number, row in enumerate(rows, 2) if len(row) != len(header)), None)
    if uneven:
        raise Refusal(
            f"{path}, class {uneven - 2}: has {len(rows[uneven - 2])} fields, the header {len(header)}; "
            "names with a comma need quotes"
        )
    cells = ([field.strip() for field in column] for column in zip(*rows, strict=True))
    columns = dict(zip(header, cells, strict=True))
    if columns["index"] != [str(index) for index in range(len(rows))]:
        raise Refusal(f"{path}: the column index must count 0, 1, 2, ... without gaps")
    return _checked(path, columns["wnid"], columns["name"])


def _checked(path: Path, ids: Sequence[str], names: Sequence[str]) -> ClassList:
    first: dict[str, int] = {}
    for index, identifier in enumerate(ids):
        if not identifier:
            raise Refusal(f"{path}: class {index} has no id")
        if first.setdefault(identifier, index) != index:
            raise Refusal(f"{path}: classes {first[identifier]} and {index} have the same id '{identifier}'")
    if len(ids) > MOST_CLASSES:
        raise Refusal(f"{path}: has {len(ids)} classes, more than {MOST_CLASSES}")
    return ClassList(list(ids), [name or identifier for name, identifier in zip(names, ids, strict=True)])


def class_list_of(classes: Path | None) -> ClassList | None:
    """The list that --classes means: a file's, ImageNet's, or None where there is none."""
    if classes is None or str(classes) == "none":
        return None
    return imagenet_classes() if str(classes) == "imagenet" else read_classes(classes)


def check_class_list(class_list: ClassList | None, outputs: int) -> None:
    """Refuses a list that names another number of classes than a model of `outputs` outputs has."""
    count = max(outputs, 2)  # one output stands for two classes
    if class_list and len(class_list.ids) != count:
        also = " (one output stands for two)" if outputs == 1 else ""
        raise Refusal(f"the class list names {len(class_list.ids)} classes, the model has {count}{also}")

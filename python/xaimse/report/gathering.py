"""Reads runs, each once: what the page says of them, and where the records of its photographs stand."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import numpy.typing

from .. import statistics, tables
from ..compare.comparing import is_whole
from ..compare.measuring import Measured, measure
from ..compare.showing import how_far
from ..definitions import CROSS, CROSSTEST, KINDS, MSE, SALIENCY, SHOWN, SUBEXP
from ..reading import read
from ..runs import RunError, RunFolder, listed

Row = dict[str, Any]
Floats = numpy.typing.NDArray[numpy.float64]


class ImageRow(NamedTuple):
    """What the page needs of a record that it does not show."""

    place: int
    """In the journal."""
    status: str
    reason: str | None
    target: int | None
    found: int | None
    diverse: int | None
    min_size: int | None
    estimated: float | None
    insertion: float | None
    deletion: float | None
    picture: str | None
    graph: str | None


@dataclass
class MeanCurve:
    """The sum of curves of one kind, and of how many."""

    total: Floats
    shares: Floats
    n: int = 0

    @property
    def mean(self) -> Floats:
        return self.total / self.n


class Watched(RunFolder):
    """A run that keeps what the page needs of its records while they are read."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__(folder)
        self.rows: dict[str, ImageRow] = {}
        self.curves: dict[str, MeanCurve] = {}

    def records(self) -> Iterator[Row]:
        for record in super().records():
            self._keep(record)
            yield record

    def _keep(self, record: Row) -> None:
        self.rows[record["image"]] = ImageRow(
            self.place,
            sys.intern(str(record.get("status"))),
            record.get("reason"),
            record.get("target"),
            record.get("found"),
            record.get("diverse"),
            record.get("min_size"),
            tables.value_at(record, ("estimate", "mses", "value")),
            tables.value_at(record, ("insertion", "auc")),
            tables.value_at(record, ("deletion", "auc")),
            record.get("picture"),
            record.get("graph"),
        )
        for name in ("insertion", "deletion"):
            points = tables.value_at(record, (name, "curve"))
            if points:
                curve = numpy.asarray(points, float)
                if name not in self.curves:
                    shares = tables.curve_shares(record, len(curve))
                    self.curves[name] = MeanCurve(numpy.zeros(len(curve)), shares)
                self.curves[name].total += curve
                self.curves[name].n += 1


@dataclass
class Gathered:
    """A run as the page shows it."""

    run: Watched
    kind: str
    number: int
    """Among the runs, from 1."""
    name: str = ""
    """What sets it apart: of its model, its folder, or its path."""
    measured: Measured | None = None
    """Its model's numbers of each photograph; of a cross-test, and without a card, none."""
    summary: Row | None = None
    statistics: dict[str, Row] = field(default_factory=dict)
    """n, mean, median, interval (none until the run is complete) by quantity."""
    missing: list[str] = field(default_factory=list)
    """Sentences."""

    @property
    def folder(self) -> Path:
        return self.run.folder

    @property
    def info(self) -> Row:
        return self.run.info

    @property
    def options(self) -> Row:
        return self.info.get("options") or {}

    @property
    def rows(self) -> dict[str, ImageRow]:
        return self.run.rows

    @property
    def card(self) -> Row:
        cards = self.run.cards
        return cards[0] if len(cards) == 1 else {}

    @property
    def family(self) -> str:
        return str(self.card.get("family", "?"))

    @property
    def images(self) -> int:
        """Those that have a record."""
        if self.kind in CROSS:
            return int((self.summary or {}).get("images", 0))
        return len(self.rows)

    @property
    def ok(self) -> int:
        if self.kind in CROSS:
            return int(tables.value_at(self.summary, ("pairs", "ok")) or 0)
        return sum(row.status == "ok" for row in self.rows.values())

    @cached_property
    def pairs(self) -> list[Row]:
        """Of a cross-test: rows as of matrix.csv or sets_matrix.csv; of one that is not complete without intervals."""
        return self._rows_of("pairs")

    @cached_property
    def family_pairs(self) -> list[Row]:
        return self._rows_of("family_pairs") if self.summary else []

    def _rows_of(self, table: str) -> list[Row]:
        if self.summary:
            return list(tables.ROWS_OF_A_SUMMARY[table](self.summary))
        run = read(self.folder)
        return list(statistics.pairs_so_far(run.kind, run.table, self.options))


def gather(folders: Sequence[str], seed: int) -> list[Gathered]:
    """The runs in their order. `seed`: of the choice among many sets. Raises RunError."""
    seen: set[Path] = set()
    runs = []
    for number, folder in enumerate(folders, 1):
        if Path(folder).resolve() in seen:
            raise RunError(f"the same run twice: {folder}")
        seen.add(Path(folder).resolve())
        runs.append(_opened(folder, number))
    for run in runs:
        _read(run, seed)
    name(runs)
    return runs


def _opened(folder: str, number: int) -> Gathered:
    run = Watched(folder)
    kind = str(run.info.get("tool"))
    if kind not in KINDS:
        raise RunError(f"{run.folder} holds a run of {kind}; what can be shown are runs of {listed(KINDS)}")
    shows = kind == CROSSTEST and (run.info.get("options") or {}).get("mses")
    return Gathered(run, SHOWN if shows else kind, number)


def _read(gathered: Gathered, seed: int) -> None:
    run = gathered.run
    if gathered.kind not in CROSS:
        if run.cards:
            (gathered.measured,) = measure(run, seed)
        else:
            gathered.missing.append("run.json does not name the model yet: there are no numbers of it")
            for _ in run.records():
                pass
    try:
        gathered.summary = run.summary()
        gathered.statistics = gathered.summary["quantities"]
    except RunError as error:
        if run.complete:
            gathered.missing.append(f"{error}; its numbers are made of its records, without intervals")
        if run.cards:
            gathered.statistics = _so_far(gathered)
    if not is_whole(run):
        images = gathered.images if gathered.kind not in CROSS or gathered.summary else _images_so_far(run)
        gathered.missing.append(f"{how_far(run, images)}: the numbers are of these alone")
    failed = sum(row.status == "error" for row in gathered.rows.values())
    if failed:
        gathered.missing.append(f"{failed} image{'s' if failed > 1 else ''} could not be analysed (status error)")


def _images_so_far(run: RunFolder) -> int:
    return len({record["image"] for record in run.records()})


def _so_far(gathered: Gathered) -> dict[str, Row]:
    run = read(gathered.folder)
    so_far = statistics.statistics_so_far(run.kind, run.table, gathered.options)
    return {row["quantity"]: {key: _or_none(row.get(key)) for key in row} for row in so_far}


def _or_none(value: Any) -> Any:
    return None if isinstance(value, float) and numpy.isnan(value) else value


def name(runs: Sequence[Gathered]) -> None:
    """Gives each its name: of the model, where that tells runs of one program apart, else of the folder or path."""
    for kind in dict.fromkeys(run.kind for run in runs):
        alike = [run for run in runs if run.kind == kind]
        for choice in (_model_of, _folder_of, _path_of):
            names = [choice(run) for run in alike]
            if len(set(names)) == len(names):
                break
        for run, chosen in zip(alike, names, strict=True):
            run.name = chosen


def _model_of(run: Gathered) -> str:
    method = run.options.get("method") if run.kind == SALIENCY else None
    return " ".join(filter(None, [str(run.card.get("name", _folder_of(run))), method]))


def _folder_of(run: Gathered) -> str:
    return run.folder.absolute().name


def _path_of(run: Gathered) -> str:
    return str(run.folder)


def of_kinds(runs: Sequence[Gathered], *kinds: str) -> list[Gathered]:
    return [run for run in runs if run.kind in kinds]


def with_sets(runs: Sequence[Gathered]) -> list[Gathered]:
    """Those whose sets are drawn: of xai-mse, where there are none of xai-subexp."""
    return of_kinds(runs, MSE) or of_kinds(runs, SUBEXP)

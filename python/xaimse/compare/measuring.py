"""Reads runs, each once, and measures their models on every photograph. N photographs, in the order of the records."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy
import numpy.typing

from ..definitions import CROSSTEST, KINDS, MSE, SUBEXP
from ..runs import RunError, RunFolder, listed
from .overlaps import PACKED
from .patch_sets import Floats, Ints, Packed, PatchSets
from .quantities import (
    AS_SOURCE,
    AS_TARGET,
    BOTH_SCORES,
    CENTRE,
    CERTIFIED,
    ENTROPY,
    FOUND,
    KEEPS_TOP1,
    MEAN_SIZE,
    OWN,
    PER_MSE,
    SMALLEST,
)

Record = dict[str, Any]
CLASSES = ("label", "predicted", "target")
UNKNOWN = -1  # of classes


@dataclass
class Measured:
    """A model as a run shows it."""

    run: RunFolder
    model: str
    family: str
    images: list[str]
    content: list[str | None]
    """SHA-256 of the photographs."""
    label: Ints
    predicted: Ints
    target: Ints
    """Classes of the photographs, UNKNOWN where there is none."""
    values: dict[str, Floats]
    """Quantities, NaN for photographs that have none."""
    truncated: numpy.typing.NDArray[numpy.bool_]
    """Photographs whose counts of sub-explanations are lower bounds."""
    sets: dict[str, Packed] = field(default_factory=dict)
    """What each overlap is measured on; of runs that have MSEs."""
    name: str = ""
    """What sets it apart from the others: the name of the model, of the run, or what varies."""


def opened(folder: str | os.PathLike[str]) -> RunFolder:
    """The run in `folder`, whose records are not read yet. Raises RunError."""
    run = RunFolder(folder)
    if run.info.get("tool") not in KINDS:
        raise RunError(
            f"{run.folder} holds a run of {run.info.get('tool')}; what can be compared are runs of {listed(KINDS)}"
        )
    return run


def measure(run: RunFolder, seed: int) -> list[Measured]:
    """The models of the run: one, or those of a cross-test. `seed`: of the choice among many sets. Raises RunError."""
    kind = run.info["tool"]
    if kind == CROSSTEST:
        if run.info["options"].get("mses"):
            raise RunError(f"{run.folder} shows MSEs to other models: sets_matrix.csv there has what is to be compared")
        return _cross_tested(run)
    measured = _Searched(run, seed) if kind in (MSE, SUBEXP) else _Mapped(run)
    for record in run.records():
        measured.add(record)
    return [measured.finished()]


@dataclass
class _Rows:
    """What the records of all programs begin with."""

    run: RunFolder
    images: list[str] = field(default_factory=list)
    content: list[str | None] = field(default_factory=list)
    classes: list[list[int]] = field(default_factory=list)

    def add(self, record: Record) -> None:
        self.images.append(record["image"])
        self.content.append(record.get("content"))
        self.classes.append([UNKNOWN if record.get(of) is None else record[of] for of in CLASSES])

    def measured(self, card: Record, values: dict[str, Floats]) -> Measured:
        classes = numpy.array(self.classes, numpy.int64).reshape(-1, 3)
        return Measured(
            run=self.run,
            model=str(card.get("name", "?")),
            family=str(card.get("family", "?")),
            images=self.images,
            content=self.content,
            label=classes[:, 0],
            predicted=classes[:, 1],
            target=classes[:, 2],
            values=values,
            truncated=numpy.zeros(len(self.images), bool),
        )


def _column(values: Iterable[float | None]) -> Floats:
    return numpy.array(list(values), numpy.float64)  # None becomes NaN


class _Mapped(_Rows):
    """Scores of maps."""

    def __init__(self, run: RunFolder) -> None:
        super().__init__(run)
        self.scores: dict[str, list[float | None]] = {"insertion": [], "deletion": []}

    def add(self, record: Record) -> None:
        super().add(record)
        for name, scores in self.scores.items():
            scores.append((record.get(name) or {}).get("auc"))

    def finished(self) -> Measured:
        (card,) = self.run.cards
        scores = {name: _column(scores) for name, scores in self.scores.items()}
        return self.measured(card, scores | {BOTH_SCORES: scores["insertion"] - scores["deletion"]})


class _Searched(_Rows):
    """MSEs, and their sub-explanations in runs that have them. What is not `ok` has none, as in summaries."""

    def __init__(self, run: RunFolder, seed: int) -> None:
        super().__init__(run)
        self.seed = seed
        self.grid = int((run.info.get("options") or {}).get("grid") or 0)
        self.counts: dict[str, list[float | None]] = {name: [] for name in (FOUND, "diverse", SMALLEST)}
        self.per_mse: list[float | None] = []
        self.truncated: list[bool] = []
        # of all sets, one after the other
        self.photograph: list[int] = []
        self.sizes: list[int] = []
        self.patches: list[int] = []
        self.certified: list[bool] = []
        self.top1: list[bool | None] = []

    def add(self, record: Record) -> None:
        place = len(self.images)
        super().add(record)
        ok = record.get("status") == "ok"
        for name, values in self.counts.items():
            values.append(record.get(name) if ok else None)
        counted = record.get("sub_explanations") or {}
        self.per_mse.append((counted.get("per_mse") or {}).get("distinct") if ok else None)
        self.truncated.append(bool(counted.get("truncated")))
        mses = record.get("mses") or [] if ok else []
        patches = [mse["patches"] for mse in mses]
        self.photograph += [place] * len(mses)
        self.sizes += map(len, patches)
        self.patches += chain.from_iterable(patches)
        self.certified += [mse["certificate"] == "all-subsets" for mse in mses]
        self.top1 += [mse.get("keeps_top1") for mse in mses]

    def finished(self) -> Measured:
        (card,) = self.run.cards
        sets = PatchSets(
            len(self.images),
            self.grid,
            numpy.array(self.photograph, numpy.int64),
            numpy.array(self.sizes, numpy.int64),
            numpy.array(self.patches, numpy.int64),
        )
        values = {name: _column(counts) for name, counts in self.counts.items()}
        values |= {
            MEAN_SIZE: sets.mean(sets.size.astype(float)),
            CERTIFIED: sets.mean(numpy.array(self.certified, float)),
            KEEPS_TOP1: sets.mean(_column(self.top1)),
            ENTROPY: sets.entropy(),
            CENTRE: sets.centre_distance(),
        }
        if self.run.info.get("tool") == SUBEXP:
            values[PER_MSE] = _column(self.per_mse)
        measured = self.measured(card, values)
        measured.truncated = numpy.array(self.truncated, bool)
        measured.sets = {name: packed(sets, self.seed) for name, packed in PACKED.items()}
        return measured


# --- cross-tests: a record for each image, source and tested model


def _cross_tested(run: RunFolder) -> list[Measured]:
    models = run.cards
    names = [str(card["name"]) for card in models]
    place = {name: index for index, name in enumerate(names)}
    rows = [_Rows(run) for _ in models]
    every: list[Floats] = []
    for image, records in _by_image(run.records()):
        areas: Floats = numpy.full((len(models), len(models)), numpy.nan)  # source x tested
        own: list[Record] = [{"image": image} for _ in models]
        for record in records:
            source, tested = place[record["source"]], place[record["model"]]
            areas[source, tested] = numpy.nan if record.get("auc") is None else record["auc"]
            if source == tested:
                own[tested] = record
        for of_model, record in zip(rows, own, strict=True):
            of_model.add(record)
        every.append(areas)
    auc: Floats = numpy.array(every).reshape(-1, len(models), len(models))
    if (run.info.get("options") or {}).get("images") == "common":
        auc[numpy.isnan(auc).any(axis=(1, 2))] = numpy.nan
    return [
        of_model.measured(
            card,
            {
                OWN: auc[:, index, index],
                AS_SOURCE: _mean_of(auc[:, index, :], without=index),
                AS_TARGET: _mean_of(auc[:, :, index], without=index),
            },
        )
        for index, (of_model, card) in enumerate(zip(rows, models, strict=True))
    ]


def _mean_of(auc: Floats, without: int) -> Floats:
    """Over the others, N of N x models; NaN unless all have one."""
    others = numpy.delete(auc, without, axis=1)
    mean: Floats = others.mean(axis=1) if others.shape[1] else numpy.full(len(auc), numpy.nan)
    return mean


def _by_image(records: Iterator[Record]) -> Iterator[tuple[str, Sequence[Record]]]:
    """Images with their records; those of a run that is not complete may lie apart."""
    images: dict[str, list[Record]] = {}
    for record in records:
        kept = {name: record.get(name) for name in ("image", "content", *CLASSES, "source", "model", "auc")}
        images.setdefault(record["image"], []).append(kept)
    yield from images.items()

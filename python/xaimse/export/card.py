"""The model card, as docs/schema/model-card.schema.json has it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from .classes import ClassList
from .errors import Refusal
from .limits import SCHEMA_VERSION
from .preprocessing import Preprocessing

Card = dict[str, Any]


def make_card(
    name: str,
    family: str,
    architecture: dict[str, str],
    preprocessing: Preprocessing,
    weights: dict[str, Any],
    outputs: int,
    class_list: ClassList | None,
    sha256: str,
    output: str,
    features: dict[str, str] | None = None,
    gradcam: dict[str, Any] | None = None,
) -> Card:
    """The card as a dict.

    architecture, weights, features, gradcam: as the schema has them. outputs: how many. sha256: of NAME.pt.
    output: what the outputs are, one of OUTPUTS.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "family": family,
        "architecture": architecture,
        "weights": weights,
        "input": {"height": preprocessing.height, "width": preprocessing.width},
        "preprocessing": {
            "resize": preprocessing.resize,
            "interpolation": preprocessing.interpolation,
            "crop": "center",
            "mean": list(preprocessing.mean),
            "std": list(preprocessing.std),
        },
        **({"output": output} if output != "logits" else {}),
        "classes": outputs,
        "class_list": class_list and dataclasses.asdict(class_list),
        "sha256": sha256,
        "features": features,
        "gradcam": gradcam,
    }


def card_text(card: Card) -> bytes:
    """What stands in the file of a card."""
    return (json.dumps(card, indent=1) + "\n").encode()


def keep_what_is_no_card(path: Path) -> None:
    """Refuses to overwrite a file that is not a model card."""
    if not path.exists():
        return
    try:
        is_card = {"schema_version", "preprocessing"} <= json.loads(path.read_bytes()).keys()
    except (OSError, ValueError, AttributeError):
        is_card = False
    if not is_card:
        raise Refusal(f"{path} exists and is not a model card; move it away, or give --out FOLDER")

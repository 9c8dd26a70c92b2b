"""What models answer: the parts of an answer, and what its numbers look like. For explain() and xai-export."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

OUTPUTS = ("logits", "probabilities", "sigmoid")


def entries(answer: Any) -> dict[Any, Any]:
    """The parts of a tuple, named or not, a dictionary or a dataclass, by name or number."""
    if isinstance(answer, Mapping):
        return dict(answer)
    if dataclasses.is_dataclass(answer):
        return vars(answer)
    if isinstance(answer, (tuple, list)):
        return dict(zip(getattr(answer, "_fields", range(len(answer))), answer, strict=True))
    return {}


def kind_of(values: torch.Tensor, tolerance: float = 1e-3) -> str:
    """What outputs, N x K, look like: logits, probabilities, percentages or sigmoid.

    The same rule as the programs' (src/model/answers.hpp): tests/fixtures/outputs.json. tolerance: of sums, relative.
    """
    values = values.double()
    if values.min() < 0 or values.min() == values.max():
        return "logits"
    sums = values.sum(1)
    if values.shape[1] > 1 and sums.max() - sums.min() < tolerance * sums.max():
        if abs(sums.max() - 1) < tolerance:
            return "probabilities"
        # rows that are all the same sum to the same, whatever they are
        return "logits" if (values == values[0]).all() else "percentages"
    return "sigmoid" if values.max() <= 1 else "logits"


def fits(kind: str, output: str) -> bool:
    """Whether numbers of a kind can be what one of OUTPUTS says: its sigmoid may or may not be part of the model."""
    return kind == output or (kind, output) == ("logits", "sigmoid")

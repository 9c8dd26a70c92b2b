"""Running models, finding the logits among what they return, and whether these are what --output says."""

from __future__ import annotations

import math
from typing import Any

import torch

from ..outputs import entries, fits, kind_of
from .errors import Refusal, blame, few, words
from .limits import MOST_CLASSES

CHECKED_BATCHES = (1, 2, 5)


def example_batch(height: int, width: int) -> torch.Tensor:
    """The noise that models are checked with, 5 x 3 x height x width, always the same."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(max(CHECKED_BATCHES), 3, height, width, generator=generator)


def unlike(actual: torch.Tensor, expected: torch.Tensor, norm: float = math.inf) -> float:
    """Norm of the difference relative to that of what is expected; infinite for unlike shapes."""
    if actual.shape != expected.shape:
        return math.inf
    size = torch.linalg.vector_norm(expected, norm).clamp_min(1e-30)
    return float((torch.linalg.vector_norm(actual - expected, norm) / size).item())


def run_model(model: torch.nn.Module, batch: torch.Tensor) -> Any:
    """What the model says; what goes wrong in it is a Refusal."""
    try:
        return model(batch)
    except Exception as error:
        height, width = batch.shape[2:]
        raise Refusal(
            f"the model fails on {len(batch)} image(s) of {height} x {width} pixels (another --input-size?): "
            f"{blame(error)}"
        ) from error


class Logits(torch.nn.Module):
    """A model that returns more than its logits, as one that returns them alone."""

    __module__ = "__main__"  # stands in the TorchScript file, whose bytes are not to depend on where this class is

    def __init__(self, model: torch.nn.Module, key: Any) -> None:
        super().__init__()
        self.model = model
        self.key = key

    def forward(self, x: torch.Tensor) -> Any:
        return entries(self.model(x))[self.key]


@torch.no_grad()
def with_logits_alone(model: torch.nn.Module, batch: torch.Tensor) -> torch.nn.Module:
    """The model where it gives N x K, or what gives its logits alone where it returns them among other things."""
    answer = run_model(model, batch)
    parts = entries(answer)
    fitting = [
        key for key, part in parts.items() if isinstance(part, torch.Tensor) and part.shape[:-1] == batch.shape[:1]
    ]
    if "logits" in fitting or len(fitting) == 1:
        return Logits(model, "logits" if "logits" in fitting else fitting[0])
    if isinstance(answer, torch.Tensor) and answer.dim() == 2 and len(answer) == len(batch):
        if not answer.is_floating_point():
            raise Refusal(f"the model gives {answer.dtype} numbers, not logits (the class itself?)")
        return model
    if isinstance(answer, torch.Tensor) and answer.dim() == 2:
        raise Refusal(
            f"the model gives {_shape_of(answer)} for {len(batch)} image(s): a baked batch size; export it so that it "
            "takes any number of images"
        )
    what = [f"{key}: {_shape_of(part)}" for key, part in parts.items()]
    raise Refusal(
        f"the model gives {_shape_of(answer)}{f' ({few(what)})' if what else ''} for {len(batch)} image(s) and not one "
        "tensor of logits, N x K; wrap it in a module that gives them alone, and export that with --module"
    )


def say_key(model: torch.nn.Module) -> None:
    """Says which of several things is taken for the logits."""
    if isinstance(model, Logits):
        print(f"the model gives several things; '{model.key}' is taken for its logits", flush=True)


def _shape_of(answer: Any) -> str:
    return words(answer.shape) + " numbers" if isinstance(answer, torch.Tensor) else f"a {type(answer).__name__}"


@torch.no_grad()
def seen_outputs(model: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
    """The outputs for several inputs, weak and strong ones, which show where they are bounded; N x K float64."""
    if with_logits_alone(model, batch) is not model:
        raise Refusal("the model does not return one tensor of logits, N x K")
    answers = [run_model(model, scale * batch) for scale in (1, 0, 10, -10, 100)]
    if not answers[0].isfinite().all():
        raise Refusal("the logits are not finite")
    values = torch.cat([answer for answer in answers if answer.isfinite().all()]).double()
    if (values == values[0]).all():
        raise Refusal("the model answers the same whatever it is shown")
    return values


def check_output(values: torch.Tensor, output: str) -> None:
    """Refuses outputs, N x K, that are not what --output says.

    Of a binary or multi-label head (`sigmoid`) they may be its logits as well as what its sigmoid made of them.
    """
    seen = kind_of(values)
    if seen == "percentages":
        raise Refusal(
            f"each row of the model's outputs sums to {values[0].sum():.4g} and none is negative: neither logits nor "
            "probabilities; export it without what scales them"
        )
    if values.shape[1] > MOST_CLASSES:
        raise Refusal(f"the model has {values.shape[1]} outputs, more than {MOST_CLASSES}")
    if values.shape[1] == 1 and output != "sigmoid":
        raise Refusal(
            "the model has one output: add --output sigmoid (two classes: index 1 is the output's, 0 its complement)"
        )
    if fits(seen, output):
        return
    look = {
        "logits": f"numbers from {values.min():.3g} to {values.max():.3g}, logits",
        "probabilities": "probabilities (each row sums to 1): a softmax is part of it",
        "sigmoid": "numbers from 0 to 1 whose rows do not sum to 1: a sigmoid is part of it",
    }[seen]
    fix = f"--output {seen}" + (", or sigmoid for a binary or multi-label head" if seen == "logits" else "")
    raise Refusal(f"the model returns {look}; not what --output {output} says: give {fix}")

"""Files of weights: state dicts and training checkpoints. No code in them is run."""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from .errors import Refusal, few, first_line, words

State = dict[str, torch.Tensor]

# where training checkpoints keep their weights, averaged ones first
CHECKPOINT_KEYS = (
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "network",
    "net",
    "weights",
)
# heads of training alone, which may be there or not
AUXILIARY = ("AuxLogits.", "aux1.", "aux2.", "aux_classifier.")


def read_weight_file(path: Path) -> Any:
    """What a .safetensors or torch.save file holds. Raises Refusal."""
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        with torch.serialization.safe_globals([argparse.Namespace]):  # the options, in many checkpoints
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise Refusal(f"no weight file {path}") from None
    except Exception as error:
        raise Refusal(_why_unreadable(path, error)) from error


def _why_unreadable(path: Path, error: Exception) -> str:
    other = re.search(r"GLOBAL ([\w.]+)", str(error))
    if other:
        return (
            f"{path} holds {other[1]} beside its tensors, which is not read because that may run any code; "
            "save the weights alone: torch.save(model.state_dict(), FILE)"
        )
    if "TorchScript archive" in str(error):
        return f"{path} is a TorchScript file, not weights alone: give it to --torchscript"
    unpickled = re.search(r"WeightsUnpickler error: (.*)", str(error))
    reason = unpickled[1] if unpickled and unpickled[1] else first_line(error)
    if "PytorchStreamReader" in reason or "Weights only" in reason or isinstance(error, EOFError):
        reason = "it is damaged, cut short or something else"
    return f"{path} is no readable weight file: {reason}"


def load_weights(path: Path) -> tuple[State, str]:
    """The state dict of a file of weights or a training checkpoint, and the key it was under ("": none)."""
    content = read_weight_file(path)
    where = []
    while isinstance(content, Mapping):
        inner = [key for key in CHECKPOINT_KEYS if isinstance(content.get(key), Mapping) and content[key]]
        if not inner:
            break
        where.append(inner[0])
        content = content[inner[0]]
    if not isinstance(content, Mapping):
        raise Refusal(f"{path} holds a {type(content).__name__}, not the weights of a network by name")
    state = {
        name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, torch.Tensor)
    }
    if not state:
        raise Refusal(
            f"{path} holds no weights; its keys: {few(content) or 'none'}; looked under {', '.join(CHECKPOINT_KEYS)}"
        )
    return state, ".".join(where)


def plain_names(state: State, expected: set[str]) -> State:
    """A state dict without what torch.compile, DataParallel, averaging and trainers put before the names."""
    state = {name.replace("_orig_mod.", ""): value for name, value in state.items()}
    if "n_averaged" not in expected:
        state.pop("n_averaged", None)
    shorter = state
    while shorter and expected.isdisjoint(shorter):
        prefix = next(iter(shorter)).partition(".")[0] + "."
        if not all(name.startswith(prefix) for name in shorter):
            return state
        shorter = {name.removeprefix(prefix): value for name, value in shorter.items()}
    return shorter or state


def other_head(model: torch.nn.Module, state: State) -> int | None:
    """K of a state dict that fits a model but for its head, which has as many rows; else None."""
    unlike = [
        (list(tensor.shape), list(state[name].shape))
        for name, tensor in model.state_dict().items()
        if name in state and tensor.shape != state[name].shape
    ]
    counts = {actual[0] if actual and actual[1:] == wanted[1:] else None for wanted, actual in unlike}
    return counts.pop() if len(counts) == 1 else None


def load_strictly(model: torch.nn.Module, state: State, path: Path) -> None:
    """Puts the weights of the file `path` into a model. Raises Refusal unless every name and shape fits."""
    expected = model.state_dict()
    shapes = {
        name: f"{name} ({words(state[name].shape)}, not {words(tensor.shape)})"
        for name, tensor in expected.items()
        if name in state and state[name].shape != tensor.shape
    }
    fitting = {name: tensor for name, tensor in state.items() if name in expected and name not in shapes}
    missing = model.load_state_dict(fitting, strict=False).missing_keys
    problems = (
        ("missing", [name for name in missing if name not in shapes and not name.startswith(AUXILIARY)]),
        ("unexpected", [name for name in state if name not in expected and not name.startswith(AUXILIARY)]),
        ("of another shape", list(shapes.values())),
    )
    if any(names for _, names in problems):
        listed = "; ".join(f"{what}: {few(names)}" for what, names in problems if names)
        raise Refusal(f"{path} does not fit the architecture; {listed}")


def tensors_sha256(model: torch.nn.Module) -> str:
    """Hash of all parameters and buffers: name and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + b"\0" + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()

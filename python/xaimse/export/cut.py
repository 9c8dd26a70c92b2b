"""Models in parts: what Grad-CAM needs, and what the answer has no use for."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch

from .errors import Refusal
from .outputs import CHECKED_BATCHES, example_batch, unlike
from .tracing import RELATIVE_TOLERANCE, check_against_eager, save_trace

SPLIT_TOLERANCE = 1e-5  # of the logits of head(features(x)), relative to the model's
# One part of a model, given the model and x. Models are Any: what a part calls is theirs, not torch's.
Function = Callable[[Any, torch.Tensor], torch.Tensor]


def drop_unused(model: torch.nn.Module, run: Callable[[], torch.Tensor]) -> None:
    """Takes the layers out of a model that run(), which calls it, has no use for: auxiliary heads, other parts."""
    used: set[torch.nn.Module] = set()
    hooks = [module.register_forward_pre_hook(lambda module, inputs: used.add(module)) for module in model.modules()]
    before = run()
    for hook in hooks:
        hook.remove()
    unused = {name: child for name, child in model.named_children() if used.isdisjoint(child.modules())}
    for name in unused:
        setattr(model, name, None)
    try:
        same = torch.equal(run(), before)
    except Exception:
        same = False
    if not same:  # a layer's weights can be used without calling it
        for name, child in unused.items():
            setattr(model, name, child)


class Part(torch.nn.Module):
    """One function of a model, without the layers that it does not use."""

    __module__ = "__main__"  # as of outputs.Logits

    def __init__(self, model: torch.nn.Module, function: Function, example: torch.Tensor) -> None:
        """function(model, x); `example`: an x."""
        super().__init__()
        self.model = copy.deepcopy(model)
        self.function = function
        drop_unused(self.model, lambda: self(example))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.model, x)


@torch.no_grad()
def split(model: torch.nn.Module, height: int, width: int) -> tuple[bytes, bytes] | None:
    """A model cut behind its last feature map and traced: the bytes of NAME.features.pt and NAME.head.pt.

    None where there is no such map: a transformer with a class token decides by that token alone (see map_alone).
    """
    batch = example_batch(height, width)
    cut = next((cut for cut in _cuts(model) if _is_cut(*cut, model, batch[:2])), None)
    if not cut:
        return None
    maps = cut[0](model, batch[:2])
    features, traced_features = save_trace(Part(model, cut[0], batch[:2]), batch[:2])
    eager_head = Part(model, cut[1], maps)
    head, traced_head = save_trace(eager_head, maps)
    for size in CHECKED_BATCHES:
        rows = batch[:size]
        difference = unlike(traced_head(traced_features(rows)), model(rows))
        if not difference <= SPLIT_TOLERANCE:
            raise Refusal(
                f"head and features differ from the model by {difference:.1e} at batch size {size} "
                f"(relative, allowed {SPLIT_TOLERANCE:.0e})"
            )
    with torch.enable_grad():
        check_against_eager(traced_head, eager_head, traced_features(batch))
    return features, head


@torch.no_grad()
def map_alone(model: torch.nn.Module, height: int, width: int) -> bytes | None:
    """The last feature map of a model that split() cannot cut, traced: N x C x h x w, without a head behind it.

    Of a transformer whose class token or mean over tokens decides: the photograph's tokens, as a map, after the last
    normalisation where that sees them. None where no such map is found.
    """
    batch = example_batch(height, width)
    for function in _token_maps(model):
        try:
            shape = function(model, batch[:2]).shape
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError):
            continue  # a model that is put together in another way
        if len(shape) == 4 and min(shape[2:]) > 1:
            part = Part(model, function, batch[:2])
            file, traced = save_trace(part, batch[:2])
            alone = torch.cat([part(row[None]) for row in batch])
            for size in CHECKED_BATCHES:
                difference = unlike(traced(batch[:size]), alone[:size])
                if not difference <= RELATIVE_TOLERANCE:
                    raise Refusal(
                        f"the features part differs from the model's by {difference:.1e} at batch size {size} "
                        f"(relative, allowed {RELATIVE_TOLERANCE:.0e})"
                    )
            return file
    return None


def _token_maps(model: Any) -> list[Function]:
    """Where timm's transformers have their tokens: functions of the model and x that give them as a map."""
    if hasattr(model, "transformers"):  # PiT, whose tokens are a map up to the end, beside the class token

        def of_pit(model: Any, x: torch.Tensor) -> torch.Tensor:
            x = model.pos_drop(model.patch_embed(x) + model.pos_embed)
            maps: torch.Tensor = model.transformers((x, model.cls_token.expand(x.shape[0], -1, -1)))[0]
            return maps

        return [of_pit]
    if not hasattr(model, "forward_features"):
        return []
    prefix = getattr(model, "num_prefix_tokens", 0)

    def of_tokens(model: Any, x: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = model.forward_features(x)[:, prefix:]
        side = math.isqrt(tokens.shape[1])  # of a square photograph; of another one there is no map
        maps: torch.Tensor = tokens.transpose(1, 2).unflatten(2, (side, side))
        return maps

    return [of_tokens]


def _run_layers(model: Any, names: Iterable[str], x: torch.Tensor) -> torch.Tensor:
    for name in names:
        x = getattr(model, name)(x)
    return x


def _cuts(model: torch.nn.Module) -> list[tuple[Function, Function]]:
    """Where a model may be cut behind its last feature map: pairs of functions, features and head."""
    if hasattr(model, "extract_features"):  # EfficientNet-Lite's package
        return [
            (
                lambda model, x: model.extract_features(x),
                lambda model, maps: model._fc(model._dropout(model._avg_pooling(maps).flatten(1))),
            )
        ]
    if hasattr(model, "forward_features") and hasattr(model, "forward_head"):  # timm
        if getattr(model, "output_fmt", "NCHW") == "NHWC":
            return [
                (
                    lambda model, x: model.forward_features(x).permute(0, 3, 1, 2),
                    lambda model, maps: model.forward_head(maps.permute(0, 2, 3, 1)),
                )
            ]
        return [(lambda model, x: model.forward_features(x), lambda model, maps: model.forward_head(maps))]
    if hasattr(model, "avgpool"):  # torchvision: mostly called in the order in which they are listed
        names = [name for name, _ in model.named_children()]
        before, after = names[: names.index("avgpool")], names[names.index("avgpool") + 1 :]
        return [
            (
                lambda model, x: _run_layers(model, before, x),
                lambda model, maps: _run_layers(model, after, model.avgpool(maps)),
            ),
            (
                lambda model, x: _run_layers(model, before, x),
                lambda model, maps: _run_layers(model, after, model.avgpool(maps).flatten(1)),
            ),
        ]
    if [name for name, _ in model.named_children()] == ["features", "classifier"]:  # SqueezeNet
        return [(lambda model, x: model.features(x), lambda model, maps: model.classifier(maps).flatten(1))]
    return []


def _is_cut(features: Function, head: Function, model: torch.nn.Module, batch: torch.Tensor) -> bool:
    """Whether features give maps, N x C x h x w with h, w > 1, of which head makes the model's logits."""
    try:
        maps = features(model, batch)
        if maps.dim() != 4 or min(maps.shape[2:]) < 2:
            return False
        return unlike(head(model, maps), model(batch)) <= SPLIT_TOLERANCE
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError):
        return False  # a model that is put together in another way

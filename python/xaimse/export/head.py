"""--random-init: an untrained network with a head that tells a photograph from its blurred baseline."""

from __future__ import annotations

import torch

from .errors import Refusal

# The head is scaled until the photograph has the first probability (at least 0.5 is wanted), and the model refused
# when the blurred baseline keeps more than the second.
PHOTO_PROBABILITY = 0.9
MAX_BASELINE_PROBABILITY = 0.2

Head = torch.nn.Linear | torch.nn.Conv2d


def _outputs(module: torch.nn.Module) -> int:
    """Of a layer that may be a head; else 0."""
    if isinstance(module, torch.nn.Conv2d):
        return module.out_channels if module.kernel_size == (1, 1) else 0
    return module.out_features if isinstance(module, torch.nn.Linear) else 0


@torch.no_grad()
def centre_and_scale_head(model: torch.nn.Module, photo: torch.Tensor, baseline: torch.Tensor) -> tuple[float, float]:
    """Makes an untrained classifier tell a photograph from its blurred baseline.

    photo, baseline: 1 x 3 x H x W, normalised. With features z of the two, each head W z + b is replaced by
    s (W z - W (z_photo + z_baseline) / 2): the logits of the two become opposite, so the class that W prefers
    most for the photograph is the one the baseline has least, whatever the depth of the network. s is found
    by bisection so that the photograph's probability is PHOTO_PROBABILITY. Returns both probabilities.

    A head that is a convolution (SqueezeNet) is averaged over its pixels, and may have a ReLU in between: so much is
    added to all classes, which a softmax does not see, that no pixel of the two is below 0.
    """
    classes = model(photo).shape[1]
    features: dict[Head, torch.Tensor] = {}
    hooks = [
        module.register_forward_pre_hook(lambda module, inputs: features.update({module: inputs[0]}))
        for module in model.modules()
        if _outputs(module) == classes
    ]
    model(torch.cat([photo, baseline]))
    for hook in hooks:
        hook.remove()
    heads: list[Head] = [h for h, rows in features.items() if isinstance(h, torch.nn.Linear) and rows.dim() == 2]
    if not heads:
        heads += [head for head in features if isinstance(head, torch.nn.Conv2d)][-1:]
    if not heads:
        raise Refusal(f"no linear layer with {classes} outputs: --random-init cannot adjust the head of this model")
    for head in heads:
        head.bias = torch.nn.Parameter(torch.zeros(classes))
        answers = head(features[head])
        pixels = tuple(range(2, answers.dim()))
        centre = answers.mean((0, *pixels), keepdim=True)
        lift = (centre - answers).max() if pixels else 0
        head.bias = torch.nn.Parameter(lift - centre.flatten())

    logits = model(photo).double()
    logits -= logits.mean()
    if not logits.abs().max() > 0:
        raise Refusal(
            "the untrained network gives the photograph and its blurred baseline the same features; "
            "try another --seed or --photo"
        )
    low, high = 0.0, 1e3 / logits.abs().max().item()
    for _ in range(60):
        scale = (low + high) / 2
        low, high = (scale, high) if (scale * logits).softmax(1).max() < PHOTO_PROBABILITY else (low, scale)
    for head in heads:
        for parameter in head.parameters():
            parameter.mul_(scale)

    probabilities = model(torch.cat([photo, baseline])).softmax(1)
    target = probabilities[0].argmax()
    p_photo, p_baseline = probabilities[:, target].tolist()
    if p_photo < 0.5 or p_baseline > MAX_BASELINE_PROBABILITY:
        raise Refusal(
            f"no head scale separates the photograph (p = {p_photo:.3f}) from its blurred baseline "
            f"(p = {p_baseline:.3f}); try another --seed or --photo"
        )
    return p_photo, p_baseline

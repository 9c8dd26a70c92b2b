"""What only who trained a model knows: asked for, with a suggestion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from ..outputs import kind_of
from .errors import Refusal, words
from .outputs import example_batch, seen_outputs, with_logits_alone
from .preprocessing import Overrides, Preprocessing, both_sides, plain_preprocessing

USUAL_SIZES = (224, 256, 299, 384, 32, 28, 64, 96, 112, 128, 160, 192, 240, 260, 288, 300, 320, 336, 448, 512)
USUAL_NORMALISATIONS = {
    "ImageNet's": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "to [-1,1]": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}


def ask_for_missing(model: torch.nn.Module, overrides: Overrides, classes: Path | None, photos: Sequence[Path]) -> None:
    """Refuses to guess what the source of a model does not say; prints a suggestion.

    classes: what --classes says. photos: what the suggestion is made from.
    """
    known = {*overrides, *([] if classes is None else ["classes"])}
    flags = {"--input-size": "input_size", "--mean": "mean", "--std": "std", "--classes": "classes"}
    missing = [flag for flag, key in flags.items() if key not in known]
    if not missing:
        return
    try:
        suggested, why = _suggestion(model, overrides, missing, photos)
    except Refusal as refusal:
        suggested, why = "none", str(refusal)
    print(f"suggestion, to be checked by who trained it: {suggested}" + f" ({why})" * bool(why), flush=True)
    listed = ", ".join(missing).replace("--classes", "--classes (a class list, imagenet or none)")
    raise Refusal(f"only who trained it knows these, please give them: {listed}")


@torch.no_grad()
def _suggestion(
    model: torch.nn.Module, overrides: Overrides, missing: Sequence[str], photos: Sequence[Path]
) -> tuple[str, str]:
    """Flags that a model's answers to photographs speak for, and why, as two texts."""
    given = overrides.get("input_size")
    sizes = [both_sides(given)] if given else [(side, side) for side in USUAL_SIZES]
    model, sizes, reason = _sizes_that_run(model, sizes)
    if not sizes:
        raise Refusal(reason if given else f"it runs at none of {words(USUAL_SIZES)} pixels, the last: {reason}")
    height, width = sizes[0]
    found: Overrides = {**overrides, "input_size": (height, width)}
    why = "" if given else f"it runs at {words(side for side, _ in sizes)} pixels"
    if photos and {"--mean", "--std"} & set(missing):
        candidates: dict[str, Overrides] = {
            name: {
                **found,
                "mean": overrides.get("mean", mean),
                "std": overrides.get("std", std),
            }
            for name, (mean, std) in USUAL_NORMALISATIONS.items()
        }
        scores = {
            name: _confidence(model, plain_preprocessing(candidate), photos) for name, candidate in candidates.items()
        }
        found = candidates[max(scores, key=lambda name: scores[name])]
        listed = ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
        why += f"{'; ' if why else ''}mean probability of the first class by normalisation: {listed}"
    values = seen_outputs(model, example_batch(height, width))
    texts = {
        "--input-size": f"{height}" if height == width else f"{height} {width}",
        "--mean": words(found.get("mean", ())),
        "--std": words(found.get("std", ())),
        "--classes": "imagenet" if values.shape[1] == 1000 else "none",
    }
    flags = [f"{flag} {texts[flag]}" for flag in missing if texts[flag]]
    seen = "sigmoid" if values.shape[1] == 1 else kind_of(values)
    if seen in ("probabilities", "sigmoid"):
        flags.append(f"--output {seen}")
    return " ".join(flags), why


def _sizes_that_run(
    model: torch.nn.Module, sizes: Sequence[tuple[int, int]]
) -> tuple[torch.nn.Module, list[tuple[int, int]], str]:
    """The model, giving its logits alone, the sizes (height, width) at which it does, and why not the last other."""
    running, found, reason = [], model, ""
    for size in sizes:
        try:
            found = with_logits_alone(model, torch.zeros(2, 3, *size))
            running.append(size)
        except Refusal as refusal:
            reason = str(refusal)
    return found, running, reason


def _confidence(model: torch.nn.Module, preprocessing: Preprocessing, photos: Sequence[Path]) -> float:
    """The mean over photographs of the probability of the most probable class."""
    values = torch.cat([model(preprocessing.normalise(preprocessing.pixels(photo))) for photo in photos])
    if kind_of(values) == "logits":
        values = values.softmax(1) if values.shape[1] > 1 else torch.maximum(values, -values).sigmoid()
    return values.amax(1).mean().item()

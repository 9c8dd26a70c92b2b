"""A network from any source, written as NAME.pt, NAME.json and, where there is a last feature map, its two parts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from .._data import data_path
from .._files import write_whole
from ..perturbation import make_baseline
from .card import Card, card_text, make_card
from .classes import check_class_list, class_list_of, imagenet_classes
from .cut import drop_unused, map_alone, split
from .errors import Refusal
from .files import checked_name, file_sha256, make_folder
from .head import centre_and_scale_head
from .outputs import example_batch, say_key, with_logits_alone
from .preprocessing import Overrides, plain_preprocessing
from .sources import from_module, resolve
from .suggestion import ask_for_missing
from .tracing import trace
from .weights import tensors_sha256
from .zoo import listed_family


def export(
    request: str,
    out: Path,
    *,
    name: str | None = None,
    family: str | None = None,
    weights: Path | None = None,
    pretrained: bool = False,
    random_init: bool = False,
    seed: int = 0,
    photo: Path | None = None,
    classes: Path | None = None,
    overrides: Overrides | None = None,
    output: str = "logits",
    module: bool = False,
    photos: Sequence[Path] = (),
) -> Card:
    """Exports one model into the folder `out`; the card as a dict. Raises Refusal.

    request: a name, or with `module` the PACKAGE.MODULE:FUNCTION of a factory. photo: of random_init, None:
    photos/coffee.jpg. photos: what suggestions are made from. The rest is as the command line has it.
    """
    overrides = overrides or {}
    name = checked_name(name or request.rpartition(":")[2])
    class_list = class_list_of(classes)
    architecture = from_module(request) if module else resolve(request, overrides)
    packaged = architecture.packaged_weights if not (weights or random_init) else None
    if not (weights or pretrained or random_init or packaged or module):
        raise Refusal("say where the weights come from: --pretrained, --weights FILE or --random-init")
    if random_init and output != "logits":
        raise Refusal(f"--random-init adjusts logits; it does not go with --output {output}")
    if not (architecture.has_head or class_list):
        raise Refusal("it comes without a head, so it has no classes; give them with --classes, or another name")

    torch.manual_seed(seed)
    known = len(class_list.ids) if class_list and not module else None
    if weights:
        model = architecture.with_weights(weights, known)
    else:
        model = architecture.make(bool(pretrained or packaged), known)
    model = model.cpu().float().eval().requires_grad_(False)
    preprocessing = architecture.preprocessing
    if not preprocessing:
        ask_for_missing(model, overrides, classes, photos)
        preprocessing = plain_preprocessing(overrides)
    example = example_batch(preprocessing.height, preprocessing.width)[:2]
    whole, model = model, with_logits_alone(model, example)
    say_key(model)
    with torch.no_grad():
        drop_unused(whole, lambda: model(example))
    origin: dict[str, Any]
    if random_init:
        photo = photo or data_path("photos") / "coffee.jpg"
        pixels = preprocessing.pixels(photo)
        baseline = make_baseline(pixels[0], "blur", preprocessing.mean).unsqueeze(0)
        p_photo, p_baseline = centre_and_scale_head(
            model, preprocessing.normalise(pixels), preprocessing.normalise(baseline)
        )
        origin = {
            "origin": "random",
            "sha256": tensors_sha256(whole),
            "seed": seed,
            "photo": {"file": photo.name, "p_full": p_photo, "p_baseline": p_baseline},
        }
    else:
        read_from = weights or packaged
        origin = {
            "origin": "file" if weights or module else "pretrained",
            "sha256": file_sha256(read_from) if read_from else tensors_sha256(whole),
        }

    file, traced = trace(model, preprocessing.height, preprocessing.width, output)
    count = traced(torch.zeros(1, 3, preprocessing.height, preprocessing.width)).shape[1]
    if class_list is None and count == 1000 and classes is None:
        class_list = imagenet_classes()
    check_class_list(class_list, count)
    features, head = split(model, preprocessing.height, preprocessing.width) or (
        map_alone(model, preprocessing.height, preprocessing.width),
        None,
    )

    make_folder(out)
    write_whole(out / f"{name}.pt", file)
    parts = {}
    for part, content in (("features", features), ("head", head)):
        path = out / f"{name}.{part}.pt"
        if content:
            write_whole(path, content)
            parts[part] = {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}
        else:
            path.unlink(missing_ok=True)  # of an earlier export
    card = make_card(
        name,
        family or listed_family(request),
        architecture.description,
        preprocessing,
        origin,
        count,
        class_list,
        hashlib.sha256(file).hexdigest(),
        output,
        parts.get("features"),
        parts if head else None,
    )
    write_whole(out / f"{name}.json", card_text(card))
    return card

"""SPEC 7 between models written out once more, slowly and in double precision, to check xai-crosstest against.

A source's map (s x s) orders its cells; a target is shown the photograph where the first of them are, wherever that is in
the target's own crop. Sides come in the order vertical, horizontal.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy
import torch
import torchvision.transforms.functional as transforms
from PIL import Image

import reference
import saliency_reference


@dataclass
class Side:
    """One side of a crop: a photograph's `original` pixels resized to `resized`, of which `pixels` from `start` on."""
    original: int
    resized: int
    start: int
    pixels: int

    def centres(self):
        """Of the crop's pixels, in the photograph's."""
        return (self.start + numpy.arange(self.pixels) + 0.5) * self.original / self.resized - 0.5

    def position(self, places):
        """Of places in the photograph, in the crop's pixels; outside, its edge."""
        here = (places + 0.5) * self.resized / self.original - 0.5 - self.start
        return here.clip(0, self.pixels - 1)

    def ends(self):
        """As shares of the photograph."""
        return self.start / self.resized, (self.start + self.pixels) / self.resized


@lru_cache
def load(model):
    return torch.jit.load(str(model)).eval()


class View:
    """A model, and what it sees of a photograph: x and its baseline b, H x W x 3 in [0,1]."""

    def __init__(self, model, photo, baseline="blur"):
        card = json.loads(Path(model).with_suffix(".json").read_text())
        preprocessing, size = card["preprocessing"], (card["input"]["height"], card["input"]["width"])
        self.network = load(model)
        self.mean, self.std = (numpy.asarray(preprocessing[key]) for key in ("mean", "std"))
        image = Image.open(photo).convert("RGB")
        kind = transforms.InterpolationMode(preprocessing["interpolation"])
        resized = transforms.resize(image, preprocessing["resize"], kind)
        self.x = numpy.asarray(transforms.center_crop(resized, size)) / 255
        self.b = reference.baseline(self.x, baseline, self.mean)
        self.sides = [Side(before, after, round((after - crop) / 2.0), crop)
                      for before, after, crop in zip(image.size[::-1], resized.size[::-1], size)]

    def probabilities(self, masks):
        """n x K, of the photograph where the masks (H x W) are 1 and the baseline where they are 0."""
        images = [(self.b + mask[:, :, None] * (self.x - self.b) - self.mean) / self.std for mask in masks]
        with torch.no_grad():
            return self.network(torch.from_numpy(numpy.stack(images)).permute(0, 3, 1, 2).float()).double().softmax(1).numpy()


def seen(cells, source, target, kind="soft"):
    """The mask of the source's cells (s x s) at the pixels of the target's crop."""
    rows, columns = (its.position(other.centres()) for its, other in zip(source.sides, target.sides))
    height, width = (side.pixels for side in source.sides)
    if kind == "hard":
        whole = reference.mask(numpy.flatnonzero(cells), len(cells), height, width, "hard")
        return whole[numpy.floor(rows + 0.5).astype(int)][:, numpy.floor(columns + 0.5).astype(int)]
    y, x = numpy.meshgrid(2 * rows / (height - 1) - 1, 2 * columns / (width - 1) - 1, indexing="ij")
    grid = torch.from_numpy(numpy.stack([x, y], 2))[None]
    return torch.nn.functional.grid_sample(torch.from_numpy(cells)[None, None], grid, mode="bilinear",
                                           padding_mode="border", align_corners=True)[0, 0].numpy()


def insertion(saliency, source, target, c, steps=50, kind="soft"):
    """f_c of the target, at t = 0 .. steps."""
    order = saliency_reference.order_of(saliency)
    masks = []
    for t in range(steps + 1):
        cells = numpy.zeros(saliency.size)
        cells[order[:int(numpy.floor(t * saliency.size / steps + 0.5))]] = 1
        masks.append(seen(cells.reshape(saliency.shape), source, target, kind))
    return target.probabilities(masks)[:, c]


def curve_of(f):
    """The normalised curve and its area."""
    curve = (f - f[0]) / (f[-1] - f[0])
    return curve, float(numpy.trapezoid(curve, dx=1 / (len(f) - 1)))


def outside(source, target):
    """The share of the target's crop that lies outside the source's, by area."""
    inside = 1
    for its, other in zip(source.sides, target.sides):
        (first, last), (begin, end) = its.ends(), other.ends()
        inside *= max(0, min(last, end) - max(first, begin)) / (end - begin)
    return 1 - inside

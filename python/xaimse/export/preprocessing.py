"""What a model card says of a photograph's way to the model, and the command line of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import torch
from PIL import Image
from torchvision.transforms import functional as image_ops

from .. import preprocessing
from .errors import Refusal, first_line, words
from .limits import INTERPOLATIONS, MOST_PIXELS

USUAL_CROP = 0.875  # of the resized photograph's short side


@dataclass(frozen=True)
class Preprocessing:
    """Short side to `resize` pixels, centre crop of `height` x `width`, normalisation by `mean` and `std`, of RGB in
    [0,1]. Raises Refusal for what a model card cannot say.
    """

    height: int
    width: int
    resize: int
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise Refusal(
                f"interpolation '{self.interpolation}' has no counterpart in a model card; "
                "choose --interpolation bilinear or bicubic"
            )
        if min(self.height, self.width) < 1 or self.resize < max(self.height, self.width):
            raise Refusal(
                f"a short side of {self.resize} does not cover the crop of "
                f"{self.height} x {self.width}; choose --resize and --input-size"
            )
        if self.resize > MOST_PIXELS:
            raise Refusal(f"a short side of {self.resize} is more than {MOST_PIXELS}; choose --resize")
        if len(self.mean) != 3 or not all(0 <= value <= 1 for value in self.mean):
            raise Refusal(
                f"mean needs three values from 0 to 1, not {words(self.mean)}; "
                "choose --mean (values for pixels from 0 to 255 are to be divided by 255)"
            )
        if len(self.std) != 3 or not all(0 < value <= 10 for value in self.std):
            raise Refusal(
                f"mean and std need three values each, std above 0 and at most 10, not {words(self.std)}; "
                "choose --std (values for pixels from 0 to 255 are to be divided by 255)"
            )

    def pixels(self, photo: Path) -> torch.Tensor:
        """The cropped photograph, 1 x 3 x H x W float32 RGB in [0,1], before normalisation."""
        crop = preprocessing.Preprocessing(
            (self.height, self.width), self.mean, self.std, self.resize, self.interpolation
        )
        try:
            return crop.pixels(Image.open(photo)).unsqueeze(0)
        except (OSError, ValueError) as error:
            raise Refusal(f"{photo} is no photograph that can be read: {first_line(error)}") from error

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels in [0,1], N x 3 x H x W, as the model takes them."""
        normalised: torch.Tensor = image_ops.normalize(pixels, self.mean, self.std)
        return normalised


class Overrides(TypedDict, total=False):
    """What the command line says of the preprocessing, in place of the source."""

    resize: int
    input_size: int | Sequence[int]
    interpolation: str
    mean: Sequence[float]
    std: Sequence[float]


def both_sides(input_size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width of an input whose side, or sides, are given."""
    height, width = (input_size, input_size) if isinstance(input_size, int) else input_size
    return height, width


def make_preprocessing(
    overrides: Overrides,
    *,
    height: int,
    width: int,
    resize: int,
    interpolation: str,
    mean: Sequence[float],
    std: Sequence[float],
) -> Preprocessing:
    """What the source says, but for what was said otherwise."""
    height, width = both_sides(overrides.get("input_size", (height, width)))
    return Preprocessing(
        height,
        width,
        overrides.get("resize", resize),
        overrides.get("interpolation", interpolation),
        tuple(overrides.get("mean", mean)),
        tuple(overrides.get("std", std)),
    )


def plain_preprocessing(overrides: Overrides) -> Preprocessing:
    """What --input-size, --mean and --std say, and the usual for what they leave open."""
    height, width = both_sides(overrides["input_size"])
    return make_preprocessing(
        overrides,
        height=height,
        width=width,
        resize=int(max(height, width) / USUAL_CROP),
        interpolation="bilinear",
        mean=overrides["mean"],
        std=overrides["std"],
    )

"""What a model is shown of an image: baselines, masks and masked images (SPEC 3).

The numbers are those of the C++ module `perturb`; a test compares them.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

BASELINES = ("blur", "black", "mean", "gray")
MASKS = ("soft", "hard")


def interpolation_matrix(size: int, grid: int, mask: str) -> npt.NDArray[np.float32]:
    """A of U(S) = A S A^T along a side of `size` pixels: size x grid weights in [0,1], each row sums to 1.

    `soft`: bilinear with aligned corners; `hard`: blocks with borders at round(i * size / grid).
    ValueError where the patches do not fit the pixels.
    """
    if not 2 <= grid <= size:
        raise ValueError(f"grid={grid} does not fit {size} pixels: a side has from 2 patches to one a pixel")
    pixels = np.arange(size)
    weights = np.zeros((size, grid), np.float32)
    if mask == "hard":
        borders = (2 * np.arange(1, grid) * size + grid) // (2 * grid)
        weights[pixels, np.searchsorted(borders, pixels, side="right")] = 1
        return weights
    left, remainder = np.divmod(pixels * (grid - 1), size - 1)  # in whole numbers: no rounding near a centre
    to_right = remainder.astype(np.float32) / np.float32(size - 1)
    weights[pixels, left] = 1 - to_right
    weights[pixels, np.minimum(left + 1, grid - 1)] += to_right
    return weights


def _gaussian_matrix(size: int, kernel: int) -> npt.NDArray[np.float64]:
    """The Gaussian of an odd `kernel`, sigma = kernel - 1, along a side whose border is mirrored: size x size."""
    radius = kernel // 2
    steps = np.arange(-radius, radius + 1)
    weights = np.exp(-(steps**2) / (2 * max(kernel - 1, 1) ** 2))
    weights /= weights.sum()
    pixels = np.arange(size)
    seen = np.pad(pixels, radius, mode="reflect")
    matrix = np.zeros((size, size))
    for step, weight in enumerate(weights):
        matrix[pixels, seen[step : step + size]] += weight
    return matrix


def _blurred(image: torch.Tensor) -> torch.Tensor:
    height, width = image.shape[1:]
    kernel = 2 * (51 * height // 448) + 1
    vertical, horizontal = (
        torch.from_numpy(_gaussian_matrix(size, kernel)).to(image.device) for size in (height, width)
    )
    return (vertical @ image.double() @ horizontal.T).to(image.dtype)


def make_baseline(image: torch.Tensor, baseline: str, mean: Sequence[float]) -> torch.Tensor:
    """What hidden patches show: 3 x H x W in [0,1], as `image` is.

    `blur`: Gaussian, kernel k = 2 * floor(51 H / 448) + 1, sigma k - 1, mirrored border; `black`: 0; `mean`: `mean`,
    the RGB of the model's normalisation; `gray`: 0.5. ValueError for another name.
    """
    if baseline == "blur":
        return _blurred(image)
    colours: dict[str, Sequence[float]] = {"black": (0, 0, 0), "mean": mean, "gray": (0.5, 0.5, 0.5)}
    if baseline not in colours:
        raise ValueError(f"baseline={baseline!r} is none of {', '.join(BASELINES)}")
    return _per_channel(colours[baseline], image).expand_as(image)


def _per_channel(values: Sequence[float], like: torch.Tensor) -> torch.Tensor:
    return torch.tensor([float(value) for value in values], dtype=like.dtype, device=like.device).view(3, 1, 1)


@dataclasses.dataclass(frozen=True)
class MaskedImages:
    """One image's x_S = b + U(S) (x - b) for any sets S of its g x g patches, on one device.

    >>> shown = MaskedImages.of(image, make_baseline(image, "blur", (0.5, 0.5, 0.5)), grid=7, mask="soft")
    >>> shown(np.ones((1, 7, 7), bool)).shape
    torch.Size([1, 3, 224, 224])
    """

    baseline: torch.Tensor  # b: 3 x H x W
    difference: torch.Tensor  # x - b: 3 x H x W
    vertical: torch.Tensor  # H x g
    horizontal: torch.Tensor  # g x W

    @classmethod
    def of(cls, image: torch.Tensor, baseline: torch.Tensor, grid: int, mask: str) -> "MaskedImages":
        """`image`, `baseline`: 3 x H x W float32 of one device. ValueError for a mask or grid there is not."""
        if mask not in MASKS:
            raise ValueError(f"mask={mask!r} is none of {', '.join(MASKS)}")
        vertical, horizontal = (
            torch.from_numpy(interpolation_matrix(size, grid, mask)).to(image.device) for size in image.shape[1:]
        )
        return cls(baseline, image - baseline, vertical, horizontal.T)

    def normalised(self, mean: Sequence[float], std: Sequence[float]) -> "MaskedImages":
        """The same images, each (x_S - mean) / std: what both images are, what is mixed of them is."""
        mean_of_channels, std_of_channels = (_per_channel(values, self.baseline) for values in (mean, std))
        return dataclasses.replace(
            self,
            baseline=(self.baseline - mean_of_channels) / std_of_channels,
            difference=self.difference / std_of_channels,
        )

    def to(self, device: torch.device) -> "MaskedImages":
        """The same images on another device."""
        return MaskedImages(*(getattr(self, field.name).to(device) for field in dataclasses.fields(self)))

    def masks(self, sets: npt.NDArray[Any]) -> torch.Tensor:
        """U(S) in [0,1]: n x H x W. `sets`: n x g x g, true where a patch is visible."""
        cells = torch.from_numpy(np.ascontiguousarray(sets, dtype=np.float32)).to(self.baseline.device)
        return self.vertical @ (cells @ self.horizontal)

    def __call__(self, sets: npt.NDArray[Any]) -> torch.Tensor:
        """x_S: n x 3 x H x W. `sets` as in masks()."""
        return torch.addcmul(self.baseline, self.masks(sets).unsqueeze(1), self.difference)

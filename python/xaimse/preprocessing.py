"""From a photograph to what a model is shown of it, before masks and normalisation (SPEC 2)."""

import dataclasses
import math
import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

Photograph: TypeAlias = "Image.Image | npt.NDArray[Any] | torch.Tensor"

_WHAT_TO_PASS = (
    "pass preprocessing=xaimse.Preprocessing(size, mean, std, resize=..., interpolation=...), torchvision's weights "
    "(or weights.transforms()), or a torchvision Compose that ends in Normalize"
)
_RANDOM = ("Random", "RandAugment", "AutoAugment", "TrivialAugment", "AugMix", "ColorJitter")  # names that begin so
_TO_TENSOR = ("ToTensor", "PILToTensor")  # refuse what is a tensor already


class Steps(Protocol):
    """What comes before the model: pixels(), then masks, then (value - mean) / std."""

    @property
    def mean(self) -> Sequence[float]: ...

    @property
    def std(self) -> Sequence[float]: ...

    def pixels(self, image: Photograph) -> torch.Tensor:
        """The crop of a photograph: 3 x H x W float32 RGB in [0,1], on the CPU."""
        ...


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """Resize, centre crop, normalisation, as torchvision and timm do them on a PIL image.

    size: the model's input in pixels, or (height, width). mean, std: RGB, for values in [0,1]. resize: the short side
    before the crop; (height, width) for both sides, whatever the photograph's shape; None leaves the size as it is.
    interpolation: PIL's name, with antialiasing. ValueError where these do not make a crop.

    >>> Preprocessing(224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), resize=256, interpolation="bicubic")
    """

    size: int | tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: int | tuple[int, int] | None = None
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        _check_normalisation(self.mean, self.std)
        names = [filter.name.lower() for filter in Image.Resampling]
        if self.interpolation not in names:
            raise ValueError(f"interpolation={self.interpolation!r} is none of {', '.join(names)}")
        height, width = _both("size", self.size)
        resized = (height, width) if self.resize is None else _both("resize", self.resize)
        if not _covers(resized, (height, width)):
            raise ValueError(f"resize={self.resize} does not cover the crop of {height} x {width} pixels")

    def pixels(self, image: Photograph) -> torch.Tensor:
        """The crop of `image`: 3 x H x W float32 RGB in [0,1]. ValueError for what is no photograph, or too small."""
        crop = _both("size", self.size)
        planes = []
        for plane in _planes(image):
            resized = self._resized(plane)
            height, width = resized.height, resized.width
            if not _covers((height, width), crop):
                raise ValueError(
                    f"the photograph of {height} x {width} pixels does not cover the crop of {crop[0]} x {crop[1]}; "
                    "give its preprocessing a resize"
                )
            top, left = round((height - crop[0]) / 2), round((width - crop[1]) / 2)
            planes.append(_tensor(np.asarray(resized.crop((left, top, left + crop[1], top + crop[0])))))
        return torch.cat(planes).clamp(0, 1)  # bicubic weights overshoot where the values are floats

    def _resized(self, plane: Image.Image) -> Image.Image:
        if self.resize is None:
            return plane
        height, width = _both("resize", self.resize)
        if not isinstance(self.resize, (tuple, list)):  # the short side
            short = min(plane.size)
            height, width = height * plane.height // short, width * plane.width // short
        return plane.resize((width, height), Image.Resampling[self.interpolation.upper()])


@dataclasses.dataclass(frozen=True)
class Composed:
    """torchvision's Compose, split before the Normalize that it ends in."""

    steps: tuple[Callable[[Any], Any], ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_normalisation(self.mean, self.std)

    def pixels(self, image: Photograph) -> torch.Tensor:
        """The crop of `image`: 3 x H x W float32 RGB in [0,1]. ValueError where the steps give something else."""
        planes = _planes(image)
        shown: Any = planes[0] if len(planes) == 1 else torch.cat([_tensor(np.asarray(plane)) for plane in planes])
        for step in self.steps:
            if not (isinstance(shown, torch.Tensor) and type(step).__name__ in _TO_TENSOR):
                shown = step(shown)
        if not isinstance(shown, torch.Tensor) or shown.dim() != 3 or shown.shape[0] != 3:
            what = f"a {type(shown).__name__}"
            raise ValueError(f"the Compose gives {what} before its Normalize, not a tensor of 3 x H x W")
        shown = shown.as_subclass(torch.Tensor).float()
        if len(planes) == 3:
            shown = shown.clamp(0, 1)  # bicubic weights overshoot where the values are floats
        return _in_range(shown, "the Compose gives, before its Normalize,")


def unwrapped(model: torch.nn.Module) -> torch.nn.Module:
    """The module that torch.compile and the data-parallel ones of torch wrap; without them, the model itself."""
    wrappers = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)
    while hasattr(model, "_orig_mod") or isinstance(model, wrappers):
        inner: Any = model.module if isinstance(model, wrappers) else model._orig_mod
        model = inner
    return model


def preprocessing_of(model: torch.nn.Module, given: Any = None) -> Steps:
    """What comes before `model`: `given`, in any of the forms explain() takes, or what timm says of the model.

    ValueError, with what to pass, where neither says it.
    """
    model = unwrapped(model)
    timm: Any = sys.modules.get("timm.data")  # where a model is timm's, it is loaded
    if given is None and timm is not None and getattr(model, "pretrained_cfg", None):
        given = timm.create_transform(**timm.resolve_model_data_config(model))
    if given is None:
        raise ValueError(f"{type(model).__name__} does not say how its images are prepared: {_WHAT_TO_PASS}")
    if isinstance(given, (Preprocessing, Composed)):
        return given
    if callable(getattr(given, "transforms", None)):  # torchvision's weights
        given = given.transforms()
    if all(hasattr(given, name) for name in ("crop_size", "resize_size", "interpolation", "mean", "std")):
        return _of_preset(given)
    steps = getattr(given, "transforms", None)
    if isinstance(steps, (list, tuple)) and steps and all(hasattr(steps[-1], name) for name in ("mean", "std")):
        return _of_compose(steps)
    what = f"{type(given).__name__} cannot be split into a crop in [0,1] and its normalisation"
    raise ValueError(f"preprocessing: {what}; {_WHAT_TO_PASS}")


def _of_preset(preset: Any) -> Preprocessing:
    """Of torchvision's ImageClassification, what weights.transforms() gives."""
    size, resize = preset.crop_size, preset.resize_size
    return Preprocessing(
        (size[0], size[-1]),
        tuple(preset.mean),
        tuple(preset.std),
        resize[0] if len(resize) == 1 else tuple(resize),
        preset.interpolation.value,
    )


def _of_compose(steps: Sequence[Any]) -> Composed:
    random = [type(step).__name__ for step in steps if type(step).__name__.startswith(_RANDOM)]
    if random:
        raise ValueError(f"preprocessing: {random[0]} is a step of training; pass the steps of evaluation")
    mean, std = (tuple(float(value) for value in values) for values in (steps[-1].mean, steps[-1].std))
    return Composed(tuple(steps[:-1]), mean, std)


def _check_normalisation(mean: Sequence[float], std: Sequence[float]) -> None:
    if not _are_three(mean, lambda value: 0 <= value <= 1):
        raise ValueError(f"mean needs three values from 0 to 1, for pixels from 0 to 1, not {mean}")
    if not _are_three(std, lambda value: math.isfinite(value) and value > 0):
        raise ValueError(f"std needs three values above 0, for pixels from 0 to 1, not {std}")


def _are_three(values: Any, fit: Callable[[float], bool]) -> bool:
    try:
        return len(values) == 3 and all(fit(value) for value in values)
    except TypeError:  # no sequence, or of no numbers
        return False


def whole_number(name: str, value: Any, least: int = 1) -> int:
    """`value` as an int. ValueError where it is no whole number, or below `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise ValueError(f"{name}={value!r} is not a whole number of at least {least}")
    return number


def _both(name: str, sides: Any) -> tuple[int, int]:
    """Height and width of `sides`, one number or two."""
    height, width = sides if isinstance(sides, (tuple, list)) and len(sides) == 2 else (sides, sides)
    return whole_number(name, height), whole_number(name, width)


def _covers(sides: tuple[int, int], crop: tuple[int, int]) -> bool:
    return sides[0] >= crop[0] and sides[1] >= crop[1]


def rgb(image: Image.Image) -> Image.Image:
    """The image in RGB, of bytes. Of 16-bit grey the high byte counts, as in the programs: PIL cuts it at 255.

    ValueError for other grey numbers (PIL's modes I and F), whose range nobody says.
    """
    sixteen_bits = image.mode.startswith("I;16") or (image.mode, image.format) == ("I", "PNG")  # I: of older PIL
    if sixteen_bits:
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(
            f"the image is of PIL's mode {image.mode}, whose range is not known; scale it to bytes (mode L)"
        )
    return image.convert("RGB")


def _planes(image: Photograph) -> list[Image.Image]:
    """A photograph as PIL resizes it: one RGB image of bytes, or one image of floats for each channel."""
    if isinstance(image, Image.Image):
        return [rgb(image)]
    if isinstance(image, torch.Tensor):
        form, is_image = "3 x H x W", image.dim() == 3 and image.shape[0] == 3
        plain = image.detach().cpu()
        plain = plain.float() if plain.is_floating_point() else plain  # NumPy has no bfloat16
        values = plain.permute(1, 2, 0).numpy() if is_image else np.empty(())
    elif isinstance(image, np.ndarray):
        form, is_image, values = "H x W x 3", image.ndim == 3 and image.shape[2] == 3, image
    else:
        raise TypeError(
            f"image is a {type(image).__name__}, not a PIL image, an array or a tensor; open files with PIL"
        )
    if not is_image or 0 in image.shape:
        raise ValueError(f"image has the shape {tuple(image.shape)}, not {form} with three colours")
    if values.dtype == np.uint8:
        return [Image.fromarray(np.ascontiguousarray(values))]
    if not np.issubdtype(values.dtype, np.floating):
        raise ValueError(f"image holds {values.dtype} values; give bytes (uint8) or floats from 0 to 1")
    planes = _in_range(torch.from_numpy(values.astype(np.float32)), "image holds")
    return [Image.fromarray(plane.numpy()) for plane in planes.permute(2, 0, 1).contiguous()]


def _tensor(plane: npt.NDArray[Any]) -> torch.Tensor:
    """H x W x 3 bytes, or H x W floats, as C x H x W float32 in [0,1]."""
    if plane.dtype == np.uint8:
        return torch.from_numpy(plane.astype(np.float32)).div(255).permute(2, 0, 1).contiguous()
    return torch.from_numpy(plane.copy()).unsqueeze(0)


def _in_range(values: torch.Tensor, what: str) -> torch.Tensor:
    low, high = values.min().item(), values.max().item()
    if not (low >= 0 and high <= 1):
        raise ValueError(f"{what} values from {low:.3g} to {high:.3g}, not from 0 to 1")
    return values

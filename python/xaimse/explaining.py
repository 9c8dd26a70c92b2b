"""Explains what a torch module decides on one image, without files: its minimal sufficient explanations (MSEs)."""

import dataclasses
import io
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from .classifier import Classifier, Scorer, evaluating
from .figure import Tile, draw, percent
from .perturbation import MaskedImages, make_baseline
from .preprocessing import Photograph, preprocessing_of, whole_number
from .search import Memo, MseResult, find_mses

_NEAR_TIE = 1e-5  # relative: classes whose probabilities are closer may change places on another machine


def explain(
    model: torch.nn.Module,
    image: Photograph,
    *,
    target: int | str = "predicted",
    grid: int = 7,
    threshold: float = 0.9,
    baseline: str = "blur",
    mask: str = "soft",
    max_evaluations: int = 1500,
    batch_size: int = 32,
    device: torch.device | str | None = None,
    preprocessing: Any = None,
    output: str = "logits",
    class_names: Sequence[str] | None = None,
    **options: Any,
) -> "Explanation":
    """Finds sets of patches that alone keep `threshold` of the probability of a class, and no part of which does.

    model: any nn.Module from n x 3 x H x W to n x K numbers (or several things, one of them its logits). Its weights
        and modes are afterwards what they were; nothing is differentiated.
    image: a PIL image, an array H x W x 3 or a tensor 3 x H x W of bytes or of floats from 0 to 1; not normalised.
    target: the class that is explained: "predicted", "second" (the runner-up), an index, or a name of `class_names`.
    grid: patches a side, 2 to 16. threshold: above 0 and at most 1. baseline: what hidden patches show: blur, black,
        mean or gray. mask: soft (bilinear tents) or hard (squares). max_evaluations: masked images shown, at least 3.
    batch_size: images shown at once; halved where CUDA's memory does not suffice.
    device: where the model computes meanwhile; None: where it is.
    preprocessing: a Preprocessing, torchvision's weights or their transforms(), or a Compose of torchvision that ends
        in Normalize. None: what timm says of a timm model.
    output: what the model gives: logits, probabilities, or sigmoid (each class for itself; one output is two classes).
    class_names: K names. None: those of torchvision's weights, else none.
    options: further ones of find_mses(), such as beam_width, reduce, max_size or max_overlap.

    ValueError, one line that says what and what to do, where these do not fit or the model raises: what it raised is
    the error's cause. But memory that does not suffice for one image stays torch.OutOfMemoryError.

    >>> import timm, xaimse
    >>> from PIL import Image
    >>> model = timm.create_model("resnet18.a1_in1k", pretrained=True)
    >>> explanation = xaimse.explain(model, Image.open("photos/camera.jpg"))
    >>> explanation.mses[0].patches, explanation.mses[0].ratio
    >>> explanation.figure().save("camera.png")
    """
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"model is a {type(model).__name__}, not a torch.nn.Module; find_mses() takes any scorer")
    grid = whole_number("grid", grid, 2)
    steps = preprocessing_of(model, preprocessing)
    photograph = steps.pixels(image)
    images = MaskedImages.of(photograph, make_baseline(photograph, baseline, steps.mean), grid, mask)
    names = class_names if class_names is not None else getattr(preprocessing, "meta", {}).get("categories")
    with evaluating(model, device) as place:
        classifier = Classifier(model, images.to(place).normalised(steps.mean, steps.std), batch_size, output)
        intact = classifier(np.ones((1, grid, grid), bool))[0]
        if names is not None and len(names) != len(intact):
            raise ValueError(f"class_names has {len(names)} names, the model {len(intact)} classes")
        index, near_tie = _chosen(target, intact, names)
        score, memo = Scorer(classifier, index, place), Memo(grid)
        result = find_mses(
            score.with_rivals, grid, threshold=threshold, max_evaluations=max_evaluations, memo=memo, **options
        )
    return Explanation(
        **vars(dataclasses.replace(result, near_ties=result.near_ties + near_tie)),
        target=index,
        class_name=f"class {index}" if names is None else str(names[index]),
        baseline=baseline,
        mask=mask,
        images=images,
        score=score,
        memo=memo,
    )


def _chosen(target: int | str, p: npt.NDArray[np.float64], names: Sequence[str] | None) -> tuple[int, bool]:
    """The class to explain, and whether float noise could choose another. p: of the whole image, K."""
    order = np.argsort(-p, kind="stable")
    near = [p[order[i]] - p[order[i + 1]] < _NEAR_TIE * p[order[i]] for i in range(min(2, len(p) - 1))]
    if target == "predicted":
        return int(order[0]), any(near[:1])
    if target == "second":
        if len(p) < 2:
            raise ValueError("target='second': the model has one class")
        return int(order[1]), any(near)
    if isinstance(target, str):
        same = [] if names is None else [index for index, name in enumerate(names) if name == target]
        if len(same) != 1:
            what = "there are no class_names" if names is None else f"{len(same)} of the class_names are so"
            raise ValueError(f"target={target!r}: {what}; give predicted, second, an index or a name")
        return same[0], False
    try:
        index = -1 if isinstance(target, bool) else operator.index(target)
    except TypeError:
        index = -1
    if not 0 <= index < len(p):
        raise ValueError(f"target={target!r}: give predicted, second, a name, or a class from 0 to {len(p) - 1}")
    return index, False


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Explanation(MseResult):
    """What explain() found of one image and class: a result of find_mses(), and what it is of.

    A notebook shows its figure().

    target, class_name: the class that is explained. baseline, mask: as they were given.
    images: the image as the model crops it, masked: images(masks) gives x_S in [0,1], n x 3 x H x W, and
        images.masks(masks) U(S), n x H x W, on the CPU.
    score, memo: the scorer, and what it has said; for count_sub_explanations() and others. A copy and what pickle
        makes of it have neither: the model is not part of what was found.

    >>> xaimse.count_sub_explanations(explanation.score, explanation, memo=explanation.memo).distinct
    """

    target: int
    class_name: str
    baseline: str
    mask: str
    images: MaskedImages
    score: Scorer
    memo: Memo

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("score", "memo")}

    def __repr__(self) -> str:
        found = f"{self.found} MSEs, {self.diverse} diverse, min_size {self.min_size}" if self.mses else "no MSEs"
        return f"<Explanation of {self.class_name} ({self.target}), p_full {self.p_full:.4f}: {self.status}, {found}>"

    def photograph(self) -> Image.Image:
        """The image as the model crops it, RGB."""
        return _picture(self.images, np.ones((self.images.vertical.shape[1], self.images.horizontal.shape[0]), bool))

    def masked_image(self, index: int) -> Image.Image:
        """What the model is shown of mses[index], RGB: the rest is the baseline."""
        return _picture(self.images, self.masks()[index])

    def figure(self, n: int = 4) -> Image.Image:
        """The photograph beside n of its MSEs, each with its size and ratio; RGB.

        Members of the diverse family come first, then the others; the smallest first, of equal size that of the highest
        ratio. Without any MSE a sentence says why.
        """
        if n < 1:
            raise ValueError(f"n={n}: a figure shows at least one MSE")
        masks, members = self.masks(), set(self.diverse_members)
        order = sorted(
            range(len(self.mses)), key=lambda i: (i not in members, len(self.mses[i].patches), -self.mses[i].ratio)
        )[:n]
        tiles = []
        for number, i in enumerate(order, 1):
            size, kept = len(self.mses[i].patches), percent(self.mses[i].ratio)
            tiles.append(Tile(masks[i], f"{number}: {size} patch{'es' * (size > 1)}, {kept}"))
        title = f"{self.class_name}, {percent(self.p_full)}"
        return draw(self.photograph(), title, self._sentence(len(tiles)), tiles, self.mask)

    def _sentence(self, shown: int) -> str:
        share = f"at least {percent(self.threshold)} of this probability"
        top = "this class the likeliest"
        kept = {"ratio": share, "top1": top, "both": f"{share} and {top}"}[self.sufficient]
        if self.reason == "wrong":
            return "The model puts another class on top: no set can keep this one there."
        if self.status == "skipped":
            return "The model gives this class no probability: there is nothing to explain."
        if self.status == "baseline-sufficient":
            return f"The baseline alone, without any patch, keeps {kept}: there is nothing to explain."
        if not shown:
            return f"No minimal set of patches that keeps {kept} was found in {self.evaluations} evaluations."
        counts = f"{self.found} found, {self.diverse} diverse, {shown} shown"
        return f"Each of these patch sets alone keeps {kept}. {counts}."

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.figure().save(file, "PNG")
        return file.getvalue()


def _picture(images: MaskedImages, mask: npt.NDArray[np.bool_]) -> Image.Image:
    """x_S of one set, g x g, as a picture."""
    pixels = images(mask[None])[0].mul(255).round().clamp(0, 255).to(torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())

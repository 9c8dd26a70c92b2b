"""A torch module as a classifier of masked images: evaluation mode, batches, probabilities (SPEC 2, 3)."""

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import torch

from .outputs import OUTPUTS, entries, fits, kind_of
from .perturbation import MaskedImages
from .preprocessing import whole_number


@contextlib.contextmanager
def evaluating(model: torch.nn.Module, device: torch.device | str | None = None) -> Iterator[torch.device]:
    """Within, the model is in evaluation mode, on `device` (None: where it is) and computes in IEEE float32, as the
    programs do; afterwards all is as it was. Gives the device that its inputs have to be on.
    """
    home = _first_tensor(model).device
    modules = [module for module in model.modules() if hasattr(module, "training")]  # frozen TorchScript has no modes
    training = [(module, module.training) for module in modules]
    cudnn: Any = torch.backends.cudnn  # whose default is TF32
    arithmetic = (cudnn.conv, torch.backends.cuda.matmul)
    precisions = [switch.fp32_precision for switch in arithmetic]
    try:
        model.eval()
        for switch in arithmetic:
            switch.fp32_precision = "ieee"
        if device is not None and torch.device(device) != home:
            model.to(device)
        yield _first_tensor(model).device if device is None else torch.device(device)
    finally:
        for switch, precision in zip(arithmetic, precisions, strict=True):
            switch.fp32_precision = precision
        if _first_tensor(model).device != home:
            model.to(home)
        for module, mode in training:
            module.training = mode


def _first_tensor(model: torch.nn.Module) -> torch.Tensor:
    """A tensor whose device and number type are the model's."""
    tensors = itertools.chain(model.parameters(), model.buffers())
    return next((tensor for tensor in tensors if tensor.is_floating_point()), torch.empty(0))


class Classifier:
    """p(S) of the images that a model is shown. Takes the model as it is: evaluating() is the caller's."""

    def __init__(self, model: torch.nn.Module, images: MaskedImages, batch_size: int, output: str) -> None:
        """images: normalised, on the model's device. output: one of OUTPUTS, what the model gives.

        ValueError where the model gives something else, or raises.
        """
        if output not in OUTPUTS:
            raise ValueError(f"output={output!r} is none of {', '.join(OUTPUTS)}")
        self.model = model
        self._dtype = _first_tensor(model).dtype
        self._images = images
        self._batch_size = whole_number("batch_size", batch_size)
        self._probabilities_of = self._link(output)

    @torch.no_grad()
    def __call__(self, sets: npt.NDArray[np.bool_], target: int | None = None) -> npt.NDArray[np.float64]:
        """The probabilities of all classes, n x K, or of one, n: the doubles of float32 numbers.

        sets: n x g x g, true where a patch is visible. A batch for which CUDA's memory does not suffice is halved, and
        so are those that follow. ValueError where a probability is not a number.
        """
        answers: list[npt.NDArray[np.float64]] = []
        first = 0
        while first < len(sets):
            rows = sets[first : first + self._batch_size]
            try:
                probabilities = self._probabilities_of(self._outputs(self._images(rows)))
                answers.append((probabilities if target is None else probabilities[:, target]).double().cpu().numpy())
            except torch.OutOfMemoryError:
                if len(rows) == 1:
                    raise
                self._batch_size = len(rows) // 2
                continue
            if np.isnan(answers[-1]).any():
                raise ValueError("the model gives NaN, or infinite logits, for this image or a masked version of it")
            first += len(rows)
        return np.concatenate(answers)

    def _outputs(self, batch: torch.Tensor) -> torch.Tensor:
        """What the model says of n x 3 x H x W normalised images: n x K float32.

        ValueError, with what the model raised as its cause; but memory that does not suffice stays what it is.
        """
        try:
            answer = self.model(batch.to(self._dtype))
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            size = " x ".join(map(str, batch.shape[1:]))
            reason = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
            raise ValueError(
                f"the model fails on images of {size}: {reason}; does the preprocessing fit it?"
            ) from error
        return _logits(answer, len(batch)).float()

    @torch.no_grad()
    def _link(self, output: str) -> Callable[[torch.Tensor], torch.Tensor]:
        """From the model's outputs to probabilities. Weak and strong inputs show whether its outputs are bounded."""
        baseline, image = self._images.baseline, self._images.baseline + self._images.difference
        noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0)).to(image)
        unlike = [image, baseline, 0 * image, 3 * noise, 10 * image, -10 * image, 100 * image]
        outputs = torch.cat([self._outputs(row[None]) for row in unlike])
        outputs = outputs[outputs.isfinite().all(1)]
        if outputs.shape[1] == 1 and output != "sigmoid":
            raise ValueError(
                "the model has one output: pass output='sigmoid' (class 1 is the output's, 0 its complement)"
            )
        if not len(outputs):
            return _Link(output, bounded=False)  # p(S) is NaN, which __call__ tells
        coarse = self._dtype in (torch.float16, torch.bfloat16)
        kind = kind_of(outputs, 2e-2 if coarse else 1e-3)
        if kind == "percentages":
            raise ValueError(
                f"each row of the model's outputs sums to {outputs[0].sum():.4g} and none is negative: neither logits "
                "nor probabilities; pass a model without what scales them"
            )
        if not fits(kind, output):
            raise ValueError(f"the model gives {_LOOKS[kind]}: pass output={kind!r}, or a model that gives {output}")
        return _Link(output, bounded=kind != "logits")


@dataclasses.dataclass(frozen=True)
class Scorer:
    """p(S) of one image and class, as find_mses() and its like ask for it.

    It puts the model into evaluation mode, on `device`, for each call, and back.
    """

    classifier: Classifier
    target: int
    device: torch.device

    def __call__(self, sets: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """n probabilities. sets: n x g x g, true where a patch is visible."""
        with evaluating(self.classifier.model, self.device):
            return self.classifier(sets, self.target)

    def with_rivals(self, sets: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """n x 2: the same, and the largest probability of another class (0 where there is none)."""
        with evaluating(self.classifier.model, self.device):
            p = self.classifier(sets)
        rivals = np.delete(p, self.target, axis=1)
        return np.stack([p[:, self.target], rivals.max(axis=1, initial=0)], axis=1)


_LOOKS = {
    "logits": "numbers that look like logits",
    "probabilities": "rows that sum to 1, probabilities",
    "sigmoid": "numbers from 0 to 1 alone, as a sigmoid does",
}


@dataclasses.dataclass(frozen=True)
class _Link:
    output: str
    bounded: bool

    def __call__(self, outputs: torch.Tensor) -> torch.Tensor:
        if self.output == "logits":
            return outputs.softmax(1)
        p = outputs if self.bounded else outputs.sigmoid()
        return torch.cat([1 - p, p], 1) if p.shape[1] == 1 else p


def _logits(answer: Any, rows: int) -> torch.Tensor:
    """The n x K of what a model returns: itself, `logits` among several things, or the only n x K there is."""
    parts = entries(answer)
    fitting = {key: part for key, part in parts.items() if _is_table(part, rows)}
    if "logits" in fitting or len(fitting) == 1:
        answer = fitting.get("logits", next(iter(fitting.values())))
    if not _is_table(answer, rows):
        among = f" ({', '.join(f'{key}: {_shape(part)}' for key, part in list(parts.items())[:4])})" if parts else ""
        raise ValueError(
            f"the model gives {_shape(answer)}{among} for {rows} image(s) and not one tensor of logits, {rows} x K; "
            "wrap it in a module that returns them alone"
        )
    return answer


def _is_table(part: Any, rows: int) -> TypeGuard[torch.Tensor]:
    return isinstance(part, torch.Tensor) and part.is_floating_point() and part.dim() == 2 and len(part) == rows


def _shape(part: Any) -> str:
    if not isinstance(part, torch.Tensor):
        return f"a {type(part).__name__}"
    return f"{' x '.join(map(str, part.shape))} numbers"

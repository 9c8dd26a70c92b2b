"""A torch module as a classifier of masked images: evaluation mode, batches, probabilities (SPEC 2, 3)."""

import contextlib
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
import torch

from .perturbation import MaskedImages

OUTPUTS = ("logits", "probabilities", "sigmoid")


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

        ValueError where the model gives something else, or fails.
        """
        if output not in OUTPUTS:
            raise ValueError(f"output={output!r} is none of {', '.join(OUTPUTS)}")
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size} is below 1")
        self.model = model
        self._dtype = _first_tensor(model).dtype
        self._images = images
        self._batch_size = batch_size
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
        """What the model says of n x 3 x H x W normalised images: n x K float32."""
        return _logits(self.model(batch.to(self._dtype)), len(batch)).float()

    @torch.no_grad()
    def _link(self, output: str) -> Callable[[torch.Tensor], torch.Tensor]:
        """From the model's outputs to probabilities. Weak and strong inputs show whether its outputs are bounded."""
        image, baseline = self._images.baseline + self._images.difference, self._images.baseline
        rows = torch.stack([image, baseline, 10 * image, -10 * image])
        try:
            outputs = torch.cat([self._outputs(row[None]) for row in rows])
        except (RuntimeError, TypeError, IndexError, AssertionError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            height, width = image.shape[1:]
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ValueError(
                f"the model fails on images of 3 x {height} x {width}: {reason}; does the preprocessing fit it?"
            ) from error
        outputs = outputs[outputs.isfinite().all(1)]
        bounded = bool(((outputs >= 0) & (outputs <= 1)).all())
        sums_to_one = bounded and outputs.shape[1] > 1 and bool(((outputs.sum(1) - 1).abs() < 1e-3).all())
        seen = "probabilities" if sums_to_one else "sigmoid" if bounded else "logits"
        if not len(outputs):
            seen = output  # p(S) is NaN, which __call__ tells
        if outputs.shape[1] == 1 and output != "sigmoid":
            raise ValueError(
                "the model has one output: pass output='sigmoid' (class 1 is the output's, 0 its complement)"
            )
        if output != seen and (output, seen) != ("sigmoid", "logits"):
            raise ValueError(f"the model gives {_LOOKS[seen]}: pass output={seen!r}, or a model that gives {output}")
        return _Link(output, bounded)


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


_LOOKS = {
    "logits": "numbers outside 0 to 1, logits",
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
    parts: Mapping[Any, Any] = {}
    if isinstance(answer, Mapping):
        parts = answer
    elif dataclasses.is_dataclass(answer):
        parts = vars(answer)
    elif isinstance(answer, (tuple, list)):
        parts = dict(zip(getattr(answer, "_fields", range(len(answer))), answer, strict=True))
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

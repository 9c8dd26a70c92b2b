"""A model's feature map over photographs, batch by batch."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image

from .._command_line import printable
from ..classifier import evaluating
from .errors import FeaturesError
from .models import Model
from .statistics import Channels

EVERY = 30  # seconds between two lines of progress where there is no terminal


@dataclass(frozen=True)
class Measured:
    """A model's channels over `count` photographs. failed: those that could not be read, and why."""

    model: Model
    size: tuple[int, int]
    channels: Channels
    count: int
    failed: list[tuple[Path, str]]
    seconds: float


def measure(model: Model, files: Sequence[Path], device: torch.device, batch_size: int, quiet: bool) -> Measured:
    """Shows the photographs to the model's features part. Raises FeaturesError where that gives no finite map."""
    start = time.monotonic()
    part, progress = model.load(device), Progress(model.name, len(files), quiet)
    failed: list[tuple[Path, str]] = []
    mean, std = (
        torch.tensor(values, device=device).view(3, 1, 1)
        for values in (model.preprocessing.mean, model.preprocessing.std)
    )
    channels, size, count = None, (0, 0), 0
    with torch.no_grad(), evaluating(part, device):
        for batch in _batches(model, files, batch_size, failed):
            maps = _maps(model, part, (batch.to(device) - mean) / std)
            size = (maps.shape[2], maps.shape[3])
            channels = channels or Channels(maps.shape[1])
            channels.add(maps.cpu().numpy())
            count += len(batch)
            progress.show(count + len(failed))
    progress.end()
    if channels is None:
        raise FeaturesError(
            f"none of the {len(files)} photographs can be read; the first: {failed[0][0]}: {failed[0][1]}"
        )
    return Measured(model, size, channels, count, failed, time.monotonic() - start)


def _batches(
    model: Model, files: Sequence[Path], batch_size: int, failed: list[tuple[Path, str]]
) -> Iterator[torch.Tensor]:
    """Crops in [0,1], at most `batch_size` x 3 x H x W; what cannot be read goes to `failed`."""
    crops: list[torch.Tensor] = []
    for file in files:
        try:
            with Image.open(file) as image:
                crops.append(model.preprocessing.pixels(image))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            failed.append((file, str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__))
        if len(crops) == batch_size:
            yield torch.stack(crops)
            crops = []
    if crops:
        yield torch.stack(crops)


def _maps(model: Model, part: torch.jit.ScriptModule, batch: torch.Tensor) -> torch.Tensor:
    """N x C x h x w float32 of a normalised batch."""
    try:
        maps = part(batch)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise FeaturesError(f"the features part of {model.name} fails: {reason}; try a smaller --batch-size") from None
    if not isinstance(maps, torch.Tensor) or maps.dim() != 4 or len(maps) != len(batch):
        raise FeaturesError(f"the features part of {model.name} gives no map of N x C x h x w; export the model again")
    if not maps.isfinite().all():
        raise FeaturesError(f"the features part of {model.name} gives NaN or infinite activations for a photograph")
    return maps.float()


class Progress:
    """On standard error: one line that changes on a terminal, else a line now and then."""

    def __init__(self, name: str, total: int, quiet: bool) -> None:
        self._name, self._total, self._quiet = printable(name), total, quiet
        self._terminal = sys.stderr.isatty()
        self._start = self._shown = time.monotonic()

    def show(self, done: int) -> None:
        now = time.monotonic()
        if self._quiet or now - self._shown < (0.2 if self._terminal else EVERY):
            return
        self._shown = now
        rate = done / (now - self._start)
        text = f"xai-features: {self._name}: {done} of {self._total} photographs, {rate:.1f}/s"
        text += f", {(self._total - done) / rate:.0f} s left"
        print(f"\r{text}\x1b[K" if self._terminal else text, end="" if self._terminal else "\n", file=sys.stderr)
        sys.stderr.flush()

    def end(self) -> None:
        if self._terminal and not self._quiet:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

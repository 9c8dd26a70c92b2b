"""What is known of a feature map's channels, and of how their activations are spread: docs/features.md.

C channels; `maps` are N x C x h x w activations.
"""

from dataclasses import dataclass

import numpy
import numpy.typing

Floats = numpy.typing.NDArray[numpy.float64]

TOP = (1, 2, 5, 10, 20, 50, 100)
"""The numbers of channels whose share is told."""


class Channels:
    """Sums over the positions of all photographs, for each channel: memory does not grow with the photographs."""

    def __init__(self, channels: int) -> None:
        self.positions = 0
        self._sum = numpy.zeros(channels)
        self._absolute = numpy.zeros(channels)
        self.largest: Floats = numpy.full(channels, -numpy.inf)
        self.largest_absolute: Floats = numpy.zeros(channels)

    def add(self, maps: numpy.typing.NDArray[numpy.floating]) -> None:
        """Takes in N x C x h x w, finite."""
        rows = numpy.moveaxis(maps, 1, 0).reshape(maps.shape[1], -1).astype(numpy.float64)
        self.positions += rows.shape[1]
        self._sum += rows.sum(axis=1)
        self.largest = numpy.maximum(self.largest, rows.max(axis=1))
        numpy.abs(rows, out=rows)
        self._absolute += rows.sum(axis=1)
        self.largest_absolute = numpy.maximum(self.largest_absolute, rows.max(axis=1))

    @property
    def mean(self) -> Floats:
        """Mean activation."""
        return self._sum / self.positions

    @property
    def mean_absolute(self) -> Floats:
        """Mean |activation|."""
        return self._absolute / self.positions


@dataclass(frozen=True)
class Spread:
    """How mean |activation| is spread over channels.

    shares: of each channel, of the sum over all; None where that is 0. kurtosis: None where all channels are alike.
    """

    shares: Floats | None
    kurtosis: float | None

    @classmethod
    def of(cls, mean_absolute: Floats) -> "Spread":
        total = mean_absolute.sum()
        return cls(mean_absolute / total if total > 0 else None, kurtosis(mean_absolute))

    @property
    def descending(self) -> Floats | None:
        """The shares, largest first."""
        return None if self.shares is None else numpy.sort(self.shares)[::-1]

    @property
    def cumulative(self) -> Floats | None:
        """Share of the k channels with the largest shares together, k = 1 ... C."""
        return None if self.descending is None else numpy.cumsum(self.descending).clip(max=1)

    def top(self, k: int) -> float | None:
        """Share of the k largest; None where there are fewer channels, or nothing to share."""
        sums = self.cumulative
        return float(sums[k - 1]) if sums is not None and k <= len(sums) else None


def kurtosis(values: Floats) -> float | None:
    """m4 / m2^2, with m the central moments of all the values there are: not the excess, so 3 for normal ones.

    Of C values at most C - 2 + 1 / (C - 1), where one alone differs. None where all are the same.
    """
    # of values of at most 1, so that no power of tiny ones vanishes
    scaled = values / (abs(values).max() or 1)
    squares = (scaled - scaled.mean()) ** 2
    variance = squares.mean()
    alike = variance <= (4 * numpy.finfo(float).eps) ** 2  # what rounding leaves of a constant
    return None if alike else float((squares**2).mean() / variance**2)

"""The MSEs of a run as bit sets, and what follows from them. N photographs, M sets, P patches, W words of 64."""

from dataclasses import dataclass

import numpy
import numpy.typing

Floats = numpy.typing.NDArray[numpy.float64]
Ints = numpy.typing.NDArray[numpy.int64]
Words = numpy.typing.NDArray[numpy.uint64]

MOST = 16
"""Sets of a photograph whose overlap with others is measured."""


@dataclass
class Packed:
    """Up to K sets of each photograph."""

    words: Words
    """K x W x N, bit p % 64 of word p // 64 for patch p; zeros behind a photograph's last set."""
    count: Ints
    """Sets of each photograph, N."""

    def of(self, photographs: "Ints | slice") -> "Packed":
        return Packed(self.words[:, :, photographs], self.count[photographs])


class PatchSets:
    """All sets of a run.

    photograph: of each set, ascending, M; size: its number of patches, at least 1, M; patches: those of one set after
    those of the other.
    """

    def __init__(self, photographs: int, grid: int, photograph: Ints, size: Ints, patches: Ints) -> None:
        self.grid = grid
        self.photographs = photographs
        self.photograph = photograph
        self.size = size
        self.found: Ints = numpy.bincount(photograph, minlength=photographs)
        cells = numpy.repeat(photograph, size) * grid**2 + patches
        self.uses: Ints = numpy.bincount(cells, minlength=photographs * grid**2).reshape(photographs, grid**2)
        """In how many sets of a photograph a patch is, N x P."""
        self.words = numpy.zeros((len(size), -(-(grid**2) // 64)), numpy.uint64)
        if len(size):
            bits = numpy.left_shift(numpy.uint64(1), (patches % 64).astype(numpy.uint64))
            starts = numpy.cumsum(size) - size
            for word in range(self.words.shape[1]):
                of_word = numpy.where(patches // 64 == word, bits, numpy.uint64(0))
                self.words[:, word] = numpy.bitwise_or.reduceat(of_word, starts)

    def mean(self, of_set: Floats) -> Floats:
        """Mean over the sets of each photograph, N; NaN for those without."""
        with numpy.errstate(invalid="ignore"):
            mean: Floats = numpy.bincount(self.photograph, of_set, self.photographs) / self.found
        return mean

    def entropy(self) -> Floats:
        """Of the patches in the sets, in bits, N; NaN for photographs without sets."""
        shares = self._shares()
        with numpy.errstate(divide="ignore", invalid="ignore"):
            terms = numpy.where(shares > 0, shares * numpy.log2(shares), 0)
        return numpy.where(self.found > 0, -terms.sum(axis=1), numpy.nan)

    def centre_distance(self) -> Floats:
        """Mean distance of the patches in the sets from the grid's centre, in its sides, N; NaN for none."""
        offset = (numpy.arange(self.grid) + 0.5) / self.grid - 0.5
        distance: Floats = self._shares() @ numpy.hypot(offset[:, None], offset[None, :]).ravel()
        return distance

    def _shares(self) -> Floats:
        with numpy.errstate(invalid="ignore"):
            shares: Floats = self.uses / self.uses.sum(axis=1, keepdims=True)
        return shares

    def used(self) -> Packed:
        """One set of each photograph: every patch that a set of it uses."""
        width = self.words.shape[1] * 64
        used = numpy.zeros((self.photographs, width), numpy.uint64)
        used[:, : self.grid**2] = self.uses > 0
        shifted = used.reshape(self.photographs, -1, 64) << numpy.arange(64, dtype=numpy.uint64)
        words = numpy.bitwise_or.reduce(shifted, axis=2)
        return Packed(words.T[None].copy(), (self.found > 0).astype(numpy.int64))

    def smallest(self, seed: int) -> Packed:
        """The smallest sets of each photograph, `MOST` at most."""
        least = numpy.full(self.photographs, self.grid**2)
        numpy.minimum.at(least, self.photograph, self.size)
        return self._packed(numpy.flatnonzero(self.size == least[self.photograph]), seed)

    def several(self, seed: int) -> Packed:
        """Sets of each photograph, `MOST` at most."""
        return self._packed(numpy.arange(len(self.size)), seed)

    def _packed(self, chosen: Ints, seed: int) -> Packed:
        """In the order of a seeded hash of the set: by chance, but runs with the same sets have the same order."""
        order = chosen[numpy.lexsort((hashed(self.words[chosen], seed), self.photograph[chosen]))]
        photograph = self.photograph[order]
        count = numpy.bincount(photograph, minlength=self.photographs)
        place = numpy.arange(len(order)) - (numpy.cumsum(count) - count)[photograph]
        count = numpy.minimum(count, MOST)
        words = numpy.zeros((max(1, count.max(initial=0)), self.words.shape[1], self.photographs), numpy.uint64)
        kept = place < MOST
        words[place[kept], :, photograph[kept]] = self.words[order[kept]]
        return Packed(words, count)


def hashed(words: Words, seed: int) -> Words:
    """64 well mixed bits of each set, M of M x W (splitmix64's finaliser, word by word)."""
    mixed = numpy.full(len(words), seed % 2**64, numpy.uint64)
    for word in words.T:
        mixed ^= word
        mixed += numpy.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed ^= mixed >> numpy.uint64(shift)
            mixed *= numpy.uint64(factor)
        mixed ^= mixed >> numpy.uint64(31)
    return mixed

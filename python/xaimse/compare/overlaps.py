"""Overlap of the evidence of two models, and what of it is chance. N photographs, K and L sets of one.

A measure takes sets of both models, photograph by photograph, and gives a number for each. Chance is that of A's sets
of one photograph and B's of another, over cyclic shifts of the photographs: sizes, numbers and habits of both stay.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy
import numpy.typing

from .patch_sets import Floats, Ints, Packed, PatchSets, Words
from .quantities import NEAREST, SMALLEST_SETS, USED

Measure = Callable[[Packed, Packed], Floats]
Counts = numpy.typing.NDArray[numpy.uint8] | numpy.typing.NDArray[numpy.uint16]

COMPARISONS = 6_400_000
"""Of two sets, for a measure of two models: as many shifts are made as this allows, all where it does."""
BLOCK = 1 << 16  # comparisons at a time, which a processor's cache holds


def jaccard(a: Packed, b: Packed) -> Floats:
    """Mean over the pairs of a set of each of |S and T| / |S or T|, N. Each photograph has a set of each."""
    both, either = _counted(a, b, numpy.bitwise_and), _counted(a, b, numpy.bitwise_or)
    shares = both / numpy.maximum(either, 1)  # 0 behind the last set of a photograph
    mean: Floats = shares.sum(axis=(0, 1)) / (a.count * b.count)
    return mean


def nearest(a: Packed, b: Packed) -> Floats:
    """Patches in which a set differs from the nearest of the other model's: the mean over the sets of A, and that over
    the sets of B, halved, N. Of both the first k, with k the number of the one that has fewer."""
    k = equally_many(a, b)
    apart = _counted(a, b, numpy.bitwise_xor)
    row, column = (numpy.arange(sets)[:, None] < k for sets in apart.shape[:2])
    if not (row.all() and column.all()):
        numpy.putmask(apart, ~(row[:, None] & column[None, :]), numpy.iinfo(apart.dtype).max)
    of_a = (apart.min(axis=1) * row).sum(axis=0)
    of_b = (apart.min(axis=0) * column).sum(axis=0)
    mean: Floats = (of_a + of_b) / (2 * k)
    return mean


def equally_many(a: Packed, b: Packed) -> Ints:
    fewer: Ints = numpy.minimum(a.count, b.count)
    return fewer


def _counted(a: Packed, b: Packed, operation: Callable[[Words, Words], Words]) -> Counts:
    """Patches that the operation leaves of every set of A and every set of B, K x L x N."""
    of_words = numpy.bitwise_count(operation(a.words[:, None], b.words[None, :]))
    patches: Counts = of_words[:, :, 0] if of_words.shape[2] == 1 else of_words.sum(axis=2, dtype=numpy.uint16)
    return patches


MEASURES: dict[str, Measure] = {USED: jaccard, SMALLEST_SETS: jaccard, NEAREST: nearest}
PACKED: dict[str, Callable[[PatchSets, int], Packed]] = {
    USED: lambda sets, seed: sets.used(),
    SMALLEST_SETS: PatchSets.smallest,
    NEAREST: PatchSets.several,
}
"""The sets that each is measured on, by a seed."""


# --- chance


@dataclass
class Overlapping:
    """A measure of two models, N each."""

    observed: Floats
    chance: Floats
    """What the photograph would have by chance: its A's mean with other B's, and its B's with other A's, less the mean
    of all. Its mean over the photographs is that of all shifts."""
    shifts: int


def overlapping(measure: Measure, a: Packed, b: Packed) -> Overlapping:
    """Of photographs that both have sets of."""
    n = len(a.count)
    observed = in_blocks(measure, a, b)
    shifts = shifts_of(n, len(a.words) * len(b.words))
    of_a, of_b = numpy.zeros(n), numpy.zeros(2 * n)
    twice = Packed(numpy.concatenate([b.words, b.words], axis=2), numpy.concatenate([b.count, b.count]))
    for shift in shifts:
        others = slice(shift, shift + n)  # A's photograph i with B's (i + shift) % n
        shifted = in_blocks(measure, a, twice.of(others))
        of_a += shifted
        of_b[others] += shifted
    if not len(shifts):
        return Overlapping(observed, numpy.full(n, numpy.nan), 0)
    chance = (of_a + of_b[:n] + of_b[n:] - of_a.mean()) / len(shifts)
    return Overlapping(observed, chance, len(shifts))


def shifts_of(n: int, comparisons: int) -> Ints:
    """Shifts of n photographs, ascending: all n - 1, or evenly spread ones where that is more than COMPARISONS allows;
    `comparisons`: of sets, for a photograph."""
    most = max(1, COMPARISONS // max(1, n * comparisons))
    if n - 1 <= most:
        return numpy.arange(1, n)
    spread: Ints = 1 + numpy.arange(most) * (n - 1) // most
    return spread


def in_blocks(measure: Measure, a: Packed, b: Packed) -> Floats:
    n = len(a.count)
    length = max(1, BLOCK // (len(a.words) * b.words[:, :, 0:1].size))
    if n <= length:
        return measure(a, b)
    blocks = [slice(first, first + length) for first in range(0, n, length)]
    return numpy.concatenate([measure(a.of(block), b.of(block)) for block in blocks])


# --- uniform chance: sets of the same sizes, each drawn from all patches alike


def uniform(name: str, a: Packed, b: Packed, patches: int) -> Floats:
    """The measure's expectation for each photograph, N."""
    if name == NEAREST:
        return uniform_nearest(a, b, patches)
    sizes = numpy.stack([_sizes(a)[0], _sizes(b)[0]])  # all sets of a photograph are of one size
    pairs, which = numpy.unique(sizes, axis=1, return_inverse=True)
    both = numpy.arange(patches + 1)
    expected = (shared(pairs[0], pairs[1], patches) * both / (pairs.sum(axis=0)[:, None] - both).clip(1)).sum(axis=1)
    of_photograph: Floats = expected[which.reshape(-1)]
    return of_photograph


def uniform_nearest(a: Packed, b: Packed, patches: int) -> Floats:
    """The expectation of `nearest`, whose k sets are drawn independently of each other."""
    k = equally_many(a, b)
    of_a, of_b = _by_size(a, k, patches), _by_size(b, k, patches)
    total = _expected_nearest(of_a, of_b, patches) + _expected_nearest(of_b, of_a, patches)
    return total / (2 * k)


def _expected_nearest(of: Ints, to: Ints, patches: int) -> Floats:
    """Sum over the sets `of` of the expected distance to the nearest of the sets `to`, N; by size, N x (P + 1)."""
    total = numpy.zeros(len(of))
    sizes = numpy.flatnonzero(to.any(axis=0))
    counts = to[:, sizes].astype(numpy.float64)
    both = numpy.arange(patches + 1)
    for size in numpy.flatnonzero(of.any(axis=0)):
        chances = shared(numpy.full(len(sizes), size), sizes, patches)
        apart = (size + sizes)[:, None] - 2 * both
        beyond = numpy.stack([(chances * (apart > distance)).sum(axis=1) for distance in range(apart.max())])
        logarithms = numpy.log(beyond.clip(1e-300))  # of P(distance > d), d x sizes
        has = numpy.flatnonzero(of[:, size])
        total[has] += of[has, size] * numpy.exp(counts[has] @ logarithms.T).sum(axis=1)
    return total


def shared(a: Ints, b: Ints, patches: int) -> Floats:
    """P(h patches in both) of two sets of sizes a and b (C each) drawn from all alike: hypergeometric, C x (P + 1)."""
    factorial = numpy.concatenate([[0.0], numpy.cumsum(numpy.log(numpy.arange(1, patches + 1)))])
    h = numpy.arange(patches + 1)
    a, b = a[:, None], b[:, None]
    parts = (h, a - h, b - h, patches - a - b + h)
    possible = (a >= h) & (b >= h) & (a + b - h <= patches)
    logarithm = factorial[a] + factorial[patches - a] + factorial[b] + factorial[patches - b] - factorial[patches]
    logarithm = logarithm - sum(factorial[numpy.clip(part, 0, patches)] for part in parts)
    return numpy.where(possible, numpy.exp(logarithm), 0)


def _sizes(sets: Packed) -> Ints:
    """Patches of each set, K x N."""
    sizes: Ints = numpy.bitwise_count(sets.words).sum(axis=1, dtype=numpy.int64)
    return sizes


def _by_size(sets: Packed, k: Ints, patches: int) -> Ints:
    """How many of the first k sets of each photograph have each size, N x (P + 1)."""
    sizes = _sizes(sets)
    place, photograph = numpy.nonzero(numpy.arange(len(sizes))[:, None] < k)
    cells = photograph * (patches + 1) + sizes[place, photograph]
    counts: Ints = numpy.bincount(cells, minlength=len(k) * (patches + 1)).reshape(len(k), patches + 1)
    return counts

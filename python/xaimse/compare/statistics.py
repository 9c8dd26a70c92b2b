"""Intervals, tests and their correction: docs/compare.md, "Statistics". R resamples, N photographs, C columns."""

import numpy
import numpy.typing

Floats = numpy.typing.NDArray[numpy.float64]
Bytes = numpy.typing.NDArray[numpy.uint8]

RESAMPLES = 2000
EXACT_UP_TO = 13  # SciPy's bound, up to which it takes every sign where there are ties or zeros
ALL_ZERO, CONSTANT, TOO_FEW = "all-zero", "constant", "too-few"
"""Why there is no p."""

BLOCK = 250  # resamples that are multiplied at a time, so that memory does not grow with them


class Bootstrap:
    """95 % percentile intervals of means over photographs, which are drawn with replacement, `RESAMPLES` times.

    Every column sees the same draws of all N photographs; one that has no value is left out of the resampled means
    as it is left out of the mean.
    """

    def __init__(self, photographs: int, seed: int) -> None:
        random = numpy.random.default_rng(seed)
        self.times = numpy.zeros((RESAMPLES, photographs), numpy.uint8)
        """How often each resample has each photograph, R x N."""
        for first in range(0, RESAMPLES if photographs else 0, BLOCK):
            block = self.times[first : first + BLOCK]
            cells = random.integers(0, photographs, block.shape) + photographs * numpy.arange(len(block))[:, None]
            block[:] = numpy.bincount(cells.ravel(), minlength=block.size).clip(max=255).reshape(block.shape)

    def intervals(self, values: Floats) -> Floats:
        """Ends of the intervals, 2 x C, of `values`, N x C with NaN for none; NaN where fewer than two have a value."""
        there = ~numpy.isnan(values)
        ends = numpy.full((2, values.shape[1]), numpy.nan)
        several = numpy.flatnonzero(there.sum(axis=0) > 1)
        if not len(several):
            return ends
        there = there[:, several]
        values = numpy.where(there, values[:, several], 0)
        whole = there.all(axis=0)
        partly = there[:, ~whole].astype(numpy.float32)  # sums of whole numbers are exact
        means = numpy.empty((RESAMPLES, len(several)))
        for first in range(0, RESAMPLES, BLOCK):
            times = self.times[first : first + BLOCK]
            counts = numpy.full((len(times), len(several)), float(len(values)))
            counts[:, ~whole] = times.astype(numpy.float32) @ partly
            with numpy.errstate(invalid="ignore"):  # a resample may have none of them
                means[first : first + BLOCK] = times.astype(numpy.float64) @ values / counts
        undefined = numpy.isnan(means).any(axis=0)
        points = [0.025, 0.975]
        ends[:, several[~undefined]] = numpy.quantile(means[:, ~undefined], points, axis=0)
        for column in numpy.flatnonzero(undefined):
            of_column = means[:, column]
            ends[:, several[column]] = numpy.quantile(of_column[~numpy.isnan(of_column)], points)
        return ends


def differences(a: Floats, b: Floats) -> Floats:
    """a - b to 12 decimals, so that equal differences of means are equal, and tie."""
    rounded: Floats = numpy.round(a - b, 12)
    return rounded


def signed_rank(d: Floats) -> tuple[float, str | None]:
    """The two-sided p of Wilcoxon's signed-rank test with Pratt's zeros, as scipy.stats.wilcoxon has it; NaN and why
    where there is none. d: differences, without NaN."""
    if not len(d):
        return numpy.nan, TOO_FEW
    if not d.any():
        return numpy.nan, ALL_ZERO
    if len(d) <= EXACT_UP_TO:
        return _every_sign(d), None
    from scipy.stats import wilcoxon

    return float(wilcoxon(d, zero_method="pratt").pvalue), None


def _every_sign(d: Floats) -> float:
    """The same p by the distribution over all signs, which SciPy finds a hundred times slower where there are ties."""
    from scipy.stats import rankdata

    ranks = numpy.rint(2 * rankdata(abs(d))).astype(int)  # halves, doubled
    ways = numpy.ones(1)  # by the sum of the positive ranks
    for rank in ranks[d != 0]:
        longer = numpy.zeros(len(ways) + rank)
        longer[: len(ways)] += ways
        longer[rank:] += ways
        ways = longer
    observed = ranks[d > 0].sum()
    tail = min(ways[: observed + 1].sum(), ways[observed:].sum())
    return float(min(1, 2 * tail / ways.sum()))


def t_test(d: Floats) -> tuple[float, str | None]:
    """The two-sided p of Student's test that the mean is 0; NaN and why where there is none. d: without NaN."""
    if len(d) and not d.any():
        return numpy.nan, ALL_ZERO
    if len(d) < 2:
        return numpy.nan, TOO_FEW
    if (d == d[0]).all():
        return numpy.nan, CONSTANT
    from scipy.special import stdtr

    t = d.mean() / (d.std(ddof=1) / numpy.sqrt(len(d)))
    return float(2 * stdtr(len(d) - 1, -abs(t))), None


def holm(p: Floats) -> Floats:
    """Holm's adjusted p of a family of tests; a NaN counts as 1 and stays NaN."""
    order = numpy.argsort(numpy.nan_to_num(p, nan=1.0), kind="stable")
    factors = len(p) - numpy.arange(len(p))
    stepped = numpy.minimum(numpy.maximum.accumulate(numpy.nan_to_num(p[order], nan=1.0) * factors), 1)
    adjusted = numpy.empty(len(p))
    adjusted[order] = stepped
    adjusted[numpy.isnan(p)] = numpy.nan
    return adjusted

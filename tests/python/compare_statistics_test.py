"""What xai-compare computes, against SciPy, brute force and plain loops; what it finds of what was planted."""

import itertools
from fractions import Fraction

import numpy
import pytest
from scipy import stats

from xaimse.compare import overlaps
from xaimse.compare.overlaps import jaccard, nearest, overlapping, shared, shifts_of, uniform
from xaimse.compare.patch_sets import MOST, PatchSets
from xaimse.compare.quantities import NEAREST, SMALLEST_SETS, USED
from xaimse.compare.statistics import RESAMPLES, Bootstrap, differences, holm, signed_rank, t_test

# --- tests


def differences_of(kind, n, seed):
    random = numpy.random.default_rng(seed)
    if kind == "continuous":
        return random.normal(0.4, 1, n)
    if kind == "ties":
        return random.choice([-2.0, -1.0, 1.0, 2.0, 3.0], n)
    return random.integers(-2, 4, n).astype(float)  # ties and zeros


@pytest.mark.parametrize("kind", ["continuous", "ties", "zeros"])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 13, 14, 20, 50, 51, 300])
def test_signed_rank_is_scipys(kind, n):
    for seed in range(3 if n > 5 else 1):
        d = differences_of(kind, n, seed)
        if d.any() and not (kind != "continuous" and n == 13):  # there SciPy takes seconds
            assert signed_rank(d) == (pytest.approx(stats.wilcoxon(d, zero_method="pratt").pvalue, rel=1e-9), None)


@pytest.mark.parametrize("kind", ["continuous", "ties", "zeros"])
@pytest.mark.parametrize("n", [4, 9, 11])
def test_signed_rank_of_few_is_that_of_every_sign(kind, n):
    d = differences_of(kind, n, 1)
    ranks = stats.rankdata(abs(d))
    observed = ranks[d > 0].sum()
    sums = numpy.array([
        sum(rank for rank, sign, value in zip(ranks, signs, d, strict=True) if sign and value)
        for signs in itertools.product([0, 1], repeat=n)
    ])  # fmt: skip
    tails = (sums <= observed + 1e-9).mean(), (sums >= observed - 1e-9).mean()
    assert signed_rank(d)[0] == pytest.approx(min(1, 2 * min(tails)), rel=1e-12)


def test_signed_rank_has_no_p_without_differences():
    assert signed_rank(numpy.zeros(0))[1] == "too-few"
    p, reason = signed_rank(numpy.zeros(30))
    assert numpy.isnan(p) and reason == "all-zero"


def test_t_test_is_scipys():
    for n in (2, 5, 100):
        d = numpy.random.default_rng(n).normal(0.2, 1, n)
        assert t_test(d) == (pytest.approx(stats.ttest_1samp(d, 0).pvalue, rel=1e-9), None)
    for d, reason in ([0.0, 0.0], "all-zero"), ([1.0], "too-few"), ([], "too-few"), ([0.5, 0.5], "constant"):
        p, why = t_test(numpy.array(d))
        assert numpy.isnan(p) and why == reason


def closed_testing(p):
    """Holm's procedure as the closure of Bonferroni's: the largest p of any set of tests that a test is in."""
    tests = range(len(p))
    sets = [s for size in range(1, len(p) + 1) for s in itertools.combinations(tests, size)]
    return [min(1, max(len(s) * min(p[i] for i in s) for s in sets if test in s)) for test in tests]


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_the_closure_of_bonferroni(seed):
    p = numpy.random.default_rng(seed).beta(0.4, 2, 6).round(3)
    assert holm(p) == pytest.approx(closed_testing(p), rel=1e-12)


def test_holm_counts_tests_without_p():
    p = numpy.array([0.01, numpy.nan, 0.03])
    assert holm(p) == pytest.approx([0.03, numpy.nan, 0.06], nan_ok=True)


def test_equal_differences_of_means_are_equal():
    d = differences(numpy.array([13 / 3, 16 / 3, 7.1]), numpy.array([4, 5, 7.1]))
    assert d[0] == d[1] != 0 and d[2] == 0


# --- intervals


def test_bootstrap_is_a_plain_loop():
    random = numpy.random.default_rng(3)
    values = random.normal(size=(25, 3))
    values[random.random((25, 3)) < 0.4] = numpy.nan
    values[:, 2] = numpy.nan
    values[4, 2] = 1
    bootstrap = Bootstrap(25, seed=7)
    low, high = bootstrap.intervals(values)
    draws = numpy.random.default_rng(7)
    means = [[], []]
    for _ in range(RESAMPLES):
        drawn = draws.integers(0, 25, 25)
        for column in (0, 1):
            of_column = [value for value in values[drawn, column].tolist() if value == value]
            if of_column:
                means[column].append(sum(of_column) / len(of_column))
    for column in (0, 1):
        assert low[column] == pytest.approx(numpy.percentile(means[column], 2.5), abs=1e-12)
        assert high[column] == pytest.approx(numpy.percentile(means[column], 97.5), abs=1e-12)
    assert numpy.isnan([low[2], high[2]]).all(), "one value has no interval"


def test_bootstrap_is_scipys():
    """Within what 2,000 resamples leave open: 4 standard errors of a 2.5 % quantile (SciPy's are a fifth)."""
    values = numpy.random.default_rng(0).exponential(2, 200)
    ours = Bootstrap(200, seed=1).intervals(values[:, None])[:, 0]
    theirs = stats.bootstrap([values], numpy.mean, n_resamples=50_000, method="percentile", random_state=0, batch=1000)
    error = values.std(ddof=1) / 200**0.5
    one_quantile = (0.025 * 0.975 / RESAMPLES) ** 0.5 / stats.norm.pdf(stats.norm.ppf(0.025)) * error
    assert abs(ours - theirs.confidence_interval).max() < 4 * one_quantile < 0.3 * error


def test_a_stratum_is_as_good_as_its_photographs_alone():
    """The interval of 60 of 400 photographs is that of the 60, but for the draws."""
    values = numpy.full((400, 1), numpy.nan)
    values[numpy.random.default_rng(1).permutation(400)[:60], 0] = numpy.random.default_rng(2).normal(1, 1, 60)
    among = Bootstrap(400, 0).intervals(values)[:, 0]
    alone = Bootstrap(60, 0).intervals(values[~numpy.isnan(values)][:, None])[:, 0]
    error = numpy.nanstd(values) / 60**0.5
    assert abs(among - alone).max() < 0.4 * error


def test_coverage():
    """200 samples of 80: the interval holds the mean in 95 %, within 4 standard errors (and 1 % for its bias)."""
    random = numpy.random.default_rng(5)
    samples = random.gamma(2, 1, (80, 200))
    low, high = Bootstrap(80, 0).intervals(samples)
    covered = ((low <= 2) & (2 <= high)).mean()
    assert 0.94 - 4 * (0.95 * 0.05 / 200) ** 0.5 < covered <= 1


def test_no_difference_has_the_interval_0():
    assert (Bootstrap(30, 0).intervals(numpy.zeros((30, 2))) == 0).all()
    assert Bootstrap(0, 0).intervals(numpy.zeros((0, 1))).shape == (2, 1)


# --- sets of patches


def sets_of(seed, photographs, grid, most=5, without=()):
    """Of each photograph up to `most` random different sets, as lists in lists."""
    random = numpy.random.default_rng(seed)
    made = []
    for photograph in range(photographs):
        count = 0 if photograph in without else int(random.integers(1, most + 1))
        sizes = random.integers(1, min(grid**2, 6) + 1, count)
        made.append(sorted({tuple(sorted(random.permutation(grid**2)[:size].tolist())) for size in sizes}))
    return made


def patch_sets(made, grid):
    flat = [(photograph, patches) for photograph, sets in enumerate(made) for patches in sets]
    return PatchSets(
        len(made),
        grid,
        numpy.array([photograph for photograph, _ in flat], numpy.int64),
        numpy.array([len(patches) for _, patches in flat], numpy.int64),
        numpy.array([patch for _, patches in flat for patch in patches], numpy.int64),
    )


def unpacked(packed):
    """The sets of each photograph, in their order."""
    return [
        [
            {64 * w + bit for w, word in enumerate(packed.words[k, :, n]) for bit in range(64) if int(word) >> bit & 1}
            for k in range(count)
        ]
        for n, count in enumerate(packed.count)
    ]


@pytest.mark.parametrize("grid", [2, 3, 8, 9, 16])
def test_packing(grid):
    made = sets_of(grid, 12, grid, without=(0, 5, 11))
    packed = patch_sets(made, grid)
    for got, sets in zip(unpacked(packed.used()), made, strict=True):
        assert got == ([set().union(*sets)] if sets else [])
    for got, sets in zip(unpacked(packed.smallest(0)), made, strict=True):
        least = min(map(len, sets), default=0)
        assert sorted(map(sorted, got)) == sorted(sorted(s) for s in sets if len(s) == least)
    for got, sets in zip(unpacked(packed.several(0)), made, strict=True):
        assert sorted(map(sorted, got)) == sorted(map(sorted, sets))


def test_many_sets_are_chosen_by_chance_and_alike():
    made = [[tuple(s) for s in itertools.combinations(range(16), 2)]] * 2  # 120 sets
    chosen = unpacked(patch_sets(made, 4).several(0))
    assert len(chosen[0]) == MOST and chosen[0] == chosen[1] == unpacked(patch_sets(made[:1], 4).several(0))[0]
    of_seeds = [frozenset(map(frozenset, unpacked(patch_sets(made, 4).several(seed))[0])) for seed in range(300)]
    assert len(set(of_seeds)) > 290
    shares = [sum(frozenset(s) in of_seed for of_seed in of_seeds) / 300 for s in made[0]]
    error = (MOST / 120 * (1 - MOST / 120) / 300) ** 0.5
    assert max(abs(share - MOST / 120) for share in shares) < 4.5 * error


def test_what_sets_use():
    made = [[(0, 1), (1, 2, 3)], [], [(4,)]]
    packed = patch_sets(made, 3)
    shares = [1 / 5, 2 / 5, 1 / 5, 1 / 5]
    assert packed.entropy()[0] == pytest.approx(stats.entropy(shares, base=2))
    assert packed.entropy()[2] == 0 and numpy.isnan(packed.entropy()[1])
    corner, edge = (2 * (1 / 3) ** 2) ** 0.5, 1 / 3
    of_patches = [corner, edge, edge, corner, edge]  # 0, 1, 1, 2, 3
    assert packed.centre_distance()[0] == pytest.approx(sum(of_patches) / 5)
    assert packed.centre_distance()[2] == 0 and numpy.isnan(packed.centre_distance()[1])
    assert packed.mean(packed.size.astype(float)) == pytest.approx([2.5, numpy.nan, 1], nan_ok=True)


# --- overlaps


def plain_jaccard(a, b):
    return numpy.mean([Fraction(len(s & t), len(s | t)) for s in a for t in b])


def plain_nearest(a, b):
    k = min(len(a), len(b))
    a, b = a[:k], b[:k]
    distances = [min(len(s ^ t) for t in b) for s in a] + [min(len(s ^ t) for s in a) for t in b]
    return numpy.mean(distances)


PLAIN = {USED: plain_jaccard, SMALLEST_SETS: plain_jaccard, NEAREST: plain_nearest}


def packed_for(name, made, grid, seed=0):
    return overlaps.PACKED[name](patch_sets(made, grid), seed)


@pytest.mark.parametrize("grid", [2, 3, 9])
@pytest.mark.parametrize("name", PLAIN)
def test_overlap_and_chance_are_brute_force(name, grid):
    a, b = (packed_for(name, sets_of(seed, 7, grid, most=20), grid) for seed in (1, 2))
    found = overlapping(overlaps.MEASURES[name], a, b)
    of_a, of_b = unpacked(a), unpacked(b)
    table = numpy.array([[float(PLAIN[name](s, t)) for t in of_b] for s in of_a])
    assert found.observed == pytest.approx(numpy.diag(table), abs=1e-12)
    assert found.shifts == 6
    shifted = [numpy.mean([table[i, (i + shift) % 7] for i in range(7)]) for shift in range(1, 7)]
    assert found.chance.mean() == pytest.approx(numpy.mean(shifted), abs=1e-12)
    others = ~numpy.eye(7, dtype=bool)
    expected = [table[i][others[i]].mean() + table[:, i][others[i]].mean() - table[others].mean() for i in range(7)]
    assert found.chance == pytest.approx(expected, abs=1e-12)


def test_blocks_change_nothing(monkeypatch):
    a, b = (packed_for(NEAREST, sets_of(seed, 23, 3, most=20), 3) for seed in (1, 2))
    whole = overlapping(nearest, a, b)
    monkeypatch.setattr(overlaps, "BLOCK", 500)
    parts = overlapping(nearest, a, b)
    assert (parts.observed == whole.observed).all() and (parts.chance == whole.chance).all()


def test_few_shifts_are_evenly_spread():
    assert list(shifts_of(5, 1)) == [1, 2, 3, 4] and len(shifts_of(1, 1)) == 0
    shifts = shifts_of(5000, 256)
    assert len(shifts) == 5 and shifts[0] == 1 and shifts[-1] < 5000 and set(numpy.diff(shifts)) <= {999, 1000}


def test_chance_by_some_shifts_is_that_by_all(monkeypatch):
    a, b = (packed_for(USED, sets_of(seed, 400, 3), 3) for seed in (1, 2))
    every = overlapping(jaccard, a, b)
    monkeypatch.setattr(overlaps, "COMPARISONS", 400 * 20)
    some = overlapping(jaccard, a, b)
    assert (every.shifts, some.shifts) == (399, 20)
    error = every.observed.std() / (400 * 20) ** 0.5
    assert some.chance.mean() == pytest.approx(every.chance.mean(), abs=4 * error)


def every_set(size, patches):
    return [set(s) for s in itertools.combinations(range(patches), size)]


@pytest.mark.parametrize("a, b", [(1, 1), (1, 3), (2, 2), (2, 3), (4, 4), (4, 2)])
def test_uniform_chance_of_jaccard_is_an_enumeration(a, b):
    sets = [packed_for(SMALLEST_SETS, [[tuple(range(size))]], 2) for size in (a, b)]
    expected = numpy.mean([plain_jaccard([s], [t]) for s in every_set(a, 4) for t in every_set(b, 4)])
    assert uniform(SMALLEST_SETS, *sets, 4)[0] == pytest.approx(float(expected), abs=1e-12)
    assert uniform(USED, *sets, 4)[0] == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("a, b", [((1,), (2,)), ((1, 2), (2, 2)), ((1, 3), (2, 4)), ((2, 2), (3,))])
def test_uniform_chance_of_the_nearest_is_an_enumeration(a, b):
    sets = [packed_for(NEAREST, [[s for s, _ in zip(distinct(sizes), sizes, strict=True)]], 2) for sizes in (a, b)]
    k = min(len(a), len(b))
    sizes = [[len(s) for s in unpacked(of)[0][:k]] for of in sets]
    drawn = [list(itertools.product(*(every_set(size, 4) for size in of))) for of in sizes]
    expected = numpy.mean([plain_nearest(list(s), list(t)) for s in drawn[0] for t in drawn[1]])
    assert uniform(NEAREST, *sets, 4)[0] == pytest.approx(float(expected), abs=1e-12)


def distinct(sizes):
    """A set of each size, all different, of 4 patches."""
    made = []
    for size in sizes:
        made.append(next(s for s in itertools.combinations(range(4), size) if s not in made))
    return made


def test_shared_is_scipys_hypergeometric():
    for a, b, patches in ((3, 5, 9), (49, 20, 49), (100, 30, 256), (0, 4, 9)):
        expected = stats.hypergeom(patches, a, b).pmf(range(patches + 1))
        assert shared(numpy.array([a]), numpy.array([b]), patches)[0] == pytest.approx(expected, abs=1e-12)


def test_uniform_chance_is_what_uniform_sets_have():
    for name in PLAIN:
        a, b = (packed_for(name, sets_of(seed, 3000, 4, most=8), 4) for seed in (1, 2))
        observed = overlaps.in_blocks(overlaps.MEASURES[name], a, b)
        expected = uniform(name, a, b, 16)
        error = observed.std() / 3000**0.5
        assert abs((observed - expected).mean()) < 4 * error, name

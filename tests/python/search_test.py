"""xaimse.search: the C++ searches over scorers in Python.

XAI_SHARED_DATA  folder with truth/*_g4.npz; those tables are skipped without it
XAI_BIN          folder with truth_search (truth_search.cpp); comparisons with C++ are skipped without it
"""

import dataclasses
import doctest
import inspect
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import xaimse

if not list(Path(xaimse.__file__).parent.glob("_search*.so")):
    pytest.skip("xaimse.search is not built (XAI_BUILD_PYTHON)", allow_module_level=True)

from xaimse import search
from xaimse.search import (
    Memo,
    count_sub_explanations,
    deletion_auc,
    deletion_curve,
    diverse,
    find_mses,
    insertion_auc,
    insertion_curve,
)

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("XAI_SHARED_DATA", ROOT.parent / "shared/data")) / "truth"
TABLES = ["lite0_hog_g4", "lite0_zebra_g4", "vit_hog_g4", "vit_zebra_g4", "lite0_peacock_g4", "vit_labrador_g4"]


def path_of(table):
    own = ROOT / f"tests/search/truth/{table}.npz"
    path = own if own.exists() else SHARED / f"{table}.npz"
    if not path.exists():
        pytest.skip(f"no {path}; XAI_SHARED_DATA names its folder")
    return path


def bits_of(shown):
    """Each mask as an integer: bit p is patch p."""
    flat = shown.reshape(len(shown), -1)
    return flat @ (1 << np.arange(flat.shape[1]))


class TableScorer:
    """Looks p up in a table of all sets, and writes down what it was asked."""

    def __init__(self, p):
        self.p = p
        self.asked = []

    def __call__(self, shown):
        assert shown.dtype == bool and shown.ndim == 3 and len(shown) > 0
        bits = bits_of(shown)
        self.asked.append(bits.tolist())
        return self.p[bits]


@pytest.fixture(params=TABLES)
def table(request):
    return path_of(request.param)


def scorer_of(table):
    return TableScorer(np.load(table)["p"])


def brute_force(p, threshold=0.9):
    """The MSEs and the 1-minimal sets by definition, as tuples of patches. p: of all 2^n sets."""
    sufficient = p.astype(float) / float(p[-1]) >= threshold
    patches = len(p).bit_length() - 1
    below = sufficient.copy()  # a subset, the set itself included, is sufficient
    one_minimal = sufficient.copy()
    sets = np.arange(len(p))
    for patch in range(patches):
        has = (sets >> patch & 1) == 1
        one_minimal[has] &= ~sufficient[sets[has] ^ 1 << patch]
        below[has] |= below[sets[has] ^ 1 << patch]
    proper = np.zeros_like(below)  # a proper subset is sufficient
    for patch in range(patches):
        has = (sets >> patch & 1) == 1
        proper[has] |= below[sets[has] ^ 1 << patch]

    def tuples(chosen):
        return {tuple(i for i in range(patches) if s >> i & 1) for s in np.flatnonzero(chosen)}

    return tuples(sufficient & ~proper), tuples(one_minimal)


def additive(rows, columns):
    """p grows with the patches shown, by patch and by neighbours in a row: many overlapping MSEs."""
    weights = 1.0 + np.arange(rows * columns) * 7 % 5

    def score(shown):
        flat = shown.reshape(len(shown), -1)
        total = 0.2 + flat @ weights + 2 * (flat[:, 1:] & flat[:, :-1]).sum(axis=1)
        return np.minimum(1, total / (2.2 * columns + 6))

    return score


def refusal(call):
    """What the ValueError says that call() raises: one line."""
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        call()
    return str(caught.value)


# --- equal to C++, true by brute force ---

CASES = [
    ({}, {}),
    ({"search": "exhaustive", "threshold": 0.8}, {"max_nodes": 30}),
    (
        {"reduce": "greedy", "sweeps": 1, "beam_width": 10, "extensions": 0, "max_evaluations": 3000},
        {"node_threshold": 0.8},
    ),
    ({"threshold": 0.95, "max_size": 6, "max_overlap": 2, "max_evaluations": 700}, {"node_threshold": 1.0}),
]


@pytest.mark.parametrize("options, counting", CASES)
def test_finds_and_counts_what_cpp_does(table, options, counting):
    program = Path(os.environ.get("XAI_BIN", "")) / "truth_search"
    if not os.access(program, os.X_OK):
        pytest.skip("XAI_BIN names no folder with truth_search")
    words = [f"{key}={value}" for key, value in {"grid": 4, **options, **counting}.items()]
    record = json.loads(subprocess.run([program, table, *words], capture_output=True, text=True, check=True).stdout)

    score = scorer_of(table)
    result = find_mses(score, 4, **options)
    fields = json.loads(json.dumps(dataclasses.asdict(result)))
    counted = record.pop("sub_explanations")
    per_root = [mse.pop("sub_explanations") for mse in record["mses"]]
    near_ties = record.pop("near_ties")
    assert set(fields) - set(record) == {"near_ties"}
    assert {**record, **fields} == {**record, "near_ties": fields["near_ties"]}

    counts = count_sub_explanations(score, result, **counting)
    assert result.near_ties + counts.near_ties == near_ties

    def plain(count):
        by_size = {str(size): {"distinct": sets[0], "tree_nodes": sets[1]} for size, sets in count.by_size.items()}
        return {
            "distinct": count.distinct,
            "tree_nodes": count.tree_nodes,
            "log10_tree_nodes": count.log10_tree_nodes,
            "truncated": count.truncated,
            "by_size": by_size,
        }

    assert plain(counts) == {key: counted[key] for key in plain(counts)}
    assert [plain(root) for root in counts.per_root] == per_root
    assert counts.truncated == ("max_nodes" in counting)


def test_exhaustive_search_finds_the_mses_and_no_other(table):
    score = scorer_of(table)
    mses, _ = brute_force(score.p)
    result = find_mses(score, 4, search="exhaustive")
    assert {mse.patches for mse in result.mses} == mses
    assert result.found == len(mses) and result.evaluations == 65536 == len(set(itertools.chain(*score.asked)))
    assert all(mse.certificate == "all-subsets" and mse.checked_depth == len(mse.patches) for mse in result.mses)


@pytest.mark.parametrize("sufficient", ["ratio", "top1", "both"])
def test_what_is_sufficient_can_be_the_class_on_top(table, sufficient):
    score = scorer_of(table)
    rival = 0.6 * np.random.default_rng(4).random(65536) * float(score.p[-1])
    rival[-1] = 0  # the whole is on top
    on_top = score.p >= rival
    keeps = {"ratio": score.p / score.p[-1] >= 0.9, "top1": on_top}
    keeps["both"] = keeps["ratio"] & on_top
    mses, _ = brute_force(keeps[sufficient].astype(float))

    def both(shown):
        bits = shown.reshape(len(shown), -1) @ (1 << np.arange(16))
        return np.stack([score.p[bits], rival[bits]], axis=1)

    result = find_mses(both, 4, sufficient=sufficient, search="exhaustive", batch_size=1000)
    assert result.sufficient == sufficient and {mse.patches for mse in result.mses} == mses
    for mse in result.mses:
        assert mse.keeps_top1 is bool(on_top[sum(1 << patch for patch in mse.patches)])
    found = find_mses(both, 4, sufficient=sufficient)
    assert found.found > 5 and all(
        mse.patches in mses for mse in found.mses if mse.certificate == "all-subsets"
    )


def test_a_scorer_without_rivals_keeps_no_class_on_top():
    score = additive(3, 3)
    assert {mse.keeps_top1 for mse in find_mses(score, 3).mses} == {None}
    says = "'sufficient' top1 needs a scorer that also gives the largest probability of another class"
    assert says in refusal(lambda: find_mses(score, 3, sufficient="top1"))
    beaten = find_mses(lambda shown: np.full((len(shown), 2), [0.3, 0.7]), 3, sufficient="both")
    assert (beaten.status, beaten.reason, beaten.found) == ("skipped", "wrong", None)


def test_what_the_beam_finds_is_true(table):
    score = scorer_of(table)
    mses, one_minimal = brute_force(score.p)
    result = find_mses(score, 4)
    assert result.status == "ok" and result.found == len(result.mses) > 5
    for mse in result.mses:
        assert mse.patches in (mses if mse.certificate == "all-subsets" else one_minimal)
        p = float(score.p[sum(1 << patch for patch in mse.patches)])
        assert (mse.p, mse.ratio) == (p, p / float(score.p[-1]))
    assert result.min_size == min(map(len, mses)) == len(result.mses[0].patches)
    order = [(len(mse.patches), mse.patches) for mse in result.mses]
    assert order == sorted(order)
    asked = list(itertools.chain(*score.asked))
    assert len(asked) == len(set(asked)) == result.evaluations <= 1500
    family = [set(result.mses[member].patches) for member in result.diverse_members]
    assert len(family) == result.diverse and all(len(a & b) <= 1 for a, b in itertools.combinations(family, 2))


def test_sub_explanations_are_those_that_walking_the_trees_meets(table):
    score = scorer_of(table)
    ratio = score.p.astype(float) / float(score.p[-1])
    roots = [mse.patches for mse in find_mses(score, 4).mses[:12]]
    counts = count_sub_explanations(score, roots, 4, node_threshold=0.6, max_nodes=100_000)

    visits = []

    def walk(patches):
        bits = sum(1 << patch for patch in patches)
        if patches and ratio[bits] >= 0.6:
            visits.append(bits)
            for patch in patches:
                walk([other for other in patches if other != patch])

    per_root = []
    for root in roots:
        before = len(visits)
        walk(root)
        per_root.append((len(set(visits[before:])), len(visits) - before))
    assert (counts.distinct, counts.tree_nodes) == (len(set(visits)), len(visits))
    assert [(root.distinct, root.tree_nodes) for root in counts.per_root] == per_root
    sizes = dict.fromkeys(counts.by_size, 0)
    for bits in visits:
        sizes[bits.bit_count()] += 1
    assert {size: orders for size, (_, orders) in counts.by_size.items()} == sizes
    assert not counts.truncated and counts.log10_tree_nodes == pytest.approx(np.log10(len(visits)))
    bits = bits_of(counts.masks())
    assert set(bits.tolist()) == set(visits) and np.array_equal(counts.ratios, ratio[bits])


# --- what users bring ---


@pytest.mark.parametrize("shape", [(1, 12), (3, 4), (5, 2), (1, 1)])
def test_grids_that_are_not_square(shape):
    rng = np.random.default_rng(shape[1])
    patches = shape[0] * shape[1]
    p = rng.random(1 << patches)
    p[0], p[-1] = 0.1, 0.9
    score = TableScorer(p)
    result = find_mses(score, shape, search="exhaustive")
    mses, one_minimal = brute_force(p)
    assert {mse.patches for mse in result.mses} == mses
    assert result.grid == shape and result.masks().shape == (result.found, *shape)
    assert bits_of(result.masks()).tolist() == [sum(1 << patch for patch in mse.patches) for mse in result.mses]
    beam = find_mses(TableScorer(p), shape, max_evaluations=2000)
    assert beam.found > 0 and {mse.patches for mse in beam.mses} <= one_minimal
    assert count_sub_explanations(score, result, node_threshold=0.01).masks().shape[1:] == shape


def test_masks_show_row_by_row():
    def score(shown):  # the second row of 3 x 5 alone
        return shown[:, 1, :].mean(axis=1)

    (mse,) = find_mses(score, (3, 5), threshold=1).mses
    assert mse.patches == (5, 6, 7, 8, 9)


class Foreign:
    """An array of another library: NumPy can read it, and that is all."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


def as_torch(p):
    torch = pytest.importorskip("torch")
    return torch.tensor(p, dtype=torch.float64)


@pytest.mark.parametrize("convert", [list, tuple, Foreign, as_torch, lambda p: p[::-1].copy()[::-1]])
def test_a_scorer_may_return_what_numpy_reads(convert):
    score = additive(4, 4)
    assert find_mses(lambda shown: convert(score(shown)), 4) == find_mses(score, 4)


def test_answers_may_be_decisions():
    def keeps_both(shown):  # booleans
        return shown[:, 0, 0] & shown[:, 1, 1]

    assert [mse.patches for mse in find_mses(keeps_both, 3).mses] == [(0, 4)]


def test_batches_are_as_large_as_the_search_allows():
    score = additive(7, 7)
    sizes = []

    def counted(shown):
        sizes.append(len(shown))
        return score(shown)

    whole = find_mses(counted)
    questions = len(sizes)
    assert sum(sizes) == whole.evaluations == 1500 and questions < 150 and max(sizes) > 49
    sizes.clear()
    assert find_mses(counted, batch_size=8) == whole
    assert max(sizes) == 8 and sum(sizes) == 1500
    sizes.clear()
    score = additive(4, 4)
    find_mses(counted, 4, search="exhaustive")
    assert max(sizes) > 4000


def test_masks_are_the_scorers_own():
    score = additive(4, 4)

    def spoils(shown):
        p = score(shown)
        shown[:] = True
        return p

    assert find_mses(spoils, 4) == find_mses(score, 4)


# --- options ---


@pytest.mark.parametrize("reached", ["all", "in vain"])
def test_the_estimate_is_the_number_there_is(reached):
    """Any three of the first five patches: ten MSEs, each of which the search finds or a unit meets."""

    def score(shown):
        flat = shown.reshape(len(shown), -1)
        enough = 0.1 + 0.3 * flat[:, :5].sum(axis=1).clip(max=3)
        alone = (flat.sum(axis=1) == 2) & flat[:, 14] & flat[:, 15]  # sufficient, and its supersets are not
        return np.where(alone, 1.0, enough) if reached == "in vain" else enough

    estimated = search.estimate_mses(score, 4, estimate_evaluations=1000, max_evaluations=600, seed=3)
    again = search.estimate_mses(score, 4, estimate_evaluations=1000, max_evaluations=600, seed=3, batch_size=7)
    assert estimated == again
    assert estimated.mses.low <= 10 <= estimated.mses.high
    assert abs(sum(estimated.by_size.values()) - estimated.mses.value) < 1e-9
    assert len(estimated.patch_share) == 16 and estimated.found.status == "ok"
    with pytest.raises(ValueError, match="'estimate' or 'estimate_evaluations'"):
        search.estimate_mses(score, 4, estimate_evaluations=0)
    with pytest.raises(ValueError, match="'max_orders' must be at least 1, not 0"):
        search.estimate_mses(score, 4, max_orders=0)


def test_signatures_have_every_option_with_its_default_of_cpp():
    for function, options, documented in [
        (find_mses, search._search.mse_options(), find_mses.__doc__),
        (count_sub_explanations, search._search.sub_explanation_options(), count_sub_explanations.__doc__),
        (insertion_curve, search._search.curve_options(), insertion_curve.__doc__),
    ]:
        parameters = inspect.signature(function).parameters
        options.pop("probe", None)  # estimates are the program's
        for key, value in options.items():
            assert f"{key}:" in documented
            if key != "steps":  # depends on the map
                assert parameters[key].default == value and type(parameters[key].default) is type(value)
    assert search._search.mse_options()["max_evaluations"] == 1500  # SPEC 4
    assert search._search.curve_options()["steps"] == 50  # SPEC 7


@pytest.mark.parametrize(
    "options, message",
    [
        ({"beam_width": 0}, "'beam_width' must be at least 1, not 0"),
        ({"beam_width": 2.5}, "'beam_width' must be a whole number from 1 to 2147483647, not 2.5"),
        ({"threshold": 0}, "'threshold' must be above 0 and at most 1, not 0"),
        ({"threshold": float("nan")}, "'threshold' must be a number above 0 and at most 1, not nan"),
        ({"search": "best"}, "'search' must be one of beam, exhaustive, not"),
        ({"reduce": None}, "'reduce' must be one of greedy, all, not"),
        ({"max_evaluations": 2}, "'max_evaluations' must be at least 3, not 2"),
        ({"search": "exhaustive"}, "'search' must be beam for more than 16 patches; here are 49"),
        ({"grid": 1}, "grid must be from 2 to 16, or (rows, columns) of up to 256 patches, not 1"),
        ({"grid": (1, 257)}, "not (1, 257)"),
        ({"grid": (4,)}, "not (4,)"),
        ({"grid": [4, 4, 4]}, "not [4, 4, 4]"),
        ({"grid": (4, 4.0)}, "not (4, 4.0)"),
        ({"grid": "4"}, "not 4"),
        ({"batch_size": 0}, "batch_size must be at least 1, not 0"),
        ({"batch_size": 1.5}, "batch_size must be a whole number, not 1.5"),
        ({"memo": Memo(4)}, "the memo is of a grid of 4, not of 7"),
        ({"memo": {}}, "memo must be an xaimse.search.Memo, not dict"),
    ],
)
def test_options_out_of_range(options, message):
    assert message in refusal(lambda: find_mses(additive(7, 7), **options))


def test_options_may_be_numpys():
    score = additive(4, 4)
    options = {"beam_width": np.int64(5), "threshold": np.float32(0.75), "max_evaluations": np.uint16(900)}
    plain = {"beam_width": 5, "threshold": 0.75, "max_evaluations": 900}
    assert find_mses(score, np.int64(4), **options) == find_mses(score, 4, **plain)


def test_a_grid_may_be_a_list_as_json_has_it():
    result = find_mses(additive(3, 4), [3, 4], memo=Memo([3, 4]))
    assert result == find_mses(additive(3, 4), (3, 4)) and result.grid == (3, 4)
    assert count_sub_explanations(additive(3, 4), [(0, 1)], [3, 4]).grid == (3, 4)


# --- statuses ---


def test_no_probability_is_skipped():
    result = find_mses(lambda shown: np.zeros(len(shown)), 3)
    assert (result.status, result.reason, result.p_full) == ("skipped", "zero-probability", 0)
    assert (result.mses, result.diverse_members, result.evaluations) == ((), (), 2)
    unknown = [result.found, result.diverse, result.diverse_exact, result.min_size, result.stop_reason]
    assert unknown == [None] * 5 and result.masks().shape == (0, 3, 3)
    counts = count_sub_explanations(lambda shown: np.zeros(len(shown)), [(0, 1)], 3)
    assert (counts.status, counts.reason) == ("skipped", "zero-probability")
    assert (counts.distinct, counts.tree_nodes, counts.log10_tree_nodes) == (0, 0, None)


def test_a_baseline_that_suffices():
    result = find_mses(lambda shown: np.full(len(shown), 0.8), 3)
    assert (result.status, result.reason, result.p_baseline) == ("baseline-sufficient", None, 0.8)
    assert (result.mses, result.found, result.min_size) == ((), 0, None)
    counts = count_sub_explanations(lambda shown: np.full(len(shown), 0.8), result)
    assert (counts.status, counts.distinct, counts.per_root, counts.p_full) == ("ok", 0, (), 0.8)


def test_results_stay_as_they_are():
    result = find_mses(additive(3, 3), 3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.found = 0
    assert isinstance(result.mses, tuple) and isinstance(result.mses[0].patches, tuple)


# --- a scorer that fails ---


def failing_at(value, index, question=3):
    """A scorer that is right but for one answer."""
    score = additive(4, 4)
    asked = itertools.count(1)

    def scorer(shown):
        p = score(shown)
        if next(asked) == question:
            p[index] = value
            p[-1] = -1
        return p

    return scorer


def test_float_noise_beyond_0_and_1_is_clipped():
    def score(shown):
        p = np.full(len(shown), -1e-7, np.float32)
        p[shown.all(axis=(1, 2))] = np.nextafter(np.float32(1), np.float32(2))
        return p

    result = find_mses(score, 3)
    assert (result.p_full, result.p_baseline) == (1, 0)
    assert [(mse.p, mse.ratio) for mse in result.mses] == [(1, 1)]


@pytest.mark.parametrize("value", [np.nan, np.inf, -2e-6, 1 + 2e-6, -0.001, 1.001])
def test_what_is_no_probability_is_named(value):
    assert refusal(lambda: find_mses(failing_at(value, 2), 4)) == (
        f"the scorer must return probabilities in [0, 1] (no logits), not {np.float64(value)} for mask 2 of 16"
    )


@pytest.mark.parametrize(
    "answer, message",
    [
        (lambda n: np.full((n, 1), 0.5), "one probability for each of 1 masks, or two, not shape (1, 1)"),
        (lambda n: 0.5, "one probability for each of 1 masks, or two, not shape ()"),
        (lambda n: [0.5] * (n + 1), "one probability for each of 1 masks, or two, not shape (2,)"),
        (lambda n: None, "what the scorer returned must be numbers, not NoneType"),
        (lambda n: ["0.5"] * n, "what the scorer returned must be numbers, not list"),
        (lambda n: np.full(n, 0.5 + 0j), "what the scorer returned must be numbers, not ndarray of complex128"),
    ],
)
def test_answers_of_a_wrong_kind(answer, message):
    def score(shown):
        return answer(len(shown))

    assert message in refusal(lambda: find_mses(score, 4))
    assert message in refusal(lambda: count_sub_explanations(score, [(0, 1)], 4))


class Odd(BaseException):
    pass


@pytest.mark.parametrize("thrown", [RuntimeError("no network"), KeyboardInterrupt(), SystemExit(3), Odd()])
def test_exceptions_of_a_scorer_come_out_as_they_are(thrown):
    score = additive(4, 4)
    asked = itertools.count(1)

    def raises(shown):
        if next(asked) % 4 == 0:
            raise thrown
        return score(shown)

    for call in (
        lambda: find_mses(raises, 4),
        lambda: count_sub_explanations(raises, [(0, 1, 2, 3, 4), (5, 6, 7, 8)], 4, node_threshold=0.1),
        lambda: [insertion_auc(raises, np.eye(4)) for _ in range(4)],
    ):
        with pytest.raises(type(thrown)) as caught:
            call()
        assert caught.value is thrown and thrown.__cause__ is None and thrown.__context__ is None
        assert any(entry.name == "raises" for entry in caught.traceback)
    assert find_mses(score, 4).found > 0


# --- threads, signals, reentrancy ---


def test_a_scorer_may_search_itself():
    inner_score = additive(3, 3)

    def score(shown):
        inner = find_mses(inner_score, 3, max_evaluations=100)
        return additive(4, 4)(shown) * inner.mses[0].p

    inner = find_mses(inner_score, 3, max_evaluations=100)
    assert find_mses(score, 4, max_evaluations=300) == find_mses(
        lambda shown: additive(4, 4)(shown) * inner.mses[0].p, 4, max_evaluations=300
    )


def test_searches_in_several_threads_do_not_meet():
    grids = [3, 4, 5, 6, 7, (2, 9), (1, 30), 8]
    alone = [find_mses(additive(*search._shape(grid)), grid) for grid in grids]
    memo = Memo(6)
    shared = additive(6, 6)
    together = [None] * len(grids)
    of_one_memo = [None] * 4

    def work(index):
        together[index] = find_mses(additive(*search._shape(grids[index])), grids[index])

    def work_on_memo(index):
        of_one_memo[index] = find_mses(shared, 6, memo=memo, beam_width=index + 1)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(grids))]
    threads += [threading.Thread(target=work_on_memo, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
    assert of_one_memo == [find_mses(shared, 6, beam_width=width) for width in range(1, 5)]


def test_a_memo_can_be_looked_at_while_it_is_used():
    memo = Memo((2, 7))

    def score(shown):  # C++ alone then works for a good part of a second on the certificates of 1001 sets
        return np.where(shown.sum(axis=(1, 2)) >= 10, 0.9, 0.1)

    def work():
        assert find_mses(score, (2, 7), search="exhaustive", memo=memo).found == 1001

    worker = threading.Thread(target=work)
    worker.start()
    lengths = []
    while worker.is_alive():
        lengths.append(len(memo))
    worker.join()
    assert lengths == sorted(lengths) and len(memo) == 1 << 14


def hard_family(sets=3000, seed=0):
    """Sets whose largest diverse family takes C++ a good part of a second or more."""
    rng = np.random.default_rng(seed)
    return [tuple(rng.choice(49, 8, replace=False).tolist()) for _ in range(sets)]


@pytest.fixture
def patient():
    """The interpreter takes the GIL from no thread that does not give it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


def test_the_gil_is_free_while_cpp_works(patient):
    sets = hard_family()
    ticks = 0
    stop = False

    def count():
        nonlocal ticks
        while not stop:
            ticks += 1
            time.sleep(0.001)  # gives the GIL back

    counter = threading.Thread(target=count)
    counter.start()
    try:
        time.sleep(0.01)
        before = ticks
        diverse(sets)
        during_diverse = ticks - before
        before = ticks

        def score(shown):  # never gives the GIL away
            return [min(0.1 + 0.3 * row.count(1), 1) for row in map(bytes, shown)]

        find_mses(score, 4, search="exhaustive")
        during_search = ticks - before
    finally:
        stop = True
        counter.join()
    assert during_diverse >= 5 and during_search >= 2


def own_python():
    """The environment of a Python process that imports this package."""
    return {**os.environ, "PYTHONPATH": str(Path(xaimse.__file__).parents[1])}


def interrupt(code, tmp_path):
    """Runs Python code that prints "ready" and then computes for minutes; sends SIGINT and times the end."""
    script = tmp_path / "interrupted.py"
    script.write_text(textwrap.dedent(code))
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=own_python()
    )
    try:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        start = time.monotonic()
        out, err = process.communicate(timeout=60)
        return out, err, time.monotonic() - start
    finally:
        process.kill()


@pytest.mark.parametrize(
    "work",
    [
        "find_mses(score, 16, max_evaluations=100_000_000)",
        "count_sub_explanations(score, [tuple(range(40))], 16, node_threshold=1e-9, max_nodes=5_000_000)",
        "diverse([tuple(np.random.default_rng(i).choice(256, 20, False).tolist()) for i in range(100_000)])",
    ],
)
def test_ctrl_c_ends_a_search_at_once(work, tmp_path):
    out, err, seconds = interrupt(
        f"""
        import signal
        import threading
        import numpy as np
        from xaimse import count_sub_explanations, diverse, find_mses

        signal.signal(signal.SIGINT, signal.default_int_handler)  # which "&" would have it ignore
        asked = 0
        def score(shown):
            global asked
            asked += 1
            if asked == 1:
                print("ready", flush=True)
            return 0.1 + 0.8 * shown.mean(axis=(1, 2))

        if "diverse" in {work!r}:
            print("ready", flush=True)
        try:
            {work}
        except KeyboardInterrupt:
            print("stopped", threading.active_count(), flush=True)
            raise
        """,
        tmp_path,
    )
    assert out == "stopped 1\n" and err.rstrip().endswith("KeyboardInterrupt") and "leak" not in err
    assert seconds < 10


def test_a_trivial_scorer_costs_little_beside_a_model():
    score = additive(7, 7)
    costs = []
    for _ in range(5):
        start = time.thread_time()  # the search has no other thread, and others' load does not count
        result = find_mses(score)
        costs.append((time.thread_time() - start) / result.evaluations * 1e6)
    assert min(costs) < 60  # us a set; 9 are usual


# --- memo, counting, families ---


def test_a_memo_saves_and_changes_nothing():
    score = additive(5, 5)
    asked = []

    def counted(shown):
        asked.append(len(shown))
        return score(shown)

    memo = Memo(5)
    first = find_mses(counted, 5, memo=memo)
    assert len(memo) == sum(asked) == first.evaluations
    asked.clear()
    assert find_mses(counted, 5, memo=memo) == first and asked == []
    counts = count_sub_explanations(counted, first, memo=memo)
    alone = count_sub_explanations(score, first)
    assert counts.saved > 0 and counts.saved + counts.evaluations == alone.evaluations
    assert (counts.distinct, counts.tree_nodes, counts.by_size) == (alone.distinct, alone.tree_nodes, alone.by_size)
    masks, p = memo.known()
    assert masks.shape == (len(memo), 5, 5) and np.array_equal(score(masks), p)
    assert (np.diff(bits_of(masks)) > 0).all()


def test_counts_of_a_full_lattice_are_exact_integers():
    size = 25  # 2^25 sets would be too many, and 25! orders are beyond 2^53
    chain = {tuple(range(k)) for k in range(size + 1)}

    def score(shown):
        flat = shown.reshape(len(shown), -1)
        return [0.9 if all(row) or tuple(np.flatnonzero(row)) in chain else 0.1 for row in flat]

    counts = count_sub_explanations(score, [tuple(range(size))])
    assert (counts.distinct, counts.tree_nodes) == (size, size)
    big = count_sub_explanations(lambda shown: np.ones(len(shown)), [tuple(range(14))], max_nodes=20_000)
    orders = {14: 1}
    for k in range(13, 0, -1):
        orders[k] = orders[k + 1] * (k + 1)
    assert big.distinct == 2**14 - 1 and big.tree_nodes == sum(orders.values())
    assert type(big.tree_nodes) is int


@pytest.mark.parametrize(
    "sets, message",
    [
        ([(0, 1), (1, 0)], "set 1 of the MSEs is there twice"),
        ([(0, 1), ()], "set 1 of the MSEs is empty"),
        ([(0, 16)], "set 0 has patches beyond 0 to 15: (0, 16)"),
        ([(3,), (-1, 2)], "set 1 has patches beyond 0 to 15: (-1, 2)"),
        ([(3,), (2, 5, 2)], "set 1 has a patch twice: (2, 2, 5); masks must be boolean arrays"),
        (np.ones((1, 4, 4), int), "masks must be boolean, of shape (n, rows, columns), not int64 of shape (1, 4, 4)"),
        (np.eye(4, dtype=bool), "masks must be boolean, of shape (n, rows, columns), not bool of shape (4, 4)"),
        ([np.eye(4, dtype=bool)], "set 0 must be the indices of its patches, not "),
        ([(0, 1.5)], "set 0 must be the indices of its patches, not '(0, 1.5)'"),
        ([3], "set 0 must be the indices of its patches, not '3'"),
        (3, "sets must be those of find_mses(), masks, or the patches of each, not int"),
    ],
)
def test_roots_that_are_none(sets, message):
    assert message in refusal(lambda: count_sub_explanations(additive(4, 4), sets, 4))
    if "of the MSEs" not in message and "beyond" not in message:
        assert message in refusal(lambda: diverse(sets))


def test_a_result_brings_its_grid():
    result = find_mses(additive(4, 4), 4)
    assert count_sub_explanations(additive(4, 4), result).grid == 4
    assert count_sub_explanations(additive(4, 4), result, (4, 4)).distinct > 0
    with pytest.raises(ValueError, match="grid is 5, but the MSEs were found on 4"):
        count_sub_explanations(additive(4, 4), result, 5)


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (1, 6)])
def test_masks_bring_their_grid(shape):
    """The same patch indices would be other sets in the default grid of 7 x 7."""
    asked = set()

    def score(shown):
        asked.add(shown.shape[1:])
        return additive(*shape)(shown)

    masks = np.zeros((2, *shape), bool)
    masks[0, 0, -2:] = masks[1, -1, :3] = True
    counts = count_sub_explanations(score, masks, node_threshold=0.1)
    assert counts.grid == (4 if shape == (4, 4) else shape) and asked == {shape}
    patches = [np.flatnonzero(mask) for mask in masks]
    assert counts == count_sub_explanations(score, patches, counts.grid, node_threshold=0.1)
    assert (counts.masks()[:2].sum(axis=(1, 2)) == (3, 2)).all()
    assert f"but the masks are of {counts.grid}; leave it out" in refusal(
        lambda: count_sub_explanations(score, masks, 5)
    )
    assert diverse(masks) == diverse(patches)


def test_masks_beyond_the_largest_grid_are_no_sets():
    empty = np.zeros((2, 20, 20), bool)
    for call in (lambda: diverse(empty), lambda: count_sub_explanations(additive(4, 4), empty)):
        assert "(rows, columns) of up to 256 patches, not 20" in refusal(call)


def test_sets_may_be_masks_mses_or_patches():
    score = additive(4, 4)
    result = find_mses(score, 4)
    patches = [mse.patches for mse in result.mses]
    families = [diverse(sets) for sets in (result, result.mses, result.masks(), patches, map(np.array, patches))]
    assert families == [families[0]] * 5
    assert families[0].diverse_members == result.diverse_members and families[0].diverse == result.diverse
    assert count_sub_explanations(score, result.masks(), 4) == count_sub_explanations(score, result)


def test_the_diverse_family_is_the_largest():
    rng = np.random.default_rng(3)
    for overlap in (0, 1, 2):
        sets = [tuple(sorted(rng.choice(9, 4, replace=False).tolist())) for _ in range(11)]
        best = max(
            len(family)
            for size in range(12)
            for family in itertools.combinations(sets, size)
            if all(len(set(a) & set(b)) <= overlap for a, b in itertools.combinations(family, 2))
        )
        found = diverse(sets, overlap)
        assert found.diverse == len(found.diverse_members) == best and found.diverse_exact
    assert diverse([]).diverse == 0
    assert not diverse(hard_family()).diverse_exact
    with pytest.raises(ValueError, match="max_overlap must be at least 0, not -1"):
        diverse(sets, -1)
    assert refusal(lambda: diverse(sets, 1.5)) == "max_overlap must be a whole number, not 1.5"
    with pytest.raises(ValueError, match="set 0 has patches beyond 0 to 255"):
        diverse([(256,)])


# --- curves ---


def weighted(weights, baseline=0.1):
    """p is linear in the cells shown."""
    return lambda shown: baseline + np.tensordot(shown, weights, axes=weights.ndim)


def test_insertion_and_deletion_of_a_linear_scorer():
    rng = np.random.default_rng(0)
    weights = rng.random((7, 7))
    weights *= 0.8 / weights.sum()
    saliency = rng.random((7, 7)).astype(np.float32)
    order = np.argsort(-saliency.ravel(), kind="stable")
    shares = weights.ravel()[order] / weights.sum()
    curve = insertion_curve(weighted(weights), saliency, steps=49)
    assert curve.status == "ok" and curve.counts == tuple(range(50))
    assert np.allclose(curve.curve, np.concatenate([[0], shares.cumsum()]), atol=1e-12)
    # a cell counts in full after its step, and half in it
    area = (shares * (49 - np.arange(49) - 0.5)).sum() / 49
    assert curve.auc == pytest.approx(area, abs=1e-12)
    assert insertion_auc(weighted(weights), saliency, steps=49) == curve.auc
    assert deletion_auc(weighted(weights), saliency, steps=49) == pytest.approx(1 - area, abs=1e-12)
    assert insertion_auc(curve.probabilities) == pytest.approx(area, abs=1e-12)
    assert insertion_auc(curve.curve) == pytest.approx(area, abs=1e-12)
    deleted = deletion_curve(weighted(weights), saliency, steps=49)
    assert deletion_auc(deleted.probabilities) == deleted.auc and deleted.curve[0] == 1 and deleted.curve[-1] == 0


def test_steps_are_those_of_the_definition():
    saliency = np.arange(28 * 28, dtype=float).reshape(28, 28)
    curve = insertion_curve(lambda shown: shown.mean(axis=(1, 2)), saliency)
    assert curve.counts == tuple(int(np.floor(t * 784 / 50 + 0.5)) for t in range(51))
    assert curve.auc == pytest.approx(np.trapezoid(np.array(curve.counts) / 784, dx=1 / 50), abs=1e-12)
    assert len(insertion_curve(lambda shown: shown.mean(axis=(1, 2)), np.eye(3)).counts) == 10
    reference = insertion_curve(lambda shown: shown.mean(axis=(1, 2)), saliency, metric="reference")
    assert reference.counts == (*range(0, 784, 15), 784) and reference.curve == reference.probabilities
    with pytest.raises(ValueError, match="'steps' must be from 1 to 9"):
        insertion_curve(additive(3, 3), np.eye(3), steps=10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.float16])
def test_the_most_important_cells_come_first(dtype):
    saliency = np.array([[3, 1, 2], [2, 5, 0]], dtype)
    seen = []

    def score(shown):
        seen.append(shown)
        return shown.mean(axis=(1, 2))

    insertion_curve(score, saliency)
    (shown,) = seen  # one call
    order = [4, 0, 2, 3, 1, 5]  # ties by raster index
    assert shown.shape == (7, 2, 3) and shown.dtype == bool
    for count, mask in enumerate(shown):
        assert sorted(np.flatnonzero(mask)) == sorted(order[:count])
    seen.clear()
    deletion_curve(score, saliency, batch_size=3)
    assert [len(part) for part in seen] == [3, 3, 1]
    for count, mask in enumerate(np.concatenate(seen)):
        assert sorted(np.flatnonzero(~mask)) == sorted(order[:count])


def test_a_map_is_ordered_in_its_own_precision():
    saliency = np.array([1.0, 1 + 1e-12, 1.0])  # equal as float32

    def score(shown):  # needs the middle cell
        return shown @ np.array([0.0, 0.9, 0.0])

    assert insertion_curve(score, saliency).curve == (0, 1, 1, 1)
    assert insertion_curve(score, saliency.astype(np.float32)).curve == (0, 0, 1, 1)


def test_a_curve_without_a_gap_is_undefined():
    weights = np.full((4, 4), 0.04 / 16)
    curve = insertion_curve(weighted(weights), np.eye(4))
    assert (curve.status, curve.reason, curve.curve, curve.auc) == ("undefined", "gap", None, None)
    assert len(curve.probabilities) == 17
    assert insertion_auc(weighted(weights), np.eye(4)) is None
    assert deletion_auc(weighted(weights), np.eye(4)) is None
    assert insertion_auc(weighted(weights), np.eye(4), min_gap=0.01) is not None
    assert insertion_auc([0.9, 0.5, 0.1]) is None  # upside down


def test_curves_are_not_clipped():
    assert insertion_auc([0.1, 0.9, 0.5]) == pytest.approx((0 + 2 + 2 + 1) / 4)
    assert insertion_auc([0.2, 0.0, 0.4]) == pytest.approx((0 - 1 - 1 + 1) / 4)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: insertion_auc(additive(4, 4)), TypeError, "insertion_auc() of a scorer needs a saliency_map"),
        (lambda: insertion_auc([0, 1], np.eye(2)), TypeError, "takes no map"),
        (lambda: insertion_auc([0.5]), ValueError, "two or more finite numbers in a row, not an array of shape (1,)"),
        (lambda: deletion_auc([0.5, np.nan, 0.1]), ValueError, "finite numbers"),
        (lambda: insertion_auc(additive(2, 2), [[1, np.nan], [0, 1]]), ValueError, "saliency_map must have cells"),
        (lambda: insertion_auc(additive(2, 2), np.zeros((0, 2))), ValueError, "saliency_map must have cells"),
        (lambda: insertion_auc(additive(2, 2), np.eye(2), min_gap=0), ValueError, "'min_gap' must be above 0"),
        (lambda: insertion_curve(additive(2, 2), np.eye(2), metric="auc"), ValueError, "'metric' must be one of"),
        (lambda: insertion_auc(lambda shown: shown.sum(axis=(1, 2)), np.eye(2)), ValueError, "not 2.0 for mask 2 of 5"),
    ],
)
def test_what_curves_refuse(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


# --- documentation, package ---


def test_examples_of_the_docstrings():
    outcome = doctest.testmod(search)
    assert outcome.failed == 0 and outcome.attempted > 20
    for name in ("find_mses", "count_sub_explanations", "diverse", "insertion_auc", "deletion_auc", "Memo"):
        assert ">>>" in getattr(search, name).__doc__
    for function in ("find_mses", "count_sub_explanations", "diverse", "insertion_auc"):
        assert getattr(xaimse, function) is getattr(search, function)


def test_examples_of_the_page():
    page = (ROOT / "docs/python.md").read_text()
    section = page.split("\n## Searches over any scorer\n")[1].split("\n## ")[0]
    examples = doctest.DocTestParser().get_doctest(section, {}, "docs/python.md", None, 0)
    runner = doctest.DocTestRunner()
    runner.run(examples)
    assert runner.failures == 0 and runner.tries > 10


def test_fields_are_documented():
    for kind in (search.Mse, search.MseResult, search.SubExplanationCount, search.SubExplanations, search.Curve):
        for field in dataclasses.fields(kind):
            text = "".join(base.__doc__ for base in kind.__mro__[:-1])
            assert field.name.startswith("_") or f"{field.name}" in text


def test_the_extension_needs_few_libraries():
    needed = subprocess.run(["readelf", "-d", search._search.__file__], capture_output=True, text=True).stdout
    libraries = {line.split("[")[1].rstrip("]") for line in needed.splitlines() if "(NEEDED)" in line}
    libraries = {re.sub(r"-[0-9a-f]{8}(?=\.so)", "", name) for name in libraries}  # auditwheel's names
    assert libraries <= {"libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", "ld-linux-x86-64.so.2",
                         "libcrypto.so.3"}  # of the hashes that name random streams; the wheel has it for the programs


def test_importing_it_brings_no_torch():
    code = "import sys, xaimse.search; print(sorted({'torch', 'pandas', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=own_python())
    assert done.stdout == "[]\n", done.stderr

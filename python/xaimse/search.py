"""The C++ searches over any scorer: what JAX, TensorFlow, ONNX, a remote service or a text model can be asked, too.

A *scorer* is a callable. It takes a boolean array of shape (n, rows, columns), True where a patch is shown and False
where it is hidden, and returns n probabilities in [0, 1] of the class that is explained: a list, an array, a tensor,
whatever numpy.asarray takes; or n x 2 numbers, p of the class and the largest p of another one, for `keeps_top1` and
`sufficient`. What float noise puts up to 1e-6 beyond 0 or 1 is clipped; beyond that it is refused. What
hiding a patch means (blur, black, a mask token) is the scorer's affair. It is called with all the sets that the search
wants to know next at once, and never twice for the same set.

The searches work without the GIL, so other threads go on meanwhile; the scorer is called in the caller's thread, and
its exceptions and Ctrl-C pass through. Definitions: docs/definitions.md, sections 4, 5 and 7.
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

try:
    from . import _search
except ImportError as error:
    raise ImportError(
        "xaimse.search needs its compiled part, xaimse._search, for this Python: install the wheel, or build with "
        f"-DXAI_BUILD_PYTHON=ON and put build/release/python on PYTHONPATH ({error})"
    ) from error

Masks: TypeAlias = npt.NDArray[np.bool_]
"""(n, rows, columns), True = shown."""
Score: TypeAlias = Callable[[Masks], Any]
"""From n masks to n probabilities, or to n x 2: of the class, and the largest of another class."""
Grid: TypeAlias = int | Sequence[int]
"""g for g x g patches, or (rows, columns); patch p lies in row p // columns and column p % columns."""

_MSE = _search.mse_options()
_ESTIMATE = _search.estimate_options()
_SUB_EXPLANATION = _search.sub_explanation_options()
_CURVE = _search.curve_options()
_MOST_PATCHES = 256
_NOISE = 1e-6  # of float32: a softmax sums to a little more than 1


# --- results: fields are called as in results.jsonl (docs/output-format.md) ---


@dataclass(frozen=True)
class Mse:
    """One minimal sufficient explanation (MSE): a set of patches that alone keeps the threshold.

    patches: ascending indices. p: p(S). ratio: p(S) / p(all).
    keeps_top1: no class has a larger p than the one that is explained; None where the scorer does not say.
    certificate: "all-subsets": every proper subset was evaluated and is insufficient; "single-removal": every subset
        with one patch less was.
    checked_depth: every subset with up to this many patches removed was evaluated and is insufficient.
    """

    patches: tuple[int, ...]
    p: float
    ratio: float
    keeps_top1: bool | None
    certificate: str
    checked_depth: int


@dataclass(frozen=True)
class MseResult:
    """What find_mses() found with its options: `found` is never "all there are".

    status: "ok"; "baseline-sufficient": the empty set is sufficient, so there are no MSEs; "skipped", with the reason
        "zero-probability" (p(all) is 0) or "wrong" (`sufficient` asks for the class on top, and the whole has another):
        nothing was searched, and what was not is None.
    p_full, p_baseline: p(all), p of the empty set.
    grid, sufficient, threshold: as they were given.
    mses: sorted by size, then by patches; none contains another.
    found: len(mses). min_size: patches of the smallest, None without any.
    diverse: the size of the largest family found whose members pairwise share at most max_overlap patches.
    diverse_members: its members, ascending indices into mses. diverse_exact: no larger family exists among mses.
    stop_reason: "exhausted", "max-size" or "max-evaluations".
    evaluations: different sets the search asked for, whether a memo knew them or not.
    near_ties: decisions that float noise could turn.
    """

    status: str
    reason: str | None
    p_full: float
    p_baseline: float
    grid: Grid
    sufficient: str
    threshold: float
    mses: tuple[Mse, ...]
    found: int | None
    diverse: int | None
    diverse_exact: bool | None
    diverse_members: tuple[int, ...]
    min_size: int | None
    stop_reason: str | None
    evaluations: int
    near_ties: int

    def masks(self) -> Masks:
        """The MSEs as a boolean array (found, rows, columns), True = in the set, in the order of `mses`."""
        return _masks([mse.patches for mse in self.mses], self.grid)


@dataclass(frozen=True)
class CountEstimate:
    """A number of sets: its estimate, the standard error of it, and the 95 % interval from low to high."""

    value: float
    se: float
    low: float
    high: float


@dataclass(frozen=True)
class MseEstimate:
    """How many 1-minimal sets and MSEs there are, not how many were found (docs/counting.md).

    found: what the search before it found.
    one_minimal: of the sets that are sufficient while no set with one patch less is, and that single removals reach
        from the whole through sufficient sets.
    mses: of the MSEs of at most `up_to` patches among them. by_size: number of patches -> MSEs with so many.
    mean_size: of the MSEs; None without any. patch_share: for each patch, the share of the MSEs that hold it.
    exact_up_to: all sets of up to so many patches were counted, the unreachable ones too.
    units: random units; capped: those that max_orders ended, above 0 the expectation is a lower bound.
    coverage: share of one_minimal that is known set by set.
    evaluations: different sets that the estimate asked for, beside the search, whether a memo knew them or not.
    effective_sample_size: of the sets that the units found.
    non_monotone_share: of the patches added to a sufficient set, the share that made it insufficient.
    trusted: the rule in docs/counting.md.
    """

    found: MseResult
    one_minimal: CountEstimate
    mses: CountEstimate
    by_size: dict[int, float]
    mean_size: float | None
    patch_share: tuple[float, ...]
    exact_up_to: int
    up_to: int
    units: int
    capped: int
    coverage: float
    evaluations: int
    effective_sample_size: float
    non_monotone_share: float
    trusted: bool


@dataclass(frozen=True)
class SubExplanationCount:
    """How many sub-explanations can be reached from one root, or from several.

    distinct: different sets, the roots that count among them.
    tree_nodes: orders in which patches can be taken away, from a root to each of those sets: an exact integer.
    log10_tree_nodes: of it; None where it is 0.
    truncated: max_nodes left something out, and both counts are lower bounds.
    by_size: number of patches -> (distinct, tree_nodes) of the sets with so many.
    """

    distinct: int
    tree_nodes: int
    log10_tree_nodes: float | None
    truncated: bool
    by_size: dict[int, tuple[int, int]]


@dataclass(frozen=True)
class SubExplanations(SubExplanationCount):
    """What count_sub_explanations() counted: over all roots, where a set that several reach is one of `distinct`.

    status: "ok", or "skipped" with the reason "zero-probability": p(all) is 0 and nothing counts.
    p_full: p(all). grid, node_threshold: as they were given.
    per_root: the same of each root alone, in their order.
    ratios: p(S) / p(all) of each set that counts, in the order of masks(): level by level, the largest first.
    evaluations: sets that had to be shown to the scorer. saved: sets asked for that the memo knew.
    near_ties: decisions that float noise could turn.
    """

    status: str
    reason: str | None
    p_full: float
    grid: Grid
    node_threshold: float
    per_root: tuple[SubExplanationCount, ...]
    evaluations: int
    saved: int
    near_ties: int
    ratios: npt.NDArray[np.float64] = field(repr=False, compare=False)
    _sets: Masks = field(repr=False, compare=False)

    def masks(self) -> Masks:
        """The sets that count as a boolean array (distinct, rows, columns), True = in the set."""
        return self._sets


@dataclass(frozen=True)
class DiverseFamily:
    """The largest family found of sets that pairwise share few patches.

    diverse: its size. diverse_members: ascending indices into the sets that were given.
    diverse_exact: no larger one exists; False where the bounded search ended first.
    """

    diverse: int
    diverse_exact: bool
    diverse_members: tuple[int, ...]


@dataclass(frozen=True)
class Curve:
    """How a scorer takes the insertion or deletion of cells in order of a map.

    status: "ok", or "undefined" with the reason "gap": p(all) - p(nothing) is below min_gap.
    counts: cells that were inserted, or deleted, at each of the T + 1 points. probabilities: p there.
    curve: (p - p(nothing)) / (p(all) - p(nothing)) there, not clipped; p itself for the metric "reference".
    auc: its score; of insertion higher is better, of deletion lower. None, as `curve`, where undefined.
    """

    status: str
    reason: str | None
    counts: tuple[int, ...]
    probabilities: tuple[float, ...]
    curve: tuple[float, ...] | None
    auc: float | None


class Memo:
    """What a scorer has said of one image and class, for several searches: none asks again for a set it holds.

    It changes no result, only how often the scorer is called. grid: that of the searches.

    >>> def score(shown):  # p grows with the patches of the main diagonal
    ...     return shown.diagonal(axis1=1, axis2=2).mean(axis=1)
    >>> memo = Memo(3)
    >>> result = find_mses(score, 3, memo=memo)
    >>> counts = count_sub_explanations(score, result, memo=memo)
    >>> counts.evaluations, counts.saved  # the search had seen them all
    (0, 7)
    >>> masks, p = memo.known()
    >>> masks.shape[1:], len(memo) == len(p)
    ((3, 3), True)
    """

    def __init__(self, grid: Grid = _MSE["grid"]) -> None:
        self.grid = _grid(grid)
        self._shape = _shape(grid)
        self._known = _search.Memo()

    def __len__(self) -> int:
        """The number of sets it holds."""
        return len(self._known)

    def known(self) -> tuple[Masks, npt.NDArray[np.float64]]:
        """Its sets, (n, rows, columns), by ascending bit set, and p of each."""
        return self._known.known(*self._shape)


# --- searches ---


def find_mses(
    score: Score,
    grid: Grid = _MSE["grid"],
    *,
    sufficient: str = _MSE["sufficient"],
    threshold: float = _MSE["threshold"],
    search: str = _MSE["search"],
    beam_width: int = _MSE["beam_width"],
    extensions: int = _MSE["extensions"],
    sweeps: int = _MSE["sweeps"],
    reduce: str = _MSE["reduce"],
    max_size: int = _MSE["max_size"],
    max_evaluations: int = _MSE["max_evaluations"],
    max_overlap: int = _MSE["max_overlap"],
    batch_size: int | None = None,
    memo: Memo | None = None,
) -> MseResult:
    """Finds minimal sufficient explanations (MSEs): sets of patches that alone keep `threshold` of the probability of
    the whole, and no part of which does. As xai-mse does, over any scorer.

    score: from a boolean array (n, rows, columns), True = shown, to n probabilities in [0, 1]. Not rounded: a scorer
        that gives float32 gives what xai-mse finds.
    grid: g for g x g patches, 2 to 16; or (rows, columns), up to 256 patches: (1, n) for the n words of a text.
    sufficient: what a set must keep: "ratio", a share `threshold` of the probability; "top1", the class on top, which
        needs a scorer that gives n x 2 numbers; or "both".
    threshold: tau, above 0 and at most 1. A set S keeps the ratio iff p(S) / p(all) >= tau.
    search: "beam", or "exhaustive": every subset, of up to 16 patches.
    beam_width: states of a level that are extended in one sweep, at least 1.
    extensions: extend a state by its best ones only; 0 = by all hidden patches.
    sweeps: times the beam is widened; 0 = as the budget allows, 1 = the plain beam search.
    reduce: from a sufficient set to minimal ones: "greedy", or "all" below it.
    max_size: patches of the largest set searched; 0 = no bound.
    max_evaluations: different sets that are asked for, at least 3; an exhaustive search ignores it.
    max_overlap: members of a diverse family share at most this many patches.
    batch_size: sets given to the scorer at once; None: all that the search wants to know next. Changes no result.
    memo: what the scorer has said before, and will have said.

    ValueError: an option out of its range, or a scorer that gives no n probabilities. What the scorer raises comes out
    as it is.

    >>> import numpy as np
    >>> def score(shown):  # the first column, or two opposite corners
    ...     column, corners = shown[:, :, 0].mean(1), (shown[:, 0, 3] * 1.0 + shown[:, 3, 0]) / 2
    ...     return 0.1 + 0.8 * np.maximum(column, corners)
    >>> result = find_mses(score, 4)
    >>> [mse.patches for mse in result.mses]
    [(3, 12), (0, 4, 8, 12)]
    >>> result.masks().shape, result.min_size, result.diverse, result.stop_reason
    ((2, 4, 4), 2, 2, 'max-evaluations')
    """
    grid = _grid(grid)
    options = {
        "sufficient": sufficient,
        "threshold": threshold,
        "search": search,
        "beam_width": beam_width,
        "extensions": extensions,
        "sweeps": sweeps,
        "reduce": reduce,
        "max_size": max_size,
        "max_evaluations": max_evaluations,
        "max_overlap": max_overlap,
    }
    known = _known(memo, grid)
    searching = _search.MseSearch(known, *_shape(grid), _plain(options))
    _drive(searching, score, batch_size)
    return _mse_result(grid, sufficient, threshold, searching.result())


def estimate_mses(
    score: Score,
    grid: Grid = _MSE["grid"],
    *,
    estimate: int = _ESTIMATE["estimate"],
    estimate_evaluations: int = 1500,
    max_orders: int = _ESTIMATE["max_orders"],
    seed: int = 0,
    sufficient: str = _MSE["sufficient"],
    threshold: float = _MSE["threshold"],
    max_evaluations: int = _MSE["max_evaluations"],
    batch_size: int | None = None,
    memo: Memo | None = None,
) -> MseEstimate:
    """Estimates how many minimal sufficient explanations (MSEs) there really are, without bias, after a search by
    find_mses(). As xai-mse --estimate does, over any scorer.

    estimate: random units at most; 0 = as many as estimate_evaluations allows.
    estimate_evaluations: no unit starts once so many different sets were asked for; 0 = no bound.
    max_orders: tries to reach one set from the whole, at least 1.
    seed: of the random units, from 0.
    score, grid, sufficient, threshold, max_evaluations, batch_size, memo, errors: as for find_mses().

    >>> def score(shown):  # any two patches of the first row
    ...     return 0.1 + 0.45 * shown[:, 0].sum(axis=1).clip(max=2)
    >>> estimated = estimate_mses(score, 4, estimate=50)
    >>> estimated.mses.value, estimated.mean_size
    (6.0, 2.0)
    """
    grid = _grid(grid)
    search = {"sufficient": sufficient, "threshold": threshold, "max_evaluations": max_evaluations}
    options = {"estimate": estimate, "estimate_evaluations": estimate_evaluations, "max_orders": max_orders}
    rows, columns = _shape(grid)
    seed = _whole(seed, "seed", 0)
    estimating = _search.EstimateSearch(_known(memo, grid), rows, columns, _plain(search), _plain(options), seed)
    _drive(estimating, score, batch_size)
    fields = estimating.result()
    found = _mse_result(grid, sufficient, threshold, fields.pop("found"))
    for count in ("one_minimal", "mses"):
        fields[count] = CountEstimate(*fields[count])
    return MseEstimate(found=found, **fields)


PatchSets: TypeAlias = MseResult | Masks | Sequence[Mse | Iterable[int]]
"""Sets of patches: a result of find_mses(), boolean masks, MSEs, or the patches of each set."""


def count_sub_explanations(
    score: Score,
    mses: PatchSets,
    grid: Grid | None = None,
    *,
    node_threshold: float = _SUB_EXPLANATION["node_threshold"],
    max_nodes: int = _SUB_EXPLANATION["max_nodes"],
    batch_size: int | None = None,
    memo: Memo | None = None,
) -> SubExplanations:
    """Counts what MSEs can lose: the sets that are reached from them by taking away one patch after the other, while
    p(S) / p(all) stays at least `node_threshold`. As xai-subexp does, over any scorer.

    mses: the roots, different sets that are not empty: a result of find_mses(), boolean masks (n, rows, columns), or
        the patches of each.
    grid: as for find_mses(). None: that of the result or of the masks, else 7.
    node_threshold: above 0 and at most 1. max_nodes: sets that are counted at most, 1 to 5,000,000.
    score, batch_size, memo, errors: as for find_mses(). With its memo, what it asked is not asked again.

    >>> def score(shown):  # every patch of a 2 x 2 grid gives 0.2
    ...     return 0.1 + 0.2 * shown.sum(axis=(1, 2))
    >>> counts = count_sub_explanations(score, [(0, 1, 2, 3)], grid=2)
    >>> counts.distinct, counts.tree_nodes  # p >= 0.45: sets of 2, 3 and 4 patches
    (11, 17)
    >>> counts.by_size
    {2: (6, 12), 3: (4, 4), 4: (1, 1)}
    """
    brought = _grid_of(mses)
    if grid is not None and brought is not None and _shape(grid) != _shape(brought):
        what = "the MSEs were found on" if isinstance(mses, MseResult) else "the masks are of"
        raise ValueError(f"grid is {grid}, but {what} {brought}; leave it out")
    grid = brought or _grid(_MSE["grid"] if grid is None else grid)
    rows, columns = _shape(grid)
    roots = _patch_sets(mses, rows * columns)
    seen: set[tuple[int, ...]] = set()
    for index, root in enumerate(roots):
        if not root or root in seen:
            raise ValueError(f"set {index} of the MSEs is {'there twice' if root else 'empty'}; leave it out")
        seen.add(root)
    options = {"node_threshold": node_threshold, "max_nodes": max_nodes}
    counting = _search.SubExplanationSearch(_known(memo, grid), rows, columns, roots, _plain(options))
    _drive(counting, score, batch_size)
    fields = counting.result()
    possible = fields["p_full"] > 0
    return SubExplanations(
        status="ok" if possible else "skipped",
        reason=None if possible else "zero-probability",
        grid=grid,
        node_threshold=node_threshold,
        per_root=tuple(SubExplanationCount(**root) for root in fields.pop("per_root")),
        _sets=fields.pop("sets"),
        **fields.pop("total"),
        **fields,
    )


def diverse(sets: PatchSets, max_overlap: int = _MSE["max_overlap"]) -> DiverseFamily:
    """The largest family found of sets whose members pairwise share at most `max_overlap` patches.

    sets: a result of find_mses(), boolean masks (n, rows, columns), or the patches of each set.

    >>> diverse([(0, 1, 2), (2, 3, 4), (1, 2, 3), (5, 6)])
    DiverseFamily(diverse=3, diverse_exact=True, diverse_members=(0, 1, 3))
    >>> diverse([(0, 1, 2), (2, 3, 4), (1, 2, 3), (5, 6)], max_overlap=0).diverse
    2
    """
    max_overlap = _whole(max_overlap, "max_overlap", 0)
    rows, columns = _shape(_grid_of(sets) or (1, _MOST_PATCHES))
    members, exact = _search.diverse(_patch_sets(sets, rows * columns), max_overlap)
    return DiverseFamily(len(members), exact, members)


# --- insertion and deletion ---


def insertion_curve(
    score: Score,
    saliency_map: npt.ArrayLike,
    *,
    steps: int | None = None,
    min_gap: float = _CURVE["min_gap"],
    metric: str = _CURVE["metric"],
    batch_size: int | None = None,
) -> Curve:
    """How fast the probability comes when the map's most important cells are shown first (SPEC 7).

    score: from a boolean array (n, *saliency_map.shape), True = shown, to n probabilities in [0, 1].
    saliency_map: of any shape, higher = more important, ties by raster index; no NaN.
    steps: T, up to the number of cells: after step t the first floor(t * cells / T + 1/2) cells are shown. None: 50,
        or one for each cell where there are fewer.
    min_gap: the curve is undefined where p(all) - p(nothing) is below, in (0, 1].
    metric: "normalised", or "reference": the score of the public iGOS++ code, with steps of its own.

    >>> import numpy as np
    >>> weights = np.array([[0.5, 0.1], [0.1, 0.3]])
    >>> curve = insertion_curve(lambda shown: (shown * weights).sum(axis=(1, 2)), weights)
    >>> curve.counts, [round(float(value), 6) for value in curve.curve], round(curve.auc, 6)
    ((0, 1, 2, 3, 4), [0.0, 0.5, 0.8, 0.9, 1.0], 0.675)
    """
    return _curve("insertion", score, saliency_map, steps, min_gap, metric, batch_size)


def deletion_curve(
    score: Score,
    saliency_map: npt.ArrayLike,
    *,
    steps: int | None = None,
    min_gap: float = _CURVE["min_gap"],
    metric: str = _CURVE["metric"],
    batch_size: int | None = None,
) -> Curve:
    """How fast the probability goes when the map's most important cells are hidden first.

    Arguments and result as of insertion_curve().

    >>> import numpy as np
    >>> weights = np.array([[0.5, 0.1], [0.1, 0.3]])
    >>> curve = deletion_curve(lambda shown: (shown * weights).sum(axis=(1, 2)), weights)
    >>> [round(float(value), 6) for value in curve.curve], round(curve.auc, 6)
    ([1.0, 0.5, 0.2, 0.1, 0.0], 0.325)
    """
    return _curve("deletion", score, saliency_map, steps, min_gap, metric, batch_size)


def insertion_auc(
    score: Score | npt.ArrayLike,
    saliency_map: npt.ArrayLike | None = None,
    *,
    steps: int | None = None,
    min_gap: float = _CURVE["min_gap"],
    batch_size: int | None = None,
) -> float | None:
    """Insertion AUC: the area under (p_t - p_0) / (p_T - p_0) over t / T, not clipped; higher is better.

    score: a scorer, with the map and arguments of insertion_curve(). Or, without a map, a curve that is ready:
        p_0 .. p_T, from nothing shown to everything shown; normalised or not, the area is the same.
    None where p_T - p_0 is below min_gap: the pair is undefined.

    >>> import numpy as np
    >>> insertion_auc(lambda shown: shown.mean(axis=(1, 2)), np.eye(7))  # p grows evenly: a diagonal
    0.5
    >>> insertion_auc([0.1, 0.1, 0.1, 0.9, 0.9])
    0.375
    >>> insertion_auc([0.10, 0.12, 0.13]) is None
    True
    """
    return _auc("insertion", score, saliency_map, steps, min_gap, batch_size)


def deletion_auc(
    score: Score | npt.ArrayLike,
    saliency_map: npt.ArrayLike | None = None,
    *,
    steps: int | None = None,
    min_gap: float = _CURVE["min_gap"],
    batch_size: int | None = None,
) -> float | None:
    """Deletion AUC: the area under (p_t - p_T) / (p_0 - p_T) over t / T, not clipped; lower is better.

    As insertion_auc(); a curve that is ready goes from everything shown to nothing shown.

    >>> deletion_auc([0.9, 0.9, 0.1, 0.1, 0.1])
    0.375
    """
    return _auc("deletion", score, saliency_map, steps, min_gap, batch_size)


def _curve(
    direction: str,
    score: Score,
    saliency_map: npt.ArrayLike,
    steps: int | None,
    min_gap: float,
    metric: str,
    batch_size: int | None,
) -> Curve:
    cells = _numbers(saliency_map, "saliency_map")
    if cells.size == 0 or np.isnan(cells).any():
        raise ValueError("saliency_map must have cells, and numbers in all of them")
    steps = min(_CURVE["steps"], cells.size) if steps is None else steps
    options = _plain({"steps": steps, "min_gap": min_gap, "metric": metric})
    counts, shown = _search.curve_masks(options, np.ascontiguousarray(cells.ravel()), direction)
    p = _answers(score, shown.reshape(len(shown), *cells.shape), batch_size)[:, 0].copy()
    made = _search.curve(options, cells.size, direction, p)
    curve, auc = (None, None) if made is None else (tuple(made[0]), made[1])
    status, reason = ("ok", None) if made else ("undefined", "gap")
    return Curve(status, reason, tuple(counts), tuple(p.tolist()), curve, auc)


def _auc(
    direction: str,
    score: Score | npt.ArrayLike,
    saliency_map: npt.ArrayLike | None,
    steps: int | None,
    min_gap: float,
    batch_size: int | None,
) -> float | None:
    if callable(score):
        if saliency_map is None:
            raise TypeError(f"{direction}_auc() of a scorer needs a saliency_map")
        return _curve(direction, score, saliency_map, steps, min_gap, "normalised", batch_size).auc
    if saliency_map is not None or steps is not None or batch_size is not None:
        raise TypeError(f"{direction}_auc() of a curve that is ready takes no map, steps or batch_size")
    p = _numbers(score, "a curve")
    if p.ndim != 1 or p.size < 2 or not np.isfinite(p).all():
        raise ValueError(f"a curve is two or more finite numbers in a row, not an array of shape {p.shape}")
    made = _search.curve(_plain({"steps": p.size - 1, "min_gap": min_gap}), p.size - 1, direction, p)
    return None if made is None else made[1]


# --- what they share ---


def _mse_result(grid: Grid, sufficient: str, threshold: float, fields: dict[str, Any]) -> MseResult:
    """What the extension's search found."""
    mses = tuple(Mse(**mse) for mse in fields.pop("mses"))
    return MseResult(grid=grid, sufficient=sufficient, threshold=threshold, mses=mses, **fields)


def _drive(
    search: _search.MseSearch | _search.EstimateSearch | _search.SubExplanationSearch,
    score: Score,
    batch_size: int | None,
) -> None:
    """Answers a search until it is done."""
    answers = None
    while (masks := search.step(answers)) is not None:
        answers = _answers(score, masks, batch_size).ravel()


def _answers(score: Score, masks: npt.NDArray[np.bool_], batch_size: int | None) -> npt.NDArray[np.float64]:
    """p of each mask, and the largest of another class, as the scorer says: n x 2."""
    if batch_size is None:
        return _probabilities(score(masks), len(masks))
    batch_size = _whole(batch_size, "batch_size", 1)
    batches = [masks[first : first + batch_size] for first in range(0, len(masks), batch_size)]
    return np.concatenate([_probabilities(score(batch), len(batch)) for batch in batches])


def _probabilities(answer: Any, count: int) -> npt.NDArray[np.float64]:
    """A scorer's answer for `count` masks, if it is one: count x 2, NaN where it does not say the second."""
    p = _numbers(answer, "what the scorer returned")
    if p.shape not in ((count,), (count, 2)):
        raise ValueError(
            f"the scorer must return one probability for each of {count} masks, or two, not shape {p.shape}"
        )
    p = p.reshape(count, -1)
    wrong = np.argwhere(~((p >= -_NOISE) & (p <= 1 + _NOISE)))  # NaN too
    if wrong.size:
        index, column = map(int, wrong[0])
        raise ValueError(
            f"the scorer must return probabilities in [0, 1] (no logits), not {p[index, column]} for mask {index} of "
            f"{count}"
        )
    rivals = p[:, 1] if p.shape[1] == 2 else np.full(count, np.nan)
    return np.stack([np.clip(p[:, 0], 0, 1), np.clip(rivals, 0, 1)], axis=1)


def _numbers(values: Any, what: str) -> npt.NDArray[np.float64]:
    """A contiguous array of them in double precision."""
    array = np.asarray(values)
    if array.dtype.kind not in "OSUcmM":  # objects, words, complex numbers, times
        return np.ascontiguousarray(array, np.float64).reshape(array.shape)
    raise ValueError(f"{what} must be numbers, not {type(values).__name__} of {array.dtype}")


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options as C++ reads them: NumPy's numbers are Python's."""
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in options.items()}


def _whole(value: Any, name: str, low: int) -> int:
    """A whole number from `low` on."""
    try:
        whole = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number, not {value!r}") from None
    if whole < low:
        raise ValueError(f"{name} must be at least {low}, not {whole}")
    return whole


def _grid(grid: Grid) -> Grid:
    """A grid as results have it: JSON's list is a tuple. ValueError if it is none."""
    _shape(grid)
    return tuple(grid) if isinstance(grid, list) else grid


def _shape(grid: Grid) -> tuple[int, int]:
    """(rows, columns)."""
    square = not isinstance(grid, tuple | list)
    sides: Any = (grid, grid) if square else grid
    try:
        rows, columns = map(operator.index, sides)
        if 2 <= rows <= 16 if square else min(rows, columns) >= 1 and rows * columns <= _MOST_PATCHES:
            return rows, columns
    except (TypeError, ValueError):  # no whole numbers, or not two
        pass
    raise ValueError(f"grid must be from 2 to 16, or (rows, columns) of up to {_MOST_PATCHES} patches, not {grid}")


def _grid_of(sets: PatchSets) -> Grid | None:
    """The grid that sets of patches bring with them: that of a result, or of masks."""
    if isinstance(sets, MseResult):
        return sets.grid
    if not isinstance(sets, np.ndarray) or (sets.dtype != np.bool_ and sets.ndim < 3):
        return None
    if sets.dtype != np.bool_ or sets.ndim != 3:
        raise ValueError(f"masks must be boolean, of shape (n, rows, columns), not {sets.dtype} of shape {sets.shape}")
    rows, columns = sets.shape[1:]
    return rows if rows == columns and rows > 1 else (rows, columns)


def _known(memo: Memo | None, grid: Grid) -> _search.Memo:
    if memo is None:
        return _search.Memo()
    if not isinstance(memo, Memo):
        raise ValueError(f"memo must be an xaimse.search.Memo, not {type(memo).__name__}")
    if _shape(memo.grid) != _shape(grid):
        raise ValueError(f"the memo is of a grid of {memo.grid}, not of {grid}: take one memo for each")
    return memo._known


def _masks(sets: Sequence[Sequence[int]], grid: Grid) -> Masks:
    rows, columns = _shape(grid)
    masks = np.zeros((len(sets), rows * columns), bool)
    for mask, patches in zip(masks, sets, strict=True):
        mask[list(patches)] = True
    return masks.reshape(-1, rows, columns)


def _patch_sets(sets: PatchSets, patches: int) -> list[tuple[int, ...]]:
    """The patches of each set, ascending; each below `patches`."""
    if isinstance(sets, MseResult):
        sets = sets.mses
    if isinstance(sets, np.ndarray) and sets.dtype == np.bool_:
        sets = [np.flatnonzero(mask) for mask in sets]
    if not isinstance(sets, Iterable):
        raise ValueError(f"sets must be those of find_mses(), masks, or the patches of each, not {type(sets).__name__}")
    result = []
    for index, patch_set in enumerate(sets):
        try:
            members = sorted(map(operator.index, patch_set.patches if isinstance(patch_set, Mse) else patch_set))
        except TypeError:
            raise ValueError(f"set {index} must be the indices of its patches, not {str(patch_set)!r:.40}") from None
        if members and not 0 <= members[0] <= members[-1] < patches:
            raise ValueError(f"set {index} has patches beyond 0 to {patches - 1}: {tuple(members)}")
        if len(set(members)) < len(members):
            raise ValueError(f"set {index} has a patch twice: {tuple(members)}; masks must be boolean arrays")
        result.append(tuple(members))
    return result

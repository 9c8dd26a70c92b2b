"""What every column of every table of a run is: type, definition, unit and range. `tables` makes the tables of it.

Definitions follow docs/output-format.md and docs/definitions.md; a test holds them against docs/schema.
"""

from dataclasses import dataclass

# Types of columns. Missing values are pd.NA (or NaN in a column of numbers), and null in JSON.
TEXT, INTEGER, NUMBER, TRUTH, LIST = "string", "Int64", "float64", "boolean", "object"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    `field`: where its value stands in a record of results.jsonl or in summary.json, "" for one that is derived;
    "mses[].p" is p of each of `mses`, "by_size.*.distinct" distinct of each value of an object.
    """

    name: str
    type: str
    field: str
    definition: str
    unit: str = ""
    """Unit and range, e.g. "probability, 0 to 1"."""

    @property
    def text(self) -> str:
        return f"{self.definition} [{self.unit}]" if self.unit else self.definition


MSE, SUBEXP, SALIENCY, CROSSTEST = KINDS = ("xai-mse", "xai-subexp", "xai-saliency", "xai-crosstest")
SHOWN = f"{CROSSTEST} --mses"
"""Runs of xai-crosstest that show MSEs, and no maps: their tables are others."""
CROSS = (CROSSTEST, SHOWN)


def same(name: str, type: str, definition: str, unit: str = "") -> Column:
    """A column with the name of its field."""
    return Column(name, type, name, definition, unit)


IMAGE = same("image", TEXT, "path relative to the data set; of a folder that cannot be read it ends in /")
PICTURE = same("picture", TEXT, "path of the image's picture in the run folder; missing where none was drawn")
PROBABILITY, CLASS, COUNT, SECONDS = "probability, 0 to 1", "class, from 0", "count, from 0", "seconds, from 0"

PREAMBLE = (
    IMAGE,
    same("content", TEXT, "SHA-256 of the photograph's bytes; missing if it could not be read", "hexadecimal"),
    same("status", TEXT, "what became of the image: `ok`, or why there is no result"),
    same("reason", TEXT, "why it is not `ok`, where the status alone does not say it"),
    same("label", INTEGER, "true class, where the data set has labels", CLASS),
    same("predicted", INTEGER, "the class with the largest logit on the intact image", CLASS),
    same("target", INTEGER, "the class c that is explained, or tested", CLASS),
    same("p_full", NUMBER, "p(x), or p(all): the model's probability of c on the intact image", PROBABILITY),
    same("p_baseline", NUMBER, "p(b), or p of the empty set: that on the baseline alone", PROBABILITY),
)

SEARCH = (
    *PREAMBLE,
    same("grid", INTEGER, "patches a side", "patches, 2 to 16"),
    same(
        "sufficient",
        TEXT,
        "what a sufficient set keeps: ratio: p(S) / p(all) >= tau; top1: c the likeliest class; both",
    ),
    same("threshold", NUMBER, "tau: a set S of patches is sufficient when p(S) / p(all) >= tau", "ratio, 0 to 1"),
    same("found", INTEGER, "MSEs found with these options, never all there are; missing without a search", COUNT),
    same("diverse", INTEGER, "largest family found of MSEs that pairwise share at most max_overlap patches", COUNT),
    same("diverse_exact", TRUTH, "no larger family exists among the MSEs found; False: its search hit its bound"),
    same("min_size", INTEGER, "patches of the smallest MSE; missing without any", "patches, from 1"),
    same("stop_reason", TEXT, "why the search ended: exhausted, max-size, max-evaluations"),
    same("evaluations", INTEGER, "different patch sets evaluated, the full and the empty one included", COUNT),
    same("near_ties", INTEGER, "decisions that float noise could turn; images with 0 are the same anywhere", COUNT),
    PICTURE,
    same("seconds", NUMBER, "time from decoding to the last evaluation; images overlap, so these are no sum", SECONDS),
)


def _estimated(name: str, type: str, field: str, definition: str, unit: str = "") -> Column:
    return Column(name, type, f"estimate.{field}", f"with --estimate: {definition}", unit)


def _estimated_count(name: str, field: str, definition: str) -> tuple[Column, ...]:
    return (
        _estimated(name, NUMBER, f"{field}.value", definition, "count"),
        _estimated(f"{name}_se", NUMBER, f"{field}.se", f"standard error of {name}", "count"),
        _estimated(f"{name}_low", NUMBER, f"{field}.low", "lower end of its 95 % interval", "count"),
        _estimated(f"{name}_high", NUMBER, f"{field}.high", "upper end of it", "count"),
    )


# docs/counting.md
ESTIMATES = (
    *_estimated_count("one_minimal", "one_minimal", "reachable 1-minimal sets that there are, found or not"),
    *_estimated_count("mse_count", "mses", "MSEs of at most mse_count_up_to patches that there are, found or not"),
    _estimated("mse_count_up_to", INTEGER, "up_to", "patches of the largest MSEs that are counted", "patches"),
    _estimated("mse_mean_size", NUMBER, "mean_size", "mean size of all these MSEs", "patches"),
    _estimated("patch_share", LIST, "patch_share", "of each patch, the share of these MSEs that hold it", "0 to 1"),
    _estimated("exact_up_to", INTEGER, "exact_up_to", "all sets of up to so many patches were counted", "patches"),
    _estimated("trusted", TRUTH, "trusted", "whether the numbers are to be trusted, by the rule of docs/counting.md"),
    _estimated("units", INTEGER, "units", "random units", COUNT),
    _estimated("capped", INTEGER, "capped", "units that --max-orders ended; above 0: a lower bound", COUNT),
    _estimated("coverage", NUMBER, "coverage", "share of one_minimal that is known set by set", "0 to 1"),
    _estimated("effective_sample", NUMBER, "effective_sample_size", "(sum w)^2 / sum w^2 of what units found", COUNT),
    _estimated(
        "non_monotone_share",
        NUMBER,
        "non_monotone_share",
        "of added patches, those that made a set insufficient",
        "0 to 1",
    ),
    _estimated("estimate_evaluations", INTEGER, "evaluations", "different sets that the estimate asked for", COUNT),
    _estimated("estimate_seed", INTEGER, "seed", "seed of the random units", "from 0"),
)
MSES_BY_SIZE = (
    IMAGE,
    Column("size", INTEGER, "", "patches of the MSEs", "patches, from 1"),
    _estimated(
        "mse_count", NUMBER, "by_size.*", "MSEs with so many patches; their sum is mse_count of the image", "count"
    ),
)

DISTINCT = "sets that removals lead to, one patch at a time, and that keep node_threshold; MSEs are among them"
ORDERS = "deletion orders that lead from an MSE to one of these sets; rounded above 2^53, missing above 1.8e308"
LOGARITHM = "logarithm of tree_nodes to base 10; missing for 0"
TRUNCATED = "max_nodes left something out: the counts are lower bounds"

MSES = (
    IMAGE,
    Column("mse", INTEGER, "", "place among the image's MSEs, which are sorted by size, then by patches", "from 0"),
    Column("patches", LIST, "mses[].patches", "the set: ascending patch indices, row * grid + column", "tuple, from 0"),
    Column("size", INTEGER, "", "patches of the MSE", "patches, from 1"),
    Column("p", NUMBER, "mses[].p", "p(S): probability of the target when only these patches are shown", PROBABILITY),
    Column("ratio", NUMBER, "mses[].ratio", "p(S) / p(all); may exceed 1", "ratio, from 0"),
    Column("keeps_top1", TRUTH, "mses[].keeps_top1", "no class has a larger p than the target on what is shown"),
    Column(
        "certificate",
        TEXT,
        "mses[].certificate",
        "what was evaluated and is insufficient. all-subsets: every proper subset; single-removal: every subset with "
        "one patch less",
    ),
    Column(
        "checked_depth",
        INTEGER,
        "mses[].checked_depth",
        "all subsets with up to this many patches removed were evaluated and are insufficient",
        "patches, from 1",
    ),
    Column("is_diverse", TRUTH, "diverse_members[]", "is a member of the image's diverse family"),
)

COUNTED = (
    Column("distinct", INTEGER, "mses[].sub_explanations.distinct", f"of this MSE alone: {DISTINCT}", COUNT),
    Column("tree_nodes", NUMBER, "mses[].sub_explanations.tree_nodes", f"of this MSE alone: {ORDERS}", COUNT),
    Column("log10_tree_nodes", NUMBER, "mses[].sub_explanations.log10_tree_nodes", LOGARITHM, "log10 of a count"),
    Column("truncated", TRUTH, "mses[].sub_explanations.truncated", TRUNCATED),
)


def _of_image(name: str, type: str, definition: str, unit: str = "", field: str = "") -> Column:
    return Column(name, type, f"sub_explanations.{field or name}", definition, unit)


ESTIMATE = "Knuth's estimate of the unbounded {}, with --probe N"
SUB_EXPLANATIONS = (
    IMAGE,
    _of_image("distinct", INTEGER, f"over all MSEs of the image: {DISTINCT}", COUNT),
    _of_image("tree_nodes", NUMBER, f"over all MSEs of the image: {ORDERS}", COUNT),
    _of_image("log10_tree_nodes", NUMBER, LOGARITHM, "log10 of a count"),
    _of_image("truncated", TRUTH, TRUNCATED),
    _of_image("node_threshold", NUMBER, "a set counts when its ratio is at least this", "ratio, 0 to 1"),
    _of_image("distinct_per_mse", NUMBER, "mean over the MSEs of `distinct` of each alone", COUNT, "per_mse.distinct"),
    _of_image(
        "tree_nodes_per_mse", NUMBER, "mean over the MSEs of `tree_nodes` of each alone", COUNT, "per_mse.tree_nodes"
    ),
    _of_image(
        "log10_tree_nodes_per_mse",
        NUMBER,
        "logarithm of tree_nodes_per_mse to base 10",
        "log10 of a count",
        "per_mse.log10_tree_nodes",
    ),
    _of_image("evaluations", INTEGER, "sets that counting had to show to the model", COUNT),
    _of_image("saved", INTEGER, "sets that counting asked for and that were known", COUNT),
    _of_image("estimated_tree_nodes", NUMBER, ESTIMATE.format("tree_nodes"), COUNT, "estimate.tree_nodes"),
    _of_image(
        "estimated_log10_tree_nodes",
        NUMBER,
        ESTIMATE.format("log10_tree_nodes"),
        "log10 of a count",
        "estimate.log10_tree_nodes",
    ),
    _of_image(
        "estimate_standard_error",
        NUMBER,
        "standard error of estimated_tree_nodes; missing for one probe",
        COUNT,
        "estimate.standard_error",
    ),
    _of_image("probes", INTEGER, "probes of the estimate", "count, from 1", "estimate.probes"),
    _of_image("estimate_evaluations", INTEGER, "sets that the probes had to show", COUNT, "estimate.evaluations"),
    _of_image("estimate_saved", INTEGER, "sets that the probes asked for and that were known", COUNT, "estimate.saved"),
    Column("graph", TEXT, "graph", "path of the graph's DOT file in the run folder; missing where none was drawn"),
)

BY_SIZE = (
    IMAGE,
    Column("mse", INTEGER, "", "place of the MSE in `mses`; missing: all MSEs of the image together", "from 0"),
    Column("size", INTEGER, "", "patches of the counted sets", "patches, from 1"),
    Column("distinct", INTEGER, "sub_explanations.by_size.*.distinct", "different counted sets of this size", COUNT),
    Column(
        "tree_nodes",
        NUMBER,
        "sub_explanations.by_size.*.tree_nodes",
        "deletion orders that lead to them; rounded above 2^53, missing above 1.8e308",
        COUNT,
    ),
)

AREA = "area, about 0 to 1"
NORMALISED = (
    "`normalised`: trapezoid under (p_t - p(b)) / (p(x) - p(b)), not clipped; `reference`: score of the iGOS++ code"
)
SALIENCY_RECORDS = (
    *PREAMBLE,
    same("method", TEXT, "how the map was made: igos++, igos+, igos, gradcam, rise"),
    same("size", INTEGER, "the map has size x size cells", "cells, from 2"),
    same("map", TEXT, "path of the map in the run folder (NPY, float32, size x size)"),
    same("metric", TEXT, "what insertion and deletion are: normalised or reference"),
    Column("insertion", NUMBER, "insertion.auc", f"insertion AUC, higher is better. {NORMALISED}", AREA),
    Column("deletion", NUMBER, "deletion.auc", f"deletion AUC, lower is better. {NORMALISED}", AREA),
    same("undefined", TEXT, "why there are no scores. gap: p_full is hardly above p_baseline"),
    same("forward", INTEGER, "masked images through the model, the image itself and the curves included", COUNT),
    same("backward", INTEGER, "how many of them went back through it", COUNT),
    same("iterations", INTEGER, "steps of the optimiser; 0 for a method without one", COUNT),
    same("stop_reason", TEXT, "why the optimiser ended. iterations: all were made"),
    same("near_ties", INTEGER, "decisions that float noise could turn", COUNT),
    Column(
        "repeats",
        LIST,
        "repeats.maps",
        "paths of further maps of other random numbers; missing without them",
        "tuple",
    ),
    Column(
        "rank_correlation",
        NUMBER,
        "repeats.rank_correlation",
        "Spearman's correlation of the image's maps, mean over pairs of them; missing without --repeats",
        "correlation, -1 to 1",
    ),
    Column(
        "top_overlap",
        NUMBER,
        "repeats.top_overlap",
        "share of the most important tenth of the cells that two of the maps have in common, mean over pairs",
        "share, 0 to 1",
    ),
    PICTURE,
    same("seconds", NUMBER, "time from decoding to the last evaluation; images overlap, so these are no sum", SECONDS),
)

SOURCE = same("source", TEXT, "name of the model whose map reveals the image")
TESTED = same("model", TEXT, "name of the model that is tested")
CROSSTEST_RECORDS = (
    *PREAMBLE,
    SOURCE,
    same("model", TEXT, "name of the model that is tested: predicted, p_full and p_baseline are its"),
    same("outside", NUMBER, "share of the area of the tested model's crop outside the source's", "share, 0 to 1"),
    same("auc", NUMBER, "insertion AUC of `model` under the map of `source`; missing unless ok", AREA),
    PICTURE,
)

SETS = "count of sets"
SHOWN_SOURCE = same("source", TEXT, "name of the model whose MSEs are shown")
SHOWN_TO = same("model", TEXT, "name of the model that is shown them")
SHOWN_RECORDS = (
    *PREAMBLE,
    SHOWN_SOURCE,
    same("model", TEXT, "name of the model that is shown them: predicted, p_full and p_baseline are its"),
    same("outside", NUMBER, "share of the area of the tested model's crop outside the source's", "share, 0 to 1"),
    Column("threshold", NUMBER, "sets.threshold", "tau of the run that found the MSEs", "ratio, 0 to 1"),
    Column("sufficient", INTEGER, "sets.sufficient", "MSEs shown that are sufficient for `model`, too", SETS),
    Column("smallest", INTEGER, "sets.smallest", "MSEs shown that have the fewest patches", SETS),
    Column("smallest_sufficient", INTEGER, "sets.smallest_sufficient", "of these, sufficient for `model`, too", SETS),
    Column("other_image", TEXT, "sets.other_image", "image whose MSEs are the control; missing without one"),
    PICTURE,
)
SHOWN_SETS = (
    IMAGE,
    SHOWN_SOURCE,
    SHOWN_TO,
    Column("what", TEXT, "", "mse; random: a random set of as many patches; other: an MSE of `other_image`"),
    Column("mse", INTEGER, "sets.shown", "place of the MSE in the source's record; missing for other", "from 0"),
    Column("smallest", TRUTH, "", "it is, or stands beside, one of the smallest MSEs; missing for other"),
    Column("ratio", NUMBER, "sets.ratios", "p(S) / p(all) of `model`", "ratio, from 0"),
    Column("sufficient", TRUTH, "", "ratio >= threshold"),
)

# Tables with an index: its levels are columns here. `share` stands for the columns of the table.
SHARE = Column("share", NUMBER, "", "columns: share of the map's cells that are shown (deletion: hidden)", "0 to 1")
SALIENCY_CURVES = (
    IMAGE,
    Column("curve", TEXT, "", "insertion, or deletion"),
    SHARE,
    Column(
        "value",
        NUMBER,
        "insertion.curve",
        "cells. `normalised`: (p_t - p(b)) / (p(x) - p(b)), p_t the probability at this share; `reference`: p_t",
    ),
)
CROSSTEST_CURVES = (
    IMAGE,
    SOURCE,
    TESTED,
    SHARE,
    Column(
        "value", NUMBER, "curve", "cells: (p_t - p(b)) / (p(x) - p(b)), p_t the probability of `model` at this share"
    ),
)
OBJECTIVE = (
    IMAGE,
    Column("iteration", INTEGER, "", "step of the optimiser", "from 0"),
    Column(
        "part", TEXT, "objective.*", "deletion, insertion: sums of D, of I; l1, tv: without weights; step: its length"
    ),
    Column("value", NUMBER, "", "the part before this iteration's step; of `step` the step then taken"),
)


STATISTICS = (
    Column("n", INTEGER, "n", "images that have the quantity", COUNT),
    Column("mean", NUMBER, "mean", "mean over these images"),
    Column("median", NUMBER, "median", "median over them"),
    Column("standard_deviation", NUMBER, "standard_deviation", "of the sample (n - 1); missing for n < 2"),
    Column("low", NUMBER, "low", "lower end of the mean's 95 % bootstrap interval; missing until the run is complete"),
    Column("high", NUMBER, "high", "upper end of it"),
)
QUANTITIES = (
    Column(
        "quantity",
        TEXT,
        "",
        "column of `records` or `sub_explanations`, over the images with status ok (counts: not truncated ones; "
        "truncated_...: truncated ones). insertion_minus_deletion: higher is better. "
        "mean_mse_size, keeps_top1: an image's mean over its MSEs. "
        "sub_evaluations, saved: probes included",
    ),
    *STATISTICS,
)

FAMILY = same("family", TEXT, "family of the model, as its card says")
PAIRS = (
    SOURCE,
    TESTED,
    *STATISTICS,
    same("undefined", INTEGER, "images for which the pair is undefined", COUNT),
)
MATRIX = (
    SOURCE,
    Column("model", TEXT, "", "columns: name of the model that is tested"),
    Column("value", NUMBER, "", "cells: mean insertion AUC of `model` under the maps of `source`", AREA),
)
SHOWN_QUANTITIES = (
    "sufficient",
    "ratio",
    "median_ratio",
    "smallest_sufficient",
    "smallest_ratio",
    "smallest_median_ratio",
    "random_sufficient",
    "random_ratio",
    "other_sufficient",
    "other_ratio",
)
SHOWN_QUANTITY = (
    Column("photographs", TEXT, "", "all; both_right: those of which both models predict the label"),
    Column(
        "quantity",
        TEXT,
        "",
        "of an image's sets: sufficient (share), ratio (mean), median_ratio; smallest_: of the smallest MSEs; "
        "random_, other_: of the controls",
    ),
)
SHOWN_PAIRS = (
    SHOWN_SOURCE,
    SHOWN_TO,
    *SHOWN_QUANTITY,
    *STATISTICS,
    same("undefined", INTEGER, "images for which the pair is undefined", COUNT),
)
SHOWN_MATRIX = (
    SHOWN_SOURCE,
    Column("model", TEXT, "", "columns: name of the model that is shown the sets"),
    Column("value", NUMBER, "", "cells: mean share of the MSEs of `source` sufficient for `model`", "share, 0 to 1"),
)
SHOWN_FAMILY_PAIRS = (
    same("source_family", TEXT, "family of the models whose MSEs are shown"),
    same("target_family", TEXT, "family of the models that are shown them"),
    same("pairs", INTEGER, "ordered pairs of different models", COUNT),
    same("self_test", TRUTH, "a family of one and itself: its model's test of itself"),
    *SHOWN_QUANTITY,
    *STATISTICS,
)
SHOWN_FAMILY_MATRIX = (
    SHOWN_FAMILY_PAIRS[0],
    Column("target_family", TEXT, "", "columns: family of the models that are shown the sets"),
    Column("value", NUMBER, "", "cells: mean share of MSEs that are sufficient", "share, 0 to 1"),
)
FAMILY_PAIRS = (
    same("source_family", TEXT, "family of the models whose maps reveal the images"),
    same("target_family", TEXT, "family of the models that are tested"),
    same("pairs", INTEGER, "ordered pairs of different models", COUNT),
    same("mean", NUMBER, "mean AUC over these pairs; of a self-test the model's on its own maps", AREA),
    same("self_test", TRUTH, "a family of one and itself: its model's test of itself"),
)
FAMILY_MATRIX = (
    FAMILY_PAIRS[0],
    Column("target_family", TEXT, "", "columns: family of the models that are tested"),
    Column("value", NUMBER, "", "cells: `mean` of family_pairs", AREA),
)


def _side(name: str, definition: str) -> tuple[Column, ...]:
    unit = "area, about -1 to 1"
    return (
        Column(name, NUMBER, f"{name}.mean", f"mean over the images of {definition}", unit),
        Column(f"{name}_low", NUMBER, f"{name}.low", "lower end of its 95 % interval", unit),
        Column(f"{name}_high", NUMBER, f"{name}.high", "upper end of it", unit),
    )


ASYMMETRY = (
    same("model", TEXT, "name of the model"),
    FAMILY,
    *_side("as_source", "the mean AUC of the other models under its maps: do others use what it looks at"),
    *_side("as_target", "its mean AUC under the other models' maps: does it use what others look at"),
    *_side("difference", "as_source - as_target"),
    Column("n", INTEGER, "difference.n", "images that have the difference", COUNT),
)
LANDSCAPE = (
    same("model", TEXT, "name of the model"),
    FAMILY,
    *(
        Column(f"{method}_{axis + 1}", NUMBER, f"{method}.{axis}", f"place on axis {axis + 1} of {title}", "AUC")
        for method, title in (("kernel_pca", "kernel PCA"), ("mds", "classical MDS of the models' distances"))
        for axis in range(2)
    ),
)
ENSEMBLES = (
    Column("members", LIST, "members", "names of the models whose softmax is averaged", "tuple"),
    Column("size", INTEGER, "", "number of members", "models, 1 to 3"),
    same("relation", TEXT, "single; within: all members of one family; across: of several"),
    Column("n", INTEGER, "top1.n", "images of the data set that every model was shown", COUNT),
    Column("top1", NUMBER, "top1.share", "top-1 accuracy of the averaged softmax", "share, 0 to 1"),
    Column("top5", NUMBER, "top5.share", "top-5 accuracy", "share, 0 to 1"),
    same("gain_over_best", NUMBER, "top-1 less that of the best member", "share, -1 to 1"),
    same("gain_over_mean", NUMBER, "top-1 less the mean of the members' top-1", "share, -1 to 1"),
)
MODELS = (
    Column("model", TEXT, "name", "name of the model"),
    FAMILY,
    same("sha256", TEXT, "SHA-256 of the model's .pt file", "hexadecimal"),
    Column("n", INTEGER, "top1.n", "labelled images that the model was shown; missing without labels", COUNT),
    Column("top1", NUMBER, "top1.share", "top-1 accuracy", "share, 0 to 1"),
    Column("top5", NUMBER, "top5.share", "top-5 accuracy", "share, 0 to 1"),
)


@dataclass(frozen=True)
class Table:
    """What a table is, one row of it, and its columns by kind of run."""

    title: str
    row: str
    columns: dict[str, tuple[Column, ...]]


TABLES: dict[str, Table] = {
    "records": Table(
        "what became of each image",
        "an image; of xai-crosstest an image, source and tested model",
        {
            MSE: (*SEARCH, *ESTIMATES),
            SUBEXP: SEARCH,
            SALIENCY: SALIENCY_RECORDS,
            CROSSTEST: CROSSTEST_RECORDS,
            SHOWN: SHOWN_RECORDS,
        },
    ),
    "mses": Table(
        "minimal sufficient explanations; of xai-subexp with what each alone can lose",
        "an MSE of an image",
        {MSE: MSES, SUBEXP: (*MSES, *COUNTED)},
    ),
    "shown_sets": Table("what models say of each other's MSEs", "a set shown to a model", {SHOWN: SHOWN_SETS}),
    "sub_explanations": Table(
        "sub-explanations: what the MSEs of an image can lose", "an image with a search", {SUBEXP: SUB_EXPLANATIONS}
    ),
    "by_size": Table(
        "sub-explanations, or all MSEs as estimated, by their number of patches",
        "a size, of an image or MSE",
        {MSE: MSES_BY_SIZE, SUBEXP: BY_SIZE},
    ),
    "curves": Table(
        "insertion and deletion curves; the index says whose",
        "a curve",
        {SALIENCY: SALIENCY_CURVES, CROSSTEST: CROSSTEST_CURVES},
    ),
    "objective": Table("how the optimiser went", "a part of the objective in an iteration", {SALIENCY: OBJECTIVE}),
    "statistics": Table("summary of the run", "a quantity", dict.fromkeys((*KINDS, SHOWN), QUANTITIES)),
    "pairs": Table(
        "AUC of each model under the maps of each; or what each says of the MSEs of each",
        "an ordered pair of models (and a group of images and a quantity)",
        {CROSSTEST: PAIRS, SHOWN: SHOWN_PAIRS},
    ),
    "matrix": Table(
        "`mean` of `pairs` as a square (of `sufficient`, all photographs)",
        "a source",
        {CROSSTEST: MATRIX, SHOWN: SHOWN_MATRIX},
    ),
    "family_pairs": Table(
        "the same by family", "an ordered pair of families", {CROSSTEST: FAMILY_PAIRS, SHOWN: SHOWN_FAMILY_PAIRS}
    ),
    "family_matrix": Table(
        "`mean` of `family_pairs` as a square",
        "a source family",
        {CROSSTEST: FAMILY_MATRIX, SHOWN: SHOWN_FAMILY_MATRIX},
    ),
    "asymmetry": Table("how models look for others, and others for them", "a model", {CROSSTEST: ASYMMETRY}),
    "landscape": Table("places of the models by their matrix", "a model", {CROSSTEST: LANDSCAPE}),
    "ensembles": Table("averaged models", "a set of models", dict.fromkeys(CROSS, ENSEMBLES)),
    "models": Table("accuracy of the models", "a model", dict.fromkeys(CROSS, MODELS)),
}

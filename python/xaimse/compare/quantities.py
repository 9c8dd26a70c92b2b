"""What is compared: each quantity's definition, and the words in which a difference of it is said.

N photographs; a quantity is a number of a photograph. Definitions: docs/compare.md.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    name: str
    definition: str
    """With unit and range."""
    same: str
    """What two models have the same of, where no photograph tells them apart."""
    claim: str
    """A difference in words; {a}, {b}: the models, {by}: how much, {more}: one of `words`."""
    words: tuple[str, str] = ("more", "fewer")
    better: str = ""
    """Which direction is better, for scores."""
    seen: str = "explain"
    """What both models do with the photographs."""


def _score(name: str, definition: str, better: str) -> Quantity:
    claim = f"the {name} AUC ({better} is better) of {{a}} is {{by}}{{more}} than that of {{b}}"
    return Quantity(name, definition, f"{name} AUC", claim, ("higher", "lower"), better)


def _share(name: str, definition: str, what: str) -> Quantity:
    claim = f"the share of its MSEs that {what} is {{by}}{{more}} for {{a}} than for {{b}}"
    return Quantity(name, definition, f"share of MSEs that {what}", claim, ("higher", "lower"))


def _cross(name: str, definition: str, what: str) -> Quantity:
    claim = f"the {what} (higher is better) is {{by}}{{more}} for {{a}} than for {{b}}"
    return Quantity(name, definition, what, claim, ("higher", "lower"), "higher", seen="are tested on")


FOUND, SMALLEST, MEAN_SIZE = "found", "min_size", "mean_mse_size"
CERTIFIED, KEEPS_TOP1, PER_MSE = "certified", "keeps_top1", "distinct_per_mse"
ENTROPY, CENTRE = "patch_entropy", "centre_distance"
BOTH_SCORES = "insertion_minus_deletion"
OWN, AS_SOURCE, AS_TARGET = "auc_own", "auc_as_source", "auc_as_target"

QUANTITIES = {
    quantity.name: quantity
    for quantity in (
        Quantity(
            FOUND,
            "MSEs found with these options [count, from 0]",
            "number of MSEs",
            "{a} has {by}{more} MSEs than {b}",
        ),
        Quantity(
            "diverse",
            "largest family found of MSEs that pairwise share at most max_overlap patches [count, from 0]",
            "number of diverse MSEs",
            "{a} has {by}{more} diverse MSEs than {b}",
        ),
        Quantity(
            SMALLEST,
            "patches of the smallest MSE [patches, from 1]",
            "size of the smallest MSE",
            "the smallest MSE of {a} has {by}{more} patches than that of {b}",
        ),
        Quantity(
            MEAN_SIZE,
            "mean number of patches of the photograph's MSEs [patches, from 1]",
            "mean size of MSEs",
            "the MSEs of {a} have {by}{more} patches than those of {b}",
        ),
        _share(CERTIFIED, "share of the MSEs with the certificate all-subsets [0 to 1]", "all subsets certify"),
        _share(KEEPS_TOP1, "share of the MSEs that keep the class on top [0 to 1]", "keep the class on top"),
        Quantity(
            PER_MSE,
            "mean over the MSEs of the sub-explanations of each alone [count, from 0]",
            "number of sub-explanations of an MSE",
            "an MSE of {a} has {by}{more} sub-explanations than one of {b}",
        ),
        _score("insertion", "insertion AUC, higher is better [area, about 0 to 1]", "higher"),
        _score("deletion", "deletion AUC, lower is better [area, about 0 to 1]", "lower"),
        Quantity(
            BOTH_SCORES,
            "insertion AUC less deletion AUC, higher is better [area, about -1 to 1]",
            "insertion AUC less deletion AUC",
            "the insertion AUC less the deletion AUC (higher is better) of {a} is {by}{more} than that of {b}",
            ("higher", "lower"),
            "higher",
        ),
        Quantity(
            ENTROPY,
            "entropy of the patches in the MSEs, as often as they are in one [bits, 0 to log2 of the patches]",
            "entropy of the patches used",
            "the patches that MSEs of {a} use are spread over {by}{more} bits than those of {b}",
        ),
        Quantity(
            CENTRE,
            "mean distance of the patches that the MSEs use from the centre of the crop [sides of it, 0 to 0.71]",
            "distance from the centre",
            "the patches that MSEs of {a} use lie {by}{more} the centre than those of {b} (in sides of the crop)",
            ("farther from", "nearer to"),
        ),
        _cross(OWN, "insertion AUC under the model's own map, higher is better [area]", "AUC under its own maps"),
        _cross(
            AS_SOURCE,
            "mean insertion AUC of the other models under its map, higher is better [area]",
            "AUC of other models under its maps",
        ),
        _cross(
            AS_TARGET,
            "mean insertion AUC of the model under the others' maps, higher is better [area]",
            "AUC under other models' maps",
        ),
    )
}


@dataclass(frozen=True)
class Overlap:
    name: str
    definition: str
    subject: str
    """What overlaps or lies apart, in a sentence; {a} and {b}: the models."""
    words: tuple[str, str]
    """Of a value above and one below chance."""


USED, SMALLEST_SETS, NEAREST = "jaccard_used", "jaccard_smallest", "hamming_nearest"
OVERLAPS = {
    overlap.name: overlap
    for overlap in (
        Overlap(
            USED,
            "patches that MSEs of both use, of those that MSEs of either use [Jaccard, 0 to 1; 1: the same]",
            "the patches that {a} and {b} use overlap",
            ("more", "less"),
        ),
        Overlap(
            SMALLEST_SETS,
            "the same of a smallest set of each, mean over all pairs of them [Jaccard, 0 to 1; 1: the same]",
            "the smallest MSEs of {a} and {b} overlap",
            ("more", "less"),
        ),
        Overlap(
            NEAREST,
            "patches in which an MSE differs from the nearest of equally many of the other's, mean over both [patches; "
            "0: the same]",
            "the MSEs of {a} and {b} differ from the nearest of the other's in",
            ("more patches", "fewer patches"),
        ),
    )
}

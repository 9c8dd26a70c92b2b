"""The tables of a comparison: their columns, and the kinds of photographs that their lines are over."""

ALL, BOTH_RIGHT, ONE_RIGHT, SAME_CLASS, TRUNCATED = PHOTOGRAPHS = (
    "all",
    "both-right",
    "one-right",
    "same-class",
    "truncated",
)
"""TRUNCATED: with counts of sub-explanations that are lower bounds, and that are in no other line of them."""

MODEL = "model"
VARY = ("baseline", "mask", "grid", "threshold", MODEL, "seed")
"""What runs may differ in."""

_TESTED = ("low", "high", "p", "p_holm", "holm_over", "reason", "says")
TABLES = {
    "models": (
        *("quantity", "photographs", "model", "family", "n", "mean", "median", "standard_deviation", "low", "high"),
        "better",
    ),
    "pairs": (
        *("quantity", "photographs", "a", "b", "n", "mean_a", "mean_b", "difference", "median_difference"),
        *("a_higher", "b_higher"),
        *_TESTED,
    ),
    "overlaps": (
        *("overlap", "photographs", "a", "b", "n", "observed", "chance", "uniform", "shifts", "difference"),
        *_TESTED,
    ),
}
WHOLE_NUMBERS = {"n", "a_higher", "b_higher", "holm_over", "shifts"}
"""Columns of them."""

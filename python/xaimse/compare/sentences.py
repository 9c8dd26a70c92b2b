"""What a reader may say of a line, and where nothing may be said."""

import math
from typing import Any

from .quantities import Overlap, Quantity
from .statistics import ALL_ZERO
from .tables import ALL, BOTH_RIGHT, ONE_RIGHT, SAME_CLASS, TRUNCATED

Row = dict[str, Any]
LEVEL = 0.05
NOTHING = "nothing may be said"

WHICH = {
    ALL: "",
    BOTH_RIGHT: " and get right",
    ONE_RIGHT: " and only one gets right",
    SAME_CLASS: " as the same class",
    TRUNCATED: " and count in part only",
}


def of_difference(row: Row, quantity: Quantity, so_far: bool) -> str:
    """The sentence of a line of `pairs`."""
    where = _where(row, so_far, quantity.seen)
    if row["n"] == 0:
        return f"{where}, {NOTHING}: of none both have the {quantity.same}."
    if row["photographs"] == TRUNCATED:
        return f"{where}, {NOTHING}: the counts are lower bounds."
    if row["reason"] == ALL_ZERO:
        return f"{where}, {row['a']} and {row['b']} have the same {quantity.same} each time."
    more = quantity.words[row["difference"] < 0]
    both = " or ".join(quantity.words)
    return _said(
        row,
        where,
        _filled(quantity.claim, row, more, f"{_number(abs(row['difference']), row)} "),
        _filled(quantity.claim, row, both, ""),
        _interval(row, flip=row["difference"] < 0),
    )


def of_overlap(row: Row, overlap: Overlap, so_far: bool) -> str:
    """The sentence of a line of `overlaps`."""
    where = _where(row, so_far)
    if row["n"] == 0:
        return f"{where}, {NOTHING}: of none both have MSEs."
    if row["difference"] is None:
        return f"{where}, {NOTHING}: one photograph has no chance to compare with."
    if row["reason"] == ALL_ZERO:
        return f"{where}, {NOTHING}: each time it is what chance gives."
    subject = overlap.subject.format(a=row["a"], b=row["b"])
    values = f"{_plain(row['observed'])} against {_plain(row['chance'])} by chance"
    return _said(
        row,
        where,
        f"{subject} {overlap.words[row['difference'] < 0]} than by chance, {values}",
        f"{subject} {' or '.join(overlap.words)} than by chance, {values}",
        _interval(row),
    )


def _said(row: Row, where: str, claim: str, question: str, interval: str) -> str:
    """`claim` where test and interval agree on it."""
    p = row["p_holm"]
    low, high = row["low"], row["high"]
    tested = _tested(row)
    if p is None or low is None:
        return f"{where}, {NOTHING} of whether {question}: {_why(row)}."
    if p >= LEVEL:
        mean = f"mean difference {_number(row['difference'], row)}, "
        return f"{where}, {NOTHING} of whether {question} ({mean}{_interval(row)}; {tested})."
    if not (low > 0 or high < 0):
        mean = f"mean difference {_number(row['difference'], row)}, {_interval(row)}"
        return f"{where}, they differ ({tested}), but {NOTHING} of whether on average {question} ({mean})."
    if row["difference"] * (row.get("a_higher", 0) - row.get("b_higher", 0)) < 0:
        return f"{where}, they differ ({tested}), but {NOTHING} of whether {question}: mean and median disagree."
    return f"{where}, {claim} ({interval}; {tested})."


def _why(row: Row) -> str:
    reasons = {"too-few": "there are too few", "constant": "the difference never varies"}
    return reasons.get(row["reason"], "there are too few")


def _where(row: Row, so_far: bool, seen: str = "explain") -> str:
    n = row["n"]
    photographs = "photograph" if n == 1 else "photographs"
    return f"{'So far, on' if so_far else 'On'} {n or 'no'} {photographs} both {seen}{WHICH[row['photographs']]}"


def _filled(claim: str, row: Row, more: str, by: str) -> str:
    return claim.format(a=row["a"], b=row["b"], more=more, by=by)


def _interval(row: Row, flip: bool = False) -> str:
    """The interval, turned round where the sentence says by how much B has more."""
    low, high = (-row["high"], -row["low"]) if flip else (row["low"], row["high"])
    return f"95 % interval {_number(low, row)} to {_number(high, row)}"


def _tested(row: Row) -> str:
    return f"{_p(row['p_holm'])} after Holm over {row['holm_over']} pair{'s' if row['holm_over'] != 1 else ''}"


def _p(p: float | None) -> str:
    """As papers print it: p = .004, p = .62, p < .001."""
    if p is None:
        return "no p"
    if p < 0.001:
        return "p < .001"
    if p >= 0.995:
        return "p = 1"
    text = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    if p < LEVEL and float(text) >= LEVEL:
        text = f"{math.floor(p * 1e4) / 1e4:.4f}"
    return f"p = {text[1:]}"


def _number(value: float, row: Row) -> str:
    """With as many decimals as the interval is worth."""
    size = max(abs(end or 0) for end in (row["low"], row["high"], row["difference"]))
    decimals = 0 if size >= 100 else 1 if size >= 1 else 2 if size >= 0.1 else 3 if size >= 0.01 else 4
    text = f"{value:.{decimals}f}"
    return text[1:] if text.startswith("-") and not float(text) else text


def _plain(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"

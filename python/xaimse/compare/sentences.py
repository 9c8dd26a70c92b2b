"""What a reader may say of a line, and where nothing may be said."""

import math
from typing import Any

from .quantities import Overlap, Quantity
from .statistics import ALL_ZERO, CONSTANT
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
    names = {"a": row["a"], "b": row["b"]}
    fewer = row["difference"] < 0
    claim = quantity.claim.format(**names, more=quantity.words[fewer], by=f"{_number(abs(row['difference']), row)} ")
    question = quantity.claim.format(**names, more=" or ".join(quantity.words), by="")
    return _said(row, where, claim, question, turned=fewer)


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
    )


def _said(row: Row, where: str, claim: str, question: str, turned: bool = False) -> str:
    """`claim` where test and interval agree on it; `turned`: it says by how much A has less."""
    p, low, high = row["p_holm"], row["low"], row["high"]
    if p is None or low is None:
        why = "the difference never varies" if row["reason"] == CONSTANT else "there are too few"
        return f"{where}, {NOTHING} of whether {question}: {why}."
    tested = f"{_p(p)} after Holm over {row['holm_over']} pair{'s' if row['holm_over'] != 1 else ''}"
    mean = f"mean difference {_number(row['difference'], row)}, {_interval(low, high, row)}"
    if p >= LEVEL:
        return f"{where}, {NOTHING} of whether {question} ({mean}; {tested})."
    if not (low > 0 or high < 0):
        return f"{where}, they differ ({tested}), but {NOTHING} of whether on average {question} ({mean})."
    if row["difference"] * (row.get("a_higher", 0) - row.get("b_higher", 0)) < 0:
        return f"{where}, they differ ({tested}), but {NOTHING} of whether {question}: mean and median disagree."
    interval = _interval(-high, -low, row) if turned else _interval(low, high, row)
    return f"{where}, {claim} ({interval}; {tested})."


def _where(row: Row, so_far: bool, seen: str = "explain") -> str:
    n = row["n"]
    photographs = "photograph" if n == 1 else "photographs"
    return f"{'So far, on' if so_far else 'On'} {n or 'no'} {photographs} both {seen}{WHICH[row['photographs']]}"


def _interval(low: float, high: float, row: Row) -> str:
    return f"95 % interval {_number(low, row)} to {_number(high, row)}"


def _p(p: float) -> str:
    """As papers print it: p = .004, p = .62, p < .001."""
    if p < 0.001:
        return "p < .001"
    if p >= 0.995:
        return "p = 1"
    text = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    if p < LEVEL and float(text) >= LEVEL:
        text = f"{math.floor(round(p * 1e4, 6)) / 1e4:.4f}"
    return f"p = {text[1:]}"


def _number(value: float, row: Row) -> str:
    """With as many decimals as the interval is worth."""
    size = max(abs(end or 0) for end in (row["low"], row["high"], row["difference"]))
    decimals = 0 if size >= 100 else 1 if size >= 1 else 2 if size >= 0.1 else 3 if size >= 0.01 else 4
    text = f"{value:.{decimals}f}"
    return text[1:] if text.startswith("-") and not float(text) else text


def _plain(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"

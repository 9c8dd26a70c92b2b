"""What the page is made of: sections of tables and figures, as data for the template."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..runs import listed
from .gathering import Gathered, Row

INTERVAL = "95 % of the mean, percentile bootstrap over photographs, as summary.json has it"


@dataclass(slots=True)
class Cell:
    text: str
    detail: str = ""
    """Behind it, small: the interval and n."""
    value: float | str | None = None
    """What the column is sorted by; None comes last."""
    link: str = ""
    heading: bool = False
    numeric: bool = False
    shade: float | None = None
    """0 to 1: of the cell's ground."""


@dataclass
class Column:
    title: str
    definition: str = ""
    numeric: bool = False


@dataclass
class Table:
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]
    note: str = ""
    name: str = ""
    """For links and tests."""
    folded: bool = False
    kind: str = "table"


@dataclass
class Told:
    """What stands under a figure."""

    definition: str
    n: str
    interval: str
    options: str
    runs: list[tuple[str, str, str]]
    """Name, command and hashes."""


@dataclass
class Figure:
    name: str
    """Of its files, and its place on the page."""
    title: str
    svg: str
    alt: str
    told: Told
    files: list[tuple[str, str]]
    """What they are, and where."""
    kind: str = "figure"


@dataclass
class Sentences:
    title: str
    lines: list[str]
    note: str = ""
    kind: str = "sentences"


@dataclass
class Pictures:
    """Pictures that runs drew, as they are."""

    pictures: list[tuple[str, str, str]]
    """Data address, alternative text, and what stands below."""
    left_out: list[tuple[str, str]]
    """Names and addresses of those that would make the page too large."""
    kind: str = "pictures"


Block = Table | Figure | Sentences | Pictures


@dataclass
class Section:
    name: str
    title: str
    text: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


# --- cells


def number(value: Any) -> str:
    """A number as the page shows it: four digits."""
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def plain(text: object, link: str = "") -> Cell:
    return Cell(str(text), value=str(text), link=link)


def heading(text: object, link: str = "") -> Cell:
    return Cell(str(text), value=str(text), heading=True, link=link)


def counted(value: float | int | None, shade: float | None = None) -> Cell:
    return Cell(number(value), value=value, numeric=True, shade=shade)


def statistic(of: Row | None, shade: float | None = None) -> Cell:
    """A mean with its interval and n."""
    if not of or of.get("mean") is None:
        return Cell("–", value=None, numeric=True)
    return Cell(number(float(of["mean"])), interval(of), float(of["mean"]), numeric=True, shade=shade)


def interval(of: Row) -> str:
    ends = f"{number(of['low'])} to {number(of['high'])},\n" if of.get("low") is not None else ""
    return f"{ends}n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{of['n']}"


# --- what stands under figures


def told(runs: Sequence[Gathered], definition: str, n: str, ends: str = INTERVAL) -> Told:
    return Told(definition, n, ends, common_options(runs), [provenance(run) for run in runs])


def provenance(run: Gathered) -> tuple[str, str, str]:
    models = ", ".join(f"{card.get('name', '?')} {card.get('sha256', '?')}" for card in run.run.cards)
    return run.name, command(run), f"model {models or 'unknown'}; data {data_hash(run)}"


def command(run: Gathered) -> str:
    return shlex.join(map(str, run.info.get("command") or [])) or "not recorded"


def data_hash(run: Gathered) -> str:
    return str((run.info.get("data") or {}).get("sha256") or "not recorded")


def settings(run: Gathered) -> Row:
    """Options that can change a record."""
    return (run.info.get("identity") or {}).get("options") or {}


def common_options(runs: Sequence[Gathered]) -> str:
    """ "grid 7, threshold 0.9"; of those that differ, the names."""
    every = [settings(run) for run in runs]
    names = dict.fromkeys(name for of in every for name in of)
    alike = [name for name in names if all(of.get(name) == every[0].get(name) for of in every)]
    unlike = [name for name in names if name not in alike]
    text = ", ".join(f"{name} {shown(every[0][name])}" for name in alike) or "not recorded"
    return text + (f"; the runs differ in {listed(unlike)}" if unlike else "")


def shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None or value == "" else str(value).lower() if isinstance(value, bool) else str(value)


def span(counts: Iterable[int]) -> str:
    """ "4", or "3 to 4"."""
    several = sorted(set(counts))
    return "0" if not several else str(several[0]) if len(several) == 1 else f"{several[0]} to {several[-1]}"

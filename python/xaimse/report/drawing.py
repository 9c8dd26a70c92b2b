"""Figures by matplotlib: SVG for the page, PNG and PDF for a paper beside it."""

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import matplotlib

matplotlib.use("agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from .._files import write_whole
from .parts import Figure, Told

WIDTH = 3.3  # inches: a column of a paper
INK = "#1b1c22"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito's
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
STYLE: dict[str, Any] = {
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "hatch.linewidth": 0.5,
    "hatch.color": INK,
    "text.parse_math": False,  # names are text
    "axes.unicode_minus": True,
    "figure.constrained_layout.use": True,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


class Easel:
    """Draws figures, and keeps their files in `folder`, beside the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def draw(
        self, name: str, title: str, alt: str, told: Told, paint: Callable[[Canvas], None], height: float
    ) -> Figure:
        """`paint` draws on a canvas of a column's width. `height` in inches."""
        with _style(name):
            canvas = Canvas(figsize=(WIDTH, height))
            paint(canvas)
            self.folder.mkdir(exist_ok=True)
            files = []
            for kind in ("png", "pdf"):
                file = io.BytesIO()
                metadata = {"CreationDate": None} if kind == "pdf" else None
                canvas.savefig(file, format=kind, dpi=300, metadata=metadata)
                path = self.folder / f"{name}.{kind}"
                write_whole(path, file.getvalue())
                files.append((kind.upper(), f"{quote(self.folder.name)}/{path.name}"))
            svg = io.StringIO()
            canvas.savefig(svg, format="svg", transparent=True, metadata=NO_METADATA)
        return Figure(name, title, inline(svg.getvalue()), alt, told, files)


@contextmanager
def _style(name: str) -> Iterator[None]:
    """`name` keeps the ids of one figure apart from those of another on the page."""
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": f"xai-report {name}"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # letters that the typeface lacks
        yield


def inline(svg: str) -> str:
    """The SVG as a part of HTML: without what stands before it, names of its groups, and a size in points; in the
    colour of the text around it."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg, count=2)
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg, count=1)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"<!--.*?-->|<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    return svg.replace(INK, "currentColor")


def colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def of_families(families: Sequence[str]) -> dict[str, int]:
    """A number for each family, which its colour, hatch and marker follow."""
    return {family: place for place, family in enumerate(dict.fromkeys(families))}


def rows_height(rows: int) -> float:
    """Of a figure with a line for each of so many models."""
    return 0.55 + 0.22 * max(rows, 2)


def label_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [shortened(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", color=INK, alpha=0.15, linewidth=0.5)
    axes.set_axisbelow(True)


def shortened(name: str, most: int = 22) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"

"""The photographs of the page: which they are, as pictures of modest size, and every model's sets drawn over them."""

import base64
import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy
from PIL import Image

from ..definitions import SALIENCY
from ..patches import borders
from ..results.maps import VIRIDIS, crop, photograph_of
from ..runs import RunError, class_name
from .gathering import Gathered, ImageRow, Row, of_kinds, with_sets
from .parts import Cell, Column, Table, heading, number

SIDE = 300
"""Pixels of an embedded photograph's longer side."""
UNITS = 100
"""Of a drawing's width."""
MOST_BYTES = 13_000_000
"""Of photographs with their drawings: what is beyond becomes rows of the table."""
MOST_SETS = 6
LEVELS = 10
"""Of the shares that a drawing of them tells apart."""
GREY = "The sets are drawn on grey: {}."


@dataclass
class Drawn:
    """Patches over the part of a photograph that a model sees."""

    path: str
    """Of SVG, in UNITS."""
    caption: str
    alt: str


@dataclass
class Panel:
    """What a model says of a photograph."""

    model: str
    family: str
    number: int
    """Of its model, for filters."""
    status: str
    explained: str
    facts: str
    link: str
    """Of the picture in the run folder, or else of the folder."""
    height: float = UNITS
    place: str = ""
    """Transformation that brings what the model sees of the photograph to the drawing."""
    grey: str = ""
    """Why there is no photograph below."""
    shares: list[Drawn] = field(default_factory=list)
    """One path for each level."""
    shares_alt: str = ""
    sets: list[Drawn] = field(default_factory=list)
    grid: str = ""
    """For hovering, as JSON: borders, number of sets and in how many each patch is."""
    map: str = ""
    """Data address of a map's picture."""
    map_box: tuple[float, float, float, float] = (0, 0, 0, 0)
    """Where it lies on the drawing: x, y, width, height."""


@dataclass
class Photograph:
    name: str
    number: int
    """Among the images, for filters."""
    data: str
    """Data address; none where it cannot be shown."""
    width: float
    height: float
    label: str
    """Name of the true class; none where the data set has no labels."""
    problem: str
    panels: list[Panel]


@dataclass
class Chosen:
    images: list[str]
    """All of them, in the order of their names."""
    shown: list[str]
    rule: str


@dataclass
class Shown:
    photographs: list[Photograph]
    rule: str
    others: Table | None
    data: Row
    """For filters: models, classes, statuses, and what each model says of each image."""
    note: str = ""


# --- which


def choose(runs: Sequence[Gathered], count: int) -> Chosen:
    """Evenly spread over the images that as many runs have as possible: all, as a rule."""
    sources = with_sets(runs) or of_kinds(runs, SALIENCY)
    have: dict[str, int] = {}
    for run in sources:
        for image in run.rows:
            have[image] = have.get(image, 0) + 1
    images = sorted(have, key=lambda name: name.encode(errors="surrogateescape"))
    most = max(have.values(), default=0)
    common = [image for image in images if have[image] == most]
    count = min(count, len(common))
    shown = [common[place * len(common) // count] for place in range(count)]
    of = "every run" if most == len(sources) else f"{most} of {len(sources)} runs"
    rule = (
        f"{len(shown)} of the {len(common)} images that {of} of {sources[0].kind} has a record of, in the order of "
        f"their names: those at the places floor(i × {len(common)} / {len(shown)}), i from 0, whatever became of them."
        if shown
        else "None was asked for."
        if common
        else "No run has images of which sets or maps could be shown."
    )
    return Chosen(images, shown, rule)


# --- all of it


def show(runs: Sequence[Gathered], chosen: Chosen, beside: Path) -> Shown:
    """`beside`: the folder of the page, from which links lead into the run folders."""
    sources = with_sets(runs)
    mapped = of_kinds(runs, SALIENCY)
    place = {image: number for number, image in enumerate(chosen.images)}
    photographs: list[Photograph] = []
    used = 0
    for image in chosen.shown:
        made = _photograph(image, place[image], sources, mapped, beside)
        used += _size(made)
        if used > MOST_BYTES:
            break
        photographs.append(made)
    shown = {photograph.name for photograph in photographs}
    note = (
        ""
        if len(shown) == len(chosen.shown)
        else (
            f"Only {len(shown)} of them are shown, so that the page stays under 20 MB; the others are rows of the "
            "table."
        )
    )
    others = [image for image in chosen.images if image not in shown]
    table = _others(others, sources or mapped, beside) if others else None
    return Shown(photographs, chosen.rule, table, _filters(sources or mapped, chosen.images), note)


def _size(photograph: Photograph) -> int:
    drawn = sum(len(of.path) + len(of.alt) + 200 for panel in photograph.panels for of in (*panel.shares, *panel.sets))
    return len(photograph.data) + drawn + sum(len(panel.map) + 1000 for panel in photograph.panels)


def _filters(sources: Sequence[Gathered], images: Sequence[str]) -> Row:
    classes: dict[str, int] = {}
    statuses: dict[str, int] = {}
    records = []
    for image in images:
        of_image = []
        for place, run in enumerate(sources):
            row = run.rows.get(image)
            if row:
                of_class = -1 if row.target is None else classes.setdefault(_class(run, row.target), len(classes))
                status = statuses.setdefault(row.status, len(statuses))
                of_image.append([place, of_class, status, -1 if row.min_size is None else row.min_size])
        records.append(of_image)
    return {
        "models": [run.name for run in sources],
        "classes": list(classes),
        "statuses": list(statuses),
        "records": records,
    }


# --- rows of the others


def _others(images: Sequence[str], sources: Sequence[Gathered], beside: Path) -> Table:
    maps = sources[0].kind == SALIENCY
    says = "insertion; deletion" if maps else "found; smallest"
    columns = [Column("image"), *(Column(f"{run.name}: {says}", numeric=True) for run in sources)]
    rows = [[heading(image), *(_cell_of_other(run, image, beside, maps) for run in sources)] for image in images]
    note = "What is underlined leads to the picture in the run folder, where the run drew one (--pictures)."
    caption = f"The other {len(images)} images"
    return Table(caption, columns, rows, note, "others", folded=len(images) > 30)


def _cell_of_other(run: Gathered, image: str, beside: Path, maps: bool) -> Cell:
    row = run.rows.get(image)
    if row is None:
        return Cell("no record")
    link = link_to(run, row.picture, beside)
    if row.status != "ok":
        return Cell(_status(row), link=link)
    first, second = (row.insertion, row.deletion) if maps else (row.found, row.min_size)
    return Cell(f"{number(first)}; {number(second)}", value=first, numeric=True, link=link)


def _status(row: ImageRow) -> str:
    return f"{row.status}: {row.reason}" if row.reason else row.status


def inside(run: Gathered, name: str | None) -> Path | None:
    """The file of this name in the run's folder; None where there is none, or the name leads out of it."""
    if not name:
        return None
    folder = run.folder.resolve()
    try:
        file = (folder / name).resolve()
        return file if file.is_relative_to(folder) and file.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def link_to(run: Gathered, name: str | None, beside: Path) -> str:
    """The relative address of a file of the run, "" where there is none."""
    return address(run.folder / str(name), beside) if inside(run, name) else ""


def address(path: Path, beside: Path) -> str:
    return quote(os.path.relpath(path, beside), errors="surrogateescape")


# --- one photograph


def _photograph(
    image: str, number: int, sources: Sequence[Gathered], mapped: Sequence[Gathered], beside: Path
) -> Photograph:
    records = [(run, run.run.record_at(run.rows[image].place)) for run in (*sources, *mapped) if image in run.rows]
    photo, content, problem = _found(image, records)
    size = photo.size if photo else (UNITS, UNITS)
    crops = [crop(size, run.card) if photo and run.card else (0.0, 0.0, *map(float, size)) for run, _ in records]
    left, top = max(0.0, min(box[0] for box in crops)), max(0.0, min(box[1] for box in crops))
    width, height = size[0] - 2 * left, size[1] - 2 * top
    panels = []
    for (run, record), box in zip(records, crops, strict=True):
        grey = "" if photo else problem
        if photo and record.get("content") != content:
            grey = "this run saw another photograph of this name, or could not read it"
        scale = UNITS / box[2]
        place = f"scale({scale:.5g}) translate({left - box[0]:.2f} {top - box[1]:.2f})"
        panel = _panel(run, record, sources, beside, UNITS * box[3] / box[2], place, grey)
        panels.append(panel)
    labels = [_class(run, record["label"]) for run, record in records if record.get("label") is not None]
    label = labels[0] if labels else ""
    data = _jpeg(photo.crop((round(left), round(top), round(left + width), round(top + height)))) if photo else ""
    return Photograph(image, number, data, round(width, 2), round(height, 2), label, problem, panels)


def _found(image: str, records: Sequence[tuple[Gathered, Row]]) -> tuple[Image.Image | None, str | None, str]:
    """The photograph as the first run saw it that can show it, its content, and why there is none."""
    problem = "no run could read it"
    for run, record in records:
        content = record.get("content")
        if not content:
            continue
        try:
            return photograph_of(run.run, image, str(content)), content, ""
        except (RunError, KeyError, TypeError, ValueError, Image.DecompressionBombError, SyntaxError) as error:
            problem = str(error) if isinstance(error, RunError) else f"{image} cannot be read: {error}"
    return None, None, problem


def _jpeg(picture: Image.Image) -> str:
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=82, optimize=True, comment=b"")
    return data_address("image/jpeg", file.getvalue())


def data_address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _class(run: Gathered, index: int) -> str:
    try:
        return class_name(run.info, index, "class ")
    except RunError:
        return f"class {index}"


def _panel(
    run: Gathered, record: Row, sources: Sequence[Gathered], beside: Path, height: float, place: str, grey: str
) -> Panel:
    row = run.rows[record["image"]]
    target = record.get("target")
    p = record.get("p_full")
    share = "" if p is None else f", p = {p:.2f}"
    panel = Panel(
        model=run.name,
        family=run.family,
        number=next((number for number, of in enumerate(sources) if of is run), -1),
        status=_status(row),
        explained=f"{_class(run, target)}{share}" if target is not None else "no class",
        facts="",
        link=link_to(run, row.picture, beside),
        height=round(height, 2),
        place=place,
        grey=GREY.format(grey) if grey else "",
    )
    if run.kind == SALIENCY:
        panel.facts = f"insertion {number(row.insertion)} (higher is better), deletion {number(row.deletion)} (lower)"
        _draw_map(panel, run, record)
    elif row.status == "ok":
        bound = "" if record.get("diverse_exact", True) else "at least "
        panel.facts = (
            f"found {number(row.found)}, diverse {bound}{number(row.diverse)}, smallest {number(row.min_size)}"
        )
        _draw_sets(panel, record, str(run.options.get("mask", "soft")), height)
    return panel


# --- sets


def _draw_sets(panel: Panel, record: Row, mask: str, height: float) -> None:
    mses, grid = record.get("mses") or [], int(record["grid"])
    if not mses:
        panel.facts += ": no MSE was found with this budget"
        return
    uses = numpy.bincount([patch for mse in mses for patch in mse["patches"]], minlength=grid * grid)
    side = 224  # pixels: borders of soft masks hardly depend on it
    xs, ys = ([round(scale * at, 2) for at in borders(side, grid, mask)] for scale in (UNITS, height))
    ends = [-1, *xs[1:-1], UNITS + 1], [-1, *ys[1:-1], height + 1]  # what is drawn covers the edge
    shares = uses / len(mses)
    for level in range(1, LEVELS + 1):
        patches = numpy.flatnonzero(numpy.ceil(shares * LEVELS - 1e-9) == level)
        if len(patches):
            panel.shares.append(Drawn(_path(patches.tolist(), grid, *ends), str(level), ""))
    most = numpy.argsort(-uses, kind="stable")[:5]
    panel.shares_alt = f"Patches that MSEs of {panel.model} use most: " + ", ".join(
        f"{patch} ({shares[patch]:.0%})" for patch in most if uses[patch]
    )
    panel.grid = json.dumps({"x": xs, "y": ys, "n": len(mses), "uses": uses.tolist()}, separators=(",", ":"))
    for place in _to_show(record):
        patches = mses[place]["patches"]
        hidden = sorted(set(range(grid * grid)) - set(patches))
        kept = f"{len(patches)} patches, {_ratio(mses[place])}"
        diverse = ", diverse" if place in (record.get("diverse_members") or ()) else ""
        alt = f"MSE of {kept}{diverse}: patches {', '.join(map(str, patches))}"
        panel.sets.append(Drawn(_path(hidden, grid, *ends), kept, alt))


def _ratio(mse: Row) -> str:
    ratio = mse.get("ratio")
    return "ratio not recorded" if ratio is None else f"{100 * ratio:.0f}\N{NO-BREAK SPACE}%"


def _to_show(record: Row) -> list[int]:
    """As in the runs' pictures: members of the diverse family first, then the smallest, then the highest ratio."""
    members = set(record.get("diverse_members") or ())
    mses = record["mses"]

    def rank(place: int) -> tuple[bool, int, float]:
        return place not in members, len(mses[place]["patches"]), -(mses[place].get("ratio") or 0)

    return sorted(range(len(mses)), key=rank)[:MOST_SETS]


def _path(patches: Iterable[int], grid: int, xs: Sequence[float], ys: Sequence[float]) -> str:
    """Rectangles as one path, neighbours in a row as one."""
    parts: list[str] = []
    rows: dict[int, list[int]] = {}
    for patch in patches:
        rows.setdefault(patch // grid, []).append(patch % grid)
    for row, columns in rows.items():
        start = columns[0]
        for column, after in zip(columns, [*columns[1:], None], strict=True):
            if after != column + 1:
                parts.append(f"M{xs[start]:g} {ys[row]:g}H{xs[column + 1]:g}V{ys[row + 1]:g}H{xs[start]:g}z")
                start = after or 0
    return "".join(parts)


# --- maps


def _draw_map(panel: Panel, run: Gathered, record: Row) -> None:
    file = inside(run, record.get("map"))
    try:
        if file is None:
            raise ValueError
        cells = numpy.asarray(numpy.load(file, allow_pickle=False), float)
        if cells.ndim != 2 or min(cells.shape) < 2 or not numpy.isfinite(cells).all():
            raise ValueError
    except (OSError, ValueError, EOFError):
        if record.get("status") == "ok":
            panel.facts += "; its map is missing or no map"
        return
    stops = numpy.linspace(0, 1, len(VIRIDIS))
    values = (cells - cells.min()) / (numpy.ptp(cells) or 1)
    colours = numpy.stack([numpy.interp(values, stops, channel) for channel in zip(*VIRIDIS, strict=True)], axis=-1)
    png = io.BytesIO()
    Image.fromarray(numpy.rint(colours).astype(numpy.uint8)).save(png, "PNG", optimize=True)
    panel.map = data_address("image/png", png.getvalue())
    beyond = [UNITS / (2 * (cells.shape[1] - 1)), panel.height / (2 * (cells.shape[0] - 1))]  # centres lie on corners
    x, y = (round(value, 2) for value in beyond)
    panel.map_box = -x, -y, UNITS + 2 * x, panel.height + 2 * y

"""Maps that several runs of xai-saliency made of the same photographs, side by side, with their scores."""

import hashlib
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import numpy.typing
from PIL import Image, ImageDraw, ImageFont

from .._command_line import printable
from ..reading import Run
from ..runs import RunError, RunFolder, class_name
from .output import missing

TILE, GAP, LINE, MARGIN, HEAD, FOOT = 164, 10, 19, 14, 44, 24  # pixels
ROW = TILE + 2 * LINE + 22
INK, FADED, INSERTION, DELETION = "#1f2328", "#6b7077", "#0072b2", "#d55e00"  # also for those who see no red or green
VIRIDIS = [(68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 144, 140), (39, 173, 129), (93, 200, 99),
           (170, 220, 50), (253, 231, 37)]  # fmt: skip
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Floats = numpy.typing.NDArray[numpy.floating[Any]]


def common_images(runs: Sequence[Run]) -> list[str]:
    """The images that every run has a map of, in the first one's order."""
    return [image for image in runs[0].maps if all(image in run.maps for run in runs)]


def side_by_side(runs: Sequence[Run], images: Sequence[str]) -> Image.Image:
    """A row for each of `images`: the photograph, and each run's map of it. Raises RunError where a photograph cannot
    be read any more, or is another one than the first run saw."""
    title, text = ImageFont.load_default(17), ImageFont.load_default(14)
    width = 2 * MARGIN + (len(runs) + 1) * (TILE + GAP) - GAP
    canvas = Image.new("RGB", (width, HEAD + len(images) * ROW + FOOT), "white")
    draw = ImageDraw.Draw(canvas)

    def write(x: int, y: int, words: str, font: Font, colour: str, room: int = TILE) -> None:
        words = printable(words)
        while draw.textlength(words, font) > room:
            words = words[:-2].rstrip() + "…"
        draw.text((x, y), words, colour, font)

    write(MARGIN, 4, "insertion: higher is better", text, INSERTION)
    write(MARGIN, 4 + LINE, "deletion: lower is better", text, DELETION)
    models = {run.model_names[0] for run in runs}
    records = [run.records.set_index("image") for run in runs]
    for column, run in enumerate(runs, 1):
        model = "" if len(models) == 1 else f" {run.model_names[0]}"
        write(MARGIN + column * (TILE + GAP), 14, run.info["options"]["method"] + model, title, INK)
    for row, image in enumerate(images):
        y, first = HEAD + row * ROW, records[0].loc[image].to_dict()
        photograph = as_seen(runs[0], image, str(first["content"]))
        canvas.paste(photograph, (MARGIN, y))
        name = class_name(runs[0].info, first["target"], "class ")
        write(MARGIN, y + TILE + 5, f"{name}, {100 * first['p_full']:.0f} %", text, INK)
        write(MARGIN, y + TILE + 5 + LINE, Path(image).name, text, FADED)
        for column, run in enumerate(runs, 1):
            x, record = MARGIN + column * (TILE + GAP), records[column - 1].loc[image].to_dict()
            canvas.paste(overlay(photograph, run.maps[image]), (x, y))
            for line, (kind, colour) in enumerate((("insertion", INSERTION), ("deletion", DELETION))):
                score = "undefined" if missing(record[kind]) else f"{record[kind]:.3f}"
                write(x, y + TILE + 5 + line * LINE, f"{kind} {score}", text, colour)
    legend = "colours: from violet, a map's smallest value, to yellow, its largest"
    write(MARGIN, canvas.height - FOOT, legend, text, FADED, width - 2 * MARGIN)
    return canvas


def as_seen(run: Run, image: str, content: str) -> Image.Image:
    """The photograph as the run's model sees it, in TILE x TILE pixels. `content`: its SHA-256 then."""
    photo = photograph_of(run, image, content)
    left, top, width, height = crop(photo.size, run.info["model"]["card"])
    return photo.resize((TILE, TILE), Image.Resampling.LANCZOS, (left, top, left + width, top + height))


def photograph_of(run: Run | RunFolder, image: str, content: str) -> Image.Image:
    """An image of the run's data set, whole, in RGB. Raises RunError where it cannot be read any more, or is not the
    one of this `content`, its SHA-256."""
    data = Path(run.info["data"]["path"])
    try:
        photograph = read_photograph(data, image)
        if hashlib.sha256(photograph).hexdigest() != content:
            raise RunError(f"{image} in {data} is not the photograph that {run.folder} saw: it has changed since")
        return Image.open(io.BytesIO(photograph)).convert("RGB")
    except (OSError, KeyError, tarfile.TarError) as error:
        raise RunError(f"{image} in {data} cannot be read: {error}; {run.folder} was made in another folder?") from None


def crop(size: tuple[int, int], card: dict[str, Any]) -> tuple[float, float, float, float]:
    """Left, top, width and height of what a model sees of a photograph of `size`, width x height, in its pixels."""
    scale = min(size) / card["preprocessing"]["resize"]  # photo's pixels for one of the model's
    width, height = card["input"]["width"] * scale, card["input"]["height"] * scale
    return (size[0] - width) / 2, (size[1] - height) / 2, width, height


def read_photograph(data: Path, image: str) -> bytes:
    """The bytes of an image of a data set: a folder, a tar, a list, or one image."""
    if data.is_dir():
        return _bytes_of(data / image)
    if tarfile.is_tarfile(data):
        with tarfile.open(data) as tar:
            member = tar.extractfile(image)
            if member is None:
                raise OSError("no file in the archive")
            return member.read()
    return _bytes_of(data.parent / image)


def _bytes_of(file: Path) -> bytes:
    if file.exists() and not file.is_file():  # a pipe in its place would be waited for
        raise OSError(f"{file} is no file")
    return file.read_bytes()


def upsampled(cells: Floats, size: int) -> Floats:
    """Bilinear from cell centres on the corners: s x s to size x size."""
    at, before = numpy.linspace(0, len(cells) - 1, size), numpy.arange(len(cells))
    rows = numpy.array([numpy.interp(at, before, row) for row in cells])
    return numpy.array([numpy.interp(at, before, column) for column in rows.T]).T


def overlay(photograph: Image.Image, cells: Floats) -> Image.Image:
    """A map in the colours of viridis, violet for its smallest value, over the photograph in grey."""
    values = upsampled(cells, TILE)
    shares = (values - values.min()) / (numpy.ptp(values) or 1)
    stops = numpy.linspace(0, 1, len(VIRIDIS))
    colours = numpy.stack([numpy.interp(shares, stops, channel) for channel in zip(*VIRIDIS, strict=True)], axis=-1)
    grey = numpy.asarray(photograph.convert("L"), float)[..., None]
    return Image.fromarray(numpy.rint(0.6 * colours + 0.4 * grey).astype(numpy.uint8))

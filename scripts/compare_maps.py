#!/usr/bin/env python3
"""Draws the maps that several xai-saliency runs made of the same photographs side by side, with their scores.

compare_maps.py RUN ... --out PNG [--images NAME ...]     a row for each photograph, a column for each run
"""

import argparse
import sys
from pathlib import Path

import numpy
from PIL import Image, ImageDraw, ImageFont

from runs import class_name, read_run

TILE, GAP, LINE, MARGIN = 164, 10, 19, 14  # pixels
INK, FADED, INSERTION, DELETION = "#1f2328", "#6b7077", "#0072b2", "#d55e00"  # also for those who see no red or green
VIRIDIS = [(68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 144, 140), (39, 173, 129), (93, 200, 99),
           (170, 220, 50), (253, 231, 37)]


class Run:
    """The folder of a finished xai-saliency run."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.run, every = read_run(folder)
        self.records = {record["image"]: record for record in every if record["status"] == "ok"}
        self.card = self.run["model"]["card"]
        self.method = self.run["options"]["method"]

    def photograph(self, image):
        """As the model sees it, in TILE x TILE pixels."""
        data = Path(self.run["data"]["path"])
        photo = Image.open(data / image if data.is_dir() else data).convert("RGB")
        size, resize = self.card["input"], self.card["preprocessing"]["resize"]
        scale = min(photo.size) / resize  # photo's pixels for one of the model's
        width, height = size["width"] * scale, size["height"] * scale
        left, top = (photo.width - width) / 2, (photo.height - height) / 2
        return photo.resize((TILE, TILE), Image.Resampling.LANCZOS, (left, top, left + width, top + height))


def upsampled(cells, size):
    """Bilinear from cell centres on the corners: s x s to size x size."""
    at, before = numpy.linspace(0, len(cells) - 1, size), numpy.arange(len(cells))
    rows = numpy.array([numpy.interp(at, before, row) for row in cells])
    return numpy.array([numpy.interp(at, before, column) for column in rows.T]).T


def overlay(photograph, cells):
    """A map in the colours of viridis, violet for its smallest value, over the photograph in grey."""
    values = upsampled(cells, TILE)
    shares = (values - values.min()) / (numpy.ptp(values) or 1)
    stops = numpy.linspace(0, 1, len(VIRIDIS))
    colours = numpy.stack([numpy.interp(shares, stops, channel) for channel in zip(*VIRIDIS)], axis=-1)
    grey = numpy.asarray(photograph.convert("L"), float)[..., None]
    return Image.fromarray(numpy.rint(0.6 * colours + 0.4 * grey).astype(numpy.uint8))


def picture(runs, images):
    """One row for each of `images`: the photograph, and each run's map of it."""
    title, text = ImageFont.load_default(17), ImageFont.load_default(14)
    row_height = TILE + 2 * LINE + 22
    width = 2 * MARGIN + (len(runs) + 1) * (TILE + GAP) - GAP
    canvas = Image.new("RGB", (width, 44 + len(images) * row_height), "white")
    draw = ImageDraw.Draw(canvas)

    def write(x, y, words, font, colour):
        while draw.textlength(words, font) > TILE:
            words = words[:-2].rstrip() + "…"
        draw.text((x, y), words, colour, font)

    write(MARGIN, 4, "insertion: higher is better", text, INSERTION)
    write(MARGIN, 4 + LINE, "deletion: lower is better", text, DELETION)
    models = {run.card["name"] for run in runs}
    for column, run in enumerate(runs, 1):
        name = run.method if len(models) == 1 else f"{run.method} {run.card['name']}"
        write(MARGIN + column * (TILE + GAP), 14, name, title, INK)
    for row, image in enumerate(images):
        y, record = 44 + row * row_height, runs[0].records[image]
        photograph = runs[0].photograph(image)
        canvas.paste(photograph, (MARGIN, y))
        write(MARGIN, y + TILE + 5, f"{class_name(runs[0].run, record['target'], 'class ')}, {100 * record['p_full']:.0f} %", text, INK)
        write(MARGIN, y + TILE + 5 + LINE, Path(image).name, text, FADED)
        for column, run in enumerate(runs, 1):
            x, record = MARGIN + column * (TILE + GAP), run.records[image]
            canvas.paste(overlay(photograph, numpy.load(run.folder / record["map"])), (x, y))
            for line, (kind, colour) in enumerate((("insertion", INSERTION), ("deletion", DELETION))):
                score = f"{record[kind]['auc']:.3f}" if record[kind] else "undefined"
                write(x, y + TILE + 5 + line * LINE, f"{kind} {score}", text, colour)
    return canvas


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--out", required=True, metavar="PNG")
    parser.add_argument("--images", nargs="+", metavar="NAME", help="these, and not all that every run has a map of")
    options = parser.parse_args(arguments)
    try:
        runs = [Run(folder) for folder in options.runs]
        common = [image for image in runs[0].records if all(image in run.records for run in runs)]
        missing = set(options.images or ()) - set(common)
        if missing or not common:
            names = ", ".join(sorted(missing)) or "any image"
            print(f"compare_maps.py: not every run has a map of {names}", file=sys.stderr)
            return 2
        drawn = picture(runs, options.images or common)
        drawn.quantize(palette=drawn.quantize(256)).save(options.out, optimize=True)
    except (OSError, ValueError, KeyError) as error:
        print(f"compare_maps.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The picture of an image's explanations, laid out as the programs draw theirs."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .patches import borders
from .perturbation import interpolation_matrix

Cells = npt.NDArray[Any]  # g x g, true where a patch is visible

# measures in pixels of the picture
_MARGIN = 28
_GAP = 14
_TITLE = 66  # height of title and sentence, below the margin
_CAPTION = 34  # below a tile
_TILES = (224, 384)  # smallest and largest height
_SMALLEST_CONTENT = 820  # the sentence fits
_PAPER = (255, 255, 255)
_INK = (32, 33, 38)
_FADED = (112, 114, 122)
_LEGEND = (
    "Left: the photograph, as the model crops it. Right: what each set leaves visible, at full strength within the "
    "bright lines; the rest is hidden. Below: its patches, and the share of the probability kept."
)


def percent(share: float) -> str:
    """A share as 93 %; with a decimal below 10 % and above 99 %, so that only all is 100 % and only nothing 0 %."""
    points = 100 * share
    if 0 < points < 0.1:
        return "below 0.1 %"
    fine = 0 < points < 10 or 99 < points < 100
    return f"{min(points, 99.9):.1f} %" if fine else f"{points:.0f} %"


@dataclasses.dataclass(frozen=True)
class Tile:
    """A set of patches and what stands below it."""

    cells: Cells
    caption: str


def draw(photograph: Image.Image, title: str, sentence: str, tiles: Sequence[Tile], mask: str) -> Image.Image:
    """Left the photograph as the model crops it, right of it a tile for each set, below a legend.

    photograph: RGB. mask: soft or hard, how the sets become visible. Without tiles the sentence stands in their place.
    """
    tile_width, tile_height = _tile_size(photograph)
    rows = max(1, round(0.8 * math.sqrt(len(tiles))))
    columns = math.ceil(len(tiles) / rows)
    step = tile_height + _CAPTION
    large_height = min(max(rows, 1), 2) * step - _CAPTION
    large_width = round(large_height * photograph.width / photograph.height)
    content = max(large_width + max(columns, 2) * (_GAP + tile_width), _SMALLEST_CONTENT)
    legend = _lines(_LEGEND, _font(11), content) if tiles else []
    foot = _CAPTION + _GAP + 22 * len(legend) if tiles else 0
    top = _MARGIN + _TITLE
    height = top + max(rows * step - _CAPTION, large_height) + foot + _MARGIN
    canvas = Image.new("RGB", (_MARGIN + content + _MARGIN, height), _PAPER)
    pen = ImageDraw.Draw(canvas)

    pen.text((_MARGIN, _MARGIN + 18), _shortened(title, _font(17), content), _INK, _font(17), "ls")
    canvas.paste(_scaled(photograph, (large_width, large_height)), (_MARGIN, top))
    left = _MARGIN + large_width + _GAP
    if not tiles:
        for number, line in enumerate(_lines(sentence, _font(13), _MARGIN + content - left - 2 * _GAP)):
            pen.text((left + _GAP, top + 20 + 26 * number), line, _INK, _font(13), "ls")
        return canvas
    pen.text((_MARGIN, _MARGIN + 47), _shortened(sentence, _font(11), content), _FADED, _font(11), "ls")
    for number, line in enumerate(legend):
        pen.text((_MARGIN, height - _MARGIN - 22 * (len(legend) - number) + 11), line, _FADED, _font(11), "ls")
    ground = _blurred_and_dimmed(photograph)
    for number, tile in enumerate(tiles):
        x = left + number % columns * (_GAP + tile_width)
        y = top + number // columns * step
        canvas.paste(_revealed(photograph, ground, tile.cells, mask, (tile_width, tile_height)), (x, y))
        pen.text((x, y + tile_height + 19), _shortened(tile.caption, _font(11), tile_width), _INK, _font(11), "ls")
    return canvas


def _tile_size(photograph: Image.Image) -> tuple[int, int]:
    """The photograph's own size where that is neither too small to see nor too large to show."""
    scale = min(max(1, _TILES[0] / photograph.height), _TILES[1] / photograph.height)
    return round(scale * photograph.width), round(scale * photograph.height)


def _scaled(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)


def _blurred_and_dimmed(photograph: Image.Image) -> Image.Image:
    """The ground of what is hidden."""
    blurred = photograph.filter(ImageFilter.GaussianBlur(photograph.height / 28))
    grey = np.asarray(blurred.convert("L"), dtype=float)[..., None]
    return Image.fromarray((0.18 * np.asarray(blurred) + 0.22 * grey + 8).round().astype(np.uint8))


def _revealed(
    photograph: Image.Image, ground: Image.Image, cells: Cells, mask: str, size: tuple[int, int]
) -> Image.Image:
    """The photograph where the mask is 1, the ground where it is 0, and the patch grid over both."""
    grid = len(cells)
    vertical = interpolation_matrix(photograph.height, grid, mask)
    horizontal = interpolation_matrix(photograph.width, grid, mask)
    visible = vertical @ cells.astype(np.float32) @ horizontal.T
    shares = Image.fromarray((255 * visible).round().clip(0, 255).astype(np.uint8))
    tile = _scaled(Image.composite(photograph, ground, shares), size)
    return _with_grid(tile, cells, borders(photograph.height, grid, mask), borders(photograph.width, grid, mask))


def _with_grid(tile: Image.Image, cells: Cells, vertical: list[float], horizontal: list[float]) -> Image.Image:
    """Faint lines between patches, bright ones where the set's patches end."""
    xs = [round(share * tile.width) for share in horizontal]
    ys = [round(share * tile.height) for share in vertical]
    lightness = np.zeros((tile.height, tile.width))
    grid = len(cells)
    for row in range(grid):
        for column in range(grid):
            here, rows, columns = cells[row, column], slice(ys[row], ys[row + 1]), slice(xs[column], xs[column + 1])
            if column > 0:
                lightness[rows, xs[column] - 1] = 0.75 if here != cells[row, column - 1] else 0.13
            if row > 0:
                strength = 0.75 if here != cells[row - 1, column] else 0.13
                lightness[ys[row] - 1, columns] = np.maximum(lightness[ys[row] - 1, columns], strength)
    white = Image.new("RGB", tile.size, _PAPER)
    return Image.composite(white, tile, Image.fromarray((255 * lightness).astype(np.uint8)))


def _font(capital_height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """PIL's own font, with capitals of so many pixels."""
    return ImageFont.load_default(capital_height * 1.4)


def _shortened(text: str, font: Any, width: int) -> str:
    """One line of text that fits `width`."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."


def _lines(text: str, font: Any, width: int) -> list[str]:
    """Text broken between words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines

"""The picture: sorted shares of channels, and what the largest carry together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from .._command_line import printable
from .statistics import Floats, Spread

WIDTH, HEIGHT, MARGIN, LINE = 560, 400, 70, 26  # pixels of a panel, around it, and of a line of the legend
SCALE = 2  # drawn larger, then reduced: smooth lines
INK, FADED, GRID = "#20212a", "#70727a", "#e3e4e8"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")  # Okabe and Ito's


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` along so many pixels; logarithmic ones are above 0."""

    low: float
    high: float
    pixels: int
    logarithmic: bool

    def at(self, value: float) -> float:
        low, high, value = (math.log(v) if self.logarithmic else v for v in (self.low, self.high, value))
        return self.pixels * (value - low) / (high - low)

    @property
    def ticks(self) -> list[float]:
        if not self.logarithmic:
            return [self.low + (self.high - self.low) * step / 5 for step in range(6)]
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        return [10.0**power for power in range(first, last + 1)]


def draw(names: Sequence[str], spreads: Sequence[Spread]) -> bytes:
    """A PNG with a line for each model in both panels; one with nothing to share stands in the legend alone."""
    lines = [(f"{name} ({_channels(spread)})", spread) for name, spread in zip(names, spreads, strict=True)]
    sorted_shares = [spread.descending for spread in spreads]
    positive = [float(v) for shares in sorted_shares if shares is not None for v in shares if v > 0]
    most = max([2, *(len(shares) for shares in sorted_shares if shares is not None)])
    low = 10 ** math.floor(math.log10(max(min(positive, default=0.1), max(positive, default=1) * 1e-6)))
    channel = Axis(1, most, WIDTH, True)
    top = 2 * MARGIN + HEIGHT
    size = (3 * MARGIN + 2 * WIDTH, top + MARGIN // 2 + LINE * len(lines))
    canvas = Image.new("RGB", (SCALE * size[0], SCALE * size[1]), "white")
    pen = ImageDraw.Draw(canvas)
    panels = (
        (MARGIN, "Share of each channel, sorted", Axis(low, 1, HEIGHT, True), sorted_shares),
        (
            2 * MARGIN + WIDTH,
            "Share of the largest k channels",
            Axis(0, 1, HEIGHT, False),
            [s.cumulative for s in spreads],
        ),
    )
    for left, title, share, curves in panels:
        _frame(pen, left, title, channel, share)
        for place, curve in enumerate(curves):
            if curve is not None:
                _curve(pen, left, channel, share, curve, COLOURS[place % len(COLOURS)])
    for place, (text, _) in enumerate(lines):
        y = top + LINE * place
        _line(pen, [(MARGIN, y), (MARGIN + 30, y)], COLOURS[place % len(COLOURS)], 3)
        pen.text((SCALE * (MARGIN + 40), SCALE * y), printable(text), INK, _font(15), "lm")
    png = BytesIO()
    canvas.resize(size, Image.Resampling.LANCZOS).save(png, "PNG", optimize=True)
    return png.getvalue()


def _channels(spread: Spread) -> str:
    return "no activation" if spread.shares is None else f"{len(spread.shares)} channels"


def _frame(pen: ImageDraw.ImageDraw, left: int, title: str, channel: Axis, share: Axis) -> None:
    bottom = MARGIN + HEIGHT
    pen.text((SCALE * left, SCALE * (MARGIN - 24)), title, INK, _font(18), "ls")
    for value in channel.ticks:
        x = left + channel.at(value)
        _line(pen, [(x, MARGIN), (x, bottom)], GRID, 1)
        pen.text((SCALE * x, SCALE * (bottom + 8)), f"{value:g}", FADED, _font(13), "mt")
    for value in share.ticks:
        y = bottom - share.at(value)
        _line(pen, [(left, y), (left + WIDTH, y)], GRID, 1)
        pen.text((SCALE * (left - 8), SCALE * y), f"{value:.4g}", FADED, _font(13), "rm")
    pen.text((SCALE * (left + WIDTH), SCALE * (bottom + 26)), "channels", FADED, _font(13), "rt")


def _curve(pen: ImageDraw.ImageDraw, left: int, channel: Axis, share: Axis, values: Floats, colour: str) -> None:
    """Values at channels 1, 2, ...; those below the axis lie on its end."""
    points = [
        (left + channel.at(place), MARGIN + HEIGHT - share.at(max(float(value), share.low)))
        for place, value in enumerate(values, 1)
    ]
    if len(points) == 1:
        points.append((points[0][0] + 3, points[0][1]))
    _line(pen, points, colour, 2)


def _line(pen: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], colour: str, width: int) -> None:
    pen.line([(SCALE * x, SCALE * y) for x, y in points], colour, SCALE * width, "curve")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(SCALE * size)

"""Makes HTML of sections. Everything that comes from data is text: jinja2 escapes it, and JSON has no `<`."""

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .._version import __version__
from .parts import Section
from .photographs import Shown

FILES = Path(__file__).parent / "files"


@dataclass
class Page:
    title: str
    missing: list[tuple[str, str, str]]
    """Of runs that are not whole: anchor, name, and what is missing."""
    absent: list[str]
    """Kinds of results that no run has."""
    sections: list[Section]
    photographs: Shown
    runs: list[dict[str, Any]]
    command: str


def html(page: Page) -> str:
    environment = Environment(
        loader=FileSystemLoader(FILES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = (FILES / "report.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("report.html").render(
        page=page,
        version=__version__,
        style=Markup((FILES / "report.css").read_text("utf-8")),
        script=Markup(script),
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'",
        data=embedded(page.photographs.data),
    )


def embedded(value: object) -> Markup:
    """JSON that can stand in a script element: no text in it ends the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))

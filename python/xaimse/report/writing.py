"""What xai-report does: reads, draws, and writes the page and its figures."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from .._command_line import printable
from .._files import write_whole
from ..definitions import CROSSTEST, MSE, SALIENCY, SHOWN, SUBEXP
from ..runs import RunError, listed
from . import comparisons, crosstests, distributions, explanations, maps
from .drawing import Easel
from .gathering import Gathered, gather, of_kinds
from .overview import anchor, described, overview
from .page import Page, html
from .photographs import choose, show

KINDS = {
    "MSEs (xai-mse)": (MSE, SUBEXP),
    "sub-explanations (xai-subexp)": (SUBEXP,),
    "maps (xai-saliency)": (SALIENCY,),
    "cross-tests (xai-crosstest)": (CROSSTEST,),
    "sets shown to other models (xai-crosstest --mses)": (SHOWN,),
}


def write(options: argparse.Namespace) -> None:
    """Raises RunError, OSError."""
    out: Path = options.out
    figures = out.with_name(f"{out.stem}_figures")
    for path in (out, figures):
        if not options.overwrite and (path.exists() or path.is_symlink()):
            raise RunError(f"{path} exists; --overwrite replaces it")
    if not out.parent.is_dir():
        raise RunError(f"there is no folder {out.parent}")
    runs = gather(options.runs, options.seed)
    for run in runs:
        for sentence in run.missing:
            print(f"xai-report: {printable(run.folder)}: {printable(sentence)}", file=sys.stderr)
    easel = Easel(figures)
    chosen = choose(runs, options.photographs)
    shown = show(runs, chosen, out.parent)
    sections = [
        overview(runs),
        distributions.section(runs, easel),
        comparisons.section(runs, options.seed),
        *crosstests.sections(runs, easel),
        explanations.section(runs, out.parent),
        maps.section(runs, easel),
    ]
    page = Page(
        title=_title(runs),
        missing=[(anchor(run), run.name, sentence) for run in runs for sentence in run.missing],
        absent=[what for what, kinds in KINDS.items() if not of_kinds(runs, *kinds)],
        sections=[section for section in sections if section.blocks or section.text],
        photographs=shown,
        runs=[described(run) for run in runs],
        command=shlex.join(["xai-report", *_words(options)]),
    )
    write_whole(out, html(page).encode())


def _title(runs: Sequence[Gathered]) -> str:
    models = dict.fromkeys(str(card.get("name", "?")) for run in runs for card in run.run.cards)
    few = list(models)[:4] + ([f"{len(models) - 4} more"] if len(models) > 4 else [])
    return f"Do {listed(few)} decide for the same reasons?" if len(few) > 1 else f"What {listed(few) or '?'} decides by"


def _words(options: argparse.Namespace) -> list[str]:
    words = [*map(str, options.runs), "--out", str(options.out), "--photographs", str(options.photographs)]
    return words + (["--seed", str(options.seed)] if options.seed else [])

"""What xai-compare shows."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import pandas

from .. import __version__
from .._command_line import printable
from ..results import output
from ..runs import RunError, RunFolder, listed
from .comparing import Row, compared, is_whole
from .measuring import Measured, measure, opened
from .pairing import Study, name_models, require_comparable, study
from .quantities import OVERLAPS, QUANTITIES
from .statistics import RESAMPLES
from .tables import ALL, MODEL, TABLES, TRUNCATED, WHOLE_NUMBERS

# of the text, which has to fit a screen
NARROW = {
    "models": ("quantity", "photographs", "model", "n", "mean", "median", "low", "high"),
    "pairs": ("quantity", "photographs", "a", "b", "n", "mean_a", "mean_b", "difference", "low", "high", "p", "p_holm"),
    "overlaps": (
        *("overlap", "photographs", "a", "b", "n", "observed", "chance", "uniform", "difference", "low", "high"),
        *("p", "p_holm"),
    ),
}
TITLES = {
    "models": "Each model: mean over its photographs with 95 % interval",
    "pairs": "Each two models: a - b on the same photographs",
    "overlaps": "Overlap of the evidence of each two models, beside chance",
}


def show(options: argparse.Namespace) -> None:
    """Writes what the options of the command line ask for. Raises RunError, OSError."""
    runs = [opened(folder) for folder in options.runs]
    require_comparable(runs, options.vary)
    models = [model for run in runs for model in measure(run, options.seed)]
    if len(models) < 2:
        raise RunError(f"{models[0].run.folder} has one model, and there is nothing to compare; give the runs of two")
    name_models(models, options.vary)
    for model in {id(model.run): model for model in models}.values():
        if not is_whole(model.run):
            say(f"not complete: {model.run.folder}: {how_far(model.run, len(model.images))}")
    side_by_side = study(models)
    made = list(TABLES) if not options.table and not options.csv else [options.table or "pairs"]
    comparison = compared(side_by_side, options.seed, made)
    for note in comparison.notes:
        say(note)
    tables: dict[str, list[Row]] = {name: chosen(getattr(comparison, name), options) for name in TABLES}
    if options.json:
        sys.stdout.write(as_json(options, side_by_side, made, tables))
    elif options.csv:
        (table,) = made
        sys.stdout.write(output.as_csv(frame(tables[table], TABLES[table])))
    else:
        sys.stdout.write(as_text(options, side_by_side, tables))


def say(text: str) -> None:
    print(f"xai-compare: {printable(text)}", file=sys.stderr)


def how_far(run: RunFolder, images: int) -> str:
    """ "stopped, 3 of 4 images". `images`: those that have a record."""
    info = run.info
    missing = (info.get("merged") or {}).get("missing")
    return (f"shards {missing} are missing, " if missing else f"{info.get('status')}, ") + (
        f"{images} of {run.image_count} images" + (", a torn last record left out" if run.torn else "")
    )


def chosen(rows: Iterable[Row], options: argparse.Namespace) -> list[Row]:
    """Those of the photographs that were asked for; all in files, and of text those that come first."""
    strata = options.photographs or (None if options.json or options.csv else [ALL, TRUNCATED])
    return [row for row in rows if strata is None or row["photographs"] in strata or "model" in row]


def frame(rows: Sequence[Row], columns: Sequence[str]) -> pandas.DataFrame:
    types = {name: "Int64" if name in WHOLE_NUMBERS else None for name in columns}
    return pandas.DataFrame({n: pandas.Series([row[n] for row in rows], dtype=of) for n, of in types.items()})


# --- forms


def as_json(options: argparse.Namespace, of: Study, made: Sequence[str], tables: dict[str, list[Row]]) -> str:
    """One object; a row of a table a line."""
    names = list(dict.fromkeys(row.get("quantity") or row["overlap"] for rows in tables.values() for row in rows))
    head: dict[str, Any] = {
        "tool": "xai-compare",
        "tool_version": __version__,
        "program": of.models[0].run.info.get("tool"),
        "vary": options.vary,
        "seed": options.seed,
        "resamples": RESAMPLES,
        "photographs": len(of.images),
        "runs": [run_of(model) for model in of.models],
        "definitions": {name: (QUANTITIES.get(name) or OVERLAPS[name]).definition for name in names},
    }
    parts = [f"{dumped(name)}: {dumped(value)}" for name, value in head.items()]
    for name in made:
        lines = [dumped({field: row[field] for field in TABLES[name]}) for row in tables[name]]
        parts.append(f"{dumped(name)}: [" + ",\n ".join(lines) + "]")
    return "{" + ",\n ".join(parts) + "}\n"


def dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def run_of(model: Measured) -> dict[str, Any]:
    info = model.run.info
    return {
        "name": model.name,
        "run": str(model.run.folder),
        "model": model.model,
        "family": model.family,
        "status": info.get("status"),
        "complete": is_whole(model.run),
        "tool_version": info.get("tool_version"),
    }


def as_text(options: argparse.Namespace, of: Study, tables: dict[str, list[Row]]) -> str:
    names = [name for name in TABLES if tables[name]]
    parts = [heading(options, of)]
    for name in names:
        columns = [column for column in NARROW[name] if column != "photographs" or mixed(tables[name])]
        parts.append(f"{TITLES[name]}\n\n{output.as_text(frame(tables[name], columns))}")
    sentences = [f"  {printable(row['says'])}" for name in names if name != "models" for row in tables[name]]
    if sentences:
        parts.append("What may be said\n\n" + "\n".join(sentences) + "\n")
    return "\n".join(parts)


def mixed(rows: Sequence[Row]) -> bool:
    return any(row["photographs"] != ALL for row in rows)


def heading(options: argparse.Namespace, of: Study) -> str:
    program = of.models[0].run.info.get("tool")
    by = "" if options.vary == MODEL else f", which differ in {options.vary}"
    names = listed(printable(model.name) for model in of.models)
    return f"{program}, {len(of.images)} photographs: {names}{by}\n"

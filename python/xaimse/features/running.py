"""What xai-features does: every model over all photographs, then the four files."""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas
import torch

from .. import __version__
from .._command_line import printable
from .._files import write_whole
from ..results import output
from .drawing import draw
from .errors import FeaturesError
from .measuring import Measured, measure
from .models import Model, read_model
from .photographs import photographs
from .statistics import TOP, Spread

DEFINITIONS = {
    "mean": "mean activation of the channel, over the map's positions and the photographs",
    "largest": "largest activation of the channel",
    "largest_absolute": "largest |activation| of the channel",
    "mean_absolute": "mean |activation| of the channel",
    "share": "mean_absolute, of the sum of all channels'",
    "rank": "place of the channel by share, from 1; ties by its number",
    "top_k": "share of the k channels with the largest shares together; missing where there are fewer",
    "kurtosis": "m4 / m2^2 of the channels' mean_absolute, central moments over channels; not the excess",
}


def run(options: argparse.Namespace) -> list[str]:
    """Measures and writes what the options of the command line ask for. Gives the photographs that could not be read.

    Raises FeaturesError, OSError.
    """
    models = [read_model(path) for path in options.model]
    _require_different_names(models)
    device = _device(options.device)
    files = photographs(options.data, options.limit)
    options.out.mkdir(parents=True, exist_ok=True)  # before the work
    measured = [measure(model, files, device, options.batch_size, options.quiet) for model in models]
    spreads = [Spread.of(one.channels.mean_absolute) for one in measured]
    failed = dict(entry for one in measured for entry in one.failed)
    for file, reason in failed.items():
        print(f"xai-features: {printable(file)}: {printable(reason)}", file=sys.stderr)

    summaries = [_summary(one, spread) for one, spread in zip(measured, spreads, strict=True)]
    rows = pandas.concat([_of_channels(one, spread) for one, spread in zip(measured, spreads, strict=True)])
    names = sorted(str(file.relative_to(options.data)) if file != options.data else file.name for file in failed)
    document = {
        "tool": "xai-features",
        "tool_version": __version__,
        "data": {"path": str(options.data), **_data(files, options.data), "failed": names},
        "device": str(device),
        "definitions": DEFINITIONS,
        "models": summaries,
    }
    write_whole(options.out / "features.csv", output.as_csv(rows).encode())
    write_whole(options.out / "summary.csv", output.as_csv(_table(summaries)).encode())
    write_whole(options.out / "shares.png", draw([one.model.name for one in measured], spreads))
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(options.out / "summary.json", (text + "\n").encode())  # last: where it is, all are
    sys.stdout.write(
        output.as_text(_table(summaries)[["model", "channels", "photographs", "top_1", "top_10", "kurtosis"]])
    )
    return names


def _require_different_names(models: Sequence[Model]) -> None:
    names = [model.name for model in models]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FeaturesError(f"several models are called {', '.join(twice)}; export them with --name")


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise FeaturesError(f"--device {name}: {str(error).splitlines()[0]}; choose auto or cpu") from None
    return device


def _data(files: Sequence[Path], data: Path) -> dict[str, Any]:
    """Number of photographs, and the hash of their names as the models were shown them."""
    names = [os.fsencode(file.relative_to(data) if file != data else file.name) for file in files]
    return {"count": len(files), "names_sha256": hashlib.sha256(b"\0".join(names)).hexdigest()}


def _summary(one: Measured, spread: Spread) -> dict[str, Any]:
    return {
        "model": one.model.name,
        "family": one.model.family,
        "sha256": one.model.sha256,
        "features_sha256": one.model.features_sha256,
        "channels": len(one.channels.mean),
        "height": one.size[0],
        "width": one.size[1],
        "photographs": one.count,
        **{f"top_{k}": spread.top(k) for k in TOP},
        "kurtosis": spread.kurtosis,
        "seconds": round(one.seconds, 3),
    }


def _table(summaries: Sequence[dict[str, Any]]) -> pandas.DataFrame:
    return pandas.DataFrame(summaries).drop(columns=["sha256", "features_sha256"])


def _of_channels(one: Measured, spread: Spread) -> pandas.DataFrame:
    channels = one.channels
    frame = pandas.DataFrame(
        {
            "model": one.model.name,
            "family": one.model.family,
            "channel": range(len(channels.mean)),
            "mean": channels.mean,
            "largest": channels.largest,
            "largest_absolute": channels.largest_absolute,
            "mean_absolute": channels.mean_absolute,
            "share": spread.shares,
        }
    )
    frame["rank"] = frame["mean_absolute"].rank(ascending=False, method="first").astype(int)
    return frame

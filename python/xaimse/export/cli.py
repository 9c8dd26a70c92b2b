"""Exports image classifiers for the xai-* programs: NAME.pt (TorchScript) and its model card NAME.json.

    xai-export efficientnet_lite0 --out models                 real weights, from a Python package
    xai-export vit_tiny_patch16_224 --weights vit.safetensors  a timm name with a weight file
    xai-export torchvision:swin_t --pretrained                 weights from the library's hub
    xai-export timm:resnet50d --random-init --seed 3           untrained, but with a usable head
    xai-export --zoo paper --pretrained                        the 13 models of the paper
    xai-export --zoo real --weights-dir weights                those whose weights need no hub, from files
    xai-export resnet50 --checkpoint best.pth.tar              a training checkpoint; K as its head has it
    xai-export --module package.module:function                an nn.Module of one's own
    xai-export --torchscript X.pt                              a card, X.json, for a file that exists
    xai-export --list                                          the models of the comparison, by family

NAME.pt maps normalised RGB, N x 3 x H x W float32, to logits (or what --output says), N x K, for any N. The
card is described in docs/schema/model-card.schema.json; docs/models.md tells more. What does not pass the checks
here is refused: one line, exit code 2; 75 when a signal stopped it.
Where the network has a last feature map, NAME.features.pt maps the input to it, N x C x h x w, and
NAME.head.pt maps it to the logits: what Grad-CAM needs.
"""

# torch takes seconds to import: here only when there is something to export, after signals are caught

from __future__ import annotations

import argparse
import re
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from .._command_line import Parser, printable, stopped_by_signals
from .._data import data_path
from ..outputs import OUTPUTS
from .errors import Refusal, first_line, needed_packages
from .limits import INTERPOLATIONS, MOST_PIXELS
from .zoo import ALL, PREPROCESSING, Entry, chosen_zoo, json_table, packaged_zoo, table

if TYPE_CHECKING:
    from .preprocessing import Overrides

PROGRAM = "xai-export"


def main(arguments: Sequence[str] | None = None) -> int:
    """The program. arguments: of the command line, without its name; None: those of this process.

    Returns the exit code: 0, or 2 where something was refused. Raises SystemExit, 2, for a command line that is none.
    A signal ends the process, with 75.
    """
    with stopped_by_signals(PROGRAM):
        options = _parse_arguments(arguments)
        try:
            if options.list:
                models = packaged_zoo()
                print(json_table(models) if options.json else table(models))
                return 0
            jobs = _jobs(options)
        except Refusal as refusal:
            _complain(str(refusal))
            return 2
        succeeded = [_succeeds(options, job) for job in jobs]
    return 0 if all(succeeded) else 2


class _Job(NamedTuple):
    """A model that is to be exported; name and family None: as export has them. listed: as --zoo's list has it."""

    request: str
    name: str | None
    family: str | None
    listed: Entry | None = None


def _jobs(options: argparse.Namespace) -> list[_Job]:
    if options.zoo:
        return [_Job(model.architecture, model.name, model.family, model) for model in chosen_zoo(options.zoo)]
    return [_Job(str(options.model or options.module or options.torchscript), options.name, options.family)]


def _succeeds(options: argparse.Namespace, job: _Job) -> bool:
    """Exports one model, and says so in a line, or why not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries to their callers
            _run(options, job)
        return True
    except Exception as error:
        reason = str(error) if isinstance(error, Refusal) else f"{type(error).__name__}: {first_line(error)}"
        if isinstance(error, OSError) and error.filename:
            reason = f"{error.filename}: {error.strerror}"
        _complain(f"{job.request}: {reason}")
        return False


def _complain(message: str) -> None:
    print(f"{PROGRAM}: {printable(message)}", file=sys.stderr, flush=True)


def _run(options: argparse.Namespace, job: _Job) -> None:
    with needed_packages():
        from .torchscript import card_for_file
        from .writing import export

    start = time.monotonic()
    photos = [options.photo] if options.photo else sorted(data_path("photos").glob("*.jpg"))
    if options.torchscript:
        card, written = card_for_file(
            options.torchscript,
            options.out,
            name=job.name,
            family=job.family,
            classes=options.classes,
            overrides=_overrides(options),
            output=options.output,
            photos=photos,
        )
    else:
        out = options.out or Path("models")
        weights, preprocessing = _weights(options, job)
        card = export(
            job.request,
            out,
            name=job.name,
            family=job.family,
            weights=weights,
            pretrained=options.pretrained,
            random_init=options.random_init,
            seed=options.seed,
            photo=options.photo,
            classes=options.classes,
            overrides={**preprocessing, **_overrides(options)},
            output=options.output,
            module=bool(options.module),
            photos=photos,
        )
        written = out / f"{card['name']}.pt"
    taken = ""
    if options.torchscript or options.module:
        pre = card["preprocessing"]
        taken = f", {card['classes']} outputs, resized to {pre['resize']}, {pre['interpolation']}"
    origin, seconds = card["weights"]["origin"], time.monotonic() - start
    print(f"{written}: {job.request}, weights {origin}{taken}, {seconds:.1f} s", flush=True)


def _weights(options: argparse.Namespace, job: _Job) -> tuple[Path | None, Overrides]:
    """The file of weights, and the preprocessing that belongs to it rather than to the architecture."""
    if not (options.weights_dir and job.listed) or job.listed.has_packaged_weights:
        return options.weights, {}
    from .downloaded import downloaded

    preprocessing: Any = job.listed.weights.preprocessing
    return downloaded(job.listed, options.weights_dir), preprocessing


def _overrides(options: argparse.Namespace) -> Overrides:
    said = {key: getattr(options, key) for key in PREPROCESSING}
    return cast("Overrides", {key: value for key, value in said.items() if value is not None})


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"-?\d+", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"must be a whole number from {low} to {high}, not '{text}'")
        return int(text)

    return parse


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(PROGRAM, __doc__)
    parser.add_argument("model", nargs="?", help="efficientnet_lite0|1|2, a timm or a torchvision name")
    parser.add_argument(
        "--zoo",
        nargs="?",
        const=ALL,
        metavar="paper|real|all|FILE",
        help="export several models instead: a group that --list shows, all of them (default), or a JSON list",
    )
    parser.add_argument(
        "--module",
        metavar="PACKAGE.MODULE:FUNCTION",
        help="export what this function makes instead, an nn.Module; found from the current folder",
    )
    parser.add_argument(
        "--torchscript",
        type=Path,
        metavar="FILE",
        help="make the card of this TorchScript file instead, beside it; with --out of a copy there",
    )
    parser.add_argument("--list", action="store_true", help="say which models the comparison has and what exports them")
    parser.add_argument("--json", action="store_true", help="--list as JSON")
    parser.add_argument("--out", type=Path, help="folder (default: models)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--pretrained", action="store_true", help="weights from the library's hub")
    source.add_argument(
        "--weights",
        "--checkpoint",
        dest="weights",
        type=Path,
        metavar="FILE",
        help=".safetensors, .pth or a training checkpoint: must fit exactly, with a head of any K; no code in it is "
        "run",
    )
    source.add_argument(
        "--weights-dir",
        type=Path,
        metavar="FOLDER",
        help="of --zoo: weights that were downloaded before, NAME.safetensors each unless the list says otherwise",
    )
    source.add_argument(
        "--random-init",
        action="store_true",
        help="untrained, with a head that separates --photo from its blurred baseline",
    )
    parser.add_argument(
        "--seed",
        type=_whole_number(0, 2**63 - 1),
        default=0,
        help="of --random-init and of what --module makes",
    )
    parser.add_argument(
        "--photo",
        type=Path,
        help="of --random-init (default: the packaged coffee.jpg) and of suggestions (default: all packaged ones)",
    )
    parser.add_argument("--name", help="of the exported files (default: the model's)")
    parser.add_argument("--family", help="group of the model (default: as --list has it, or 'other')")
    parser.add_argument(
        "--classes",
        type=Path,
        metavar="FILE|imagenet|none",
        help="class list: CSV index,wnid,name, or a class a line (default: ImageNet's for 1000)",
    )
    parser.add_argument(
        "--output",
        choices=OUTPUTS,
        default="logits",
        help="what the model gives: logits (default) or probabilities of which one class is true, or sigmoid: a "
        "binary or multi-label head",
    )
    pre = parser.add_argument_group("preprocessing (default: the source's configuration)")
    pre.add_argument("--resize", type=_whole_number(1, MOST_PIXELS), help="short side in pixels")
    pre.add_argument(
        "--input-size",
        "--crop",
        dest="input_size",
        type=_whole_number(1, MOST_PIXELS),
        nargs="+",
        metavar="PIXELS",
        help="side of the centre crop, or its height and width",
    )
    pre.add_argument("--interpolation", choices=INTERPOLATIONS)
    pre.add_argument("--mean", type=float, nargs=3, metavar=("R", "G", "B"), help="of pixels from 0 to 1")
    pre.add_argument("--std", type=float, nargs=3, metavar=("R", "G", "B"), help="of pixels from 0 to 1")
    options = parser.parse_args(arguments)
    _check_combinations(parser, options)
    return options


def _check_combinations(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends with what does not go together; makes two sides of --input-size."""
    chosen = [options.model, options.zoo, options.module, options.torchscript]
    if options.list and any(chosen):
        parser.error("--list shows the models of the comparison and exports none; leave it out, or the model")
    if not options.list and sum(bool(one) for one in chosen) != 1:
        parser.error("name one model, or give one of --zoo, --module and --torchscript")
    if options.json and not options.list:
        parser.error("--json is of --list")
    if options.zoo and (options.weights or options.name or options.family):
        parser.error("--weights, --name and --family are for a single model, not for --zoo")
    if options.weights_dir and not options.zoo:
        parser.error("--weights-dir is of --zoo; of a single model give --weights FILE")
    if options.torchscript and (options.weights or options.pretrained or options.random_init):
        parser.error(
            "a --torchscript file has its weights; --weights, --pretrained and --random-init do not go with it"
        )
    if options.module and options.pretrained:
        parser.error("--pretrained does not go with --module: the function loads what it wants, or --weights FILE")
    if options.input_size:
        if len(options.input_size) > 2:
            parser.error("--input-size is a side, or a height and a width")
        options.input_size = tuple((options.input_size * 2)[:2])

"""--torchscript: cards for TorchScript files that exist."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from .._files import write_whole
from .card import Card, card_text, keep_what_is_no_card, make_card
from .classes import check_class_list, class_list_of
from .errors import Refusal, first_line
from .files import checked_name, make_folder
from .outputs import (
    CHECKED_BATCHES,
    Logits,
    check_output,
    example_batch,
    say_key,
    seen_outputs,
    unlike,
    with_logits_alone,
)
from .preprocessing import Overrides, plain_preprocessing
from .suggestion import ask_for_missing
from .tracing import device_constants, without_paths

FILE_TOLERANCE = 1e-3  # of the outputs for an image in a batch, relative to those of it alone


def card_for_file(
    path: Path,
    out: Path | None = None,
    *,
    name: str | None = None,
    family: str | None = None,
    classes: Path | None = None,
    overrides: Overrides | None = None,
    output: str = "logits",
    photos: Sequence[Path] = (),
) -> tuple[Card, Path]:
    """Writes the card of a TorchScript file that exists, beside it; with `out` a copy of both there.

    overrides: size and normalisation, and what else is said. photos: what suggestions are made from. Returns the card
    and where it was written. Raises Refusal.
    """
    module = load_torchscript(path)
    name = checked_name(name or path.stem)
    target = out / f"{name}.json" if out else path.with_suffix(".json")
    if not out and name != path.stem:
        raise Refusal(f"--name {name} names another file; say with --out in which folder its copy is to be")
    keep_what_is_no_card(target)
    overrides = overrides or {}
    class_list = class_list_of(classes)
    with torch.jit.optimized_execution(False):  # each input size would be optimised anew
        ask_for_missing(module, overrides, classes, photos)
        preprocessing = plain_preprocessing(overrides)
        content = path.read_bytes()
        example = example_batch(preprocessing.height, preprocessing.width)[:2]
        with_logits = with_logits_alone(module, example)
        if isinstance(with_logits, Logits):
            if not out:
                raise Refusal(
                    f"the model gives its logits ('{with_logits.key}') among other things; give --out FOLDER, "
                    "for a copy there that gives them alone"
                )
            say_key(with_logits)
            module = script_of_logits(module, with_logits.key, example)
            content = without_paths(module.save_to_buffer())
        count = check_file(module, preprocessing.height, preprocessing.width, output)
    check_class_list(class_list, count)
    digest = hashlib.sha256(content).hexdigest()
    devices = {device for device in device_constants(module.inlined_graph) if device != "cpu"}
    if devices:
        raise Refusal(f"the graph holds the device {', '.join(sorted(devices))}; export it again from the CPU")
    card = make_card(
        name,
        family or "other",
        {"source": "torchscript", "name": path.name, "version": ""},
        preprocessing,
        {"origin": "file", "sha256": digest},
        count,
        class_list,
        digest,
        output,
    )
    if out:
        make_folder(out)
        write_whole(out / f"{name}.pt", content)
    write_whole(target, card_text(card))
    return card, target


def load_torchscript(path: Path) -> torch.jit.ScriptModule:
    """The module of a TorchScript file, on the CPU and in evaluation mode. Raises Refusal."""
    if not path.exists():
        raise Refusal("there is no such file")
    if path.is_dir():
        raise Refusal("is a folder, not a TorchScript file")
    try:
        module = torch.jit.load(path, map_location="cpu")
    except Exception as error:
        is_script = any("/code/" in name for name in _names_in(path))
        reason = f"cannot be loaded: {first_line(error)}" if is_script else what_else_it_is(path)
        raise Refusal(reason) from error
    if not hasattr(module, "forward"):
        raise Refusal("has no method forward, so it maps no image to outputs")
    loaded: torch.jit.ScriptModule = module.float().eval()
    return loaded


def _names_in(path: Path) -> list[str]:
    """What is in an archive; nothing in a file that is none."""
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return archive.namelist()
    return []


def what_else_it_is(path: Path) -> str:
    """What a file is that is not TorchScript, and what to do with it."""
    checkpoint = "; name its architecture: xai-export NAME --checkpoint FILE"
    with open(path, "rb") as file:
        start = file.read(1024)
    if not start:
        return "is empty"
    if zipfile.is_zipfile(path):
        names = _names_in(path)
        if any(name.partition("/")[2] in ("archive_format", "serialized_exported_program.json") for name in names):
            return "is an exported program (.pt2), not TorchScript; export the module itself with --module"
        pickles = [name for name in names if name.endswith("/data.pkl")]
        if not pickles:
            return "is a ZIP archive without a network in it"
        with zipfile.ZipFile(path) as archive:
            pickle = archive.read(pickles[0])
        return _what_a_pickle_is(pickle) + (checkpoint if b"_modules" not in pickle else "")
    if start[:4] == b"PK\x03\x04":
        return "is an archive that is cut short or damaged; copy or export it again"
    if start[0] == 0x80:
        return _what_a_pickle_is(start) + (checkpoint if b"torch.nn.modules" not in start else "")
    if len(start) > 9 and start[8:9] == b"{":
        return "holds weights alone (safetensors), not a network" + checkpoint
    if path.suffix == ".onnx":
        return "is an ONNX model, not TorchScript; export the module itself with --module"
    return "is not a TorchScript file"


def _what_a_pickle_is(pickle: bytes) -> str:
    if b"_modules" in pickle or b"torch.nn.modules" in pickle:
        return "is a pickled module, which is not read because that may run any code; export it with --module"
    return "holds weights alone, not a network"


def script_of_logits(module: torch.jit.ScriptModule, key: Any, batch: torch.Tensor) -> torch.jit.ScriptModule:
    """A TorchScript module that gives one entry of what another one gives."""
    named = isinstance(key, str) and not isinstance(module(batch), Mapping)
    outer = torch.nn.Module()
    outer.model = module
    script: torch.jit.ScriptModule = torch.jit.script(outer)
    script.define(f"def forward(self, x):\n    return self.model(x){f'.{key}' if named else f'[{key!r}]'}\n")
    return script.eval()


@torch.no_grad()
def check_file(module: torch.jit.ScriptModule, height: int, width: int, output: str) -> int:
    """Refuses a TorchScript module that a card would not describe. Returns K."""
    batch = example_batch(height, width)
    for size in CHECKED_BATCHES:
        with_logits_alone(module, batch[:size])
    values = seen_outputs(module, batch)
    alone = torch.cat([module(row[None]) for row in batch])
    if not unlike(module(batch), module(batch)) <= FILE_TOLERANCE:
        raise Refusal("the model answers differently each time (a random layer, left in training mode?)")
    for size in CHECKED_BATCHES:
        if not unlike(module(batch[:size]), alone[:size]) <= FILE_TOLERANCE:
            raise Refusal(
                f"the model answers differently for an image alone and in a batch of {size} "
                "(a baked batch size, batch norm left in training mode?)"
            )
    check_output(values, output)
    return values.shape[1]

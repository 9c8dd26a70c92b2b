"""--weights-dir: files of weights that were downloaded before."""

from __future__ import annotations

import re
from pathlib import Path

from .errors import Refusal
from .files import file_sha256
from .sources import resolve
from .zoo import Entry


def downloaded(model: Entry, folder: Path) -> Path:
    """The file of a listed model's weights. Raises Refusal where it is not there, with where to get it, or another."""
    path = folder / model.weights.file
    address = "" if model.weights.origin else resolve(model.architecture, {}).address
    expected = model.weights.sha256 or _sha256_in(address)
    if not path.is_file():
        if model.weights.origin:
            where = f"it is of {model.weights.origin}"
        else:
            where = f"download {address} to it" if address else "no address of it is known"
        known = f"sha256 {expected}{'' if len(expected) == 64 else '...'}" if expected else "its hash is not known here"
        raise Refusal(f"there is no {path}: {where} ({known}), or give --pretrained or --random-init")
    actual = file_sha256(path)
    if not actual.startswith(expected):
        raise Refusal(
            f"{path} is another file than the list says: sha256 {actual}, not {expected}; put that one there, or "
            f"export this one by itself: xai-export {model.architecture} --weights {path} --name {model.name}"
        )
    return path


def _sha256_in(address: str) -> str:
    """The first digits of a file's hash where its name has them, as torch.hub's do: resnet50-0676ba61.pth."""
    found = re.search(r"-([0-9a-f]{8,64})\.\w+$", address)
    return found[1] if found else ""

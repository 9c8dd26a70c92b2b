"""Files that are read, and names for what is written."""

from __future__ import annotations

import codecs
import hashlib
import re
from pathlib import Path

from .errors import Refusal


def read_text(path: Path, what: str) -> str:
    """A text file in UTF-8, or in what its byte-order mark says; `what` it is, for the refusal."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Refusal(f"{what} {path} cannot be read: {error.strerror}") from error
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refusal(
            f"{what} {path}, line {line}: is not UTF-8; convert it: iconv -f latin1 -t utf-8 FILE > NEW"
        ) from error


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_folder(folder: Path) -> None:
    """Makes the folder of --out, unless it is there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"--out {folder} cannot be a folder: {error.strerror}") from error


def checked_name(name: str) -> str:
    """`name`, if files may be called so."""
    if not re.fullmatch(r"[^./\x00-\x1f\x7f][^/\x00-\x1f\x7f]*", name):
        raise Refusal(f"'{name}' is no name for files: not empty, without '/', a leading '.' and control characters")
    return name

"""The folder that a run writes, as docs/output-format.md says: the one place that opens run.json and results.jsonl."""

import errno
import fcntl
import json
import os
import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .definitions import CROSSTEST

SCHEMA_VERSION = "2.0"  # of the runs that are read: all of the same major version


class RunError(ValueError):
    """A folder that cannot be read as a run; one line that says which, why, and what to do."""


class NoSuchTable(AttributeError):
    """What runs of this kind do not have; one line that says which kinds have it."""


class RunFolder:
    """run.json and the records of the run in `folder`, as they were when this was made.

    A run that is still written to can be read: its journal only grows while the run is under way, and what was there
    is read however often. Raises RunError where there is no run, or one of another schema version.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        file = self.folder / "run.json"
        self.info: dict[str, Any] = read_json(file)
        """run.json; the status of a run that was killed is "interrupted"."""
        if self.info.get("status") == "running" and not is_written_to(self.folder):
            self.info = read_json(file)  # it may have ended just now
            if self.info.get("status") == "running":
                self.info["status"] = "interrupted"
        require_schema(self.info, file, self.info)
        journal = self._stat()
        self._inode, self._bytes = journal.st_ino, journal.st_size
        self.torn = False
        """The journal ended in the middle of a record, which the run is writing or could not finish."""
        self.place = 0
        """Where in the journal the record begins that `records` gave last."""

    @property
    def complete(self) -> bool:
        """The run reached its end, and there is a record of every image."""
        return self.info.get("status") == "done"

    @property
    def cards(self) -> list[dict[str, Any]]:
        """Cards of the run's models: one, or those of a cross-test in their order."""
        models = self.info.get("model") or []
        return [model["card"] for model in (models if isinstance(models, list) else [models])]

    @property
    def image_count(self) -> "int | str":
        """Images of the run's data set, or of its shard of it; "?" where run.json does not say."""
        data = self.info.get("data") or {}
        count: int | str = (data.get("shard") or {}).get("images", data.get("count", "?"))
        return count

    def records(self) -> Iterator[dict[str, Any]]:
        """The records, in the journal's order: the data set's in a complete run, else that of completion.

        A torn last line of a run that is not complete is left out, and `torn` says so. Raises RunError for any other
        line that is no record, and where the journal was rewritten since this was made.
        """
        file = self.folder / "results.jsonl"
        unread = self._bytes
        self.torn = False
        try:
            with open(file, "rb") as journal:
                self._require_unchanged(journal)
                for number, line in enumerate(journal, 1):
                    line = line[:unread]
                    self.place = self._bytes - unread
                    unread -= len(line)
                    if not line:
                        return
                    if not line.endswith(b"\n") and not self.complete:
                        self.torn = True
                        return
                    yield record_of(line, f"{file}:{number}")
        except OSError as error:
            raise RunError(f"{file} cannot be read: {error.strerror}") from None

    def record_at(self, place: int) -> dict[str, Any]:
        """The record that begins there, as `place` said. Raises RunError as `records` does."""
        file = self.folder / "results.jsonl"
        try:
            with open(file, "rb") as journal:
                self._require_unchanged(journal)
                journal.seek(place)
                return record_of(journal.readline(), f"{file}, byte {place}")
        except OSError as error:
            raise RunError(f"{file} cannot be read: {error.strerror}") from None

    def _require_unchanged(self, journal: BinaryIO) -> None:
        now = os.fstat(journal.fileno())
        if now.st_ino != self._inode or now.st_size < self._bytes:
            raise RunError(f"{journal.name} was rewritten while it was read; read the run again")

    def summary(self) -> dict[str, Any]:
        """summary.json. Raises RunError where the run is not complete: it is written at the end."""
        if not self.complete:
            raise RunError(
                f"{self.folder} is not complete ({self.info.get('status')}), and has no summary yet; "
                "run its command again to go on"
            )
        file = self.folder / "summary.json"
        if not file.exists():
            raise RunError(f"{self.folder} has lost its summary.json; {remake(self.info, self.folder)}")
        summary = read_json(file)
        require_schema(summary, file, self.info)
        return summary

    def _stat(self) -> os.stat_result:
        try:
            return (self.folder / "results.jsonl").stat()
        except OSError:
            raise RunError(f"{self.folder} holds no run: it has a run.json, but no results.jsonl") from None


def record_of(line: bytes, place: str) -> dict[str, Any]:
    """One line of results.jsonl. `place`: file and number of the line, for the error."""
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("image"), str):
        raise RunError(f"{place} is not a record; run the run's command again: it cuts off what is torn and goes on")
    return record


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file of a run."""
    folder = file.parent
    try:
        value = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if folder.is_dir():
            raise RunError(f"{folder} holds no run: it has no {file.name}") from None
        raise RunError(f"there is no folder {folder}") from None
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise RunError(f"{file} is not a JSON object, and {folder} holds no run that can be read; make it anew")
    return value


def require_schema(document: dict[str, Any], file: Path, info: dict[str, Any]) -> None:
    """Raises RunError where `document`, read from `file`, is of another major version of the schema."""
    version = document.get("schema_version", "1 or older")
    if str(version).split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        again = remake(info, file.parent)
        raise RunError(f"{file} has schema version {version}, and this reads {SCHEMA_VERSION}; {again}")


def remake(info: dict[str, Any], folder: Path) -> str:
    """How to make the run in `folder` anew, by the command in its run.json: there, and not where the folder was copied
    or moved from."""
    command = info.get("command")
    if command and Path(command[0]).name == CROSSTEST != info.get("tool"):  # maps of one of its models: saliency/MODEL
        folder = Path(os.path.normpath(folder / "../.."))
        command = command if (folder / "run.json").exists() else None
    if not command:
        return "run its command again with another --out"
    again = shlex.join([*without_out(command), "--out", str(folder), "--overwrite"])
    return f"make it anew: {again} (or with another --out)"


def without_out(command: Sequence[str]) -> Iterator[str]:
    """The words of a program's command but those that say where it writes."""
    words = iter(command)
    for word in words:
        if word == "--out":
            next(words, None)
        elif word != "--overwrite" and not word.startswith("--out="):
            yield word


def is_written_to(folder: str | os.PathLike[str]) -> bool:
    """Whether a process holds the folder's lock, or may hold it.

    Where there are no locks, whether .lock.held was touched within a minute: the process that made it does so every
    ten seconds.
    """
    try:
        with open(Path(folder) / ".lock") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            return True
    try:
        return abs(time.time() - (Path(folder) / ".lock.held").stat().st_mtime) < 60
    except OSError:
        return False


def class_name(info: dict[str, Any], index: int, unnamed: str = "") -> str:
    """The name of class `index`, or the index behind `unnamed` where run.json has no names. Raises RunError for what
    is no class of the run."""
    names = info.get("class_names")
    if index < 0 or (names and index >= len(names)):
        raise RunError(f"there is no class {index}; classes are from 0" + (f" to {len(names) - 1}" if names else ""))
    return str(names[index]) if names else f"{unnamed}{index}"


def listed(names: Iterable[object]) -> str:
    """ "a, b and c"."""
    *first, last = map(str, names)
    return f"{', '.join(first)} and {last}" if first else last

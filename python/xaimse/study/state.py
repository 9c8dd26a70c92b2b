"""study.json: what has become of each step; and the lock that keeps a second process out of the folder."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .._files import write_whole
from .._version import __version__
from ..runs import RunError, read_json
from .steps import Step, file_hash

SCHEMA_VERSION = "1.0"
DONE, CLEARING, STARTED, STOPPED, FAILED = "done", "clearing", "started", "stopped", "failed"


class BusyError(ValueError):
    """The folder is in use; one line that says by whom."""


class State:
    """The steps of study.json; each change is written at once."""

    def __init__(self, out: Path) -> None:
        self._file = out / "study.json"
        self.steps: dict[str, dict[str, Any]] = {}
        if self._file.exists():
            document = read_json(self._file)
            version = str(document.get("schema_version"))
            if version.split(".")[0] != SCHEMA_VERSION.split(".")[0] or not isinstance(document.get("steps"), dict):
                raise RunError(
                    f"{self._file} has schema version {version}, and this reads {SCHEMA_VERSION}; move it away"
                )
            self.steps = document["steps"]

    def of(self, step: Step) -> dict[str, Any]:
        return self.steps.get(step.name, {})

    def note(self, step: Step, **fields: Any) -> None:
        """Sets fields of the step, and forgets none."""
        self.steps[step.name] = self.of(step) | fields
        document = {
            "schema_version": SCHEMA_VERSION,
            "tool": "xai-study",
            "tool_version": __version__,
            "steps": self.steps,
        }
        write_whole(self._file, (json.dumps(document, indent=1) + "\n").encode())

    def is_done(self, step: Step, key: str) -> bool:
        """It ended with this key, and its results are those that it left."""
        entry = self.of(step)
        return (
            entry.get("key") == key
            and entry.get("status") == DONE
            and bool(entry.get("output"))
            and file_hash(step.output) == entry["output"]
        )

    def is_stale(self, step: Step, key: str) -> bool:
        """What lies in the step's folder was made from other things, and is in the way."""
        entry = self.of(step)
        return step.is_run and bool(entry) and (entry.get("key") != key or entry.get("status") == CLEARING)


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keeps other studies out of the folder while the block runs; however the process ends, the lock is gone. Raises
    BusyError."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / ".study.lock", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BusyError(f"{out} is in use by {file.read().strip() or 'another xai-study'}; wait for it") from None
        file.truncate(0)
        file.write(f"xai-study, process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield

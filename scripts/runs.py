"""The folder of a run, as docs/output-format.md says: what the scripts beside it share."""

import fcntl
import json
import shlex
from pathlib import Path

SCHEMA_VERSION = "2.0"  # of the runs that are read: all of the same major version


def is_written_to(folder):
    """Whether a process holds the folder's lock, or may hold it."""
    try:
        with open(Path(folder) / ".lock") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


def read_run(folder):
    """run.json and the records of a run; the status of one that was killed is "interrupted". Raises ValueError for a run of another schema version."""
    file = Path(folder) / "run.json"
    run = json.loads(file.read_text())
    version = run.get("schema_version", "1 or older") if isinstance(run, dict) else "none"
    if str(version).split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise ValueError(f"{file} has schema version {version}, and this script reads {SCHEMA_VERSION}; {remake(run)}")
    if run.get("status") == "running" and not is_written_to(folder):
        run["status"] = "interrupted"
    return run, [json.loads(line) for line in (Path(folder) / "results.jsonl").read_text().splitlines()]


def remake(run):
    command = run.get("command") if isinstance(run, dict) else None
    if not command:
        return "run its command again with --overwrite or another --out"
    overwrite = [] if "--overwrite" in command else ["--overwrite"]
    return f"make it anew: {shlex.join([*command, *overwrite])} (or with another --out)"


def class_name(run, index, unnamed=""):
    """The name of class `index`, or the index behind `unnamed` where run.json has no names."""
    names = run.get("class_names")
    return names[index] if names else f"{unnamed}{index}"

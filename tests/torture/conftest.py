"""Torture of the four programs: kills, faults that an interposed library injects (faults.cpp), and what else goes wrong.

XAI_FAULTS           the library (CMake passes it)
XAI_TORTURE_ROUNDS   kills, and as many faults in proportion; 20 unless it says otherwise
XAI_TORTURE_SEED     repeats the random part of a test, which prints its seed
"""

import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/tools"))
spec = importlib.util.spec_from_file_location("tools", ROOT / "tests/tools/conftest.py")
tools = importlib.util.module_from_spec(spec)
sys.modules["tools"] = tools  # what the tests of the programs share
spec.loader.exec_module(tools)

from tools import (Finished, command, environment, make_photos, photos, pytest_configure, run_json, say,  # noqa: E402, F401
                   timeless, tiny)
from tiny_models import Contrast, make_model  # noqa: E402

ROUNDS = int(os.environ.get("XAI_TORTURE_ROUNDS", 20))
PATIENCE = 300 if ROUNDS <= 20 else 7200  # seconds that a run may take: many are run beside other work
PHOTOGRAPHS = 6
TOOLS = ("mse", "subexp", "saliency", "crosstest")


@pytest.fixture(params=["fixed", "random"])
def chance(request, say):  # noqa: F811
    """The generator of a test's random choices: with a fixed seed, and with one that is printed."""
    fixed = request.param == "fixed"
    seed = 19 if fixed else int(os.environ.get("XAI_TORTURE_SEED", time.time_ns() % 1_000_000_000))
    if not fixed:
        say(f"{request.node.name}: XAI_TORTURE_SEED={seed}")
    return random.Random(seed)


# Of tests that need no fixed seed beside it.
once = pytest.mark.parametrize("chance", ["random"], indirect=True)


@dataclass
class Job:
    """A run of one program, and what it gives when nothing disturbs it."""
    tool: str
    options: dict
    folder: Path  # of its inputs, and of the undisturbed run
    seconds: float = 0  # that it took
    calls: dict | None = None  # that it made on files of its folder

    @property
    def whole(self):
        return self.folder / "whole"

    def command(self, out, **more):
        given = {"data": self.folder / "photos", "tune": "off", "batch_size": 8, "threads": 2, **self.options, **more}
        return command(tool=self.tool, out=out, **given)

    def run(self, out, env=None, **more):
        done = subprocess.run(self.command(out, **more), capture_output=True, text=True, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, env=environment(**(env or {})))
        return Finished(done.returncode, done.stdout, done.stderr)

    def start(self, out, env=None, **more):
        return subprocess.Popen(self.command(out, **more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=environment(**(env or {})))

    def goes_on(self, out):
        """Runs to the end, which is that of the undisturbed run."""
        finished = self.run(out)
        assert finished.code == 0, finished.err
        same_results(out, self.whole)


def faults(out, fault="", log=None, **more):
    """The environment in which calls on files under `out` fail, as faults.cpp has it."""
    library = os.environ.get("XAI_FAULTS", "")
    if not os.access(library, os.R_OK):
        pytest.skip("XAI_FAULTS holds no path of the library that injects faults")
    under = Path(out).resolve()
    given = {"LD_PRELOAD": library, "XAI_FAULT_UNDER": str(under), "XAI_FAULT": fault,
             "XAI_FAULT_LOG": str(log) if log else None, **more}
    return {name: value for name, value in given.items() if value}


def read_log(log):
    """The calls that were hit, and the counts of all."""
    lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    return ([line[1:] for line in lines if line[0] == "hit"],
            {line[0]: int(line[1]) for line in lines if line[0] != "hit"})


def without_times(value):
    if isinstance(value, dict):
        return {name: without_times(inner) for name, inner in value.items() if name != "seconds"}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def same_results(out, whole):
    """Two runs ended with the same results: files by name, records but for times, every other file."""
    assert files_of(out) == files_of(whole)
    for name in sorted(files_of(whole)):
        ours, theirs = out / name, whole / name
        if theirs.name == "results.jsonl":
            keys = [tuple(record.get(field) for field in ("image", "source", "model")) for record in timeless(ours.parent)]
            assert len(set(keys)) == len(keys), name
            assert timeless(ours.parent) == timeless(theirs.parent), name
        elif theirs.name == "run.json":
            mine, other = run_json(ours.parent), run_json(theirs.parent)
            for field in ("status", "counts", "identity", "paths", "class_names"):
                assert mine[field] == other[field], (name, field)
        elif theirs.suffix == ".json":
            assert without_times(json.loads(ours.read_text())) == without_times(json.loads(theirs.read_text())), name
        elif theirs.name == "summary.csv":
            def lines(file):
                return [line for line in file.read_text().splitlines() if not line.startswith("seconds")]
            assert lines(ours) == lines(theirs), name
        elif theirs.suffix == ".npy":
            mine, other = numpy.load(ours), numpy.load(theirs)
            if mine.dtype == numpy.float32:  # predictions: perhaps from a batch of another size
                assert numpy.abs(mine - other).max(initial=0) < 1e-5, name
            else:
                assert (mine == other).all(), name
        elif theirs.name != ".lock":  # whose text stays where it may not be cut; the next process looks at the lock itself
            assert ours.read_bytes() == theirs.read_bytes(), name


def options_of(tool, folder):
    if tool == "crosstest":
        models = [make_model(folder, Contrast(change), name=name) for change, name in ((0, "first"), (0.2, "second"))]
        labels = folder / "labels.csv"
        lines = [f"photo{i:02d}.png,{i % 3}\n" for i in range(PHOTOGRAPHS)]
        labels.write_text("path,label\n" + "".join(lines))
        return {"models": models, "labels": labels, "size": 4, "iterations": 2, "steps": 8, "min_gap": 0.001,
                "pictures": 2}
    own = {"mse": {"grid": 4, "max_evaluations": 500, "pictures": 3, "save_scores": True},
           "subexp": {"grid": 3, "graphs": 3},
           "saliency": {"size": 4, "iterations": 2, "steps": 8, "pictures": 3}}[tool]
    return {"model": make_model(folder), "images_in_flight": 3, **own}


@pytest.fixture(scope="session")
def jobs(tmp_path_factory):
    """Gives the job of a program, whose undisturbed run is made once."""
    made = {}

    def job_of(tool):
        if tool not in made:
            folder = tmp_path_factory.mktemp(tool)
            make_photos(folder / "photos", PHOTOGRAPHS)
            job = Job(tool, options_of(tool, folder), folder)
            counts = folder / "counts"
            begin = time.monotonic()
            finished = job.run(job.whole, env=faults(job.whole, log=counts))
            job.seconds = time.monotonic() - begin
            assert finished.code == 0, finished.err
            job.calls = read_log(counts)[1]
            job.calls["change"] = sum(n for call, n in job.calls.items() if call not in ("read", "flock"))
            made[tool] = job
        return made[tool]

    return job_of


@pytest.fixture(params=TOOLS)
def job(request, jobs):
    return jobs(request.param)


def copy_folder(source, target):
    shutil.copytree(source, target, symlinks=True)
    return target

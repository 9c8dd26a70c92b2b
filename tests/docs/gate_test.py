"""The commands of docs/gate.md, as they stand there, set up a guard: the same passes, what moved is stopped."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import torch
import yaml
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from tiny_models import Tiny, make_model

PAGE = (Path(__file__).resolve().parents[2] / "docs/gate.md").read_text()
MODELS = ("reference", "mine")
CLASSES = ("red", "green", "blue")
PHOTOGRAPHS = 6
WHEEL = "xaimse-1.0-py3-none-any.whl"  # an empty file


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


ONCE, EVERY_TIME = blocks("sh")
(CONFIGURATION,) = blocks("toml")
(WORKFLOW,) = blocks("yaml")


def moved_model(step):
    """The model after a training that moved its weights by `step` standard deviations."""
    model = Tiny(len(CLASSES))
    with torch.no_grad():
        model.hidden += step * torch.randn(model.hidden.shape, generator=torch.Generator().manual_seed(1))
    return model


class Repository:
    """A user's repository. `pip` is a stand-in that notes what it is asked for; the programs are the build's."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, script):
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["XAI_BIN"], os.environ["PATH"]])
        return subprocess.run(["bash", "-ec", script], cwd=self.folder, capture_output=True, text=True, timeout=300,
                              env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"})

    def put_model(self, module, name="mine"):
        make_model(self.folder / "models", module, name=name, ids=CLASSES)

    def edit(self, path, pattern, replacement):
        file = self.folder / path
        text, count = re.subn(pattern, replacement, file.read_text(), flags=re.MULTILINE)
        assert count == 1
        file.write_text(text)


@pytest.fixture(scope="module")
def set_up(tmp_path_factory):
    """After the section "Once". Labels are what the model predicts, so that every photograph has a curve."""
    repository = Repository(tmp_path_factory.mktemp("guarded") / "repository")
    photos = repository.folder / "guard/photos"
    photos.mkdir(parents=True)
    labels = ["path,label"]
    for seed in range(PHOTOGRAPHS):
        cells = numpy.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=numpy.uint8)
        image = Image.fromarray(cells).resize((32, 32), Image.Resampling.NEAREST)
        image.save(photos / f"{seed}.png")
        x = torch.tensor(numpy.asarray(image) / 127.5 - 1, dtype=torch.float32).permute(2, 0, 1)
        labels.append(f"{seed}.png,{CLASSES[Tiny(len(CLASSES))(x[None]).argmax()]}")
    (repository.folder / "guard/labels.csv").write_text("\n".join(labels) + "\n")
    (repository.folder / "guard/gate.toml").write_text(CONFIGURATION)
    repository.put_model(moved_model(0), "reference")
    repository.put_model(moved_model(0))  # the same file: its maps are the reference's, which is named first
    (repository.folder / WHEEL).touch()
    pip = repository.folder / "bin/pip"
    pip.parent.mkdir()
    pip.write_text('#!/bin/sh\necho "$@" > pip.log\n')
    pip.chmod(0o755)
    done = repository.run(ONCE)
    assert done.returncode == 0, done.stderr
    return repository


@pytest.fixture
def repository(set_up, tmp_path):
    """A clone: without runs/, which nobody commits."""
    shutil.copytree(set_up.folder, tmp_path / "clone", ignore=shutil.ignore_patterns("runs"))
    return Repository(tmp_path / "clone")


def test_the_baseline_rests_on_photographs(set_up):
    cells = json.loads((set_up.folder / "guard/baseline.json").read_text())["cells"]
    assert [(cell["source"], cell["model"]) for cell in cells] == [(a, b) for a in MODELS for b in MODELS]
    for cell in cells:
        assert (cell["n"], cell["undefined"]) == (PHOTOGRAPHS, 0) and cell["auc"] > 0.5


def test_the_workflow_has_ten_lines_and_the_same_commands():
    assert len([line for line in WORKFLOW.splitlines() if not line.startswith("#")]) == 10
    steps = yaml.safe_load(WORKFLOW)["jobs"]["gate"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == EVERY_TIME.splitlines()


def test_what_is_as_before_passes(repository):
    passed = repository.run(EVERY_TIME)
    assert passed.returncode == 0, passed.stderr
    assert "10 of 10 values are within 0.02" in passed.stdout
    assert (repository.folder / "pip.log").read_text() == f"install {WHEEL}\n"


def test_other_weights_with_the_same_numbers_pass(repository):
    repository.put_model(moved_model(1e-6))
    passed = repository.run(EVERY_TIME)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "model mine has other weights than in the baseline" in passed.stdout


def test_a_model_that_moved_is_stopped_and_the_baseline_may_follow_it(repository):
    assert repository.run(EVERY_TIME).returncode == 0
    repository.put_model(moved_model(0.1))  # the same run folder again: --overwrite
    stopped = repository.run(EVERY_TIME)
    assert stopped.returncode == 4, stopped.stdout + stopped.stderr
    assert re.search(r"^auc reference -> mine  .*[+-]\d\.\d{5}$", stopped.stdout, re.MULTILINE)

    written = repository.run(ONCE.splitlines()[1])
    assert written.returncode == 0, written.stderr
    assert repository.run(EVERY_TIME).returncode == 0


def test_a_photograph_that_cannot_be_tested_is_said(repository):
    (repository.folder / "guard/photos/0.png").write_text("no image")
    repository.edit("guard/gate.toml", r"^tolerance = .*", "tolerance = 100")  # fewer photographs have another mean
    assert repository.run(EVERY_TIME).returncode == 3


def test_other_photographs_are_refused(repository):
    (repository.folder / "guard/photos/0.png").unlink()
    refused = repository.run(EVERY_TIME)
    assert refused.returncode == 2 and "conditions" in refused.stderr


def test_frozen_models_from_committed_maps_alone(repository):
    """The page's narrower tolerance: maps of every model are committed, and belong to its weights."""
    repository.put_model(moved_model(0.1))
    maps, baseline = ONCE.splitlines()
    maps_of_mine = maps.replace("models/reference.pt", "models/mine.pt").replace("guard/maps", "guard/mine")
    repository.edit("guard/gate.toml", r"^maps = .*", 'maps = ["guard/maps", "guard/mine"]')
    repository.edit("guard/gate.toml", r"^tolerance = .*", "tolerance = 0.002")
    done = repository.run(f"{maps_of_mine}\n{baseline}")
    assert done.returncode == 0, done.stderr
    passed = repository.run(EVERY_TIME)
    assert passed.returncode == 0 and "10 of 10 values are within 0.002" in passed.stdout, passed.stdout + passed.stderr

    repository.put_model(moved_model(0.2))
    refused = repository.run(EVERY_TIME)
    assert refused.returncode == 2 and "guard/mine is of a model that is none of --models" in refused.stderr

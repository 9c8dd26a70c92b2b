"""The commands and the configuration of docs/study.md, as they stand there; columns that docs/reproducing-the-paper.md names."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from conftest import make_photos
from tiny_models import Contrast, make_model

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/study.md").read_text()
PAPER = (ROOT / "docs/reproducing-the-paper.md").read_text()
SMALL = '\n[saliency]\nsize = 7\niterations = 2\nsteps = 20\n[crosstest]\nsteps = 20\n'


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What the commands of the page left and said, by their order."""
    folder = tmp_path_factory.mktemp("study")
    make_photos(folder / "photos", 3)
    (folder / "labels.csv").write_text("path,label\n" + "".join(f"photo{i:02d}.png,{i}\n" for i in range(3)))
    make_model(folder / "models", Contrast(0), name="alpha")
    make_model(folder / "models", Contrast(0.1), name="beta")
    (configuration,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (folder / "study.toml").write_text(configuration + SMALL)
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    package = ROOT / "python"
    (folder / "bin").mkdir()
    (folder / "bin/xai-study").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m xaimse.study "$@"\n')
    (folder / "bin/xai-study").chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(package)}
    said = []
    for command in commands.splitlines():
        done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=600, env=environment)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        said.append(done.stdout + done.stderr)
    return folder, said


def test_the_commands_do_what_the_page_says(outputs):
    _, (planned, ran, again, _) = outputs
    assert "Arithmetic" in planned and "time  " in planned
    assert "14 steps are done" in ran
    assert "nothing to do" in again


def test_the_steps_of_the_page_are_there(outputs):
    folder, _ = outputs
    out = folder / "runs/study"
    for name in ("mse/alpha", "subexp/beta", "saliency/alpha", "crosstest"):
        assert (out / name / "summary.json").exists()
    for name in ("compare/mse.txt", "compare/subexp.json", "compare/counts.csv", "study.json", "tuning.json", "log"):
        assert (out / name).exists()


def test_the_papers_files_and_columns_are_there(outputs):
    folder, _ = outputs
    out = folder / "runs/study"
    for name in set(re.findall(r"`((?:mse|subexp|saliency|crosstest|compare)/[^`*]+)`", PAPER)):
        assert (out / name.replace("NAME", "alpha")).exists(), name
    for name, columns in {"mse/alpha": ("found", "diverse", "mean_mse_size", "min_size"),
                          "subexp/alpha": ("distinct", "distinct_per_mse")}.items():
        summary = (out / name / "summary.csv").read_text()
        for column in columns:
            assert column in summary, f"{column} of {name}"

"""Every command that the README shows is run, and every file it points to exists."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text()
COMMANDS = [  # those of the wheel: tests/wheel/wheel_test.py
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    if "pip install" not in block
    for line in block.splitlines()
    if line.strip()
]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder that looks like a checkout after quickstart.sh: built, with its own models and runs."""
    folder = tmp_path_factory.mktemp("workplace")
    for name in ("scripts", "photos", "configs", ".venv"):
        (folder / name).symlink_to(REPOSITORY / name)
    (folder / "build" / "release").mkdir(parents=True)
    (folder / "build" / "release" / "bin").symlink_to(Path(os.environ["XAI_MSE"]).parent)
    return folder


def run(workplace, command):
    words = shlex.split(command)
    if "--out" in words and "--dry-run" not in words:  # the command is what is tested, not the search
        small = [] if "--config" in words else ["--iterations", "2", "--steps", "10"]
        words += {"xai-crosstest": small, "xai-mse": ["--max-evaluations", "40"], "xai-subexp": ["--max-nodes", "20"],
                  "xai-saliency": small}.get(Path(words[0]).name, [])
    result = subprocess.run(words, cwd=workplace, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result


def test_the_two_commands_stand_in_the_first_screen():
    first_screen = "\n".join(README.splitlines()[:20])
    assert "scripts/quickstart.sh" in first_screen and "scripts/test.sh" in first_screen
    assert "docs/pictures/" in first_screen


def test_quickstart_explains_the_photographs():
    """In place, with the preset that is built already and a small budget; an earlier quick start's run is replaced."""
    environment = {**os.environ, "XAI_PRESET": os.environ["XAI_BUILD_PRESET"]}
    result = subprocess.run(
        ["scripts/quickstart.sh", "--overwrite", "--max-evaluations", "150"],
        cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=900,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for photograph in sorted((REPOSITORY / "photos").glob("*.jpg")):
        assert photograph.name in result.stdout
        assert (REPOSITORY / "runs" / "quickstart" / "images" / f"{photograph.name}.png").stat().st_size > 10_000


def test_the_test_command_is_what_runs_this():
    assert os.environ.get("XAI_TEST_SH") == "1" or not os.environ.get("CI"), "CI calls scripts/test.sh"


def test_the_other_commands_run(workplace):
    others = [command for command in COMMANDS if command not in ("scripts/quickstart.sh", "scripts/test.sh")]
    assert len(others) >= 4
    for command in others:
        run(workplace, command)
    for name in ("first", "counted", "maps", "cross", "gate", "second", "sets"):
        assert (workplace / "runs" / name / "summary.json").exists()


def test_the_python_lines_run(workplace):
    """After the commands, whose run they read; with a scorer, a model and an image as the reader has them."""
    (lines,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    before = """
import timm
import torch
from PIL import Image

torch.manual_seed(0)
score = lambda shown: shown.mean(axis=(1, 2))
model = timm.create_model("test_resnet.r160_in1k", pretrained=False)
image = Image.open("photos/camera.jpg")
"""
    package = Path(os.environ["XAI_BIN"]).parent / "python"
    done = subprocess.run([sys.executable, "-c", before + lines], cwd=workplace, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(package)}, timeout=600, check=False)
    assert done.returncode == 0, done.stderr


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (REPOSITORY / target).exists(), target

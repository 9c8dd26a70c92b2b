"""The example of an analysis of one's own does all that a run does: records, summary, resume, refusals."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/tools"))
from tiny_models import Brightness, make_model  # noqa: E402


def occlusion(*arguments):
    return subprocess.run([os.environ["XAI_OCCLUSION"], *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture
def run(tmp_path):
    """A white image on black: the model's probability is linear in what is shown."""
    model = make_model(tmp_path / "model", Brightness, classes=2, ids=None)
    (tmp_path / "data").mkdir()
    Image.fromarray(numpy.full((32, 32, 3), 255, "uint8")).save(tmp_path / "data/white.png")
    return ["--model", model, "--data", tmp_path / "data", "--out", tmp_path / "run", "--grid", 4, "--mask", "hard",
            "--baseline", "black"]


def test_every_patch_costs_its_share(run, tmp_path):
    finished = occlusion(*run)
    assert finished.returncode == 0, finished.stderr
    record = json.loads((tmp_path / "run/results.jsonl").read_text())
    assert record["status"] == "ok" and record["target"] == 0
    numpy.testing.assert_allclose(record["drops"], [0.8 / 16] * 16, atol=1e-5)
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["quantities"]["largest_drop"]["mean"] == pytest.approx(0.05, abs=1e-5)


def test_it_resumes_and_refuses_as_every_run_does(run):
    assert occlusion(*run).returncode == 0
    again = occlusion(*run)
    assert again.returncode == 0 and "nothing to do" in again.stderr
    other = occlusion(*run[:-6], "--grid", 5)
    assert other.returncode == 2 and "holds another run" in other.stderr
    wrong = occlusion(*run[:-6], "--grid", 17)
    assert wrong.returncode == 2 and "--grid must be from 2 to 16, not 17" in wrong.stderr


def test_a_dry_run_plans_it_as_any_other(run, tmp_path):
    dry = occlusion(*run, "--dry-run", "--json")
    assert dry.returncode == 0, dry.stderr
    assert not (tmp_path / "run").exists()
    plan = json.loads(dry.stdout)
    assert plan["tool"] == "xai-occlusion" and plan["rows_at_most"] == {"forward": 17, "backward": 0}
    assert occlusion(*run).returncode == 0
    record = (tmp_path / "run/results.jsonl").stat().st_size
    assert record == pytest.approx(plan["bytes_estimated"], rel=0.3)
    assert json.loads((tmp_path / "run/run.json").read_text())["forward"] == 17

"""docs/explain.ipynb: its cells run in order, say what its text says, and its saved outputs are of such a run."""

import base64
import io
import json
import os
from pathlib import Path

import pytest
from PIL import Image

from conftest import exported_model, program, require_search

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs/explain.ipynb"


def cells():
    return [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]


@pytest.fixture
def docs(tmp_path, monkeypatch):
    """A folder as docs/ is in a clone whose models are exported, and the current one; the programs are on PATH."""
    require_search()
    (tmp_path / "docs").mkdir()
    (tmp_path / "photos").symlink_to(ROOT / "photos")
    (tmp_path / "models").symlink_to(exported_model("efficientnet_lite0").parent)
    monkeypatch.chdir(tmp_path / "docs")
    monkeypatch.setenv("PATH", f"{Path(program('mse')).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("docs")
def test_the_notebook_runs(capsys):
    names = {}
    for number, cell in enumerate(cells()):
        exec(compile("".join(cell["source"]), f"code cell {number} of {NOTEBOOK.name}", "exec"), names)

    explanation, counts, run = names["explanation"], names["counts"], names["run"]
    assert explanation.class_name == "tripod"
    assert explanation.found >= 4 and explanation.evaluations <= 400
    for mse in explanation.mses:
        assert mse.ratio >= 0.9 and 0 < len(mse.patches) < 49
    assert explanation.figure().size == (28 + 482 + 2 * (14 + 224) + 28, 28 + 66 + 482 + 34 + 14 + 44 + 28)
    assert len(counts.per_root) == explanation.found  # an MSE is a sub-explanation of itself
    assert explanation.found <= counts.distinct <= sum(count.distinct for count in counts.per_root)
    assert (run.kind, run.complete, list(run.records["target"])) == ("xai-mse", True, [explanation.target])
    assert abs(run.records["p_full"][0] - explanation.p_full) < 1e-5
    if explanation.near_ties == run.records["near_ties"][0] == 0:
        assert names["same"]
    assert f"{explanation.found} found, {explanation.diverse} diverse" in capsys.readouterr().out


def test_its_outputs_are_saved():
    assert NOTEBOOK.stat().st_size < 1_000_000
    assert [cell["execution_count"] for cell in cells()] == list(range(1, len(cells()) + 1))
    outputs = [output for cell in cells() for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} == {"stream", "execute_result"}
    pictures = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    sizes = [Image.open(io.BytesIO(base64.b64decode(picture))).size for picture in pictures]
    assert sizes == [(1014, 696), (224, 224)]
    text = json.dumps(outputs)
    assert "same sets: True" in text
    assert "/tmp" not in text and "/home" not in text and str(ROOT) not in text  # nobody's own paths

"""Tests of the Python package xaimse, as it lies in a build (PYTHONPATH) or else in python/.

XAI_MSE, ...      paths of the programs, which make the runs to read (CMake passes them)
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
try:
    import xaimse  # noqa: F401
except ImportError:
    sys.path.insert(0, str(ROOT / "python"))
sys.path.append(str(ROOT / "tests/tools"))


def pytest_configure(config):
    config.addinivalue_line("filterwarnings", "ignore:`torch.jit:DeprecationWarning")


def program(name):
    """The path of xai-NAME, or the test is skipped."""
    path = os.environ.get(f"XAI_{name.upper()}", "")
    if not os.access(path, os.X_OK):
        pytest.skip(f"XAI_{name.upper()} holds no path of xai-{name}")
    return path


def require_search():
    """Skips a test, or a module of tests, where the package has no compiled part."""
    import xaimse

    if not list(Path(xaimse.__file__).parent.glob("_search*.so")):
        pytest.skip("xaimse.search is not built (XAI_BUILD_PYTHON)", allow_module_level=True)


def exported_model(name):
    """NAME.pt as scripts/test.sh or scripts/quickstart.sh exported it, or the test is skipped."""
    for folder in (ROOT / "build/test-models", ROOT / "models"):
        if (folder / f"{name}.pt").exists() and (folder / f"{name}.json").exists():
            return folder / f"{name}.pt"
    pytest.skip(f"no exported model {name}.pt in build/test-models or models: scripts/test.sh makes it")


def run_program(name, *arguments, folder, codes=(0,)):
    """Runs xai-NAME with `folder` as the current one, repeatable to the bit."""
    words = [program(name), *map(str, arguments), "--tune", "off", "--batch-size", "8", "--quiet"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    assert done.returncode in codes, done.stderr


def write_photos(folder, count):
    """photo00.png, ...: mosaics, not square, each with contrast in one colour more than in the others."""
    folder.mkdir(parents=True)
    for seed in range(count):
        strength = numpy.full(3, 0.2)
        strength[seed % 3] = 1
        colours = numpy.random.default_rng(seed).integers(0, 256, (16, 16, 3))
        mosaic = numpy.rint(128 + strength * (colours - 128)).astype(numpy.uint8)
        Image.fromarray(mosaic).resize((40, 32), Image.Resampling.NEAREST).save(folder / f"photo{seed:02d}.png")


@pytest.fixture(scope="session")
def workplace(tmp_path_factory):
    """A folder with photos/ (three, and one that is damaged), models/ and, in runs/, runs of every kind: first, and
    other of another model (xai-mse), counted (xai-subexp), maps and rise (xai-saliency), cross of three models
    (xai-crosstest, of the three photographs), shown of two of them (--mses seen_alpha and seen_beta)."""
    from tiny_models import Contrast, make_model

    folder = tmp_path_factory.mktemp("workplace")
    write_photos(folder / "photos", 3)
    (folder / "labels.csv").write_text("path,label\n" + "".join(f"photo{i:02d}.png,{i}\n" for i in range(3)))
    models = folder / "models"
    make_model(models)
    make_model(models, Contrast(0), name="alpha")
    make_model(models, Contrast(0.1), name="beta", size=(24, 24), resize=27)
    make_model(models, Contrast(0.2), name="gamma", family="transformer")

    def run(name, *arguments, out, codes=(0,)):
        run_program(name, *arguments, "--out", f"runs/{out}", folder=folder, codes=codes)

    cross = [f"models/{name}.pt" for name in ("alpha", "beta", "gamma")]
    small = ["--size", 7, "--iterations", 2, "--steps", 20]
    run("crosstest", "--models", *cross, "--data", "photos", "--labels", "labels.csv", *small, out="cross")
    seen = ["--data", "photos", "--grid", 3, "--max-evaluations", 300]
    for name in ("alpha", "beta"):
        run("mse", "--model", f"models/{name}.pt", *seen, out=f"seen_{name}")
    mses = ["--mses", "runs/seen_alpha", "runs/seen_beta"]
    run("crosstest", "--models", *cross[:2], "--data", "photos", "--labels", "labels.csv", *mses, out="shown")
    (folder / "photos/torn.png").write_bytes((folder / "photos/photo00.png").read_bytes()[:200])
    common = ["--model", "models/alpha.pt", "--data", "photos"]
    failed = (3,)  # torn.png
    search = ["--grid", 4, "--max-evaluations", 1000]
    search += ["--estimate-evaluations", 300]
    run("mse", *common, *search, out="first", codes=failed)
    run("mse", "--model", "models/tiny.pt", "--data", "photos", *search, out="other", codes=failed)
    run("subexp", "--mses", "runs/first", "--probe", 4, "--graphs", 1, "--max-nodes", 40, out="counted", codes=failed)
    run("saliency", *common, *small, out="maps", codes=failed)
    rise = ["--method", "rise", "--rise-masks", 50, "--size", 14, "--metric", "reference"]
    run("saliency", *common, *rise, out="rise", codes=failed)
    return folder


@pytest.fixture
def runs(workplace, monkeypatch):
    """The folder runs/ of `workplace`, which is the current folder."""
    monkeypatch.chdir(workplace)
    return Path("runs")

"""Models of the zoo with random heads, each through every program on two photographs, with tiny budgets.

XAI_MSE, ...         paths of the programs (CMake passes them)
XAI_ZOO=all          every model of configs/models.json, and ResNet50-C1 and C2 at their published test size, too;
XAI_ZOO=swin_tiny    or those that are named, with commas between; without it three small ones
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import timm
import torch

from xaimse.export import sources
from xaimse.export.cli import main as export
from xaimse.export.zoo import packaged_zoo
from xaimse.features.cli import main as measure_features

ROOT = Path(__file__).resolve().parents[2]
PHOTO = "coffee.jpg"  # that heads are scaled for
OTHER = "rocket.jpg"
SMALL = ["squeezenet1_1", "vit_tiny_patch16_224", "efficientnet_lite0"]
LOGITS_TOLERANCE = 1e-3  # of the largest
TEST_SIZE = "@test"  # behind a model's name: at the size that timm tests it with

ENTRIES = {entry.name: entry for entry in packaged_zoo()}
EVERY = [*ENTRIES, f"resnet50_c1{TEST_SIZE}", f"resnet50_c2{TEST_SIZE}"]
CHOSEN = os.environ.get("XAI_ZOO", "")
NAMES = EVERY if CHOSEN == "all" else CHOSEN.split(",") if CHOSEN else SMALL


def overrides_of(name):
    """Arguments of xai-export for the test size."""
    if not name.endswith(TEST_SIZE):
        return []
    config = timm.get_pretrained_cfg(ENTRIES[name.removesuffix(TEST_SIZE)].architecture.removeprefix("timm:"))
    side = config.test_input_size[1]
    assert side > config.input_size[1]
    return ["--input-size", str(side), "--resize", str(int(side / config.test_crop_pct))]


def run(program, *arguments, codes=(0,)):
    path = os.environ.get(f"XAI_{program.upper()}", "")
    if not os.access(path, os.X_OK):
        pytest.skip(f"XAI_{program.upper()} holds no path of xai-{program}")
    words = [path, *map(str, arguments), "--quiet"]
    if program != "merge":
        words += ["--tune", "off", "--threads", "1"]  # beside other tests
    done = subprocess.run(words, capture_output=True, text=True, timeout=3600, stdin=subprocess.DEVNULL)
    assert done.returncode in codes, f"{' '.join(words)}\n{done.stderr}"


def records(folder):
    """By image; of a cross-test by image, source and model."""
    found = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    if "source" not in found[0]:
        return {record["image"]: record for record in found}
    return {(record["image"], record["source"], record["model"]): record for record in found}


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "photos"
    folder.mkdir()
    for name in (PHOTO, OTHER):
        shutil.copy(ROOT / "photos" / name, folder)
    return folder


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """The model that others are crossed with: the cheapest."""
    return exported("squeezenet1_1", tmp_path_factory.mktemp("reference"), "reference")


def exported(name, folder, file_name):
    entry = ENTRIES[name.removesuffix(TEST_SIZE)]
    if not entry.installed:
        pytest.skip(f"{', '.join(entry.packages)} is not installed")
    words = [entry.architecture, "--random-init", "--name", file_name, "--out", str(folder), *overrides_of(name)]
    assert export(words) == 0
    return folder / f"{file_name}.pt"


@pytest.fixture(scope="module", params=NAMES)
def model(request, tmp_path_factory):
    """Name in the zoo, and the exported file."""
    folder = tmp_path_factory.mktemp("models")
    yield request.param, exported(request.param, folder, "tested")
    shutil.rmtree(folder)  # 19 models and their parts are 3 GB


@pytest.fixture(scope="module")
def explained(model, photos, tmp_path_factory):
    """A run of xai-mse over all subsets of a 2 x 2 grid, with what the model was shown in dump/."""
    folder = tmp_path_factory.mktemp("explained")
    search = ("--grid", 2, "--search", "exhaustive", "--pictures", 0, "--batch-size", 2)
    run("mse", "--model", model[1], "--data", photos, *search, "--preprocess-dump", folder / "dump",
        "--out", folder / "run")  # fmt: skip
    return folder


def check_mses(record):
    """Ok, with an MSE; each is sufficient, and none holds another."""
    assert record["status"] == "ok" and record["found"] == len(record["mses"]) >= 1
    sets = [frozenset(mse["patches"]) for mse in record["mses"]]
    assert all(mse["ratio"] >= record["threshold"] for mse in record["mses"])
    assert not any(a < b for a in sets for b in sets)


def test_mse_and_merge(model, photos, explained, tmp_path):
    """Two shards, merged, are the run."""
    whole = records(explained / "run")
    assert set(whole) == {PHOTO, OTHER}
    check_mses(whole[PHOTO])
    assert whole[OTHER]["status"] in ("ok", "baseline-sufficient")
    shards = [tmp_path / f"shard{index}" for index in range(2)]
    for index, shard in enumerate(shards):
        run("mse", "--model", model[1], "--data", photos, "--grid", 2, "--search", "exhaustive", "--pictures", 0,
            "--batch-size", 2, "--num-shards", 2, "--shard-index", index, "--out", shard)  # fmt: skip
    run("merge", "--shards", *shards, "--out", tmp_path / "merged")
    merged = records(tmp_path / "merged")
    for image, record in whole.items():
        assert merged[image]["status"] == record["status"]
        assert [mse["patches"] for mse in merged[image]["mses"]] == [mse["patches"] for mse in record["mses"]]


def test_logits_are_eager_pytorchs(model, explained):
    """Of the network as its library makes it, with the exported weights, for what the programs show to models."""
    name, file = model
    card = json.loads(file.with_suffix(".json").read_text())
    traced = torch.jit.load(file)
    entry = ENTRIES[name.removesuffix(TEST_SIZE)]
    eager = sources.resolve(entry.architecture, {}).make(False, None).eval()
    eager.load_state_dict(traced.state_dict())  # of the same names and shapes, all of them
    mean, std = (torch.tensor(card["preprocessing"][key]).view(3, 1, 1) for key in ("mean", "std"))
    for image, record in records(explained / "run").items():
        (dump,) = (explained / "dump").rglob(f"{image}*.npy")
        x = ((torch.from_numpy(numpy.load(dump)) - mean) / std).unsqueeze(0)
        with torch.no_grad():
            expected, actual = eager(x), traced(x)
        assert (actual - expected).abs().max() <= LOGITS_TOLERANCE * expected.abs().max()
        p = expected.double().softmax(1)[0]
        assert record["predicted"] == p.argmax()
        # the program's own logits are seen through the softmax alone
        assert abs(numpy.log(record["p_full"]) - p[record["target"]].log()) <= LOGITS_TOLERANCE * expected.abs().max()


def test_subexp(explained, tmp_path):
    run("subexp", "--mses", explained / "run", "--max-nodes", 50, "--out", tmp_path / "run")
    record = records(tmp_path / "run")[PHOTO]
    check_mses(record)
    counts = record["sub_explanations"]
    # roots count; a grid of four has few others
    assert 1 <= counts["distinct"] <= 15 and counts["tree_nodes"] >= record["found"] and not counts["truncated"]


def test_saliency(model, photos, tmp_path):
    """By gradients, and by Grad-CAM where the model has its parts."""
    card = json.loads(model[1].with_suffix(".json").read_text())
    for method in ["igos++"] + ["gradcam"] * bool(card["gradcam"]):
        out = tmp_path / method
        run("saliency", "--model", model[1], "--data", photos, "--method", method, "--size", 7, "--iterations", 1,
            "--steps", 2, "--pictures", 0, "--batch-size", 2, "--out", out)  # fmt: skip
        for record in records(out).values():
            assert record["status"] == "ok"
            assert numpy.isfinite(numpy.load(out / record["map"])).all()


def test_crosstest(model, reference, photos, tmp_path):
    """With itself and with another model."""
    run("crosstest", "--models", model[1], reference, "--data", photos, "--size", 7, "--iterations", 1, "--steps", 4,
        "--pictures", 0, "--batch-size", 2, "--out", tmp_path / "run")  # fmt: skip
    found = records(tmp_path / "run")
    names = ("tested", "reference")
    assert set(found) == {(image, a, b) for image in (PHOTO, OTHER) for a in names for b in names}
    for (image, source, tested), record in found.items():
        if record["status"] != "ok":
            assert (record["status"], record["reason"]) == ("undefined", "gap")
            assert not (image == PHOTO and source == tested), "a self-pair of the photograph that heads are scaled for"
        else:
            assert numpy.isfinite(record["auc"]) and (record["curve"][0], record["curve"][-1]) == (0, 1)


def test_features(model, photos, tmp_path):
    """Every model has a features part."""
    words = ["--model", model[1], "--data", photos, "--out", tmp_path / "out", "--batch-size", 2, "--quiet"]
    assert measure_features([str(word) for word in words]) == 0
    (summary,) = json.loads((tmp_path / "out/summary.json").read_text())["models"]
    assert summary["photographs"] == 2 and summary["channels"] >= 100 and min(summary["height"], summary["width"]) > 1
    assert 1 / summary["channels"] <= summary["top_1"] <= summary["top_100"] <= 1


def test_the_table_of_models(model, tmp_path):
    """bench/zoo_bench.py, with few batches."""
    spec = importlib.util.find_spec("xaimse")
    path = str(Path(spec.submodule_search_locations[0]).parent)
    if not os.environ.get("XAI_MSE"):
        pytest.skip("XAI_MSE holds no path of xai-mse")
    words = [sys.executable, ROOT / "bench/zoo_bench.py", "--seconds", "0.2", "--rounds", 1, "--csv",
             tmp_path / "zoo.csv", model[1], model[1].with_suffix(".features.pt")]  # fmt: skip
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=1200,
                          env=os.environ | {"PYTHONPATH": path})  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("| tested |")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    count = sum(tensor.numel() for tensor in torch.jit.load(model[1]).parameters())
    assert float(cells[3]) == pytest.approx(count / 1e6, abs=0.006)
    title, row = (line.split(",") for line in (tmp_path / "zoo.csv").read_text().splitlines())
    measured = dict(zip(title, row, strict=True))
    assert int(measured["parameters"]) == count
    assert float(measured["ms"]) > 0 and float(measured["peak_mb"]) > 4 * count / 1e6

"""xai-saliency on photographs with real networks: what fast maps are worth; maps do not depend on the packing."""

import json
import shutil
import time
from pathlib import Path
from statistics import mean

import numpy
import pytest
from conftest import analyse, exported_model, records, shared_data, started

NETWORKS = ["efficientnet_lite0", "vit_tiny_patch16_224"]
STORED = json.loads((Path(__file__).parent / "data/saliency_reference.json").read_text())
PHOTOGRAPHS = STORED["photographs"]  # every second one was looked at when the fast preset was chosen
REPORTED = PHOTOGRAPHS[1::2]


def run(network, photographs, out, **options):
    """The records of a run on photographs of the shared sample, in their order."""
    folder = out.with_suffix(".photographs")
    folder.mkdir()
    for name in photographs:
        shutil.copy(shared_data("imagenet-sample") / name, folder)  # a name of its own: the seed of an image is its name
    finished = analyse(exported_model(network), folder, out, tool="saliency", **options)
    assert finished.code == 0, finished.err
    found = {record["image"]: record for record in records(out)}
    return [found[Path(name).name] for name in photographs]


def cost(record):
    """Images forward + 2 x backward, without the intact one and the scores' own, whose curves share their ends."""
    scores = 2 * len(record["insertion"]["curve"]) - 3  # of both ends one is the intact image, which is shown once
    return record["forward"] - scores - 1 + 2 * record["backward"]


@pytest.mark.parametrize("network", STORED["xai-saliency"])
def test_fast_maps_are_better_than_the_references(network, tmp_path, say):
    """By the reference's own metric, at a twenty-fifth of its cost, on photographs that nothing was tuned on."""
    found = run(network, REPORTED, tmp_path / "run", metric="reference")
    stored = [STORED["xai-saliency"][network][name] for name in REPORTED]
    means = {kind: (mean(record[kind]["auc"] for record in found), mean(other[kind] for other in stored))
             for kind in ("insertion", "deletion")}
    say(f"{network}, fast and reference: " + ", ".join(f"{kind} {a:.3f} {b:.3f}" for kind, (a, b) in means.items()))
    assert 25 * mean(map(cost, found)) <= mean(other["cost"] for other in stored)
    assert means["insertion"][0] > means["insertion"][1]
    assert means["deletion"][0] < means["deletion"][1]


@pytest.mark.parametrize("network", NETWORKS)
def test_maps_do_not_depend_on_the_packing(network, tmp_path):
    """A photograph alone and beside another, whatever the size of the batch and the number of threads; by equal
    kernels, because those that the tuning would choose round otherwise, and the optimiser carries that on."""
    first, second = PHOTOGRAPHS[:2]
    packings = [([first, second], {"batch_size": 8, "threads": 2}), ([second], {"batch_size": 3, "threads": 1}),
                ([second, first], {"batch_size": 16, "threads": 2, "images_in_flight": 1})]
    maps = []
    for i, (photographs, packing) in enumerate(packings):
        found = run(network, photographs, tmp_path / f"run{i}", iterations=6, steps=2, tune="off", **packing)
        record = found[photographs.index(second)]
        assert record["near_ties"] == 0
        maps.append(numpy.load(tmp_path / f"run{i}" / record["map"]))
    for other in maps[1:]:
        assert numpy.abs(maps[0] - other).max() <= 1e-4


@pytest.mark.parametrize("network", NETWORKS)
def test_maps_do_not_depend_on_a_kill(network, tmp_path):
    short = {"iterations": 6, "steps": 2, "tune": "off"}
    whole = run(network, PHOTOGRAPHS[:2], tmp_path / "whole", **short)
    data, out = tmp_path / "whole.photographs", tmp_path / "run"
    options = {"tool": "saliency", "images_in_flight": 1, **short}
    with started(exported_model(network), data, out, **options) as process:
        while not (out / "results.jsonl").exists() or b"\n" not in (out / "results.jsonl").read_bytes():
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.communicate()
    assert len(records(out)) == 1, "the machine is too fast for this test"
    assert analyse(exported_model(network), data, out, **options).code == 0
    for expected, found in zip(sorted(whole, key=lambda record: record["image"]), records(out), strict=True):
        assert numpy.abs(numpy.load(tmp_path / "whole" / expected["map"]) - numpy.load(out / found["map"])).max() <= 1e-4


def test_the_reference_preset_is_as_good_as_pytorchs():
    """Stored results of long runs: by the same losses and constants, but for the draws of noise, equal within 0.03."""
    stored, pytorch = (STORED[tool]["efficientnet_lite0"] for tool in ("xai-saliency", "pytorch"))
    assert len(pytorch) == 4
    for kind in ("insertion", "deletion"):
        assert abs(mean(stored[name][kind] for name in pytorch) - mean(other[kind] for other in pytorch.values())) <= 0.03

"""xai-saliency on photographs with real networks: what fast maps are worth; maps do not depend on the packing."""

import json
import shutil
from pathlib import Path
from statistics import mean

import numpy
import pytest
from conftest import analyse, exported_model, records, shared_data

NETWORKS = ["efficientnet_lite0", "vit_tiny_patch16_224"]
STORED = json.loads((Path(__file__).parent / "data/saliency_reference.json").read_text())
PHOTOGRAPHS = STORED["photographs"]  # every second one was looked at when the fast preset was chosen
REPORTED = PHOTOGRAPHS[1::2]


@pytest.fixture
def say(capsys):
    """Prints a measurement past pytest's capture."""
    def print_it(*text):
        with capsys.disabled():
            print("\n ", *text)

    return print_it


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
    scores = 2 * len(record["insertion"]["curve"]) - 2
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
    """A photograph alone and beside another, whatever the size of the batch and the number of threads."""
    first, second = PHOTOGRAPHS[:2]
    packings = [([first, second], {"batch_size": 8, "threads": 2}), ([second], {"batch_size": 3, "threads": 1}),
                ([second, first], {"batch_size": 16, "threads": 2, "images_in_flight": 1})]
    maps = []
    for i, (photographs, packing) in enumerate(packings):
        found = run(network, photographs, tmp_path / f"run{i}", iterations=10, steps=2, **packing)
        record = found[photographs.index(second)]
        assert record["near_ties"] == 0
        maps.append(numpy.load(tmp_path / f"run{i}" / record["map"]))
    for other in maps[1:]:
        assert numpy.abs(maps[0] - other).max() <= 1e-4

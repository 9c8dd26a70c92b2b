"""xai-saliency from outside: its maps, scores and records, checked against PyTorch's own differentiation."""

import hashlib
import itertools
import re
import time

import numpy
import pytest
import saliency_reference
import scipy.stats
import torch
from conftest import (PLAIN, analyse, exported_model, is_refused, make_photos, mse, records, run_json, shared_data,
                      started, summary_json, timeless, validate)
from PIL import Image
from tiny_models import make_model

# What a run in a test uses unless it says otherwise.
SMALL = {"tool": "saliency", "size": 7, "steps": 20, "iterations": 3}


def saliency(model, data, out, **options):
    return analyse(model, data, out, **{**SMALL, **options})


def map_of(run, record):
    return numpy.load(run / record["map"])


def question(model, data, record):
    q = saliency_reference.question(model, data / record["image"])
    q.c = record["target"]
    return q


def done(finished, run):
    """The records of a run, all of them ok."""
    assert finished.code == 0, finished.err
    assert {record["status"] for record in records(run)} == {"ok"}
    return records(run)


# ---- scores, against SPEC 7 written out once more -----------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"steps": 49}, {"size": 12, "steps": 7}], ids=str)
def test_curves_are_those_of_the_definition(options, tiny, photos, tmp_path):
    for record in done(saliency(tiny, photos, tmp_path / "run", **options), tmp_path / "run"):
        expected = saliency_reference.curves(question(tiny, photos, record), map_of(tmp_path / "run", record),
                                             options.get("steps", 20))
        for name in ("insertion", "deletion"):
            assert record[name]["curve"] == pytest.approx(expected[name]["curve"], abs=1e-3)
            assert record[name]["auc"] == pytest.approx(expected[name]["auc"], abs=1e-3)


def test_the_references_score(tiny, photos, tmp_path):
    for record in done(saliency(tiny, photos, tmp_path / "run", metric="reference", size=12), tmp_path / "run"):
        expected = saliency_reference.reference_scores(question(tiny, photos, record), map_of(tmp_path / "run", record))
        for name in ("insertion", "deletion"):
            assert record["metric"] == "reference"
            assert record[name]["auc"] == pytest.approx(expected[name], abs=1e-4)
            assert len(record[name]["curve"]) == 1 + 144 // 2


def test_without_a_gap_there_is_a_map_and_no_score(tiny, photos, tmp_path):
    for record in done(saliency(tiny, photos, tmp_path / "run", min_gap=1), tmp_path / "run"):
        assert record["undefined"] == "gap" and record["insertion"] is None and record["deletion"] is None
        assert map_of(tmp_path / "run", record).shape == (7, 7)
        validate(record, "saliency-record")
    summary = summary_json(tmp_path / "run")
    assert summary["undefined"]["count"] == 6 and summary["quantities"]["insertion"]["n"] == 0


# ---- maps, against gradients by PyTorch -----------------------------------------------------------------------

# Deterministic, and without a choice to make: plain steps along the gradient.
STEPS = {"preset": "reference", "optimiser": "nag", "noise": 0, "map_of": "last"}


def stepped(q, method, size, alpha, iterations, points):
    """The map after Nesterov's steps without noise."""
    masks = [torch.ones(size, size) for _ in range(2 if method == "igos++" else 1)]
    points_before = [torch.zeros(size, size) for _ in masks]
    for i in range(iterations):
        of_score, of_penalty = saliency_reference.gradients(q, method, masks, points, noise=0)
        for k, mask in enumerate(masks):
            point = mask - alpha * (of_score[k] + of_penalty[k])
            masks[k] = (point + i / (i + 3) * (point - points_before[k])).clamp(0, 1)
            points_before[k] = point
    return (1 - torch.stack(masks).prod(0)).numpy()


@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize("method", ["igos++", "igos+", "igos"])
def test_steps_are_along_the_gradient_of_pytorch(method, iterations, tiny, photos, tmp_path):
    # one step shows the first gradient, three those of the penalties, too
    options = {"method": method, "iterations": iterations, "points": 5, "alpha": 1}
    finished = saliency(tiny, photos, tmp_path / "run", **options, **STEPS)
    hidden = 0
    for record in done(finished, tmp_path / "run"):
        expected = stepped(question(tiny, photos, record), method, 7, 1, iterations, 5)
        found = map_of(tmp_path / "run", record)
        assert numpy.abs(found - expected).max() <= 1e-4 * expected.max()
        hidden += ((0 < expected) & (expected < 1)).sum()
    assert hidden > 100


@pytest.mark.parametrize("network", ["efficientnet_lite0", "vit_tiny_patch16_224"])
def test_the_first_gradient_on_a_photograph(network, tmp_path):
    """In double precision, without noise: the first step of the reference preset is along PyTorch's gradient."""
    model = exported_model(network)
    folder = shared_data("imagenet-sample/n02391049")
    finished = saliency(model, folder, tmp_path / "run", limit=1, size=28, iterations=1, points=2, alpha=1e-3,
                        steps=2, baseline="black", precision="fp64", **STEPS)
    (record,) = done(finished, tmp_path / "run")
    q = saliency_reference.question(model, folder / record["image"], "black", torch.double)
    assert q.c == record["target"]
    masks = [torch.ones(28, 28, dtype=torch.double), torch.ones(28, 28, dtype=torch.double)]
    of_score, _ = saliency_reference.gradients(q, "igos++", masks, points=2, noise=0)
    expected = 1 - torch.stack([1 - 1e-3 * g.clamp(min=0) for g in of_score]).prod(0).numpy()
    assert record["backward"] == 8
    assert numpy.abs(map_of(tmp_path / "run", record) - expected).max() <= 1e-4 * expected.max()


@pytest.mark.parametrize("method", ["igos++", "igos"])
def test_line_search_takes_pytorchs_steps(method, tiny, photos, tmp_path):
    finished = saliency(tiny, photos, tmp_path / "run", preset="reference", method=method, noise=0, points=5)
    compared = 0
    for record in done(finished, tmp_path / "run"):
        assert len(record["objective"]["step"]) == record["iterations"] == 3
        if record["near_ties"]:
            continue
        q = question(tiny, photos, record)
        expected = saliency_reference.explain(q, method, 7, 3, 5, noise=0)
        assert numpy.abs(map_of(tmp_path / "run", record) - expected).max() < 1e-3
        compared += 1
    assert compared >= 3


class Corner(torch.nn.Module):
    """Class 1 is how bright the second of 4 x 4 cells in the third row is; blurring takes that away."""

    def __init__(self, classes):
        super().__init__()

    def forward(self, x):
        bright = x[:, :, 16:24, 8:16].mean([1, 2, 3])
        return torch.stack([torch.zeros_like(bright), 6 * bright, torch.zeros_like(bright)], 1)


@pytest.mark.parametrize("method", ["igos++", "igos+", "igos", "rise"])
def test_planted_evidence_is_found(method, tmp_path):
    model = make_model(tmp_path, Corner)
    (tmp_path / "photos").mkdir()
    pixels = numpy.zeros((32, 32, 3), numpy.uint8)
    pixels[16:24, 8:16] = 255
    Image.fromarray(pixels).save(tmp_path / "photos/corner.png")
    options = {"method": method, "size": 16, "iterations": 10, "rise_masks": 500, "baseline": "black"}
    (record,) = done(saliency(model, tmp_path / "photos", tmp_path / "run", **options), tmp_path / "run")
    rows, columns = numpy.divmod(saliency_reference.order_of(map_of(tmp_path / "run", record))[:9], 16)
    assert ((7 <= rows) & (rows <= 12) & (3 <= columns) & (columns <= 8)).all()  # cells 8..11 x 4..7, and the rim
    assert record["insertion"]["auc"] > 0.7 and record["deletion"]["auc"] < 0.3


# ---- records, files, summary ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed_run(tmp_path_factory):
    """A run with every status, with labels and pictures."""
    folder = tmp_path_factory.mktemp("mixed")
    model = make_model(folder)
    data = make_photos(folder / "photos", 9)
    (data / "text.png").write_text("no image")
    labels = "".join(f"photo{i:02d}.png,{i % 3}\n" for i in range(9))
    (folder / "labels.csv").write_text("path,label\n" + labels + "text.png,0\n")
    finished = saliency(model, data, folder / "run", labels=folder / "labels.csv", min_probability=0.7, pictures=4)
    return folder, finished


def test_a_run_follows_its_schemas(mixed_run):
    folder, finished = mixed_run
    assert finished.code == 3 and finished.out == ""
    every = records(folder / "run")
    assert {record["status"] for record in every} == {"ok", "skipped", "error"}
    for record in every:
        validate(record, "saliency-record")
    validate(run_json(folder / "run"), "run")
    validate(summary_json(folder / "run"), "saliency-summary")
    for name in ("run.json", "results.jsonl", "summary.json"):
        text = (folder / "run" / name).read_text()
        assert "NaN" not in text and "Infinity" not in text


def test_a_run_leaves_these_files_and_no_others(mixed_run):
    folder, _ = mixed_run
    every = records(folder / "run")
    named = {record[field] for record in every for field in ("map", "picture") if record[field]}
    found = {str(path.relative_to(folder / "run")) for path in (folder / "run").rglob("*") if path.is_file()}
    assert found == {"run.json", "results.jsonl", "summary.json", "summary.csv", ".lock"} | named
    for i, record in enumerate(every):
        assert bool(record["picture"]) == (record["status"] == "ok" and i < 4)
        if record["status"] != "ok":
            continue
        assert record["map"] == f"maps/tiny/{record['image']}.igos++.npy"
        values = map_of(folder / "run", record)
        assert (values.shape, values.dtype) == ((7, 7), numpy.float32)
        assert (0 <= values).all() and (values <= 1).all() and values.max() > 0
        assert record["insertion"]["curve"][0] == 0 and record["insertion"]["curve"][-1] == 1
        assert record["deletion"]["curve"][0] == 1 and record["deletion"]["curve"][-1] == 0
        for part in record["objective"].values():
            assert len(part) == record["iterations"] == 3


def test_costs_and_summary_add_up(mixed_run):
    folder, _ = mixed_run
    every, run, summary = records(folder / "run"), run_json(folder / "run"), summary_json(folder / "run")
    ok = [record for record in every if record["status"] == "ok"]
    assert run["tool"] == summary["tool"] == "xai-saliency"
    assert run["counts"] == summary["statuses"]
    assert run["forward"] == sum(record["forward"] or 0 for record in every)
    assert run["backward"] == sum(record["backward"] or 0 for record in every) > 0
    for name in ("insertion", "deletion"):
        values = [record[name]["auc"] for record in ok if record[name]]
        assert summary["quantities"][name]["n"] == len(values)
        assert summary["quantities"][name]["mean"] == pytest.approx(numpy.mean(values), rel=1e-12)
    assert summary["undefined"]["count"] == sum(record["undefined"] is not None for record in ok)


def test_the_label_as_target(tiny, tmp_path):
    data, labels, run = make_photos(tmp_path / "photos", 6), tmp_path / "labels.csv", tmp_path / "run"
    labels.write_text("path,label\n" + "".join(f"photo{i:02d}.png,{i % 3}\n" for i in range(6)))
    for record in done(saliency(tiny, data, run, labels=labels, target="label"), run):
        assert record["target"] == record["label"]
        if record["insertion"]:
            q = question(tiny, data, record)
            expected = saliency_reference.curves(q, map_of(run, record), 20)
            assert record["insertion"]["auc"] == pytest.approx(expected["insertion"]["auc"], abs=1e-3)


# ---- sameness ---------------------------------------------------------------------------------------------------


def is_like(run, other):
    """Equal maps and scores; how many. Records in which noise may have decided are left out."""
    by_image = {record["image"]: record for record in records(other)}
    compared = 0
    for record in records(run):
        expected = by_image[record["image"]]
        if record["near_ties"] or expected["near_ties"]:
            continue
        assert numpy.abs(map_of(run, record) - map_of(other, expected)).max() < 1e-4
        assert record["forward"] == expected["forward"] and record["backward"] == expected["backward"]
        assert record["undefined"] == expected["undefined"]
        for name in ("insertion", "deletion") if not record["undefined"] else ():
            assert record[name]["auc"] == pytest.approx(expected[name]["auc"], abs=1e-3)
        compared += 1
    return compared


@pytest.mark.parametrize("method", [{}, {"preset": "reference", "points": 5}, {"method": "rise", "rise_masks": 50}],
                         ids=["fast", "line search", "rise"])
def test_the_packing_of_batches_changes_nothing(method, tiny, photos, tmp_path):
    done(saliency(tiny, photos, tmp_path / "whole", **method), tmp_path / "whole")
    for i, packing in enumerate([{"batch_size": 2, "images_in_flight": 1, "threads": 1},
                                 {"batch_size": 7, "images_in_flight": 6, "threads": 2},
                                 {"batch_size": 32, "images_in_flight": 3}]):
        assert saliency(tiny, photos, tmp_path / f"run{i}", **method, **packing).code == 0
        assert is_like(tmp_path / f"run{i}", tmp_path / "whole") >= 3
    done(saliency(tiny, photos, tmp_path / "alone", limit=1, batch_size=32, **method), tmp_path / "alone")
    is_like(tmp_path / "alone", tmp_path / "whole")


def test_another_seed_gives_another_map_and_the_same_seed_the_same(tiny, photos, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        done(saliency(tiny, photos, tmp_path / name, seed=seed, threads=1), tmp_path / name)
    assert timeless(tmp_path / "a") == timeless(tmp_path / "b")
    a, c = (map_of(tmp_path / name, records(tmp_path / name)[0]) for name in "ac")
    assert numpy.abs(a - c).max() > 1e-3


def test_a_stopped_run_goes_on(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 12)
    options = {**SMALL, "iterations": 180, "images_in_flight": 2, "threads": 1}
    done(saliency(tiny, data, tmp_path / "whole", **options), tmp_path / "whole")
    out = tmp_path / "run"
    with started(tiny, data, out, **options) as process:
        deadline = time.monotonic() + 60
        while not (out / "results.jsonl").exists() or len(records(out)) < 3:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        process.terminate()
        process.communicate(timeout=120)
    assert process.returncode == 75 and run_json(out)["status"] == "stopped" and 3 <= len(records(out)) < 12
    is_refused(saliency(tiny, data, out, **{**options, "iterations": 181}), 2, "iterations")
    assert saliency(tiny, data, out, **options).code == 0
    assert run_json(out)["status"] == "done" and run_json(out)["sessions"] == 2
    assert [record["image"] for record in records(out)] == [record["image"] for record in records(tmp_path / "whole")]
    assert is_like(out, tmp_path / "whole") >= 6
    again = saliency(tiny, data, out, **options)
    assert again.code == 0 and "nothing to do" in again.err


# ---- Grad-CAM -----------------------------------------------------------------------------------------------------


class Features(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.kernels = torch.nn.Parameter(torch.randn(6, 3, 8, 8, generator=generator) / 8)

    def forward(self, x):
        return torch.nn.functional.conv2d(x, self.kernels, stride=4).relu()


class Head(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.randn(classes, 6, generator=torch.Generator().manual_seed(4)))

    def forward(self, maps):
        return 4 * maps.mean([2, 3]) @ self.weights.T


class Whole(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.features, self.head = Features(classes), Head(classes)

    def forward(self, x):
        return self.head(self.features(x))


@pytest.fixture
def cut_model(tmp_path):
    gradcam = {}
    for name, part in (("features", Features(3)), ("head", Head(3))):
        path = tmp_path / f"tiny.{name}.pt"
        torch.jit.script(part.eval()).save(str(path))
        gradcam[name] = {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    return make_model(tmp_path, Whole, gradcam=gradcam)


@pytest.mark.parametrize("options", [{}, {"method": "rise", "rise_masks": 20, "iterations": None}], ids=["igos++", "rise"])
def test_repeats_are_further_maps_and_say_how_alike_they_are(options, tiny, photos, tmp_path):
    once = done(saliency(tiny, photos, tmp_path / "once", **options), tmp_path / "once")
    found = done(saliency(tiny, photos, tmp_path / "run", repeats=3, **options), tmp_path / "run")
    for record, alone in zip(found, once, strict=True):
        validate(record, "saliency-record")
        repeats = record["repeats"]
        assert [repeats["maps"][k - 1] for k in (1, 2)] == [record["map"].replace(".npy", f".r{k}.npy") for k in (1, 2)]
        maps = [map_of(tmp_path / "run", record), *(numpy.load(tmp_path / "run" / path) for path in repeats["maps"])]
        assert maps[0].tobytes() == map_of(tmp_path / "once", alone).tobytes()  # the scored one is that of a run without
        assert record["insertion"] == alone["insertion"] and alone["repeats"] is None
        assert not any(numpy.array_equal(a, b) for a, b in itertools.combinations(maps, 2))
        pairs = list(itertools.combinations([one.flatten() for one in maps], 2))
        spearman = [scipy.stats.spearmanr(a, b).statistic for a, b in pairs]
        tops = [{*numpy.argsort(-a, kind="stable")[:5]} & {*numpy.argsort(-b, kind="stable")[:5]} for a, b in pairs]
        assert repeats["rank_correlation"] == pytest.approx(numpy.mean(spearman), abs=1e-12)
        assert repeats["top_overlap"] == pytest.approx(numpy.mean([len(top) / 5 for top in tops]), abs=1e-12)
        curves = 2 * 19 + 2  # rows between baseline and image, and these themselves: once
        assert record["forward"] - curves == 3 * (alone["forward"] - curves)
    quantities = summary_json(tmp_path / "run")["quantities"]
    assert quantities["rank_correlation"]["mean"] == pytest.approx(
        numpy.mean([record["repeats"]["rank_correlation"] for record in found]))
    assert quantities["insertion_minus_deletion"]["mean"] == pytest.approx(
        numpy.mean([record["insertion"]["auc"] - record["deletion"]["auc"] for record in found if record["insertion"]]))
    assert summary_json(tmp_path / "once")["quantities"]["top_overlap"]["n"] == 0
    is_refused(saliency(tiny, photos, tmp_path / "once", repeats=2, **options), 2, "repeats")


def test_repeats_of_a_method_without_chance_are_refused(cut_model, photos, tmp_path):
    is_refused(saliency(cut_model, photos, tmp_path / "run", method="gradcam", repeats=2), 2, "--repeats", "Grad-CAM")
    is_refused(saliency(cut_model, photos, tmp_path / "run", repeats=0), 2, "--repeats", "at least 1")


def test_gradcam_of_a_linear_head_has_a_closed_form(cut_model, photos, tmp_path):
    """The class's weights, applied to the maps, divided by their pixels; what is negative is 0."""
    features, weights = torch.jit.load(cut_model.with_name("tiny.features.pt")), Head(3).weights
    for record in done(saliency(cut_model, photos, tmp_path / "run", method="gradcam"), tmp_path / "run"):
        q = question(cut_model, photos, record)
        maps = features(q.x[None])[0]  # 6 x 7 x 7
        expected = (4 / 49 * weights[q.c] @ maps.flatten(1)).relu().reshape(7, 7).detach().numpy()
        assert numpy.abs(map_of(tmp_path / "run", record) - expected).max() <= 1e-5 * max(1, expected.max())
        assert record["iterations"] == 0 and record["stop_reason"] is None and record["objective"] == {}


def test_gradcam_without_a_feature_map_is_refused(tiny, photos, tmp_path):
    is_refused(saliency(tiny, photos, tmp_path / "run", method="gradcam"), 2, "Grad-CAM", "tiny")


# ---- what is refused ------------------------------------------------------------------------------------------------

BAD_VALUES = {
    "--alpha": ["0", "nan"], "--armijo": ["-1"], "--beta1": ["1"], "--beta2": ["-0.1"], "--decay": ["0", "1"],
    "--epsilon": ["0"], "--iterations": ["0", "many"], "--l1": ["-1"], "--l2": ["-1", "nan"], "--map-of": ["first"],
    "--method": ["guess"], "--metric": ["best"], "--min-gap": ["0", "1.5", "nan"], "--min-probability": ["2"],
    "--min-step": ["0"], "--noise": ["-1"], "--noise-sharing": ["all"], "--optimiser": ["luck"], "--path": ["left"],
    "--pictures": ["-2"], "--points": ["0"], "--preset": ["slow"], "--rate": ["0"], "--rise-cells": ["1", "8"],
    "--repeats": ["0", "-1"], "--rise-masks": ["0"], "--rise-visible": ["0", "1"], "--scale": ["image"], "--sigma": ["0"],
    "--size": ["1", "33", "-7"],
    "--steps": ["0", "50"], "--target": ["cat"],
}


@pytest.mark.parametrize("option, value", [(option, value) for option in BAD_VALUES for value in BAD_VALUES[option]])
def test_bad_values_are_refused(option, value, tiny, photos, tmp_path):
    options = {**SMALL, **PLAIN, "model": tiny, "data": photos, "out": tmp_path / "run"}
    if option.startswith("--rise"):
        options["method"] = "rise"
    options.pop(option[2:], None)
    refused = mse(f"{option}={value}", **options)
    is_refused(refused, 2)
    error = refused.lines("error")[0]
    assert option in error or re.search(rf"\b{option[2:].replace('-', '[- ]')}\b", error), f"{option} is not named: {error}"
    assert not (tmp_path / "run/results.jsonl").exists() or not records(tmp_path / "run")


def test_options_that_do_not_go_together(tiny, photos, tmp_path):
    is_refused(saliency(tiny, photos, tmp_path / "run", target="label"), 2, "--target label needs labels")
    is_refused(saliency(tiny, photos, tmp_path / "run", only_correct=True), 2, "--only-correct needs labels")


def test_presets_fill_in_what_is_not_given(tiny, photos, tmp_path):
    options = {"iterations": None, "size": 4, "steps": 4, "limit": 1, "preset": "reference", "points": 2}
    assert saliency(tiny, photos, tmp_path / "run", **options).code == 0
    run = run_json(tmp_path / "run")["options"]
    assert (run["iterations"], run["points"], run["l1"], run["l2"], run["alpha"]) == (20, 2, 1, 20, 1000)
    assert (run["noise"], run["decay"], run["armijo"], run["optimiser"]) == (0.2, 0.2, 1e-4, "line-search")


def test_help_names_every_option_that_is_tested():
    shown = mse("--help", tool="saliency")
    assert shown.code == 0
    named = set(re.findall(r"^  (--[a-z0-9-]+) (?=\S)", shown.out, re.M))
    elsewhere = {"--baseline", "--batch-size", "--completion", "--config", "--data", "--device", "--devkit-map", "--images-in-flight",
                 "--labels", "--library", "--limit", "--mask", "--max-pixels", "--model", "--out", "--precision", "--preprocess-dump",
                 "--expect-sha256", "--num-shards", "--seed", "--shard-from-env", "--shard-index", "--shard-offset", "--threads",
                 "--tune", "--tuning"}  # of every tool, tested with xai-mse
    without = {"--version", "--folders-by-rank", "--print-config", "--only-correct", "--overwrite", "--quiet", "--shard-from-slurm",
               "--verbose", "--help"}
    assert named - elsewhere - without == set(BAD_VALUES)

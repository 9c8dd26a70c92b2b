"""--target: which class is explained, and what its records say then."""

import json

import numpy
import pytest
import torch
from conftest import analyse, is_refused, make_photos, mse, records, run_json, timeless
from PIL import Image
from reference import Table, bit_set
from tiny_models import Colours, SharpColours, make_model

GRID = {"grid": 3, "search": "exhaustive"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Five classes, two of which have one name."""
    return make_model(tmp_path_factory.mktemp("model"), classes=5,
                      class_list={"ids": ["n01", "n02", "n03", "n04", "n05"],
                                  "names": ["tabby cat", "tiger cat", "crane", "crane", "toucan"]})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("data") / "photos", 10)


def tables(model, data, target):
    """For each photograph its prediction, the explained class, and the true values of p of that class by patch set."""
    module, card = torch.jit.load(str(model)), json.loads(model.with_suffix(".json").read_text())
    for path in sorted(data.iterdir()):
        image = numpy.asarray(Image.open(path), numpy.float64) / 255
        order = Table(image, module, card, 2)
        with torch.no_grad():
            logits = module(torch.from_numpy(2 * image - 1).permute(2, 0, 1)[None].float())[0]
        ranked = logits.argsort(descending=True).tolist()
        assert ranked[0] == order.predicted
        explained = ranked[1] if target == "second" else target
        yield ranked[0], explained, Table(image, module, card, 3, target=explained)


@pytest.mark.parametrize("target, index", [("second", "second"), ("n04", 3), ("3", 3), ("toucan", 4), ("Tiger_cat", 1)])
def test_the_class_that_was_asked_for_is_explained(target, index, model, data, tmp_path):
    assert analyse(model, data, tmp_path / "run", target=target, **GRID, max_evaluations=1000).code == 0
    clear = 0
    for record, (predicted, explained, table) in zip(records(tmp_path / "run"), tables(model, data, index), strict=True):
        assert (record["predicted"], record["target"]) == (predicted, explained)
        assert record["p_full"] == pytest.approx(table.p[-1], abs=1e-5)
        if table.decides_clearly(0.9) and record["status"] == "ok":
            clear += 1
            assert sorted(bit_set(mse["patches"]) for mse in record["mses"]) == table.mses(0.9)
    assert clear >= 2
    assert run_json(tmp_path / "run")["options"]["target"] == target


@pytest.mark.parametrize("target", ["predicted", "2"])
@pytest.mark.parametrize("sufficient", ["ratio", "top1", "both"])
def test_sets_keep_what_they_are_asked_to_keep(sufficient, target, model, data, tmp_path):
    """MSEs by definition in each sense, and whether the class stays on top; of the other classes nothing can be kept."""
    options = {"sufficient": sufficient, "target": target, "threshold": 0.8, **GRID, "max_evaluations": 1000}
    assert analyse(model, data, tmp_path / "run", **options).code == 0
    clear, wrong, kept = 0, 0, []
    expected = tables(model, data, None if target == "predicted" else int(target))
    for record, (predicted, _, table) in zip(records(tmp_path / "run"), expected, strict=True):
        if sufficient != "ratio" and predicted != record["target"]:
            wrong += 1
            assert (record["status"], record["reason"], record["found"]) == ("skipped", "wrong", None)
        elif table.decides_clearly(0.8) and table.leads_clearly() and record["status"] == "ok":
            clear += 1
            assert record["sufficient"] == sufficient and record["near_ties"] == 0
            assert sorted(bit_set(mse["patches"]) for mse in record["mses"]) == table.mses(0.8, sufficient)
            for mse in record["mses"]:
                assert mse["keeps_top1"] == (table.lead[bit_set(mse["patches"])] >= 0)
            kept.append(sum(mse["keeps_top1"] for mse in record["mses"]) / len(record["mses"]))
    refuses = sufficient != "ratio" and target != "predicted"
    assert (clear >= 2, wrong > 0) == (not refuses, refuses)  # few photographs are of the class
    statistics = json.loads((tmp_path / "run/summary.json").read_text())["quantities"]["keeps_top1"]
    if kept and statistics["n"] == len(kept):
        assert statistics["mean"] == pytest.approx(sum(kept) / len(kept))
    if sufficient != "ratio":
        assert set(kept) <= {1}


def test_the_runner_up_is_never_on_top(model, data, tmp_path):
    refused = mse(model=model, data=data, out=tmp_path / "run", target="second", sufficient="both")
    is_refused(refused, 2, "--sufficient both asks for the class of largest probability, which --target second never is")


def test_saliency_and_counting_explain_it_too(model, data, tmp_path):
    assert analyse(model, data, tmp_path / "mses", target="second", grid=3).code == 0
    expected = [(record["predicted"], record["target"], record["p_full"]) for record in records(tmp_path / "mses")]
    assert all(predicted != target for predicted, target, _ in expected)
    for out, options in {"maps": {"tool": "saliency", "method": "rise", "size": 4, "steps": 8, "rise_masks": 20,
                                  "rise_cells": 2},
                         "counted": {"tool": "subexp", "pictures": None, "grid": 3}}.items():
        assert analyse(model, data, tmp_path / out, target="second", **options).code == 0
        got = [(record["predicted"], record["target"], record["p_full"]) for record in records(tmp_path / out)]
        assert [entry[:2] for entry in got] == [entry[:2] for entry in expected]
        assert [p for *_, p in got] == pytest.approx([p for *_, p in expected], abs=1e-6)
    again = mse(tool="subexp", mses=tmp_path / "mses", out=tmp_path / "from", tune="off", batch_size=8)
    assert again.code == 0
    assert run_json(tmp_path / "from")["options"]["target"] == "second"
    assert timeless(tmp_path / "from")[0]["target"] == expected[0][1]
    # maps of the runner-up are not maps of the prediction, which a cross-test without labels explains
    crossed = mse(tool="crosstest", models=[model], data=data, maps=[tmp_path / "maps"], method="rise", size=4, steps=8,
                  rise_cells=2, out=tmp_path / "cross", tune="off", batch_size=8)
    assert crossed.code == 0
    assert {record["reason"] for record in records(tmp_path / "cross")} == {"map-target"}


def test_a_class_of_no_probability_is_skipped(tmp_path):
    sharp = make_model(tmp_path / "model", SharpColours)
    data = tmp_path / "data"
    data.mkdir()
    Image.new("RGB", (32, 32), (255, 0, 0)).save(data / "red.png")
    assert analyse(sharp, data, tmp_path / "run", target="blue", grid=2).code == 0
    (record,) = records(tmp_path / "run")
    assert (record["status"], record["reason"]) == ("skipped", "zero-probability")
    assert (record["predicted"], record["target"], record["p_full"]) == (0, 2, 0)


def test_only_correct_and_min_probability_mean_what_they_did(model, data, tmp_path):
    assert analyse(model, data, tmp_path / "plain", grid=2).code == 0
    predicted = {record["image"]: record["predicted"] for record in records(tmp_path / "plain")}
    wrong = "photo02.png"
    (tmp_path / "labels.csv").write_text("path,label\n" + "".join(
        f"{image},{(label + (image == wrong)) % 5}\n" for image, label in predicted.items()))
    options = {"labels": tmp_path / "labels.csv", "target": "second", "grid": 2}
    assert analyse(model, data, tmp_path / "correct", only_correct=True, **options).code == 0
    for record in records(tmp_path / "correct"):
        assert (record["reason"] == "wrong") == (record["image"] == wrong)
    assert analyse(model, data, tmp_path / "probable", min_probability=0.5, **options).code == 0  # a second has less
    assert {record["reason"] for record in records(tmp_path / "probable")} == {"low-probability"}


def test_near_ties_of_the_runner_up_are_those_with_the_third(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    Image.new("RGB", (32, 32), (200, 90, 90)).save(data / "third.png")   # green and blue alike
    Image.new("RGB", (32, 32), (200, 90, 20)).save(data / "clear.png")
    colours = make_model(tmp_path / "model", Colours)
    for target, ties in {"predicted": 0, "second": 1, "red": 0}.items():
        out = tmp_path / target
        assert analyse(colours, data, out, target=target, tool="saliency", method="rise", size=4, rise_masks=8,
                       rise_cells=2, steps=4, baseline="black").code == 0
        near = {record["image"]: record["near_ties"] for record in records(out)}
        assert near == {"clear.png": 0, "third.png": ties}


@pytest.mark.parametrize("target, words", [
    ("tabby", ["--target 'tabby' is no class of the model", "(close: tabby cat)"]),
    ("n06", ["--target 'n06' is no class of the model", "close: n01; n02; n03"]),
    ("5", ["--target '5' is not in 0..4"]),
    ("-1", ["--target '-1' is not in 0..4"]),
    ("crane", ["--target 'crane' is the name of several classes, 2 (n03) and 3 (n04)"]),
    ("", ["--target '' is no class"]),
])
def test_what_is_no_class_is_refused(target, words, model, data, tmp_path):
    is_refused(mse(*(["--target", ""] if target == "" else [f"--target={target}"]), model=model, data=data, out=tmp_path / "run"), 2, *words)
    assert not (tmp_path / "run").exists()


def test_another_target_is_another_run(model, data, tmp_path):
    assert analyse(model, data, tmp_path / "run", target="second", grid=2).code == 0
    is_refused(analyse(model, data, tmp_path / "run", target="toucan", grid=2), 2,
               'target is "second" there and "toucan" here')


def test_a_cross_test_has_no_target(model, data, tmp_path):
    is_refused(mse(tool="crosstest", models=[model], data=data, out=tmp_path / "run", target="second"), 2, "--target")

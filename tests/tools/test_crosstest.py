"""xai-crosstest from outside: its curves, tables and records, checked against PyTorch and by hand."""

import csv
import itertools
import json
import re
import shutil
import signal
import time
from pathlib import Path

import crosstest_reference
import numpy
import pytest
import tiny_models
from conftest import (PLAIN, ROOT, analyse, exported_model, is_refused, mse, photo, records, run_json, shared_data,
                      started, summary_json, validate)
from crosstest_reference import View
from PIL import Image
from tiny_models import Contrast, make_model

# What runs in a test use unless it says otherwise; maps of no beauty.
SALIENCY = {"tool": "saliency", "size": 7, "iterations": 2, "steps": 20}
SMALL = {**SALIENCY, "tool": "crosstest"}
NAMES = ["first", "second", "third"]


def crosstest(models, data, out, **options):
    return mse(models=list(models), data=data, out=out, **{**PLAIN, **SMALL, **options})


def make_maps(model, data, out, **options):
    """A run of xai-saliency to give to --maps."""
    assert analyse(model, data, out, **{**SALIENCY, **options}).code == 0
    return out


def done(finished, run):
    assert finished.code == 0, finished.err
    return records(run)


def pairs(run):
    """Records by image, source and tested model."""
    return {(record["image"], record["source"], record["model"]): record for record in records(run)}


def table(run, name):
    with open(run / name, newline="") as file:
        return list(csv.DictReader(file))


def maps_of(run, source):
    """The maps that a run made for a source: image -> s x s."""
    folder = run / "saliency" / source
    return {record["image"]: numpy.load(folder / record["map"]) for record in records(folder) if record["map"]}


def contrasty(seed):
    """A photograph that is not square, with contrast in one colour more than in the others."""
    strength = numpy.full(3, 0.1)
    strength[seed % 3] = 0.25 + seed % 8 / 10
    colours = 128 + strength * (numpy.asarray(photo(seed, 80, 60), dtype=float) - 128)
    return Image.fromarray(colours.astype(numpy.uint8))


def make_oblongs(folder, count):
    folder.mkdir()
    for seed in range(count):
        contrasty(seed).save(folder / f"photo{seed:02d}.png")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Three models that agree more or less, no two of which crop a photograph alike; two of a family."""
    folder = tmp_path_factory.mktemp("models")
    return [make_model(folder, Contrast(0), name="first"),
            make_model(folder, Contrast(0.1), name="second", size=(24, 24), resize=27),
            make_model(folder, Contrast(0.2), name="third", size=(32, 44), resize=46, family="transformer")]


@pytest.fixture(scope="module")
def oblongs(tmp_path_factory):
    """Eight of them."""
    return make_oblongs(tmp_path_factory.mktemp("data") / "photos", 8)


@pytest.fixture(scope="module")
def labels(models, oblongs, tmp_path_factory):
    """Labels that the first model agrees with, but for the last two photographs."""
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    lines = ["path,label"]
    for i, name in enumerate(sorted(path.name for path in oblongs.iterdir())):
        p = View(models[0], oblongs / name).probabilities(numpy.ones((1, 32, 32)))[0]
        lines.append(f"{name},{(p.argmax() + (i >= 6)) % 3}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def plain_run(models, oblongs, tmp_path_factory):
    """Without labels, with pictures."""
    run = tmp_path_factory.mktemp("plain") / "run"
    return run, crosstest(models, oblongs, run, pictures=2)


@pytest.fixture(scope="module")
def labelled_run(models, oblongs, labels, tmp_path_factory):
    run = tmp_path_factory.mktemp("labelled") / "run"
    return run, crosstest(models, oblongs, run, labels=labels, write_baseline=run.parent / "baseline.json")


# ---- curves, against SPEC 7 written out once more ---------------------------------------------------------------


def agrees(run, data, models, steps, least, **setting):
    """Every record is that of the definition, from the same maps; at least so many are ok."""
    kind = setting.pop("kind", "soft")
    maps = {model.stem: maps_of(run, model.stem) for model in models}
    views = {}
    for (image, source, target), record in pairs(run).items():
        for model in models:
            if (image, model.stem) not in views:
                views[image, model.stem] = View(model, data / image, **setting)
        seen, shown = views[image, source], views[image, target]
        assert record["outside"] == pytest.approx(crosstest_reference.outside(seen, shown), abs=1e-9)
        f = crosstest_reference.insertion(maps[source][image], seen, shown, record["target"], steps, kind)
        assert record["p_full"] == pytest.approx(f[-1], abs=1e-4)
        assert record["p_baseline"] == pytest.approx(f[0], abs=1e-4)
        if abs(f[-1] - f[0] - 0.05) < 1e-4:
            continue  # float noise decides
        assert (record["status"], record["reason"]) == (("ok", None) if f[-1] - f[0] >= 0.05 else ("undefined", "gap"))
        if record["status"] == "ok":
            curve, auc = crosstest_reference.curve_of(f)
            assert record["curve"] == pytest.approx(curve.tolist(), abs=1e-3)
            assert record["auc"] == pytest.approx(auc, abs=1e-3)
            least -= 1
    assert least <= 0, f"{least} too few pairs are ok"


def test_curves_of_real_networks_are_those_of_the_definition(tmp_path):
    models = [exported_model(name) for name in ("efficientnet_lite0", "efficientnet_lite1", "vit_tiny_patch16_224")]
    every = sorted(shared_data("imagenet-sample").glob("*/*.JPEG"))
    for path in every[50::300]:
        (tmp_path / "photos" / path.parent.name).mkdir(parents=True)
        shutil.copy(path, tmp_path / "photos" / path.parent.name)
    options = {"method": "rise", "rise_masks": 24, "iterations": None, "size": 14, "steps": 10}
    assert len(done(crosstest(models, tmp_path / "photos", tmp_path / "run", **options), tmp_path / "run")) == 2 * 9
    agrees(tmp_path / "run", tmp_path / "photos", models, 10, 12)


@pytest.mark.parametrize("options", [{}, {"mask": "hard"}, {"baseline": "gray", "size": 12, "steps": 7}], ids=str)
def test_curves_are_those_of_the_definition(options, models, oblongs, tmp_path):
    done(crosstest(models, oblongs, tmp_path / "run", **options), tmp_path / "run")
    agrees(tmp_path / "run", oblongs, models, options.get("steps", 20), 40, kind=options.get("mask", "soft"),
           baseline=options.get("baseline", "blur"))


def test_a_linear_model_has_a_closed_form(tmp_path):
    """The probability is affine in the pixels: a curve is the share of brightness under the tents of the cells shown."""
    make = {"classes": 2, "ids": ("bright", "dark")}
    models = [make_model(tmp_path, tiny_models.Brightness, name="whole", size=(32, 32), **make),
              make_model(tmp_path, tiny_models.Brightness, name="centre", size=(16, 16), resize=32, **make)]
    (tmp_path / "photos").mkdir()
    pixels = 128 + numpy.asarray(photo(5)) // 2
    Image.fromarray(pixels).save(tmp_path / "photos/bright.png")  # 32 x 32: resizing changes nothing
    found = done(crosstest(models, tmp_path / "photos", tmp_path / "run", baseline="black"), tmp_path / "run")
    starts, sizes = {"whole": 0, "centre": 8}, {"whole": 32, "centre": 16}
    assert len(found) == 4
    for record in found:
        source, target = record["source"], record["model"]
        there = numpy.arange(sizes[target]) + starts[target] - starts[source]  # of the source's pixels
        steps = there.clip(0, sizes[source] - 1) * 6 / (sizes[source] - 1)
        tents = (1 - abs(steps[:, None] - numpy.arange(7))).clip(min=0)  # pixels x cells
        x = pixels.mean(2)[starts[target]:, starts[target]:][:sizes[target], :sizes[target]]
        mass = (tents.T @ x @ tents / x.sum()).flatten()
        order = numpy.argsort(-maps_of(tmp_path / "run", source)["bright.png"].flatten(), kind="stable")
        expected = [mass[order[:int(t * 49 / 20 + 0.5)]].sum() for t in range(21)]
        assert record["curve"] == pytest.approx(expected, abs=1e-4)
        assert record["auc"] == pytest.approx(numpy.trapezoid(expected, dx=1 / 20), abs=1e-4)
        assert record["p_full"] == pytest.approx(0.1 + 0.8 * x.mean() / 255, abs=1e-5)
        assert record["p_baseline"] == pytest.approx(0.1, abs=1e-5)
        assert record["outside"] == pytest.approx(0.75 if (source, target) == ("centre", "whole") else 0, abs=1e-12)


# ---- records -----------------------------------------------------------------------------------------------------


def test_records_come_in_order_and_follow_their_schema(plain_run, labelled_run, oblongs):
    images = sorted(path.name for path in oblongs.iterdir())
    for run, finished in (plain_run, labelled_run):
        every = done(finished, run)
        assert list(pairs(run)) == list(itertools.product(images, NAMES, NAMES))
        for record in every:
            validate(record, "crosstest-record")
            assert (record["auc"] is not None) == (record["status"] == "ok") == (record["reason"] is None)
            assert len(record["curve"]) == (21 if record["status"] == "ok" else 0)
            if record["status"] == "ok":
                assert record["curve"][0] == 0 and record["curve"][-1] == 1
                assert record["auc"] == pytest.approx(numpy.trapezoid(record["curve"], dx=1 / 20), abs=1e-12)
        validate(run_json(run), "run")
        validate(summary_json(run), "crosstest-summary")
        for path in [*run.glob("*.json*"), *run.glob("*.csv")]:
            assert not re.search(r"nan|infinity", path.read_text(), re.I), path


def test_predictions_are_pytorchs(plain_run, models, oblongs):
    run, _ = plain_run
    images = sorted(path.name for path in oblongs.iterdir())
    for model in models:
        p = numpy.load(run / "predictions" / f"{model.stem}.npy")
        assert (p.shape, p.dtype) == ((8, 3), numpy.float32)
        for row, image in zip(p, images):
            view = View(model, oblongs / image)
            assert row == pytest.approx(view.probabilities(numpy.ones((1, *view.x.shape[:2])))[0], abs=1e-5)
    for (image, _, target), record in pairs(run).items():
        row = numpy.load(run / "predictions" / f"{target}.npy")[images.index(image)]
        assert record["predicted"] == row.argmax() and record["p_full"] == row[record["target"]]


def test_without_labels_the_source_chooses_the_class(plain_run):
    every = pairs(plain_run[0])
    for (image, source, _), record in every.items():
        assert record["label"] is None and record["target"] == every[image, source, source]["predicted"]
    assert summary_json(plain_run[0])["ensembles"] is None and not (plain_run[0] / "ensemble.csv").exists()


def test_with_labels_the_label_is_the_class(labelled_run, labels):
    expected = dict(line.split(",") for line in labels.read_text().splitlines()[1:])
    for record in records(labelled_run[0]):
        assert record["target"] == record["label"] == int(expected[record["image"]])
    for name in NAMES:
        assert run_json(labelled_run[0] / "saliency" / name)["options"]["target"] == "label"


def test_pictures(plain_run, models, oblongs):
    run, _ = plain_run
    images = sorted(path.name for path in oblongs.iterdir())
    assert sorted(path.name for path in (run / "images").iterdir()) == [f"{name}.png" for name in images[:2]]
    for path in (run / "images").iterdir():
        with Image.open(path) as picture:
            picture.load()
            assert picture.format == "PNG" and 900 < picture.width < 1600 and 600 < picture.height < 1200


# ---- what costs --------------------------------------------------------------------------------------------------


def test_nothing_is_evaluated_twice(models, oblongs, labels, labelled_run, tmp_path):
    """With labels, an image costs each target (T - 1) rows for each source, one for x and one for b."""
    images, sources, targets, steps = 8, 3, 3, 20
    most = images * targets * (sources * (steps - 1) + 2)
    maps = [labelled_run[0] / "saliency" / name for name in NAMES]
    done(crosstest(models, oblongs, tmp_path / "run", labels=labels, maps=maps), tmp_path / "run")
    assert not (tmp_path / "run/saliency").exists()
    curves = sum(record["status"] == "ok" for record in records(tmp_path / "run"))
    assert curves * (steps - 1) + images * targets * 2 <= run_json(tmp_path / "run")["forward"] <= most
    assert run_json(labelled_run[0])["forward"] <= most


# ---- sameness ----------------------------------------------------------------------------------------------------


def is_like(found, expected, tolerance):
    """Equal but for float noise in numbers that were computed."""
    for name in set(found) | set(expected):
        if name in ("p_full", "p_baseline", "auc", "curve", "outside"):
            assert found[name] == pytest.approx(expected[name], abs=tolerance), name
        elif name not in ("seconds", "picture"):  # a test may draw otherwise
            assert found[name] == expected[name], name


def test_the_order_of_the_models_changes_nothing_else(models, oblongs, plain_run, tmp_path):
    maps = [plain_run[0] / "saliency" / name for name in NAMES]
    permuted = [models[2], models[0], models[1]]
    done(crosstest(permuted, oblongs, tmp_path / "run", maps=maps), tmp_path / "run")
    found, expected = pairs(tmp_path / "run"), pairs(plain_run[0])
    for key, record in found.items():
        is_like(record, expected[key], 1e-4)
    rows = table(tmp_path / "run", "matrix.csv")
    names = [model.stem for model in permuted]
    assert [(row["source"], row["model"]) for row in rows] == list(itertools.product(names, names))
    before = {(row["source"], row["model"]): row for row in table(plain_run[0], "matrix.csv")}
    for row in rows:
        same = before[row["source"], row["model"]]
        assert (row["n"], row["undefined"]) == (same["n"], same["undefined"])
        for name in ("mean", "median", "standard_deviation"):
            assert float(row[name]) == pytest.approx(float(same[name]), abs=1e-4)


def test_a_copy_of_a_model_agrees_with_it(models, oblongs, tmp_path):
    copy = shutil.copy(models[0], tmp_path / "copy.pt")
    card = json.loads(models[0].with_suffix(".json").read_text())
    (tmp_path / "copy.json").write_text(json.dumps({**card, "name": "copy"}))
    done(crosstest([models[0], tmp_path / copy], oblongs, tmp_path / "run", threads=1), tmp_path / "run")
    every = pairs(tmp_path / "run")
    for (image, _source, _target), record in every.items():
        is_like({**record, "source": "", "model": ""},
                {**every[image, "first", "first"], "source": "", "model": ""}, 1e-6)


@pytest.mark.parametrize("packing", [{"batch_size": 1, "images_in_flight": 1}, {"batch_size": 7, "threads": 2},
                                     {"batch_size": 32, "models_in_memory": 1}], ids=str)
def test_the_packing_of_batches_changes_nothing(packing, models, oblongs, plain_run, tmp_path):
    maps = [plain_run[0] / "saliency" / name for name in NAMES]
    done(crosstest(models, oblongs, tmp_path / "run", maps=maps, **packing), tmp_path / "run")
    for found, expected in zip(records(tmp_path / "run"), records(plain_run[0]), strict=True):
        is_like(found, expected, 1e-4)


def wait_for_lines(process, journal, count):
    deadline = time.monotonic() + 120
    while not journal.exists() or journal.read_bytes().count(b"\n") < count:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_stopped_run_goes_on(name, models, tmp_path):
    data = make_oblongs(tmp_path / "photos", 24)
    options = {"threads": 1, "images_in_flight": 2, "steps": 49}
    done(crosstest(models, data, tmp_path / "whole", **options), tmp_path / "whole")
    out = tmp_path / "run"
    with started(None, data, out, models=models, **{**SMALL, **options}) as process:
        wait_for_lines(process, out / "results.jsonl", 20)
        process.send_signal(getattr(signal, name))
        process.communicate(timeout=120)
    if name == "SIGTERM":
        assert process.returncode == 75 and run_json(out)["status"] == "stopped"
    assert (out / "results.jsonl").read_bytes().count(b"\n") < 24 * 9 and not (out / "summary.json").exists()
    is_refused(crosstest(models, data, out, **{**options, "steps": 48}), 2, "steps")
    done(crosstest(models, data, out, **options), out)
    for found, expected in zip(records(out), records(tmp_path / "whole"), strict=True):
        is_like(found, expected, 1e-6)
    assert run_json(out)["status"] == "done" and run_json(out)["sessions"] == 2


def test_a_run_that_is_killed_while_it_makes_maps_goes_on(models, oblongs, plain_run, tmp_path):
    out = tmp_path / "run"
    with started(None, oblongs, out, models=models, **{**SMALL, "threads": 1}) as process:
        wait_for_lines(process, out / "saliency/first/results.jsonl", 1)
        process.kill()
        process.communicate()
    done(crosstest(models, oblongs, out, threads=1), out)
    for found, expected in zip(records(out), records(plain_run[0]), strict=True):
        assert (found["image"], found["target"], found["status"]) == (expected["image"], expected["target"], expected["status"])


def test_a_complete_run_has_nothing_to_do(models, oblongs, plain_run):
    run, _ = plain_run

    def files():
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.rglob("*")
                if path.is_file() and path.name != ".lock"}

    before = files()
    again = crosstest(models, oblongs, run, pictures=2)
    assert again.code == 0 and "nothing to do" in again.err
    assert files() == before
    for name, options in [("steps", {"steps": 10}), ("min_gap", {"min_gap": 0.1}), ("size", {"size": 8}),
                          ("mask", {"mask": "hard"}), ("images", {"images": "pairwise"}),
                          ("cross_images", {"cross_images": 3}), ("seed", {"seed": 1})]:
        is_refused(crosstest(models, oblongs, run, **options), 2, "another run", "--overwrite", name)
    is_refused(crosstest(models[:2], oblongs, run), 2, "another run", "--overwrite")
    is_refused(crosstest([models[1], models[0], models[2]], oblongs, run), 2, "another run", "--overwrite")
    assert files() == before


# ---- pairs that are undefined, images that fail ------------------------------------------------------------------


def test_a_model_that_ignores_the_image_has_no_gap(models, oblongs, tmp_path):
    constant = make_model(tmp_path, tiny_models.Constant, name="constant")
    found = done(crosstest([models[0], constant], oblongs, tmp_path / "run"), tmp_path / "run")
    for record in found:
        validate(record, "crosstest-record")
        if record["model"] == "constant":
            assert (record["status"], record["reason"], record["auc"], record["curve"]) == ("undefined", "gap", None, [])
            assert record["p_full"] == pytest.approx(1 / 3) and record["p_baseline"] == pytest.approx(1 / 3)
    summary = summary_json(tmp_path / "run")
    assert summary["common_images"] == 0 and summary["landscape"] is None and summary["landscape_reason"]
    for cell in summary["matrix"]:
        assert cell["n"] == 0 and cell["mean"] is None
        if cell["model"] == "constant":
            assert cell["undefined"] == 8
    validate(summary, "crosstest-summary")


def test_a_map_of_another_class_is_not_used(models, oblongs, labels, tmp_path):
    maps = make_maps(models[0], oblongs, tmp_path / "maps", labels=labels, target="predicted")
    finished = crosstest(models[:2], oblongs, tmp_path / "run", labels=labels, maps=[maps])
    other = 0
    for record in done(finished, tmp_path / "run"):
        if record["source"] == "first":
            wrong = record["image"] in ("photo06.png", "photo07.png")
            assert (record["reason"] == "map-target") == wrong
            other += wrong
        else:
            assert record["reason"] != "map-target"
        validate(record, "crosstest-record")
    assert other == summary_json(tmp_path / "run")["undefined_reasons"]["map-target"] == 4
    assert sorted(path.name for path in (tmp_path / "run/saliency").iterdir()) == ["second"]


def test_an_image_that_was_skipped_has_no_map(models, oblongs, tmp_path):
    p = [View(models[0], path).probabilities(numpy.ones((1, 32, 32))).max() for path in sorted(oblongs.iterdir())]
    least = float(numpy.median(p))
    maps = make_maps(models[0], oblongs, tmp_path / "maps", min_probability=least)
    for record in done(crosstest(models[:2], oblongs, tmp_path / "run", maps=[maps]), tmp_path / "run"):
        skipped = p[int(record["image"][5:7])] < least and record["source"] == "first"
        assert (record["reason"] == "no-map") == skipped
        validate(record, "crosstest-record")
    assert summary_json(tmp_path / "run")["undefined_reasons"]["no-map"] == 2 * sum(q < least for q in p) > 0


@pytest.mark.parametrize("rule", ["common", "pairwise"])
def test_averages_are_over_common_images_or_each_pairs_own(rule, models, oblongs, plain_run, tmp_path):
    maps = [plain_run[0] / "saliency" / name for name in NAMES]
    options = {"maps": maps, "images": rule, "min_gap": 0.2}
    every = done(crosstest(models, oblongs, tmp_path / "run", **options), tmp_path / "run")
    ok = [record for record in every if record["status"] == "ok"]
    common = [image for image, those in itertools.groupby(every, lambda record: record["image"])
              if all(record["status"] == "ok" for record in those)]
    assert 0 < len(common) < 8 and 9 * len(common) < len(ok) < 72
    summary = summary_json(tmp_path / "run")
    assert (summary["images_rule"], summary["common_images"], summary["images"]) == (rule, len(common), 8)
    assert summary["pairs"] == {"ok": len(ok), "undefined": 72 - len(ok), "error": 0}
    for cell in summary["matrix"]:
        values = [record["auc"] for record in ok if (record["source"], record["model"]) ==
                  (cell["source"], cell["model"]) and (rule == "pairwise" or record["image"] in common)]
        assert cell["n"] == len(values)
        assert cell["mean"] == pytest.approx(numpy.mean(values)) and cell["median"] == pytest.approx(numpy.median(values))
        assert cell["low"] <= cell["mean"] <= cell["high"]


def test_an_unreadable_image_harms_no_other(models, oblongs, labels, labelled_run, tmp_path):
    data = tmp_path / "photos"
    shutil.copytree(oblongs, data)
    (data / "text.png").write_text("no image")
    (tmp_path / "labels.csv").write_text(labels.read_text() + "text.png,0\n")
    finished = crosstest(models, data, tmp_path / "run", labels=tmp_path / "labels.csv")
    assert finished.code == 3 and finished.lines("error") == []
    every = records(tmp_path / "run")
    bad = [record for record in every if record["image"] == "text.png"]
    assert len(bad) == 9
    for record in bad:
        assert record["status"] == "error" and "text.png" in record["reason"] and record["auc"] is None
        assert record["p_full"] is None and record["p_baseline"] is None and record["curve"] == []
        validate(record, "crosstest-record")
    assert sum(record["status"] == "error" for record in every) == summary_json(tmp_path / "run")["pairs"]["error"] == 9
    expected = pairs(labelled_run[0])
    assert {key for key, record in pairs(tmp_path / "run").items() if record["status"] != "error"} == set(expected)
    for key, record in expected.items():
        assert pairs(tmp_path / "run")[key]["status"] == record["status"]
    for name in NAMES:
        assert (numpy.load(tmp_path / "run/predictions" / f"{name}.npy")[8] == 0).all()


# ---- tables ------------------------------------------------------------------------------------------------------


def test_the_tables_say_what_the_summary_says(labelled_run, plain_run):
    numbers = ["n", "mean", "median", "standard_deviation", "low", "high", "undefined"]
    for run, _ in (labelled_run, plain_run):
        summary = summary_json(run)
        for row, cell in zip(table(run, "matrix.csv"), summary["matrix"], strict=True):
            assert list(row) == ["source", "model", *numbers]
            assert (row["source"], row["model"]) == (cell["source"], cell["model"])
            assert [float(row[name]) for name in numbers] == pytest.approx([cell[name] for name in numbers])
        assert list(table(run, "family_matrix.csv")[0]) == ["source_family", "target_family", "pairs", "mean", "self_test"]
        assert [row["model"] for row in table(run, "asymmetry.csv")] == NAMES
        assert [row["model"] for row in table(run, "landscape.csv")] == NAMES


def test_families_and_asymmetry(plain_run):
    """From the matrix; first and second are one family, third is alone."""
    summary = summary_json(plain_run[0])
    mean = {(cell["source"], cell["model"]): cell["mean"] for cell in summary["matrix"]}
    found = {(row["source_family"], row["target_family"]): row for row in summary["families"]}
    expected = {("other", "other"): (2, [("first", "second"), ("second", "first")], False),
                ("other", "transformer"): (2, [("first", "third"), ("second", "third")], False),
                ("transformer", "other"): (2, [("third", "first"), ("third", "second")], False),
                ("transformer", "transformer"): (0, [("third", "third")], True)}
    assert set(found) == set(expected)
    for key, (count, cells, alone) in expected.items():
        assert (found[key]["pairs"], found[key]["self_test"]) == (count, alone)
        assert found[key]["mean"] == pytest.approx(numpy.mean([mean[cell] for cell in cells]))
    for row in summary["asymmetry"]:
        others = [name for name in NAMES if name != row["model"]]
        source = numpy.mean([mean[row["model"], other] for other in others])
        target = numpy.mean([mean[other, row["model"]] for other in others])
        assert row["as_source"]["mean"] == pytest.approx(source) and row["as_target"]["mean"] == pytest.approx(target)
        assert row["difference"]["mean"] == pytest.approx(source - target)


def test_ensembles_average_the_softmax(labelled_run, labels):
    truth = numpy.array([int(line.split(",")[1]) for line in labels.read_text().splitlines()[1:]])
    p = {name: numpy.load(labelled_run[0] / "predictions" / f"{name}.npy") for name in NAMES}
    summary = summary_json(labelled_run[0])
    single = {name: (p[name].argmax(1) == truth).sum() for name in NAMES}
    for model in summary["models"]:
        assert (model["top1"]["n"], model["top1"]["count"]) == (8, single[model["name"]])
    sets = {tuple(row["members"]): row for row in summary["ensembles"]["sets"]}
    assert set(sets) == {members for size in (1, 2, 3) for members in itertools.combinations(NAMES, size)}
    for members, row in sets.items():
        right = (sum(p[name].astype(float) for name in members).argmax(1) == truth).sum()
        assert row["top1"]["count"] == right and row["top5"]["count"] == 8  # there are three classes
        assert row["relation"] == ("single" if len(members) == 1 else
                                   "within" if set(members) == {"first", "second"} else "across")
        assert row["gain_over_best"] == pytest.approx(right / 8 - max(single[name] for name in members) / 8)
        assert row["gain_over_mean"] == pytest.approx(right / 8 - numpy.mean([single[name] for name in members]) / 8)
    assert len(table(labelled_run[0], "ensemble.csv")) == 7


def test_cross_images_are_some_and_predictions_are_all(models, oblongs, labels, tmp_path):
    run = tmp_path / "run"
    every = done(crosstest(models, oblongs, run, labels=labels, cross_images=3), run)
    assert len({record["image"] for record in every}) == 3 and len(every) == 27
    summary = summary_json(run)
    assert (summary["images"], summary["predicted_images"]) == (3, 8)
    assert summary["models"][0]["top1"] == {"n": 8, "count": 6, "share": 0.75}
    for name in NAMES:
        assert (numpy.load(run / "predictions" / f"{name}.npy").sum(1) > 0.99).all()
        assert len(records(run / "saliency" / name)) == 3


# ---- maps that are given -----------------------------------------------------------------------------------------


def test_maps_that_do_not_fit_are_refused(models, oblongs, plain_run, tmp_path):
    maps = make_maps(models[2], oblongs, tmp_path / "third")
    is_refused(crosstest(models[:2], oblongs, tmp_path / "run", maps=[maps]), 2, maps, "third")

    retrained = make_model(tmp_path, Contrast(0.5), name="first")
    is_refused(crosstest([retrained, models[1]], oblongs, tmp_path / "run", maps=[plain_run[0] / "saliency/first"]), 2,
               plain_run[0] / "saliency/first", "first")

    assert analyse(models[0], oblongs, tmp_path / "mse", limit=1, max_size=1).code == 0
    is_refused(crosstest(models, oblongs, tmp_path / "run", maps=[tmp_path / "mse"]), 2, tmp_path / "mse", "xai-saliency")
    is_refused(crosstest(models, oblongs, tmp_path / "run", maps=[tmp_path / "none"]), 2, tmp_path / "none")
    assert not (tmp_path / "run/results.jsonl").exists() or not records(tmp_path / "run")


# ---- the gate ----------------------------------------------------------------------------------------------------


@pytest.fixture
def gate(models, oblongs, labels, labelled_run, tmp_path):
    """compare(change=..., ...): a run with its own maps against the baseline of the labelled run, after change(baseline)."""
    path = labelled_run[0].parent / "baseline.json"
    maps = [labelled_run[0] / "saliency" / name for name in NAMES]

    def compare(change=lambda baseline: None, tolerance=0.002, **options):
        baseline = json.loads(path.read_text())
        change(baseline)
        (tmp_path / "baseline.json").write_text(json.dumps(baseline))
        return crosstest(models, oblongs, tmp_path / "run", maps=maps, compare=tmp_path / "baseline.json",
                         tolerance=tolerance, **{"labels": labels, **options})

    return compare


def test_a_baseline_follows_its_schema(labelled_run):
    baseline = json.loads((labelled_run[0].parent / "baseline.json").read_text())
    validate(baseline, "crosstest-baseline")
    matrix = {(cell["source"], cell["model"]): cell for cell in summary_json(labelled_run[0])["matrix"]}
    assert len(baseline["cells"]) == 9
    for cell in baseline["cells"]:
        same = matrix[cell["source"], cell["model"]]
        assert (cell["n"], cell["undefined"]) == (same["n"], same["undefined"])
        assert cell["auc"] == pytest.approx(same["mean"], abs=1e-12)


def test_the_gate_lets_pass_what_is_as_before(gate):
    passed = gate()
    assert passed.code == 0, passed.err
    again = gate()  # the run is complete: only compared
    assert again.code == 0 and "nothing to do" in again.err


def test_the_gate_stops_what_moved(gate):
    def change(baseline):
        baseline["cells"][5]["auc"] += 0.1  # second -> third

    stopped = gate(change)
    assert stopped.code == 4
    moved = [line for line in stopped.out.splitlines() if line.startswith(("auc", "undefined", "top-1"))]
    assert len(moved) == 1 and re.fullmatch(r"auc second -> third +.* -0\.10000", moved[0]), stopped.out
    assert gate(change, tolerance=0.11).code == 0
    assert gate(lambda baseline: baseline["cells"][5].update(auc=None)).code == 4

    assert gate(lambda baseline: baseline["models"][0]["top1"].update(count=2, share=0.25)).code == 4


@pytest.mark.parametrize("change, word", [
    (lambda baseline: baseline["conditions"].update(steps=50), "steps"),
    (lambda baseline: baseline["conditions"].update(method="igos"), "method"),
    (lambda baseline: baseline["conditions"]["data"].update(sha256="0" * 64), "data"),
    (lambda baseline: baseline["models"][1].update(name="fourth"), "fourth"),
    (lambda baseline: baseline.update(kind="recipe"), "is not a baseline"),
    (lambda baseline: baseline.pop("cells"), "cells"),
])
def test_what_cannot_be_compared_is_refused(change, word, gate):
    is_refused(gate(change), 2, word)


def test_another_hash_of_a_model_is_said_and_not_refused(gate):
    passed = gate(lambda baseline: baseline["models"][1].update(sha256="0" * 64))
    assert passed.code == 0 and "second" in passed.out + passed.err


# ---- what is refused ---------------------------------------------------------------------------------------------

BAD_VALUES = {
    "--compare": ["no-such-file"], "--cross-images": ["-1"], "--images": ["some"], "--maps": ["no-such-run"],
    "--min-gap": ["0", "1.5", "nan"], "--models": ["no-such-model.pt"], "--models-in-memory": ["-1"], "--pictures": ["-2"],
    "--reveal": ["-1", "101"], "--size": ["1", "25"], "--steps": ["0", "50"],
    "--tolerance": ["-0.1", "nan"],
}


@pytest.mark.parametrize("option, value", [(option, value) for option in BAD_VALUES for value in BAD_VALUES[option]])
def test_bad_values_are_refused(option, value, models, oblongs, tmp_path):
    options = {**SMALL, **PLAIN, "models": models, "data": oblongs, "out": tmp_path / "run"}
    options.pop(option[2:].replace("-", "_"), None)
    refused = mse(f"{option}={value}", **options)
    is_refused(refused, 2)
    error = refused.lines("error")[0]
    named = option in error or re.search(rf"\b{option[2:].replace('-', '[- ]')}\b", error)
    assert named or (value.startswith("no-such") and value in error), f"{option} is not named: {error}"


def test_models_need_names_of_their_own(models, oblongs, tmp_path):
    other = make_model(tmp_path, Contrast(0.5), name="first")
    is_refused(crosstest([models[0], other], oblongs, tmp_path / "run"), 2, "first")


def test_help():
    shown = mse("--help", tool="crosstest")
    assert (shown.code, shown.err) == (0, "")
    for option in BAD_VALUES:
        assert re.search(rf"^  {option}\b", shown.out, re.M), f"{option} is not explained"
    assert re.search(r"Exit codes: 0 done; .* 4 ", shown.out, re.S)


# ---- the example in configs/crosstest ----------------------------------------------------------------------------


def test_the_committed_maps_and_baseline_hold(tmp_path, monkeypatch):
    """As CI runs it, from the root of the repository; then with a baseline in which one number is another."""
    monkeypatch.chdir(ROOT)
    example = Path("configs/crosstest")
    models = [exported_model(name) for name in ("efficientnet_lite0", "efficientnet_lite1")]

    def gate(**options):
        return mse(tool="crosstest", config=example / "gate.toml", models=models, out=tmp_path / "run", **options)

    passed = gate()
    assert passed.code == 0, passed.err
    assert "10 of 10 values are within 0.002" in passed.out
    baseline = json.loads((example / "baseline.json").read_text())
    validate(baseline, "crosstest-baseline")
    baseline["cells"][1]["auc"] += 0.0025
    (tmp_path / "moved.json").write_text(json.dumps(baseline))
    moved = gate(compare=tmp_path / "moved.json")
    assert moved.code == 4 and "auc efficientnet_lite0 -> efficientnet_lite1" in moved.out, moved.err
    assert gate(compare=tmp_path / "moved.json", tolerance=0.003).code == 0

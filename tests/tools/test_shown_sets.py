"""xai-crosstest --mses from outside: what models say of each other's MSEs, checked against PyTorch and by hand."""

import itertools
import json
import re
import shutil

import crosstest_reference
import numpy
import pytest
from conftest import PLAIN, analyse, exported_model, is_refused, mse, records, run_json, shared_data, summary_json, validate
from crosstest_reference import View
from PIL import Image
from test_crosstest import NAMES, done, labels, make_oblongs, models, oblongs, pairs, table  # noqa: F401

SEARCH = {"grid": 3, "max_evaluations": 200}
QUANTITIES = ("sufficient", "ratio", "median_ratio", "smallest_sufficient", "smallest_ratio", "smallest_median_ratio",
              "random_sufficient", "random_ratio", "other_sufficient", "other_ratio")


def searched(models, data, folder, **options):  # noqa: F811
    """A run of xai-mse of each model."""
    runs = []
    for model in models:
        runs.append(folder / model.stem)
        assert analyse(model, data, runs[-1], **{**SEARCH, **options}).code == 0
    return runs


def show(models, data, out, runs, **options):  # noqa: F811
    return mse(tool="crosstest", models=list(models), data=data, out=out, mses=runs, **{**PLAIN, **options})


@pytest.fixture(scope="module")
def runs(models, oblongs, tmp_path_factory):  # noqa: F811
    return searched(models, oblongs, tmp_path_factory.mktemp("mses"))


@pytest.fixture(scope="module")
def shown(models, oblongs, labels, runs, tmp_path_factory):  # noqa: F811
    """A run with labels, of which the searches knew nothing."""
    run = tmp_path_factory.mktemp("shown") / "run"
    return run, show(models, oblongs, run, runs, labels=labels, pictures=2)


def mses_of(runs):
    """Model -> image -> its record."""
    return {run.name: {record["image"]: record for record in records(run)} for run in runs}


def ratios_of(sets, grid, source, target, c, kind):
    """p(S) / p(all) of the target, for sets of the source."""
    masks = [numpy.ones(target.x.shape[:2])]
    for patches in sets:
        cells = numpy.zeros(grid * grid)
        cells[list(patches)] = 1
        masks.append(crosstest_reference.seen(cells.reshape(grid, grid), source, target, kind))
    p = target.probabilities(masks)[:, c]
    return p[1:] / p[0]


def agrees(run, data, models, runs, least, kind="soft", baseline="blur", most=32, tolerance=1e-5):  # noqa: F811
    """Every record is that of the definition, from the same MSEs; at least so many are ok."""
    found = mses_of(runs)
    views, tables = {}, {}
    for (image, source, target), record in pairs(run).items():
        for model in models:
            if (image, model.stem) not in views:
                views[image, model.stem] = View(model, data / image, baseline=baseline)
        seen, by = views[image, source], views[image, target]
        of_source = found[source][image]
        c, grid = of_source["target"], of_source["grid"]
        assert record["target"] == c
        assert record["outside"] == pytest.approx(crosstest_reference.outside(seen, by), abs=1e-9)
        whole, nothing = by.probabilities([numpy.ones(by.x.shape[:2]), numpy.zeros(by.x.shape[:2])])[:, c]
        assert (record["p_full"], record["p_baseline"]) == pytest.approx((whole, nothing), abs=tolerance)
        if of_source["status"] != "ok" or not of_source["mses"]:
            assert (record["status"], record["reason"], record["sets"]) == ("undefined", "no-mses", None)
            continue
        if abs(whole - nothing - 0.05) < 1e-4:
            continue  # float noise decides
        gap = whole - nothing >= 0.05
        assert (record["status"], record["reason"]) == (("ok", None) if gap else ("undefined", "gap"))
        if not gap:
            assert record["sets"] is None
            continue
        least -= 1
        sets = record["sets"]
        patches = [mse["patches"] for mse in of_source["mses"]]
        sizes = [len(patches[i]) for i in sets["shown"]]
        assert sets["shown"] == sorted(set(sets["shown"])) and len(sizes) == min(most, len(patches))
        assert sets["smallest"] == min(most, sum(len(p) == of_source["min_size"] for p in patches))
        assert sizes[:sets["smallest"]] == [of_source["min_size"]] * sets["smallest"]
        assert sets["threshold"] == of_source["threshold"] == 0.9

        def ratios(sets, of=(seen, by, c, grid)):
            return ratios_of(sets, of[3], of[0], of[1], of[2], kind)

        close = pytest.approx
        assert sets["ratios"] == close(ratios([patches[i] for i in sets["shown"]]).tolist(), abs=tolerance / whole)
        assert sets["sufficient"] == sum(ratio >= 0.9 for ratio in sets["ratios"])
        assert sets["smallest_sufficient"] == sum(ratio >= 0.9 for ratio in sets["ratios"][:sets["smallest"]])
        others = [mse["patches"] for mse in found[source][sets["other_image"]]["mses"]] if sets["other_image"] else []
        assert sets["other_image"] != image and len(sets["other_ratios"]) == min(most, len(others))
        if len(others) <= most:
            assert sets["other_ratios"] == close(ratios(others).tolist(), abs=tolerance / whole)
        if grid == 3:  # a random set is one of all sets of that size
            assert len(sets["random_ratios"]) == len(sizes)
            for size, ratio in zip(sizes, sets["random_ratios"], strict=True):
                key = image, source, target, size
                if key not in tables:
                    tables[key] = ratios(itertools.combinations(range(9), size))
                assert abs(tables[key] - ratio).min() < tolerance / whole
    assert least <= 0, f"{least} too few pairs are ok"
    return tables


def test_ratios_are_those_of_the_definition(models, oblongs, runs, shown):  # noqa: F811
    done(shown[1], shown[0])
    agrees(shown[0], oblongs, models, runs, 40)


def test_of_hard_masks_on_grey(models, oblongs, tmp_path):  # noqa: F811
    hidden = {"mask": "hard", "baseline": "gray"}
    runs = searched(models, oblongs, tmp_path, **hidden)
    done(show(models, oblongs, tmp_path / "run", runs, **hidden), tmp_path / "run")
    agrees(tmp_path / "run", oblongs, models, runs, 40, kind="hard", baseline="gray")


def test_of_real_networks(tmp_path):
    networks = [exported_model(name) for name in ("efficientnet_lite0", "vit_tiny_patch16_224")]
    every = sorted(shared_data("imagenet-sample").glob("*/*.JPEG"))
    for path in every[50::200]:
        (tmp_path / "photos" / path.parent.name).mkdir(parents=True)
        shutil.copy(path, tmp_path / "photos" / path.parent.name)
    runs = searched(networks, tmp_path / "photos", tmp_path, grid=5, max_evaluations=150)
    done(show(networks, tmp_path / "photos", tmp_path / "run", runs, sets=6), tmp_path / "run")
    agrees(tmp_path / "run", tmp_path / "photos", networks, runs, 6, most=6)
    for (image, source, target), record in pairs(tmp_path / "run").items():
        if source == target and record["status"] == "ok":  # a model's own sets, as its search saw them
            own = mses_of(runs)[source][image]["mses"]
            assert record["sets"]["ratios"] == pytest.approx([own[i]["ratio"] for i in record["sets"]["shown"]], abs=1e-5)


def test_random_sets_are_drawn_evenly(models, oblongs, runs, tmp_path):  # noqa: F811
    """Over seeds, every set of a size comes about equally often."""
    image = sorted(path.name for path in oblongs.iterdir())[0]
    folder = tmp_path / "one"
    folder.mkdir()
    shutil.copy(oblongs / image, folder)
    seen = {}
    for seed in range(12):
        out = tmp_path / str(seed)
        done(show(models[:1], folder, out, runs[:1], seed=seed), out)
        sets = records(out)[0]["sets"]
        sizes = [len(mses_of(runs)["first"][image]["mses"][i]["patches"]) for i in sets["shown"]]
        for size, ratio in zip(sizes, sets["random_ratios"], strict=True):
            seen.setdefault(size, []).append(ratio)
    size, drawn = max(seen.items(), key=lambda item: len(item[1]))
    view = View(models[0], oblongs / image)
    c = mses_of(runs)["first"][image]["target"]
    expected = ratios_of(itertools.combinations(range(9), size), 3, view, view, c, "soft")
    assert len({round(ratio, 5) for ratio in drawn}) > min(len(expected), len(drawn)) / 3
    assert abs(numpy.mean(drawn) - expected.mean()) < 4 * expected.std() / len(drawn) ** 0.5


# ---- which sets --------------------------------------------------------------------------------------------------


def test_a_bound_takes_the_smallest_and_a_draw_of_the_others(models, oblongs, runs, tmp_path):  # noqa: F811
    found = mses_of(runs)
    drawn = {}
    for seed in (0, 0, 1, 2):
        out = tmp_path / f"{seed}-{len(drawn)}"
        done(show(models, oblongs, out, runs, sets=3, seed=seed), out)
        for record in records(out):
            if record["status"] != "ok":
                continue
            sets, of_source = record["sets"], found[record["source"]][record["image"]]
            sizes = [len(mse["patches"]) for mse in of_source["mses"]]
            smallest = sizes.count(min(sizes))
            assert len(sets["shown"]) == len(sets["ratios"]) == len(sets["random_ratios"]) == min(3, len(sizes))
            assert sets["smallest"] == min(3, smallest)
            if smallest <= 3:
                assert sets["shown"][:smallest] == list(range(smallest))
            assert len(sets["other_ratios"]) <= 3
            drawn.setdefault((record["image"], record["source"]), {}).setdefault(seed, []).append(sets["shown"])
    assert all(len(set(map(tuple, shown))) == 1 for seeds in drawn.values() for shown in seeds.values())
    assert any(len({tuple(shown[0]) for shown in seeds.values()}) > 1 for seeds in drawn.values())


# ---- tables ------------------------------------------------------------------------------------------------------


def image_values(record):
    """What SPEC 7 tells of an image and an ordered pair."""
    sets = record["sets"]
    smallest = sets["ratios"][:sets["smallest"]]
    values = {}
    for name, ratios in (("", sets["ratios"]), ("smallest_", smallest)):
        values[f"{name}median_ratio"] = numpy.median(ratios)
    for name, ratios in (("", sets["ratios"]), ("smallest_", smallest), ("random_", sets["random_ratios"]),
                         ("other_", sets["other_ratios"])):
        values[f"{name}sufficient"] = numpy.mean(numpy.array(ratios) >= 0.9)
        values[f"{name}ratio"] = numpy.mean(ratios)
    return values


def described(found, expected):
    """n, mean and median, and an interval about the mean."""
    assert found["n"] == len(expected)
    if expected:
        assert (found["mean"], found["median"]) == pytest.approx((numpy.mean(expected), numpy.median(expected)), abs=1e-12)
        assert found["low"] <= found["mean"] + 1e-12 and found["mean"] <= found["high"] + 1e-12
    else:
        assert found["mean"] is None


@pytest.mark.parametrize("rule", ["common", "pairwise"])
def test_summary_is_made_of_the_records(rule, models, oblongs, labels, runs, tmp_path):  # noqa: F811
    out = tmp_path / "run"
    done(show(models, oblongs, out, runs, labels=labels, images=rule, min_gap=0.2), out)
    every, summary = pairs(out), summary_json(out)
    validate(summary, "crosstest-sets-summary")
    assert (summary["shows"], summary["threshold"], summary["sets"]) == ("mses", 0.9, 32)
    images = sorted({image for image, _, _ in every})
    ok = {key for key, record in every.items() if record["status"] == "ok"}
    common = [i for i in images if all((i, a, b) in ok for a in NAMES for b in NAMES)]
    assert summary["common_images"] == len(common) and 0 < len(common) < len(images)
    used = common if rule == "common" else images

    def right(image, *names):
        return all(every[image, name, name]["predicted"] == every[image, name, name]["label"] for name in names)

    rows = {(row["source"], row["model"], row["photographs"], row["quantity"]): row for row in table(out, "sets_matrix.csv")}
    assert len(rows) == 9 * 2 * len(QUANTITIES)
    several = 0
    for cell in summary["matrix"]:
        a, b = cell["source"], cell["model"]
        assert cell["undefined"] == sum(every[i, a, b]["status"] == "undefined" for i in images)
        for group, names in (("all", ()), ("both_right", (a, b))):
            for quantity in QUANTITIES:
                expected = [image_values(every[i, a, b])[quantity] for i in used
                            if (i, a, b) in ok and right(i, *names)]
                described(cell[group][quantity], expected)
                row = rows[a, b, group, quantity]
                assert int(row["n"]) == len(expected)
                assert not expected or float(row["mean"]) == pytest.approx(numpy.mean(expected), abs=1e-12)
                several += group == "both_right" and 0 < len(expected) < len(used)
        assert summary["quantities"][f"sufficient {a} -> {b}"] == cell["all"]["sufficient"]
    assert several

    family = {name: json.loads(model.with_suffix(".json").read_text())["family"] for name, model in zip(NAMES, models)}
    for cell in summary["families"]:
        of = [(a, b) for a in NAMES for b in NAMES
              if (family[a], family[b]) == (cell["source_family"], cell["target_family"])]
        different = [(a, b) for a, b in of if a != b]
        assert (cell["pairs"], cell["self_test"]) == (len(different), not different)
        for group in ("all", "both_right"):
            for quantity in QUANTITIES:
                means = []
                for i in used:
                    values = [image_values(every[i, a, b])[quantity] for a, b in different or of
                              if (i, a, b) in ok and (group == "all" or right(i, a, b))]
                    if values:
                        means.append(numpy.mean(values))
                described(cell[group][quantity], means)
    assert (out / "sets_family_matrix.csv").exists() and (out / "ensemble.csv").exists()
    assert not (out / "matrix.csv").exists()


def test_records_follow_their_schema(shown, oblongs):  # noqa: F811
    run, finished = shown
    every = done(finished, run)
    images = sorted(path.name for path in oblongs.iterdir())
    assert list(pairs(run)) == list(itertools.product(images, NAMES, NAMES))
    for record in every:
        validate(record, "crosstest-record")
        assert record["auc"] is None and record["curve"] == []
        assert (record["sets"] is not None) == (record["status"] == "ok")
    validate(run_json(run), "run")
    validate(summary_json(run), "crosstest-sets-summary")
    for path in [*run.glob("*.json*"), *run.glob("*.csv")]:
        assert not re.search(r"nan|infinity", path.read_text(), re.I), path
    assert "random sets of the same sizes" in finished.out


def test_a_models_own_sets_are_sufficient(shown):
    """All of them: what the search certified is what the model says again."""
    for (_, source, target), record in pairs(shown[0]).items():
        if source == target and record["status"] == "ok":
            assert min(record["sets"]["ratios"]) >= 0.9 - 1e-5
    cells = {(cell["source"], cell["model"]): cell["all"] for cell in summary_json(shown[0])["matrix"]}
    assert all(cells[name, name]["sufficient"]["mean"] > 0.99 for name in NAMES)
    assert any(cells[a, b]["sufficient"]["mean"] < 0.9 for a in NAMES for b in NAMES if a != b)


def test_pictures(shown, oblongs):  # noqa: F811
    images = sorted(path.name for path in oblongs.iterdir())
    assert sorted(path.name for path in (shown[0] / "images").iterdir()) == [f"{name}.png" for name in images[:2]]
    for path in (shown[0] / "images").iterdir():
        with Image.open(path) as picture:
            picture.load()
            assert 900 < picture.width < 1600 and 600 < picture.height < 1200


# ---- runs --------------------------------------------------------------------------------------------------------


def test_images_that_were_not_searched_are_undefined(models, oblongs, tmp_path):  # noqa: F811
    runs = [*searched(models[:1], oblongs, tmp_path, limit=3), *searched(models[1:], oblongs, tmp_path)]
    done(show(models, oblongs, tmp_path / "run", runs), tmp_path / "run")
    of_first = [record for record in records(tmp_path / "run") if record["source"] == "first"]
    images = sorted({record["image"] for record in of_first})
    for record in of_first:
        if record["image"] in images[3:]:
            assert (record["status"], record["reason"]) == ("undefined", "no-mses")
        elif record["status"] == "ok":
            assert record["sets"]["other_image"] in images[:3]
    assert summary_json(tmp_path / "run")["undefined_reasons"]["no-mses"] >= 15


def test_one_image_has_no_other(models, oblongs, tmp_path):  # noqa: F811
    runs = searched(models[:2], oblongs, tmp_path, limit=1)
    done(show(models[:2], oblongs, tmp_path / "run", runs, limit=1), tmp_path / "run")
    for record in records(tmp_path / "run"):
        assert record["sets"]["other_image"] is None and record["sets"]["other_ratios"] == []
    summary = summary_json(tmp_path / "run")
    validate(summary, "crosstest-sets-summary")
    assert summary["matrix"][0]["all"]["other_ratio"]["n"] == 0


def test_the_packing_changes_nothing_and_a_second_call_does_nothing(models, oblongs, labels, runs, shown):  # noqa: F811
    run, _ = shown
    for packing in ({"batch_size": 1}, {"batch_size": 7, "threads": 2, "models_in_memory": 1}):
        out = run.parent / f"packed{packing['batch_size']}"
        done(show(models, oblongs, out, runs, labels=labels, **packing), out)
        for found, expected in zip(records(out), records(run), strict=True):
            if expected["sets"]:
                for name in ("ratios", "random_ratios", "other_ratios"):
                    assert found["sets"][name] == pytest.approx(expected["sets"][name], abs=1e-4), name
                for name in ("shown", "smallest", "other_image", "threshold"):
                    assert found["sets"][name] == expected["sets"][name], name
            assert found["status"] == expected["status"]
    before = (run / "results.jsonl").read_bytes()
    again = show(models, oblongs, run, runs, labels=labels, pictures=2)
    assert again.code == 0 and "nothing to do" in again.err and (run / "results.jsonl").read_bytes() == before


def test_shards_merge_to_the_whole(models, oblongs, labels, runs, shown, tmp_path):  # noqa: F811
    parts = []
    for i in range(3):
        parts.append(tmp_path / str(i))
        done(show(models, oblongs, parts[-1], runs, labels=labels, pictures=2, num_shards=3, shard_index=i), parts[-1])
    merged = tmp_path / "merged"
    assert mse(merged, *parts, tool="merge").code == 0
    for name in ("results.jsonl", "summary.json", "sets_matrix.csv", "sets_family_matrix.csv", "ensemble.csv"):
        assert (merged / name).read_bytes() == (shown[0] / name).read_bytes(), name


def test_a_dry_run_counts_what_would_be_shown(models, oblongs, runs, shown, tmp_path, labels):  # noqa: F811
    plan = show(models, oblongs, tmp_path / "run", runs, labels=labels, dry_run=True, json=True)
    assert plan.code == 0 and not (tmp_path / "run").exists()
    planned = sum(part["rows_at_most"]["forward"] for part in json.loads(plan.out)["parts"])
    assert run_json(shown[0])["forward"] <= planned < 3 * run_json(shown[0])["forward"]


@pytest.mark.parametrize("case, words", [
    ("missing", ["--mses", "third"]), ("twice", ["--mses", "two runs", "first"]), ("stranger", ["--mses", "none of"]),
    ("baseline", ["--mses", "baseline", "give --baseline"]), ("unlike", ["--mses", "otherwise", "threshold"]),
    ("top1", ["--mses", "top1"]), ("maps", ["--maps", "--mses"]), ("gate", ["--compare", "--mses"]),
    ("kind", ["xai-saliency"]), ("sets", ["--sets", "at least 1"]), ("none", ["no-such-run"])])
def test_refuses(case, words, models, oblongs, labels, runs, tmp_path):  # noqa: F811
    given, options, of = list(runs), {}, models
    if case == "missing":
        given = given[:2]
    elif case == "twice":
        given.append(shutil.copytree(given[0], tmp_path / "copy"))
    elif case == "stranger":
        of = models[:2]
    elif case == "baseline":
        options = {"baseline": "gray"}
    elif case == "unlike":
        given[2] = searched(models[2:], oblongs, tmp_path, threshold=0.8)[0]
    elif case == "top1":
        given = searched(models, oblongs, tmp_path, sufficient="top1")
    elif case == "maps":
        options = {"maps": [tmp_path / "maps"]}
    elif case == "gate":
        options = {"compare": tmp_path / "baseline.json"}
    elif case == "sets":
        options = {"sets": 0}
    elif case == "none":
        given = ["no-such-run"]
    elif case == "kind":
        given[0] = tmp_path / "maps"
        assert analyse(models[0], oblongs, given[0], tool="saliency", size=7, iterations=1, steps=5).code == 0
    is_refused(show(of, oblongs, tmp_path / "run", given, **options), 2, *words)
    assert not (tmp_path / "run").exists()


def test_a_changed_photograph_is_an_error(models, oblongs, runs, tmp_path):  # noqa: F811
    data = shutil.copytree(oblongs, tmp_path / "photos")
    image = sorted(path.name for path in data.iterdir())[2]
    make_oblongs(tmp_path / "new", 1)
    shutil.copy(next((tmp_path / "new").iterdir()), data / image)
    finished = show(models, data, tmp_path / "run", runs)
    assert finished.code == 3
    for record in records(tmp_path / "run"):
        assert (record["status"] == "error") == (record["image"] == image)
        if record["image"] == image:
            assert "SHA-256" in record["reason"]

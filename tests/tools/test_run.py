"""What a run of xai-mse computes and writes, checked against independent computations."""

import csv
import json
import os
import pty
import subprocess

import numpy
import pytest
import reference
import tiny_models
import torch
from conftest import (analyse, command, environment, is_refused, make_photos, photo, records, run_json,
                      summary_json, timeless, validate)
from PIL import Image
from tiny_models import make_model

FILES = {"run.json", "results.jsonl", "summary.json", "summary.csv", ".lock"}


def card_of(model):
    return json.loads(model.with_suffix(".json").read_text())


def image_of(path, height=32, width=32):
    """A photograph of the model's own width, as the model's crop sees it."""
    pixels = numpy.asarray(Image.open(path).convert("RGB")) / 255
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top:top + height, left:left + width]


# ---- explanations, against brute force -----------------------------------------------------------------------


def check_record(record, table, threshold, overlap=1):
    """Everything that a record says of a searched image, by the table of all its subsets."""
    assert record["predicted"] == table.predicted
    assert record["p_full"] == pytest.approx(table.p[-1], abs=1e-5)
    assert record["p_baseline"] == pytest.approx(table.p[0], abs=1e-5)
    found = [reference.bit_set(mse["patches"]) for mse in record["mses"]]
    assert record["found"] == len(found) == len(set(found))
    for bits, mse in zip(found, record["mses"]):
        assert mse["patches"] == sorted(mse["patches"])
        assert mse["p"] == pytest.approx(table.p[bits], abs=1e-5)
        assert mse["ratio"] == pytest.approx(table.ratio[bits], abs=1e-5)
        assert mse["ratio"] == pytest.approx(mse["p"] / record["p_full"], abs=1e-12) and mse["ratio"] >= threshold
        # certified: no subset with up to checked_depth patches less is sufficient
        size = len(mse["patches"])
        assert (mse["certificate"] == "all-subsets") == (mse["checked_depth"] == size) and mse["checked_depth"] >= 1
        for subset in range(bits):
            if subset & bits == subset and size - subset.bit_count() <= mse["checked_depth"]:
                assert table.ratio[subset] < threshold
    assert [mse["patches"] for mse in record["mses"]] == sorted(
        (mse["patches"] for mse in record["mses"]), key=lambda patches: (len(patches), patches))
    assert not any(a != b and a & b == a for a in found for b in found)
    assert record["min_size"] == (min(bits.bit_count() for bits in found) if found else None)
    assert record["diverse_exact"] and record["diverse"] == reference.largest_diverse(found, overlap)
    chosen = [found[i] for i in record["diverse_members"]]
    assert len(chosen) == record["diverse"]
    assert all((a & b).bit_count() <= overlap for a in chosen for b in chosen if a != b)
    return found


@pytest.mark.parametrize("search", [{"search": "exhaustive"}, {"beam_width": 512, "extensions": 0}], ids=["all", "beam"])
@pytest.mark.parametrize("baseline", ["blur", "black", "mean", "gray"])
@pytest.mark.parametrize("mask", ["soft", "hard"])
def test_all_explanations_of_small_grids(mask, baseline, search, tmp_path):
    # wider than high, an offset crop, and a mean that is not gray
    preprocessing = {"resize": 32, "interpolation": "bilinear", "crop": "center", "mean": [0.4, 0.5, 0.3],
                     "std": [0.5, 0.4, 0.6]}
    model = make_model(tmp_path, size=(26, 32), preprocessing=preprocessing)
    data = make_photos(tmp_path / "photos", 5)
    finished = analyse(model, data, tmp_path / "run", grid=3, mask=mask, baseline=baseline, **search)
    assert finished.code == 0
    module, card = torch.jit.load(model), card_of(model)
    searched = 0
    for record in records(tmp_path / "run"):
        table = reference.Table(image_of(data / record["image"], 26, 32), module, card, 3, baseline, mask)
        assert (record["status"] == "baseline-sufficient") == (table.ratio[0] >= 0.9)
        if record["status"] == "baseline-sufficient":
            assert record["mses"] == [] and record["p_baseline"] == pytest.approx(table.p[0], abs=1e-5)
            continue
        searched += 1
        found = check_record(record, table, 0.9)
        if table.decides_clearly(0.9):
            assert sorted(found) == table.mses(0.9)
            assert {mse["certificate"] for mse in record["mses"]} == {"all-subsets"}
        assert record["stop_reason"] == "exhausted" and 2 < record["evaluations"] <= 512
        assert record["near_ties"] > 0 or table.decides_clearly(0.9)
    assert searched >= 2


@pytest.mark.parametrize("options", [
    {"threshold": 0.6}, {"threshold": 1}, {"max_overlap": 0}, {"max_overlap": 2}, {"beam_width": 1, "extensions": 2},
    {"max_size": 2}, {"max_evaluations": 40}, {"max_evaluations": 3}, {"reduce": "all"},
], ids=str)
def test_options_of_the_search(options, tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 4)
    assert analyse(tiny, data, tmp_path / "run", grid=3, **options).code == 0
    threshold, overlap = options.get("threshold", 0.9), options.get("max_overlap", 1)
    for record in records(tmp_path / "run"):
        assert record["threshold"] == threshold
        if record["status"] != "ok":
            continue
        table = reference.Table(image_of(data / record["image"]), torch.jit.load(tiny), card_of(tiny), 3)
        check_record(record, table, threshold, overlap)
        assert record["evaluations"] <= options.get("max_evaluations", 512)
        if "max_size" in options:
            assert all(len(mse["patches"]) <= 2 for mse in record["mses"])
            assert record["stop_reason"] in ("max-size", "exhausted")
        if "max_evaluations" in options:
            assert record["stop_reason"] == "max-evaluations"


def test_the_label_as_target(tmp_path):
    model = make_model(tmp_path)
    for label, name in enumerate(("red", "green", "blue")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for seed in (2 * label, 2 * label + 1):
            photo(seed).save(tmp_path / f"photos/{name}/{seed}.png")
    options = {"grid": 3, "search": "exhaustive", "target": "label", "threshold": 0.8}
    assert analyse(model, tmp_path / "photos", tmp_path / "run", **options).code == 0
    others = 0
    for record in records(tmp_path / "run"):
        assert record["target"] == record["label"] == ["red", "green", "blue"].index(record["image"].split("/")[0])
        image = image_of(tmp_path / "photos" / record["image"])
        table = reference.Table(image, torch.jit.load(model), card_of(model), 3, target=record["label"])
        others += record["label"] != record["predicted"]
        if record["status"] == "ok":
            found = check_record(record, table, 0.8)
            assert sorted(found) == table.mses(0.8) or not table.decides_clearly(0.8)
    assert others > 0


# ---- which images are searched -------------------------------------------------------------------------------


@pytest.fixture
def coloured(tmp_path):
    """A data set of class folders, of which the model gets green/wrong.png wrong."""
    shades = {"red/sure.png": (255, 0, 0), "red/unsure.png": (140, 100, 100), "green/right.png": (0, 255, 0),
              "green/wrong.png": (0, 0, 255), "blue/right.png": (0, 0, 250)}
    for name, shade in shades.items():
        (tmp_path / "colours" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), shade).save(tmp_path / "colours" / name)
    return tmp_path / "colours"


def reasons(folder):
    return {record["image"]: record["reason"] or record["status"] for record in records(folder)}


def test_images_that_are_skipped(coloured, tmp_path):
    model = make_model(tmp_path / "model", tiny_models.Colours)
    options = {"grid": 2, "baseline": "black"}
    assert analyse(model, coloured, tmp_path / "all", **options).code == 0
    by_image = {record["image"]: record for record in records(tmp_path / "all")}
    assert set(reasons(tmp_path / "all").values()) == {"ok"}
    limit = (by_image["red/unsure.png"]["p_full"] + by_image["red/sure.png"]["p_full"]) / 2

    finished = analyse(model, coloured, tmp_path / "some", only_correct=True, min_probability=limit, **options)
    assert finished.code == 0 and "top-1: 4 of 5" in finished.err
    assert reasons(tmp_path / "some") == {"blue/right.png": "ok", "green/right.png": "ok", "green/wrong.png": "wrong",
                                          "red/sure.png": "ok", "red/unsure.png": "low-probability"}
    for record in records(tmp_path / "some"):
        assert (record["status"] == "skipped") == (record["reason"] is not None)
        if record["status"] == "skipped":
            assert (record["evaluations"], record["mses"], record["found"]) == (1, [], None)
            assert record["p_full"] == by_image[record["image"]]["p_full"]
    summary = summary_json(tmp_path / "some")
    assert summary["skip_reasons"] == {"low-probability": 1, "wrong": 1} and summary["statuses"]["skipped"] == 2
    assert summary["top1"] == {"n": 5, "count": 4, "share": 0.8}


def test_a_probability_of_zero_is_skipped(coloured, tmp_path):
    model = make_model(tmp_path / "model", tiny_models.SharpColours)
    finished = analyse(model, coloured, tmp_path / "run", grid=2, baseline="black", target="label")
    assert finished.code == 0
    record = next(record for record in records(tmp_path / "run") if record["image"] == "green/wrong.png")
    assert (record["status"], record["reason"], record["p_full"]) == ("skipped", "zero-probability", 0)


def test_a_baseline_that_suffices(coloured, tmp_path):
    model = make_model(tmp_path / "model", tiny_models.Colours)
    assert analyse(model, coloured, tmp_path / "run", grid=2).code == 0  # a blurred plain colour is the same colour
    assert set(reasons(tmp_path / "run").values()) == {"baseline-sufficient"}
    assert summary_json(tmp_path / "run")["statuses"]["baseline-sufficient"] == 5


def test_wrong_label_order_is_suspected(tmp_path):
    model = make_model(tmp_path / "model", tiny_models.Colours)
    (tmp_path / "data").mkdir()
    for i in range(12):
        Image.new("RGB", (32, 32), (200 + i, 0, 0)).save(tmp_path / f"data/{i:02d}.png")
    (tmp_path / "labels.csv").write_text("path,label\n" + "".join(f"{i:02d}.png,2\n" for i in range(12)))
    finished = analyse(model, tmp_path / "data", tmp_path / "run", labels=tmp_path / "labels.csv", grid=2)
    assert finished.code == 0 and "top-1: 0 of 12" in finished.err
    assert any("class order" in line for line in finished.lines("warning"))


def test_limit_and_order(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 6)
    names = ["B.png", "a.png", "a/z.png", "a1.png", "é.png", "Z/0.png"]
    for path, name in zip(sorted(data.glob("*.png")), names):
        (data / name).parent.mkdir(exist_ok=True)
        path.rename(data / name)
    in_order = sorted(names, key=lambda name: name.encode())
    assert analyse(tiny, data, tmp_path / "all", grid=2, images_in_flight=5).code == 0
    assert [record["image"] for record in records(tmp_path / "all")] == in_order
    assert analyse(tiny, data, tmp_path / "some", grid=2, limit=4).code == 0
    assert timeless(tmp_path / "some") == timeless(tmp_path / "all")[:4]
    assert run_json(tmp_path / "some")["data"]["count"] == 4


# ---- what is written -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def labelled_run(tmp_path_factory):
    """A run with every status, with labels and pictures."""
    folder = tmp_path_factory.mktemp("labelled")
    model = make_model(folder)
    data = make_photos(folder / "photos", 12)
    (data / "text.png").write_text("no image")
    labels = "".join(f"photo{i:02d}.png,{i % 3}\n" for i in range(12))
    (folder / "labels.csv").write_text("path,label\n" + labels + "text.png,0\n")
    finished = analyse(model, data, folder / "run", labels=folder / "labels.csv", grid=4, max_evaluations=300,
                       min_probability=0.7, pictures=3, seed=3)
    return folder, finished


def test_a_run_follows_its_schemas(labelled_run):
    folder, finished = labelled_run
    assert finished.code == 3
    for record in records(folder / "run"):
        validate(record, "mse-record")
    validate(run_json(folder / "run"), "run")
    validate(summary_json(folder / "run"), "summary")
    validate(card_of(folder / "tiny.pt"), "model-card")
    for name in ("run.json", "results.jsonl", "summary.json"):
        text = (folder / "run" / name).read_text()
        assert "NaN" not in text and "Infinity" not in text


def test_a_run_leaves_these_files_and_no_others(labelled_run):
    folder, _ = labelled_run
    drawn = [record["picture"] for record in records(folder / "run") if record["picture"]]
    assert {str(path.relative_to(folder / "run")) for path in (folder / "run").rglob("*") if path.is_file()} == (
        FILES | set(drawn))
    for picture in drawn:
        with Image.open(folder / "run" / picture) as image:
            assert image.format == "PNG" and min(image.size) > 100


def test_run_json_says_what_was_run(labelled_run):
    folder, _ = labelled_run
    run = run_json(folder / "run")
    card = card_of(folder / "tiny.pt")
    assert (run["tool"], run["status"], run["sessions"], run["seed"]) == ("xai-mse", "done", 1, 3)
    assert run["command"][1:3] == ["--model", str(folder / "tiny.pt")]
    assert run["model"]["sha256"] == card["sha256"] and run["model"]["card"]["name"] == "tiny"
    assert (run["data"]["count"], run["data"]["path"]) == (13, str(folder / "photos"))
    assert run["counts"] == summary_json(folder / "run")["statuses"]
    evaluations = sum(record["evaluations"] or 0 for record in records(folder / "run"))
    assert run["forward"] == evaluations
    assert run["platform"]["device"] == "cpu" and run["platform"]["libtorch"] == torch.__version__.split("+")[0]
    given = {"grid": 4, "max_evaluations": 300, "min_probability": 0.7, "pictures": 3, "batch_size": "8", "tune": "off"}
    assert {name: str(run["options"][name]) for name in given} == {name: str(value) for name, value in given.items()}
    assert 0 < run["seconds"] < 300 and run["started"] <= run["ended"]


def test_peak_memory_is_the_programs_and_not_of_who_started_it(tiny, photos, tmp_path):
    mine = numpy.ones(2 << 30, numpy.uint8)
    assert analyse(tiny, photos, tmp_path / "run", grid=2, limit=1).code == 0
    assert 50_000_000 < run_json(tmp_path / "run")["peak_memory_bytes"] < mine.nbytes / 2


def test_summary_is_that_of_the_records(labelled_run):
    folder, _ = labelled_run
    every, summary = records(folder / "run"), summary_json(folder / "run")
    ok = [record for record in every if record["status"] == "ok"]
    assert len(ok) >= 3
    for status in summary["statuses"]:
        assert summary["statuses"][status] == sum(record["status"] == status for record in every)
    assert summary["images"] == 13 and summary["statuses"]["error"] == 1 and summary["statuses"]["skipped"] > 0
    mses = [mse for record in ok for mse in record["mses"]]
    sizes = [len(mse["patches"]) for mse in mses]
    assert summary["mses_by_size"] == {str(size): sizes.count(size) for size in sorted(set(sizes))}
    certificates = [mse["certificate"] for mse in mses]
    assert summary["certificates"] == {name: certificates.count(name) for name in sorted(set(certificates))}
    predicted = [record for record in every if record["predicted"] is not None]
    right = sum(record["predicted"] == record["label"] for record in predicted)
    assert summary["top1"] == {"n": 12, "count": right, "share": right / 12}
    assert summary["near_ties"]["count"] == sum(record["near_ties"] > 0 for record in ok)
    assert summary["without_mse"]["count"] == sum(not record["mses"] for record in ok)

    generator = numpy.random.default_rng(0)
    for name, numbers in summary["quantities"].items():
        if name == "mean_mse_size":
            values = [numpy.mean([len(mse["patches"]) for mse in record["mses"]]) for record in ok if record["mses"]]
        elif name == "keeps_top1":
            values = [numpy.mean([mse["keeps_top1"] for mse in record["mses"]]) for record in ok if record["mses"]]
        else:
            values = [record[name] for record in ok if record[name] is not None]
        assert numbers["n"] == len(values)
        assert numbers["mean"] == pytest.approx(numpy.mean(values), rel=1e-12)
        assert numbers["median"] == pytest.approx(numpy.median(values), rel=1e-12)
        deviation = numpy.std(values, ddof=1)
        assert numbers["standard_deviation"] == pytest.approx(deviation, rel=1e-9)
        resampled = generator.choice(values, (20_000, len(values))).mean(1)
        for side, percent in (("low", 2.5), ("high", 97.5)):  # 2,000 resamples: endpoints spread by 6 % of an error
            assert numbers[side] == pytest.approx(numpy.percentile(resampled, percent),
                                                  abs=0.3 * deviation / len(values) ** 0.5 + 1e-12)


def test_the_csv_is_the_same_table(labelled_run):
    folder, _ = labelled_run
    quantities = summary_json(folder / "run")["quantities"]
    with open(folder / "run/summary.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row.pop("quantity") for row in rows] == list(quantities)
    for row, numbers in zip(rows, quantities.values()):
        assert {name: float(cell) if cell else None for name, cell in row.items()} == numbers


def test_pictures_of_the_first_images(labelled_run, tiny, tmp_path):
    folder, _ = labelled_run
    pictures = [record["picture"] for record in records(folder / "run")]
    searched = [record["status"] in ("ok", "baseline-sufficient") for record in records(folder / "run")]
    assert [bool(picture) for picture in pictures] == [i < 3 and searched[i] for i in range(13)]
    assert any(pictures)
    assert analyse(tiny, folder / "photos/photo00.png", tmp_path / "none", grid=2).code == 0
    assert records(tmp_path / "none")[0]["picture"] is None and not (tmp_path / "none/images").exists()
    assert analyse(tiny, folder / "photos/photo00.png", tmp_path / "all", grid=2, pictures=None).code == 0
    assert (tmp_path / "all" / records(tmp_path / "all")[0]["picture"]).exists()


def test_the_first_twenty_are_drawn_by_default(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 23)
    options = {"grid": 2, "pictures": None}
    names = [f"photo{i:02d}.png" for i in range(23)]

    def drawn(out):
        assert all(record["status"] in ("ok", "baseline-sufficient") for record in records(tmp_path / out))
        pictures = sorted(path.stem for path in (tmp_path / out / "images").iterdir())
        assert pictures == [record["image"] for record in records(tmp_path / out) if record["picture"]]
        return pictures

    assert analyse(tiny, data, tmp_path / "run", **options).code == 0
    assert drawn("run") == names[:20]
    assert analyse(tiny, data, tmp_path / "few", limit=21, **options).code == 0
    assert drawn("few") == names[:20]
    for every in ("all", -1):
        assert analyse(tiny, data, tmp_path / f"all{every}", **{**options, "pictures": every}).code == 0
        assert drawn(f"all{every}") == names
    torn = tmp_path / "run/results.jsonl"  # as if the first ten had been done by a run that was stopped
    torn.write_text("".join(line for line in torn.read_text().splitlines(keepends=True)[:10]))
    run = run_json(tmp_path / "run")
    (tmp_path / "run/run.json").write_text(json.dumps({**run, "status": "stopped"}))
    for path in (tmp_path / "run/images").iterdir():
        if path.stem >= names[10]:
            path.unlink()
    assert analyse(tiny, data, tmp_path / "run", **options).code == 0
    assert drawn("run") == names[:20]


def test_a_finished_run_is_left_alone(labelled_run, tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 3)
    options = {"grid": 2, "pictures": 1}
    assert analyse(tiny, data, tmp_path / "run", **options).code == 0

    def state():
        return {path: (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
                for path in (tmp_path / "run").rglob("*") if path.is_file() and path.name != ".lock"}

    before = state()
    again = analyse(tiny, data, tmp_path / "run", **options)
    assert again.code == 0 and "nothing to do" in again.err and state() == before
    seconds = records(tmp_path / "run")[0]["seconds"]
    assert analyse(tiny, data, tmp_path / "run", overwrite=True, **options).code == 0
    assert records(tmp_path / "run")[0]["seconds"] != seconds
    assert run_json(tmp_path / "run")["sessions"] == 1
    is_refused(analyse(tiny, data, tmp_path / "run", **{**options, "grid": 3}), 2, "grid is 2 there and 3 here")
    assert analyse(tiny, data, tmp_path / "run", overwrite=True, **{**options, "grid": 3, "pictures": 0}).code == 0
    assert {record["grid"] for record in records(tmp_path / "run")} == {3}
    assert not list((tmp_path / "run").rglob("*.png"))


def test_preprocessed_images_are_dumped(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 2)
    (data / "a").mkdir()
    (data / "photo01.png").rename(data / "a/photo01.png")
    assert analyse(tiny, data, tmp_path / "run", grid=2, preprocess_dump=tmp_path / "dump").code == 0
    for name in ("photo00.png", "a/photo01.png"):
        dumped = numpy.load(tmp_path / f"dump/{name}.npy")
        assert (dumped.shape, dumped.dtype) == ((3, 32, 32), numpy.float32)
        assert numpy.array_equal(dumped, numpy.asarray(Image.open(data / name), numpy.float32).transpose(2, 0, 1) / 255)


def test_saved_scores_are_all_that_was_evaluated(tiny, photos, tmp_path):
    assert analyse(tiny, photos, tmp_path / "run", grid=3, max_evaluations=200, save_scores=True).code == 0
    for record in records(tmp_path / "run"):
        scores = numpy.load(tmp_path / f"run/scores/{record['image']}.npy")
        p = {sum(int(word) << 64 * i for i, word in enumerate(words)): float(p) for words, p in scores}
        assert len(p) == len(scores) == record["evaluations"] and list(p) == sorted(p)
        assert p[2**9 - 1] == pytest.approx(record["p_full"], abs=1e-7)
        assert p[0] == pytest.approx(record["p_baseline"], abs=1e-7)
        for mse in record["mses"]:
            assert p[sum(1 << patch for patch in mse["patches"])] == pytest.approx(mse["p"], abs=1e-7)


# ---- what is said --------------------------------------------------------------------------------------------


def test_nothing_but_what_is_asked_for_goes_to_stdout(tiny, photos, tmp_path):
    loud = analyse(tiny, photos, tmp_path / "loud", grid=2, verbose=True)
    assert (loud.code, loud.out) == (0, "") and "6 of 6" in loud.err
    quiet = analyse(tiny, photos, tmp_path / "quiet", grid=2, quiet=True)
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert "\033" not in loud.err and "\r" not in loud.err  # no terminal


def on_a_terminal(*arguments, env):
    """What a run prints on a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    import fcntl
    import struct
    import termios
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    text = b""
    try:
        while block := os.read(ours, 65536):
            text += block
    except OSError:  # its end is closed
        pass
    os.close(ours)
    return process.wait(), text.decode()


def test_a_progress_bar_on_a_terminal(tiny, photos, tmp_path):
    given = {"model": tiny, "data": photos, "tune": "off", "grid": 4, "pictures": 0}
    env = environment(TERM="xterm")
    env.pop("NO_COLOR", None)
    code, text = on_a_terminal(*command(out=tmp_path / "colour", **given), env=env)
    assert code == 0 and "xai-mse [" in text and "evaluations/s" in text and "\033[36m" in text
    assert all(len(line.split("\033[K")[-1].replace("\033[36m", "").replace("\033[0m", "")) <= 100
               for line in text.replace("\n", "\r").split("\r"))
    code, text = on_a_terminal(*command(out=tmp_path / "plain", **given), env={**env, "NO_COLOR": "1"})
    assert code == 0 and "xai-mse [" in text and "\033[3" not in text
    code, text = on_a_terminal(*command(out=tmp_path / "quiet", quiet=True, **given), env=env)
    assert (code, text) == (0, "")

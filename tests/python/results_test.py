"""The program xai-results: tables of runs of every kind, runs side by side, maps in a picture."""

import csv
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy
import pandas
import pytest
from PIL import Image

import xaimse
from xaimse.definitions import TABLES
from xaimse.reading import read
from xaimse.results import maps
from xaimse.results.cli import main

MADE_UP = [
    {"image": "a/cat.jpg", "status": "ok", "predicted": 0, "found": 12, "diverse": 3, "diverse_exact": True,
     "min_size": 4, "seconds": 1.26, "picture": "images/a_cat.jpg.png"},
    {"image": "cup.jpg", "status": "ok", "predicted": 1, "found": 120, "diverse": 30, "diverse_exact": False,
     "min_size": 2, "seconds": 20.0, "picture": "images/cup.jpg.png"},
    {"image": "torn.jpg", "status": "error", "reason": "truncated JPEG", "predicted": None, "found": None,
     "diverse": None, "min_size": None, "seconds": 0.01, "picture": None},
    {"image": "dim.jpg", "status": "ok", "predicted": 1, "found": 0, "diverse": 0, "diverse_exact": True,
     "min_size": None, "seconds": 3, "picture": None},
    {"image": "sky.jpg", "status": "baseline-sufficient", "reason": None, "predicted": 1, "found": 0, "diverse": 0,
     "min_size": None, "seconds": 0.3, "picture": None},
]  # fmt: skip


def write_run(folder, records=MADE_UP, **fields):
    info = {"schema_version": "2.3", "tool": "xai-mse", "status": "done", "class_names": ["tabby", "espresso"],
            "command": ["xai-mse", "--data", "a b"], "data": {"count": 9},
            "model": {"card": {"name": "tiny"}}}  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / "results.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    (folder / "run.json").write_text(json.dumps(info | fields))
    return str(folder)


def shown(capsys, *words):
    """What the program writes to standard output; nothing on standard error."""
    assert main([str(word) for word in words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refused(capsys, *words):
    """The line on standard error, of a command line that is none too."""
    try:
        code = main([str(word) for word in words])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("xai-results: ") and err.count("\n") == 1
    return err


# --- a run


def test_table_and_pictures(tmp_path, capsys):
    run = write_run(tmp_path / "run")
    assert shown(capsys, run) == f"""\
image      class     found  diverse  smallest  seconds
a/cat.jpg  tabby        12        3         4      1.3
cup.jpg    espresso    120     >=30         2     20.0
torn.jpg   -         error: truncated JPEG
dim.jpg    espresso      0        0         -      3.0
sky.jpg    espresso  baseline-sufficient

Pictures:
  {run}/images/a_cat.jpg.png
  {run}/images/cup.jpg.png
"""


def test_classes_without_names(tmp_path, capsys):
    assert "a/cat.jpg  0 " in shown(capsys, write_run(tmp_path / "run", class_names=None))


def test_images_can_be_chosen(tmp_path, capsys):
    run = write_run(tmp_path / "run")
    out = shown(capsys, run, "--images", "cup.jpg", "dim.jpg")
    assert "cup.jpg" in out and "dim.jpg" in out and "cat" not in out and "torn" not in out
    assert [row["image"] for row in json.loads(shown(capsys, run, "--json", "--images", "dim.jpg"))] == ["dim.jpg"]
    assert "there is no none.jpg" in refused(capsys, run, "--images", "cup.jpg", "none.jpg")
    assert "there is no none.jpg" in refused(capsys, run, "--images", "none.jpg", "--csv")


def test_images_that_would_change_nothing_are_refused(runs, capsys):
    for words in (["runs/cross"], ["runs/first", "runs/cross"]):
        assert "--images: the matrix of runs/cross is over all its images" in refused(
            capsys, *words, "--images", "photo00.png"
        )
    for option in ("--compare", "--describe"):
        assert "--compare is over all images, --describe of none" in refused(
            capsys, "runs/first", option, "--images", "photo00.png"
        )
    rows = json.loads(shown(capsys, "runs/cross", "--table", "records", "--images", "photo00.png", "--json"))
    assert len(rows) == 9 and {row["image"] for row in rows} == {"photo00.png"}


def test_sub_explanations(runs, capsys):
    lines = shown(capsys, "runs/counted").splitlines()
    counts = read("runs/counted").sub_explanations.iloc[0]
    assert lines[0].split() == ["image", "class", "found", "distinct", "orders", "seconds"]
    assert counts.truncated and lines[1].split()[:2] == ["photo00.png", "red"]
    assert lines[1].split()[3:5] == [f">={counts.distinct}", f">={counts.tree_nodes:.4g}"]
    assert lines[4].startswith("torn.png") and "error: " in lines[4]


def test_saliency(runs, capsys):
    lines = shown(capsys, "runs/maps").splitlines()
    record = read("runs/maps").records.iloc[1]
    assert lines[0].split() == ["image", "class", "p", "insertion", "deletion", "seconds"]
    assert lines[2].split()[2:5] == [f"{record[name]:.3f}" for name in ("p_full", "insertion", "deletion")]
    assert "  runs/maps/images/photo01.png.png" in lines


def test_scores_that_are_undefined_say_so(runs, capsys, tmp_path):
    shutil.copytree("runs/maps", tmp_path / "run")
    records = [json.loads(line) for line in Path("runs/maps/results.jsonl").read_text().splitlines()]
    records[0] |= {"insertion": None, "deletion": None, "undefined": "gap"}
    (tmp_path / "run/results.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    assert shown(capsys, tmp_path / "run").splitlines()[1].split()[3:5] == ["undefined", "undefined"]


def test_cross_test(runs, capsys):
    run, lines = read("runs/cross"), shown(capsys, "runs/cross").splitlines()
    assert lines[1].split() == ["alpha", "beta", "gamma"]
    for line, source in zip(lines[2:5], run.matrix.index, strict=True):
        assert line.split() == [source, *(f"{mean:.3f}" for mean in run.matrix.loc[source])]
    assert lines[5] == "Over 3 of 3 images."
    assert lines.count("  runs/cross/images/photo00.png.png") == 1


def test_a_run_that_is_not_complete(runs, tmp_path, capsys):
    for name in ("first", "cross"):
        shutil.copytree(f"runs/{name}", tmp_path / name)
        info = json.loads(Path(f"runs/{name}/run.json").read_text()) | {"status": "stopped"}
        (tmp_path / name / "run.json").write_text(json.dumps(info))
        (tmp_path / name / "summary.json").unlink()
        journal = Path(f"runs/{name}/results.jsonl").read_bytes()
        (tmp_path / name / "results.jsonl").write_bytes(journal[:-20])
    assert main([str(tmp_path / "first")]) == 0
    out, err = capsys.readouterr()
    assert "photo02.png" in out and "torn.png" not in out
    assert err.count("\n") == 1 and "stopped, 3 of 4 images, a torn last record left out" in err
    for words in (["--compare"], ["--table", "matrix"], []):
        assert main([str(tmp_path / "cross"), *words]) == 0
        assert "alpha" in capsys.readouterr().out


# --- other forms


@pytest.mark.parametrize("name", ["first", "counted", "maps", "rise", "cross", "shown"])
def test_every_table_as_json_and_csv_is_the_table(name, runs, capsys):
    run = read(f"runs/{name}")
    for table in run.tables:
        frame = run.table(table)
        frame = frame.reset_index() if frame.index.names != [None] else frame
        rows = json.loads(shown(capsys, f"runs/{name}", "--table", table, "--json"), parse_constant=pytest.fail)
        lines = list(csv.DictReader(io.StringIO(shown(capsys, f"runs/{name}", "--table", table, "--csv"))))
        assert len(rows) == len(lines) == len(frame)
        for row, line, (_, expected) in zip(rows, lines, frame.astype(object).iterrows(), strict=True):
            assert list(row) == list(line) == [str(column) for column in frame.columns]
            for value, text, true in zip(row.values(), line.values(), expected, strict=True):
                if value is None:
                    assert text == "" and pandas.isna(true)
                elif isinstance(value, list):
                    assert tuple(value) == true and text == "+".join(map(str, value))
                else:
                    assert value == true and text == str(value)


def test_json_of_several_runs_says_whose_a_row_is(runs, capsys):
    rows = json.loads(shown(capsys, "runs/first", "runs/other", "--json"))
    assert [row["run"] for row in rows] == ["first"] * 4 + ["other"] * 4
    assert [row["model"] for row in rows] == ["alpha"] * 4 + ["tiny"] * 4


def test_the_form_of_an_overview_is_its_table(runs, capsys):
    assert shown(capsys, "runs/cross", "--csv") == shown(capsys, "runs/cross", "--table", "pairs", "--csv")
    assert shown(capsys, "runs/maps", "--json") == shown(capsys, "runs/maps", "--table", "records", "--json")


def test_a_table_as_text(runs, capsys):
    lines = shown(capsys, "runs/first", "--table", "mses").splitlines()
    mses = read("runs/first").mses
    assert lines[0].split()[:5] == ["image", "mse", "patches", "size", "p"] and len(lines) == 1 + len(mses)
    assert lines[1].split()[2:-7] == [str(patch) for patch in mses.patches[0]]
    assert f"  {mses.ratio[0]:.4g}  " in lines[1]
    assert shown(capsys, "runs/rise", "--table", "objective").split() == ["image", "iteration", "part", "value"]


def test_compare(runs, capsys):
    rows = json.loads(shown(capsys, "runs/first", "runs/other", "--compare", "--json"))
    assert [(row["quantity"], row["run"], row["model"]) for row in rows[:2]] == [
        ("found", "first", "alpha"), ("found", "other", "tiny")]  # fmt: skip
    assert rows[0]["mean"] == read("runs/first").summary["quantities"]["found"]["mean"]
    assert main(["runs/maps", "runs/rise", "--compare"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split()[:4] == ["insertion", "maps", "alpha", "3"]
    assert err.startswith("xai-results: unlike runs: they differ in ") and "method" in err and "metric" in err


def test_describe(runs, capsys):
    told = shown(capsys, "runs/first", "runs/other", "runs/maps", "--describe")
    assert told.count("mses: ") == 1 and told.count("curves: ") == 1, "a kind is told once"
    for column in TABLES["mses"].columns["xai-mse"]:
        assert f"  {column.name}: {column.text}\n" in told


def test_several_runs_have_their_names_above(runs, capsys):
    out = shown(capsys, "runs/maps", "runs/cross")
    assert out.startswith("maps: xai-saliency, alpha\n\nimage ")
    assert "\n\ncross: xai-crosstest, alpha, beta, gamma\n\nMean" in out


# --- refusals


def test_refusals(runs, capsys, tmp_path):
    assert f"there is no folder {tmp_path}/none" in refused(capsys, tmp_path / "none")
    assert f"make it anew: xai-mse --data 'a b' --out {tmp_path}/old --overwrite" in refused(
        capsys, write_run(tmp_path / "old", schema_version="1.0")
    )
    assert "has no 'curves'; runs of xai-saliency and xai-crosstest have" in refused(
        capsys, "runs/first", "--table", "curves"
    )
    assert "unlike tables" in refused(capsys, "runs/first", "runs/maps", "--csv")
    assert "--json and --csv are of tables" in refused(capsys, "runs/maps", "--maps", tmp_path / "x.png", "--json")
    assert "this table has no images" in refused(capsys, "runs/cross", "--table", "models", "--images", "photo00.png")
    assert "the same run twice" in refused(capsys, "runs/first", "runs/first")


@pytest.mark.parametrize("words", [[], ["--table", "none", "x"], ["x", "--json", "--csv"], ["x", "--what"]])
def test_bad_usage(words, capsys):
    assert refused(capsys, *words).endswith("; see --help\n")


def test_a_mistake_in_the_program_is_not_bad_usage(runs, monkeypatch):
    monkeypatch.setattr("xaimse.results.showing.overview", lambda *_: None.no_such_thing)
    with pytest.raises(AttributeError, match="no_such_thing"):
        main(["runs/first"])


def test_version(capsys):
    with pytest.raises(SystemExit) as error:
        main(["--version"])
    assert error.value.code == 0 and capsys.readouterr().out == f"xai-results {xaimse.__version__}\n"


def test_help_tells_all(capsys):
    with pytest.raises(SystemExit) as error:
        main(["--help"])
    told = capsys.readouterr().out
    assert error.value.code == 0 and "Exit codes: 0 done; 2 " in told
    assert all(table in told for table in TABLES)


def as_program(*words, **options):
    package = str(Path(xaimse.__file__).parents[1])
    return subprocess.Popen([sys.executable, "-m", "xaimse.results", *words], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": package}, **options)  # fmt: skip


def test_it_is_a_program(runs):
    shown = as_program("runs/first").communicate(timeout=60)[0]
    assert shown.decode().startswith("image ")
    failed = as_program("none")
    assert failed.communicate(timeout=60) == (b"", b"xai-results: there is no folder none\n") and failed.returncode == 2


@pytest.mark.parametrize("delay", [0, 0.2, 1.5])
def test_a_signal_is_one_line(delay, tmp_path):
    """While pandas is imported, and later."""
    program = as_program(write_run(tmp_path / "run", MADE_UP * 20_000), "--json")
    status = Path(f"/proc/{program.pid}/status")
    while not int(status.read_text().partition("SigCgt:")[2].split()[0], 16) & 1 << signal.SIGTERM - 1:
        time.sleep(0.01)
    time.sleep(delay)
    program.send_signal(signal.SIGINT)
    assert program.communicate(timeout=60)[1] == b"xai-results: stopped\n" and program.returncode == 75


def test_pandas_waits_for_the_signals():
    code = "import sys, xaimse.results.cli; print(sorted({'numpy', 'pandas', 'PIL'} & set(sys.modules)))"
    package = str(Path(xaimse.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": package}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True) == "[]\n"


def test_who_reads_may_stop(tmp_path):
    many = write_run(tmp_path / "run", MADE_UP * 20_000)
    program = as_program(many, "--csv")
    assert program.stdout.readline().startswith(b"image,")
    program.stdout.close()
    assert program.stderr.read() == b"" and program.wait(timeout=60) == 0


# --- maps side by side


CARD = {"name": "tiny", "input": {"height": 32, "width": 32}, "preprocessing": {"resize": 64}}
PEAK = (3, 1)  # of every map, of 4 x 4 cells


@pytest.fixture
def data(tmp_path):
    """Two photographs, of which the crop of the middle is green."""
    (tmp_path / "photos").mkdir()
    for name in ("cat.png", "cup.png"):
        photo = Image.new("RGB", (128, 64), "red")
        photo.paste("green", (48, 16, 80, 48))
        photo.save(tmp_path / "photos" / name)
    return tmp_path / "photos"


def content(data, name):
    return hashlib.sha256((data / name).read_bytes()).hexdigest()


def write_maps(folder, data, method, without=(), path=None, **fields):
    names = ("cat.png", "cup.png")
    records = [
        {"image": name, "status": "error", "map": None}
        if name in without
        else {"image": name, "content": content(data, name), "status": "ok", "target": 1, "p_full": 0.9,
              "map": "map.npy", "insertion": {"auc": 0.75}, "deletion": None, "undefined": None}
        for name in names
    ]  # fmt: skip
    run = write_run(folder, records, **{
        "tool": "xai-saliency", "options": {"method": method}, "model": {"card": CARD}, "class_names": None,
        "data": {"path": str(path or data), "count": 2}, **fields})  # fmt: skip
    cells = numpy.zeros((4, 4), numpy.float32)
    cells[PEAK] = 2
    numpy.save(folder / "map.npy", cells)
    return run


def pixels(path):
    return numpy.asarray(Image.open(path).convert("RGB")).astype(int)


def tile(drawn, row, column):
    y, x = maps.HEAD + row * maps.ROW, maps.MARGIN + column * (maps.TILE + maps.GAP)
    return drawn[y : y + maps.TILE, x : x + maps.TILE]


def test_photographs_and_maps_side_by_side(data, tmp_path, capsys):
    runs = [write_maps(tmp_path / method, data, method) for method in ("igos++", "rise")]
    assert shown(capsys, *runs, "--maps", tmp_path / "all.png") == ""
    drawn = pixels(tmp_path / "all.png")
    crop = tile(drawn, 1, 0)[16:-16, 16:-16]  # without the rim, which the red around it fades into
    assert (numpy.abs(crop - (0, 128, 0)) < 12).all(), "not what the model sees"
    for row in range(2):
        for column in (1, 2):
            colours = tile(drawn, row, column)
            yellow = numpy.argwhere(colours[..., 0] > colours[..., 2] + 60)  # near the map's peak alone
            expected = numpy.array(PEAK) * (maps.TILE - 1) / 3
            assert len(yellow) > 50 and numpy.abs(yellow.mean(axis=0) - expected).max() < 25
            seen = Image.fromarray(tile(drawn, row, 0).astype(numpy.uint8))
            cells = read(runs[column - 1]).map(("cat.png", "cup.png")[row])
            assert (colours == numpy.asarray(maps.overlay(seen, cells))).all(), "not the colours of the map's values"
    assert (drawn[maps.HEAD + maps.TILE + 5 :][: maps.LINE] < 128).any(), "words under the maps"
    assert (drawn[-maps.FOOT :] < 128).any(), "a legend at the foot"


@pytest.mark.parametrize("names, expected", [(None, "class 1, 90 %"), (["tabby", "espresso"], "espresso, 90 %")])
def test_words_of_the_picture(names, expected, data, tmp_path, monkeypatch):
    words = []
    draw = maps.ImageDraw.ImageDraw.text

    def noted(self, at, text, *more):
        words.append(text)
        draw(self, at, text, *more)

    monkeypatch.setattr(maps.ImageDraw.ImageDraw, "text", noted)
    run = write_maps(tmp_path / "run", data, "igos++", class_names=names)
    assert main([run, "--maps", str(tmp_path / "x.png")]) == 0
    assert words.count(expected) == 2
    assert words.count("insertion 0.750") == words.count("deletion undefined") == words.count("igos++") + 1 == 2


def test_images_of_the_picture_can_be_chosen(data, tmp_path, capsys):
    run = write_maps(tmp_path / "run", data, "igos++")
    for out, names in (("one.png", ["cup.png"]), ("two.png", ["cup.png", "cat.png"])):
        shown(capsys, run, "--images", *names, "--maps", tmp_path / out)
    assert len(pixels(tmp_path / "two.png")) == len(pixels(tmp_path / "one.png")) + maps.ROW


@pytest.mark.parametrize("images", [["cat.png"], ["none.png"]])
def test_an_image_without_a_map_is_named(images, data, tmp_path, capsys):
    runs = [write_maps(tmp_path / "a", data, "igos"), write_maps(tmp_path / "b", data, "rise", without=["cat.png"])]
    assert f"not every run has a map of {images[0]}" in refused(
        capsys, *runs, "--images", *images, "--maps", tmp_path / "x.png"
    )
    assert not (tmp_path / "x.png").exists()


def test_photographs_of_every_layout(data, tmp_path, capsys):
    """A tar, a list, a single image: the picture is that of the folder."""
    with tarfile.open(tmp_path / "photos.tar", "w") as tar:
        for name in ("cat.png", "cup.png"):
            tar.add(data / name, name)
    (data / "list.txt").write_text("cat.png\ncup.png\n")
    drawn = []
    for place, path in enumerate((data, tmp_path / "photos.tar", data / "list.txt")):
        run = write_maps(tmp_path / str(place), data, "igos", path=path)
        shown(capsys, run, "--maps", tmp_path / f"{place}.png")
        drawn.append((tmp_path / f"{place}.png").read_bytes())
    assert len(set(drawn)) == 1
    one = write_maps(tmp_path / "one", data, "igos", path=data / "cat.png", without=["cup.png"])
    shown(capsys, one, "--maps", tmp_path / "one.png")


def test_photographs_that_are_gone_or_changed(data, tmp_path, capsys):
    run = write_maps(tmp_path / "run", data, "igos")
    Image.new("RGB", (128, 64), "blue").save(data / "cat.png")
    assert "is not the photograph that" in refused(capsys, run, "--maps", tmp_path / "x.png")
    (data / "cat.png").unlink()
    assert "cat.png in" in refused(capsys, run, "--maps", tmp_path / "x.png")
    os.mkfifo(data / "cat.png")  # which nobody writes to
    assert "cat.png is no file" in refused(capsys, run, "--maps", tmp_path / "x.png")
    with_tar = write_maps(tmp_path / "tar", data, "igos", without=["cat.png"], path=tmp_path / "none.tar")
    assert "none.tar cannot be read" in refused(capsys, with_tar, "--maps", tmp_path / "x.png")


@pytest.mark.parametrize("name", ["m", "m.xyz", "m.jpg", "m.png.txt"])
def test_pictures_are_png(name, data, tmp_path, capsys):
    run = write_maps(tmp_path / "run", data, "igos")
    assert f"{tmp_path / name} must end in .png" in refused(capsys, run, "--maps", tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_picture_that_cannot_be_written(data, tmp_path, capsys):
    run = write_maps(tmp_path / "run", data, "igos")
    (tmp_path / "folder.png").mkdir()
    for file, why in (("none/m.png", "No such file or directory"), ("folder.png", "Is a directory")):
        assert refused(capsys, run, "--maps", tmp_path / file) == (
            f"xai-results: {tmp_path / file} cannot be written: {why}\n"
        )
    shown(capsys, run, "--maps", tmp_path / "M.PNG")
    assert Image.open(tmp_path / "M.PNG").format == "PNG"


def test_maps_are_of_saliency_runs(runs, capsys, tmp_path):
    assert "is a run of xai-mse; maps are of runs of xai-saliency" in refused(
        capsys, "runs/maps", "runs/first", "--maps", tmp_path / "x.png"
    )
    shown(capsys, "runs/maps", "runs/rise", "--maps", tmp_path / "x.png")
    assert pixels(tmp_path / "x.png").shape[:2] == (
        maps.HEAD + 3 * maps.ROW + maps.FOOT, 2 * maps.MARGIN + 3 * maps.TILE + 2 * maps.GAP)  # fmt: skip

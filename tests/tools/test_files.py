"""Where files of a run lie: names as long as a file system takes, and run folders inside the data."""

import shutil
import signal

import numpy
import pytest
from conftest import (analyse, count, is_refused, make_photos, mse, photo, records, run_json, started, timeless)
from test_resume import wait_for_records

# ---- names that would not fit ----------------------------------------------------------------------------------

LONG = ["x" * 245 + ".png", "y" * 244 + "1.png", "y" * 244 + "2.png", "€" * 82 + ".png",
        "z" * 251 + ".png", "f" * 255 + "/" + "w" * 236 + ".png"]  # € has three bytes


@pytest.fixture(scope="module")
def long_names(tmp_path_factory):
    """Photographs whose names have 240 to 255 bytes, two of which differ only in their end, and a short one."""
    folder = tmp_path_factory.mktemp("long") / "photos"
    make_photos(folder, 1)
    for seed, name in enumerate(LONG):
        (folder / name).parent.mkdir(exist_ok=True)
        photo(seed + 1).save(folder / name)
    assert all(240 <= len(name.split("/")[-1].encode()) <= 255 for name in LONG)
    return folder


def check_files(run, field, names=LONG):
    """Every record names a file of its own, that is there."""
    files = {record["image"]: record[field] for record in records(run)}
    assert set(files) == {"photo00.png", *names}
    assert len(set(files.values())) == len(files)
    for file in files.values():
        assert (run / file).is_file() and file.encode().decode() == file
        assert max(len(part.encode()) for part in file.split("/")) <= 255
    return files


def test_pictures_and_scores_of_long_names(long_names, tiny, tmp_path):
    run = tmp_path / "run"
    given = {"grid": 2, "pictures": 20, "save_scores": True, "preprocess_dump": tmp_path / "dump"}
    assert analyse(tiny, long_names, run, **given).code == 0
    files = check_files(run, "picture")
    assert files["photo00.png"] == "images/photo00.png.png"
    assert "~" in files[LONG[0]] and files[LONG[0]].startswith("images/" + "x" * 200)
    for folder in (run / "scores", tmp_path / "dump"):
        assert len(list(folder.rglob("*.npy"))) == len(files)
    again = analyse(tiny, long_names, run, **given)
    assert again.code == 0 and "nothing to do" in again.err
    assert analyse(tiny, long_names, run, overwrite=True, **{**given, "pictures": 0, "save_scores": False}).code == 0
    assert not list(run.rglob("*.png")) and not list(run.rglob("*.npy"))


def test_a_run_over_long_names_goes_on(long_names, tiny, tmp_path):
    options = {"grid": 6, "max_evaluations": 3000, "pictures": 20, "images_in_flight": 1}
    with started(tiny, long_names, tmp_path / "run", **options) as process:
        wait_for_records(process, tmp_path / "run", 1)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=120)
    assert analyse(tiny, long_names, tmp_path / "run", **options).code == 0
    assert analyse(tiny, long_names, tmp_path / "whole", **options).code == 0
    assert check_files(tmp_path / "run", "picture") == check_files(tmp_path / "whole", "picture")
    assert timeless(tmp_path / "run") == timeless(tmp_path / "whole")


RISE = {"method": "rise", "size": 4, "rise_masks": 20, "rise_cells": 2, "steps": 8, "baseline": "black"}


def test_maps_of_long_names_are_read_by_cross_tests(long_names, tiny, tmp_path):
    maps = tmp_path / "maps"
    assert analyse(tiny, long_names, maps, tool="saliency", **{**RISE, "pictures": 20}).code == 0
    check_files(maps, "picture")
    files = check_files(maps, "map")
    contents = {name: numpy.load(maps / file).tobytes() for name, file in files.items()}
    assert len(set(contents.values())) == len(contents)
    given = {key: RISE[key] for key in ("method", "size", "rise_cells", "steps", "baseline")}
    for out, options in {"given": {**given, "maps": [maps]}, "made": RISE}.items():
        crossed = mse(tool="crosstest", models=[tiny], data=long_names, out=tmp_path / out, pictures=20, tune="off",
                      batch_size=8, **options)
        assert crossed.code == 0, crossed.err
        check_files(tmp_path / out, "picture")
        assert {record["status"] for record in records(tmp_path / out)} <= {"ok", "undefined"}
    assert [record["auc"] for record in records(tmp_path / "given")] == [record["auc"] for record in records(tmp_path / "made")]


def test_graphs_of_long_names(long_names, tiny, tmp_path):
    assert count(tiny, long_names, tmp_path / "run", grid=3, graphs="all").code == 0
    drawn = {record["image"]: record["graph"] for record in records(tmp_path / "run") if record["graph"]}
    assert len(drawn) >= 3 and len(set(drawn.values())) == len(drawn) and set(drawn) - {"photo00.png"}
    for file in drawn.values():
        assert (tmp_path / "run" / file).is_file() and file.endswith(".dot")
        assert (tmp_path / "run" / file.removesuffix(".dot") / "0.png").is_file()
        if shutil.which("dot"):
            assert "data:image/png" in (tmp_path / "run" / file).with_suffix(".svg").read_text()


# ---- run folders are no data -----------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path):
    return make_photos(tmp_path / "photos", 4)


OF_TOOL = {"mse": {"grid": 2}, "subexp": {"tool": "subexp", "grid": 2, "pictures": None, "graphs": "all"},
           "saliency": {"tool": "saliency", **RISE}}


@pytest.mark.parametrize("tool", OF_TOOL)
def test_a_run_inside_its_data(tool, data, tiny, tmp_path):
    options = {"pictures": 20, **OF_TOOL[tool]}
    assert analyse(tiny, data, tmp_path / "outside", **options).code == 0
    first = data / "runs/first"
    told = analyse(tiny, data, first, **options)
    assert told.code == 0 and "left out" not in told.err
    again = analyse(tiny, data, first, **options)
    assert again.code == 0 and "nothing to do" in again.err
    assert f"info: 1 run folder in {data} left out: what a run wrote is no data\n" in again.err
    assert analyse(tiny, data, first, overwrite=True, **options).code == 0
    second = analyse(tiny, data, data / "second", **options)
    assert second.code == 0 and f"1 run folder in {data} left out" in second.err
    third = analyse(tiny, data, data / "third", limit=4, **options)
    assert third.code == 0 and f"2 run folders in {data} left out" in third.err
    for run in (first, data / "second", data / "third"):
        assert timeless(run) == timeless(tmp_path / "outside")


def test_links_to_runs_are_no_data_either(data, tiny, tmp_path):
    run = tmp_path / "run"
    assert analyse(tiny, data, run, grid=2, pictures=20).code == 0
    (data / "whole").symlink_to(run)
    (data / "part").symlink_to(run / "images")
    assert analyse(tiny, data, tmp_path / "again", grid=2).code == 0
    assert len(records(tmp_path / "again")) == 4


def test_from_inside_the_folder_of_photographs(data, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(data)
    for _ in range(2):
        assert analyse(tiny, ".", "runs/first", grid=2, pictures=20).code == 0
    assert len(records(data / "runs/first")) == 4


def test_a_cross_test_inside_its_data(data, tiny, tmp_path):
    for _ in range(2):
        done = mse(tool="crosstest", models=[tiny], data=data, out=data / "cross", tune="off", pictures=20, **RISE)
        assert done.code == 0
    assert f"1 run folder in {data} left out" in done.err  # those in it are not counted
    assert {record["image"] for record in records(data / "cross")} == {f"photo0{i}.png" for i in range(4)}
    counted = analyse(tiny, data, data / "mses", grid=2, pictures=20)
    assert counted.code == 0
    assert mse(tool="subexp", mses=data / "mses", out=data / "counted", tune="off", batch_size=8).code == 0
    assert len(records(data / "counted")) == 4


def test_a_stopped_run_inside_its_data_goes_on(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 12)
    options = {"grid": 5, "max_evaluations": 1500, "pictures": 20, "images_in_flight": 1}
    with started(tiny, data, data / "run", **options) as process:
        wait_for_records(process, data / "run", 2)
        process.kill()
        process.communicate(timeout=120)
    assert list((data / "run").rglob("*.png"))
    assert analyse(tiny, data, data / "run", **options).code == 0
    assert len(records(data / "run")) == 12 and run_json(data / "run")["sessions"] == 2


def test_a_folder_that_only_looks_like_a_run_is_data(data, tiny, tmp_path):
    theirs = data / "theirs"
    theirs.mkdir()
    photo(9).save(theirs / "photo09.png")
    (theirs / "run.json").write_text('{"experiment": 7}')
    (theirs / "results.jsonl").write_text("")
    assert analyse(tiny, data, tmp_path / "run", grid=2).code == 0
    assert len(records(tmp_path / "run")) == 5


def test_what_lies_in_a_run_folder_is_refused(data, tiny, tmp_path):
    run = tmp_path / "first"
    assert analyse(tiny, data, run, grid=2, pictures=20).code == 0
    picture = run / records(run)[0]["picture"]
    (tmp_path / "list.txt").write_text(f"photos/photo00.png\n{picture}\n")
    (tmp_path / "link").symlink_to(run / "images")
    for given in (run, run / "images", picture, tmp_path / "link"):
        is_refused(analyse(tiny, given, tmp_path / "second", grid=2), 2, given,
                   f"lies in {run}, which is the folder of a run", "choose another --data")
    is_refused(analyse(tiny, tmp_path / "list.txt", tmp_path / "second", grid=2), 2, picture, "take it off the list")
    (tmp_path / "runs").mkdir()
    run.rename(tmp_path / "runs/first")
    is_refused(analyse(tiny, tmp_path / "runs", tmp_path / "second", grid=2), 2, "no images",
               f"1 run folder in {tmp_path / 'runs'} left out")
    assert not (tmp_path / "second").exists()

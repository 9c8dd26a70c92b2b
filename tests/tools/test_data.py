"""Data sets as people have them: folders that cannot be read, tars, odd formats, label files, folders by rank."""

import subprocess

from conftest import analyse, is_refused, make_photos, photo, records, run_json, timeless
from PIL import Image


def test_a_folder_that_cannot_be_read_is_an_error_and_the_rest_goes_on(tiny, tmp_path):
    data = tmp_path / "data"
    make_photos(data / "red", 1)
    (data / "green").symlink_to(tmp_path / "nowhere")
    finished = analyse(tiny, data, tmp_path / "run", grid=2)
    assert finished.code == 3
    assert f"1 folder in '{data}' cannot be read, an error each: 'green/'" in finished.err
    folder, image = records(tmp_path / "run")
    assert (folder["image"], folder["status"], folder["label"]) == ("green/", "error", 1)
    assert folder["reason"] == f"'{data}/green' cannot be read: it is a symbolic link to nothing"
    assert (image["image"], image["status"], image["label"]) == ("red/photo00.png", "ok", 0)
    (data / "red/photo00.png").unlink()
    is_refused(analyse(tiny, data, tmp_path / "none", grid=2), 2, "cannot use", data / "green", "link to nothing")


def test_a_tar_gives_the_records_of_its_folder(tiny, tmp_path):
    data = make_photos(tmp_path / "data/red", 2).parent
    subprocess.run(["tar", "-cf", tmp_path / "data.tar", "-C", data, "."], check=True)
    assert analyse(tiny, data, tmp_path / "folder", grid=2).code == 0
    assert analyse(tiny, tmp_path / "data.tar", tmp_path / "tar", grid=2).code == 0
    assert timeless(tmp_path / "tar") == timeless(tmp_path / "folder")
    assert run_json(tmp_path / "tar")["data"]["sha256"] == run_json(tmp_path / "folder")["data"]["sha256"]
    subprocess.run(["gzip", "-k", tmp_path / "data.tar"], check=True)
    is_refused(analyse(tiny, tmp_path / "data.tar.gz", tmp_path / "gz"), 2, "compressed", "gunzip")


def test_the_same_pixels_in_another_format_are_the_same_photograph(tiny, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    for name in ("a.png", "b.tif", "c.ppm"):
        photo(3).save(data / name)
    Image.open(data / "a.png").save(data / "liar.jpg", format="PNG")
    (data / "notes.xml").write_text("<x/>")
    finished = analyse(tiny, data, tmp_path / "run", grid=2)
    assert finished.code == 0 and "left out, as no images by their names: 1 .xml" in finished.err
    first, *others = records(tmp_path / "run")
    assert len(others) == 3
    for record in others:
        assert (record["p_full"], record["mses"]) == (first["p_full"], first["mses"])


def test_folders_by_rank_on_request_only(tiny, tmp_path):
    data = tmp_path / "data"
    for name in ("summer", "winter"):
        make_photos(data / name, 1)
    finished = analyse(tiny, data, tmp_path / "run", grid=2)
    assert finished.code == 0 and [record["label"] for record in records(tmp_path / "run")] == [None, None]
    assert "no classes of the model" in finished.err and "--folders-by-rank" in finished.err and "--labels" in finished.err
    is_refused(analyse(tiny, data, tmp_path / "label", grid=2, target="label"), 2, "--target", "labels")
    assert analyse(tiny, data, tmp_path / "ranks", grid=2, folders_by_rank=True).code == 0
    assert [record["label"] for record in records(tmp_path / "ranks")] == [0, 1]
    is_refused(analyse(tiny, data, tmp_path / "run", grid=2, folders_by_rank=True), 2, "another run")


def test_a_table_is_understood_and_says_so(tiny, tmp_path):
    data = make_photos(tmp_path / "data", 2)
    table = tmp_path / "table.csv"
    table.write_text(',file_name,width,category\n0,photo00.png,32,"Blue"\n1,photo01.png,32,1\n')
    finished = analyse(tiny, data, tmp_path / "run", grid=2, labels=table)
    assert finished.code == 0
    assert f"labels file '{table}': column \"file_name\" as file, column \"category\" as class name or class index" in finished.err
    assert [record["label"] for record in records(tmp_path / "run")] == [2, 1]

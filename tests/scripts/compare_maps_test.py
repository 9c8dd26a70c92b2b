"""scripts/compare_maps.py: maps of several runs side by side."""

import json

import compare_maps
import numpy
import pytest
from PIL import Image

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


def write_run(folder, data, method, without=(), **fields):
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(
        {"schema_version": "2.0", "options": {"method": method}, "model": {"card": CARD}, "class_names": None,
         "data": {"path": str(data)}, **fields}))
    cells = numpy.zeros((4, 4), numpy.float32)
    cells[PEAK] = 2
    numpy.save(folder / "map.npy", cells)
    records = [{"image": name, "status": "error" if name in without else "ok", "target": 1, "p_full": 0.9, "map": "map.npy",
                "insertion": {"auc": 0.75}, "deletion": None} for name in ("cat.png", "cup.png")]
    (folder / "results.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(folder)


def pixels(path):
    return numpy.asarray(Image.open(path).convert("RGB")).astype(int)


def tile(drawn, row, column):
    step, row_height = compare_maps.TILE + compare_maps.GAP, compare_maps.TILE + 2 * compare_maps.LINE + 22
    y, x = 44 + row * row_height, compare_maps.MARGIN + column * step
    return drawn[y:y + compare_maps.TILE, x:x + compare_maps.TILE]


def test_photographs_and_maps_side_by_side(data, tmp_path):
    runs = [write_run(tmp_path / method, data, method) for method in ("igos++", "rise")]
    assert compare_maps.main([*runs, "--out", str(tmp_path / "all.png")]) == 0
    drawn = pixels(tmp_path / "all.png")
    crop = tile(drawn, 1, 0)[16:-16, 16:-16]  # without the rim, which the red around it fades into
    assert (numpy.abs(crop - (0, 128, 0)) < 12).all(), "not what the model sees"
    for row in range(2):
        for column in (1, 2):
            colours = tile(drawn, row, column)
            yellow = numpy.argwhere(colours[..., 0] > colours[..., 2] + 60)  # near the map's peak alone
            expected = numpy.array(PEAK) * (compare_maps.TILE - 1) / 3
            assert len(yellow) > 50 and numpy.abs(yellow.mean(axis=0) - expected).max() < 25
    assert (drawn[44 + compare_maps.TILE + 5:][:compare_maps.LINE] < 128).any(), "words under the maps"


@pytest.mark.parametrize("names, expected", [(None, "class 1, 90 %"), (["tabby", "espresso"], "espresso, 90 %")])
def test_classes_have_the_names_of_run_json(names, expected, data, tmp_path, monkeypatch):
    words = []
    real = compare_maps.ImageDraw.ImageDraw.text
    monkeypatch.setattr(compare_maps.ImageDraw.ImageDraw, "text",
                        lambda self, at, text, *more: (words.append(text), real(self, at, text, *more)))
    run = write_run(tmp_path / "run", data, "igos++", class_names=names)
    assert compare_maps.main([run, "--out", str(tmp_path / "x.png")]) == 0
    assert words.count(expected) == 2


def test_another_schema_is_refused(data, tmp_path, capsys):
    run = write_run(tmp_path / "run", data, "igos++", schema_version="1.0", command=["xai-saliency", "--out", "run"])
    assert compare_maps.main([run, "--out", str(tmp_path / "x.png")]) == 2
    assert "make it anew: xai-saliency --out run --overwrite" in capsys.readouterr().err


def test_images_can_be_chosen(data, tmp_path):
    run = write_run(tmp_path / "run", data, "igos++")
    for out, names in (("one.png", ["cup.png"]), ("two.png", ["cup.png", "cat.png"])):
        assert compare_maps.main([run, "--images", *names, "--out", str(tmp_path / out)]) == 0
    assert len(pixels(tmp_path / "two.png")) > 1.5 * len(pixels(tmp_path / "one.png"))


@pytest.mark.parametrize("images", [["cat.png"], ["none.png"]])
def test_an_image_without_a_map_is_named(images, data, tmp_path, capsys):
    runs = [write_run(tmp_path / "a", data, "igos"), write_run(tmp_path / "b", data, "rise", without=["cat.png"])]
    assert compare_maps.main([*runs, "--images", *images, "--out", str(tmp_path / "x.png")]) == 2
    assert images[0] in capsys.readouterr().err and not (tmp_path / "x.png").exists()


def test_what_is_no_run(tmp_path, capsys):
    assert compare_maps.main([str(tmp_path / "none"), "--out", str(tmp_path / "x.png")]) == 2
    assert capsys.readouterr().err.count("\n") == 1

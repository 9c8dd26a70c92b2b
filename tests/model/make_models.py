"""Models as people have them, NAME.pt with a card NAME.json each: make_models.py FOLDER OPERATORS.so"""

import hashlib
import json
import struct
import sys
import warnings
import zipfile
from pathlib import Path

import torch
import torchvision.ops
from torch import nn

warnings.simplefilter("ignore")
folder = Path(sys.argv[1])
torch.manual_seed(1)
IMAGES = torch.rand(2, 3, 16, 16)


def save_card(name, **fields):
    file = folder / f"{name}.pt"
    card = {"schema_version": "1.0", "name": name, "family": "old-cnn",
            "architecture": {"source": "module", "name": name, "version": ""},
            "weights": {"origin": "file", "sha256": "0" * 64}, "input": {"height": 16, "width": 16},
            "preprocessing": {"resize": 18, "interpolation": "bicubic", "crop": "center", "mean": [0.5] * 3, "std": [0.5] * 3},
            "classes": 5, "class_list": None, "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), **fields}
    (folder / f"{name}.json").write_text(json.dumps(card))


def traced(name, module, images=IMAGES, **fields):
    torch.jit.trace(module, images, check_trace=False).save(folder / f"{name}.pt")
    save_card(name, **fields)


def scripted(name, module, **fields):
    torch.jit.script(module).save(folder / f"{name}.pt")
    save_card(name, **fields)


class Net(nn.Module):
    """Convolution, batch norm, dropout and a head; `last` is what is done to its logits."""

    def __init__(self, classes=5, last=None, size=(4, 4)):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5),
                                  nn.AdaptiveAvgPool2d(size), nn.Flatten())
        self.head = nn.Linear(8 * size[0] * size[1], classes)
        self.last = last or nn.Identity()
        self.register_buffer("order", torch.arange(classes).flip(0))  # an index: no number type may touch it

    def forward(self, x):
        return self.last(self.head(self.body(x))[:, self.order])


class Call(nn.Module):
    """A function as a module, behind Net's logits where there is one."""

    def __init__(self, function, net=None):
        super().__init__()
        self.function, self.net = function, net

    def forward(self, x):
        return self.function(self.net(x) if self.net else x)


def fresh(*arguments, **options):
    torch.manual_seed(1)
    net = Net(*arguments, **options)
    with torch.no_grad():
        for norm in (m for m in net.modules() if isinstance(m, nn.BatchNorm2d)):
            norm.running_mean.normal_(0, 0.1)
            norm.running_var.uniform_(0.5, 2)
        net.head.weight.mul_(3)
    return net.eval()


traced("plain", fresh())
# what a load repairs
for name, kind in (("half", torch.half), ("double", torch.double), ("bfloat16", torch.bfloat16)):
    traced(name, fresh().to(kind), IMAGES.to(kind))
trained = fresh().train()
trained.body[1].momentum = 0.0  # tracing runs it once
traced("training", trained)
traced("moved", Call(lambda y: y + torch.zeros(5, device=y.device), fresh()))
# what it cannot
traced("mixed", nn.Sequential(Call(torch.Tensor.half), fresh().half()))
traced("batch_statistics", Call(lambda x: nn.functional.batch_norm(x, None, None, training=True).abs().mean((2, 3)) @ torch.ones(3, 5)))
traced("random", Call(lambda y: y + torch.rand_like(y), fresh()))
traced("one_only", Call(lambda x: x.reshape(1, 3, 256).mean(2) @ torch.ones(3, 5)), IMAGES[:1])
traced("eight_only", Call(lambda x: x.reshape(8, 3, 256).mean(2) @ torch.ones(3, 5)), IMAGES[:1].expand(8, -1, -1, -1))
traced("greyscale", nn.Sequential(nn.Conv2d(1, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval(), IMAGES[:, :1])
traced("larger", nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 5)).eval(), torch.rand(2, 3, 32, 32))
traced("segmentation", nn.Conv2d(3, 5, 1).eval())
traced("class_itself", Call(lambda y: y.argmax(1), fresh()))
traced("flat_output", Call(lambda y: y[:, 0], fresh()))
traced("tuple", Call(lambda y: (y, y), fresh()))
# what numbers are
for name, last in (("softmax", nn.Softmax(1)), ("sigmoid", nn.Sigmoid()), ("log_softmax", nn.LogSoftmax(1))):
    traced(name, fresh(last=last))
traced("percent", Call(lambda y: 100 * y.softmax(1), fresh()))
traced("probabilities", fresh(last=nn.Softmax(1)), output="probabilities")
traced("multi_label", fresh(), output="sigmoid")
traced("multi_label_done", fresh(last=nn.Sigmoid()), output="sigmoid")
traced("binary", fresh(classes=1), classes=1, output="sigmoid")
traced("binary_done", fresh(classes=1, last=nn.Sigmoid()), classes=1, output="sigmoid")
traced("softmax_called_sigmoid", fresh(last=nn.Softmax(1)), output="sigmoid")
traced("sigmoid_called_probabilities", fresh(last=nn.Sigmoid()), output="probabilities")
traced("logits_called_probabilities", fresh(), output="probabilities")


# limits of its own
class AtMostFour(Net):
    def forward(self, x):
        if x.shape[0] > 4:
            raise RuntimeError("at most four images, please")
        return self.head(self.body(x))


scripted("at_most_four", AtMostFour().eval())

# operators
torch.ops.load_library(sys.argv[2])


class Twice(Net):
    def forward(self, x):
        return torch.ops.xai_test.twice(self.head(self.body(x))[:, self.order])


twice = Twice()
twice.load_state_dict(fresh().state_dict())
scripted("own_operator", twice.eval())
traced("deformed", Call(lambda x: torchvision.ops.deform_conv2d(
    x, torch.zeros(x.shape[0], 18, 16, 16), torch.ones(5, 3, 3, 3), padding=1).mean((2, 3))))


# other files
def other(name, content=None):
    if content is not None:
        (folder / f"{name}.pt").write_bytes(content)
    save_card(name)


whole = (folder / "plain.pt").read_bytes()
torch.save(fresh().state_dict(), folder / "state_dict.pt")
torch.save({"epoch": 3, "model": fresh().state_dict(), "optimizer": {}}, folder / "checkpoint.pt")
torch.save(fresh().state_dict(), folder / "old_state_dict.pt", _use_new_zipfile_serialization=False)
torch.save(fresh(), folder / "pickled.pt")
torch.save(fresh(), folder / "old_pickled.pt", _use_new_zipfile_serialization=False)
torch.export.save(torch.export.export(fresh(), (IMAGES,)), folder / "exported.pt2")
(folder / "exported.pt2").rename(folder / "exported.pt")
for name in ("state_dict", "checkpoint", "old_state_dict", "pickled", "old_pickled", "exported"):
    other(name)
header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
other("safetensors", struct.pack("<Q", len(header)) + header + b"\0" * 4)
other("onnx", b"\x08\x08\x12\x07pytorch\x1a\x052.11.0" + b"\0" * 64)
other("keras", b"\x89HDF\r\n\x1a\n" + b"\0" * 64)
other("lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
other("page", b"<!DOCTYPE html><html>not found</html>")
other("empty", b"")
other("cut", whole[:len(whole) // 2])
other("text", b"weights, honest")
with zipfile.ZipFile(folder / "plain.pt") as old, zipfile.ZipFile(folder / "newer.pt", "w") as new:
    for entry in old.namelist():
        new.writestr(entry, b"99\n" if entry.endswith("/version") else old.read(entry))
other("newer")
with zipfile.ZipFile(folder / "zip.pt", "w") as archive:
    archive.writestr("notes/readme.txt", "no network")
other("zip")

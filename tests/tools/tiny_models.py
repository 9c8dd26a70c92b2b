"""TorchScript models of a few lines with their cards, well-behaved and otherwise."""

import hashlib
import json
from copy import deepcopy

import torch

CARD = {
    "schema_version": "1.0",
    "family": "other",
    "architecture": {"source": "package", "name": "tiny", "version": "1"},
    "weights": {"origin": "file", "sha256": "0" * 64},
    "preprocessing": {"interpolation": "bicubic", "crop": "center", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
}


class Tiny(torch.nn.Module):
    """Local contrasts, pooled to 4 x 4, through two layers: smooth, and not monotone in the patches shown."""

    def __init__(self, classes: int):
        super().__init__()
        generator = torch.Generator().manual_seed(0)

        def centred(*shape):
            weights = torch.randn(*shape, generator=generator)
            return torch.nn.Parameter(weights - weights.flatten(1).mean(1).view(-1, *[1] * (len(shape) - 1)))

        self.kernels = centred(12, 3, 5, 5)
        self.hidden = centred(24, 192)
        self.head = centred(classes, 24)

    def forward(self, x):
        x = torch.nn.functional.conv2d(x, self.kernels / 9, stride=2, padding=2).relu()
        x = torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1)
        return (0.5 * x @ self.hidden.T).tanh() @ self.head.T


class Colours(torch.nn.Module):
    """Class 0, 1, 2: how red, green, blue the image is."""

    def __init__(self, classes: int):
        super().__init__()

    def forward(self, x):
        return 3 * x.mean([2, 3])


class Constant(Colours):
    """Ignores the image."""

    def forward(self, x):
        return 0 * x.mean([2, 3])


class Brightness(Colours):
    """Class 0 has the probability 0.1 + 0.8 m, where m in [0,1] is the mean of all pixels and channels."""

    def forward(self, x):
        q = 0.1 + 0.8 * (x.mean([1, 2, 3]) + 1) / 2
        return torch.stack([q.log(), (1 - q).log()], 1)


class SharpColours(Colours):
    """So sure that the probability of another class is 0 in float32."""

    def forward(self, x):
        return 300 * x.mean([2, 3])


class NotANumber(Tiny):
    def forward(self, x):
        return x.mean([2, 3]) / 0 * 0


class NotANumberIfBright(Colours):
    """NaN for an image that is almost white."""

    def forward(self, x):
        bright = x.mean([1, 2, 3], keepdim=False) > 0.8
        return torch.where(bright.unsqueeze(1), float("nan"), x.mean([2, 3]))


class NotANumberIfBlack(Colours):
    """NaN for an image that is black all over, e.g. a black baseline."""

    def forward(self, x):
        black = x.flatten(1).amax(1) < -0.9
        return torch.where(black.unsqueeze(1), float("nan"), 3 * x.mean([2, 3]))


class Probabilities(Colours):
    def forward(self, x):
        return (3 * x.mean([2, 3])).softmax(1)


class BatchOfOne(Colours):
    def forward(self, x):
        return x.reshape(1, 3, -1).mean(2)


class BatchOfTwo(Colours):
    """Runs at any batch size, and always answers for two."""

    def forward(self, x):
        return x.flatten().reshape(2, -1)[:, :3]


class BatchDependent(Colours):
    """An image's answer depends on those beside it, as with batch statistics."""

    def forward(self, x):
        return 3 * (x - x.mean(0, keepdim=True)).mean([2, 3])


class Pair(Colours):
    def forward(self, x):
        y = x.mean([2, 3])
        return y, y


class OneSize(Colours):
    """Takes 32 x 32 pixels only."""

    def forward(self, x):
        return x.reshape(-1, 3, 32 * 32).mean(2)


class Contrast(torch.nn.Module):
    """Class 0, 1, 2: how much neighbours differ in red, green, blue, which blurring takes away; models differ by `change`."""

    def __init__(self, change):
        super().__init__()
        noise = torch.randn(3, 3, generator=torch.Generator().manual_seed(1))
        self.weights = torch.nn.Parameter(12 * (torch.eye(3) + change * noise))

    def forward(self, x):
        return (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().mean([2, 3]) @ self.weights.T


class Lookup(torch.nn.Module):
    """Class 0 has the probability that a table gives to the patches shown of a white image on black, in hard squares.

    `p`: [2^(g * g)] by bit set, float32.
    """

    def __init__(self, p):
        super().__init__()
        p = torch.as_tensor(p)
        self.logit = torch.nn.Parameter(p.log() - (1 - p).log())
        self.grid = round((len(p).bit_length() - 1) ** 0.5)

    def forward(self, x):
        shown = torch.nn.functional.adaptive_avg_pool2d(x.mean(1), self.grid).flatten(1) > 0
        powers = 2 ** torch.arange(self.grid * self.grid, device=x.device)
        logit = self.logit[(shown * powers).sum(1)]
        return torch.stack([logit, torch.zeros_like(logit)], 1)


def make_model(folder, kind=Tiny, *, name="tiny", size=(32, 32), resize=None, classes=3, ids=("red", "green", "blue"),
               **changes):
    """Writes folder/NAME.pt and NAME.json; gives the path of the former.

    `kind`: a class of this file, or a module. `size`: height and width. `changes`: top-level fields of the card; None removes one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.pt"
    with torch.no_grad():
        torch.jit.script((kind if isinstance(kind, torch.nn.Module) else kind(classes)).eval()).save(str(path))
    card = deepcopy(CARD)
    card["preprocessing"]["resize"] = resize or max(size)
    card.update(name=name, input={"height": size[0], "width": size[1]}, classes=classes,
                class_list={"ids": list(ids), "names": list(ids)} if ids else None,
                sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    card.update(changes)
    card = {field: value for field, value in card.items() if value is not None or field == "class_list"}
    path.with_suffix(".json").write_text(json.dumps(card))
    return path

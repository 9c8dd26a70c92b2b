"""SPEC 6 and 7 written out once more with PyTorch's own differentiation, to check xai-saliency against.

The losses, constants and quirks are those of the public iGOS++ code (Khorram et al., CHIL 2021); x and b are an image
and its baseline, 3 x H x W normalised; masks are s x s, 1 = the image is kept; c is the class explained.

    saliency_reference.py MODEL.pt PHOTO ... [--out FOLDER]     a whole run with the reference's constants

prints, for each photograph, the scores of its map and what it cost; FOLDER gets the maps (NPY).
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
import torchvision.transforms.functional as transforms
from PIL import Image

import reference


@dataclass
class Question:
    """What is asked of a model: the probability of class c on images between x and b."""
    model: torch.nn.Module
    x: torch.Tensor
    b: torch.Tensor
    c: int
    forward: int = 0  # images through the model
    backward: int = 0

    def probabilities(self, images):
        self.forward += len(images)
        return self.model(images).softmax(1)[:, self.c]

    def upsampled(self, mask):
        size = self.x.shape[1:]
        return torch.nn.functional.interpolate(mask[None, None], size, mode="bilinear", align_corners=True)[0, 0]


def question(model, photo, baseline="blur", precision=torch.float):
    """About the prediction on a photograph, prepared as the model's card says; `baseline` as in reference.baseline()."""
    card = json.loads(Path(model).with_suffix(".json").read_text())
    preprocessing, size = card["preprocessing"], card["input"]
    kind = transforms.InterpolationMode(preprocessing["interpolation"])
    image = transforms.resize(Image.open(photo).convert("RGB"), preprocessing["resize"], kind)
    image = numpy.asarray(transforms.center_crop(image, [size["height"], size["width"]])) / 255
    image = image.astype(numpy.float32).astype(float)  # x is single; what follows need not be
    mean, std = (numpy.asarray(preprocessing[key]) for key in ("mean", "std"))
    hidden = reference.baseline(image, baseline, mean)
    x, b = (torch.from_numpy((pixels - mean) / std).permute(2, 0, 1).to(precision) for pixels in (image, hidden))
    network = torch.jit.load(str(model)).eval().to(precision)
    with torch.no_grad():
        return Question(network, x, b, int(network(x[None]).argmax()))


# ---- losses ----------------------------------------------------------------------------------------------------


def interval_scores(q, top, bottom, mask, points, noise):
    """Probabilities on the way t = 1/n .. 1 of t * mask, of `top` where it is 1 and of `bottom` where it is 0; over n."""
    t = torch.arange(1, points + 1, dtype=mask.dtype)[:, None, None, None] / points
    images = top * (t * mask) + bottom * (1 - t * mask)
    images = images + noise * torch.randn_like(images)
    return q.probabilities(images) / points


def score_terms(q, method, masks, points, noise):
    """The terms of the score loss, each n probabilities, in the reference's order; their signs."""
    def deletion(mask):
        return interval_scores(q, q.x, q.b, mask, points, noise)

    def insertion(mask):
        return -interval_scores(q, q.b, q.x, mask, points, noise)

    d = q.upsampled(masks[0])
    if method == "igos":
        return [deletion(d)]
    if method == "igos+":
        return [deletion(d), insertion(d)]
    i = q.upsampled(masks[1])
    return [deletion(d * i), insertion(d * i), deletion(d), insertion(i)]


def total_variation(mask):
    return mask.diff(dim=0).square().mean() + mask.diff(dim=1).square().mean()


def bilateral_variation(q, mask, sigma=0.01):
    """With the reference's asymmetry: channels are averaged inside the square down, outside the exponential across."""
    up = q.upsampled(mask)
    down = torch.exp(-q.x.diff(dim=1).mean(0) ** 2 / sigma)
    across = torch.exp(-q.x.diff(dim=2) ** 2 / sigma).mean(0)
    pixels = (down * up.diff(dim=0) ** 2).mean() + (across * up.diff(dim=1) ** 2).mean()
    return (total_variation(mask) + pixels) / 2


def penalty(q, method, masks, l1, l2):
    kept = masks[0] * masks[1] if method == "igos++" else masks[0]
    variation = total_variation(kept) if method == "igos" else bilateral_variation(q, kept)
    return l1 * (1 - kept).abs().mean() + l2 * variation


def gradients(q, method, masks, points=15, noise=0.2, l1=1.0, l2=20.0):
    """Of the objective with respect to each mask: that of the score, halved for two masks, and that of the penalty."""
    masks = [mask.clone().requires_grad_() for mask in masks]
    terms = score_terms(q, method, masks, points, noise)
    q.backward += len(terms) * points
    of_score = torch.autograd.grad(torch.stack(terms).sum() / (2 if method == "igos++" else 1), masks)
    of_penalty = torch.autograd.grad(penalty(q, method, masks, l1, l2), masks)
    return of_score, of_penalty


# ---- a whole run -----------------------------------------------------------------------------------------------


def line_search(q, method, masks, gradient, points, noise, l1, l2):
    """Armijo's condition on the noisy loss, whose score is not halved; the step is taken even if it never holds."""
    def loss(masks):
        terms = score_terms(q, method, masks, points, noise)
        return (torch.stack(terms).sum() + penalty(q, method, masks, l1, l2)).item()

    base, slope, step = loss(masks), sum((g ** 2).sum().item() for g in gradient), 1000.0
    while True:
        if loss(moved(masks, gradient, step)) <= base - 1e-4 * step * slope or step < 1e-5:
            return step
        step *= 0.2


def moved(masks, gradient, step):
    return [(mask - step * g).clamp(0, 1) for mask, g in zip(masks, gradient)]


def explain(q, method="igos++", size=28, iterations=20, points=15, noise=0.2, l1=1.0, l2=20.0, seed=63):
    """The map of a run with line search, s x s float32, higher = more important."""
    torch.manual_seed(seed)
    masks = [torch.ones(size, size) for _ in range(2 if method == "igos++" else 1)]
    for _ in range(iterations):
        of_score, of_penalty = gradients(q, method, masks, points, noise, l1, l2)
        gradient = [a + b for a, b in zip(of_score, of_penalty)]
        with torch.no_grad():
            step = line_search(q, method, masks, gradient, points, noise, l1, l2)
            masks = moved(masks, gradient, step)
    return (1 - torch.stack(masks).prod(0)).numpy()


# ---- scores of a map -------------------------------------------------------------------------------------------


@torch.no_grad()
def probability(q, shown):
    """With the image where `shown` (s x s) is 1 and the baseline where it is 0."""
    up = q.upsampled(torch.from_numpy(shown).float())
    return q.probabilities((q.x * up + q.b * (1 - up))[None]).double().item()


def order_of(saliency):
    return numpy.argsort(-saliency.flatten(), kind="stable")


def curves(q, saliency, steps=50):
    """SPEC 7: insertion and deletion curves with their areas."""
    cells, order = saliency.size, order_of(saliency)
    result = {}
    for name, start in (("insertion", 0.0), ("deletion", 1.0)):
        f = []
        for t in range(steps + 1):
            shown = numpy.full(cells, start)
            shown[order[:int(numpy.floor(t * cells / steps + 0.5))]] = 1 - start
            f.append(probability(q, shown.reshape(saliency.shape)))
        f = numpy.array(f)
        full, base = (f[-1], f[0]) if name == "insertion" else (f[0], f[-1])
        curve = (f - base) / (full - base)
        result[name] = {"auc": float(numpy.trapezoid(curve, dx=1 / steps)), "curve": curve.tolist()}
    return result


def reference_scores(q, saliency):
    """The score of the public code, where by operator precedence the last step counts as f = 1."""
    cells, order = saliency.size, order_of(saliency)
    step = max(1, cells // 50)
    keep = numpy.ones(cells)
    sums = {"insertion": 0.0, "deletion": 0.0}
    for p in range(0, cells, step):
        keep[order[p:p + step]] = 0
        kept = keep.reshape(saliency.shape)
        for name, shown in (("insertion", 1 - kept), ("deletion", kept)):
            sums[name] += probability(q, shown) * step if p + step < cells else cells - p
    return {name: total / cells for name, total in sums.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--method", choices=("igos++", "igos+", "igos"), default="igos++")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    for photo in options.photos:
        q = question(options.model, photo)
        saliency = explain(q, options.method)
        cost = {"forward": q.forward, "backward": q.backward}
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            numpy.save(options.out / f"{photo.name}.{options.method}.npy", saliency)
        scores = {name: curve["auc"] for name, curve in curves(q, saliency).items()}
        print(json.dumps({"photo": photo.name, "class": q.c, **cost, "normalised": scores,
                          "reference": reference_scores(q, saliency)}), flush=True)


if __name__ == "__main__":
    main()

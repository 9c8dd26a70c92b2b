"""SPEC 3 and 4 written out once more, slowly and in double precision, to check the tool against."""

import itertools

import numpy
import torch


def blur(image):
    """Gaussian of an H x W x 3 image: k = 2 floor(51 H / 448) + 1, sigma = k - 1, reflect-101 border."""
    radius = 51 * image.shape[0] // 448
    if radius == 0:
        return image
    offsets = numpy.arange(-radius, radius + 1)
    weights = numpy.exp(-0.5 * (offsets / (2 * radius)) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        width = [(radius, radius) if a == axis else (0, 0) for a in range(3)]
        padded = numpy.pad(image, width, mode="reflect")
        image = sum(w * numpy.take(padded, numpy.arange(image.shape[axis]) + i, axis) for i, w in enumerate(weights))
    return image


def baseline(image, kind, mean):
    return {"blur": lambda: blur(image), "black": lambda: numpy.zeros_like(image),
            "mean": lambda: numpy.broadcast_to(numpy.asarray(mean), image.shape),
            "gray": lambda: numpy.full_like(image, 0.5)}[kind]()


def mask(patches, grid, height, width, kind):
    """U(S), H x W: what of the image shows when the patches S do."""
    indicator = numpy.zeros((grid, grid))
    for patch in patches:
        indicator[divmod(patch, grid)] = 1
    if kind == "soft":
        return torch.nn.functional.interpolate(torch.from_numpy(indicator)[None, None], (height, width),
                                               mode="bilinear", align_corners=True)[0, 0].numpy()
    rows, columns = (numpy.floor(numpy.arange(grid + 1) * size / grid + 0.5).astype(int) for size in (height, width))
    shown = numpy.zeros((height, width))
    for row, column in itertools.product(range(grid), range(grid)):
        shown[rows[row]:rows[row + 1], columns[column]:columns[column + 1]] = indicator[row, column]
    return shown


def probabilities(image, sets, model, card, grid, baseline_kind="blur", mask_kind="soft"):
    """Softmax probabilities, sets x K, of an image (H x W x 3 in [0,1]) of which only these patches show."""
    image = numpy.asarray(image, dtype=numpy.float64)
    mean, std = (numpy.asarray(card["preprocessing"][key]) for key in ("mean", "std"))
    hidden = baseline(image, baseline_kind, mean)
    rows = []
    for bits in sets:
        shown = mask(members(bits), grid, *image.shape[:2], mask_kind)[:, :, None]
        rows.append((hidden + shown * (image - hidden) - mean) / std)
    with torch.no_grad():
        return model(torch.from_numpy(numpy.stack(rows)).permute(0, 3, 1, 2).float()).double().softmax(1).numpy()


class Table:
    """p(S) of all subsets of a small grid on one image (H x W x 3 in [0,1]); sets are bit sets."""

    def __init__(self, image, model, card, grid, baseline_kind="blur", mask_kind="soft", target=None):
        self.patches = grid * grid
        p = probabilities(image, range(1 << self.patches), model, card, grid, baseline_kind, mask_kind)
        self.predicted = int(p[-1].argmax())
        self.p = p[:, self.predicted if target is None else target]
        self.ratio = self.p / self.p[-1]
        others = numpy.delete(p, self.predicted if target is None else target, axis=1)
        self.lead = numpy.log(self.p) - numpy.log(others.max(axis=1))  # of the class over its rival, in logits

    def mses(self, threshold, sufficient="ratio"):
        """Every set that is sufficient and has no sufficient proper subset, ascending."""
        keeps = {"ratio": self.ratio >= threshold, "top1": self.lead >= 0}
        keeps["both"] = keeps["ratio"] & keeps["top1"]
        sufficient = [bits for bits in range(1 << self.patches) if keeps[sufficient][bits]]
        return [bits for bits in sufficient if not any(other & bits == other != bits for other in sufficient)]

    def decides_clearly(self, threshold, margin=1e-4):
        """No set is so near to the threshold that float noise could turn it."""
        return numpy.abs(self.ratio - threshold).min() > margin

    def leads_clearly(self, margin=1e-4):
        """Of no set is the class so near to its rival."""
        return numpy.abs(self.lead).min() > margin


class SubExplanations:
    """SPEC 5 by deleting patches one at a time: what is reached from `roots` (bit sets) and keeps the threshold."""

    def __init__(self, ratio, roots, threshold):
        self.sets = {}  # bit set -> number of deletion orders that end there
        for root in roots:
            self.delete({root: 1}, ratio, threshold)

    def delete(self, orders, ratio, threshold):
        """One root's tree, level by level; equal sets of a level are kept together with their number of orders."""
        while orders := {bits: n for bits, n in orders.items() if bits and ratio[bits] >= threshold}:
            below = {}
            for bits, n in orders.items():
                self.sets[bits] = self.sets.get(bits, 0) + n
                for patch in members(bits):
                    below[bits ^ 1 << patch] = below.get(bits ^ 1 << patch, 0) + n
            orders = below

    def distinct(self, size=None):
        return sum(size in (None, bits.bit_count()) for bits in self.sets)

    def tree_nodes(self, size=None):
        return sum(n for bits, n in self.sets.items() if size in (None, bits.bit_count()))


def members(bits):
    return [patch for patch in range(bits.bit_length()) if bits >> patch & 1]


def bit_set(patches):
    return sum(1 << patch for patch in patches)


def largest_diverse(sets, overlap):
    """The size of the largest family of bit sets that pairwise share at most `overlap` patches."""
    def grow(chosen, rest):
        best = chosen
        for i, one in enumerate(rest):
            best = max(best, grow(chosen + 1, [other for other in rest[i + 1:] if (one & other).bit_count() <= overlap]))
        return best

    return grow(0, sets)

"""xai-mse against a straightforward PyTorch script of the reference search (SAG): one image and one mask at a time,
no memo, a beam of 3 (4 states, as there), the 15 best patches by an integrated gradient, reduction one patch at a
time, until more than 10 sets are found. Both find 1-minimal sets of the same photographs on a 7 x 7 grid; times are
end to end, start-up included, one after the other in this run:
  .venv/bin/python bench/pytorch_comparison.py build/release/bin/xai-mse models/efficientnet_lite0.pt PHOTOS...
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
import torch
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests/tools"))
import reference

GRID, THRESHOLD, BEAM, EXTENSIONS, ENOUGH, STEPS = 7, 0.9, 4, 15, 10, 20


def preprocessed(path, card):
    """H x W x 3 in [0,1]."""
    how = card["preprocessing"]
    image = Image.open(path).convert("RGB")
    scale = how["resize"] / min(image.size)
    size = [how["resize"] if side == min(image.size) else int(side * scale) for side in image.size]
    image = image.resize(size, getattr(Image.Resampling, how["interpolation"].upper()))
    height, width = card["input"]["height"], card["input"]["width"]
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return numpy.asarray(image.crop((left, top, left + width, top + height)), numpy.float32) / 255


class Photograph:
    """One image under the model, a mask at a time."""

    def __init__(self, path, model, card):
        mean, std = (torch.tensor(card["preprocessing"][key]).view(1, 3, 1, 1) for key in ("mean", "std"))

        def tensor(image):
            return (torch.from_numpy(image).permute(2, 0, 1)[None].float() - mean) / std

        image = preprocessed(path, card)
        self.model, self.image, self.hidden = model, tensor(image), tensor(reference.blur(image))
        self.evaluations = 1
        with torch.no_grad():
            p = model(self.image).softmax(1)[0]
        self.target = int(p.argmax())
        self.enough = THRESHOLD * float(p[self.target])

    def probability(self, mask):
        """p of the target under a 7 x 7 mask, 1 = visible."""
        self.evaluations += 1
        size = self.image.shape[2:]
        shown = torch.nn.functional.interpolate(mask[None, None], size, mode="bilinear", align_corners=True)
        return self.model(self.hidden + shown * (self.image - self.hidden)).softmax(1)[0, self.target]

    def p(self, patches):
        mask = torch.zeros(GRID * GRID)
        mask[list(patches)] = 1
        with torch.no_grad():
            return float(self.probability(mask.view(GRID, GRID)))

    def order(self):
        """Patches by the integrated gradient of p at the full mask, most useful first."""
        mask = torch.ones(GRID, GRID, requires_grad=True)
        sum(self.probability(mask * (k / STEPS)) for k in range(1, STEPS + 1)).backward()
        return torch.argsort(mask.grad.flatten(), descending=True, stable=True).tolist()

    def reduced(self, patches):
        """Patches away, one at a time in raster order, until none can go."""
        left, before = sorted(patches), None
        while before != left:
            before = left
            for patch in before:
                fewer = [other for other in left if other != patch]
                if self.p(fewer) > self.enough:
                    left = fewer
        return frozenset(left)

    def search(self):
        order, beam, found = self.order(), [frozenset()], set()
        while beam and len(found) <= ENOUGH:
            successors = []
            for state in beam:
                for patch in [patch for patch in order if patch not in state][:EXTENSIONS]:
                    successors.append((self.p(state | {patch}), state | {patch}))
            successors.sort(key=lambda successor: -successor[0])
            beam = []
            for p, state in successors:
                if p > self.enough:
                    found.add(self.reduced(state))
                elif len(beam) < BEAM:
                    beam.append(state)
        return found


def script(model_path, photographs):
    """MSEs and evaluations of the straightforward search; time in seconds."""
    start = time.perf_counter()
    model = torch.jit.load(model_path).eval()
    card = json.loads(pathlib.Path(model_path).with_suffix(".json").read_text())
    found = evaluations = 0
    for path in photographs:
        photograph = Photograph(path, model, card)
        mses = photograph.search()
        print(f"  script  {path.name:40} {len(mses):4} MSEs, {photograph.evaluations:5} evaluations", flush=True)
        found, evaluations = found + len(mses), evaluations + photograph.evaluations
    return found, evaluations, time.perf_counter() - start


def tool(executable, model_path, photographs, budget):
    """The same of xai-mse with a budget for each image."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "list.txt").write_text("".join(f"{path.resolve()}\n" for path in photographs))
        start = time.perf_counter()
        subprocess.run([executable, "--model", model_path, "--data", folder / "list.txt", "--out", folder / "run",
                        "--max-evaluations", str(budget), "--quiet"], check=True)
        seconds = time.perf_counter() - start
        records = [json.loads(line) for line in (folder / "run/results.jsonl").open()]
    return sum(record["found"] for record in records), sum(record["evaluations"] for record in records), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("model")
    parser.add_argument("photographs", nargs="+", type=pathlib.Path)
    parser.add_argument("--budgets", nargs="+", type=int, default=[300, 500, 1500])
    arguments = parser.parse_args()
    found, evaluations, seconds = script(arguments.model, arguments.photographs)
    print(f"{'':24} MSEs  evaluations  per 1,000  seconds  times faster")

    def line(what, found, evaluations, own_seconds):
        print(f"{what:24} {found:4}  {evaluations:11}  {1000 * found / evaluations:9.1f}  {own_seconds:7.1f}"
              f"  {seconds / own_seconds:12.1f}", flush=True)

    line("PyTorch script", found, evaluations, seconds)
    for budget in arguments.budgets:
        line(f"xai-mse, {budget} an image", *tool(arguments.tool, arguments.model, arguments.photographs, budget))


if __name__ == "__main__":
    main()

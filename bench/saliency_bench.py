#!/usr/bin/env python3
"""What maps cost and how well they do: runs xai-saliency under several settings on the same photographs.

    bench/saliency_bench.py --tool build/release/bin/xai-saliency --model models/efficientnet_lite0.pt \\
        --data LIST --out FOLDER

Cost of a photograph: images forward + 2 * images backward through the model, without the scores' own. A run in FOLDER
is reused. Standard library only.
"""

import argparse
import json
import subprocess
from pathlib import Path
from statistics import mean

SETTINGS = {
    "reference": ["--preset", "reference"],
    "fast": [],
    **{f"fast, {steps} steps": ["--iterations", str(steps)] for steps in (35, 20, 6, 4, 2, 1)},
    "fast, 3 points": ["--points", "3"],
    "fast, scale of each cell": ["--scale", "cell"],
    "fast, noise of the reference": ["--noise", "0.2"],
    "fast, last step": ["--map-of", "last"],
    "igos+": ["--method", "igos+"],
    "igos": ["--method", "igos"],
    "rise": ["--method", "rise"],
    "gradcam": ["--method", "gradcam"],
}


def records(arguments, name, options):
    out = Path(arguments.out) / name.replace(" ", "-").replace(",", "")
    command = [arguments.tool, "--model", arguments.model, "--data", arguments.data, "--out", out, "--quiet",
               "--pictures", "0", "--metric", arguments.metric, *options, *arguments.options.split()]
    subprocess.run(list(map(str, command)), check=True)
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


def cost(record):
    """Both curves share their ends; one row is the intact image."""
    scores = 2 * len(record["insertion"]["curve"]) - 2
    return record["forward"] - scores - 1 + 2 * record["backward"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("tool", "model", "data", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--metric", default="reference", choices=["normalised", "reference"])
    parser.add_argument("--settings", nargs="*", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--options", default="", help="further options of every run, in one string")
    arguments = parser.parse_args()
    print("| setting | cost | insertion | deletion | insertion of each | deletion of each |\n|---|---|---|---|---|---|")
    for name in arguments.settings:
        defined = [r for r in records(arguments, name, SETTINGS[name]) if r["insertion"]]
        insertion, deletion = ([r[field]["auc"] for r in defined] for field in ("insertion", "deletion"))
        each = " | ".join(" ".join(f"{value:.3f}" for value in values) for values in (insertion, deletion))
        print(f"| {name} | {mean(map(cost, defined)):.0f} | {mean(insertion):.3f} | {mean(deletion):.3f} | {each} |",
              flush=True)


if __name__ == "__main__":
    main()

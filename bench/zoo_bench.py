#!/usr/bin/env python3
"""The table of models in docs/results.md: parameters, milliseconds an evaluation in xai-mse, tuning, peak memory.

    xai-export --zoo all --random-init --out models
    PYTHONPATH=python XAI_MSE=build/release/bin/xai-mse bench/zoo_bench.py models/*.pt --csv zoo.csv

Each model in processes of its own: a plain loop of PyTorch over batches that are ready, with all cores inside the
layers, then what `xai-mse --dry-run` measures with its engine, on all cores side by side, the way that its tuner chose.
Times of a machine that does other things are no times: --rounds repeats both in turn, the smallest count, and the
largest of xai-mse stands beside its smallest.
"""

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

COLUMNS = ("model", "family", "input", "parameters", "ms", "ms_largest", "plain_ms", "tuning", "peak_mb", "device")
TITLES = ("model", "family", "input", "million parameters", "ms an evaluation", "times as fast as a plain loop",
          "tuning", "peak MB")  # fmt: skip
PLAIN = """
import json, sys, time, torch
path, seconds, batch = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
card = json.load(open(path.removesuffix(".pt") + ".json"))
model = torch.jit.load(path).eval()
x = torch.rand(batch, 3, card["input"]["height"], card["input"]["width"])
with torch.no_grad():
    for _ in range(3):
        model(x)
    times = []
    end = time.monotonic() + seconds
    while not times or time.monotonic() < end:
        start = time.monotonic()
        model(x)
        times.append(1000 * (time.monotonic() - start) / batch)
print(json.dumps({"parameters": sum(t.numel() for t in model.parameters()), "plain_ms": min(times)}))
"""


def finished(*words):
    """Standard output and error of a program that must succeed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"zoo_bench.py: {words[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return done.stdout, done.stderr


def plain(model, options):
    """Parameters, and milliseconds an image in a plain loop."""
    return json.loads(finished(sys.executable, "-c", PLAIN, model, options.seconds, options.batch_size)[0])


def engine(model, options):
    """Milliseconds an evaluation on all cores, peak memory, tuning and device, by the plan of a run."""
    out, log = finished(os.environ["XAI_MSE"], "--model", model, "--data", options.data, "--out", "not-made",
                        "--dry-run", "--json", "--batch-size", options.batch_size)  # fmt: skip
    plan = json.loads(out)
    (chosen,) = re.findall(r"^info: model .* batches of \d+, (.*)$", log, re.MULTILINE)
    return {
        "ms": 1000 / plan["parts"][0]["rows_per_second"]["forward"],
        "peak_mb": plan["peak_memory_bytes"] / 1e6,
        "tuning": chosen,
        "device": plan["platform"]["device"],
    }


def row_of(model, options):
    card = json.loads(model.with_suffix(".json").read_text())
    rounds = [(plain(model, options), engine(model, options)) for _ in range(options.rounds)]
    best = min((one for _, one in rounds), key=lambda one: one["ms"])
    return {
        "model": card["name"],
        "family": card["family"],
        "input": f"{card['input']['height']} x {card['input']['width']}",
        "parameters": rounds[0][0]["parameters"],
        "plain_ms": min(one["plain_ms"] for one, _ in rounds),
        "ms_largest": max(one["ms"] for _, one in rounds),
        **best,
    }


def line(row):
    """A row in Markdown."""
    spread = f"{row['ms']:.1f}" + (f" to {row['ms_largest']:.1f}" if row["ms_largest"] > row["ms"] else "")
    cells = [row["model"], row["family"], row["input"], f"{row['parameters'] / 1e6:.2f}", spread,
             f"{row['plain_ms'] / row['ms']:.2f}", row["tuning"], f"{row['peak_mb']:.0f}"]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+", help="NAME.pt, beside its card; parts of models are left out")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[1] / "photos")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5, help="of the plain loop")
    parser.add_argument("--csv", type=Path, help="write the numbers here, too")
    options = parser.parse_args()
    if not os.access(os.environ.get("XAI_MSE", ""), os.X_OK):
        parser.error("XAI_MSE must hold the path of xai-mse")
    print(f"{time.strftime('%Y-%m-%d')}, batches of {options.batch_size}, {options.rounds} rounds\n")
    print(f"| {' | '.join(TITLES)} |")
    print("|---" * len(TITLES) + "|", flush=True)
    rows = []
    for model in options.models:
        if not re.search(r"\.(features|head)\.pt$", model.name):
            rows.append(row_of(model, options))
            print(line(rows[-1]), flush=True)
    if options.csv:
        with open(options.csv, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What xai-compare costs: time and memory for invented runs of xai-mse, beside the time that reading their JSON takes.

    PYTHONPATH=python OMP_NUM_THREADS=1 bench/compare_bench.py --models 13 --photographs 5000 --sets 50 --out FOLDER

Runs in FOLDER are used again. Needs NumPy.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy

GRID = 7
READING = """
import json, sys
for run in sys.argv[1:]:
    for line in open(run + "/results.jsonl", "rb"):
        json.loads(line)
"""
OPTIONS = {"grid": GRID, "threshold": 0.9, "baseline": "blur", "mask": "soft", "search": "beam", "seed": 0}


def write_run(folder, model, photographs, sets):
    """Records as xai-mse writes them, with about `sets` MSEs each, of 4 to 13 patches."""
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(model)
    with open(folder / "results.jsonl", "w") as journal:
        for image in range(photographs):
            journal.write(json.dumps(record(random, image, sets), separators=(",", ":")) + "\n")
    data = {"sha256": "d" * 64, "count": photographs}
    card = {"name": f"model{model:02d}", "family": f"family{model % 4}", "sha256": f"{model:064x}"}
    info = {"schema_version": "2.0", "tool": "xai-mse", "tool_version": "0.1.0", "status": "done", "options": OPTIONS,
            "model": {"sha256": card["sha256"], "card": card}, "data": data, "class_names": None,
            "identity": {"tool": "xai-mse", "data": data, "options": OPTIONS}}  # fmt: skip
    (folder / "run.json").write_text(json.dumps(info))


def record(random, image, sets):
    found = int(random.integers(max(1, sets - 10), sets + 11))
    sizes = numpy.sort(random.integers(4, 14, found))
    order = random.random((found, GRID**2)).argsort(axis=1)
    mses = [
        {
            "patches": sorted(patches[:size].tolist()),
            "p": float(p),
            "ratio": float(p) / 0.73,
            "certificate": "all-subsets" if size <= 10 else "single-removal",
            "checked_depth": int(size),
        }
        for patches, size, p in zip(order, sizes, random.uniform(0.65, 0.7, found), strict=True)
    ]
    label = image % 1000
    predicted = label if random.random() < 0.8 else (label + 1) % 1000
    return {
        "image": f"n{label:08d}/ILSVRC2012_val_{image:08d}.JPEG", "content": f"{image:064x}", "status": "ok",
        "reason": None, "label": label, "predicted": predicted, "target": predicted, "p_full": 0.73,
        "p_baseline": 0.001, "grid": GRID, "threshold": 0.9, "mses": mses, "found": found, "diverse": 5,
        "diverse_exact": True, "diverse_members": [0, 1, 2, 3, 4], "min_size": int(sizes[0]),
        "stop_reason": "max-evaluations", "evaluations": 1500, "near_ties": 0, "picture": None, "seconds": 12.3456789,
    }  # fmt: skip


def measured(command):
    """Seconds of the clock and of the processor, and peak memory in MB, of a command."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with open(os.devnull, "w") as nothing:
        subprocess.run(command, check=True, stdout=nothing)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, processor, after.ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--photographs", type=int, default=1000)
    parser.add_argument("--sets", type=int, default=50)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    runs = [arguments.out / f"model{model:02d}" for model in range(arguments.models)]
    for model, folder in enumerate(runs):
        if not (folder / "run.json").exists():
            write_run(folder, model, arguments.photographs, arguments.sets)
    size = sum((folder / "results.jsonl").stat().st_size for folder in runs) / 1e6
    base, base_processor, _ = measured([sys.executable, "-c", READING, *map(str, runs)])
    clock, processor, memory = measured([sys.executable, "-m", "xaimse.compare", *map(str, runs), "--json"])
    print(f"{arguments.models} runs of {arguments.photographs} records, {arguments.sets} sets each: {size:.0f} MB")
    print(f"json.loads alone: {base:.1f} s ({base_processor:.1f} s of the processor)")
    print(f"xai-compare: {clock:.1f} s ({processor:.1f} s of the processor), {clock / base:.1f} times, {memory:.0f} MB")


if __name__ == "__main__":
    main()

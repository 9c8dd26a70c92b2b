#!/usr/bin/env python3
"""What xai-report costs: time, memory and size of the page for invented runs of xai-mse with photographs.

    PYTHONPATH=python OMP_NUM_THREADS=1 bench/report_bench.py --models 13 --photographs 5000 --sets 50 --out FOLDER

Runs in FOLDER are used again. Needs NumPy, Pillow, and what xai-report needs.
"""

import argparse
import hashlib
import io
import json
import sys
from pathlib import Path

import numpy
from compare_bench import measured, record, write_run
from PIL import Image

SHOWN = 60
CARD = {"input": {"height": 224, "width": 224}, "preprocessing": {"resize": 256}}
QUANTITIES = ("found", "diverse", "min_size")


def write_data(folder, photographs):
    """One photograph under the names of those that the page shows. Gives its SHA-256."""
    pixels = numpy.random.default_rng(0).integers(0, 256, (12, 16, 3), numpy.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((500, 375), Image.Resampling.BICUBIC).save(file, "JPEG")
    for place in range(SHOWN):
        name = record(numpy.random.default_rng(0), place * photographs // SHOWN, 11)["image"]
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file.getvalue())
    return hashlib.sha256(file.getvalue()).hexdigest()


def complete(run, data, content):
    """Gives an invented run what xai-compare does not read: geometry, photographs and a summary."""
    info = json.loads((run / "run.json").read_text())
    info["model"]["card"] |= CARD
    info["data"]["path"] = str(data.absolute())
    (run / "run.json").write_text(json.dumps(info))
    lines = [json.loads(line) | {"content": content} for line in (run / "results.jsonl").read_text().splitlines()]
    with open(run / "results.jsonl", "w") as journal:
        journal.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    quantities = {}
    for name in QUANTITIES:
        values = numpy.array([line[name] for line in lines], float)
        mean, end = values.mean(), 1.96 * values.std() / len(values) ** 0.5
        quantities[name] = {"n": len(values), "mean": mean, "median": numpy.median(values), "low": mean - end,
                            "high": mean + end, "standard_deviation": values.std(ddof=1)}  # fmt: skip
    summary = {"schema_version": "2.0", "tool": "xai-mse", "images": len(lines), "quantities": quantities}
    (run / "summary.json").write_text(json.dumps(summary))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--photographs", type=int, default=1000)
    parser.add_argument("--sets", type=int, default=50)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    runs = [arguments.out / f"model{model:02d}" for model in range(arguments.models)]
    data = arguments.out / "data"
    for model, folder in enumerate(runs):
        if not (folder / "summary.json").exists():
            write_run(folder, model, arguments.photographs, arguments.sets)
            complete(folder, data, write_data(data, arguments.photographs))
    page = arguments.out / "report.html"
    command = [sys.executable, "-m", "xaimse.report", *map(str, runs), "--out", str(page), "--overwrite"]
    command += ["--photographs", str(SHOWN)]
    seconds, processor, memory = measured(command)
    journals = sum((run / "results.jsonl").stat().st_size for run in runs) / 1e6
    size = page.stat().st_size / 1e6
    print(f"{arguments.models} runs of {arguments.photographs} records, {journals:.0f} MB: {seconds:.1f} s, "
          f"{processor:.1f} s of the processor, {memory:.0f} MB of memory; the page has {size:.1f} MB")  # fmt: skip


if __name__ == "__main__":
    main()

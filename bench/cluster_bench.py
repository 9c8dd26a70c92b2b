"""What runs over many photographs cost beside the model: listing, hashing and resuming 50,000 of them, and merging
10,000 records of eight shards. Photographs are links to one file, and records are copies of a real one's.

    XAI_BIN=build/release/bin .venv/bin/python bench/cluster_bench.py [FOLDER]
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/tools"))
from conftest import photo  # noqa: E402
from tiny_models import make_model  # noqa: E402

BIN = Path(os.environ.get("XAI_BIN", ROOT / "build/release/bin"))
SEARCH = ["--grid", "7", "--max-evaluations", "300", "--pictures", "0", "--tune", "off"]


class Measured(NamedTuple):
    seconds: float
    megabytes: float  # at most, resident
    said: str
    printed: str


def measured(program, *arguments):
    start = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen([BIN / program, *map(str, arguments)], stdout=out, stderr=err)
        peak = 0
        while process.poll() is None:  # wait4's figure has that of this Python in it
            held = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            peak = max(peak, int(held[1]) if held else 0)
            time.sleep(0.005)
        seconds = time.monotonic() - start
        out.seek(0)
        err.seek(0)
        said, printed = err.read().decode(), out.read().decode()
    assert process.returncode == 0, said
    return Measured(seconds, peak / 1024, said, printed)


def photographs(folder, count):
    """Links, a thousand a folder: one file cannot have as many names as one likes."""
    for i in range(count):
        part = folder / f"part{i // 1000:02d}"
        path = part / f"val_{i:08d}.png"
        if i % 1000 == 0:
            part.mkdir(parents=True)
            photo(0).save(path)
            first = path
        else:
            os.link(first, path)
    return folder


def write_records(run, names, record):
    with open(run / "results.jsonl", "w") as file:
        for name in names:
            file.write(json.dumps(record | {"image": name}, separators=(",", ":")) + "\n")


def finished_run(model, data, out, names):
    """A run over `names`, by a real session's run.json and copies of its record."""
    given = ["--model", model, "--data", data, "--out", out, *SEARCH]
    plan = json.loads(measured("xai-mse", *given, "--dry-run", "--json").printed)
    measured("xai-mse", *given, "--limit", 1)
    record = json.loads((out / "results.jsonl").read_text())
    run = json.loads((out / "run.json").read_text())
    found = {"sha256": plan["data"]["sha256"], "count": plan["data"]["count"]}
    run["data"].update(found)
    run["identity"]["data"] = found
    (out / "run.json").write_text(json.dumps(run))
    write_records(out, names, record)
    return run, record


def main():
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as scratch:
        folder = Path(scratch)
        model = make_model(folder)
        data = photographs(folder / "val", 50_000)
        names = sorted(str(path.relative_to(data)) for path in data.rglob("*.png"))
        run, record = finished_run(model, data, folder / "run", names)
        start = measured("xai-mse", "--version")
        resumed = measured("xai-mse", "--model", model, "--data", data, "--out", folder / "run", *SEARCH)
        assert "nothing to do" in resumed.said, resumed.said
        print(f"50,000 photographs listed, hashed and resumed: {resumed.seconds:.2f} s, {resumed.megabytes:.0f} MB "
              f"(start-up alone {start.seconds:.2f} s, {start.megabytes:.0f} MB)")

        shards = []
        for index in range(8):
            own = names[:10_000][index::8]
            shard = folder / f"shards/{index:04d}"
            shard.mkdir(parents=True)
            of = {"index": index, "count": 8}
            told = json.loads(json.dumps(run))
            told["identity"]["shard"] = of
            told["identity"]["data"]["count"] = told["data"]["count"] = 10_000
            told["data"]["shard"] = of | {"images": len(own)}
            (shard / "run.json").write_text(json.dumps(told))
            write_records(shard, own, record)
            shards.append(shard)
        size = sum((shard / "results.jsonl").stat().st_size for shard in shards) / 10_000
        merged = measured("xai-merge", folder / "merged", *shards)
        print(f"10,000 records of {size:.0f} bytes ({len(record['mses'])} MSEs) in 8 shards merged: "
              f"{merged.seconds:.2f} s, {merged.megabytes:.0f} MB")


if __name__ == "__main__":
    main()

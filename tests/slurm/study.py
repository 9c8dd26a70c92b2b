"""What is run in shards here: a folder as docs/cluster.md has it, its commands, and what must come out."""

import os
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/tools"))
from conftest import make_photos, run_json, summary_json, timeless  # noqa: E402
from tiny_models import make_model  # noqa: E402

SMALL = "--max-evaluations 300"


def make_study(folder, count):
    """models/a.pt, scripts/, and photographs in val/, one of which is broken."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit
        make_model(folder / "models", name="a")
    make_photos(folder / "val", count)
    (folder / "val/photo06.png").write_bytes(b"broken")
    (folder / "scripts").symlink_to(ROOT / "scripts")
    return folder


def variables(environment):
    """Those of a shell that finds the programs."""
    programs = Path(os.environ["XAI_MSE"]).parent
    return {"PATH": f"{programs}:{environment['PATH']}", "USER": "root", "OMP_NUM_THREADS": "1"}


def commands_of(section):
    """The commands of a section of docs/cluster.md, but those that set variables; with a smaller budget."""
    text = (ROOT / "docs/cluster.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    commands = "".join(re.findall(r"```sh\n(.*?)```", text, re.S)).replace("\\\n", "")
    return [command.replace("xai-mse ", f"xai-mse {SMALL} ")
            for command in commands.splitlines() if not command.startswith("export ")]


def is_like_one_run(folder, command, out):
    """The run folder `out` holds what the command makes in one process with the shards' tuning: SPEC's sameness."""
    words = shlex.split(command, comments=True)
    words[words.index("--out") + 1] = f"{out}-whole"
    whole = subprocess.run([*words, "--tuning", f"{out}.shards/tuning.json"], cwd=folder, stdin=subprocess.DEVNULL,
                           env={**os.environ, **variables(os.environ)}, capture_output=True, text=True, timeout=300)
    assert whole.returncode == 3, whole.stderr  # one photograph is broken
    ours, theirs = timeless(folder / out), timeless(folder / f"{out}-whole")
    assert [record["image"] for record in ours] == [record["image"] for record in theirs]
    sure = [(mine, yours) for mine, yours in zip(ours, theirs, strict=True)
            if not mine["near_ties"] and not yours["near_ties"]]
    assert sum(mine["status"] == "ok" for mine, _ in sure) >= len(ours) / 4
    for mine, yours in sure:
        assert without_noise(mine) == without_noise(yours)
        assert noisy(mine) == pytest.approx(noisy(yours), abs=1e-5, rel=0)
    run, whole = run_json(folder / out), run_json(folder / f"{out}-whole")
    assert run["status"] == "done" and run["counts"] == whole["counts"] and "shard" not in run["data"]
    assert summary_json(folder / out)["statuses"] == summary_json(folder / f"{out}-whole")["statuses"]
    pictures = [sorted(file.name for file in (folder / name / "images").iterdir()) for name in (out, f"{out}-whole")]
    assert pictures[0] and pictures[0] == pictures[1]


def without_noise(record):
    """All of a record that float noise cannot change."""
    exact = {name: value for name, value in record.items() if name not in ("p_full", "p_baseline", "mses")}
    return exact, [{name: mse[name] for name in mse if name not in ("p", "ratio")} for mse in record["mses"] or []]


def noisy(record):
    numbers = [mse[name] for mse in record["mses"] or [] for name in ("p", "ratio")]
    return [number for number in (record["p_full"], record["p_baseline"], *numbers) if number is not None]

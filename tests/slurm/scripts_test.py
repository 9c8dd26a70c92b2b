"""What needs no Slurm: what submit.sh and parallel.sh refuse, and when a task is queued again."""

import os
import subprocess

import pytest
from study import ROOT


@pytest.fixture
def bin(tmp_path):
    """A folder of programs: xai-mse saves $FOUND and ends with 75, scontrol tells what it is asked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, body in {
        "xai-mse": 'until [[ $1 == --out ]]; do shift; done; mkdir -p $2; printf "$FOUND" > $2/results.jsonl; exit 75',
        "xai-merge": "",
        "scontrol": 'echo "scontrol $*"',
    }.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(0o755)
    return folder


def run(bin, script, *words, **variables):
    return subprocess.run(["bash", ROOT / "scripts" / script, *words], cwd=bin.parent, capture_output=True, text=True,
                          env={**os.environ, "PATH": f"{bin}:{os.environ['PATH']}", **variables}, timeout=60)


@pytest.mark.parametrize("words, reason", [
    ("xai-mse --out run", "how many shards"),
    ("1 xai-mse --out run", "how many shards"),
    ("4% xai-mse --out run", "how many shards"),
    ("4", "which program"),
    ("4 xai-none --out run", "no program xai-none"),
    ("4 xai-mse --data val", "needs --out"),
    ("4 xai-mse --out run --overwrite", "--overwrite would"),
    ("4 xai-mse --out run --shard-index 1", "--shard-index is not"),
    ("4 ls --out run", "no xai-merge beside"),
])
def test_refuses(bin, words, reason):
    done = run(bin, "slurm/submit.sh", *words.split())
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and reason in done.stderr
    assert not (bin.parent / "run.shards").exists()


@pytest.mark.parametrize("found, restarts, again", [("{}", 0, True), ("{}", 9, True), ("", 0, True), ("", 3, False)])
def test_a_task_that_gets_nowhere_is_not_queued_for_ever(bin, found, restarts, again):
    done = run(bin, "slurm/task.sbatch", "run.shards", "20", "xai-mse", FOUND=found, SLURM_ARRAY_JOB_ID="42",
               SLURM_ARRAY_TASK_ID="7", SLURM_RESTART_COUNT=str(restarts), SLURM_CPUS_PER_TASK="4")
    assert done.returncode == 75
    assert (bin.parent / "run.shards/0007/results.jsonl").read_text() == found
    assert done.stdout == ("scontrol requeue 42_7\n" if again else "")
    assert ("a longer --time" in done.stderr) is not again

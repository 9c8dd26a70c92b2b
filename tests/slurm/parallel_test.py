"""Shards on the GPUs of one machine: scripts/parallel.sh, and GNU parallel without it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from one_machine import until
from study import SMALL, commands_of, is_like_one_run, make_study, run_json, variables

pytestmark = pytest.mark.skipif(not shutil.which("parallel"), reason="no GNU parallel: scripts/setup.sh installs it")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Its bin/xai-mse notes which device it is given, and then is xai-mse."""
    study = make_study(tmp_path_factory.mktemp("study"), 12)
    programs = Path(os.environ["XAI_MSE"]).parent
    (study / "bin").mkdir()
    (study / "bin/xai-merge").symlink_to(programs / "xai-merge")
    noting = study / "bin/xai-mse"
    noting.write_text(f'#!/bin/sh\necho "$CUDA_VISIBLE_DEVICES" >> devices.txt\nexec {programs}/xai-mse "$@"\n')
    noting.chmod(0o755)
    return study


def start(study, command):
    known = variables(os.environ)
    known["PATH"] = f"{study}/bin:{known['PATH']}"
    return subprocess.Popen(["bash", "-ec", command], cwd=study, env={**os.environ, **known}, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_each_shard_at_once_has_a_gpu_of_its_own(study):
    command = commands_of("Several GPUs, no Slurm")[1].replace("parallel.sh 8 ", "parallel.sh 4 ")
    assert command.startswith("CUDA_VISIBLE_DEVICES=0,3 ")
    running = start(study, command)
    said, _ = running.communicate(timeout=300)
    assert running.returncode == 3, said  # one photograph is broken
    devices = (study / "devices.txt").read_text().split()
    assert devices[0] == "0" and sorted(devices[1:]) == ["0", "0", "3", "3"]
    is_like_one_run(study, command.partition("parallel.sh 4 ")[2], "runs/a")


def test_a_signal_stops_all_shards_and_the_command_goes_on(study):
    command = commands_of("Several GPUs, no Slurm")[2].replace("runs/a", "runs/stopped").replace(SMALL, "")
    running = start(study, f"exec {command}")
    shards = study / "runs/stopped.shards"

    def has_begun():
        assert running.poll() is None, running.communicate()[0]
        return any(file.stat().st_size for file in shards.glob("0*/results.jsonl"))

    until(has_begun, 120, "a record")
    running.terminate()
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 75 and "run the same command again" in said.splitlines()[-1]
    stopped = [run_json(shard)["status"] for shard in shards.glob("0*") if (shard / "run.json").exists()]
    assert "stopped" in stopped and "running" not in stopped

    running = start(study, command)
    said, _ = running.communicate(timeout=300)
    assert running.returncode == 3, said
    is_like_one_run(study, command.partition("parallel.sh 4%2 ")[2], "runs/stopped")


def test_gnu_parallel_numbers_shards_from_one(study):
    shards, merge = commands_of("Several GPUs, no Slurm")[3:]
    running = start(study, f"! {shards}; {merge}")  # the shard with the broken photograph ends with 3
    said, _ = running.communicate(timeout=300)
    assert running.returncode == 3, said
    is_like_one_run(study, f"xai-mse {SMALL} --model models/a.pt --data val --out runs/b", "runs/b")

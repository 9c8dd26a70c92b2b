"""scripts/slurm on a real Slurm: an array, a task that is stopped, one that is lost, and the merge."""

import re

import pytest
from one_machine import OneMachine, until, why_not
from study import ROOT, commands_of, is_like_one_run, make_study, run_json, variables

OPTIONS = "--grid 5 --max-evaluations 800 --images-in-flight 1 --pictures 3 --device cpu"

# What a task needs of a program: it stops after saving, and goes on.
STUB = """#!/bin/bash
until [[ $1 == --out ]]; do shift; done
mkdir -p "$2"
[[ ! -e $2/results.jsonl ]] || exit 0
trap 'echo "{}" > "$2/results.jsonl"; echo stopped after saving; exit 75' USR1
for _ in {1..600}; do sleep 0.1; done
"""


@pytest.fixture(scope="module")
def slurm():
    if reason := why_not():
        pytest.skip(reason)
    with OneMachine() as slurm:
        yield slurm


@pytest.fixture(scope="module")
def too_long(slurm, tmp_path_factory):
    """A task that has less time than it needs; submitted early, for Slurm looks at the clock twice a minute."""
    folder = tmp_path_factory.mktemp("limit")
    stub = folder / "xai-stub"
    stub.write_text(STUB)
    stub.chmod(0o755)
    job = slurm.run("sbatch", "--parsable", "--array=0", "--gres=none", "--time=1", "--signal=B:USR1@60",
                    "--output=log.txt", ROOT / "scripts/slurm/task.sbatch", folder, 1, stub, cwd=folder)
    return folder, job.strip()


def shell(slurm, study, command):
    return slurm.run("bash", "-ec", command, cwd=study, **variables(slurm.environment))


def jobs(said):
    """The numbers of the jobs that submit.sh has submitted."""
    return re.match(r"jobs ([0-9 ]+): ", said)[1].split()


def codes(tasks):
    return {task.get("ArrayTaskId"): task["ExitCode"] for task in tasks}


def test_an_array_makes_the_run_of_one_process(slurm, too_long, tmp_path):
    study = make_study(tmp_path, 24)
    run = f"xai-mse --model models/a.pt --data val --out runs/stopped {OPTIONS}"
    _, array, merge = jobs(shell(slurm, study, f"scripts/slurm/submit.sh 4%2 {run}"))
    shards = study / "runs/stopped.shards"
    journal = shards / "0001/results.jsonl"

    def has_begun():
        if journal.exists() and journal.stat().st_size > 0:
            return True
        states = [task["JobState"] for task in slurm.jobs(array)]
        assert states.count("RUNNING") <= 2 and "CANCELLED" not in states, (shards / "log/tune.log").read_text()
        return False

    until(has_begun, 180, "task 1 has a record")
    slurm.signal(f"{array}_1", "USR1")
    slurm.start_again(array, 1)
    tasks, merged = slurm.ended(array), slurm.ended(merge)
    assert codes(tasks) == {"0": "0:0", "1": "0:0", "2": "3:0", "3": "0:0"}  # 3: an image failed
    assert codes(merged) == {None: "3:0"}, (shards / "log/merge.log").read_text()
    assert merged[0]["StartTime"] >= max(task["EndTime"] for task in tasks)
    assert run_json(shards / "0001")["sessions"] == 2
    assert "run the same command again" in (shards / "log/0001.log").read_text()
    is_like_one_run(study, run, "runs/stopped")


def test_the_commands_of_the_page_and_a_task_that_is_lost(slurm, tmp_path):
    study = make_study(tmp_path, 9)
    plan, submit, queue, tail, again, results = (
        command.replace("submit.sh 40 ", "submit.sh 3 ") for command in commands_of("From a laptop to an array"))
    assert "time at most" in shell(slurm, study, plan)
    _, array, merge = jobs(shell(slurm, study, submit))
    slurm.run("scancel", f"{array}_1")
    assert "merge-a" in shell(slurm, study, queue)
    assert codes(slurm.ended(merge)) != {None: "0:0"}
    assert re.search(r"merge\.log <==\n.*--array=1;", shell(slurm, study, tail))
    assert not (study / "runs/a/summary.json").exists()

    array, merge = jobs(shell(slurm, study, again))
    assert list(codes(slurm.ended(array))) == ["1"]
    assert codes(slurm.ended(merge)) == {None: "3:0"}
    assert "photo00.png" in shell(slurm, study, results)
    is_like_one_run(study, again.partition("submit.sh 3 ")[2], "runs/a")


def test_the_signal_before_the_time_limit_reaches_the_program(slurm, too_long):
    folder, job = too_long
    slurm.start_again(job, 0)
    assert "stopped after saving" in (folder / "log.txt").read_text()
    assert codes(slurm.ended(job)) == {"0": "0:0"}

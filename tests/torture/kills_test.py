"""SIGKILL at any moment, and several in a row: the run that goes on ends with the results of an undisturbed one.

XAI_TORTURE_ROUNDS=1000 is what docs/results.md tells of.
"""

import contextlib
import signal
import time

import pytest
from conftest import PATIENCE, ROUNDS, TOOLS, faults, read_log, run_json


def kill_by_call(job, out, chance, log):
    """Before one of the calls that change the folder, or in the middle of a write."""
    what = chance.choice(["kill", "kill", "torn-kill"])
    calls = "change" if what == "kill" else "write"
    fault = f"{calls}:{chance.randint(1, max(2, job.calls[calls] * 2 // 3))}:{what}"
    process = job.start(out, env=faults(out, fault, log))
    return process, fault


def kill_by_time(job, out, chance):
    """So many records after the last kill, and a little later; or at any moment."""
    process = job.start(out)
    end = time.monotonic() + 60
    if chance.random() < 0.3:
        moment = chance.uniform(0, job.seconds)
        with contextlib.suppress(Exception):
            process.wait(moment)
    else:
        def size():
            try:
                return (out / "results.jsonl").stat().st_size
            except FileNotFoundError:
                return -1
        most = (job.whole / "results.jsonl").stat().st_size
        wanted = chance.uniform(size(), most)
        while size() < wanted and process.poll() is None and time.monotonic() < end:
            time.sleep(0.0005)
        time.sleep(chance.uniform(0, 0.03))
    process.kill()
    return process, "by time"


def go_through(job, folder, kills, chance):
    """A run that is killed so often, unless it ends before; gives how often it was."""
    out, log = folder / "run", folder / "log"
    done = 0
    story = []
    for _ in range(kills):
        by_call = chance.random() < 0.5
        process, how = kill_by_call(job, out, chance, log) if by_call else kill_by_time(job, out, chance)
        _, error = process.communicate(timeout=PATIENCE)
        story.append(f"{how} {process.returncode}")
        assert process.returncode in (0, -signal.SIGKILL), (story, error)
        if process.returncode == 0:
            break
        done += 1
        if (out / "run.json").exists():
            assert run_json(out)["status"] in ("running", "interrupted", "done"), story
    try:
        job.goes_on(out)
    except AssertionError as error:
        raise AssertionError(f"after {story}, hits {read_log(log)[0]}: {error}") from error
    return done


@pytest.mark.parametrize("tool", TOOLS)
def test_kills_lose_nothing(tool, jobs, chance, say, tmp_path, request):
    job = jobs(tool)
    fixed = "fixed" in request.node.name
    share = max(1, (ROUNDS + 7 * fixed) // (2 * len(TOOLS)))  # a half with a fixed seed, a half with another
    kills, runs = 0, 0
    while kills < share:
        folder = tmp_path / str(runs)
        folder.mkdir()
        kills += go_through(job, folder, min(chance.randint(1, 8), share - kills), chance)
        runs += 1
        assert runs < 10 + 4 * share, "most runs end before they are killed"
    say(f"xai-{tool}: {kills} kills in {runs} runs, the results of an undisturbed run in each")

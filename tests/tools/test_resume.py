"""Runs of xai-mse that are stopped, killed, and gone on with, perhaps in other batches: the same results."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from conftest import (PLAIN, ROOT, Finished, analyse, command, environment, is_refused, make_photos, mse, records,
                      run_json, started, summary_json, timeless, validate)
from tiny_models import NotANumber, make_model

COUNT = 30
OPTIONS = {"grid": 5, "max_evaluations": 1200, "images_in_flight": 3}


@pytest.fixture(scope="module")
def undisturbed(tiny, tmp_path_factory):
    """The data set, and a run over it that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    data = make_photos(folder / "photos", COUNT)
    assert analyse(tiny, data, folder / "run", **OPTIONS).code == 0
    assert sum(record["status"] == "ok" for record in records(folder / "run")) > COUNT / 2
    return data, folder / "run"


def lines_without_seconds(folder):
    text = (folder / "results.jsonl").read_text()
    return [re.sub(r',"seconds":[-+.0-9e]+', "", line) for line in text.splitlines(keepends=True)]


def wait_for_records(process, folder, count):
    """Until results.jsonl has `count` lines; gives how many it has."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            done = (folder / "results.jsonl").read_bytes().count(b"\n")
            if done >= count:
                return done
        except FileNotFoundError:
            pass
        assert process.poll() is None, "the run ended too early for this test"
        time.sleep(0.002)
    raise AssertionError(f"no {count} records in two minutes")


def is_like(folder, other, count=COUNT):
    """SPEC 4's sameness of the first images: sets, statuses, counts and stop reasons; p and ratio within 1e-5."""
    assert len(records(folder)) == count
    compared = 0
    for ours, theirs in zip(timeless(folder), timeless(other)):
        assert ours["image"] == theirs["image"] and ours["status"] == theirs["status"]
        if (ours["near_ties"] or 0) > 0 or (theirs["near_ties"] or 0) > 0:
            continue  # the only ones that may differ
        compared += 1
        for name in set(ours) - {"p_full", "p_baseline", "mses"}:
            assert ours[name] == theirs[name], (name, ours["image"])
        for name in ("p_full", "p_baseline"):
            assert ours[name] == pytest.approx(theirs[name], abs=1e-5)
        assert [mse["patches"] for mse in ours["mses"]] == [mse["patches"] for mse in theirs["mses"]]
        for mine, yours in zip(ours["mses"], theirs["mses"]):
            assert (mine["certificate"], mine["checked_depth"]) == (yours["certificate"], yours["checked_depth"])
            assert mine["p"] == pytest.approx(yours["p"], abs=1e-5)
            assert mine["ratio"] == pytest.approx(yours["ratio"], abs=1e-5)
    return compared


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP", "SIGXCPU"])
def test_a_signal_stops_after_saving(name, undisturbed, tiny, tmp_path):
    data, whole = undisturbed
    out = tmp_path / "run"
    with started(tiny, data, out, **OPTIONS) as process:
        done = wait_for_records(process, out, 4)
        process.send_signal(getattr(signal, name))
        said, error = process.communicate(timeout=120)
    assert process.returncode == 75 and said == ""
    assert "run the same command again" in error.splitlines()[-1]
    saved = lines_without_seconds(out)
    assert done <= len(saved) < COUNT and set(saved) <= set(lines_without_seconds(whole))
    run = run_json(out)
    assert (run["status"], run["sessions"], sum(run["counts"].values())) == ("stopped", 1, len(saved))
    assert not (out / "summary.json").exists()
    seconds = {record["image"]: record["seconds"] for record in records(out)}

    finished = analyse(tiny, data, out, **OPTIONS)
    assert finished.code == 0 and f"{len(saved)} of {COUNT}" in finished.err
    assert lines_without_seconds(out) == lines_without_seconds(whole)
    assert seconds.items() <= {record["image"]: record["seconds"] for record in records(out)}.items()
    assert (run_json(out)["status"], run_json(out)["sessions"]) == ("done", 2)
    assert run_json(out)["started"] == run["started"]
    assert {**summary_json(out)["quantities"], "seconds": None} == {**summary_json(whole)["quantities"], "seconds": None}


def test_three_kills_change_nothing(undisturbed, tiny, tmp_path):
    data, whole = undisturbed
    out = tmp_path / "run"
    moments = random.Random(8)
    done = 0
    for kill in range(3):
        with started(tiny, data, out, **OPTIONS) as process:
            done = wait_for_records(process, out, done + moments.randrange(0 if kill == 0 else 1, 7))
            time.sleep(moments.uniform(0, 0.05))
            assert process.poll() is None, "the run ended too early for this test"
            process.kill()
            process.wait()
        assert run_json(out)["status"] == "running"
    assert len(records(out)) < COUNT
    assert analyse(tiny, data, out, **OPTIONS).code == 0
    assert lines_without_seconds(out) == lines_without_seconds(whole)
    assert run_json(out)["sessions"] >= 2 and run_json(out)["status"] == "done"


# ---- what run.json says of a run that ended otherwise ----------------------------------------------------------


@pytest.mark.parametrize("name, code, status", [
    ("SIGINT", 130, "stopped"), ("SIGQUIT", -signal.SIGQUIT, "stopped"),
    ("SIGABRT", -signal.SIGABRT, "failed"), ("SIGSEGV", -signal.SIGSEGV, "failed"),
])
def test_a_sudden_end_leaves_a_true_status(name, code, status, undisturbed, tiny, tmp_path):
    data, whole = undisturbed
    out = tmp_path / "run"
    with started(tiny, data, out, **OPTIONS) as process:
        wait_for_records(process, out, 3)
        process.send_signal(getattr(signal, name))
        while name == "SIGINT" and process.poll() is None:  # the second one comes before the run has saved and stopped
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    assert process.returncode == code
    assert run_json(out)["status"] == status
    validate(run_json(out), "run")
    assert analyse(tiny, data, out, **OPTIONS).code == 0
    assert lines_without_seconds(out) == lines_without_seconds(whole)


@pytest.fixture
def killed(undisturbed, tiny, tmp_path):
    """A run that SIGKILL ended, of which run.json still says that it runs."""
    data, _ = undisturbed
    with started(tiny, data, tmp_path / "killed", **OPTIONS) as process:
        wait_for_records(process, tmp_path / "killed", 3)
        process.kill()
        process.wait()
    assert run_json(tmp_path / "killed")["status"] == "running"
    return tmp_path / "killed"


def test_a_killed_run_was_interrupted(killed, undisturbed, tiny, tmp_path):
    data, _ = undisturbed
    is_refused(mse(tool="subexp", mses=killed, out=tmp_path / "counted"), 2, killed, '"interrupted"', "to its end")
    is_refused(mse(tool="crosstest", models=[tiny], data=data, maps=[killed], out=tmp_path / "cross"), 2, killed)
    sys.path.insert(0, str(ROOT / "python"))
    from xaimse.runs import RunFolder
    assert RunFolder(killed).info["status"] == "interrupted"
    finished = analyse(tiny, data, killed, **OPTIONS)
    assert finished.code == 0 and "going on after an interruption: " in finished.err
    assert RunFolder(killed).info["status"] == run_json(killed)["status"] == "done"


def test_a_run_says_who_holds_it(undisturbed, tiny, tmp_path):
    data, _ = undisturbed
    out = tmp_path / "run"
    long = {"grid": 6, "max_evaluations": 20_000, "threads": 1}
    with started(tiny, data, out, **long) as process:
        wait_for_records(process, out, 1)
        who = f"another running process ({process.pid} on {socket.gethostname()}, since 20"
        is_refused(analyse(tiny, data, out, **long), 2, out, f"is in use by {who}", "choose another --out")
        is_refused(analyse(tiny, data, out, overwrite=True, **long), 2, who)
        is_refused(mse(tool="subexp", mses=out, out=tmp_path / "counted"), 2, f"is still written to by {who}")
        assert process.poll() is None, "the run ended too early for this test"
    finished = analyse(tiny, data, out, overwrite=True, **OPTIONS)  # what the killed one left there holds nobody
    assert finished.code == 0, finished.err
    assert (out / ".lock").read_text() == ""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_pipe_does_not_end_a_run(stream, undisturbed, tiny, tmp_path):
    data, whole = undisturbed
    read_end, write_end = os.pipe()
    os.close(read_end)
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: write_end}
    done = subprocess.run(command(model=tiny, data=data, out=tmp_path / "run", **PLAIN, **OPTIONS), timeout=300,
                          env=environment(), **streams)
    os.close(write_end)
    assert done.returncode == 0
    assert run_json(tmp_path / "run")["status"] == "done"
    assert lines_without_seconds(tmp_path / "run") == lines_without_seconds(whole)


def test_a_limit_of_file_sizes_fails_in_one_line(undisturbed, tiny, tmp_path):
    data, whole = undisturbed
    limited = subprocess.run(["bash", "-c", 'ulimit -f 16; exec "$@"', "bash",
                              *command(model=tiny, data=data, out=tmp_path / "run", **PLAIN, **OPTIONS)],
                             capture_output=True, text=True, timeout=300, env=environment())
    is_refused(Finished(limited.returncode, limited.stdout, limited.stderr), 1, "File too large", "ulimit -f")
    assert run_json(tmp_path / "run")["status"] == "failed"
    assert analyse(tiny, data, tmp_path / "run", **OPTIONS).code == 0
    assert lines_without_seconds(tmp_path / "run") == lines_without_seconds(whole)


def test_a_start_that_fails_is_no_running_run(tiny, photos, tmp_path):
    bad = make_model(tmp_path / "bad", NotANumber)
    assert analyse(bad, photos, tmp_path / "run").code == 2
    assert run_json(tmp_path / "run")["status"] == "failed"
    assert analyse(tiny, photos, tmp_path / "run", max_size=1).code == 0
    assert run_json(tmp_path / "run")["status"] == "done"


def test_a_torn_record_is_cut_off(undisturbed, tiny, tmp_path):
    data, whole = undisturbed
    out = tmp_path / "run"
    with started(tiny, data, out, **OPTIONS) as process:
        wait_for_records(process, out, 3)
        process.kill()
        process.wait()
    journal = out / "results.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    finished = analyse(tiny, data, out, **OPTIONS)
    assert finished.code == 0 and any("cutting off" in line for line in finished.lines("warning"))
    assert lines_without_seconds(out) == lines_without_seconds(whole)


@pytest.mark.parametrize("options", [
    {"batch_size": 1, "images_in_flight": 1},
    {"batch_size": 7, "images_in_flight": 8, "threads": 2},
    {"batch_size": 32, "images_in_flight": 8, "threads": 1},
    {"batch_size": 32, "images_in_flight": 1, "tune": "fast"},
], ids=str)
def test_the_packing_of_batches_changes_nothing(options, undisturbed, tiny, tmp_path):
    data, whole = undisturbed
    assert analyse(tiny, data, tmp_path / "run", limit=12, **{**OPTIONS, **options}).code == 0
    assert is_like(tmp_path / "run", whole, 12) >= 4


def test_another_packing_may_go_on(undisturbed, tiny, tmp_path):
    data, whole = undisturbed
    out = tmp_path / "run"
    with started(tiny, data, out, **{**OPTIONS, "tune": "fast"}) as process:
        wait_for_records(process, out, 18)
        process.terminate()
        process.communicate(timeout=120)
    assert process.returncode == 75
    tuning = run_json(out)["tuning"]
    assert tuning["mode"] == "fast" and tuning["measured"]
    is_refused(analyse(tiny, data, out, **{**OPTIONS, "max_evaluations": 1199}), 2, "max_evaluations")
    other = {**OPTIONS, "batch_size": 7, "threads": 2, "images_in_flight": 8, "tune": "fast",
             "quiet": True}
    assert analyse(tiny, data, out, **other).code == 0
    assert run_json(out)["tuning"]["choice"] == tuning["choice"]
    assert run_json(out)["platform"]["batch_size"] == 7
    assert is_like(out, whole) > COUNT / 4

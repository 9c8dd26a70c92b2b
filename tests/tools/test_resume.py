"""Runs of xai-mse that are stopped, killed, and gone on with, perhaps in other batches: the same results."""

import random
import re
import signal
import time

import pytest
from conftest import analyse, is_refused, make_photos, records, run_json, started, summary_json, timeless

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


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1"])
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

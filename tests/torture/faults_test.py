"""What the system refuses, and what else goes wrong: one clear line, the exit code, and a folder that a later run ends as if nothing had been."""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import time

import pytest
import tiny_models
from conftest import PATIENCE, PHOTOGRAPHS, ROOT, ROUNDS, TOOLS, faults, once, read_log, same_results
from tiny_models import make_model
from tools import PLAIN, analyse, command, is_refused, make_photos, mse, records, run_json, timeless, validate

# ---- calls that fail: the N-th on a file of the run's folder ----------------------------------------------------

REFUSALS = [("write", "ENOSPC"), ("write", "EIO"), ("write", "torn"), ("write", "short"), ("fsync", "EIO"), ("rename", "EIO"),
            ("create", "ENOSPC"), ("create", "EACCES"), ("ftruncate", "EIO"), ("mkdir", "EROFS"), ("read", "EIO"),
            ("change", "EIO"), ("change", "ENOSPC")]


def clear(finished, out):
    """Exit code 1, and one line of error that names a file of the run and says what to do."""
    is_refused(finished, 1, out)
    assert "; " in finished.lines("error")[0], finished.err


def test_every_refused_call_is_told_and_survived(jobs, chance, say, tmp_path):
    seen = {0: 0, 1: 0}
    for number in range(max(1, ROUNDS // 6)):
        job = jobs(chance.choice(TOOLS))
        call, what = chance.choice(REFUSALS)
        first = chance.randint(1, max(1, job.calls[call]))
        fault = f"{call}:{first}{chance.choice(['', '+'])}:{what}"
        out, log = tmp_path / str(number), tmp_path / f"{number}.log"
        finished = job.run(out, env=faults(out, fault, log))
        hits, _ = read_log(log)
        story = f"xai-{job.tool}, {fault}, hits {hits[:3]}"
        try:
            assert finished.code in (0, 1), finished.err
            seen[finished.code] += 1
            if finished.code == 1:
                clear(finished, out)
            else:  # it was never called so often, or one can do without
                same_results(out, job.whole)
            job.goes_on(out)
        except AssertionError as error:
            raise AssertionError(f"{story}: {error}") from error
    say(f"{seen[1]} faults ended a run, {seen[0]} did not; the results of an undisturbed run after each")


@pytest.mark.parametrize("tool", ["mse", "crosstest"] if ROUNDS <= 20 else TOOLS)
def test_short_writes_and_reads_change_nothing(tool, jobs, tmp_path):
    job = jobs(tool)
    for calls in ("write", "read"):
        out = tmp_path / calls
        finished = job.run(out, env=faults(out, f"{calls}:1+:short"))
        assert finished.code == 0, finished.err
        same_results(out, job.whole)
        if ROUNDS <= 20:
            break


@once
def test_a_full_disk(jobs, chance, say, tmp_path):
    job = jobs(chance.choice(TOOLS))
    disk = tmp_path / "disk"
    disk.mkdir()
    kilobytes = chance.choice([8, 16, 24, 32, 48])
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "xai-test", disk]).returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        clear(job.run(disk / "run"), disk / "run")
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        job.goes_on(disk / "run")
    finally:
        subprocess.run(["umount", "-l", disk])
    say(f"xai-{job.tool} filled a disk of {kilobytes} kB")


# ---- photographs -----------------------------------------------------------------------------------------------


def copy_job(job, tmp_path):
    """Inputs of their own, so that one may spoil them."""
    shutil.copytree(job.folder / "photos", tmp_path / "photos")
    return tmp_path / "photos"


def kill_after(job, out, wanted, **more):
    """A run that is killed once it has so many records; it may have more."""
    process = job.start(out, **more)
    with contextlib.suppress(FileNotFoundError):
        while process.poll() is None:
            if (out / "results.jsonl").exists() and (out / "results.jsonl").read_bytes().count(b"\n") >= wanted:
                break
            time.sleep(0.001)
    process.kill()
    process.communicate()


@once
def test_photographs_that_come_and_go_between_sessions(jobs, chance, tmp_path):
    job = jobs(chance.choice(TOOLS))
    data, out = copy_job(job, tmp_path), tmp_path / "run"
    kill_after(job, out, chance.randint(1, 3), data=data)
    victim = data / f"photo{chance.randrange(PHOTOGRAPHS):02d}.png"
    content = victim.read_bytes()
    victim.unlink()
    gone = job.run(out, data=data)
    if (out / "results.jsonl").stat().st_size:  # which a run of xai-crosstest may not have yet
        is_refused(gone, 2, "another run: data." if job.tool != "crosstest" else "another run: ")
    victim.write_bytes(content)
    if gone.code == 2:
        finished = job.run(out, data=data)
        assert finished.code == 0, finished.err
        same_results(out, job.whole)


def test_a_photograph_that_changed_is_told_where_it_is_read_again(jobs, tmp_path):
    job = jobs("crosstest")
    data, out = copy_job(job, tmp_path), tmp_path / "run"
    kill_after(job, out, 1, data=data)
    victim = data / "photo00.png"
    content = victim.read_bytes()
    other = (data / "photo01.png").read_bytes()
    victim.write_bytes(other)
    finished = job.run(out, data=data)
    assert finished.code in (0, 3), finished.err
    assert any("photo00.png" in line for line in finished.lines("warning")), finished.err
    victim.write_bytes(content)
    if finished.code == 0:  # every pair was tested, and only its picture is missing
        return
    again = job.run(out, data=data)
    assert again.code == 0, again.err
    same_results(out, job.whole)


def test_photographs_that_vanish_while_a_run_reads_them(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 60)
    options = {**PLAIN, "grid": 4, "max_evaluations": 300, "images_in_flight": 2, "threads": 1}
    assert analyse(tiny, data, tmp_path / "whole", **options).code == 0
    process = subprocess.Popen(command(model=tiny, data=data, out=tmp_path / "run", **options), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    while process.poll() is None and not (tmp_path / "run/results.jsonl").exists():
        time.sleep(0.001)
    (tmp_path / "aside").mkdir()
    for photo in sorted(data.iterdir())[40:]:
        photo.rename(tmp_path / "aside" / photo.name)
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3, error
    failed = [record for record in records(tmp_path / "run") if record["status"] == "error"]
    assert failed and all(record["image"] in record["reason"] or "No such file" in record["reason"] for record in failed)
    for photo in (tmp_path / "aside").iterdir():
        photo.rename(data / photo.name)
    assert analyse(tiny, data, tmp_path / "run", **options).code == 0
    assert timeless(tmp_path / "run") == timeless(tmp_path / "whole")


@once
def test_a_photograph_that_the_disk_does_not_give(jobs, chance, tmp_path):
    job = jobs(chance.choice(["mse", "subexp", "saliency"]))
    data, out = copy_job(job, tmp_path), tmp_path / "run"
    finished = job.run(out, data=data, env=faults(data, f"read:{chance.randint(1, 2 * PHOTOGRAPHS)}:EIO"))
    assert finished.code in (0, 3), finished.err
    if finished.code == 3:
        assert any("Input/output error" in line for line in finished.lines("warning")), finished.err
    assert job.run(out, data=data).code == 0
    same_results(out, job.whole)


# ---- clocks and memory -----------------------------------------------------------------------------------------


@once
def test_a_clock_that_jumps(jobs, chance, tmp_path):
    job = jobs(chance.choice(TOOLS))
    out = tmp_path / "run"
    jumps = faults(out, f"change:{chance.randint(5, 25)}:kill", XAI_CLOCK_JUMPS=str(chance.randint(1, 1000)))
    job.run(out, env=jumps)
    assert job.run(out, env={**jumps, "XAI_FAULT": ""}).code == 0
    same_results(out, job.whole)
    assert run_json(out)["seconds"] >= 0 and all(record.get("seconds", 0) >= 0 for record in records(out))
    validate(run_json(out), "run")


class Forgetful(tiny_models.Tiny):
    """Tiny, whose memory is used up after some batches, as torch's allocator says it."""

    def __init__(self, classes: int):
        super().__init__(classes)
        self.batches = 0

    def forward(self, x):
        self.batches += 1
        if self.batches > 150:
            raise RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes")
        x = tiny_models.torch.nn.functional.conv2d(x, self.kernels / 9, stride=2, padding=2).relu()
        x = tiny_models.torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1)
        return (0.5 * x @ self.hidden.T).tanh() @ self.head.T


class Large(tiny_models.Tiny):
    """Tiny, with no memory for more than three images."""

    def forward(self, x):
        if x.size(0) > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes")
        x = tiny_models.torch.nn.functional.conv2d(x, self.kernels / 9, stride=2, padding=2).relu()
        x = tiny_models.torch.nn.functional.adaptive_avg_pool2d(x, 4).flatten(1)
        return (0.5 * x @ self.hidden.T).tanh() @ self.head.T


def test_memory_that_runs_out(tiny, photos, tmp_path):
    options = {"grid": 3, "threads": 1, "images_in_flight": 1}
    assert analyse(tiny, photos, tmp_path / "whole", **options).code == 0
    forgetful = make_model(tmp_path / "forgetful", Forgetful)
    sessions = 0
    while (finished := analyse(forgetful, photos, tmp_path / "run", **options)).code != 0:
        is_refused(finished, 2, "out of memory", "even for a batch of one")
        assert run_json(tmp_path / "run")["status"] == "failed"
        sessions += 1
        assert sessions < 10, "no session gets anything done"
    assert sessions > 0
    assert timeless(tmp_path / "run") == timeless(tmp_path / "whole")


def test_memory_for_less_than_a_batch(tiny, photos, tmp_path):
    options = {"grid": 3, "threads": 1}
    finished = analyse(make_model(tmp_path / "large", Large), photos, tmp_path / "run", **options)
    assert finished.code == 0 and "out of memory" in finished.err, finished.err
    assert analyse(tiny, photos, tmp_path / "whole", batch_size=2, **options).code == 0
    assert [r["mses"] for r in timeless(tmp_path / "run")] == [r["mses"] for r in timeless(tmp_path / "whole")]


# ---- several processes -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def held_up(job, out, env=None, **more):
    """A run that stands still in the middle, with a few records, while the block runs, and then ends."""
    process = job.start(out, env=env, **more)
    end = time.monotonic() + 60

    def is_under_way():
        lock = out / ".lock"
        held = (lock.exists() and lock.stat().st_size > 0) or (out / ".lock.held").exists()
        return held and (out / "results.jsonl").exists()

    while process.poll() is None and time.monotonic() < end and not is_under_way():
        time.sleep(0.002)
    process.send_signal(signal.SIGSTOP)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, error


@once
@pytest.mark.parametrize("locks", ["locks", "no locks"])
def test_two_processes_on_one_folder(locks, jobs, chance, tmp_path):
    job = jobs(chance.choice(TOOLS))
    out = tmp_path / "run"
    env = faults(out, f"flock:1+:{chance.choice(['ENOLCK', 'ENOSYS', 'EOPNOTSUPP'])}") if locks == "no locks" else {}
    with held_up(job, out, env):
        for more in ({}, {"overwrite": True}):
            is_refused(job.run(out, env=env, **more), 2, out, "in use by another running process (")
    same_results(out, job.whole)


@once
def test_a_lock_that_a_killed_process_left_without_locks(jobs, chance, tmp_path):
    job = jobs(chance.choice(TOOLS))
    out = tmp_path / "run"
    kill_after(job, out, 1, env=faults(out, "flock:1+:ENOLCK"))
    assert (out / ".lock.held").exists()
    begin = time.monotonic()
    finished = job.run(out, env=faults(out, "flock:1+:ENOLCK"))
    assert finished.code == 0, finished.err
    assert "taking over from a process that is gone" in finished.err
    assert time.monotonic() - begin < 30, "it is told by the process' number"
    same_results(out, job.whole)


@once
def test_a_folder_that_is_copied_while_it_is_written(jobs, chance, tmp_path):
    job = jobs(chance.choice(TOOLS))
    out, copy = tmp_path / "run", tmp_path / "copy"
    process = job.start(out)
    while process.poll() is None and not (out / "results.jsonl").exists():
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.2))
    subprocess.run(["cp", "-a", out, copy], stderr=subprocess.DEVNULL)  # files come and go
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, error
    if run_json(copy)["status"] == "running" and job.tool == "mse":
        is_refused(mse(tool="subexp", mses=copy, out=tmp_path / "counted"), 2, copy, '"interrupted"')
    job.goes_on(copy)
    same_results(out, job.whole)


def test_who_reads_a_run_finds_it_as_it_was(jobs, tmp_path):
    job = jobs("mse")
    whole, out = tmp_path / "mses", tmp_path / "counted"
    shutil.copytree(job.whole, whole)
    process = subprocess.Popen(command(tool="subexp", mses=whole, out=out, threads=1), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               stdin=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end and not (out / "results.jsonl").exists():
        time.sleep(0.002)
    process.send_signal(signal.SIGSTOP)
    try:
        assert job.run(whole).code == 0  # nothing to do
        is_refused(job.run(whole, overwrite=True), 2, whole, "is being read by another running process")
    finally:
        process.send_signal(signal.SIGCONT)
    _, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, error
    assert job.run(whole, overwrite=True).code == 0
    with held_up(job, whole, overwrite=True):
        is_refused(mse(tool="subexp", mses=whole, out=out, overwrite=True), 2, whole, "is still written to by another running process (")


def test_python_knows_who_writes_without_locks(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT / "python"))
    from xaimse import runs

    def no_locks(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(runs.fcntl, "flock", no_locks)
    (tmp_path / ".lock").touch()
    assert not runs.is_written_to(tmp_path)
    (tmp_path / ".lock.held").touch()
    assert runs.is_written_to(tmp_path)
    os.utime(tmp_path / ".lock.held", (time.time() - 3600,) * 2)
    assert not runs.is_written_to(tmp_path)

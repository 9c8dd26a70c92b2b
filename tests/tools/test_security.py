"""What docs/security.md promises: names and texts are only that, links lead nowhere, nothing leaves the run folder."""

import csv
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import PLAIN, ROOT, analyse, command, environment, is_refused, make_photos, mse, photo, records, run_json
from tiny_models import Tiny, make_model
from torch import nn

RISE = {"method": "rise", "size": 4, "rise_masks": 20, "rise_cells": 2, "steps": 8, "baseline": "black"}
OF_TOOL = {"mse": {"grid": 2, "pictures": 20, "save_scores": True},
           "subexp": {"tool": "subexp", "grid": 2, "pictures": None, "graphs": "all"},
           "saliency": {"tool": "saliency", "pictures": 20, **RISE},
           "crosstest": {"tool": "crosstest", "pictures": 20, **RISE}}


def run(tool, model, data, out, **more):
    models = {"model": None, "models": [model]} if tool == "crosstest" else {"model": model}
    return mse(data=data, out=out, **{**PLAIN, **OF_TOOL[tool], **models, **more})


def tree(folder):
    """What lies in a folder: links as such, files by their content."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        link = os.readlink(path) if path.is_symlink() else None
        found[str(path.relative_to(folder))] = link or (path.read_bytes() if path.is_file() else "folder")
    return found


# ---- models are code --------------------------------------------------------------------------------------------


class Speaks(nn.Module):
    """Runs code of its own when it is loaded."""

    def __init__(self):
        super().__init__()
        self.training = False

    def forward(self, x):
        return x.mean([2, 3])

    @torch.jit.export
    def __getstate__(self):
        return (self.training,)

    @torch.jit.export
    def __setstate__(self, state: tuple[bool]):
        self.training = state[0]
        print("the model's own code runs")


def test_a_model_is_code_and_is_not_loaded_unless_its_hash_is_the_cards(photos, tmp_path):
    model = make_model(tmp_path, Speaks())
    loaded = analyse(model, photos, tmp_path / "run", grid=2)
    assert "the model's own code runs" in loaded.out  # TorchScript is code: that is why hashes matter
    for name, change in {"changed": lambda b: b[:-1] + bytes([b[-1] ^ 1]), "longer": lambda b: b + b"\0"}.items():
        other = make_model(tmp_path / name, Speaks())
        other.write_bytes(change(other.read_bytes()))
        refused = analyse(other, photos, tmp_path / f"run-{name}", grid=2)
        is_refused(refused, 2, other, "is not the file its card describes (sha256 differs)")
        assert "own code" not in refused.out + refused.err


def test_a_card_that_came_with_another_model_is_told_by_the_expected_hash(tiny, photos, tmp_path):
    if "--expect-sha256" not in mse("--help").out:
        pytest.skip("this build has no --expect-sha256")
    right = hashlib.sha256(tiny.read_bytes()).hexdigest()
    assert analyse(tiny, photos, tmp_path / "run", grid=2, expect_sha256=right).code == 0
    model = make_model(tmp_path / "swapped", Speaks())
    refused = analyse(model, photos, tmp_path / "refused", grid=2, expect_sha256=right)
    is_refused(refused, 2, "--expect-sha256")
    assert "own code" not in refused.err and not (tmp_path / "refused").exists()


def test_what_a_card_names_is_read_only(photos, tmp_path):
    model = make_model(tmp_path / "model", class_list={"file": "../lists/classes.json"})
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/classes.json").write_text('{"0": ["a", "one"], "1": ["b", "two"], "2": ["c", "three"]}')
    before = tree(tmp_path)
    assert analyse(model, photos, tmp_path / "run", grid=2, limit=1).code == 0
    assert {name: content for name, content in tree(tmp_path).items() if not name.startswith("run")} == before
    assert run_json(tmp_path / "run")["class_names"] == ["one", "two", "three"]


class RunsACommand:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return (os.system, (self.command,))


def test_checkpoints_are_read_without_running_what_they_hold(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "python"))
    from xaimse.export.errors import Refusal
    from xaimse.export.weights import load_weights

    proof = tmp_path / "proof"
    evil = RunsACommand(f"touch {proof}")
    torch.save({"state_dict": {"w": torch.zeros(1)}, "more": evil}, tmp_path / "new.pt")
    torch.save({"w": evil}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(evil))
    for name in ("new.pt", "old.pt", "plain.pth"):
        with pytest.raises(Refusal):
            load_weights(tmp_path / name)
        assert not proof.exists()
    torch.load(tmp_path / "new.pt", weights_only=False)  # what the others would have done
    assert proof.exists()


# ---- names and texts --------------------------------------------------------------------------------------------

HOSTILE = ['=HYPERLINK("http://x")', '"><script>alert(1)</script>&lt;', "a\x1b]0;title\x07\nerror: forged\r\x7f\u009b2J"]
NAMES = ["\x1b[2J\x1b[31mred.png", "one\nerror: forged.png", '"><script>alert(1)<.png', "$(touch x) `touch y`.png", "-rf.png",
         "=1+1.png", "{} %s %n.png", "\u202e\u009b2J.png", "a..png.png", "%2e%2e%2f.png"]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A model whose texts, and photographs whose names, are made to be taken for something else; one is broken."""
    folder = tmp_path_factory.mktemp("hostile")
    model = make_model(folder, name="=cmd|' \"><script>", family="=1+1\n\x1b[31m", names=HOSTILE, ids=HOSTILE,
                       class_list={"ids": HOSTILE, "names": HOSTILE})
    (folder / "data").mkdir()
    for seed, name in enumerate(NAMES):
        photo(seed).save(folder / "data" / name)
    (folder / "data/\x1b[5mbroken\n.png").write_bytes(b"no image")
    return model, folder / "data"


def is_plain(text):
    """No control character but the ends of lines reaches the terminal."""
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), ascii(text)


@pytest.mark.parametrize("tool", OF_TOOL)
def test_names_are_text_and_nothing_else(tool, hostile, tmp_path):
    model, data = hostile
    before = tree(data.parent)
    done = run(tool, model, data, tmp_path / "run")
    assert done.code == 3, done.err
    is_plain(done.out + done.err)
    assert "forged" not in "".join(done.lines("error")) and any("broken" in line for line in done.lines("warning"))
    assert tree(data.parent) == before and [path.name for path in tmp_path.iterdir()] == ["run"]
    assert {record["image"] for record in records(tmp_path / "run")} == {*NAMES, "\x1b[5mbroken\n.png"}
    assert run_json(tmp_path / "run")["class_names"] == HOSTILE
    for record in records(tmp_path / "run"):
        for field in ("picture", "map", "graph"):
            if record.get(field):
                file = tmp_path / "run" / record[field]
                assert file.is_file() and (tmp_path / "run") in file.resolve().parents
    for drawing in (tmp_path / "run").rglob("*.svg"):
        assert "<script" not in drawing.read_text()
    kinds = {path.suffix for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert kinds <= {".json", ".jsonl", ".csv", ".png", ".npy", ".dot", ".svg", ""}  # no HTML
    for picture in (tmp_path / "run").rglob("*.png"):
        assert picture.is_dir() or not re.search(b"tEXt|iTXt|zTXt", picture.read_bytes())
    again = run(tool, model, data, tmp_path / "run")
    is_plain(again.out + again.err)


def test_cells_of_tables_are_quoted_and_left_as_they_are(hostile, tmp_path):
    """A name that a spreadsheet takes for a formula is not changed: names are keys, and the tables are for programs."""
    model, data = hostile
    second = make_model(tmp_path, Tiny(3), name='+a,"b"\r', family="=1+1\n\x1b[31m", class_list={"ids": HOSTILE, "names": HOSTILE})
    assert mse(tool="crosstest", models=[model, second], data=data, out=tmp_path / "run", tune="off", batch_size=8,
               pictures=0, **RISE).code == 2  # a name of a model is a file's, too
    card = json.loads(second.with_suffix(".json").read_text())
    second.with_suffix(".json").write_text(json.dumps({**card, "name": '+a,"b"'}))
    crossed = mse(tool="crosstest", models=[model, second], data=data, out=tmp_path / "run", tune="off", batch_size=8,
                  pictures=0, **RISE)
    assert crossed.code == 3, crossed.err
    for table in ("matrix.csv", "landscape.csv", "family_matrix.csv"):
        rows = list(csv.reader(io.StringIO((tmp_path / "run" / table).read_bytes().decode(), newline="")))
        assert len({len(row) for row in rows}) == 1, table
        cells = {cell for row in rows for cell in row}
        names = {"=1+1\n\x1b[31m"} if table == "family_matrix.csv" else {"=cmd|' \"><script>", '+a,"b"'}
        assert all(any(name in cell for cell in cells) for name in names), (table, cells)


@pytest.mark.parametrize("name", ["../../x", "/x", ".x", "..", "a/b", "a\nb", "a\x1b[31m", "a\0b", ""])
def test_a_models_name_is_no_path(name, tiny, photos, tmp_path):
    model = make_model(tmp_path / "model", name="plain")
    card = json.loads(model.with_suffix(".json").read_text())
    model.with_suffix(".json").write_text(json.dumps({**card, "name": name}))
    refused = analyse(model, photos, tmp_path / "run", grid=2)
    is_refused(refused, 2, "field /name must be a name and no path")
    is_plain(refused.err)
    assert not (tmp_path / "run").exists()


def test_listed_photographs_outside_stay_outside_and_their_results_inside(tiny, tmp_path):
    make_photos(tmp_path / "elsewhere", 2)
    make_photos(tmp_path / "data/in", 1)
    (tmp_path / "data/in/list.txt").write_text("photo00.png\n../../elsewhere/photo01.png\n"
                                               f"{tmp_path / 'elsewhere/photo00.png'}\n")
    before = tree(tmp_path)
    assert analyse(tiny, tmp_path / "data/in/list.txt", tmp_path / "run", grid=2, pictures=9, save_scores=True).code == 0
    made = {name: content for name, content in tree(tmp_path).items() if not name.startswith("run")}
    assert made == before and len(records(tmp_path / "run")) == 3


# ---- links ------------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path):
    """A folder of somebody else's."""
    folder = tmp_path / "elsewhere"
    make_photos(folder, 1)
    (folder / "precious.txt").write_text("x" * 9000)
    (folder / "empty").mkdir()
    return folder


FOLDERS = {"mse": ["images", "scores"], "subexp": ["graphs"], "saliency": ["images", "maps"],
           "crosstest": ["images", "predictions", "baselines", "saliency", "saliency/tiny"]}


@pytest.mark.parametrize("tool", OF_TOOL)
def test_nothing_is_written_or_deleted_through_a_link(tool, elsewhere, tiny, photos, tmp_path):
    whole = tmp_path / "whole"
    assert run(tool, tiny, photos, whole).code == 0
    before = tree(elsewhere)
    targets = {**dict.fromkeys(("results.jsonl", ".lock", "run.json"), "precious.txt"),
               **dict.fromkeys(FOLDERS[tool], "empty")}
    for number, (name, target) in enumerate(targets.items()):
        out = tmp_path / "run"
        shutil.copytree(whole, out)
        place = out / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        place.symlink_to(elsewhere / target)
        if name.startswith("saliency"):  # maps are made again
            (out / "results.jsonl").write_bytes(b"")
        refused = run(tool, tiny, photos, out, overwrite=number % 2 == 0)
        is_refused(refused, 2, name, "is a symbolic link, through which nothing is written")
        assert tree(elsewhere) == before and place.is_symlink(), name
        shutil.rmtree(out)


@pytest.mark.parametrize("tool", OF_TOOL)
def test_planted_links_in_the_place_of_files_are_replaced(tool, elsewhere, tiny, photos, tmp_path):
    """A temporary name can be guessed, and what a run will write, too."""
    whole, out = tmp_path / "whole", tmp_path / "run"
    assert run(tool, tiny, photos, whole).code == 0
    files = [name for name, content in tree(whole).items() if isinstance(content, bytes) and "saliency/" not in name]
    opened = ("results.jsonl", ".lock", "run.json", "summary.json", "summary.csv", "predictions/", "baselines/")
    planted = {f"{name}.tmp" for name in files} | {name for name in files if not name.startswith(opened)}
    planted -= {".lock.tmp"} | {name for name in planted if "/" not in name and name.endswith(".csv")}
    before = tree(elsewhere)
    (out / "saliency").mkdir(parents=True)
    for name in planted:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).symlink_to(elsewhere / "precious.txt")
    (out / "run.json").write_text((whole / "run.json").read_text())  # a run that was killed before its first record
    (out / "results.jsonl").write_text("")
    done = run(tool, tiny, photos, out)
    assert done.code == 0, done.err
    assert tree(elsewhere) == before
    for name in files:
        assert (out / name).is_file() and not (out / name).is_symlink(), name
    for name in files:
        if not name.startswith(opened) and "/" in name:
            (out / name).unlink()
            (out / name).symlink_to(elsewhere / "precious.txt")
    assert run(tool, tiny, photos, out, overwrite=True).code == 0
    assert tree(elsewhere) == before


def test_a_deeper_link_ends_a_run_in_one_line(elsewhere, tiny, tmp_path):
    make_photos(tmp_path / "data/n01", 1)
    run_folder = tmp_path / "run"
    assert analyse(tiny, tmp_path / "data", run_folder, grid=2, pictures=1, limit=1).code == 0
    shutil.rmtree(run_folder / "images/n01")
    (run_folder / "images/n01").symlink_to(elsewhere / "empty")
    (run_folder / "results.jsonl").write_text("")
    before = tree(elsewhere)
    is_refused(analyse(tiny, tmp_path / "data", run_folder, grid=2, pictures=1, limit=1), 1, run_folder / "images/n01",
               "it is a symbolic link")
    assert analyse(tiny, tmp_path / "data", run_folder, grid=2, pictures=0, limit=1, overwrite=True).code == 0
    assert tree(elsewhere) == before and (run_folder / "images/n01").is_symlink()


def test_a_merge_writes_through_no_link(elsewhere, tiny, tmp_path):
    for seed in range(2):
        make_photos(tmp_path / f"data/n{seed}", 1)
    shards = [tmp_path / f"shards/{index}" for index in range(2)]
    for index, shard in enumerate(shards):
        done = analyse(tiny, tmp_path / "data", shard, grid=2, pictures=9, num_shards=2, shard_index=index)
        assert done.code == 0, done.err
    before = tree(elsewhere)
    for place, code in {"images": 2, "images/n1": 1, "results.jsonl": 2, ".lock": 2}.items():
        merged = tmp_path / "merged"
        assert mse(merged, *shards, tool="merge").code == 0
        shutil.rmtree(merged / place) if (merged / place).is_dir() else (merged / place).unlink()
        (merged / place).symlink_to(elsewhere / ("empty" if place.startswith("images") else "precious.txt"))
        is_refused(mse(merged, *shards, tool="merge", overwrite=True), code, place, "is a symbolic link")
        assert tree(elsewhere) == before
        shutil.rmtree(merged)


# ---- what is in the way -----------------------------------------------------------------------------------------


def test_pipes_devices_and_endless_files_are_errors_and_nobody_waits(tiny, tmp_path):
    data = make_photos(tmp_path / "data", 2)
    os.mkfifo(data / "pipe.png")
    os.mkfifo(data / "pipe")
    (data / "zero.png").symlink_to("/dev/zero")
    (data / "terminal.png").symlink_to("/dev/tty")
    (data / "self.png").symlink_to("self.png")
    with open(data / "sparse.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(1 << 40)
    (data / "loop").symlink_to(data)
    began = time.monotonic()
    done = analyse(tiny, data, tmp_path / "run", grid=2, max_pixels=100_000)
    assert done.code == 3 and time.monotonic() - began < 60
    reasons = {record["image"]: record["reason"] for record in records(tmp_path / "run") if record["status"] == "error"}
    assert set(reasons) == {"pipe.png", "zero.png", "terminal.png", "self.png", "sparse.png", "loop/"}
    for name in ("pipe.png", "zero.png", "terminal.png"):
        assert "not a regular file" in reasons[name]
    assert "a file of more than 64 MB" in reasons["sparse.png"] and "a loop" in reasons["loop/"]
    assert run_json(tmp_path / "run")["peak_memory_bytes"] < 2 << 30


@pytest.mark.parametrize("name", ["run.json", "results.jsonl", ".lock"])
def test_a_pipe_in_a_run_folder_is_refused(name, tiny, photos, tmp_path):
    assert analyse(tiny, photos, tmp_path / "run", grid=2, limit=1).code == 0
    (tmp_path / "run" / name).unlink()
    os.mkfifo(tmp_path / "run" / name)
    for more in ({}, {"overwrite": True}, {"dry_run": True}):
        is_refused(analyse(tiny, photos, tmp_path / "run", grid=2, limit=1, **more), 2, name, "no regular file")


def test_a_pipe_in_the_place_of_a_card_is_refused(photos, tmp_path):
    model = make_model(tmp_path)
    model.with_suffix(".json").unlink()
    os.mkfifo(model.with_suffix(".json"))
    is_refused(analyse(model, photos, tmp_path / "run", grid=2), 2, "is no file")


# ---- the system is asked for nothing else -----------------------------------------------------------------------

CHANGES = "open,openat,creat,mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat," \
          "truncate,chmod,fchmodat,chown,fchownat,mknod,mknodat,utimensat,rmdir"


def traced(words, log, **more):
    """Runs a command under strace; gives its network calls, and the paths that it changed or opened to write."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    done = subprocess.run(["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "4096", "-o", str(log), "-e", f"trace=%network,{CHANGES}", *words],
                          capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL, **more)
    if "Operation not permitted" in done.stderr and not log.stat().st_size:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    network, written = [], []
    for line in log.read_text(errors="replace").splitlines():
        call = line.split(None, 1)[1]
        name = call.partition("(")[0]
        if re.match(r"(socket|connect|bind|sendto|sendmsg|recvfrom|listen|accept)", name):
            network.append(call)
        elif name in CHANGES.split(","):
            opens = name in ("open", "openat")
            if call.endswith("ENOENT (No such file or directory)") or (opens and not re.search("O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", call)):
                continue
            base = re.match(r"\w+\((?:AT_FDCWD<|\d+<)([^>]*)>", call)
            for path in re.findall(r'"((?:[^"\\]|\\.)*)"', call):
                written.append(str(Path(base[1] if base else more.get("cwd", os.getcwd())) / path))
    return network, written


@pytest.mark.parametrize("tool", OF_TOOL)
def test_a_run_opens_no_socket_and_writes_only_below_its_folder(tool, tiny, photos, tmp_path):
    out = tmp_path / "run"
    models = {"models": [tiny]} if tool == "crosstest" else {"model": tiny}
    words = command(data=photos, out=out, **{**OF_TOOL[tool], **models, "tune": "fast", "batch_size": 8})
    home = tmp_path / "home"
    home.mkdir()
    network, written = traced(words, tmp_path / "log", env=environment(HOME=str(home), TMPDIR=str(home)), cwd=home)
    assert network == []
    below = [path for path in written if Path(path) == out or out in Path(path).parents]
    assert len(below) > 10, written
    assert set(written) - set(below) <= {"/dev/null", "/dev/tty"}
    assert not list(home.iterdir())


def test_readers_of_runs_open_no_socket_and_write_nothing(tiny, photos, tmp_path):
    assert analyse(tiny, photos, tmp_path / "run", grid=2, limit=2).code == 0
    if subprocess.run([sys.executable, "-c", "import pandas"], capture_output=True, check=False).returncode:
        pytest.skip("pandas is not installed")
    words = [sys.executable, "-B", "-m", "xaimse.results", str(tmp_path / "run")]
    network, written = traced(words, tmp_path / "log", env=environment(PYTHONPATH=str(ROOT / "python")), cwd=tmp_path)
    assert network == []
    assert set(written) <= {"/dev/null", "/dev/tty"}


def test_an_export_opens_no_socket_unless_it_is_asked_for_weights(tmp_path):
    if subprocess.run([sys.executable, "-c", "import timm"], capture_output=True, check=False).returncode:
        pytest.skip("timm is not installed")
    words = [sys.executable, "-B", "-m", "xaimse.export", "test_resnet", "--random-init", "--out", str(tmp_path / "models")]
    (tmp_path / "home").mkdir()
    more = {"PYTHONPATH": str(ROOT / "python"), "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "home")}
    network, written = traced(words, tmp_path / "log", env=environment(**more), cwd=tmp_path)
    assert [call for call in network if "AF_INET" in call] == []
    places = (tmp_path / "models", tmp_path / "home", Path("/dev"), Path("/proc"))
    assert [path for path in written if not any(place == Path(path) or place in Path(path).parents for place in places)] == []


def test_readers_of_runs_print_names_as_text(hostile, tmp_path):
    model, data = hostile
    if subprocess.run([sys.executable, "-c", "import pandas"], capture_output=True, check=False).returncode:
        pytest.skip("pandas is not installed")
    assert analyse(model, data, tmp_path / "run", grid=2).code == 3
    for more in ([], ["--table", "records"], ["--images", "x\x1b[2J"]):
        shown = subprocess.run([sys.executable, "-B", "-m", "xaimse.results", str(tmp_path / "run"), *more],
                               env=environment(PYTHONPATH=str(ROOT / "python")), capture_output=True, text=True, timeout=120, check=False)
        assert shown.returncode == (2 if "--images" in more else 0), shown.stderr
        is_plain(shown.stdout + shown.stderr)

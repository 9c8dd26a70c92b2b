"""The program xai-study: whole runs with tiny models, what is skipped, kills, plans, refusals, scripts for Slurm."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import ROOT, program, write_photos
from xaimse.study import config, programs, steps
from xaimse.study.rates import read_rates

CONFIG = """
[study]
out = "runs/s"
models = "models"
names = ["alpha", "beta"]
[all]
data = "photos"
labels = "labels.csv"
tune = "off"
batch-size = 8
steps = 20
[mse]
grid = 4
max-evaluations = 300
pictures = 0
[subexp]
max-nodes = 50
[saliency]
size = 7
iterations = 2
pictures = 0
[crosstest]
pictures = 0
"""
RUNS = ["crosstest", "sets"]
RUNS += [f"{kind}/{model}" for kind in ("mse", "subexp", "saliency") for model in ("alpha", "beta")]
COMPARISONS = ["counts.csv", "mse.json", "mse.txt", "subexp.json", "subexp.txt"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """models/, photos/ (four), labels.csv, s.toml, and the study of them in runs/s."""
    from tiny_models import Contrast, make_model

    folder = tmp_path_factory.mktemp("study")
    program("mse")
    write_photos(folder / "photos", 4)
    (folder / "labels.csv").write_text("path,label\n" + "".join(f"photo{i:02d}.png,{i % 3}\n" for i in range(4)))
    make_model(folder / "models", Contrast(0), name="alpha")
    make_model(folder / "models", Contrast(0.1), name="beta", size=(24, 24), resize=27, family="transformer")
    (folder / "s.toml").write_text(CONFIG)
    done = study(folder)
    assert done.returncode == 0, done.stderr
    assert "14 steps are done" in done.stderr and "nothing to do" not in done.stderr
    return folder


@pytest.fixture
def copy(workplace, tmp_path):
    """A copy of the workplace, to change."""
    shutil.copytree(workplace, tmp_path / "w", symlinks=True)
    return tmp_path / "w"


def start(folder, *arguments, **options):
    import xaimse

    path = str(Path(xaimse.__file__).parents[1])
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "OMP_NUM_THREADS": "1",
        "XAI_BIN": str(Path(program("mse")).parent),
    }
    return subprocess.Popen([sys.executable, "-m", "xaimse.study", *map(str, arguments)], cwd=folder, text=True,
                            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)  # fmt: skip


def study(folder, *arguments):
    process = start(folder, *(arguments or ("s.toml",)))
    out, err = process.communicate(timeout=600)
    return subprocess.CompletedProcess((), process.returncode, out, err)


def began(done):
    """Names of the steps that were run."""
    return re.findall(r"^xai-study: \[\d+/\d+\] (\S+)$", done.stderr, re.MULTILINE)


def records(folder, name):
    lines = (folder / "runs/s" / name / "results.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]


def test_a_whole_study(workplace):
    out = workplace / "runs/s"
    for name in RUNS:
        assert json.loads((out / name / "run.json").read_text())["status"] == "done"
        assert (out / name / "summary.csv").stat().st_size
    assert sorted(file.name for file in (out / "compare").iterdir()) == COMPARISONS
    for name in ("matrix.csv", "family_matrix.csv", "landscape.csv", "ensemble.csv"):
        assert "alpha" in (out / "crosstest" / name).read_text() or name == "family_matrix.csv"
    assert any(record["found"] for record in records(workplace, "mse/alpha"))
    crossed = records(workplace, "crosstest")
    assert len(crossed) == 16 and "map-target" not in {record["reason"] for record in crossed}  # maps of the true class
    page = (out / "report.html").read_text()
    assert "alpha and beta" in page and (out / "report_figures" / "found.pdf").stat().st_size
    shown = records(workplace, "sets")
    assert len(shown) == 16 and any(record["sets"] for record in shown if record["source"] != record["model"])
    noted = json.loads((out / "study.json").read_text())["steps"]
    assert {step["status"] for step in noted.values()} == {"done"} and len(noted) == 14


def test_a_second_call_does_nothing_and_says_so(workplace):
    before = {file: file.stat().st_mtime_ns for file in (workplace / "runs/s").rglob("*.json*")}
    done = study(workplace)
    assert done.returncode == 0 and began(done) == [] and "nothing to do" in done.stderr
    assert before == {file: file.stat().st_mtime_ns for file in (workplace / "runs/s").rglob("*.json*")}


def test_a_change_makes_anew_what_depends_on_it(copy):
    (copy / "s.toml").write_text(CONFIG.replace("max-nodes = 50", "max-nodes = 40").replace("size = 8", "size = 4"))
    done = study(copy)
    assert done.returncode == 0, done.stderr
    ran = began(done)
    compared = ["compare/subexp.txt", "compare/subexp.json", "compare/counts.csv"]
    assert ran == ["subexp/alpha", "subexp/beta", *compared, "report"]
    options = json.loads((copy / "runs/s/subexp/beta/run.json").read_text())["options"]
    assert options["max_nodes"] == 40


@pytest.mark.parametrize("moment, number", [("mse/alpha", signal.SIGKILL), ("saliency/alpha", signal.SIGINT),
                                            ("crosstest", signal.SIGKILL)])  # fmt: skip
def test_killed_and_continued_it_is_the_same(workplace, copy, moment, number):
    shutil.rmtree(copy / "runs")
    process = start(copy, "s.toml")
    for line in process.stderr:
        if line.rstrip().endswith(f"] {moment}"):
            break
    time.sleep(0.3)  # within the step, or before its program has come to anything
    process.send_signal(number)
    process.communicate(timeout=300)
    assert process.returncode == (-9 if number == signal.SIGKILL else 75)
    done = study(copy)
    assert done.returncode == 0, done.stderr
    assert moment in began(done)
    for name in RUNS:
        assert records(copy, name) == records(workplace, name)


def test_two_at_once_are_refused(copy):
    import fcntl

    with open(copy / "runs/s/.study.lock", "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = study(copy)
    assert done.returncode == 2 and "runs/s is in use by xai-study, process" in done.stderr


def test_what_does_not_depend_on_a_failed_step_goes_on(copy):
    shutil.rmtree(copy / "runs")
    (copy / "models/alpha.pt").write_bytes(b"no model")
    done = study(copy)
    assert done.returncode == 2  # so says the program of the model
    assert "mse/alpha failed with 2: error: " in done.stderr and "crosstest was not run: it needs" in done.stderr
    assert {"mse/beta", "subexp/beta", "saliency/beta"} <= set(began(done))
    assert records(copy, "subexp/beta")


def test_a_dry_run_says_what_the_run_then_does(workplace, copy):
    shutil.rmtree(copy / "runs")
    done = study(copy, "s.toml", "--dry-run", "--pilot", "4")  # all of them: the counts are exact
    assert done.returncode == 0, done.stderr
    assert not (copy / "runs").exists()
    for name in RUNS:
        _, rows, most = re.search(rf"^  {name} +(\d+) +([\d,]+) +([\d,]+) ", done.stdout, re.MULTILINE).groups()
        rows, most = (int(number.replace(",", "")) for number in (rows, most))
        run = json.loads((workplace / "runs/s" / name / "run.json").read_text())
        assert rows == run["forward"] + run["backward"] <= most
    done = study(workplace, "s.toml", "--dry-run")
    assert done.returncode == 0 and "nothing is left to do" in done.stdout


@pytest.mark.parametrize("change, words", [
    (("grid = 4", "gird = 4"), ["'gird' in [mse]", "no option of xai-mse"]),
    (("grid = 4", 'grid = "4"'), ["'grid' in [mse]", "must be a number"]),
    (("grid = 4", "limit = 4"), ["'limit' in [mse]", "[all]"]),
    (("grid = 4", 'out = "x"'), ["'out' in [mse]", "take it out"]),
    (("[mse]", "[sme]"), ["'sme'", "sections are"]),
    (('out = "runs/s"', ""), ["[study] has no 'out'"]),
    (('"beta"]', '"alpha"]'), ["'alpha' stands twice"]),
    (('"beta"]', '"delta"]'), ["models/delta.pt", "'names'"]),
    (('data = "photos"', 'data = "none"'), ["'none'", "'data'"]),
    (("grid = 4", "grid = "), ["is not TOML"]),
])  # fmt: skip
def test_wrong_configurations(workplace, change, words, capsys, monkeypatch):
    from xaimse.study.cli import main

    monkeypatch.chdir(workplace)
    monkeypatch.setenv("XAI_BIN", str(Path(program("mse")).parent))
    Path("wrong.toml").write_text(CONFIG.replace(*change).replace("runs/s", "runs/wrong"))
    assert main(["wrong.toml"]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and all(word in said for word in ["wrong.toml", *words])


def test_slurm_scripts(copy):
    """The script is run with a stand-in for sbatch, which notes what it is asked for."""
    shutil.rmtree(copy / "runs")
    (copy / "bin").mkdir()
    (copy / "bin/sbatch").write_text('#!/bin/bash\necho "$*" >> asked; wc -l < asked\n')
    (copy / "bin/sbatch").chmod(0o755)
    done = study(copy, "s.toml", "--write-slurm", "jobs", "--shards", "3")
    assert done.returncode == 0, done.stderr
    subprocess.run(["bash", "-n", "jobs/submit.sh"], cwd=copy, check=True)
    path = f"{copy / 'bin'}:{os.environ['PATH']}"
    subprocess.run(["jobs/submit.sh"], cwd=copy, check=True, env={**os.environ, "PATH": path}, capture_output=True)
    jobs = {}
    for number, line in enumerate((copy / "asked").read_text().splitlines(), 1):
        name = re.search(r"--job-name=(\S+)", line)[1]
        jobs[name] = number, (re.search(r"--dependency=(\S+)", line) or [None, None])[1]
    assert len(jobs) == 17  # an array and a merge of each of eight runs, and the comparisons
    for name in RUNS:
        assert jobs[f"merge/{name}"][1] == f"afterany:{jobs[name][0]}"
    for model in ("alpha", "beta"):
        assert jobs[f"mse/{model}"][1] is None and jobs[f"saliency/{model}"][1] is None
        assert jobs[f"subexp/{model}"][1] == f"afterok:{jobs[f'merge/mse/{model}'][0]}"
    merges = [jobs[f"merge/saliency/{model}"][0] for model in ("alpha", "beta")]
    assert jobs["crosstest"][1] == "afterok:" + ":".join(map(str, merges))
    merges = [jobs[f"merge/mse/{model}"][0] for model in ("alpha", "beta")]
    assert jobs["sets"][1] == "afterok:" + ":".join(map(str, merges))
    assert {str(jobs[f"merge/{name}"][0]) for name in RUNS} == set(
        jobs["compare"][1].removeprefix("afterok:").split(":")
    )


def test_rates_of_the_paper(monkeypatch):
    """The plan of the paper's study: without models, without photographs."""
    from xaimse.study.cli import main
    from xaimse.study.planning import rated_plan

    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("XAI_BIN", str(Path(program("mse")).parent))
    plan = rated_plan(config.read_study(Path("configs/paper.toml")), read_rates(Path("configs/rates-h200.toml")))
    # DeiT-S: 5,000 x 1,500 rows at 10,900 a second
    assert f"= {5000 * 1500 / 10900 / 3600:.2f} h" in plan.split("mse/deit_small: ")[1].splitlines()[0]
    assert "NOT measured, assumed" in plan.split("mse/swin_tiny: ")[1].splitlines()[0]
    assert main(["configs/paper.toml", "--dry-run", "--rates", "configs/small.toml"]) == 2


def test_options_without_effect_are_those_of_the_page():
    page = (ROOT / "docs/options.md").read_text()
    effects = {}
    for name, changes in re.findall(r"^\| `--(\S+)` \| [^|]* \| [^|]* \| ([^|]*) \|", page, re.MULTILINE):
        effects.setdefault(name, set()).add(changes.strip())
    assert all(effects[name] == {"nothing"} for name in config.NO_EFFECT)


def test_flags():
    options = {"beam-width": 3, "library": ["a", "b"], "only-correct": True, "folders-by-rank": False}
    assert programs.flags(options) == ["--beam-width=3", "--library=a", "--library=b", "--only-correct"]


def test_hash_of_a_file(tmp_path):
    assert steps.file_hash(tmp_path / "none") == ""
    (tmp_path / "a").write_bytes(b"")
    assert steps.file_hash(tmp_path / "a").startswith("e3b0c44298fc1c14")

"""What makes the programs a suite: dry runs, JSON for every table, completion, manual pages."""

import json
import os
import re
import shutil
import subprocess

import pytest
from conftest import (PLAIN, analyse, command, count, environment, is_refused, make_photos, mse, records, run_json,
                      started, summary_json)
from test_resume import wait_for_records
from tiny_models import Colours, Tiny, make_model

TOOLS = ["mse", "subexp", "saliency", "crosstest"]
SALIENCY = {"tool": "saliency", "size": 7, "steps": 20}
CROSS = {**SALIENCY, "tool": "crosstest", "iterations": 2}


class Sigmoids(Colours):
    def forward(self, x):
        return x.mean([2, 3]).sigmoid()


class Logits(Colours):
    def forward(self, x):
        return 3 * x.mean([2, 3])


def tree(folder):
    """Every file and folder below, with content and time of change."""
    return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in sorted(folder.rglob("*"))}


def plan(*arguments, **options):
    """The plan of a dry run; stdout has nothing else."""
    finished = mse("--dry-run", "--json", *arguments, **options)
    assert finished.code == 0, finished.err
    return json.loads(finished.out)


def cross(models, data, out, **options):
    return {"models": list(models), "data": data, "out": out, **PLAIN, **CROSS, **options}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return [make_model(folder, name="first"), make_model(folder, name="second", size=(24, 24), resize=27)]


@pytest.fixture
def finished_run(tiny, photos, tmp_path):
    """Of xai-mse, over six photographs."""
    assert analyse(tiny, photos, tmp_path / "run", max_evaluations=60).code == 0
    return tmp_path / "run"


# ---- dry runs ----------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(tiny, photos, tmp_path):
    out = tmp_path / "runs/first"
    asked = {"model": tiny, "data": photos, "out": out, "max_evaluations": 60, "preprocess_dump": tmp_path / "dump"}
    finished = mse("--dry-run", **asked)
    assert finished.code == 0, finished.err
    assert list(tmp_path.iterdir()) == []
    assert re.search(rf"results +{out}: new\n", finished.out)
    assert re.search(r"images +6 to do of 6 in ", finished.out)
    assert re.search(r"\n +xai-mse +tiny +6 +360 +0 ", finished.out)
    assert "at most 360 through models" in finished.out and "nothing was written" in finished.out

    said = plan(**asked)
    assert list(tmp_path.iterdir()) == []
    assert (said["tool"], said["folder"], said["start"]) == ("xai-mse", str(out), "new")
    assert said["images"] == {"total": 6, "done": 0, "to_do": 6}
    assert said["data"]["layout"] == "flat" and said["data"]["count"] == 6 and said["data"]["notes"] == []
    assert (said["platform"]["device"], said["platform"]["precision"]) == ("cpu", "fp32")
    [part] = said["parts"]
    assert (part["tool"], part["model"], part["images"]) == ("xai-mse", "tiny", 6)
    assert part["rows_at_most"] == said["rows_at_most"] == {"forward": 360, "backward": 0}
    assert part["rows_per_second"]["forward"] > 0 and part["rows_per_second"]["backward"] is None
    in_model = 360 / part["rows_per_second"]["forward"]
    assert part["seconds_at_most"] == pytest.approx(in_model + 6 * part["read_seconds_per_image"])
    assert said["seconds_at_most"] == part["seconds_at_most"] > 0
    assert said["bytes_estimated"] > 6 * 1000 and said["peak_memory_bytes"] > 10_000_000


@pytest.mark.parametrize("options", [{"max_evaluations": 40}, {"grid": 2}, {"grid": 3, "search": "exhaustive"}],
                         ids=["budget", "all sets", "exhaustive"])
def test_a_search_stays_within_its_plan(options, tiny, photos, tmp_path):
    most = plan(model=tiny, data=photos, out=tmp_path / "run", **options)["rows_at_most"]["forward"]
    assert analyse(tiny, photos, tmp_path / "run", **options).code == 0
    assert most / 2 < run_json(tmp_path / "run")["forward"] <= most


@pytest.mark.parametrize("options", [{"grid": 3}, {"grid": 3, "probe": 5, "max_nodes": 1}],
                         ids=["counting", "bounded, with probes"])
def test_counting_stays_within_its_plan(options, tiny, photos, tmp_path):
    asked = {"tool": "subexp", "model": tiny, "data": photos, **options}
    most = plan(**asked, out=tmp_path / "both")["rows_at_most"]["forward"]
    assert count(tiny, photos, tmp_path / "both", **options).code == 0
    assert run_json(tmp_path / "both")["forward"] <= most
    assert analyse(tiny, photos, tmp_path / "mses", grid=3).code == 0
    counting = {"tool": "subexp", "mses": tmp_path / "mses", "out": tmp_path / "counted", **options}
    from_mses = plan(**counting)["rows_at_most"]["forward"]
    assert mse(**counting, tune="off").code == 0
    assert 0 < run_json(tmp_path / "counted")["forward"] <= from_mses < most


@pytest.mark.parametrize("options", [
    {"iterations": 3}, {"method": "igos", "iterations": 2, "points": 3}, {"method": "rise", "rise_masks": 30},
    {"iterations": 2, "optimiser": "line-search", "l1": 1000}, {"metric": "reference", "iterations": 1}],
    ids=["adam", "points", "rise", "line search", "reference metric"])
def test_maps_cost_what_the_plan_says(options, tiny, photos, tmp_path):
    options = {**SALIENCY, **options}
    said = plan(model=tiny, data=photos, out=tmp_path / "run", pictures=0, **options)
    assert analyse(tiny, photos, tmp_path / "run", **options).code == 0
    run, most = run_json(tmp_path / "run"), said["rows_at_most"]
    assert run["backward"] == most["backward"]
    if "optimiser" in options:  # how often a line search tries is not known before
        assert most["forward"] / 8 < run["forward"] < most["forward"]
    else:
        assert run["forward"] == most["forward"]
    files = sum(path.stat().st_size for path in (tmp_path / "run/maps").rglob("*.npy"))
    files += (tmp_path / "run/results.jsonl").stat().st_size
    assert said["bytes_estimated"] == pytest.approx(files, rel=0.3)


def test_pictures_count(tiny, photos, tmp_path):
    asked = {"model": tiny, "data": photos, "out": tmp_path / "run", "max_evaluations": 60, "save_scores": True}
    without, two, every = (plan(**asked, pictures=count)["bytes_estimated"] for count in (0, 2, "all"))
    assert every - without == pytest.approx(3 * (two - without), rel=0.01) and two - without > 2 * 10_000
    assert analyse(tiny, photos, tmp_path / "run", max_evaluations=60, pictures=2, save_scores=True).code == 0
    real = sum(path.stat().st_size for path in (tmp_path / "run/images").iterdir())
    assert real < two - without < 10 * real  # made-up results fill the picture, these have few MSEs


def test_a_cross_test_is_planned_model_by_model(models, photos, tmp_path):
    asked = cross(models, photos, tmp_path / "run", cross_images=4)
    said = plan(**asked)
    assert not (tmp_path / "run").exists()
    assert [(part["tool"], part["model"], part["images"]) for part in said["parts"]] == [
        ("xai-saliency", "first", 4), ("xai-saliency", "second", 4), ("xai-crosstest", "first", 6),
        ("xai-crosstest", "second", 6)]
    maps, tests = said["parts"][0]["rows_at_most"], said["parts"][2]["rows_at_most"]
    assert maps == {"forward": 4 * (2 * 4 + 2 + 2 * 19), "backward": 4 * 2 * 4}
    assert tests == {"forward": 6 + 4 + 4 * 2 * 19, "backward": 0}
    assert mse(**asked).code == 0
    run = run_json(tmp_path / "run")
    assert run["forward"] <= 2 * tests["forward"] and run["forward"] > 2 * (6 + 4)
    files = [path for path in (tmp_path / "run").rglob("*") if path.suffix in (".npy", ".jsonl")]
    assert said["bytes_estimated"] == pytest.approx(sum(path.stat().st_size for path in files), rel=0.3)

    before = tree(tmp_path / "run")
    said = plan(**asked)
    assert (said["start"], said["parts"], said["images"]["to_do"]) == ("done", [], 0)
    anew = plan("--overwrite", **asked)
    assert anew["start"] == "starts anew" and len(anew["parts"]) == 4
    assert tree(tmp_path / "run") == before


def test_what_is_left_of_a_cross_test_is_planned(models, photos, tmp_path):
    asked = cross(models, photos, tmp_path / "run")
    assert mse(**asked).code == 0
    journal = tmp_path / "run/results.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:-3]))  # of the last photograph: three of its four pairs
    document = run_json(tmp_path / "run")
    (tmp_path / "run/run.json").write_text(json.dumps({**document, "status": "stopped"}))
    before = tree(tmp_path / "run")
    said = plan(**asked)
    assert (said["start"], said["images"]) == ("goes on", {"total": 6, "done": 5, "to_do": 1})
    assert [(part["model"], part["rows_at_most"]["forward"]) for part in said["parts"]] == [
        ("first", 1 + 19), ("second", 1 + 2 * 19)]
    assert tree(tmp_path / "run") == before


def test_a_dry_run_of_a_finished_run_finds_nothing_left(tiny, photos, finished_run):
    before = tree(finished_run)
    asked = {"model": tiny, "data": photos, "out": finished_run, "max_evaluations": 60}
    finished = mse("--dry-run", **asked)
    assert finished.code == 0 and "done, nothing is left to do" in finished.out
    said = plan(**asked)
    assert (said["start"], said["images"]) == ("done", {"total": 6, "done": 6, "to_do": 0})
    assert said["parts"] == [] and said["seconds_at_most"] == 0 and said["bytes_estimated"] == 0
    assert tree(finished_run) == before


def test_a_dry_run_of_a_part_counts_what_is_left(tiny, photos, finished_run):
    lines = (finished_run / "results.jsonl").read_text().splitlines(keepends=True)
    failed = json.dumps({**json.loads(lines[3]), "status": "error", "reason": "x"}) + "\n"
    torn = lines[0] + lines[2] + failed + lines[4][:50]  # one failed, one was torn by a crash
    (finished_run / "results.jsonl").write_text(torn)
    before = tree(finished_run)
    said = plan(model=tiny, data=photos, out=finished_run, max_evaluations=60)
    assert (said["start"], said["images"]) == ("goes on", {"total": 6, "done": 2, "to_do": 4})
    assert said["rows_at_most"]["forward"] == 4 * 60
    assert tree(finished_run) == before
    anew = plan("--overwrite", model=tiny, data=photos, out=finished_run, max_evaluations=60)
    assert (anew["start"], anew["images"]["to_do"]) == ("starts anew", 6)
    assert tree(finished_run) == before


def test_a_dry_run_is_refused_where_the_run_would_be(tiny, photos, finished_run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("Dear")
    (tmp_path / "file").write_text("")
    for options in ({"out": finished_run, "max_evaluations": 61}, {"out": tmp_path / "mine"}, {"out": tmp_path / "file"},
                    {"out": tmp_path / "file/run"}, {"out": tmp_path / "run2", "data": tmp_path / "none"},
                    {"out": tmp_path / "run2", "target": "purple"}, {"out": tmp_path / "run2", "device": "cuda:99"},
                    {"out": tmp_path / "run2", "model": tmp_path / "file"}):
        asked = {"model": tiny, "data": photos, **options}
        before = tree(tmp_path)
        dry = mse("--dry-run", **asked)
        assert tree(tmp_path) == before
        is_refused(dry, dry.code)
        wet = mse(**asked)
        assert wet.code in (1, 2)
        assert (wet.code, wet.lines("error")) == (dry.code, dry.lines("error"))
        shutil.rmtree(tmp_path / "run2", ignore_errors=True)


def test_a_dry_run_keeps_away_from_a_run_under_way(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 60)
    options = {"max_evaluations": 3000, "grid": 6}
    with started(tiny, data, tmp_path / "run", **options) as process:
        wait_for_records(process, tmp_path / "run", 1)
        is_refused(mse("--dry-run", model=tiny, data=data, out=tmp_path / "run", **options), 2, "in use by", process.pid)
    said = plan(model=tiny, data=data, out=tmp_path / "run", **options)
    assert said["start"] == "goes on" and said["images"]["done"] >= 1
    assert run_json(tmp_path / "run")["status"] == "running"  # as the kill left it


def test_a_dry_run_says_where_no_photograph_can_be_read(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 2)
    for path in data.iterdir():
        path.write_bytes(b"damaged")
    finished = mse("--dry-run", "--json", model=tiny, data=data, out=tmp_path / "run")
    assert finished.code == 0 and len(finished.lines("warning")) == 2
    said = json.loads(finished.out)
    assert said["seconds_at_most"] is None and said["parts"][0]["rows_per_second"]["forward"] is None
    text = mse("--dry-run", model=tiny, data=data, out=tmp_path / "run").out
    assert "time      at most unknown" in text


def test_a_configuration_file_makes_no_dry_run(tiny, tmp_path):
    (tmp_path / "run.toml").write_text("dry-run = true\n")
    is_refused(mse(config=tmp_path / "run.toml"), 2, "there is no option dry-run")
    for name in ("dry-run", "json", "man"):
        assert f"\n{name}=" not in mse("--print-config").out


# ---- JSON --------------------------------------------------------------------------------------------------------


def test_a_run_gives_its_summary_as_json(tiny, photos, tmp_path):
    finished = mse("--json", model=tiny, data=photos, out=tmp_path / "run", max_evaluations=60, pictures=0)
    assert finished.code == 0
    assert json.loads(finished.out) == {"complete": True, "errors": 0, "folder": str(tmp_path / "run"),
                                        "summary": summary_json(tmp_path / "run")}


def test_the_table_of_sub_explanations_as_json(tiny, photos, tmp_path):
    assert count(tiny, photos, tmp_path / "run", max_evaluations=60).code == 0
    table = mse("--table", tmp_path / "run", "--json", tool="subexp")
    assert table.code == 0
    assert table.out == mse("--table", tmp_path / "run", "--format", "json", tool="subexp").out
    [row] = json.loads(table.out)
    assert (row["run"], row["model"], row["images"]) == (str(tmp_path / "run"), "tiny", summary_json(tmp_path / "run")["statuses"]["ok"])
    csv = mse("--table", tmp_path / "run", "--format", "csv", tool="subexp").out.splitlines()
    cells = dict(zip(csv[0].split(","), csv[1].split(",")))
    assert set(row) == {"run", *cells}
    for name, value in row.items():
        if name != "run":
            assert cells[name] == ("" if value is None else str(value)) or float(cells[name]) == pytest.approx(value)


def test_the_gate_as_json(models, photos, tmp_path):
    asked = cross(models, photos, tmp_path / "run", write_baseline=tmp_path / "baseline.json")
    first = mse("--json", **asked)
    assert first.code == 0
    said = json.loads(first.out)
    assert said["gate"] is None and said["summary"] == summary_json(tmp_path / "run")

    baseline = json.loads((tmp_path / "baseline.json").read_text())
    cell = next(cell for cell in baseline["cells"] if cell["auc"] is not None)
    cell["auc"] += 0.5
    baseline["models"][1]["sha256"] = "0" * 64
    (tmp_path / "moved.json").write_text(json.dumps(baseline))
    gate = mse("--json", **cross(models, photos, tmp_path / "run", compare=tmp_path / "moved.json"))
    assert gate.code == 4
    found = json.loads(gate.out)["gate"]
    [move] = found["moved"]
    assert move == found["largest_move"] and move["what"] == f"auc {cell['source']} -> {cell['model']}"
    assert move["difference"] == pytest.approx(-0.5) and move["baseline"] == pytest.approx(cell["auc"])
    assert (found["passed"], found["tolerance"], found["other_weights"]) == (False, 0.02, ["second"])
    passed = mse("--json", **cross(models, photos, tmp_path / "run", compare=tmp_path / "baseline.json"))
    assert passed.code == 0 and json.loads(passed.out)["gate"]["passed"] is True


# ---- completion --------------------------------------------------------------------------------------------------


def complete(words, folder, tool="mse"):
    """What bash proposes for the last of the words."""
    script = subprocess.run(command("--completion", "bash", tool=tool), capture_output=True, text=True, check=True).stdout
    ask = ('source /dev/stdin <<< "$SCRIPT"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
           f'_xai_{tool}; printf "%s\\n" "${{COMPREPLY[@]}}"')
    done = subprocess.run(["bash", "--norc", "--noprofile", "-c", ask, "bash", f"xai-{tool}", *words], cwd=folder,
                          env={**os.environ, "SCRIPT": script}, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return sorted(done.stdout.split())


def test_bash_completes_flags_choices_and_files(tmp_path):
    (tmp_path / "models").mkdir()
    for name in ("a.pt", "b.toml"):
        (tmp_path / name).write_text("")
    for words, expected in [
            (["--search", ""], ["beam", "exhaustive"]), (["--search", "ex"], ["exhaustive"]),
            (["--search", "=", "b"], ["beam"]), (["--search", "="], ["beam", "exhaustive"]),
            (["--max-"], ["--max-evaluations", "--max-orders", "--max-overlap", "--max-pixels", "--max-size"]),
            (["--search", "beam", "--dry"], ["--dry-run"]), (["--quiet", "--dry"], ["--dry-run"]),
            (["--model", ""], ["a.pt", "b.toml", "models"]), (["--model", "a"], ["a.pt"]),
            (["--config", ""], ["b.toml", "models"]), (["--grid", ""], []), (["--completion", ""], ["bash", "zsh"])]:
        assert complete(words, tmp_path) == expected, words
    assert complete(["--models", "a.pt", ""], tmp_path, tool="crosstest") == ["a.pt", "b.toml", "models"]
    assert "--models" not in complete(["--model", "a.pt", ""], tmp_path)  # xai-mse has --model alone
    assert "--search" in complete(["--model", "a.pt", ""], tmp_path)


@pytest.mark.parametrize("tool", TOOLS)
def test_scripts_and_pages_have_every_flag_of_help(tool):
    said = {what: mse(*words, tool=tool) for what, words in
            {"help": ["--help"], "bash": ["--completion", "bash"], "zsh": ["--completion", "zsh"], "man": ["--man"]}.items()}
    assert all(finished.code == 0 and finished.err == "" for finished in said.values())
    every = set(re.findall(r"^ +(?:-\w,)?(--[a-z0-9-]+)", said["help"].out, re.MULTILINE))
    assert len(every) > 25 and {"--dry-run", "--json", "--help", "--config", "--quiet"} <= every
    assert set(re.search(r'\*\) words="(.*)"', said["bash"].out)[1].split()) == every
    assert set(re.findall(r"^  '\*?(--[a-z0-9-]+)", said["zsh"].out, re.MULTILINE)) == every
    page = said["man"].out.replace("\\-", "-")
    assert set(re.findall(r"^(?:\\fB-\w\\fR, )?\\fB(--[a-z0-9-]+)", page, re.MULTILINE)) == every
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"):
        assert f"\n.SH {section}\n" in page
    assert page.count("(from 0 to 1000000000000). Default: 0.") == 1  # of --limit


@pytest.mark.parametrize("tool", TOOLS)
def test_the_zsh_script_is_sound(tool, tmp_path):
    script = mse("--completion", "zsh", tool=tool).out
    lines = script.splitlines()
    assert lines[0] == f"#compdef xai-{tool}" and lines[3] == "_arguments -s -S \\"
    assert all(line.endswith("' \\") for line in lines[4:-1]) and lines[-1].endswith("'")
    for line in lines[4:]:
        spec = line.strip().removesuffix(" \\").replace("'\\''", "’")
        assert re.fullmatch(r"'\*?--?[a-z0-9-]+=?\[(\\.|[^]\[\\':])+\](:\*-\*)?(:(\\.|[^:'\\])*:[^']*)?'", spec), spec
    assert re.search(r"'--mask=\[.*\]:.*:\(soft hard\)'", script)
    assert re.search(r"'--config=\[.*\]:.*:_files -g \"\*\.toml\(-\.\)\"'", script)
    if zsh := shutil.which("zsh"):
        (tmp_path / "_xai").write_text(script)
        checked = subprocess.run([zsh, "-n", tmp_path / "_xai"], capture_output=True, text=True)
        assert checked.returncode == 0 and checked.stderr == ""


def test_another_shell_is_refused():
    is_refused(mse("--completion", "fish"), 2, "--completion must be one of bash, zsh, not fish")


# ---- manual pages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS)
def test_the_page_is_sound_roff(tool):
    page = mse("--man", tool=tool).out
    if not shutil.which("groff"):
        pytest.skip("no groff: the page is not formatted")
    checked = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-P-c"], input=page, capture_output=True, text=True,
                             env=environment(GROFF_NO_SGR="1"))
    assert checked.returncode == 0 and checked.stderr == ""
    text = re.sub(r".\x08", "", checked.stdout)
    assert f"XAI-{tool.upper()}(1)" in text and re.search(rf"NAME\n +xai-{tool} +- \w", text)
    assert re.search(r"--mask \{soft,hard\}\s+Patch\s+edges:", text) and re.search(r"Default:\s+soft\.", text)
    assert re.search(r"75 +stopped by a signal", text)
    assert re.search(rf"\n +xai-{tool} --model", text)


# ---- beside ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, words", [(Sigmoids, "taken as probabilities, the sigmoids themselves"),
                                         (Logits, "taken as logits, and their sigmoids as probabilities")])
def test_the_log_says_what_the_numbers_of_a_sigmoid_head_are(kind, words, photos, tmp_path):
    model = make_model(tmp_path / "model", kind, output="sigmoid")
    finished = analyse(model, photos, tmp_path / "run", max_evaluations=10)
    assert finished.code == 0, finished.err
    assert [line for line in finished.lines("info") if "its numbers from" in line and words in line]
    assert "its numbers from" not in analyse(make_model(tmp_path / "other", Tiny), photos, tmp_path / "second",
                                             max_evaluations=10).err


def test_a_folder_that_cannot_be_read_is_an_error_of_a_cross_test(models, tmp_path):
    data = make_photos(tmp_path / "photos", 3)
    (data / "gone").symlink_to(tmp_path / "nowhere")
    finished = mse(**cross(models, data, tmp_path / "run"))
    assert finished.code == 3 and finished.lines("error") == []
    bad = [record for record in records(tmp_path / "run") if record["image"] == "gone/"]
    assert len(bad) == 4
    for record in bad:
        assert record["status"] == "error" and "it is a symbolic link to nothing" in record["reason"]
    assert sum(record["status"] == "error" for record in records(tmp_path / "run")) == 4

"""Shards of a run, and xai-merge: what comes out is the run that nobody divided."""

import json
import os
import re
import shutil
import subprocess

import numpy
import pytest
from conftest import (PLAIN, Finished, analyse, command, environment, is_refused, make_photos, mse, records, run_json,
                      summary_json, timeless, validate)
from tiny_models import Contrast, make_model

COUNT = 11
SEARCH = {"grid": 4, "max_evaluations": 300, "pictures": 3, "save_scores": True}
MAPS = {"tool": "saliency", "size": 7, "iterations": 2, "steps": 10, "pictures": 3}
# of run.json, what tells how a run went and not what it is
SESSION = {"command", "git_commit", "started", "ended", "sessions", "seconds", "peak_memory_bytes", "platform", "merged"}


def merge(out, shards, *arguments, **options):
    done = subprocess.run(command(out, *shards, *arguments, tool="merge", **options), capture_output=True, text=True,
                          env=environment(), stdin=subprocess.DEVNULL, timeout=120)
    return Finished(done.returncode, done.stdout, done.stderr)


def merged(out, shards, **options):
    done = merge(out, shards, **options)
    assert (done.code, done.out) == (0, ""), done.err
    return out


def shard(run, index, count, model, data, folder, **options):
    """One shard's run; gives its folder."""
    out = folder / f"{index:04d}"
    done = run(model, data, out, num_shards=count, shard_index=index, **options)
    assert done.code == 0, done.err
    return out


def shards_of(run, count, *given, **options):
    return [shard(run, index, count, *given, **options) for index in range(count)]


def files(folder):
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != ".lock"}


def without_times(document):
    """A summary without its seconds, and with its schema's other numbers."""
    document = json.loads(json.dumps(document))
    document.get("quantities", {}).pop("seconds", None)
    return document


def is_the_undivided(run, whole):
    """Every file of a merged run is that of the run over all images, but for times."""
    ours, theirs = files(run), files(whole)
    assert set(ours) == set(theirs)
    for name, path in ours.items():
        other = theirs[name]
        if path.name == "results.jsonl":
            assert timeless(path.parent) == timeless(other.parent)
            assert [list(record) for record in records(path.parent)] == [list(r) for r in records(other.parent)]
        elif path.name == "run.json":
            mine, its = json.loads(path.read_text()), json.loads(other.read_text())
            validate(mine, "run")
            for document in (mine, its):
                document["options"].pop("out")
            assert {key: mine[key] for key in set(mine) - SESSION} == {key: its[key] for key in set(its) - SESSION}
        elif path.name == "summary.json":
            assert without_times(json.loads(path.read_text())) == without_times(json.loads(other.read_text()))
        elif path.name == "summary.csv":
            def lines(file):
                return [line for line in file.read_text().splitlines() if not line.startswith("seconds")]

            assert lines(path) == lines(other)
        else:
            assert path.read_bytes() == other.read_bytes(), name


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("data") / "photos", COUNT)


@pytest.fixture(scope="module")
def three(tiny, data, tmp_path_factory):
    """Three shards of a run of xai-mse, and that run undivided. Tests copy what they change."""
    folder = tmp_path_factory.mktemp("three")
    assert analyse(tiny, data, folder / "whole", **SEARCH).code == 0
    return shards_of(analyse, 3, tiny, data, folder / "shards", **SEARCH), folder / "whole"


@pytest.fixture
def copied(three, tmp_path):
    """Shards that a test may change."""
    folders, _ = three
    return [shutil.copytree(folder, tmp_path / "shards" / folder.name) for folder in folders]


# ---- which photographs are whose -----------------------------------------------------------------------------


def test_a_shard_takes_every_nth_photograph(three):
    shards, whole = three
    names = [record["image"] for record in records(whole)]
    assert len(names) == COUNT
    for index, folder in enumerate(shards):
        assert [record["image"] for record in records(folder)] == names[index::3]
        run = run_json(folder)
        assert run["data"]["shard"] == {"index": index, "count": 3, "images": len(names[index::3])}
        assert run["data"]["sha256"] == run_json(whole)["data"]["sha256"]
        assert summary_json(folder)["images"] == len(names[index::3])
        validate(run, "run")


def test_the_limit_comes_first(tiny, data, tmp_path):
    out = shard(analyse, 1, 2, tiny, data, tmp_path, grid=3, limit=4)
    assert [record["image"] for record in records(out)] == ["photo01.png", "photo03.png"]


def test_pictures_are_of_the_whole_list(three):
    shards, _ = three
    drawn = [sorted(path.name for path in (folder / "images").rglob("*.png")) for folder in shards]
    assert drawn == [["photo00.png.png"], ["photo01.png.png"], ["photo02.png.png"]]


def test_a_shard_goes_on_as_itself_only(tiny, data, three, tmp_path):
    out = shutil.copytree(three[0][1], tmp_path / "run")
    again = analyse(tiny, data, out, num_shards=3, shard_index=1, **SEARCH)
    assert again.code == 0 and "nothing to do" in again.err
    is_refused(analyse(tiny, data, out, num_shards=3, shard_index=2, **SEARCH), 2, "shard", "index")
    is_refused(analyse(tiny, data, out, **SEARCH), 2, "shard")


def test_more_shards_than_photographs(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 2)
    shards = shards_of(analyse, 4, tiny, data, tmp_path / "shards", grid=3)
    assert [len(records(folder)) for folder in shards] == [1, 1, 0, 0]
    assert analyse(tiny, data, tmp_path / "whole", grid=3).code == 0
    is_the_undivided(merged(tmp_path / "merged", shards), tmp_path / "whole")


# ---- where the index comes from ------------------------------------------------------------------------------


@pytest.mark.parametrize("options, variables, index", [
    ({"shard_from_slurm": True}, {"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "1"}, 2),
    ({"shard_from_slurm": True, "shard_offset": -5}, {"SLURM_ARRAY_TASK_ID": "5"}, 0),
    ({"shard_from_env": "JOB_COMPLETION_INDEX"}, {"JOB_COMPLETION_INDEX": "1"}, 1),
    ({"shard_from_env": "PARALLEL_SEQ", "shard_offset": -1}, {"PARALLEL_SEQ": "3"}, 2),
    ({"shard_from_slurm": True, "shard_index": 1}, {"SLURM_ARRAY_TASK_ID": "2"}, 1),
])
def test_the_index_from_the_environment(options, variables, index, tiny, data, tmp_path):
    done = analyse(tiny, data, tmp_path / "run", env=variables, num_shards=3, grid=3, limit=3, **options)
    assert done.code == 0, done.err
    assert run_json(tmp_path / "run")["data"]["shard"]["index"] == index
    assert [record["image"] for record in records(tmp_path / "run")] == [f"photo0{index}.png"]


@pytest.mark.parametrize("options, variables, words", [
    ({"num_shards": 3}, {}, ["--num-shards", "--shard-index"]),
    ({"shard_index": 1}, {}, ["--shard-index", "--num-shards"]),
    ({"shard_from_slurm": True}, {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "4"}, ["--num-shards"]),
    ({"num_shards": 3, "shard_index": 3}, {}, ["3", "0 to 2"]),
    ({"num_shards": 3, "shard_from_slurm": True}, {"SLURM_ARRAY_TASK_ID": ""}, ["SLURM_ARRAY_TASK_ID", '""']),
    ({"num_shards": 3, "shard_from_slurm": True}, {"SLURM_ARRAY_TASK_ID": "3"}, ["SLURM_ARRAY_TASK_ID", "0 to 2"]),
    ({"num_shards": 3, "shard_from_slurm": True}, {"SLURM_ARRAY_TASK_ID": "1x"}, ["SLURM_ARRAY_TASK_ID", "1x"]),
    ({"num_shards": 3, "shard_from_slurm": True}, {}, ["SLURM_ARRAY_TASK_ID", "--shard-index"]),
    ({"num_shards": 3, "shard_from_env": "NOWHERE"}, {}, ["NOWHERE"]),
    ({"num_shards": 3, "shard_from_env": "SEQ", "shard_offset": -1}, {"SEQ": "0"}, ["SEQ", "-1", "0 to 2"]),
    ({"num_shards": 3, "shard_from_env": "PARALLEL_JOBSLOT"}, {"PARALLEL_JOBSLOT": "1"}, ["PARALLEL_SEQ"]),
    ({"num_shards": 3, "shard_from_env": "SEQ", "shard_from_slurm": True}, {"SEQ": "0"}, ["leave one out"]),
    ({"num_shards": 3, "shard_index": 0, "shard_offset": 1}, {}, ["--shard-offset"]),
])
def test_an_index_that_is_none(options, variables, words, tiny, data, tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    done = subprocess.run(command(model=tiny, data=data, out=tmp_path / "run", **PLAIN, **options),
                          env={**clean, **variables}, capture_output=True, text=True)
    is_refused(Finished(done.returncode, done.stdout, done.stderr), 2, *words)
    assert not (tmp_path / "run").exists()


# ---- merging -------------------------------------------------------------------------------------------------


def test_merged_searches_are_the_undivided_run(tiny, data, three, tmp_path):
    shards, whole = three
    run = merged(tmp_path / "merged", reversed(shards))
    is_the_undivided(run, whole)
    assert len(list((run / "scores").iterdir())) == COUNT
    told = run_json(run)["merged"]
    assert [part["index"] for part in told["shards"]] == [0, 1, 2] and told["missing"] == "" and told["count"] == 3
    assert run_json(run)["forward"] == sum(run_json(folder)["forward"] for folder in shards)
    again = analyse(tiny, data, run, **SEARCH)  # it is that run: there is nothing left to do
    assert again.code == 0 and "nothing to do" in again.err


def test_pictures_are_not_copied(three, tmp_path):
    run = merged(tmp_path / "merged", three[0])
    for path in (run / "images").rglob("*.png"):
        assert path.stat().st_nlink > 1


def test_merging_again_replaces_a_merge_and_nothing_else(tiny, data, three, tmp_path):
    shards, whole = three
    run = merged(tmp_path / "merged", shards)
    (run / "results.jsonl").write_text("")  # as if it had been killed
    (run / "images/photo00.png.png").unlink()
    is_the_undivided(merged(run, shards), whole)
    other = shutil.copytree(whole, tmp_path / "other")
    is_refused(merge(other, shards), 2, other, "no merge", "--overwrite")
    is_the_undivided(merged(other, shards, overwrite=True), whole)


def test_counting_and_maps(tiny, data, tmp_path):
    def count(*given, **options):
        return analyse(*given, tool="subexp", pictures=None, save_scores=None, graphs=2, **options)

    search = {"grid": 3, "max_evaluations": 200}
    assert count(tiny, data, tmp_path / "whole", **search).code == 0
    shards = shards_of(count, 2, tiny, data, tmp_path / "shards", **search)
    is_the_undivided(merged(tmp_path / "merged", shards), tmp_path / "whole")
    assert analyse(tiny, data, tmp_path / "maps", **MAPS).code == 0
    shards = shards_of(analyse, 2, tiny, data, tmp_path / "map-shards", **MAPS)
    is_the_undivided(merged(tmp_path / "merged-maps", shards), tmp_path / "maps")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return [make_model(folder, Contrast(change), name=name) for name, change in (("first", 0.0), ("second", 0.4))]


@pytest.mark.parametrize("more", [{}, {"cross_images": 4}, {"labels": True}], ids=str)
def test_cross_tests(more, pair, data, tmp_path):
    """Maps made in the shards, predictions, matrices, ensembles and figures."""
    options = {"size": 7, "iterations": 2, "steps": 10, "pictures": 3, **more}
    if more.get("labels"):
        options["labels"] = tmp_path / "labels.csv"
        lines = [f"{path.name},{i % 3}" for i, path in enumerate(sorted(data.iterdir()))]
        options["labels"].write_text("\n".join(["path,label", *lines]))

    def cross(models, *given, **shard):
        return mse(tool="crosstest", models=list(models), data=given[0], out=given[1], **{**PLAIN, **options, **shard})

    assert cross(pair, data, tmp_path / "whole").code == 0
    shards = shards_of(cross, 3, pair, data, tmp_path / "shards")
    run = merged(tmp_path / "merged", shards)
    is_the_undivided(run, tmp_path / "whole")
    assert (run / "saliency/first/maps").is_dir() and (run / "matrix.csv").exists()
    predictions = numpy.load(run / "predictions/first.npy")
    assert predictions.shape == (COUNT, 3) and (abs(predictions.sum(1) - 1) < 1e-5).all()
    assert (summary_json(run)["ensembles"] is not None) == bool(more.get("labels"))
    assert summary_json(run)["predicted_images"] == COUNT
    again = cross(pair, data, run)
    assert again.code == 0 and "nothing to do" in again.err


def test_images_that_failed_are_merged_and_tried_again(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 5)
    good = (data / "photo03.png").read_bytes()
    (data / "photo03.png").write_bytes(b"no picture")
    assert analyse(tiny, data, tmp_path / "whole", grid=3).code == 3
    shards = []
    for index in range(2):
        shards.append(tmp_path / f"shard{index}")
        code = analyse(tiny, data, shards[-1], grid=3, num_shards=2, shard_index=index).code
        assert code == (3 if index == 1 else 0)
    done = merge(tmp_path / "merged", shards)
    assert done.code == 3
    is_the_undivided(tmp_path / "merged", tmp_path / "whole")
    (data / "photo03.png").write_bytes(good)
    assert analyse(tiny, data, tmp_path / "merged", grid=3).code == 0
    assert all(record["status"] != "error" for record in records(tmp_path / "merged"))


# ---- what is missing -----------------------------------------------------------------------------------------


def set_status(folder, status):
    run = run_json(folder)
    (folder / "run.json").write_text(json.dumps({**run, "status": status}))


def test_missing_shards_are_named(tiny, data, tmp_path):
    shards = {index: shard(analyse, index, 9, tiny, data, tmp_path / "shards", grid=3) for index in (0, 2, 4)}
    set_status(shards[4], "stopped")
    given = [*shards.values(), tmp_path / "shards/0008"]
    done = merge(tmp_path / "out", given, "--missing")
    assert (done.code, done.out) == (0, "1,3-8\n"), done.err
    assert not (tmp_path / "out").exists()
    refused = merge(tmp_path / "out", shards.values())
    is_refused(refused, 2, "1,3-8", "of 9", shards[4], "stopped", "--partial")
    assert not (tmp_path / "out").exists()
    is_refused(merge(tmp_path / "out", given), 2, "0008", "no run")


def test_nothing_missing_prints_nothing(three, tmp_path):
    done = merge(tmp_path / "out", three[0], "--missing")
    assert (done.code, done.out) == (0, "")


def test_a_part_of_the_shards(tiny, data, three, copied, tmp_path):
    """Says so everywhere, and the run's own command goes on with the rest."""
    _, whole = three
    lines = (copied[2] / "results.jsonl").read_text().splitlines(keepends=True)
    (copied[2] / "results.jsonl").write_text("".join(reversed(lines[:2])) + lines[2][:40])  # killed
    set_status(copied[2], "interrupted")
    run = merged(tmp_path / "run", [copied[0], copied[2]], partial=True)
    names = [record["image"] for record in records(whole)]
    assert [record["image"] for record in records(run)] == sorted(names[0::3] + names[2::3][:2])
    images = len(records(run))
    told = summary_json(run)["partial"]
    assert told == {"shards": 2, "of": 3, "missing": "1,2", "images": images, "of_images": COUNT}
    assert re.search(r'^"partial: shards 1,2 of 3 are missing",' + str(images), (run / "summary.csv").read_text(), re.M)
    assert (run_json(run)["status"], run_json(run)["merged"]["missing"]) == ("stopped", "1,2")
    validate(summary_json(run), "summary")
    validate(run_json(run), "run")
    assert analyse(tiny, data, run, **SEARCH).code == 0
    is_like = {k: v for k, v in summary_json(run).items() if k not in ("quantities",)}
    assert is_like == {k: v for k, v in summary_json(whole).items() if k not in ("quantities",)}
    assert timeless(run) == timeless(whole)


# ---- what does not belong together ---------------------------------------------------------------------------


def test_doubles_are_named(copied, tmp_path):
    double = shutil.copytree(copied[1], tmp_path / "double")
    is_refused(merge(tmp_path / "out", [*copied, double]), 2, copied[1], double, "both shard 1")
    with open(copied[0] / "results.jsonl", "a") as file:
        file.write((copied[1] / "results.jsonl").read_text().splitlines(keepends=True)[0])
    is_refused(merge(tmp_path / "out", copied), 2, copied[0], "images")
    assert not (tmp_path / "out/summary.json").exists()


def test_the_same_photograph_in_two_shards(copied, tmp_path):
    ours, theirs = (folder / "results.jsonl" for folder in copied[:2])
    lines = ours.read_text().splitlines(keepends=True)
    ours.write_text("".join([theirs.read_text().splitlines(keepends=True)[0], *lines[1:]]))
    is_refused(merge(tmp_path / "out", copied), 2, copied[0], copied[1], "photo01.png")


@pytest.mark.parametrize("options, word", [({"threshold": 0.8}, "threshold"), ({"limit": 9}, "data"),
                                           ({"precision": "fp64"}, "precision"), ({"num_shards": 4}, "count")])
def test_unlike_shards_are_named(options, word, tiny, data, three, tmp_path):
    other = tmp_path / "other"
    assert analyse(tiny, data, other, **{"num_shards": 3, "shard_index": 2, **SEARCH, **options}).code == 0
    is_refused(merge(tmp_path / "out", [*three[0][:2], other]), 2, three[0][0], other, word)


def test_another_model(data, three, tmp_path):
    model = make_model(tmp_path, Contrast(0.0), name="other")
    assert analyse(model, data, tmp_path / "run", num_shards=3, shard_index=2, **SEARCH).code == 0
    is_refused(merge(tmp_path / "out", [*three[0][:2], tmp_path / "run"]), 2, tmp_path / "run", "model")


def test_another_tool_and_no_shards(tiny, data, three, tmp_path):
    shards, whole = three
    is_refused(merge(tmp_path / "out", [*shards, whole]), 2, whole, "no shard")
    is_refused(merge(tmp_path / "out", [data]), 2, data, "no run")
    is_refused(merge(tmp_path / "out", []), 2, "shards")


def tune(folder, choice):
    run = run_json(folder)
    run["tuning"] = {"mode": "fast", "device": "cpu", "choice": choice, "measured": []}
    (folder / "run.json").write_text(json.dumps(run))


def test_another_tuning(tiny, data, copied, tmp_path):
    """Said by a shard at its start, where one beside it is done, and refused by the merge."""
    tune(copied[0], "frozen-channels-last")
    is_refused(merge(tmp_path / "out", copied), 2, copied[0], copied[1], "tuning", "frozen-channels-last")
    shutil.rmtree(copied[2])
    done = analyse(tiny, data, copied[2], num_shards=3, shard_index=2, **SEARCH)
    warnings = [line for line in done.lines("warning") if "another way" in line]
    assert done.code == 0 and len(warnings) == 1, done.err
    assert str(copied[0]) in warnings[0] and "--tuning" in warnings[0]


def test_a_shard_is_no_start_for_another_run(tiny, data, three, tmp_path):
    search = {key: value for key, value in SEARCH.items() if key in ("grid", "max_evaluations")}
    done = mse(tool="subexp", model=tiny, data=data, out=tmp_path / "run", mses=three[0][1], tune="off", **search)
    is_refused(done, 2, three[0][1], "one shard", "xai-merge")
    run = merged(tmp_path / "merged", three[0])
    assert mse(tool="subexp", model=tiny, data=data, out=tmp_path / "run", mses=run, tune="off", **search).code == 0


# ---- one tuning for all --------------------------------------------------------------------------------------


def test_one_file_of_tunings(tiny, data, tmp_path):
    """The first run makes it, the others take from it what it says."""
    file = tmp_path / "tuning.json"
    options = {"grid": 3, "limit": 2, "tune": "fast", "tuning": file}
    assert analyse(tiny, data, tmp_path / "first", **options).code == 0
    (of_model,) = json.loads(file.read_text())["tunings"].values()
    chosen = run_json(tmp_path / "first")["tuning"]["choice"]
    assert of_model["name"] == "tiny" and of_model["cpu fp32"]["choice"] == chosen
    other = "frozen" if chosen == "plain" else "plain"
    of_model["cpu fp32"]["choice"] = other
    sha = run_json(tmp_path / "first")["model"]["sha256"]
    file.write_text(json.dumps({"schema_version": "2.0", "tunings": {sha: of_model}}))
    assert analyse(tiny, data, tmp_path / "second", **options).code == 0
    tuning = run_json(tmp_path / "second")["tuning"]
    assert (tuning["choice"], tuning["measured"]) == (other, [])
    # what gradients want is added, and what is there stays
    maps = {**MAPS, "limit": 2, "tune": "fast", "tuning": file}
    assert analyse(tiny, data, tmp_path / "maps", **maps).code == 0
    added = json.loads(file.read_text())["tunings"][sha]["cpu fp32"]
    assert added["choice"] == other and added["gradient_choice"] == run_json(tmp_path / "maps")["tuning"]["gradient_choice"]
    # where that is not wanted, it is no matter
    assert analyse(tiny, data, tmp_path / "third", **options).code == 0
    tuning = run_json(tmp_path / "third")["tuning"]
    assert (tuning["choice"], "gradient_choice" in tuning) == (other, False)
    # a run goes on as it began
    (tmp_path / "second/results.jsonl").write_text("")
    of_model["cpu fp32"]["choice"] = chosen
    file.write_text(json.dumps({"schema_version": "2.0", "tunings": {sha: of_model}}))
    is_refused(analyse(tiny, data, tmp_path / "second", **options), 2, file, "--overwrite")


def test_files_that_are_no_tunings(tiny, data, tmp_path):
    file = tmp_path / "tuning.json"
    for text in ("", "{", "[]", '{"tunings": 3}'):
        file.write_text(text)
        is_refused(analyse(tiny, data, tmp_path / "run", tune="fast", tuning=file), 2, file, "remove it")
        assert file.read_text() == text
    is_refused(analyse(tiny, data, tmp_path / "run", tune="off", tuning=file), 2, "--tuning", "--tune")
    file.unlink()
    dry = mse("--dry-run", model=tiny, data=data, out=tmp_path / "dry", grid=3, limit=2, tuning=file)
    assert dry.code == 0 and not file.exists()


# ---- the model that is meant ---------------------------------------------------------------------------------


def test_the_hash_that_is_expected(tiny, pair, data, tmp_path):
    sha = json.loads(tiny.with_suffix(".json").read_text())["sha256"]
    assert analyse(tiny, data, tmp_path / "run", grid=3, limit=1, expect_sha256=sha).code == 0
    is_refused(analyse(tiny, data, tmp_path / "other", grid=3, expect_sha256="0" * 64), 2, tiny, sha, "--expect-sha256")
    hashes = [json.loads(model.with_suffix(".json").read_text())["sha256"] for model in pair]
    options = {"tool": "crosstest", "models": pair, "data": data, **PLAIN, "limit": 1, "size": 7, "steps": 10, "iterations": 1}
    assert mse(out=tmp_path / "cross", expect_sha256=hashes, **options).code == 0
    is_refused(mse(out=tmp_path / "mixed", expect_sha256=hashes[::-1], **options), 2, pair[0], hashes[0])
    is_refused(mse(out=tmp_path / "one", expect_sha256=hashes[:1], **options), 2, "1 hashes for 2 models")


def test_the_program_is_one_of_the_suite(three, tmp_path):
    said = {words: merge("", [], words) for words in ("--help", "--man", "--version")}
    assert all(done.code == 0 and done.err == "" for done in said.values())
    scripts = [mse("--completion", shell, tool="merge") for shell in ("bash", "zsh")]
    for text in (said["--help"].out, said["--man"].out.replace("\\-", "-"), *(done.out for done in scripts)):
        assert {"--missing", "--partial", "--overwrite"} <= set(re.findall(r"--[a-z]+", text))
    told = merge(tmp_path / "merged", three[0], "--json", "--quiet")
    assert (told.code, told.err) == (0, "")
    document = json.loads(told.out)
    assert document["complete"] and document["missing"] == "" and document["summary"]["images"] == COUNT

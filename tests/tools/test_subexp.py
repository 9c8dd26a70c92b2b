"""xai-subexp: its counts against brute force, its two ways to the MSEs, resuming, graphs, summaries, tables, refusals."""

import csv
import io
import json
import math
import re
import shutil
import signal

import numpy
import pytest
import reference
import test_errors
import tiny_models
import torch
from conftest import (COUNTING, ROOT, analyse, count, is_refused, make_photos, mse, photo, records, run_json, shared_data,
                      started, summary_json, timeless, validate)
from PIL import Image
from reference import bit_set
from test_resume import wait_for_records
from test_run import card_of, image_of
from tiny_models import make_model

FIELDS = ("distinct", "tree_nodes", "log10_tree_nodes", "truncated", "by_size")


def subexp(*arguments, **options):
    return mse(*arguments, tool="subexp", **options)


# ---- the counts, against brute force -------------------------------------------------------------------------


def check_count(counted, ratio, roots, threshold):
    expected = reference.SubExplanations(ratio, roots, threshold)
    assert counted["truncated"] is False
    assert counted["distinct"] == expected.distinct()
    assert int(counted["tree_nodes"]) == expected.tree_nodes()
    assert isinstance(counted["tree_nodes"], int) == (expected.tree_nodes() <= 2 ** 53)
    if expected.tree_nodes():
        assert counted["log10_tree_nodes"] == pytest.approx(math.log10(expected.tree_nodes()), abs=1e-12)
    else:
        assert counted["log10_tree_nodes"] is None
    sizes = sorted({bits.bit_count() for bits in expected.sets})
    assert list(counted["by_size"]) == [str(size) for size in sizes]
    for size in sizes:
        assert counted["by_size"][str(size)]["distinct"] == expected.distinct(size)
        assert int(counted["by_size"][str(size)]["tree_nodes"]) == expected.tree_nodes(size)


def check_record(record, ratio, threshold):
    """All counts of one image, by the ratios of all its subsets."""
    counted = record["sub_explanations"]
    roots = [bit_set(one["patches"]) for one in record["mses"]]
    check_count(counted, ratio, roots, threshold)
    distinct = 0
    for root, one in zip(roots, record["mses"]):
        check_count(one["sub_explanations"], ratio, [root], threshold)
        distinct += one["sub_explanations"]["distinct"]
    assert counted["distinct"] <= int(counted["tree_nodes"])
    if not roots:
        assert counted["per_mse"] is None and counted["distinct"] == 0
        return
    assert counted["per_mse"]["distinct"] == pytest.approx(distinct / len(roots), rel=1e-12)
    assert counted["per_mse"]["tree_nodes"] == pytest.approx(int(counted["tree_nodes"]) / len(roots), rel=1e-12)
    if distinct:
        assert 10 ** counted["per_mse"]["log10_tree_nodes"] == pytest.approx(counted["per_mse"]["tree_nodes"], rel=1e-9)


@pytest.mark.parametrize("threshold", [0.5, 0.3, 0.95])
@pytest.mark.parametrize("mask, baseline", [("soft", "blur"), ("hard", "black")])
def test_counts_are_those_of_brute_force(mask, baseline, threshold, tiny, photos, tmp_path):
    finished = count(tiny, photos, tmp_path / "run", grid=3, mask=mask, baseline=baseline, search="exhaustive",
                     threshold=0.8, node_threshold=threshold)
    assert finished.code == 0
    counts = []
    for record in records(tmp_path / "run"):
        validate(record, "subexp-record")
        table = reference.Table(image_of(photos / record["image"]), torch.jit.load(tiny), card_of(tiny), 3, baseline, mask)
        if record["status"] != "ok":
            assert record["sub_explanations"] is None
            continue
        assert record["sub_explanations"]["node_threshold"] == threshold
        if table.decides_clearly(0.8) and table.decides_clearly(threshold):
            check_record(record, table.ratio, threshold)
            counts.append(record["sub_explanations"]["distinct"])
            # an exhaustive search leaves nothing to evaluate
            assert record["sub_explanations"]["evaluations"] == 0 and record["sub_explanations"]["saved"] > 0
    assert len(counts) >= 2 and (max(counts) > 3 or threshold == 0.95)


def run_on_table(p, folder, **options):
    """Counts on an image whose subsets have the probabilities p; gives its record."""
    model = make_model(folder, tiny_models.Lookup(p), classes=2, ids=("it", "else"))
    Image.new("RGB", (32, 32), "white").save(folder / "white.png")
    finished = count(model, folder / "white.png", folder / "run", baseline="black", mask="hard", min_probability=0,
                     labels=None, batch_size=512, threshold=0.9, **options)
    assert finished.code == 0, finished.err
    (record,) = records(folder / "run")
    validate(record, "subexp-record")
    # the same softmax that the tool has seen
    logit = torch.log(torch.as_tensor(p)) - torch.log(1 - torch.as_tensor(p))
    seen = torch.stack([logit, torch.zeros_like(logit)], 1).softmax(1)[:, 0].double().numpy()
    return record, seen / seen[-1]


OWN_TABLES = ROOT / "tests/search/truth"  # the others are shared data


@pytest.mark.parametrize("name", ["lite0_hog_g4", "lite0_zebra_g4", "vit_hog_g4", "vit_zebra_g4", "lite0_peacock_g4",
                                  "vit_labrador_g4"])
def test_all_mses_of_the_truth_tables(name, tmp_path):
    own = OWN_TABLES / f"{name}.npz"
    table = numpy.load(own if own.exists() else shared_data(f"truth/{name}.npz"))
    p = numpy.clip(table["p"].astype(numpy.float32), 1e-7, 1 - 1e-6)
    record, ratio = run_on_table(p, tmp_path, grid=4, search="exhaustive", max_nodes=100_000)
    assert record["target"] == 0, "the network was sure, so the table's class is predicted"
    sufficient = set(numpy.flatnonzero(ratio >= 0.9).tolist())
    assert record["found"] > 30 and {bit_set(one["patches"]) for one in record["mses"]} <= sufficient
    check_record(record, ratio, 0.5)


def test_orders_beyond_what_a_double_holds_are_strings(tmp_path):
    # of 16 patches all are needed, and any subset keeps half: 16! orders and more
    p = numpy.full(1 << 16, 0.6, numpy.float32)
    p[-1] = 0.95
    record, ratio = run_on_table(p, tmp_path, grid=4, search="exhaustive", max_nodes=100_000)
    assert record["found"] == 1 and record["sub_explanations"]["distinct"] == 2 ** 16 - 1
    orders = sum(math.factorial(16) // math.factorial(k) for k in range(1, 17))
    assert record["sub_explanations"]["tree_nodes"] == orders  # 3.6e13: still a number
    check_record(record, ratio, 0.5)


# ---- bounds and probes ---------------------------------------------------------------------------------------


def test_a_bound_gives_lower_bounds_that_say_so(tiny, photos, tmp_path):
    given = {"grid": 4, "max_evaluations": 400, "node_threshold": 0.3}
    assert count(tiny, photos, tmp_path / "all", **given).code == 0
    assert count(tiny, photos, tmp_path / "cut", max_nodes=12, **given).code == 0
    truncated = 0
    for whole, cut in zip(records(tmp_path / "all"), records(tmp_path / "cut")):
        validate(cut, "subexp-record")
        if whole["status"] != "ok":
            continue
        whole, cut = whole["sub_explanations"], cut["sub_explanations"]
        assert not whole["truncated"]
        assert cut["truncated"] == (whole["distinct"] > 12) or whole["distinct"] == 12
        assert cut["distinct"] == min(12, whole["distinct"])
        assert int(cut["tree_nodes"]) <= int(whole["tree_nodes"])
        truncated += cut["truncated"]
    assert truncated >= 2
    summary = summary_json(tmp_path / "cut")
    validate(summary, "subexp-summary")
    assert summary["truncated"]["count"] == truncated == summary["quantities"]["truncated_distinct"]["n"]
    assert summary["quantities"]["distinct"]["n"] == summary["truncated"]["n"] - truncated


def test_probes_estimate_the_orders(tiny, photos, tmp_path):
    given = {"grid": 4, "max_evaluations": 400, "node_threshold": 0.3}
    assert count(tiny, photos, tmp_path / "run", probe=3000, **given).code == 0
    assert count(tiny, photos, tmp_path / "cut", probe=3000, max_nodes=5, **given).code == 0
    estimated = 0
    for record, cut in zip(records(tmp_path / "run"), records(tmp_path / "cut")):
        validate(record, "subexp-record")
        if record["status"] != "ok" or not record["mses"]:
            continue
        counted = record["sub_explanations"]
        estimate = counted["estimate"]
        error = estimate["standard_error"]
        assert abs(estimate["tree_nodes"] - int(counted["tree_nodes"])) <= 5 * error + 1e-9
        assert estimate["evaluations"] == 0  # all that probes can meet has been counted
        estimated += error > 0
        # the bound does not touch it
        for field in ("tree_nodes", "standard_error"):
            assert cut["sub_explanations"]["estimate"][field] == estimate[field]
    assert estimated >= 2


# ---- from an earlier run of xai-mse --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def earlier(tiny, tmp_path_factory):
    """A finished run of xai-mse over labelled photographs, one of which is broken; its data set and options."""
    folder = tmp_path_factory.mktemp("earlier")
    for label, name in enumerate(("red", "green", "blue")):
        make_photos(folder / "photos" / name, 4, width=32 + label)
    Image.new("RGB", (32, 32), (220, 30, 30)).save(folder / "photos/red/flat.png")  # the blur keeps all of it
    (folder / "photos/red/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    options = {"grid": 4, "max_evaluations": 300, "threshold": 0.85, "min_probability": 0.51}
    assert analyse(tiny, folder / "photos", folder / "mse", **options).code == 3
    return folder / "photos", folder / "mse", options


def without_costs(record):
    """A record without what may differ between the two ways, and without p, which may differ by float noise."""
    record = json.loads(json.dumps(record))
    for field in ("seconds", "p_full", "p_baseline"):
        record.pop(field)
    for one in record["mses"]:
        del one["p"], one["ratio"]
    if record["sub_explanations"]:
        del record["sub_explanations"]["evaluations"], record["sub_explanations"]["saved"]
    return record


def test_both_ways_give_the_same(earlier, tiny, tmp_path):
    data, run, options = earlier
    again = subexp(mses=run, out=tmp_path / "from", tune="off", batch_size=8)
    assert again.code == 3, again.err
    assert count(tiny, data, tmp_path / "anew", **options).code == 3
    statuses = set()
    for ours, theirs, mses in zip(records(tmp_path / "from"), records(tmp_path / "anew"), records(run), strict=True):
        validate(ours, "subexp-record")
        statuses.add(ours["status"])
        if not ours["near_ties"] and not theirs["near_ties"]:
            assert without_costs(ours) == without_costs(theirs)
        assert {**mses, "picture": None, "seconds": 0}.items() >= {
            field: value for field, value in {**ours, "seconds": 0}.items()
            if field not in ("mses", "near_ties", "sub_explanations", "graph")}.items()
        if ours["status"] == "ok":
            one, other = ours["sub_explanations"], theirs["sub_explanations"]
            assert one["evaluations"] + one["saved"] == other["evaluations"] + other["saved"]
            assert one["evaluations"] >= other["evaluations"] and one["saved"] >= len(ours["mses"])
    assert statuses == {"ok", "skipped", "error", "baseline-sufficient"}
    run_of, summary = run_json(tmp_path / "from"), summary_json(tmp_path / "from")
    validate(run_of, "run")
    validate(summary, "subexp-summary")
    assert run_of["options"]["grid"] == 4 and run_of["options"]["data"] == str(data)
    # what was evaluated: the intact images, and what the records say
    spent = [record["sub_explanations"]["evaluations"] for record in records(tmp_path / "from") if record["sub_explanations"]]
    assert run_of["forward"] == sum(spent) + len(spent)


def test_another_model_data_or_option_is_refused_by_name(earlier, tiny, tmp_path):
    _data, run, _ = earlier
    other_model = make_model(tmp_path / "model", tiny_models.Colours)
    other_data = make_photos(tmp_path / "photos/red", 3).parent
    refusals = [({"model": other_model}, "model is"), ({"data": other_data}, "data."), ({"limit": 3}, "data."),
                ({"grid": 5}, "options.grid is 4 there and 5 here"),
                ({"threshold": 0.9}, "options.threshold is 0.85 there and 0.9 here"),
                ({"baseline": "gray"}, "options.baseline"), ({"mask": "hard"}, "options.mask"),
                ({"precision": "bf16"}, "options.precision"), ({"target": "label"}, "options.target"),
                ({"max_evaluations": 301}, "options.max_evaluations"), ({"only_correct": True}, "options.only_correct")]
    for i, (options, words) in enumerate(refusals):
        refused = subexp(mses=run, out=tmp_path / f"run{i}", tune="off", **options)
        is_refused(refused, 2, words, "--mses")
        assert not (tmp_path / f"run{i}/results.jsonl").exists() or not records(tmp_path / f"run{i}")
    # what is given and equal is fine
    assert subexp(mses=run, out=tmp_path / "run", tune="off", grid=4, threshold=0.85, max_nodes=50).code == 3


def test_runs_that_cannot_be_counted_from(earlier, tiny, photos, tmp_path):
    _data, run, _options = earlier
    is_refused(subexp(mses=tmp_path / "none", out=tmp_path / "run"), 2, tmp_path / "none", "finished run")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/run.json").write_text("{")
    is_refused(subexp(mses=tmp_path / "odd", out=tmp_path / "run"), 2, "run.json", "not JSON")
    copy = shutil.copytree(run, tmp_path / "copy")
    document = run_json(copy)
    (copy / "run.json").write_text(json.dumps({**document, "status": "stopped"}))
    is_refused(subexp(mses=copy, out=tmp_path / "run"), 2, copy, "stopped", "to its end")
    (copy / "run.json").write_text(json.dumps({**document, "tool": "xai-other"}))
    is_refused(subexp(mses=copy, out=tmp_path / "run"), 2, copy, "xai-other", "not of xai-mse")
    (copy / "run.json").write_text(json.dumps(document))
    lines = (copy / "results.jsonl").read_text().splitlines(keepends=True)
    (copy / "results.jsonl").write_text("".join(lines[:-1]))
    is_refused(subexp(mses=copy, out=tmp_path / "run", tune="off"), 2, "no record of", "run xai-mse again")
    is_refused(subexp(mses=run, out=run), 2, "holds another run")


def test_a_photograph_that_has_changed_since_is_an_error(earlier, tmp_path):
    data, run, _ = earlier
    shutil.copytree(data, tmp_path / "photos")
    searched = next(record for record in records(run) if record["status"] == "ok")
    photo(99).save(tmp_path / "photos" / searched["image"])
    finished = subexp(mses=run, data=tmp_path / "photos", out=tmp_path / "run", tune="off")
    assert finished.code == 3
    record = next(record for record in records(tmp_path / "run") if record["image"] == searched["image"])
    assert record["status"] == "error" and "SHA-256" in record["reason"]


def test_another_earlier_run_is_another_run(earlier, tiny, tmp_path):
    data, run, options = earlier
    assert subexp(mses=run, out=tmp_path / "run", tune="off").code == 3
    assert analyse(tiny, data, tmp_path / "mse", **options).code == 3
    is_refused(subexp(mses=tmp_path / "mse", out=tmp_path / "run", tune="off"), 2, "another run", "mses is")


# ---- going on ------------------------------------------------------------------------------------------------

RESUMED = {"grid": 5, "max_evaluations": 700, "node_threshold": 0.4, "max_nodes": 200, "probe": 20, "images_in_flight": 3}
COUNT = 16


@pytest.fixture(scope="module")
def undisturbed(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    data = make_photos(folder / "photos", COUNT)
    assert count(tiny, data, folder / "run", **RESUMED).code == 0
    assert any(record["sub_explanations"] and record["sub_explanations"]["truncated"] for record in records(folder / "run"))
    return data, folder / "run"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_a_stopped_run_goes_on_to_the_same_end(name, undisturbed, tiny, tmp_path):
    data, whole = undisturbed
    out = tmp_path / "run"
    with started(tiny, data, out, **COUNTING, **RESUMED) as process:
        wait_for_records(process, out, 3)
        process.send_signal(getattr(signal, name))
        process.communicate(timeout=120)
    assert process.returncode == (75 if name == "SIGTERM" else -9)
    assert len(records(out)) < COUNT and not (out / "summary.json").exists()
    assert count(tiny, data, out, **RESUMED).code == 0
    assert timeless(out) == timeless(whole)
    assert run_json(out)["sessions"] == 2
    is_refused(count(tiny, data, out, **{**RESUMED, "max_nodes": 201}), 2, "max_nodes is 200 there and 201 here")
    is_refused(count(tiny, data, out, **{**RESUMED, "probe": 21}), 2, "probe is 20 there and 21 here")
    is_refused(count(tiny, data, out, **{**RESUMED, "node_threshold": 0.5}), 2, "node_threshold")


@pytest.mark.parametrize("options", [
    {"batch_size": 1, "images_in_flight": 1},
    {"batch_size": 7, "images_in_flight": 8, "threads": 2},
    {"batch_size": 32, "images_in_flight": 8, "threads": 1},
], ids=str)
def test_the_packing_of_batches_changes_nothing(options, undisturbed, tiny, tmp_path):
    data, whole = undisturbed
    assert count(tiny, data, tmp_path / "run", limit=8, **{**RESUMED, **options}).code == 0
    compared = 0
    for ours, theirs in zip(records(tmp_path / "run"), records(whole)):
        if (ours["near_ties"] or 0) > 0 or (theirs["near_ties"] or 0) > 0:
            continue
        compared += 1
        assert without_costs(ours) == without_costs(theirs)
        if ours["sub_explanations"]:
            for field in ("evaluations", "saved"):
                assert ours["sub_explanations"][field] == theirs["sub_explanations"][field]
    assert compared >= 2


def test_a_finished_run_is_left_alone(undisturbed, tiny):
    data, whole = undisturbed
    before = (whole / "run.json").read_bytes()
    again = count(tiny, data, whole, **RESUMED)
    assert again.code == 0 and "nothing to do" in again.err and (whole / "run.json").read_bytes() == before


# ---- graphs --------------------------------------------------------------------------------------------------


def parse_dot(text):
    """Nodes with their picture and percentage, and edges with the patch taken away."""
    nodes = {int(i): (picture, share) for i, picture, share in re.findall(
        r'n(\d+) \[label=<<TABLE.*?SRC="([^"]+)".*?<TR><TD>([\d.]+ %)', text)}
    edges = [(int(a), int(b), int(patch)) for a, b, patch in re.findall(r'n(\d+) -> n(\d+) \[label=" -(\d+)"\]', text)]
    return nodes, edges


def test_graphs_of_chosen_images(tiny, tmp_path):
    data = make_photos(tmp_path / "photos/sub & folder", 4).parent
    given = {"grid": 4, "max_evaluations": 300, "threshold": 0.8, "node_threshold": 0.4}
    chosen = "sub & folder/photo03.png"
    assert count(tiny, data, tmp_path / "run", graphs=1, graph_image=chosen, graph_max_nodes=9, **given).code == 0
    every = records(tmp_path / "run")
    drawn = {record["image"]: record["graph"] for record in every if record["graph"]}
    wanted = {record["image"] for i, record in enumerate(every)
              if (i == 0 or record["image"] == chosen) and (record["sub_explanations"] or {}).get("distinct")}
    assert set(drawn) == wanted and wanted
    for image, path in drawn.items():
        assert path == f"graphs/{image}.dot"
        dot = tmp_path / "run" / path
        nodes, edges = parse_dot(dot.read_text())
        record = next(record for record in every if record["image"] == image)
        assert len(nodes) == min(9, record["sub_explanations"]["distinct"])
        children = {b for _, b, _ in edges}
        roots = set(nodes) - children
        ratios = {f"{100 * one['ratio']:.0f} %" for one in record["mses"]}
        assert roots and all(nodes[i][1] in ratios or float(nodes[i][1][:-2]) < 10 or float(nodes[i][1][:-2]) > 99 for i in roots)
        for picture, _ in nodes.values():
            assert Image.open(dot.parent / picture.replace("&amp;", "&")).size == (192, 192)
        assert all(0 <= patch < 16 for _, _, patch in edges)
        svg = dot.with_suffix(".svg")
        assert svg.exists() == bool(shutil.which("dot"))
        if svg.exists():
            text = svg.read_text()
            assert text.count('xlink:href="data:image/png;base64,') == len(nodes)
            assert "xlink:href" not in text.replace('xlink:href="data:', "")
        assert not list(dot.parent.glob("*.tmp"))
    is_refused(count(tiny, data, tmp_path / "other", graph_image="photo03.png", **given), 2, "--graph-image photo03.png")
    assert count(tiny, data, tmp_path / "run", overwrite=True, **given).code == 0
    assert not list((tmp_path / "run").rglob("*.dot")) + list((tmp_path / "run").rglob("*.svg"))


def test_without_graphviz_there_is_a_dot_file(tiny, photos, tmp_path):
    finished = count(tiny, photos, tmp_path / "run", grid=3, graphs=-1, env={"PATH": str(tmp_path)})
    assert finished.code == 0
    assert sum("Graphviz" in line for line in finished.lines("info")) == 1
    drawn = [record["graph"] for record in records(tmp_path / "run") if record["graph"]]
    assert drawn and all((tmp_path / "run" / path).exists() for path in drawn)
    assert not list((tmp_path / "run").rglob("*.svg"))


# ---- summary and table ---------------------------------------------------------------------------------------


def test_summary_is_that_of_the_records(undisturbed):
    _data, run = undisturbed
    summary, every = summary_json(run), records(run)
    validate(summary, "subexp-summary")
    ok = [record for record in every if record["status"] == "ok"]
    counted = [record["sub_explanations"] for record in ok]
    assert summary["without_sub_explanations"]["count"] == sum(one["distinct"] == 0 for one in counted)
    assert summary["truncated"] == {"n": len(counted), "count": sum(one["truncated"] for one in counted),
                                    "share": sum(one["truncated"] for one in counted) / len(counted)}
    assert summary["quantities"]["found"]["mean"] == pytest.approx(numpy.mean([record["found"] for record in ok]))
    for prefix, cut in (("", False), ("truncated_", True)):
        chosen = [one for one in counted if one["truncated"] == cut]
        for field in ("distinct", "tree_nodes", "log10_tree_nodes"):
            for suffix, values in (("", [one[field] for one in chosen]),
                                   ("_per_mse", [one["per_mse"][field] for one in chosen if one["per_mse"]])):
                values = [float(value) for value in values if value is not None]
                numbers = summary["quantities"][prefix + field + suffix]
                assert numbers["n"] == len(values)
                if values:
                    assert numbers["mean"] == pytest.approx(numpy.mean(values), rel=1e-12)
                    assert numbers["median"] == pytest.approx(numpy.median(values), rel=1e-12)
                    assert numbers["low"] <= numbers["mean"] <= numbers["high"]
    estimates = [one["estimate"]["tree_nodes"] for one in counted]
    assert summary["quantities"]["estimated_tree_nodes"]["mean"] == pytest.approx(numpy.mean(estimates), rel=1e-12)
    spent = [one["evaluations"] + one["estimate"]["evaluations"] for one in counted]
    assert summary["quantities"]["sub_evaluations"]["mean"] == pytest.approx(numpy.mean(spent), rel=1e-12)
    with open(run / "summary.csv", newline="") as file:
        rows = {row["quantity"]: row for row in csv.DictReader(file)}
    assert list(rows) == list(summary["quantities"])
    assert float(rows["distinct_per_mse"]["mean"]) == summary["quantities"]["distinct_per_mse"]["mean"]


@pytest.fixture(scope="module")
def three_runs(photos, tmp_path_factory):
    """Runs of three models, the first and the last of one family, over the same photographs."""
    folder = tmp_path_factory.mktemp("three")
    runs = []
    for name, kind, family in (("tiny_a", tiny_models.Tiny, "convnext"), ("colours", tiny_models.Colours, "old-cnn"),
                               ("tiny_b", tiny_models.Tiny, "convnext")):
        model = make_model(folder / name, kind, name=name, family=family)
        assert count(model, photos, folder / f"{name}.run", grid=3, max_evaluations=200).code == 0
        runs.append(folder / f"{name}.run")
    return runs


def test_a_table_sets_models_side_by_side(three_runs):
    text = subexp("--table", *three_runs)
    assert (text.code, text.err) == (0, "")
    lines = text.out.splitlines()
    assert [line.split()[0] for line in lines] == ["model", "tiny_a", "tiny_b", "colours"]  # families together
    assert len({len(line) for line in lines}) == 1
    latex = subexp("--table", *three_runs, "--format", "latex")
    assert latex.code == 0 and latex.out.startswith("\\begin{tabular}{llrrr") and "tiny\\_a & convnext & " in latex.out
    assert latex.out.count(" \\\\\n") == 4 and re.search(r"\d+ \\%", latex.out)
    table = subexp("--table", *three_runs, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(table.out, newline="")))
    assert [row["model"] for row in rows] == ["tiny_a", "tiny_b", "colours"]
    for row, run in zip(rows, (three_runs[0], three_runs[2], three_runs[1])):
        summary = summary_json(run)
        assert int(row["images"]) == summary["statuses"]["ok"]
        share = row["without_mse_share"]
        assert (float(share) if share else None) == summary["without_mse"]["share"]
        for quantity in ("found", "mean_mse_size", "distinct", "distinct_per_mse", "log10_tree_nodes_per_mse"):
            for statistic in ("n", "mean", "median", "low", "high"):
                expected, cell = summary["quantities"][quantity][statistic], row[f"{quantity}_{statistic}"]
                assert (float(cell) if cell else None) == expected
        mean = summary["quantities"]["distinct"]["mean"]
        shown = " - " if mean is None else f"{mean:.1f} ["  # nothing of the third model counts
        assert shown in next(line for line in lines if line.startswith(row["model"]))


def test_tables_of_unlike_runs_are_refused(three_runs, photos, tiny, tmp_path):
    assert count(tiny, photos, tmp_path / "grid", grid=2, max_evaluations=200).code == 0
    is_refused(subexp("--table", three_runs[0], tmp_path / "grid"), 2, "options.grid is 3 there and 2 here")
    assert count(tiny, photos, tmp_path / "few", grid=3, max_evaluations=200, limit=2).code == 0
    is_refused(subexp("--table", three_runs[0], tmp_path / "few"), 2, "data.")
    assert count(tiny, photos, tmp_path / "nodes", grid=3, max_evaluations=200, max_nodes=77).code == 0
    is_refused(subexp("--table", three_runs[0], tmp_path / "nodes"), 2, "options.max_nodes")
    is_refused(subexp("--table", tmp_path), 2, tmp_path, "finished run")
    assert analyse(tiny, photos, tmp_path / "mse", grid=3).code == 0
    is_refused(subexp("--table", tmp_path / "mse"), 2, "xai-mse", "not of xai-subexp")
    # from the MSEs of earlier runs, which differ from model to model
    assert analyse(tiny, photos, tmp_path / "first", grid=3, max_evaluations=200).code == 0
    assert subexp(mses=tmp_path / "first", out=tmp_path / "counted", tune="off").code == 0
    assert subexp("--table", three_runs[0], tmp_path / "counted").code == 0


# ---- the command line ----------------------------------------------------------------------------------------

BAD_VALUES = {
    **{option: values for option, values in test_errors.BAD_VALUES.items()
       if option not in ("--pictures", "--estimate", "--estimate-evaluations", "--max-orders")},
    "--format": ["pdf"],
    "--graph-image": ["no-such.png"],
    "--graph-max-nodes": ["0", "501"],
    "--graphs": ["-2"],
    "--max-nodes": ["0", "5000001"],
    "--mses": ["no-such-run"],
    "--node-threshold": ["0", "1.01", "nan"],
    "--probe": ["-1"],
    "--table": ["no-such-run"],
}
OWN = set(BAD_VALUES) - set(test_errors.BAD_VALUES)


@pytest.mark.parametrize("option, value", [(option, value) for option in sorted(OWN) for value in BAD_VALUES[option]])
def test_bad_values_are_refused(option, value, tiny, photos, tmp_path):
    given = {"--model": tiny, "--data": photos, "--out": tmp_path / "run", "--tune": "off", option: value}
    refused = subexp(*[f"{name}={text}" for name, text in given.items()])
    is_refused(refused, 2)
    error = refused.lines("error")[-1]
    assert option in error or option[2:].replace("-", " ") in error or (value.startswith("no-such") and value in error)
    assert not (tmp_path / "run/results.jsonl").exists() or not records(tmp_path / "run")


def test_bad_values_of_every_option_are_tested():
    help_text = subexp("--help").out
    with_value = set(re.findall(r"^  (--[a-z0-9-]+) (?=\S)", help_text, re.M)) | {"--config"}
    without = {"--version", "--folders-by-rank", "--print-config", "--only-correct", "--overwrite", "--shard-from-slurm", "--quiet", "--verbose", "--help"}
    assert with_value - without == set(BAD_VALUES)


def test_help_version_and_configuration(tiny, photos, tmp_path):
    shown = subexp("--help")
    assert (shown.code, shown.err) == (0, "")
    for group in ("Input:", "Perturbation:", "Search:", "Compute", "Output:", "Sub-explanations:", "Graphs:", "Table"):
        assert re.search(rf"^{group}", shown.out, re.M), f"no group {group}"
    assert re.fullmatch(r"xai-subexp \d+\.\d+\.\d+( \([0-9a-f]{7,}\))?\n", subexp("--version").out)
    given = {"model": tiny, "data": photos, "out": tmp_path / "run", "grid": 3, "node_threshold": 0.25, "max_nodes": 17,
             "graphs": 2, "graph_image": "photo00.png", "tune": "off"}
    config = tmp_path / "config.toml"
    config.write_text(subexp("--print-config", **given).out)
    assert subexp("--print-config", config=config).out == config.read_text()
    assert subexp(config=config).code == 0
    options = run_json(tmp_path / "run")["options"]
    assert (options["node_threshold"], options["max_nodes"], options["graph_image"]) == (0.25, 17, ["photo00.png"])
    for name in ("model", "data", "out"):
        is_refused(subexp(**{**given, name: None}), 2, f"--{name} is needed")


def test_images_that_cannot_be_used_become_records(tiny, tmp_path):
    data = make_photos(tmp_path / "photos", 2)
    (data / "text.png").write_text("This is not a photograph.\n")
    finished = count(tiny, data, tmp_path / "run", grid=3)
    assert finished.code == 3 and finished.lines("error") == []
    record = next(record for record in records(tmp_path / "run") if record["image"] == "text.png")
    validate(record, "subexp-record")
    assert record["status"] == "error" and record["sub_explanations"] is None

"""The program xai-compare: what it reads, pairs, refuses and says, on real runs and on invented ones."""

import csv
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

import xaimse
from xaimse.compare import sentences
from xaimse.compare.cli import main
from xaimse.compare.quantities import OVERLAPS, QUANTITIES
from xaimse.compare.tables import PHOTOGRAPHS, TABLES
from xaimse.reading import read

OPTIONS = {"grid": 3, "threshold": 0.9, "baseline": "blur", "mask": "soft", "seed": 0}


def write_run(folder, records, tool="xai-mse", model=None, data="d", status="done", **options):
    """A run of a model, `folder`'s name unless told."""
    model = model or folder.name
    options = OPTIONS | options
    card = {"name": model, "family": "tiny", "sha256": f"{model}'s"}
    identity = {"tool": tool, "data": {"sha256": data}, "options": options}
    info = {"schema_version": "2.0", "tool": tool, "tool_version": "0.1.0", "status": status, "options": options,
            "model": {"sha256": card["sha256"], "card": card}, "data": {"count": len(records)},
            "identity": identity}  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(info))
    (folder / "results.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def mse_record(place, sets, label=None, predicted=0, target=0, counts=None, truncated=False, **fields):
    """A record of xai-mse; with `counts`, a number for each set, of xai-subexp."""
    mses = [{"patches": sorted(s), "certificate": "all-subsets" if len(s) < 3 else "single-removal"} for s in sets]
    record = {"image": f"{place:04d}.jpg", "content": f"{place:064x}", "status": "ok", "label": label,
              "predicted": predicted, "target": target, "mses": mses, "found": len(sets), "diverse": min(len(sets), 2),
              "min_size": min(map(len, sets), default=None)}  # fmt: skip
    if counts is not None:
        per_mse = {"distinct": sum(counts) / len(counts)} if counts else None
        record["sub_explanations"] = {"per_mse": per_mse, "truncated": truncated}
    return record | fields


def random_sets(random, count, grid=3):
    """So many different sets."""
    orders = [random.permutation(grid**2).tolist() for _ in range(8 * count + 8)]
    sets = dict.fromkeys(frozenset(order[: 1 + place % 4]) for place, order in enumerate(orders))
    return list(sets)[:count]


def random_run(folder, seed, photographs=20, **options):
    random = numpy.random.default_rng(seed)
    records = [
        mse_record(place, random_sets(random, int(random.integers(0, 5))), label=place % 3,
                   predicted=int(random.integers(0, 3)), target=int(random.integers(0, 3)))
        for place in range(photographs)
    ]  # fmt: skip
    return write_run(folder, records, **options)


def out_of(capsys, *words, says=""):
    """What the program writes to standard output, and `says` on standard error."""
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    assert (code, err) == (0, says)
    return out


def compared(capsys, *words, says=""):
    return json.loads(out_of(capsys, *words, "--json", says=says), parse_constant=pytest.fail)


def refused(capsys, *words):
    """The line on standard error."""
    try:
        code = main([str(word) for word in words])
    except SystemExit as ended:
        code = ended.code
    out, err = capsys.readouterr()
    assert (code, out) == (2, "") and err.startswith("xai-compare: ") and err.count("\n") == 1, err
    return err


def only(rows, **fields):
    (row,) = [row for row in rows if all(row[name] == value for name, value in fields.items())]
    return row


# --- real runs


def test_two_models(runs, capsys):
    result = compared(capsys, "runs/first", "runs/other")
    assert [run["model"] for run in result["runs"]] == ["alpha", "tiny"] and result["photographs"] == 4
    for name, model in (("first", "alpha"), ("other", "tiny")):
        summary = read(f"runs/{name}").summary["quantities"]
        for quantity in ("found", "diverse", "min_size", "mean_mse_size"):
            row = only(result["models"], quantity=quantity, model=model)
            assert {key: row[key] for key in ("n", "mean", "median")} == pytest.approx(
                {key: summary[quantity][key] for key in ("n", "mean", "median")}
            )
    records = [read(f"runs/{name}").records.set_index("image") for name in ("first", "other")]
    of = [of_run[of_run.status == "ok"].found for of_run in records]
    row = only(result["pairs"], quantity="found", photographs="all")
    assert row["difference"] == pytest.approx(float((of[0] - of[1]).dropna().mean())) and row["n"] == 2
    assert {row["overlap"] for row in result["overlaps"]} == set(OVERLAPS)


def test_text_has_tables_and_sentences(runs, capsys):
    out = out_of(capsys, "runs/first", "runs/other")
    assert out.startswith("xai-mse, 4 photographs: alpha and tiny\n\nEach model: ")
    result = compared(capsys, "runs/first", "runs/other")
    for row in result["pairs"] + result["overlaps"]:
        assert (f"  {row['says']}\n" in out) == (row["photographs"] == "all")


def test_maps(runs, capsys):
    shutil.copytree("runs/maps", "runs/maps_again")
    info = json.loads(Path("runs/maps/run.json").read_text())
    info["model"]["card"] |= {"name": "copy", "sha256": "0" * 64}
    Path("runs/maps_again/run.json").write_text(json.dumps(info))
    result = compared(capsys, "runs/maps", "runs/maps_again")
    scores = {"insertion", "deletion", "insertion_minus_deletion"}
    assert result["overlaps"] == [] and {row["quantity"] for row in result["pairs"]} == scores
    better = {row["quantity"]: row["better"] for row in result["models"]}
    assert better == dict.fromkeys(scores, "higher") | {"deletion": "lower"}
    row = only(result["models"], quantity="deletion", model="alpha")
    assert row["mean"] == pytest.approx(read("runs/maps").records.deletion.mean())
    shutil.rmtree("runs/maps_again")


def test_cross_test(runs, capsys):
    result = compared(capsys, "runs/cross")
    asymmetry = read("runs/cross").asymmetry.set_index("model")
    matrix = read("runs/cross").matrix
    for model in ("alpha", "beta", "gamma"):
        for quantity, column in (("auc_as_source", "as_source"), ("auc_as_target", "as_target")):
            row = only(result["models"], quantity=quantity, model=model)
            assert row["mean"] == pytest.approx(asymmetry.loc[model, column]) and row["n"] == 3
        own = only(result["models"], quantity="auc_own", model=model)["mean"]
        assert own == pytest.approx(matrix.loc[model, model])
    assert len({(row["a"], row["b"]) for row in result["pairs"]}) == 3 and result["pairs"][0]["holm_over"] == 3
    assert result["pairs"][0]["says"].startswith("On 3 photographs both are tested on, ")


# --- quantities, pairs and kinds of photographs, by plain loops


def plain(folder):
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


QUANTITY = {
    "found": lambda r: r["found"],
    "diverse": lambda r: r["diverse"],
    "min_size": lambda r: r["min_size"],
    "mean_mse_size": lambda r: numpy.mean([len(m["patches"]) for m in r["mses"]]) if r["mses"] else None,
    "certified": lambda r: numpy.mean([m["certificate"] == "all-subsets" for m in r["mses"]]) if r["mses"] else None,
}


def right(record):
    return record["label"] == record["predicted"]


KIND = {
    "all": lambda a, b: True,
    "both-right": lambda a, b: right(a) and right(b),
    "one-right": lambda a, b: right(a) != right(b),
    "same-class": lambda a, b: a["target"] == b["target"],
}


def test_pairs_are_plain_loops(tmp_path, capsys):
    folders = [random_run(tmp_path / name, seed, 40) for seed, name in enumerate("abc")]
    result = compared(capsys, *folders)
    for (x, y), (quantity, value), (kind, is_of) in itertools.product(
        itertools.combinations(folders, 2), QUANTITY.items(), KIND.items()
    ):
        both = [(value(a), value(b)) for a, b in zip(plain(x), plain(y), strict=True) if is_of(a, b)]
        both = [(a, b) for a, b in both if a is not None and b is not None]
        row = only(result["pairs"], quantity=quantity, photographs=kind, a=x.name, b=y.name)
        assert row["n"] == len(both) > 0 and row["holm_over"] == 3
        assert row["difference"] == pytest.approx(numpy.mean([a - b for a, b in both]), abs=1e-11)
        assert row["median_difference"] == pytest.approx(numpy.median([a - b for a, b in both]), abs=1e-11)
        assert (row["a_higher"], row["b_higher"]) == (sum(a > b for a, b in both), sum(a < b for a, b in both))
        assert (row["mean_a"], row["mean_b"]) == pytest.approx(tuple(numpy.mean(both, axis=0)))
    assert len(result["pairs"]) == 3 * len(KIND) * (len(QUANTITY) + 2)
    assert len(result["overlaps"]) == 3 * len(KIND) * len(OVERLAPS)


def test_without_labels_nobody_is_right(tmp_path, capsys):
    for name in "ab":
        write_run(tmp_path / name, [mse_record(place, [{0, 1}]) for place in range(4)])
    kinds = {row["photographs"] for row in compared(capsys, tmp_path / "a", tmp_path / "b")["pairs"]}
    assert kinds == {"all", "same-class"}


def test_what_is_not_ok_has_nothing(tmp_path, capsys):
    records = [mse_record(place, [{0}]) for place in range(5)]
    write_run(tmp_path / "a", records)
    write_run(tmp_path / "b", [*records[:3], records[3] | {"status": "baseline-sufficient", "mses": [], "found": 0},
                               {"image": "0004.jpg", "content": None, "status": "error"}])  # fmt: skip
    result = compared(capsys, tmp_path / "a", tmp_path / "b")
    assert only(result["pairs"], quantity="found", photographs="all")["n"] == 3
    assert [row["n"] for row in result["models"] if row["quantity"] == "found"] == [5, 3]


def test_truncated_photographs_are_apart(tmp_path, capsys):
    for name, more in (("a", 0), ("b", 3)):
        records = [mse_record(place, [{0}, {1, 2}], counts=[place, place + more], truncated=place in (2, 5 + more))
                   for place in range(12)]  # fmt: skip
        write_run(tmp_path / name, records, tool="xai-subexp")
    result = compared(capsys, tmp_path / "a", tmp_path / "b")
    rows = [row for row in result["pairs"] if row["quantity"] == "distinct_per_mse"]
    whole, apart = only(rows, photographs="all"), only(rows, photographs="truncated")
    assert (whole["n"], apart["n"]) == (9, 3) and whole["difference"] == apart["difference"] == -1.5
    assert whole["p"] == pytest.approx(2 / 2**9) and apart["p"] is None and apart["reason"] == "lower-bounds"
    assert whole["says"] == (
        "On 9 photographs both explain, an MSE of a has 1.5 fewer sub-explanations than one of b "
        "(95 % interval 1.5 to 1.5; p = .004 after Holm over 1 pair)."
    )
    assert "nothing may be said: the counts are lower bounds" in apart["says"]
    rows = [row for row in result["models"] if row["quantity"] == "distinct_per_mse"]
    assert [(row["photographs"], row["model"], row["n"]) for row in rows] == [
        ("all", "a", 10),
        ("all", "b", 10),
        ("truncated", "a", 2),
        ("truncated", "b", 2),
    ]
    assert "truncated" in out_of(capsys, tmp_path / "a", tmp_path / "b").split("What may be said")[0]
    assert {row["photographs"] for row in result["pairs"] if row["quantity"] == "found"} == {"all", "same-class"}


def test_quantities_that_nobody_has_are_left_out(tmp_path, capsys):
    for name in "ab":
        write_run(tmp_path / name, [mse_record(place, [{0}]) for place in range(3)])
    assert "keeps_top1" not in {row["quantity"] for row in compared(capsys, tmp_path / "a", tmp_path / "b")["models"]}
    records = [mse_record(place, [{0}, {1}]) for place in range(3)]
    for record in records:
        record["mses"][0]["keeps_top1"], record["mses"][1]["keeps_top1"] = True, False
    write_run(tmp_path / "c", records)
    says = "xai-compare: a has no keeps_top1\n"
    result = compared(capsys, tmp_path / "a", tmp_path / "c", says=says)
    rows = [row for row in result["models"] if row["quantity"] == "keeps_top1"]
    assert [(row["n"], row["mean"]) for row in rows] == [(0, None), (3, 0.5)]
    row = only(result["pairs"], quantity="keeps_top1", photographs="all")
    assert row["p"] is None and "nothing may be said: of none both have" in row["says"]


def test_unlike_sizes_of_runs_pair_what_both_have(tmp_path, capsys):
    records = [mse_record(place, [{0}] * 1 if place < 3 else [{1}, {2}]) for place in range(8)]
    write_run(tmp_path / "a", records)
    folder = write_run(tmp_path / "b", records[::-1][:5], status="stopped")
    with open(folder / "results.jsonl", "a") as journal:
        journal.write('{"image": "00')
    says = f"xai-compare: not complete: {folder}: stopped, 5 of 5 images, a torn last record left out\n"
    result = compared(capsys, tmp_path / "a", folder, says=says)
    row = only(result["pairs"], quantity="found", photographs="all")
    assert row["n"] == 5 and row["difference"] == 0
    assert row["says"].startswith("So far, on 5 photographs both explain, ")
    assert [run["complete"] for run in result["runs"]] == [True, False]


# --- the same records


def test_runs_with_the_same_records_differ_in_nothing(tmp_path, capsys):
    random = numpy.random.default_rng(0)
    records = [mse_record(place, random_sets(random, 25 if place else 0, 5), label=0) for place in range(12)]
    for seed in (0, 1):
        write_run(tmp_path / f"seed{seed}", records, model="lite0", seed=seed, grid=5)
    result = compared(capsys, tmp_path / "seed0", tmp_path / "seed1", "--vary", "seed")
    assert [run["name"] for run in result["runs"]] == ["seed 0", "seed 1"]
    for row in result["pairs"]:
        if row["n"]:
            values = [row[name] for name in ("difference", "low", "high", "p", "p_holm", "reason")]
            assert values == [0, 0, 0, None, None, "all-zero"], row
            assert "have the same" in row["says"]
    for name, same in (("jaccard_used", 1), ("hamming_nearest", 0)):
        assert only(result["overlaps"], overlap=name, photographs="all")["observed"] == same


# --- what is planted


def planted(tmp_path, repetition, more):
    """Three models on 30 photographs of unlike difficulty: the first two alike, the third with `more` MSEs."""
    random = numpy.random.default_rng(repetition)
    difficulty = random.gamma(4, 2, 30)
    for name in "abc":
        counts = random.poisson(difficulty) + (more if name == "c" else 0)
        records = [mse_record(image, [], found=int(count)) for image, count in enumerate(counts)]
        write_run(tmp_path / f"{repetition}" / name, records)
    return [tmp_path / f"{repetition}" / name for name in "abc"]


def test_a_planted_difference_is_found_and_a_null_is_not(tmp_path, capsys):
    """200 repetitions. Found: in 95 % and more. Where nothing is planted a pair is said to differ in 5 % of them, and
    not in more than 10 %, which two standard errors are."""
    found = wrong = wrong_of_none = 0
    for repetition in range(200):
        with_difference = repetition % 2 == 0
        folders = planted(tmp_path, repetition, 3 if with_difference else 0)
        words = [*folders, "--table", "pairs", "--photographs", "all"]
        rows = [row for row in compared(capsys, *words)["pairs"] if row["quantity"] == "found"]
        said = {(row["a"], row["b"]): "nothing may be said" not in row["says"] for row in rows}
        if with_difference:
            found += said["a", "c"]
            found += said["b", "c"]
            wrong += said["a", "b"]
        else:
            wrong_of_none += any(said.values())
        for folder in folders:
            shutil.rmtree(folder)
    assert found >= 0.95 * 200 and wrong <= 0.1 * 100 and wrong_of_none <= 0.1 * 100, (found, wrong, wrong_of_none)


def evidence(folder, random, centres):
    """Sets around the photograph's centre, and the model's habit: patch 12, in every one of them."""
    records = []
    for image, centre in enumerate(centres):
        near = [patch for patch in range(25) if abs(patch // 5 - centre // 5) + abs(patch % 5 - centre % 5) <= 1]
        sets = [{12, *random.choice(near, 2)} for _ in range(4)]
        records.append(mse_record(image, list(dict.fromkeys(map(frozenset, sets)))))
        for mse in records[-1]["mses"]:
            mse["patches"] = [int(patch) for patch in mse["patches"]]
    return write_run(folder, records, grid=5)


@pytest.mark.parametrize("alike", [True, False])
def test_evidence_is_more_alike_than_by_chance_only_where_photographs_say_so(alike, tmp_path, capsys):
    """200 repetitions of two models on 30 photographs that share a habit, so that their sets overlap more than
    uniform ones: by chance alone, or because they look at the same place of each photograph."""
    said = dict.fromkeys(OVERLAPS, 0)
    for repetition in range(100):
        random = numpy.random.default_rng(repetition)
        centres = random.integers(0, 25, (2, 30))
        folders = [evidence(tmp_path / f"{repetition}{name}", random, centres[0 if alike else place])
                   for place, name in enumerate("ab")]  # fmt: skip
        rows = compared(capsys, *folders, "--table", "overlaps", "--photographs", "all")["overlaps"]
        for row in rows:
            said[row["overlap"]] += "nothing may be said" not in row["says"]
        if repetition == 0 and not alike:
            smallest = only(rows, overlap="jaccard_smallest")
            assert smallest["chance"] > 2 * smallest["uniform"]
    if alike:
        assert min(said.values()) >= 95
    else:
        assert max(said.values()) <= 12, "5 % and three standard errors"


# --- forms


def test_csv_is_json(tmp_path, capsys):
    folders = [random_run(tmp_path / name, seed) for seed, name in enumerate("ab")]
    result = compared(capsys, *folders)
    for table, columns in TABLES.items():
        lines = list(csv.DictReader(io.StringIO(out_of(capsys, *folders, "--csv", "--table", table))))
        assert len(lines) == len(result[table]) > 0
        for line, row in zip(lines, result[table], strict=True):
            assert list(line) == list(row) == list(columns)
            assert [text or None for text in line.values()] == [None if v is None else str(v) for v in row.values()]
    assert out_of(capsys, *folders, "--csv") == out_of(capsys, *folders, "--csv", "--table", "pairs")
    assert {row["photographs"] for row in result["pairs"]} == set(PHOTOGRAPHS) - {"truncated"}


def test_photographs_and_tables_can_be_chosen(tmp_path, capsys):
    folders = [random_run(tmp_path / name, seed) for seed, name in enumerate("ab")]
    out = out_of(capsys, *folders, "--table", "pairs", "--photographs", "both-right")
    assert "Overlap" not in out and "both explain and get right" in out and "Each model" not in out
    result = compared(capsys, *folders, "--table", "overlaps", "--photographs", "one-right", "same-class")
    assert "pairs" not in result and {row["photographs"] for row in result["overlaps"]} == {"one-right", "same-class"}


def test_a_seed_moves_intervals_alone(tmp_path, capsys):
    folders = [random_run(tmp_path / name, seed) for seed, name in enumerate("ab")]
    one, same, other = (compared(capsys, *folders, "--seed", seed) for seed in (0, 0, 1))
    assert one == same and one["pairs"] != other["pairs"]
    for a, b in zip(one["pairs"], other["pairs"], strict=True):
        assert {k: v for k, v in a.items() if k not in ("low", "high", "says")} == {
            k: v for k, v in b.items() if k not in ("low", "high", "says")
        }


def test_names_of_models_that_are_alike_are_those_of_runs(tmp_path, capsys):
    for place in (1, 2):
        write_run(tmp_path / f"{place}/x", [mse_record(0, [{0}])], model="m")
    assert [run["name"] for run in compared(capsys, tmp_path / "1/x", tmp_path / "2/x")["runs"]] == [
        f"{tmp_path}/1/x", f"{tmp_path}/2/x"]  # fmt: skip


def test_unlike_grids_have_no_overlaps(tmp_path, capsys):
    for grid in (3, 4):
        write_run(tmp_path / f"g{grid}", [mse_record(place, [{0}]) for place in range(3)], model="m", grid=grid)
    says = "xai-compare: no overlaps: the runs have unlike grids\n"
    result = compared(capsys, tmp_path / "g3", tmp_path / "g4", "--vary", "grid", says=says)
    assert result["overlaps"] == [] and [run["name"] for run in result["runs"]] == ["grid 3", "grid 4"]


# --- sentences


def line(**fields):
    row = {"photographs": "all", "a": "A", "b": "B", "n": 30, "difference": 3.1, "low": 1.0, "high": 5.4, "p": 0.0003,
           "p_holm": 0.004, "holm_over": 15, "reason": None, "a_higher": 20, "b_higher": 5}  # fmt: skip
    return row | fields


@pytest.mark.parametrize(
    "fields, says",
    [
        ({},
         "On 30 photographs both explain, A has 3.1 more MSEs than B "
         "(95 % interval 1.0 to 5.4; p = .004 after Holm over 15 pairs)."),
        ({"difference": -3.1, "low": -5.4, "high": -1.0, "a_higher": 5, "b_higher": 20},
         "On 30 photographs both explain, A has 3.1 fewer MSEs than B "
         "(95 % interval 1.0 to 5.4; p = .004 after Holm over 15 pairs)."),
        ({"low": -0.4, "high": 6.6, "p_holm": 0.62},
         "On 30 photographs both explain, nothing may be said of whether A has more or fewer MSEs than B "
         "(mean difference 3.1, 95 % interval -0.4 to 6.6; p = .62 after Holm over 15 pairs)."),
        ({"low": -0.4, "p_holm": 0.0004},
         "On 30 photographs both explain, they differ (p < .001 after Holm over 15 pairs), but nothing may be said "
         "of whether on average A has more or fewer MSEs than B (mean difference 3.1, 95 % interval -0.4 to 5.4)."),
        ({"a_higher": 5, "b_higher": 25},
         "On 30 photographs both explain, they differ (p = .004 after Holm over 15 pairs), but nothing may be said "
         "of whether A has more or fewer MSEs than B: mean and median disagree."),
        ({"n": 0, "difference": None, "low": None, "high": None, "p": None, "p_holm": None, "reason": "too-few"},
         "On no photographs both explain, nothing may be said: of none both have the number of MSEs."),
        ({"n": 1, "low": None, "high": None, "p": 1.0, "p_holm": 1.0},
         "On 1 photograph both explain, nothing may be said of whether A has more or fewer MSEs than B: "
         "there are too few."),
        ({"difference": 0, "low": 0, "high": 0, "p": None, "p_holm": None, "reason": "all-zero"},
         "On 30 photographs both explain, A and B have the same number of MSEs each time."),
    ],
)  # fmt: skip
def test_what_may_be_said(fields, says):
    assert sentences.of_difference(line(**fields), QUANTITIES["found"], False) == says


def test_every_quantity_and_overlap_can_be_said():
    for quantity in QUANTITIES.values():
        for difference in (3.1, -3.1):
            sign = 1 if difference > 0 else -1
            ends = sorted((sign * 1.0, sign * 5.4))
            row = line(difference=difference, low=ends[0], high=ends[1], a_higher=10 + sign, b_higher=10 - sign)
            said = sentences.of_difference(row, quantity, True)
            assert "3.1 " in said and "{" not in said and "  " not in said and said.startswith("So far, on 30 ")
            assert quantity.words[difference < 0] in said and "95 % interval 1.0 to 5.4" in said
    for overlap in OVERLAPS.values():
        row = line(difference=-0.1, low=-0.2, high=-0.05, observed=0.3, chance=0.4, a_higher=0, b_higher=0)
        said = sentences.of_overlap(row, overlap, False)
        assert f"{overlap.words[1]} than by chance, 0.30 against 0.40 by chance (95 % interval -0.20 to -0.05; " in said


def test_p_as_papers_print_it():
    texts = {0.0004: "< .001", 0.0041: "= .004", 0.0498: "= .0498", 0.05: "= .050", 0.62: "= .62", 0.9999: "= 1"}
    assert {p: sentences._p(p) for p in texts} == {p: f"p {text}" for p, text in texts.items()}


# --- refusals


def test_refusals(tmp_path, capsys):
    records = [mse_record(0, [{0}])]
    a, b = (write_run(tmp_path / name, records) for name in "ab")
    assert f"there is no folder {tmp_path}/none" in refused(capsys, a, tmp_path / "none")
    assert f"{a} has one model" in refused(capsys, a)
    assert f"the same run twice: {b}" in refused(capsys, a, b, b)

    def unlike(*words):
        return refused(capsys, a, *words)

    grid = write_run(tmp_path / "grid", records, grid=4)
    assert f"{grid} cannot be compared with {a}: grid is 4 and 3; model is" in unlike(grid, "--vary", "seed")
    assert "grid is 4 and 3; with --vary grid one model's runs are compared on purpose" in unlike(grid)
    two = write_run(tmp_path / "two", records, grid=4, beam_width=5)
    assert "grid is 4 and 3; beam_width is 5 and none; compare runs with equal data and options" in unlike(two)
    assert "model is b's and a's; --vary grid compares runs of one model" in unlike(b, "--vary", "grid")
    data = write_run(tmp_path / "data", records, data="e")
    assert "they are of unlike data; compare runs with equal data" in unlike(data)
    tool = write_run(tmp_path / "tool", records, tool="xai-subexp")
    assert "they are runs of xai-subexp and xai-mse; compare the runs of each program apart" in unlike(tool)
    again = write_run(tmp_path / "again", records, model="a")
    assert "--vary mask: all runs have mask soft; give runs that differ in it" in unlike(again, "--vary", "mask")
    assert "holds a run of xai-what; what can be compared are runs of xai-mse, " in refused(
        capsys, write_run(tmp_path / "what", records, tool="xai-what")
    )
    other = write_run(tmp_path / "other", [mse_record(0, [{0}], content="f" * 64)])
    assert f"0000.jpg is another photograph in {other} than in {a} (content differs)" in unlike(other)


def test_a_cross_test_varies_its_models_alone(runs, capsys):
    assert "which cannot vary it" in refused(capsys, "runs/cross", "--vary", "grid")


@pytest.mark.parametrize("words", ["", "x --vary what", "x --json --csv", "x --seed -1", "x --photographs some"])
def test_bad_usage(words, capsys):
    assert refused(capsys, *words.split()).endswith("; see --help\n")


def test_help_and_version(capsys):
    for word, told in (("--help", "Exit codes: 0 done; 2 "), ("--version", f"xai-compare {xaimse.__version__}\n")):
        with pytest.raises(SystemExit) as error:
            main([word])
        assert error.value.code == 0 and told in capsys.readouterr().out


# --- a program


def as_program(*words):
    environment = os.environ | {"PYTHONPATH": str(Path(xaimse.__file__).parents[1])}
    return subprocess.Popen([sys.executable, "-m", "xaimse.compare", *map(str, words)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=environment)  # fmt: skip


def test_it_is_a_program(tmp_path):
    program = as_program(tmp_path / "none")
    line = f"xai-compare: there is no folder {tmp_path}/none\n".encode()
    assert program.communicate(timeout=120) == (b"", line) and program.returncode == 2


def test_who_reads_may_stop(tmp_path):
    folders = [random_run(tmp_path / f"m{seed}", seed) for seed in range(6)]
    program = as_program(*folders, "--csv")
    assert program.stdout.readline().startswith(b"quantity,")
    program.stdout.close()
    assert program.stderr.read() == b"" and program.wait(timeout=120) == 0


def test_heavy_packages_wait():
    code = "import sys, xaimse.compare.cli; print(sorted({'numpy', 'pandas', 'scipy'} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(Path(xaimse.__file__).parents[1])}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment, text=True) == "[]\n"

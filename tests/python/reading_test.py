"""xaimse.read: tables of real runs against the files that the programs wrote, refusals, and runs under way."""

import csv
import doctest
import fcntl
import json
import math
import os
import re
import shutil
import subprocess
import time

import numpy
import pandas
import pytest

import xaimse
from conftest import ROOT, program, write_photos
from xaimse import reading
from xaimse import runs as folders
from xaimse.definitions import CROSS, KINDS, TABLES
from xaimse.reading import read, read_all
from xaimse.runs import RunError

EVERY = ["first", "counted", "maps", "rise", "cross", "shown"]  # a run of every kind


def lines(folder):
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def records_where(folder, **fields):
    return [record for record in lines(folder) if all(record[name] == value for name, value in fields.items())]


def copied(source, target, cut=None, **fields):
    """A copy of a run with other `fields` of run.json (None: without), whose journal has `cut` bytes less."""
    shutil.copytree(source, target)
    info = json.loads((target / "run.json").read_text()) | fields
    (target / "run.json").write_text(json.dumps({name: value for name, value in info.items() if value is not None}))
    if cut:
        journal = (target / "results.jsonl").read_bytes()
        (target / "results.jsonl").write_bytes(journal[:-cut])
    return target


# --- what tables hold


def plain(value):
    """A cell as JSON has it."""
    if isinstance(value, tuple):
        return list(value)
    return None if pandas.isna(value) else value


def field_at(record, path):
    for name in path.split("."):
        record = None if record is None else record[name]
    return record


@pytest.mark.parametrize("name", EVERY)
def test_records_are_those_of_the_journal(name, runs):
    run = read(runs / name)
    written = lines(runs / name)
    assert len(run.records) == len(written) > 3 and run.complete and run.status == "done"
    for column in TABLES["records"].columns[run.kind]:
        expected = [field_at(record, column.field) for record in written]
        assert [plain(value) for value in run.records[column.name]] == expected, column.name
        assert str(run.records[column.name].dtype) == column.type


def test_what_is_estimated(runs):
    run = read(runs / "first")
    estimated = [record for record in lines(runs / "first") if record["estimate"]]
    assert len(estimated) > 1 and run.records.one_minimal.notna().sum() == len(estimated)
    by_size = {(row.image, row.size): row.mse_count for row in run.by_size.itertuples()}
    assert by_size == {(record["image"], int(size)): count for record in estimated
                       for size, count in record["estimate"]["by_size"].items()}
    sums = run.by_size.groupby("image").mse_count.sum()
    for record in estimated:
        assert sums.get(record["image"], 0) == pytest.approx(record["estimate"]["mses"]["value"])
        assert record["estimate"]["mses"]["value"] >= record["found"] or not record["estimate"]["trusted"]


def test_an_image_that_cannot_be_read_has_missing_values(runs):
    torn = read(runs / "first").records.set_index("image").loc["torn.png"]
    assert torn.status == "error" and "truncated" in torn.reason
    assert torn.predicted is pandas.NA and torn.found is pandas.NA and math.isnan(torn.p_full)


@pytest.mark.parametrize("name", ["first", "counted"])
def test_mses(name, runs):
    run = read(runs / name)
    expected = [(record, place, mse) for record in lines(runs / name) for place, mse in enumerate(record["mses"])]
    assert len(run.mses) == len(expected) > 10
    for row, (record, place, mse) in zip(run.mses.itertuples(), expected, strict=True):
        assert (row.image, row.mse, row.size) == (record["image"], place, len(mse["patches"]))
        assert row.patches == tuple(mse["patches"])
        assert (row.p, row.ratio, row.certificate) == (mse["p"], mse["ratio"], mse["certificate"])
        assert row.checked_depth == mse["checked_depth"]
        assert row.is_diverse == (place in record["diverse_members"])
        if name == "counted":
            counts = mse["sub_explanations"]
            assert (row.distinct, row.tree_nodes, row.truncated) == (
                counts["distinct"], float(counts["tree_nodes"]), counts["truncated"])  # fmt: skip
    assert run.mses.groupby("image").is_diverse.sum().to_dict() == {
        record["image"]: record["diverse"] for record in lines(runs / name) if record["found"]
    }


def test_sub_explanations(runs):
    run = read(runs / "counted")
    written = [record for record in lines(runs / "counted") if record["sub_explanations"]]
    assert len(run.sub_explanations) == len(written) == 3
    assert run.sub_explanations["truncated"].any(), "the runs of this test do not test bounds"
    for column in TABLES["sub_explanations"].columns["xai-subexp"]:
        expected = [field_at(record, column.field) for record in written]
        assert [plain(value) for value in run.sub_explanations[column.name]] == expected, column.name
    together = run.by_size[run.by_size.mse.isna()]
    assert together.groupby("image").distinct.sum().tolist() == run.sub_explanations.distinct.tolist()
    alone = run.by_size[run.by_size.mse.notna()].groupby(["image", "mse"])
    assert alone.tree_nodes.sum().tolist() == run.mses[run.mses.distinct > 0].tree_nodes.tolist()
    assert alone["size"].max().tolist() == run.mses[run.mses.distinct > 0]["size"].tolist()


def test_counts_too_large_for_a_double_are_missing(runs, tmp_path):
    run = copied(runs / "counted", tmp_path / "run")
    record = records_where(runs / "counted", status="ok")[0]
    exact = {"image": str(2**60 + 1), "mse": "9" * 400}
    record["sub_explanations"]["tree_nodes"] = exact["image"]
    record["mses"][0]["sub_explanations"]["tree_nodes"] = exact["mse"]
    (run / "results.jsonl").write_text(json.dumps(record) + "\n")
    assert read(run).sub_explanations.tree_nodes[0] == float(2**60)
    assert math.isnan(read(run).mses.tree_nodes[0])


def test_curves_have_the_areas_of_the_records(runs):
    curves = read(runs / "maps").curves
    assert curves.columns.tolist() == [step / 20 for step in range(21)]
    written = records_where(runs / "maps", undefined=None, status="ok")
    assert len(curves) == 2 * len(written) > 0
    for record in written:
        for curve in ("insertion", "deletion"):
            assert curves.loc[(record["image"], curve)].tolist() == record[curve]["curve"]
            area = numpy.trapezoid(curves.loc[(record["image"], curve)], curves.columns)
            assert area == pytest.approx(record[curve]["auc"], abs=1e-12)


def test_curves_of_the_reference_metric_stand_at_their_cells(runs):
    run = read(runs / "rise")
    shares = run.curves.columns.to_numpy()
    assert shares.tolist() == [cells / 196 for cells in (*range(0, 196, 3), 196)]  # 14 x 14 cells, three a step
    for record in records_where(runs / "rise", status="ok"):
        after = run.curves.loc[(record["image"], "insertion")].to_numpy(copy=True)[1:]
        after[-1] = 1
        assert (numpy.diff(shares) * after).sum() == pytest.approx(record["insertion"]["auc"], abs=1e-12)


def test_curves_of_a_cross_test(runs):
    run = read(runs / "cross")
    assert len(run.curves) == 27
    for record in lines(runs / "cross"):
        curve = run.curves.loc[(record["image"], record["source"], record["model"])]
        assert curve.tolist() == record["curve"]
        assert numpy.trapezoid(curve, run.curves.columns) == pytest.approx(record["auc"], abs=1e-12)


def test_shown_sets(runs):
    run = read(runs / "shown")
    sets = run.shown_sets
    for record in lines(runs / "shown"):
        of = sets[(sets.image == record["image"]) & (sets.source == record["source"]) & (sets.model == record["model"])]
        written = record["sets"] or {"shown": [], "smallest": 0, "ratios": [], "random_ratios": [], "other_ratios": []}
        for what, field in (("mse", "ratios"), ("random", "random_ratios"), ("other", "other_ratios")):
            some = of[of.what == what]
            assert some.ratio.tolist() == written[field]
            assert some.sufficient.tolist() == [ratio >= 0.9 for ratio in written[field]]
            if what != "other":
                assert some.mse.tolist() == written["shown"] and some.smallest.sum() == written["smallest"]
    assert len(sets) and run.matrix.loc["alpha", "alpha"] == 1
    assert run.kind == "xai-crosstest --mses" and "maps" not in run.tables


def test_objective(runs):
    objective = read(runs / "maps").objective
    expected = [
        (record["image"], part, iteration, value)
        for record in lines(runs / "maps")
        for part, values in record["objective"].items()
        for iteration, value in enumerate(values)
    ]
    assert len(expected) == 3 * 5 * 2
    assert list(objective[["image", "part", "iteration", "value"]].itertuples(index=False, name=None)) == expected
    assert read(runs / "rise").objective.empty


def written_table(file):
    with open(file, newline="") as text:
        return list(csv.DictReader(text))


@pytest.mark.parametrize("name, table, file", [
    ("cross", "pairs", "matrix.csv"), ("cross", "family_pairs", "family_matrix.csv"),
    ("cross", "asymmetry", "asymmetry.csv"), ("cross", "landscape", "landscape.csv"),
    ("cross", "ensembles", "ensemble.csv"), ("cross", "statistics", "summary.csv"),
    ("shown", "pairs", "sets_matrix.csv"), ("shown", "family_pairs", "sets_family_matrix.csv"),
    ("shown", "ensembles", "ensemble.csv"), ("shown", "statistics", "summary.csv")])  # fmt: skip
def test_tables_of_a_cross_test_are_those_in_its_folder(name, table, file, runs):
    made, written = read(runs / name).table(table), written_table(runs / name / file)
    assert list(made.columns) == list(written[0]) and len(made) == len(written)
    for row, expected in zip(made.to_dict("records"), written, strict=True):
        for column, text in expected.items():
            value = row[column]
            if isinstance(value, tuple):
                assert "+".join(value) == text
            elif isinstance(value, float) and not math.isnan(value):
                assert value == float(text)
            else:
                assert ("" if pandas.isna(value) else str(value)).lower() == text


def test_squares_are_their_pairs_in_the_order_of_the_models(runs):
    run = read(runs / "cross")
    assert run.model_names == list(run.matrix.index) == list(run.matrix.columns) == ["alpha", "beta", "gamma"]
    for pair in written_table(runs / "cross/matrix.csv"):
        assert run.matrix.loc[pair["source"], pair["model"]] == float(pair["mean"])
    for pair in written_table(runs / "cross/family_matrix.csv"):
        assert run.family_matrix.loc[pair["source_family"], pair["target_family"]] == float(pair["mean"])


def test_models_of_a_cross_test(runs):
    models = read(runs / "cross").models
    assert models.model.tolist() == ["alpha", "beta", "gamma"]
    assert models.family.tolist() == ["other", "other", "transformer"]
    for model, expected in zip(models.to_dict("records"), read(runs / "cross").summary["models"], strict=True):
        assert model["n"] == 3 and model["top1"] == expected["top1"]["share"]


@pytest.mark.parametrize("name", EVERY)
def test_no_table_has_nan_or_infinity_in_json(name, runs):
    run = read(runs / name)
    for table in run.tables:
        frame = run.table(table)
        text = (frame.reset_index() if frame.index.names != [None] else frame).to_json(orient="records")
        assert len(json.loads(text, parse_constant=pytest.fail)) == len(frame)


@pytest.mark.parametrize("table", sorted(set(TABLES) - {"statistics", "pairs", "family_pairs", "curves", "objective"}))
def test_a_number_has_a_unit(table):
    """Those of the tables left out are in the unit of their quantity."""
    for columns in TABLES[table].columns.values():
        for column in columns:
            assert column.unit or column.type not in ("Int64", "float64"), column.name


# --- files


def test_maps(runs):
    run = read(runs / "maps")
    written = records_where(runs / "maps", status="ok")
    assert list(run.maps) == [record["image"] for record in written]
    for record in written:
        expected = numpy.load(runs / "maps" / record["map"])
        assert (run.maps[record["image"]] == expected).all() and run.maps[record["image"]].dtype == numpy.float32
        assert (run.map(record["image"]) == expected).all() and expected.shape == (7, 7)


def test_files_that_are_not_there(runs, tmp_path):
    run = read(runs / "maps")
    with pytest.raises(RunError, match=r"no record of cat.png"):
        run.map("cat.png")
    with pytest.raises(RunError, match=r"no map of torn.png, whose status is error"):
        run.map("torn.png")
    with pytest.raises(RunError, match=r"no picture of torn.png"):
        run.picture("torn.png")
    other = copied(runs / "maps", tmp_path / "run")
    record = records_where(runs / "maps", status="ok")[0]
    (other / record["map"]).write_bytes(b"")
    (other / record["picture"]).unlink()
    with pytest.raises(RunError, match=r"is missing or no map; make it anew: .*xai-saliency .*--overwrite"):
        _ = read(other).maps
    with pytest.raises(RunError, match="cannot be read"):
        read(other).picture(record["image"])


def test_pictures(runs):
    for name in ("first", "maps", "cross"):
        assert min(read(runs / name).picture("photo01.png").size) > 100


def test_masks_are_in_rows(runs):
    mask = read(runs / "first").mask((1, 4, 15))
    assert numpy.argwhere(mask).tolist() == [[0, 1], [1, 0], [3, 3]] and mask.shape == (4, 4)
    for patch in (-1, 16):
        with pytest.raises(ValueError, match=f"^there is no patch {patch}; patches are from 0 to 15$"):
            read(runs / "first").mask([3, patch])


def test_classes(runs, tmp_path):
    assert read(runs / "first").class_name(2) == "blue"
    unnamed = read(copied(runs / "first", tmp_path / "run", class_names=None))
    assert unnamed.class_name(2) == "2"
    last = len(read(runs / "first").info["class_names"]) - 1
    for index in (-1, last + 1):
        with pytest.raises(ValueError, match=f"^there is no class {index}; classes are from 0 to {last}$"):
            read(runs / "first").class_name(index)
    with pytest.raises(ValueError, match=r"^there is no class -1; classes are from 0$"):
        unnamed.class_name(-1)


# --- definitions


def fields_of(schema, root, path=""):
    """Paths of all values that a schema allows: "mses[].p", "by_size.*.distinct"."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]] | {k: v for k, v in schema.items() if k != "$ref"}
    for branch in schema.get("oneOf", ()):
        if branch != {"type": "null"} and "$ref" in branch and (found := fields_of(branch, root, path)) != {path}:
            return found
    kind = schema.get("type")
    if "properties" in schema:
        below = [fields_of(inner, root, f"{path}.{name}".lstrip(".")) for name, inner in schema["properties"].items()]
        return set().union(*below)
    if kind == "array" and "$ref" in schema["items"]:
        return fields_of(schema["items"], root, f"{path}[]")
    if "additionalProperties" in schema:
        return fields_of(schema["additionalProperties"], root, f"{path}.*")
    return {path}


SCHEMAS = {"xai-mse": "mse-record", "xai-subexp": "subexp-record", "xai-saliency": "saliency-record",
           "xai-crosstest": "crosstest-record"}  # fmt: skip
# Fields that the column of another one tells.
TOLD = {
    "diverse_members": "diverse_members[]",
    "sets.random_ratios": "sets.ratios",
    "sets.other_ratios": "sets.ratios",
    "deletion.curve": "insertion.curve",
    "mses[].sub_explanations.by_size.*.distinct": "sub_explanations.by_size.*.distinct",
    "mses[].sub_explanations.by_size.*.tree_nodes": "sub_explanations.by_size.*.tree_nodes",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_record_has_a_definition_and_every_definition_a_field(kind):
    schema = json.loads((ROOT / f"docs/schema/{SCHEMAS[kind]}.schema.json").read_text())
    in_schema = {TOLD.get(field, field) for field in fields_of(schema, schema)}
    from_records = ("records", "mses", "shown_sets", "sub_explanations", "by_size", "curves", "objective")
    kinds = CROSS if kind in CROSS else (kind,)
    columns = [c for table in from_records for kind in kinds for c in TABLES[table].columns.get(kind, ())]
    assert {column.field for column in columns if column.field} == in_schema
    assert all(column.definition for column in columns)


@pytest.mark.parametrize("table, path", [
    ("pairs", "matrix"), ("family_pairs", "families"), ("asymmetry", "asymmetry"), ("landscape", "landscape.points"),
    ("ensembles", "ensembles.sets"), ("models", "models")])  # fmt: skip
def test_fields_of_a_summary_are_there(table, path, runs):
    summary = read(runs / "cross").summary
    row = field_at(summary, path)[0]
    for column in TABLES[table].columns["xai-crosstest"]:
        if column.field:
            at = row
            for name in column.field.split("."):
                at = at[int(name)] if isinstance(at, list) else at[name]


@pytest.mark.parametrize("name", EVERY)
def test_tables_carry_their_definitions(name, runs):
    run = read(runs / name)
    for table in run.tables:
        frame = run.table(table)
        columns = {column.name: column.text for column in TABLES[table].columns[run.kind]}
        assert frame.attrs["columns"] == columns
        if table not in ("curves", "matrix", "family_matrix"):
            assert list(frame.columns) == list(columns)
        else:
            assert [*frame.index.names, frame.columns.name, "value"] == list(columns)


def test_describe(runs, capsys):
    run = read(runs / "counted")
    run.describe("ratio")
    assert capsys.readouterr().out == "mses.ratio: p(S) / p(all); may exceed 1 [ratio, from 0]\n"
    run.describe()
    told = capsys.readouterr().out
    for table in run.tables:
        assert f"{table}: " in told
        assert all(f"  {column.name}: {column.text}\n" in told for column in TABLES[table].columns[run.kind])
    with pytest.raises(AttributeError, match="no table of a run of xai-subexp has a column 'insertion'"):
        run.describe("insertion")


def test_docstrings_are_true(runs, monkeypatch):
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    with pandas.option_context("display.width", 120, "display.max_columns", 12):
        result = doctest.testmod(reading, optionflags=options, extraglobs={"xaimse": xaimse})
    assert result.failed == 0 and result.attempted > 30
    for name in dir(reading.Run):
        member = getattr(reading.Run, name)
        if not name.startswith("_") and isinstance(member, property) and name in TABLES:
            assert ">>>" in member.__doc__, f"Run.{name} has no example"


# --- what a kind does not have


def test_what_a_kind_does_not_have_is_said_with_who_has_it(runs):
    run = read(runs / "first")
    with pytest.raises(folders.NoSuchTable, match=r"run of xai-mse and has no 'maps'; runs of xai-saliency have$"):
        _ = run.maps
    with pytest.raises(AttributeError, match=r"has no 'curves'; runs of xai-saliency and xai-crosstest have$"):
        _ = run.curves
    with pytest.raises(AttributeError, match=r"has no 'curve'; its tables are records, mses, by_size and statistics$"):
        run.table("curve")
    with pytest.raises(AttributeError, match="xai-mse, xai-saliency, xai-crosstest and xai-crosstest --mses have"):
        read(runs / "counted").picture("photo00.png")
    with pytest.raises(AttributeError, match="mask"):
        read(runs / "maps").mask([0])
    assert not hasattr(run, "matrix") and hasattr(run, "mses")
    for table in TABLES:
        assert hasattr(run, table) == (table in run.tables)


# --- runs under way


@pytest.mark.parametrize("name", EVERY)
def test_statistics_before_the_summary_are_those_of_the_summary(name, runs, tmp_path):
    whole, part = read(runs / name), read(copied(runs / name, tmp_path / "run", status="stopped"))
    assert not part.complete
    tables = ["statistics"] + (["pairs"] if whole.kind in CROSS else [])
    for table in tables:
        expected, computed = whole.table(table), part.table(table)
        assert computed["low"].isna().all() and computed["high"].isna().all()
        pandas.testing.assert_frame_equal(
            computed.drop(columns=["low", "high"]), expected.drop(columns=["low", "high"]), rtol=1e-12
        )
    with pytest.raises(RunError, match=r"is not complete \(stopped\), and has no summary yet"):
        _ = part.summary


def test_counts_without_probes_are_added_up_so_far(runs, tmp_path):
    run = copied(runs / "counted", tmp_path / "run", status="stopped")
    written = records_where(run, status="ok")
    for record in written:
        record["sub_explanations"]["estimate"] = None
    (run / "results.jsonl").write_text("".join(json.dumps(record) + "\n" for record in written))
    statistics = read(run).statistics.set_index("quantity")
    for quantity, field in (("sub_evaluations", "evaluations"), ("saved", "saved")):
        expected = [record["sub_explanations"][field] for record in written]
        assert statistics.loc[quantity, "n"] == 3
        assert statistics.loc[quantity, "mean"] == pytest.approx(numpy.mean(expected))
    assert statistics.loc["estimated_tree_nodes", "n"] == 0


def test_pairs_so_far_follow_the_rule_for_images(runs, tmp_path):
    """One pair of photo01 is missing: `common` leaves the image out, `pairwise` only the pair."""
    info = json.loads((runs / "cross/run.json").read_text())
    for rule, others in (("common", 2), ("pairwise", 3)):
        run = copied(runs / "cross", tmp_path / rule, status="stopped", options=info["options"] | {"images": rule})
        kept = [r for r in lines(run) if (r["image"], r["source"], r["model"]) != ("photo01.png", "alpha", "beta")]
        (run / "results.jsonl").write_text("".join(json.dumps(record) + "\n" for record in kept))
        n = read(run).pairs.set_index(["source", "model"]).n
        assert n["alpha", "beta"] == 2 and n["beta", "alpha"] == others
        assert read(run).matrix.loc["alpha", "beta"] == pytest.approx(
            numpy.mean([r["auc"] for r in kept if (r["source"], r["model"]) == ("alpha", "beta")]))  # fmt: skip


def test_a_torn_last_record_is_left_out(runs, tmp_path):
    run = read(copied(runs / "first", tmp_path / "run", cut=30, status="stopped"))
    assert run.torn and not run.complete and run.status == "stopped"
    assert run.records.image.tolist() == [record["image"] for record in lines(runs / "first")][:-1]
    assert re.fullmatch(
        r"<run of xai-mse in .*: stopped, 3 of 4 images, a torn last record left out, model alpha>", repr(run)
    )


def test_who_holds_the_lock_tells_running_from_interrupted(runs, tmp_path):
    folder = copied(runs / "first", tmp_path / "run", status="running")
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert read(folder).status == "running"
    assert read(folder).status == "interrupted"
    assert not read(folder).complete


def test_a_run_that_ends_while_it_is_looked_at_was_not_interrupted(runs, tmp_path, monkeypatch):
    folder = copied(runs / "first", tmp_path / "run", status="running")

    def ends(_):
        shutil.copy(runs / "first/run.json", folder)
        return False

    monkeypatch.setattr(folders, "is_written_to", ends)
    assert read(folder).status == "done"


def test_a_run_in_its_first_moment(runs, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    info = json.loads((runs / "first/run.json").read_text())
    early = {name: info[name] for name in ("schema_version", "tool", "paths", "identity")} | {"status": "stopped"}
    (folder / "run.json").write_text(json.dumps(early))
    (folder / "results.jsonl").write_text("")
    run = read(folder)
    assert run.records.empty and run.mses.empty and run.statistics.n.tolist() == [0] * 8
    assert "0 of ? images, model ?" in repr(run)
    (folder / "run.json").write_text(json.dumps(early | {"tool": "xai-crosstest"}))
    assert read(folder).pairs.empty and read(folder).matrix.shape == (0, 0)


def test_what_was_read_stays_while_the_run_goes_on(runs, tmp_path):
    folder = copied(runs / "counted", tmp_path / "run", status="stopped")
    journal = (folder / "results.jsonl").read_bytes()
    first = journal[: journal.index(b"\n") + 1]
    (folder / "results.jsonl").write_bytes(first)
    run = read(folder)
    with open(folder / "results.jsonl", "ab") as file:
        file.write(journal[len(first) :])
    assert set(run.mses.image) == set(run.records.image) == {"photo00.png"}
    assert len(read(folder).records) == 4
    shutil.copy(folder / "results.jsonl", folder / "new")
    os.replace(folder / "new", folder / "results.jsonl")  # as a run does at its end
    with pytest.raises(RunError, match="was rewritten while it was read; read the run again"):
        _ = run.by_size


def test_a_real_run_under_way(workplace, tmp_path):
    write_photos(tmp_path / "photos", 200)
    process = subprocess.Popen(
        [program("mse"), "--model", workplace / "models/alpha.pt", "--data", "photos", "--out", "run", "--tune", "off",
         "--max-evaluations", "2000", "--pictures", "0", "--quiet"], cwd=tmp_path)  # fmt: skip
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            time.sleep(0.05)
            if (tmp_path / "run/results.jsonl").exists() and (tmp_path / "run/results.jsonl").stat().st_size:
                break
        run = read(tmp_path / "run")
        assert run.status == "running" and not run.complete
        assert 0 < len(run.records) < 200 and run.statistics.n[0] == len(run.records)
        assert set(run.mses.image) <= set(run.records.image)
    finally:
        process.kill()
        process.wait()
    assert read(tmp_path / "run").status == "interrupted"


# --- refusals


def refused(folder):
    with pytest.raises(RunError) as error:
        read(folder)
    assert isinstance(error.value, ValueError)
    assert str(folder) in str(error.value) and "\n" not in str(error.value)
    return str(error.value)


def test_what_is_no_run(runs, tmp_path):
    assert "there is no folder" in refused(tmp_path / "none")
    assert "it has no run.json" in refused(tmp_path)
    (tmp_path / "file").write_text("")
    assert "there is no folder" in refused(tmp_path / "file")
    run = copied(runs / "first", tmp_path / "run")
    (run / "results.jsonl").unlink()
    assert "no results.jsonl" in refused(run)
    for text in ("[]", "{", ""):
        (run / "run.json").write_text(text)
        assert "is not a JSON object" in refused(run)


@pytest.mark.parametrize("version", ["1.0", "3.0"])
def test_another_schema(version, runs, tmp_path):
    again = f"xai-mse --data 'a b' --out {tmp_path}/{version} --overwrite"
    for place, words in enumerate((["--out", "runs/first"], ["--overwrite", "--out=runs/first"], [])):
        command = ["xai-mse", *words, "--data", "a b"]
        run = copied(runs / "first", tmp_path / f"{place}", schema_version=version, command=command)
        os.rename(run, tmp_path / version)  # the original of a copied or moved folder is not to be erased
        run = tmp_path / version
        assert refused(run) == (
            f"{run}/run.json has schema version {version}, and this reads 2.0; "
            f"make it anew: {again} (or with another --out)"
        )
        os.rename(run, tmp_path / f"{place}")
    run = tmp_path / "0"
    (run / "run.json").write_text("{}")
    assert "1 or older" in refused(run)


def test_maps_of_a_cross_test_are_made_anew_by_it(runs, tmp_path):
    cross = shutil.copytree(runs / "cross", tmp_path / "moved")
    (cross / "saliency/alpha/summary.json").unlink()
    assert (runs / "cross/saliency/alpha/summary.json").exists()
    with pytest.raises(RunError, match=rf"make it anew: \S*xai-crosstest .* --out {cross} --overwrite \(or"):
        _ = read(cross / "saliency/alpha").summary
    shutil.move(cross / "saliency/alpha", tmp_path / "alone")
    with pytest.raises(RunError, match=r"; run its command again with another --out$"):
        _ = read(tmp_path / "alone").summary


def test_a_summary_that_is_lost(runs, tmp_path):
    folder = copied(runs / "first", tmp_path / "run", command=["xai-mse", "--out", "there"])
    (folder / "summary.json").unlink()
    with pytest.raises(RunError) as error:
        _ = read(folder).statistics
    assert str(error.value) == (
        f"{folder} has lost its summary.json; "
        f"make it anew: xai-mse --out {folder} --overwrite (or with another --out)"
    )


def test_a_later_minor_version_is_read(runs, tmp_path):
    run = copied(runs / "first", tmp_path / "run", schema_version="2.9", unknown=1)
    assert len(read(run).records) == 4


def test_another_programs_run(runs, tmp_path):
    run = copied(runs / "first", tmp_path / "run", tool="xai-occlusion")
    assert "a run of xai-occlusion; what can be read are runs of xai-mse, xai-subexp," in refused(run)


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"image": 1}', b"\xff", b"{} {}"])
def test_a_damaged_record_is_refused_with_its_line(damage, runs, tmp_path):
    for status in ("done", "stopped"):
        run = copied(runs / "first", tmp_path / status, status=status)
        journal = (run / "results.jsonl").read_bytes().splitlines()
        (run / "results.jsonl").write_bytes(b"\n".join([journal[0], damage, *journal[1:], b""]))
        assert "results.jsonl:2 is not a record; run the run's command again" in refused(run)
        (run / "results.jsonl").write_bytes(b"\n".join([*journal, damage, b""]))
        assert "results.jsonl:5 is not a record" in refused(run)


def test_a_torn_record_of_a_complete_run_is_damage(runs, tmp_path):
    assert "results.jsonl:4 is not a record" in refused(copied(runs / "first", tmp_path / "run", cut=30))


def test_python_and_programs_write_one_schema():
    header = (ROOT / "include/xai/store/schema.hpp").read_text()
    assert f'schema_version = "{folders.SCHEMA_VERSION}"' in header


# --- several runs


def test_several_runs_side_by_side(runs):
    both = read_all([runs / "maps", runs / "rise"])
    assert list(both) == ["maps", "rise"] and both["rise"].kind == "xai-saliency" and len(both) == 2
    records = both.records
    assert records.run.tolist() == ["maps"] * 4 + ["rise"] * 4 and set(records.model) == {"alpha"}
    assert records.image.tolist() == 2 * both["maps"].records.image.tolist()
    assert records.dtypes["predicted"] == "Int64" and records.attrs["columns"]["run"] == "name of the run"
    assert records.attrs["columns"]["image"] == both["maps"].records.attrs["columns"]["image"]
    statistics = both.table("statistics")
    assert statistics.groupby("run").size().to_dict() == {"maps": 11, "rise": 11}
    assert "run" in repr(both) and repr(both).count("\n") == 1


def test_no_runs_are_refused_at_once():
    with pytest.raises(RunError, match=r"^no runs were given$"):
        read_all([])


def test_one_folder_is_several_runs_too(runs):
    assert list(read_all("runs/first")) == list(read_all(runs / "first")) == ["first"]


def test_a_cross_test_keeps_its_column_model(runs):
    records = read_all([runs / "cross"]).records
    assert records.columns[0] == "run" and records.model.tolist() == read(runs / "cross").records.model.tolist()


def test_curves_of_several_runs_have_whose_they_are_in_columns(runs):
    curves = read_all([runs / "maps"]).table("curves")
    assert list(curves.columns[:4]) == ["run", "model", "image", "curve"]
    assert curves.iloc[0, 4:].astype(float).tolist() == read(runs / "maps").curves.iloc[0].tolist()


def test_unlike_kinds_have_no_common_tables(runs):
    with pytest.raises(RunError, match="runs of xai-mse and xai-saliency have unlike tables"):
        _ = read_all([runs / "first", runs / "maps"]).records


def test_names_of_runs(runs, tmp_path):
    copied(runs / "first", tmp_path / "first")
    assert list(read_all([runs / "first", tmp_path / "first"])) == [str(runs / "first"), str(tmp_path / "first")]
    with pytest.raises(RunError, match="the same run twice"):
        read_all([runs / "first", runs / "first"])


def test_compare(runs):
    both = read_all([runs / "first", runs / "other"])
    table = both.compare()
    assert table.index.names == ["quantity", "run"]
    assert table.index[:2].tolist() == [("found", "first"), ("found", "other")]
    assert table.model.tolist()[:2] == ["alpha", "tiny"]
    for run in both:
        for quantity, expected in both[run].summary["quantities"].items():
            row = table.loc[(quantity, run)]
            for statistic, value in expected.items():
                assert plain(row[statistic]) == value
    assert table.loc["found"].equals(both.compare("found"))
    with pytest.raises(RunError, match="no run here has a quantity 'insertion'; they have found, diverse,"):
        both.compare("insertion")


def test_differences(runs, tmp_path):
    assert read_all([runs / "first", runs / "other"]).differences == {}
    unlike = read_all([runs / "maps", runs / "rise"]).differences
    assert unlike["method"] == {"maps": "igos++", "rise": "rise"}
    assert unlike["metric"] == {"maps": "normalised", "rise": "reference"}
    assert unlike["size"] == {"maps": 7, "rise": 14} and "mask" not in unlike and "data" not in unlike
    identity = json.loads((runs / "first/run.json").read_text())["identity"]
    other = copied(runs / "first", tmp_path / "more", identity=identity | {"data": {"sha256": "0" * 64}})
    assert list(read_all([runs / "first", other]).differences) == ["data"]


# --- docs/python.md


def section(title):
    return (ROOT / "docs/python.md").read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_page_tells_every_table_with_its_kinds():
    told = section("Reading runs")
    for name, table in TABLES.items():
        kinds = ", ".join(kind.removeprefix("xai-") for kind in table.columns)
        assert f"| `{name}`: {table.title} | {table.row} | {kinds} |" in told


def test_examples_of_the_page_run(runs):
    """On these runs, in the place of those that the page's output is of."""
    text = section("Reading runs").replace("runs/gradcam", "runs/rise")
    examples = doctest.DocTestParser().get_examples(text)
    names = {}
    for example in examples:
        exec(compile(example.source, "docs/python.md", "single"), names)
    assert len(examples) > 10

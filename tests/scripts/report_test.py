"""scripts/report.py: the table of a run."""

import json

import pytest
import report
import runs
from conftest import ROOT

RUN = {"schema_version": "2.3", "class_names": ["tabby", "espresso"], "command": ["xai-mse", "--data", "a b"]}
RECORDS = [
    {
        "image": "a/cat.jpg",
        "status": "ok",
        "predicted": 0,
        "found": 12,
        "diverse": 3,
        "diverse_exact": True,
        "min_size": 4,
        "seconds": 1.26,
        "picture": "images/a_cat.jpg.png",
    },
    {
        "image": "cup.jpg",
        "status": "ok",
        "predicted": 1,
        "found": 120,
        "diverse": 30,
        "diverse_exact": False,
        "min_size": 2,
        "seconds": 20.0,
        "picture": "images/cup.jpg.png",
    },
    {
        "image": "torn.jpg",
        "status": "error",
        "reason": "truncated JPEG",
        "predicted": None,
        "found": 0,
        "diverse": 0,
        "min_size": None,
        "seconds": 0.01,
        "picture": None,
    },
    {
        "image": "dim.jpg",
        "status": "ok",
        "predicted": 1,
        "found": 0,
        "diverse": 0,
        "diverse_exact": True,
        "min_size": None,
        "seconds": 3,
        "picture": None,
    },
]


def write_run(folder, **fields):
    folder.mkdir(exist_ok=True)
    (folder / "results.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    (folder / "run.json").write_text(json.dumps({**RUN, **fields}))
    return [str(folder)]


def test_table_and_pictures(tmp_path, capsys):
    assert report.main(write_run(tmp_path / "run")) == 0
    assert (
        capsys.readouterr().out
        == f"""\
image      class                      found  diverse  smallest  seconds
a/cat.jpg  tabby                         12        3         4      1.3
cup.jpg    espresso                     120     >=30         2     20.0
torn.jpg   -         error (truncated JPEG)                         0.0
dim.jpg    espresso                       0        0         -      3.0

Pictures:
  {tmp_path}/run/images/a_cat.jpg.png
  {tmp_path}/run/images/cup.jpg.png
"""
    )


def test_classes_without_names(tmp_path, capsys):
    assert report.main(write_run(tmp_path / "run", class_names=None)) == 0
    assert "a/cat.jpg  0 " in capsys.readouterr().out


def test_no_run(tmp_path, capsys):
    assert report.main([str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("version", ["1.0", "3.0"])
def test_another_schema(version, tmp_path, capsys):
    run = write_run(tmp_path / "run", schema_version=version)
    assert report.main(run) == 2
    assert capsys.readouterr().err == (
        f"report.py: {run[0]}/run.json has schema version {version}, and this script reads 2.0; "
        "make it anew: xai-mse --data 'a b' --overwrite (or with another --out)\n"
    )
    (tmp_path / "run/run.json").write_text("{}")
    assert report.main(run) == 2
    assert "1 or older" in capsys.readouterr().err


def test_scripts_and_tools_write_one_schema():
    header = (ROOT / "include/xai/store/schema.hpp").read_text()
    assert f'schema_version = "{runs.SCHEMA_VERSION}"' in header

"""scripts/report.py: the table of a run."""

import json

import report

CARD = {"class_list": {"ids": ["a", "b"], "names": ["tabby", "espresso"]}}
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


def write_run(folder, card=CARD):
    folder.mkdir(exist_ok=True)
    (folder / "results.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    (folder / "card.json").write_text(json.dumps(card))
    return [str(folder), str(folder / "card.json")]


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
    assert report.main(write_run(tmp_path / "run", {"class_list": None})) == 0
    assert "a/cat.jpg  0 " in capsys.readouterr().out


def test_no_run(tmp_path, capsys):
    arguments = write_run(tmp_path / "run")
    assert report.main([str(tmp_path / "none"), arguments[1]]) == 2
    assert capsys.readouterr().err.count("\n") == 1

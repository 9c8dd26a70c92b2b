"""What stands beside the code for a release is of one version, is well formed, and calls only what is there."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
RECIPE = ROOT / "scripts/packaging/conda/meta.yaml"
APPTAINER = ROOT / "scripts/packaging/apptainer.def"
WORKFLOW = ROOT / ".github/workflows/ci.yml"
PYPROJECT = (ROOT / "pyproject.toml").read_text()


def version():
    scope = {}
    exec((ROOT / "python/xaimse/_version.py").read_text(), scope)
    return scope["__version__"]


def recipe():
    """The recipe as conda-build renders it, but for compilers and programs: its jinja is one call, followed here."""
    text = RECIPE.read_text()
    call = re.search(r'{% set version = load_file_regex\(load_file="(.+?)", regex_pattern=\'(.+?)\','
                     r"\s*from_recipe_dir=True\)\[1\] %}", text)
    found = re.search(call[2], (RECIPE.parent / call[1]).read_text())
    text = text.replace(call[0], "").replace("{{ version }}", found[1])
    return yaml.safe_load(re.sub(r"\{\{ (.+?) \}\}", r"\1", text))


def test_the_programs_have_the_version():
    printed = subprocess.run([os.environ["XAI_MSE"], "--version"], capture_output=True, text=True, check=True).stdout
    assert version() in printed.split(), printed


def test_the_other_places_have_the_version():
    heading, when = re.search(r"^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE).groups()
    assert heading == version()
    assert str(CITATION.get("date-released", "unreleased")) == when
    assert CITATION["version"] == version()
    assert recipe()["package"] == {"name": "xaimse", "version": version()}
    assert re.search(r'^dynamic = \["version"\]$', PYPROJECT, re.MULTILINE)
    assert 'input = "python/xaimse/_version.py"' in PYPROJECT


def test_citation():
    """The keys that the Citation File Format 1.2.0 asks for, of the software and of the paper."""
    assert CITATION["cff-version"] == "1.2.0" and CITATION["type"] == "software" and CITATION["license"] == "Apache-2.0"
    assert CITATION["message"] and CITATION["title"] and CITATION["authors"]
    paper = CITATION["preferred-citation"]
    assert paper["type"] == "conference-paper" and paper["year"] == 2024
    assert [author["family-names"] for author in paper["authors"]] == ["Jiang", "Khorram", "Li"]
    assert paper["title"] in re.sub(r"\s+", " ", (ROOT / "README.md").read_text())
    assert {"type": "other", "value": "arXiv:2212.06872"} in paper["identifiers"]


@pytest.mark.parametrize("file", [RECIPE, APPTAINER, WORKFLOW], ids=lambda file: file.name)
def test_what_nobody_ran_says_so_first(file):
    assert file.read_text().startswith("# Untested here: ")


def test_the_recipe_asks_for_what_the_wheel_asks_for():
    """And for what its extra `report` does: conda has no extras."""
    needs = "".join(re.findall(r"^(?:dependencies|report) = \[(.*)\]$", PYPROJECT, re.MULTILINE))
    names = {"torch==2.11.*": "pytorch2.11.*", "matplotlib": "matplotlib-base"}
    wheel = {names.get(need, need) for need in (need.partition(";")[0] for need in re.findall(r'"(.+?)"', needs))}
    assert {"python", *wheel} == {need.replace(" ", "") for need in recipe()["requirements"]["run"]}
    scripts = dict(re.findall(r'^(xai-\w+) = "(xaimse\.(?!_programs)\w+\..+)"$', PYPROJECT, re.MULTILINE))
    assert recipe()["build"]["entry_points"] == [f"{name} = {function}" for name, function in scripts.items()]
    options = set(re.findall(r"-D(XAI_\w+)=", " ".join(recipe()["build"]["script"])))
    known = "".join(file.read_text() for file in [ROOT / "CMakeLists.txt", *sorted((ROOT / "cmake").glob("*.cmake"))])
    assert len(options) == 4 and all(option in known for option in options)


def test_the_apptainer_definition_has_known_sections():
    text = APPTAINER.read_text()
    assert re.search(r"^Bootstrap: docker\nFrom: debian:12-slim$", text, re.MULTILINE)
    sections = re.findall(r"^%(\w+)$", text, re.MULTILINE)
    assert sections == ["files", "post", "environment", "runscript", "test", "help"]
    for section in ("post", "runscript", "test"):
        script = re.search(rf"^%{section}\n((?:[ \t].*\n|\n)+)", text, re.MULTILINE)[1]
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    programs = set(re.findall(r"xai-\w+", re.search(r"^%test\n((?:[ \t].*\n|\n)+)", text, re.MULTILINE)[1]))
    assert programs <= set(re.findall(r"^(xai-\w+) = ", PYPROJECT, re.MULTILINE)) and len(programs) == 6


def test_the_workflow_calls_what_is_there():
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    assert set(jobs) == {"test", "wheel", "bench"}
    runs = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert runs["test"] == ["scripts/test.sh"] and runs["wheel"] == ["scripts/setup.sh --wheel"]
    benchmarks = re.findall(r"^add_executable\((\w+)", (ROOT / "bench/CMakeLists.txt").read_text(), re.MULTILINE)
    tools = re.findall(r"^(xai-\w+) = ", PYPROJECT, re.MULTILINE)
    for run in sum(runs.values(), []):
        subprocess.run(["bash", "-n"], input=run, text=True, check=True)
        for path in re.findall(r"(?<!\S)(?:scripts|bench)/\S+", run):
            assert (ROOT / path).is_file(), path
        for program in re.findall(r"build/release/bin/(\S+)", run):
            assert program in benchmarks + tools, program
    assert all(any(name in run for run in runs["bench"]) for name in benchmarks)

"""The Python code is clean: ruff everywhere, strict types in the package."""

import subprocess
import sys

from conftest import ROOT

CONFIG = str(ROOT / "pyproject.toml")


def ruff(*paths):
    return findings("ruff", "check", "--config", CONFIG, "--output-format", "concise", *paths)


def mypy(*paths):
    return findings("mypy", "--config-file", CONFIG, *paths)


def findings(*command):
    """What the program found, a line each; nothing where all is well."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def test_ruff():
    assert ruff("python", "tests", "bench", "scripts") == ""


def test_types():
    assert mypy("python/xaimse") == ""


def test_both_find_what_is_wrong(tmp_path):
    """Nothing found is no proof where a rule is switched off."""
    (tmp_path / "wrong.py").write_text("import os\ndef f(x): return x\n")
    assert "F401" in ruff(tmp_path / "wrong.py")
    assert "missing a type annotation" in mypy(tmp_path / "wrong.py")

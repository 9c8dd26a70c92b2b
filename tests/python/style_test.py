"""The Python code is clean: ruff everywhere, strict types in the package."""

import subprocess
import sys

import pytest
from conftest import ROOT


def clean(*command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    return done.returncode == 0 or pytest.fail(done.stdout + done.stderr)


def test_ruff():
    assert clean("ruff", "check", "--no-cache", "--output-format", "concise", "python", "tests", "bench", "scripts")


def test_types():
    assert clean("mypy", "--cache-dir", "/dev/null", "python/xaimse")


def test_both_find_what_is_wrong(tmp_path):
    """So that a folder that moved, or a rule that was switched off, is no clean code."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import os\ndef f(x): return x\n")
    config = ["--config", str(ROOT / "pyproject.toml")]
    with pytest.raises(pytest.fail.Exception, match="F401"):
        clean("ruff", "check", "--no-cache", *config, str(wrong))
    with pytest.raises(pytest.fail.Exception, match="Function is missing a type annotation"):
        clean("mypy", "--cache-dir", "/dev/null", "--config-file", str(ROOT / "pyproject.toml"), str(wrong))

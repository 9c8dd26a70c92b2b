"""docs/options.md is what the programs' tables say. To make it anew: python tests/docs/options_test.py (with XAI_BIN set)."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/options.md"
INTRODUCTION = """# Options

Every option of every program, from the tables that the programs are made of; `tests/docs/options_test.py` keeps this page true. In a
configuration file (`--config FILE.toml`) names are spelt without the dashes in front: `beam-width=3`. *Changes*: what another value changes.
A run goes on only with equal values of options that change records; runs are comparable only where those that change the meaning are equal, too.
"""


def document():
    text = INTRODUCTION
    for tool in ("mse", "subexp", "saliency", "crosstest", "merge"):
        program = Path(os.environ["XAI_BIN"]) / f"xai-{tool}"
        table = subprocess.run([program, "--print-markdown"], capture_output=True, text=True, check=True).stdout
        text += f"\n## xai-{tool}\n{table}"
    return text


def test_the_page_is_what_the_programs_say():
    assert DOCUMENT.read_text() == document()


if __name__ == "__main__":
    DOCUMENT.write_text(document())

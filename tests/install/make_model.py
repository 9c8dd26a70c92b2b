"""make_model.py FOLDER: a model of a few lines with its card, for programs that use the library."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from tiny_models import make_model

make_model(Path(sys.argv[1]))

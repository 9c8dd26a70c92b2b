"""Tests of the tools from outside: the executables, run with good and bad arguments.

XAI_MSE, ...      paths of the executables (CMake passes them)
XAI_SHARED_DATA   data that is not in the repository (default ../shared/data)
"""

import json
import os
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import numpy
import pytest
from PIL import Image

from tiny_models import make_model

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = Path(os.environ.get("XAI_SHARED_DATA", ROOT.parent / "shared/data"))
TIMEOUT = 300  # seconds, of any one run of the executable


def pytest_configure(config):
    for tool in ("mse", "subexp", "saliency", "crosstest", "merge"):
        if not os.access(os.environ.get(f"XAI_{tool.upper()}", ""), os.X_OK):
            raise pytest.UsageError(f"XAI_{tool.upper()} must hold the path of the executable xai-{tool}")
    config.addinivalue_line("filterwarnings", "ignore:`torch.jit:DeprecationWarning")
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):  # which nohup and "&" would have the programs ignore
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@dataclass
class Finished:
    """What a run of the executable left behind."""
    code: int
    out: str
    err: str

    def lines(self, level):
        """The lines of standard error that have this level: info, warning or error."""
        return [line for line in self.err.splitlines() if line.startswith(f"{level}: ")]


def flags(options):
    """{"max_size": 3, "overwrite": True, "maps": ["a", "b"]} as --max-size 3 --overwrite --maps a b; None leaves out."""
    words = []
    for name, value in options.items():
        if value is not None and value is not False:
            values = value if isinstance(value, list) else [] if value is True else [value]
            words += [f"--{name.replace('_', '-')}", *map(str, values)]
    return words


def command(*arguments, tool="mse", **options):
    return [os.environ[f"XAI_{tool.upper()}"], *map(str, arguments), *flags(options)]


def environment(**more):
    inherited = {name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"}  # set by torch
    return {**inherited, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", **more}


def mse(*arguments, env=None, **options):
    """Runs xai-mse, or another `tool`, to its end."""
    done = subprocess.run(command(*arguments, **options), capture_output=True, text=True, timeout=TIMEOUT,
                          stdin=subprocess.DEVNULL, env=environment(**(env or {})))
    return Finished(done.returncode, done.stdout, done.stderr)


# What an analysis in a test uses unless it says otherwise: repeatable to the bit, and no pictures.
PLAIN = {"tune": "off", "batch_size": 8, "pictures": 0}


def analyse(model, data, out, env=None, **options):
    return mse(env=env, model=model, data=data, out=out, **{**PLAIN, **options})


# The same for xai-subexp.
COUNTING = {"tool": "subexp", "pictures": None}


def count(model, data, out, **options):
    return analyse(model, data, out, **{**COUNTING, **options})


@contextmanager
def started(model, data, out, **options):
    """A run that goes on while the block runs, and is killed at its end."""
    process = subprocess.Popen(command(model=model, data=data, out=out, **{**PLAIN, **options}), env=environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def is_refused(finished, code, *words):
    """The exit code, nothing on stdout, and one short line of error that has all the words."""
    assert finished.code == code, finished.err
    assert finished.out == ""
    lines = finished.lines("error")
    assert len(lines) == 1 and finished.err.splitlines()[-1] == lines[0], finished.err
    for line in finished.err.splitlines():  # neither a stack trace nor an exception that nobody caught
        assert line.partition(": ")[0] in ("info", "warning", "error"), finished.err
    assert len(lines[0]) < 600, lines[0]
    for word in words:
        assert str(word) in lines[0], f"'{word}' is not in: {lines[0]}"


def records(folder):
    return [json.loads(line) for line in (Path(folder) / "results.jsonl").read_text().splitlines()]


def timeless(folder):
    """results.jsonl, without what may differ between equal runs."""
    return [{name: value for name, value in record.items() if name != "seconds"} for record in records(folder)]


def run_json(folder):
    return json.loads((Path(folder) / "run.json").read_text())


def summary_json(folder):
    return json.loads((Path(folder) / "summary.json").read_text())


def validate(document, schema):
    """Holds a document against docs/schema/<schema>.schema.json."""
    text = (ROOT / f"docs/schema/{schema}.schema.json").read_text()
    jsonschema.Draft202012Validator(json.loads(text)).validate(document)


def photo(seed, width=32, height=32, cells=16):
    """A mosaic of random colours: much that a blur takes away."""
    colours = numpy.random.default_rng(seed).integers(0, 256, (cells, cells, 3), dtype=numpy.uint8)
    return Image.fromarray(colours).resize((width, height), Image.Resampling.NEAREST)


def make_photos(folder, count, **size):
    """photo00.png, photo01.png, ..."""
    folder.mkdir(parents=True)
    for seed in range(count):
        photo(seed, **size).save(folder / f"photo{seed:02d}.png")
    return folder


def exported_model(name):
    """NAME.pt as scripts/test.sh or scripts/quickstart.sh exported it, or the test is skipped."""
    for folder in (ROOT / "build/test-models", ROOT / "models"):
        if (folder / f"{name}.pt").exists() and (folder / f"{name}.json").exists():
            return folder / f"{name}.pt"
    pytest.skip(f"no exported model {name}.pt in build/test-models or models: scripts/test.sh makes it")


def shared_data(name):
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"no {path}")
    return path


@pytest.fixture
def say(capsys):
    """Prints a measurement past pytest's capture."""
    def print_it(*text):
        with capsys.disabled():
            print("\n ", *text)

    return print_it


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A model of three classes and 32 x 32 pixels, a millisecond an image or less."""
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Six photographs."""
    return make_photos(tmp_path_factory.mktemp("data") / "photos", 6)

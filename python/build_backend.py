"""Builds the wheel: scikit-build-core compiles, auditwheel bundles every shared library but LibTorch's, and the licence
of each library inside is added. On Debian or Ubuntu, whose packages hold those licences."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import scikit_build_core.build as compiling
from scikit_build_core.build import build_sdist as build_sdist
from scikit_build_core.build import get_requires_for_build_sdist as get_requires_for_build_sdist
from scikit_build_core.build import prepare_metadata_for_build_wheel as prepare_metadata_for_build_wheel

Settings = dict[str, Any] | None

LIBTORCH = ("libtorch_cpu.so", "libc10.so")  # all of it that is linked
# Debian packages of what is linked statically, or is headers
STATIC = (
    "libopencv-core-dev", "libopencv-imgproc-dev", "libspdlog-dev", "libfmt-dev", "nlohmann-json3-dev", "libcli11-dev",
    "libtomlplusplus-dev", "libstdc++6",
)  # fmt: skip
DOCUMENTS = Path("/usr/share/doc")


def libtorch() -> str | None:
    """The LibTorch to build against: what XAI_LIBTORCH names, or the torch of .venv."""
    in_venv = (str(folder.resolve()) for folder in Path(".venv").glob("lib/python3*/site-packages/torch"))
    return os.environ.get("XAI_LIBTORCH") or next(in_venv, None)


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    torch = [] if libtorch() else ["torch==2.11.*"]
    return compiling.get_requires_for_build_wheel(config_settings) + torch


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    own = find_spec("torch")  # of the build's environment
    places = own.submodule_search_locations if own else None
    torch = libtorch() or (places[0] if places else "")
    config_settings = {**(config_settings or {}), "cmake.define.XAI_LIBTORCH": torch}
    with TemporaryDirectory() as folder:
        raw = Path(folder) / compiling.build_wheel(folder, config_settings, metadata_directory)
        repaired = with_libraries(raw, Path(folder) / "repaired")
        return with_licences(repaired, Path(folder) / "unpacked", Path(wheel_directory)).name


def run(*words: str | Path) -> str:
    """The standard output of one of this Python's programs."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(words, text=True, capture_output=True, env={**os.environ, "PATH": path})
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def with_libraries(wheel: Path, folder: Path) -> Path:
    excluded = [word for name in LIBTORCH for word in ("--exclude", name)]
    run(sys.executable, "-m", "auditwheel", "repair", *excluded, "--wheel-dir", folder, wheel)
    return next(folder.glob("*.whl"))


def with_licences(wheel: Path, folder: Path, destination: Path) -> Path:
    run(sys.executable, "-m", "wheel", "unpack", "--dest", folder, wheel)
    (content,) = folder.iterdir()
    (information,) = content.glob("*.dist-info")
    licences = information / "licenses" / "bundled"
    licences.mkdir(parents=True)
    packages = {package_of(library.name) for library in content.glob("*.libs/*")}
    for package in sorted(packages | set(STATIC)):
        text = DOCUMENTS / package / "copyright"
        if not text.is_file():
            raise RuntimeError(f"{text} is missing: a wheel holds the licence of every library inside; "
                               f"build it on Debian 12, where the package {package} has it")
        shutil.copy(text, licences / f"{package}.txt")
    nanobind = importlib.metadata.files("nanobind") or []
    (own,) = (file for file in nanobind if file.name.startswith("LICENSE"))
    shutil.copy(str(own.locate()), licences / "nanobind.txt")
    destination.mkdir(parents=True, exist_ok=True)
    run(sys.executable, "-m", "wheel", "pack", "--dest-dir", destination, content)
    return destination / wheel.name


def package_of(bundled: str) -> str:
    """The Debian package of a library that auditwheel has named libtbb-1f2e3d4c.so.12.8."""
    name = re.sub(r"-[0-9a-f]{8}(?=\.so)", "", bundled)
    if not shutil.which("dpkg"):
        raise RuntimeError("a wheel holds the licences of the libraries inside, which Debian's packages have: no dpkg")
    lines = run("dpkg", "-S", f"*/{name}").splitlines()
    return lines[0].split(":")[0]

"""setup.sh and functions.sh as an ordinary user, with stand-ins for dpkg, apt, sudo, Python and CMake."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534

STAND_INS = {
    # installed.txt holds one package a line; apt-get install adds to it
    "dpkg-query": (
        'shift 3; for p in "$@"; do ! grep -qx "$p" $STATE/installed.txt || echo "installed $p"; done'
    ),
    "apt-get": '[[ ! -e $STATE/apt_fails ]] || { echo "E: no network"; exit 100; }; '
    'echo "apt-get $*" >> "$STATE/log.txt"; '
    '[[ " $* " == *" install "* ]] || exit 0; '
    'for p in "$@"; do echo "$p"; done >> "$STATE/installed.txt"',
    "apt-cache": '! grep -qx "$2" "$STATE/unknown.txt" 2>/dev/null',
    "sudo": '[[ -e $STATE/may_sudo ]] || exit 1; [[ $1 == -n ]] && shift; exec "$@"',
    "cmake": 'echo "cmake $*" >> "$STATE/log.txt"',
    "python": 'case "$1 ${2-}" in "-c import"*) [[ ! -e $STATE/old_python ]];; "-c "*) ;; --v*) echo 3.11;; '
    '"-m venv") mkdir -p "$4/bin"; cp "$0" "$4/bin/python";; *) echo "python $*" >> "$STATE/log.txt";; esac',
}


class Machine:
    """A folder with a copy of scripts/, the stand-ins in bin/, and their state."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(
            ROOT / "scripts", folder / "repo/scripts", ignore=shutil.ignore_patterns("__pycache__")
        )
        (folder / "bin").mkdir()
        for name, body in STAND_INS.items():
            path = folder / "bin" / name
            path.write_text(f"#!/bin/bash\nset -eu\n{body}\n")
            path.chmod(0o755)
        (folder / "installed.txt").touch()
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", str(NOBODY), folder], check=True)

    def run(self, *arguments, user=NOBODY, **variables):
        """Runs setup.sh, not as root unless `user` is 0: exit code, standard error, and what the stand-ins were asked for."""
        (self.folder / "log.txt").unlink(missing_ok=True)
        environment = {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "STATE": str(self.folder),
            "HOME": str(self.folder),
            "XAI_PYTHON": str(self.folder / "bin/python"),
            **variables,
        }
        done = subprocess.run(
            [self.folder / "repo/scripts/setup.sh", *arguments],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            user=user if os.geteuid() == 0 else None,
        )
        log = self.folder / "log.txt"
        return done.returncode, done.stderr, log.read_text().splitlines() if log.exists() else []

    def set(self, name, text=""):
        (self.folder / name).write_text(text)


@pytest.fixture
def machine():
    folder = Path(tempfile.mkdtemp(prefix="xai-setup-"))
    folder.chmod(0o755)
    yield Machine(folder)
    shutil.rmtree(folder)


def packages():
    text = (ROOT / "scripts/setup.sh").read_text()
    required, optional = (
        re.search(rf"^{name}=\((.*?)\)", text, re.S | re.M)[1].split() for name in ("required", "optional")
    )
    return required, optional


def test_without_root_it_names_what_is_missing(machine):
    required, optional = packages()
    machine.set("installed.txt", "\n".join(required[3:]) + "\n")
    code, error, log = machine.run()
    wanted = " ".join(sorted(required[:3] + optional))
    assert code == 1 and log == []
    assert error == (
        f"setup.sh: these packages are missing, and installing them needs root: {wanted}\n"
        f"setup.sh: as root: apt-get install --no-install-recommends {wanted}\n"
    )


def test_without_root_it_works_when_nothing_is_missing(machine):
    required, optional = packages()
    machine.set("installed.txt", "\n".join(required) + "\n")
    code, error, log = machine.run()
    assert code == 0 and f"going on without {optional[0]}" in error
    assert log == ["python -m pip install --quiet --disable-pip-version-check -r scripts/requirements.txt"]


def test_installs_once_and_only_what_is_missing(machine):
    required, optional = packages()
    machine.set("may_sudo")
    machine.set("installed.txt", "\n".join(required[2:]) + "\n")
    code, error, log = machine.run()
    assert code == 0, error
    assert [line.split()[1:2] + line.split()[-1:] for line in log if line.endswith("update")] == [
        ["-qq", "update"]
    ]
    install = [line for line in log if " install -y --no-install-recommends " in line]
    assert len(install) == 1
    assert install[0].partition(" --no-install-recommends ")[2].split() == sorted(required[:2]) + optional
    assert machine.run() == (0, "", [])  # a second run asks for nothing


def test_shows_why_apt_failed(machine):
    machine.set("may_sudo")
    machine.set("apt_fails")
    code, error, log = machine.run()
    assert code == 1 and "E: no network" in error and "apt-get update failed" in error and log == []


def test_goes_on_without_an_optional_package_the_distribution_lacks(machine):
    required, optional = packages()
    machine.set("may_sudo")
    machine.set("installed.txt", "\n".join(required) + "\n")
    machine.set("unknown.txt", optional[0] + "\n")
    code, error, log = machine.run()
    assert code == 0, error
    assert not any("--no-install-recommends" in line for line in log)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be root")
def test_a_slurm_is_for_root_and_the_preset_of_the_tests(machine):
    machine.set("installed.txt", "\n".join(sum(packages(), [])) + "\n")
    for preset, user in (("release", 0), ("ci", NOBODY)):
        code, error, log = machine.run("--build", preset, user=user)
        assert code == 0 and not any(line.startswith("apt-get") for line in log)

    machine.set("apt_fails")
    code, error, log = machine.run("--build", "ci", user=0)
    assert code == 0 and "E: no network" in error and re.search("going on without .*slurmctld", error)
    assert any("--preset ci" in line for line in log)

    (machine.folder / "apt_fails").unlink()
    code, error, log = machine.run("--build", "ci", user=0)
    assert code == 0, error
    assert any(re.search("install -y --no-install-recommends .*slurmctld", line) for line in log)


def test_new_pins_are_installed(machine):
    machine.set("installed.txt", "\n".join(sum(packages(), [])) + "\n")
    assert machine.run()[0] == 0
    with open(machine.folder / "repo/scripts/constraints.txt", "a") as file:
        file.write("one_more==1.0\n")
    code, _, log = machine.run()
    assert code == 0 and [line.split()[:4] for line in log] == [["python", "-m", "pip", "install"]]


def test_builds_when_asked_against_the_named_libtorch(machine):
    machine.set("installed.txt", "\n".join(sum(packages(), [])) + "\n")
    code, error, log = machine.run("--build", "ci", XAI_LIBTORCH="/opt/libtorch")
    assert code == 0, error
    assert log[1] == "cmake --preset ci -DXAI_LIBTORCH=/opt/libtorch"
    assert re.fullmatch(r"cmake --build --preset ci --parallel [1-9]\d* --target all", log[2])
    assert machine.run("--build", "release", "xai-mse")[2][1].endswith(" --target xai-mse")


def test_an_old_python_is_refused(machine):
    machine.set("installed.txt", "\n".join(sum(packages(), [])) + "\n")
    machine.set("old_python")
    code, error, _ = machine.run()
    assert code == 1 and "older than Python 3.10" in error and "XAI_PYTHON" in error


@pytest.mark.parametrize("arguments", [["--bild", "ci"], ["--build"]])
def test_bad_arguments_are_refused(machine, arguments):
    code, error, log = machine.run(*arguments)
    assert code != 0 and error and log == []


def test_a_second_run_here_is_quick():
    subprocess.run([ROOT / "scripts/setup.sh"], check=True, capture_output=True)
    start = time.monotonic()
    subprocess.run([ROOT / "scripts/setup.sh"], check=True, capture_output=True)
    assert time.monotonic() - start < 3


def test_models_are_exported_only_when_they_are_older_than_their_sources(tmp_path):
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/functions.sh", tmp_path / "scripts")
    (tmp_path / "python/xaimse/export").mkdir(parents=True)
    names = ("python/xaimse/export/cli.py", "python/xaimse/preprocessing.py", "scripts/constraints.txt")
    sources = [tmp_path / name for name in names]
    exports = [tmp_path / "models" / name for name in ("m.pt", "m.json")]
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / "models").mkdir()
    python = tmp_path / ".venv/bin/python"
    python.write_text('#!/bin/sh\necho "$@" >> log\ntouch models/m.pt models/m.json\n')
    python.chmod(0o755)
    for path in sources:
        path.touch()
        os.utime(path, (1000, 1000))

    def exported():
        (tmp_path / "log").unlink(missing_ok=True)
        subprocess.run(
            ["bash", "-euc", "source scripts/functions.sh; export_model models m --seed 1"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        return (tmp_path / "log").exists() and (tmp_path / "log").read_text()

    assert exported() == "-m xaimse.export m --out models --seed 1\n"
    assert not exported()
    exports[0].unlink()
    assert exported()
    for source in sources:
        os.utime(source)
        os.utime(exports[1], (2000, 2000))
        assert exported(), source
        os.utime(source, (1000, 1000))

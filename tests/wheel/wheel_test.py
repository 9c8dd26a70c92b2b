"""The wheel, built from the repository and installed for an ordinary user.

XAI_WHEEL_FOLDER  where it is built, from ccache
XAI_BIN           the programs of the build around it
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "tools"))
from tiny_models import make_model  # noqa: E402

TORCH = Path(next(p for p in sys.path if (Path(p) / "torch" / "lib").is_dir())) / "torch"
PROGRAMS = ("xai-mse", "xai-subexp", "xai-saliency", "xai-crosstest", "xai-merge")
SMALL = ["--tune", "off", "--max-evaluations", "30", "--pictures", "1"]


def run(*words, **variables):
    """A finished process; without what this process's environment says of libraries and Python."""
    plain = {key: value for key, value in os.environ.items()
             if key not in ("LD_LIBRARY_PATH", "PYTHONPATH", "XAI_LIBTORCH")}
    return subprocess.run([str(word) for word in words], text=True, capture_output=True, timeout=1800,
                          env={**plain, "OMP_NUM_THREADS": "1", **variables}, check=False)


@pytest.fixture(scope="session")
def wheel():
    folder = Path(os.environ["XAI_WHEEL_FOLDER"])
    shutil.rmtree(folder, ignore_errors=True)
    done = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, "-C",
               "cmake.define.XAI_WARNINGS_AS_ERRORS=ON", ROOT, CXX="c++", CMAKE_BUILD_PARALLEL_LEVEL="2",
               CMAKE_CXX_COMPILER_LAUNCHER=shutil.which("ccache") or "")
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="session")
def content(wheel, tmp_path_factory):
    """The wheel unpacked: what somebody without an index has. zipfile forgets who may run a file."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            archive.extract(entry, folder)
            (folder / entry.filename).chmod(entry.external_attr >> 16 or 0o644)
    return folder


def new_environment(folder):
    """A virtual environment that sees the packages of this Python."""
    venv.create(folder, with_pip=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    (site / "beside.pth").write_text(f"{TORCH.parent}\n")
    return folder


@pytest.fixture(scope="session")
def home(wheel, tmp_path_factory):
    """An environment with the wheel."""
    folder = new_environment(tmp_path_factory.mktemp("home") / "venv")
    done = run(folder / "bin/python", "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("model"))


def explain(program, model, data, out, **variables):
    done = run(program, "--model", model, "--data", data, "--out", out, *SMALL, **variables)
    assert done.returncode == 0, done.stderr
    assert len((out / "results.jsonl").read_text().splitlines()) == 4
    assert len(list((out / "images").glob("*.png"))) == 1
    return done


def symbols(file):
    """The versions of glibc and libstdc++ that a file asks for: {"GLIBC": (2, 34), ...}, the newest of each."""
    text = run("objdump", "-T", file).stdout
    found = {}
    for name, version in re.findall(r"\((GLIBC|GLIBCXX|CXXABI)_([0-9.]+)\)", text):
        found[name] = max(found.get(name, ()), tuple(map(int, version.split("."))))
    return found


def binaries(content):
    return [file for file in content.rglob("*") if file.is_file() and file.read_bytes()[:4] == b"\x7fELF"]


newer_glibc = pytest.mark.skipif(
    tuple(map(int, os.confstr("CS_GNU_LIBC_VERSION").split()[1].split("."))) > (2, 36),
    reason="built beside a newer glibc than Debian 12's, the wheel asks for it: release wheels are built on Debian 12",
)


def test_size(wheel):
    assert wheel.stat().st_size < 25e6


@newer_glibc
def test_tag(wheel):
    assert "manylinux_2_34_x86_64" in wheel.name  # RHEL 9, Ubuntu 22.04, Debian 12 and newer


@newer_glibc
def test_asks_for_no_newer_glibc_or_libstdcxx_than_it_says(content):
    files = binaries(content)
    assert len(files) > len(PROGRAMS)
    for file in files:
        wanted = symbols(file)
        assert wanted.get("GLIBC", ()) <= (2, 34), file
        assert wanted.get("GLIBCXX", ()) <= (3, 4, 29), file
        assert wanted.get("CXXABI", ()) <= (1, 3, 13), file


def test_every_bundled_library_has_its_licence(content):
    bundled = {re.sub(r"-[0-9a-f]{8}", "", file.name).split(".so")[0] for file in content.glob("*.libs/*")}
    assert {"libtbb", "libtiff", "libwebp"} <= bundled
    assert not any(name.startswith(("libtorch", "libc10", "libcu", "libX11", "libGL")) for name in bundled)
    (licences,) = content.glob("*.dist-info/licenses")
    texts = {file.stem: file.read_text() for file in licences.glob("bundled/*.txt")}
    assert all(len(text) > 300 for text in texts.values())
    owners = run("dpkg", "-S", *(f"*/{name}.so*" for name in bundled)).stdout
    for name in bundled:
        packages = set(re.findall(rf"^([^:]+):.*/{re.escape(name)}\.so", owners, re.MULTILINE))
        assert packages & set(texts), f"no licence of {name}, which is of {packages}"
    assert {"nanobind", "libopencv-core-dev", "libspdlog-dev"} <= set(texts)
    assert (licences / "LICENSE").is_file()


@pytest.mark.parametrize("folder", ["wheel", "build"])
def test_few_shared_libraries(folder, content):
    for name in PROGRAMS:
        program = content / "xaimse/libexec" / name if folder == "wheel" else Path(os.environ["XAI_BIN"]) / name
        lines = run("ldd", program, LD_LIBRARY_PATH=str(TORCH / "lib")).stdout.splitlines()
        files = [Path(found[1]).resolve() if (found := re.search(r"=> (/\S+)", line)) else Path(line) for line in lines]
        beside = [str(file) for file in files if TORCH.parent.resolve() not in file.parents]
        assert 5 < len(beside) < 30, "\n".join(beside)
        assert not [line for line in lines if "not found" in line]
        assert ("libtorch_cpu" in "\n".join(lines)) == (name != "xai-merge")  # loading it takes longer than most merges


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_are_on_the_path(home, name):
    done = run(home / "bin" / name, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{name} 0.")
    assert name.replace("-", "\\-") in (home / "share/man/man1" / f"{name}.1").read_text()
    own = {"xai-crosstest": "--models", "xai-merge": "--shards"}.get(name, "--model")
    assert re.search(rf'[" ]{own} ', (home / "share/bash-completion/completions" / name).read_text())


def test_python_programs_are_on_the_path(home):
    for name in ("xai-export", "xai-results", "xai-compare", "xai-features", "xai-report", "xai-study"):
        done = run(home / "bin" / name, "--help")
        assert done.returncode == 0 and f"usage: {name}" in done.stdout


def test_analyses_the_packaged_photographs_and_python_reads_the_run(home, model, tmp_path):
    photos = run(home / "bin/python", "-m", "xaimse", "photos").stdout.strip()
    assert photos.startswith(str(home)) and len(list(Path(photos).glob("*.jpg"))) == 4
    explain(home / "bin/xai-mse", model, photos, tmp_path / "run")
    code = "import sys, xaimse; print(xaimse.__file__, len(xaimse.read(sys.argv[1]).records))"
    done = run(home / "bin/python", "-c", code, tmp_path / "run")
    file, records = done.stdout.split()
    assert file.startswith(str(home)) and records == "4"
    code = "import xaimse; print(xaimse.find_mses(lambda masks: masks[:, 0, 0] * 0.9, 3).mses[0].patches)"
    done = run(home / "bin/python", "-c", code)
    assert done.stdout == "(0,)\n", done.stderr


def test_the_three_commands_of_the_readme(wheel, tmp_path):
    """In an empty folder; what the wheel needs is there already, and the search is small."""
    (block,) = re.findall(r"```sh\n(pip install.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    install, export, analyse = block.splitlines()
    assert install.startswith("pip install") and export.startswith("xai-export") and analyse.startswith("xai-mse")
    new_environment(tmp_path / "venv")
    (tmp_path / "dist").symlink_to(wheel.parent)
    path = f"{tmp_path / 'venv/bin'}:{os.environ['PATH']}"
    for command in (f"{install} --no-index", export, f"{analyse} --max-evaluations 40"):
        done = run("sh", "-c", f"cd {tmp_path} && {command}", PATH=path)
        assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "runs/first/run.json").read_text())["status"] == "done"


def test_says_where_everything_is(home):
    done = run(home / "bin/python", "-m", "xaimse")
    assert str(TORCH) in done.stdout and str(home) in done.stdout
    for line in done.stdout.splitlines()[1:]:
        assert Path(line.split()[-1]).exists(), line


def test_the_files_alone_work_beside_a_named_libtorch(content, model, tmp_path):
    explain(content / "xaimse/bin/xai-mse", model, ROOT / "photos", tmp_path / "run", XAI_LIBTORCH=str(TORCH))


def without_cuda(folder):
    """A LibTorch as the one here with its CUDA libraries taken away: what the rest was linked to is empty."""
    library = folder / "torch" / "lib"
    library.mkdir(parents=True)
    (folder / "torch" / "version.py").write_text((TORCH / "version.py").read_text())
    for name in ("libtorch_cpu.so", "libc10.so", "libgomp.so.1"):
        (library / name).symlink_to(TORCH / "lib" / name)
    needed = run("readelf", "-d", TORCH / "lib/libtorch_cpu.so").stdout
    for name in re.findall(r"\[(libcu[^\]]*)\]", needed):
        (folder / "versions").write_text(f"{name} {{ }};")
        done = run("cc", "-shared", "-nostdlib", f"-Wl,-soname,{name},--version-script,{folder / 'versions'}", "-x", "c",
                   "/dev/null", "-o", library / name)
        assert done.returncode == 0, done.stderr
    return folder / "torch"


def test_the_same_file_starts_beside_a_libtorch_without_cuda(content, model, tmp_path):
    torch = without_cuda(tmp_path)
    assert not (torch / "lib/libtorch_cuda.so").exists()
    done = explain(content / "xaimse/bin/xai-mse", model, ROOT / "photos", tmp_path / "run", XAI_LIBTORCH=str(torch))
    assert "cannot" not in done.stderr
    refused = run(content / "xaimse/bin/xai-mse", "--model", model, "--data", ROOT / "photos", "--out", tmp_path / "no",
                  "--device", "cuda", XAI_LIBTORCH=str(torch))
    assert refused.returncode == 2 and "use cpu or auto" in refused.stderr


def test_links_nothing_of_cuda(content):
    for file in binaries(content):
        needed = re.findall(r"NEEDED.*\[([^\]]*)\]", run("readelf", "-d", file).stdout)
        assert not [name for name in needed if name.startswith(("libcu", "libtorch_cuda", "libc10_cuda", "libtorch.so"))]


@pytest.mark.parametrize(
    "version, says",
    [("2.12.0+cpu", "torch 2.12.0\\+cpu in .*: pip install 'torch==2.11.\\*'"), (None, "torch of an unknown version in")],
)
def test_another_torch_is_refused_with_what_to_install(content, tmp_path, version, says):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libtorch_cpu.so").symlink_to(TORCH / "lib/libtorch_cpu.so")
    if version:
        (tmp_path / "build-version").write_text(f"{version}\n")  # as an unpacked LibTorch has it
    done = run(content / "xaimse/bin/xai-mse", "--version", XAI_LIBTORCH=str(tmp_path))
    assert done.returncode == 2 and done.stdout == ""
    assert re.fullmatch(f"error: .*{says}.*\n", done.stderr), done.stderr


def test_no_torch_is_one_line(content, tmp_path):
    nothing = run(content / "xaimse/bin/xai-mse", "--version", PATH="/usr/bin:/bin")
    assert nothing.returncode == 2 and "pip install 'torch==2.11.*'" in nothing.stderr
    assert len(nothing.stderr.splitlines()) == 1
    needs_nothing = run(content / "xaimse/bin/xai-mse", "--version", PATH=str(tmp_path), XAI_LIBTORCH=str(TORCH))
    assert (needs_nothing.returncode, needs_nothing.stderr) == (0, "")
    empty = run(content / "xaimse/bin/xai-mse", "--version", XAI_LIBTORCH=str(tmp_path))
    assert empty.returncode == 2 and str(tmp_path) in empty.stderr


def test_recorded_command_can_be_run_again(home, model, tmp_path):
    explain(home / "bin/xai-mse", model, ROOT / "photos", tmp_path / "run")
    command = json.loads((tmp_path / "run/run.json").read_text())["command"]
    again = run(*command)
    assert command[0] == str(home / "bin/xai-mse")
    assert again.returncode == 0, shlex.join(command) + again.stderr

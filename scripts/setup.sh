#!/usr/bin/env bash
# Prepares Debian 12 or Ubuntu 24.04: system packages, .venv with pinned versions, and on request a build or the wheel.
# Safe to run again, and quick when nothing is to be done. Needs root or sudo only while packages are missing.
#
#   scripts/setup.sh [--build PRESET [TARGET ...]]     PRESET: release, dev, asan or ci (CMakePresets.json)
#   scripts/setup.sh --wheel                           the Python wheel for .venv's Python, in dist/
#
# XAI_LIBTORCH=DIR  builds against another LibTorch, >= 2.7: a wheel's torch/ folder or an unpacked zip
# XAI_PYTHON=PATH   makes .venv with another Python >= 3.10 than the first python3 on PATH
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/functions.sh

required=(
  g++ cmake ninja-build ccache
  libopencv-core-dev libopencv-imgproc-dev libjpeg-dev libpng-dev libtiff-dev libgif-dev libwebp-dev zlib1g-dev libssl-dev
  libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libspdlog-dev libgtest-dev
  python3-venv python3-dev graphviz
)
optional=(clang-format-14)  # test.sh's format check; later distributions have dropped this version
# What tests/slurm starts. With preset ci only, the tests', and for root: on a workstation these would be services.
for_tests=(slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge parallel strace)
# What report_test.py shows pages in; Ubuntu has it as a snap alone.
[[ -z $(apt-cache madison chromium 2>/dev/null) ]] || for_tests+=(chromium)
python=${XAI_PYTHON:-python3}
preset=
wheel=
targets=(all)

fail() {
  printf 'setup.sh: %s\n' "$@" >&2
  exit 1
}

missing() {
  comm -23 <(printf '%s\n' "$@" | sort) \
           <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
               sed -n 's/^installed //p' | sort)
}

# Runs apt-get as root, and shows its output only when it fails: it is thousands of lines.
apt() {
  local log
  log=$(mktemp)
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get -qq -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" > "$log" 2>&1; then
    tail -n 30 "$log" >&2
    fail "apt-get $1 failed; its last lines are above, all of them in $log"
  fi
  rm "$log"
}

install_packages() {
  local packages as_root=()
  mapfile -t packages < <(missing "${required[@]}" "${optional[@]}")
  ((${#packages[@]})) || return 0
  if ((EUID != 0)); then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
      as_root=(sudo)
    elif [[ -z $(missing "${required[@]}") ]]; then
      echo "setup.sh: going on without ${packages[*]}: not root" >&2
      return 0
    else
      fail "these packages are missing, and installing them needs root: ${packages[*]}" \
           "as root: apt-get install --no-install-recommends ${packages[*]}"
    fi
  fi
  say "System packages: ${packages[*]}"
  apt update
  mapfile -t packages < <(missing "${required[@]}"
                          for package in $(missing "${optional[@]}"); do
                            apt-cache show "$package" >/dev/null 2>&1 && echo "$package"
                          done)
  ((${#packages[@]} == 0)) || apt install -y --no-install-recommends "${packages[@]}"
}

install_test_packages() {
  local packages as_root=()
  mapfile -t packages < <(missing "${for_tests[@]}")
  ((${#packages[@]} && EUID == 0)) || return 0
  say "Packages for tests: ${packages[*]}"
  (apt update && apt install -y --no-install-recommends "${packages[@]}") ||
    echo "setup.sh: going on without ${packages[*]}: their tests will be skipped" >&2
}

# .venv/installed holds what .venv was made from, and is written last: an interrupted set-up starts over.
make_venv() {
  local wanted
  if ! .venv/bin/python -c '' 2>/dev/null; then
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
      fail "$python is older than Python 3.10; name another one in XAI_PYTHON"
    say "Python environment .venv"
    "$python" -m venv --clear .venv
  fi
  wanted=$(.venv/bin/python --version; sha256sum scripts/requirements.txt scripts/constraints.txt)
  if [[ $(cat .venv/installed 2>/dev/null) != "$wanted" ]]; then
    say "Python packages (torch alone takes 5 GB of disk)"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r scripts/requirements.txt
    echo "$wanted" > .venv/installed
  fi
}

build() {
  say "Build: preset $preset, $(jobs) job(s)"
  CMAKE_CXX_COMPILER_LAUNCHER=$(command -v ccache || true) \
    cmake --preset "$preset" ${XAI_LIBTORCH:+"-DXAI_LIBTORCH=$XAI_LIBTORCH"}
  cmake --build --preset "$preset" --parallel "$(jobs)" --target "${targets[@]}"
}

# Compiled with the flags of preset ci: what ccache has from there is not compiled again.
make_wheel() {
  say "Wheel for $(.venv/bin/python --version)"
  CXX=${CXX:-c++} CMAKE_CXX_COMPILER_LAUNCHER=$(command -v ccache || true) CMAKE_BUILD_PARALLEL_LEVEL=$(jobs) \
    .venv/bin/python -m build --wheel --no-isolation --outdir dist -C cmake.define.XAI_WARNINGS_AS_ERRORS=ON
}

case ${1-} in
  '') ;;
  --build)
    preset=${2:?--build needs a preset}
    (($# == 2)) || targets=("${@:3}")
    ;;
  --wheel)
    (($# == 1)) || fail "--wheel takes nothing more"
    wheel=1
    ;;
  -h | --help)
    sed -n '2,/^set/{/^#/s/^# \?//p}' "$0"
    exit
    ;;
  *)
    echo "setup.sh: unknown argument '$1'; see --help" >&2
    exit 2
    ;;
esac

if command -v dpkg-query >/dev/null; then
  install_packages
  [[ $preset != ci ]] || install_test_packages
else
  echo "setup.sh: no Debian or Ubuntu: install what corresponds to ${required[*]}" >&2
fi
make_venv
[[ -z $preset ]] || build
[[ -z $wheel ]] || make_wheel

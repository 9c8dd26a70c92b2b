#!/usr/bin/env bash
# Every test: sets up, builds with warnings as errors, exports the models the tests use, checks formatting,
# runs ctest. Extra arguments go to ctest, e.g. scripts/test.sh -L search
#
#   scripts/test.sh --wheel [argument of pytest ...]   builds the wheel, installs it with what it needs in an environment of
#                      its own (5 GB), and runs the tests of programs and Python there. XAI_PYTHON=PATH: by another Python,
#                      with the wheel for it that is in dist/
#
# XAI_SHARED_DATA=DIR  data that is not in the repository (default ../shared/data); tests that need it are
#                      skipped without it. Why tests were skipped is listed before ctest's closing lines.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/functions.sh

# Every test of the programs and of the package, by what the wheel installs and nothing of this build.
test_wheel() {
  local folder=$PWD/build/wheel-test name bin
  unset PYTHONPATH  # which could name the package of a build
  if [[ -z ${XAI_PYTHON-} ]]; then scripts/setup.sh --wheel; fi
  say "The wheel in an environment of its own"
  "${XAI_PYTHON:-.venv/bin/python}" -m venv --clear "$folder"
  bin=$folder/bin
  "$bin/python" -m pip install --quiet --disable-pip-version-check -c scripts/constraints.txt --find-links dist \
    'xaimse[export]' pytest jsonschema scikit-learn
  say "Models for the tests"
  for name in efficientnet_lite0 efficientnet_lite1; do
    "$bin/xai-export" "$name" --out build/test-models
  done
  say "Tests of $("$bin/python" -c 'import xaimse; print("xaimse", xaimse.__version__)')"
  for name in mse subexp saliency crosstest merge; do export "XAI_${name^^}=$bin/xai-$name"; done
  export XAI_BIN=$PWD/build/ci/bin OMP_NUM_THREADS=1  # what tests compare with; skipped where it is not built
  export XAI_LOGS=$folder/logs
  mkdir "$XAI_LOGS"
  # shellcheck disable=SC2016  # of the inner shell
  printf '%s\n' tests/tools/test_*.py tests/python/{reading,results,search,explain,notebook}_test.py |
    xargs -P "$(jobs)" -I FILE bash -c '
      log=$XAI_LOGS/$(basename FILE .py) status=0
      "$0" -m pytest -q -rs -p no:cacheprovider --durations=5 FILE "$@" >"$log" 2>&1 || status=$?
      printf "\n%s\n%s\n" FILE "$(cat "$log")"
      exit $((status == 5 ? 0 : status))  # 5: the arguments leave no test
    ' "$bin/python" "$@"
}

if [[ ${1-} == --wheel ]]; then
  test_wheel "${@:2}"
  exit
fi

scripts/setup.sh --build ci

say "Models for the tests"
export_model build/test-models efficientnet_lite0
export_model build/test-models efficientnet_lite1
weights=${XAI_SHARED_DATA:-../shared/data}/models/vit_tiny_patch16_224.safetensors
if [[ -e $weights ]]; then
  export_model build/test-models vit_tiny_patch16_224 --weights "$weights"
fi

say "Formatting"
mapfile -t sources < <(find include src python tests tools bench -name '*.hpp' -o -name '*.cpp')
formatted=0
if command -v clang-format-14 >/dev/null; then
  clang-format-14 --dry-run --Werror "${sources[@]}" && echo "${#sources[@]} files are formatted" || formatted=$?
else
  echo "SKIPPED: there is no clang-format-14 here"
fi

say "Tests"
# One thread a test and as many tests as cores: faster than the other way round.
log=build/ci/ctest.log
status=0
XAI_TEST_SH=1 OMP_NUM_THREADS=1 ctest --preset ci --parallel "$(jobs)" "$@" | tee "$log" |
  sed -u '/% tests passed/,$d' || status=$?

# GoogleTest: "FILE:LINE: Skipped", the reason on the next line; pytest: "SKIPPED [N] FILE:LINE: reason"
reasons=$(awk '/: Skipped$/ { getline; print } /^SKIPPED / { print }' build/ci/Testing/Temporary/LastTest.log)
if [[ -n $reasons ]]; then
  printf '\nSkipped, and why:\n%s\n' "$(sort <<<"$reasons" | uniq -c)"
fi
sed -n '/% tests passed/,$p' "$log"
((formatted == 0)) || echo "test.sh: files are not formatted, see above; clang-format-14 -i FILE corrects them" >&2
exit $((status ? status : formatted))

#!/usr/bin/env bash
# The sanitizers, which scripts/test.sh leaves out: they take long to build.
#
#   scripts/sanitize.sh asan     address and undefined behaviour: the torch-free tests, and the programs on toy models
#   scripts/sanitize.sh tsan     data races: the engine and whole runs with invented classifiers, threads of the core
#   scripts/sanitize.sh          both
#
# Ends with 1 where anything was found or failed; reports of sanitizers lie in build/PRESET/findings/.
# tests/tsan.supp: what is known of LibTorch and libgomp, which are not built with them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/functions.sh

status=0

# part NAME COMMAND ...: runs one part, and goes on after it.
part() {
  local name=$1 began=$SECONDS
  shift
  say "$preset: $name"
  if "$@"; then
    echo "$name: passed, $((SECONDS - began)) s"
  else
    status=1
    echo "$name: FAILED" >&2
  fi
}

tests() {
  "build/$preset/tests/$1_tests" --gtest_brief=1 "${@:2}"
}

# programs FILE ...: tests/tools/test_FILE.py, as many at once as there are cores. Without speed and memory, which
# sanitizers change, strace, which leak detection does not work under, and SIGSEGV, which is the sanitizer's.
programs() {
  # shellcheck disable=SC2016  # of the inner shell
  printf '%s\n' "$@" | xargs -P "$(jobs)" -I FILE bash -c '
    log=build/asan/FILE.log
    .venv/bin/python -m pytest -q -rs -p no:cacheprovider tests/tools/test_FILE.py -k "not socket and not memory and not SIGSEGV" >"$log" 2>&1
    code=$?
    echo "FILE: $(tail -n 1 "$log")"
    ((code == 0)) || { grep -E "^(FAILED|ERROR)" "$log"; false; }'
}

begin() {
  preset=$1
  scripts/setup.sh --build "$preset" "${@:2}"
  findings=$PWD/build/$preset/findings
  rm -rf "$findings"
  mkdir "$findings"
  export OMP_NUM_THREADS=1
}

end() {
  local reports=("$findings"/*)
  say "$preset: ${#reports[@]} reports"
  ((${#reports[@]} == 0)) || { status=1; head -n 40 "${reports[@]:0:3}" >&2; }
}
shopt -s nullglob

asan() {
  local module name
  begin asan {core,search,metrics,data,store,record,picture}_tests xai-{mse,subexp,saliency,crosstest,merge}
  export ASAN_OPTIONS=log_path=$findings/asan:detect_stack_use_after_return=1:strict_string_checks=1
  export UBSAN_OPTIONS=log_path=$findings/ubsan:print_stacktrace=1:halt_on_error=1
  for module in core store; do  # these test what a crash leaves behind, with handlers of their own
    ASAN_OPTIONS=$ASAN_OPTIONS:handle_segv=0:handle_sigbus=0:handle_sigfpe=0 part "$module" tests "$module"
  done
  for module in search metrics data record picture; do
    part "$module" tests "$module"
  done
  for name in mse subexp saliency crosstest merge; do export "XAI_${name^^}=$PWD/build/asan/bin/xai-$name"; done
  part programs programs crosstest errors saliency subexp run resume security shards data files
  end
}

tsan() {
  local module
  begin tsan {core,engine,run}_tests
  export TSAN_OPTIONS="log_path=$findings/tsan:suppressions=$PWD/tests/tsan.supp:second_deadlock_stack=1:die_after_fork=0"
  export TSAN_OPTIONS=$TSAN_OPTIONS:handle_segv=0:handle_sigbus=0:handle_sigfpe=0  # core tests handlers of its own
  for module in core engine run; do
    part "$module" tests "$module" --gtest_filter='-Memory.*:*NeedsLittleMemory*'  # shadows take several times as much
  done
  end
}

case ${1-both} in
  asan) asan ;;
  tsan) tsan ;;
  both)
    (asan && exit "$status") || status=1
    (tsan && exit "$status") || status=1
    ;;
  *)
    sed -n '2,9p' "$0" >&2
    exit 2
    ;;
esac
exit "$status"

#!/usr/bin/env bash
# Gives the readers of files (tests/fuzz) random bytes, by clang's libFuzzer under the address and undefined-behaviour
# sanitizers. It ends at the first finding; what it found lies in build/fuzz/found/TARGET.
#
#   scripts/fuzz.sh [TARGET ...] [--runs N] [--seconds N] [--seed N]
#
#   TARGET       those of tests/fuzz/corpus; without one, all of them
#   --runs N     inputs of each target (default 100000)
#   --seconds N  or so long, whichever is first
#   --seed N     of libFuzzer (default 1)
#
# Inputs that lead to new code are kept in build/fuzz/corpus/TARGET for the next time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/functions.sh

runs=100000 seconds=0 seed=1 targets=()
while (($#)); do
  case $1 in
    --runs) runs=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    --seed) seed=$2; shift ;;
    -*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
if ((${#targets[@]} == 0)); then mapfile -t targets < <(ls tests/fuzz/corpus); fi

if [[ ! -e build/fuzz/build.ninja ]]; then cmake --preset fuzz; fi
cmake --build --preset fuzz -j "$(jobs)"

scratch=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo /tmp)" xai-fuzz-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch UBSAN_OPTIONS=print_stacktrace=1 OMP_NUM_THREADS=1
failed=()
for target in "${targets[@]}"; do
  say "$target"
  mkdir -p build/fuzz/{corpus,found}/"$target"
  arguments=(-runs="$runs" -seed="$seed" -max_total_time="$seconds" -max_len=65536 -timeout=20 -rss_limit_mb=2048
             -malloc_limit_mb=512 -print_final_stats=1 -verbosity=0 -artifact_prefix="build/fuzz/found/$target/")
  if [[ -e tests/fuzz/dictionary/$target.txt ]]; then arguments+=(-dict="tests/fuzz/dictionary/$target.txt"); fi
  XAI_FUZZ_TARGET=$target build/fuzz/tests/fuzz/xai_fuzz "${arguments[@]}" build/fuzz/corpus/"$target" \
    tests/fuzz/corpus/"$target" || failed+=("$target")
done
if ((${#failed[@]})); then
  say "Findings in: ${failed[*]}"
  echo "to repeat one: XAI_FUZZ_TARGET=TARGET build/fuzz/tests/fuzz/xai_fuzz FILE"
  exit 1
fi
say "No finding"

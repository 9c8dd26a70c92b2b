#!/usr/bin/env bash
# Runs a program as a Slurm job array and merges its shards: the command of a laptop, behind the number of tasks.
#
#   scripts/slurm/submit.sh [OPTION OF SBATCH ...] N[%M] PROGRAM [ARGUMENT ...] --out RUN
#
# N tasks with a GPU each, at most M at once. Three jobs: a short one writes the tuning that all tasks share, the array, and
# xai-merge. Shards and logs: RUN.shards. The same command again submits what is missing, and says so where nothing is.
#
# Options of sbatch (--time=4:00:00, --gres=gpu:a100:1, --constraint=...) are written with '=', and are for the first two
# jobs. What all three need goes into sbatch's own variables: SBATCH_ACCOUNT, SBATCH_PARTITION, ... Defaults: *.sbatch here.
set -euo pipefail
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
# shellcheck source=scripts/shards.sh
source "$here/../shards.sh"

if [[ ${1---help} =~ ^(-h|--help)$ ]]; then
  sed -n '2,/^set/{/^#/s/^# \?//p}' "$0"
  exit
fi
options=()
while [[ ${1-} == -* ]]; do
  options+=("$1")
  shift
done
read_command "$@"

# submit NAME LOG [OPTION OF SBATCH ...] SCRIPT [ARGUMENT ...]: the job's number goes to `job`. All jobs or none.
jobs=()
submit() {
  job=$(sbatch --parsable --job-name="$1-${out##*/}" --output="$shards/log/$2.log" "${@:3}") || {
    ((${#jobs[@]} == 0)) || scancel "${jobs[@]}"
    exit 1
  }
  job=${job%%;*}  # ;CLUSTER follows where there are several
  jobs+=("$job")
}

array=0-$((count - 1))
if compgen -G "$shards/[0-9]*/run.json" >/dev/null; then
  array=$("$merge" --missing "$out" "${folders[@]}")
fi
mkdir -p "$shards/log"
after=()
if [[ $array ]]; then
  if ((${#tuner[@]})); then
    submit tune tune "${options[@]}" "$here/tune.sbatch" "${tuner[@]}"
    after=("--dependency=afterok:$job" --kill-on-invalid-dep=yes)
  fi
  submit task %4a "--array=$array${at_once:+%$at_once}" "${after[@]}" "${options[@]}" \
    "$here/task.sbatch" "$shards" "$count" "${program[@]}"
  after=("--dependency=afterany:$job")  # afterok would wait for ever once a task has failed; xai-merge looks for itself
fi
submit merge merge "${after[@]}" "$here/merge.sbatch" "$merge" "$out" "${folders[@]}"
echo "jobs ${jobs[*]}: shards ${array:-none are missing}, then $out; logs: $shards/log"

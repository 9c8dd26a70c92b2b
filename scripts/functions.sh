# shellcheck shell=bash
# Shared by the other scripts, which source it from the root of the repository.

say() { printf '\n== %s\n' "$*"; }

# How many compilers or tests to run at once: a file that includes torch takes about 2 GB with its neighbours.
jobs() {
  local cores gigabytes
  cores=$(env -u OMP_NUM_THREADS nproc)  # which takes that variable for the answer
  gigabytes=$(awk '/^MemAvailable/ { print int($2 / 2097152) }' /proc/meminfo)
  ((gigabytes < cores)) && cores=$gigabytes
  echo $((cores > 1 ? cores : 1))
}

# export_model FOLDER NAME [argument of xai-export ...]: exports unless NAME is newer than its sources.
export_model() {
  local folder=$1 name=$2 source
  shift 2
  for source in python/xaimse/{export/*,outputs,perturbation,preprocessing}.py scripts/constraints.txt; do
    if [[ ! -e $folder/$name.pt || ! $folder/$name.json -nt $source ]]; then
      PYTHONPATH=python .venv/bin/python -m xaimse.export "$name" --out "$folder" "$@"
      return
    fi
  done
  echo "$folder/$name.pt is up to date"
}

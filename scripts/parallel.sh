#!/usr/bin/env bash
# Runs a program as shards on the GPUs of this machine, with GNU parallel, and merges them: the command of a laptop, behind the
# number of shards.
#
#   scripts/parallel.sh N[%M] PROGRAM [ARGUMENT ...] --out RUN
#
# N shards, M at once, each with a GPU to itself (M: by default as many as there are GPUs; without GPUs, one). Shards:
# RUN.shards. The same command again goes on.
#
# CUDA_VISIBLE_DEVICES=0,2  these GPUs, not all
set -euo pipefail
# shellcheck source=scripts/shards.sh
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/shards.sh"

if [[ ${1---help} =~ ^(-h|--help)$ ]]; then
  sed -n '2,/^set/{/^#/s/^# \?//p}' "$0"
  exit
fi
command -v parallel >/dev/null || refuse "there is no GNU parallel here: apt-get install parallel"
read_command "$@"

gpus=${CUDA_VISIBLE_DEVICES-$({ nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null || true; } | paste -sd,)}
IFS=, read -ra each <<<"$gpus"
at_once=${at_once:-$((${#each[@]} > 0 ? ${#each[@]} : 1))}
((${#each[@]} == 0 || at_once <= ${#each[@]})) || refuse "$at_once shards at once, but ${#each[@]} GPUs"

if ((${#tuner[@]})); then
  CUDA_VISIBLE_DEVICES=${each[0]-} "${tuner[@]}" || (($? == 3))  # 3: the one photograph is broken
fi

if [[ " ${program[*]} " != *" --threads"* ]]; then
  program+=(--threads "$(($(nproc) > at_once ? $(nproc) / at_once : 1))")
fi
printf -v shard '%q ' "${program[@]}" --num-shards "$count" --shard-from-env PARALLEL_SEQ --shard-offset -1 --out
export XAI_GPUS=$gpus PARALLEL_SHELL=$BASH
# shellcheck disable=SC2016  # for the shell of a job, which has a minute to save when it is told to stop
parallel --jobs "$at_once" --line-buffer --tagstring '{/}' --termseq TERM,60000,KILL,25 \
  'CUDA_VISIBLE_DEVICES=$(cut -d, -f"$PARALLEL_JOBSLOT" <<<"$XAI_GPUS")' "$shard{}" ::: "${folders[@]}" </dev/null &
stopped=
trap 'stopped=1; kill -TERM $! 2>/dev/null || true' INT TERM HUP
wait $! || true  # a shard that failed keeps no other from running, and the merge sees it
if [[ $stopped ]]; then
  wait $! || true
  echo "parallel.sh: stopped; run the same command again to go on" >&2
  exit 75
fi
"$merge" "$out" "${folders[@]}"

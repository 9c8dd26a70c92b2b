# shellcheck shell=bash disable=SC2034
# Shared by slurm/submit.sh and parallel.sh, which source it: what they are asked for, and where shards lie.
#
#   count       shards
#   at_once     of them at most; empty: not said
#   out         RUN, the merged run
#   shards      RUN.shards: 0000, 0001, ..., and tuning.json, which all of them use
#   folders     those of all shards
#   program     the program and its arguments, without --out
#   tuner       a run of one photograph that writes tuning.json; empty: there is no tuning, or it is written
#   merge       xai-merge, beside the program

refuse() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit 2
}

# read_command N[%M] PROGRAM [ARGUMENT ...]
read_command() {
  local word i
  [[ ${1-} =~ ^([2-9]|[1-9][0-9]{1,3})(%([1-9][0-9]*))?$ ]] || refuse "how many shards, from 2 to 9999? not '${1-}'; see --help"
  count=${BASH_REMATCH[1]} at_once=${BASH_REMATCH[3]-} out=
  [[ ${2-} ]] || refuse "which program? see --help"
  word=$(command -v "$2") || refuse "there is no program $2"
  program=("$(realpath -s "$word")") tuner=()
  merge=$(dirname "${program[0]}")/xai-merge
  [[ -x $merge ]] || refuse "there is no xai-merge beside ${program[0]}"
  for ((i = 3; i <= $#; ++i)); do
    word=${!i}
    if [[ $word =~ ^--(out|limit|tune)$ ]]; then
      ((++i))
      word="$word=${!i-}"
    fi
    case $word in
      --out=*) out=${word#*=} ;;
      --limit=*) program+=("$word") ;;
      --overwrite) refuse "--overwrite would start a shard anew whenever it goes on; remove RUN.shards instead" ;;
      --dry-run | --num-shards* | --shard-* | --tuning*) refuse "$word is not for many runs at once" ;;
      *) program+=("$word") tuner+=("$word") ;;
    esac
  done
  [[ $out ]] || refuse "the program needs --out"
  out=${out%/} shards=${out%/}.shards
  folders=()
  for ((i = 0; i < count; ++i)); do folders+=("$(printf '%s/%04d' "$shards" "$i")"); done
  tuner=("${program[0]}" "${tuner[@]}" --limit=1 --out="$shards/tuning" --overwrite --tuning="$shards/tuning.json")
  if [[ " ${program[*]} " == *" --tune=off "* ]]; then
    tuner=()
  else
    program+=(--tuning="$shards/tuning.json")
    [[ ! -e $shards/tuning.json ]] || tuner=()
  fi
}

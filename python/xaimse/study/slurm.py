"""A study as jobs of Slurm: arrays of shards, their merges, and what each waits for."""

import os
import shlex
import shutil
import sys
from pathlib import Path

from .._data import data_path
from .._files import write_whole
from .config import ConfigError, Study, require_models
from .programs import find, flags
from .state import State
from .steps import Inputs, Step, steps_of

SCRIPTS = ("task.sbatch", "tune.sbatch", "merge.sbatch")
HEAD = """\
#!/usr/bin/env bash
# {config}: {steps} steps for Slurm, written by xai-study. Submits what is missing, each time it is called.
#
# Options of sbatch for arrays: ./submit.sh --time=4:00:00 --gres=gpu:a100:1; for all jobs: SBATCH_ACCOUNT, ...
set -euo pipefail
here=$(dirname "$(realpath "${{BASH_SOURCE[0]}}")")
cd {folder}
options=("$@")
mkdir -p {log}

# submit NAME AFTER [OPTION OF SBATCH ...] SCRIPT [ARGUMENT ...]: the job's number goes to `job`. All jobs or none.
jobs=()
submit() {{
  local after=()
  [[ ! $2 ]] || after=("--dependency=$2" --kill-on-invalid-dep=yes)
  job=$(sbatch --parsable --job-name="$1" --output={log}/"${{1//\\//-}}-%j.log" "${{after[@]}}" "${{@:3}}") || {{
    ((${{#jobs[@]}} == 0)) || scancel "${{jobs[@]}}"
    exit 1
  }}
  job=${{job%%;*}}  # ;CLUSTER follows where there are several
  jobs+=("$job")
}}

# missing RUN SHARD ...: those that are not done, as an array
missing() {{
  if compgen -G "$1.shards/[0-9]*/run.json" >/dev/null; then {merge} --missing "$@"; else echo 0-$(($# - 2)); fi
}}

# all JOB ...: joined as a dependency on the success of all of them that were submitted
all() {{
  local IFS=: wanted=()
  for one in "$@"; do [[ ! $one ]] || wanted+=("$one"); done
  ((${{#wanted[@]}} == 0)) || echo "afterok:${{wanted[*]}}"
}}
"""


def write_slurm(study: Study, folder: Path, shards: int) -> str:
    """Writes submit.sh and the scripts of its jobs into `folder`; says what to do. Raises ConfigError, OSError."""
    require_models(study)
    scripts = data_path("slurm")
    steps = [step for step in steps_of(study) if step.is_run]
    left = _left(study, steps)
    if not left:
        return f"nothing is left to do for Slurm in {study.out}\n"
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCRIPTS:
        shutil.copyfile(scripts / name, folder / name)
        (folder / name).chmod(0o755)
    parts = [
        HEAD.format(
            config=study.file,
            steps=len(left),
            folder=shlex.quote(os.getcwd()),
            log=shlex.quote(str(study.out / "log")),
            merge=shlex.quote(str(find("xai-merge"))),
        ),
        *(_jobs(step, [name for name in step.after if name in left], shards) for step in left.values()),
        _last(study, list(left)),
    ]
    script = folder / "submit.sh"
    write_whole(script, "\n".join(parts).encode())
    script.chmod(0o755)
    return f"{len(left)} steps, {shards} tasks each: {script}\n"


def _left(study: Study, steps: list[Step]) -> dict[str, Step]:
    """Steps that are not done. Raises ConfigError where the results of others lie in the way."""
    state, inputs = State(study.out), Inputs(study)
    outputs: dict[str, str] = {}
    left = {}
    for step in steps:
        if all(name in outputs for name in step.after):
            key = inputs.key(step, outputs)
            if state.is_done(step, key):
                outputs[step.name] = state.of(step)["output"]
                continue
            if state.is_stale(step, key) and step.target.exists():
                raise ConfigError(f"{step.target} was made from other things; remove it and {step.target}.shards first")
        left[step.name] = step
    return left


def _jobs(step: Step, after: list[str], shards: int) -> str:
    """The array of a step and its merge; before it the one photograph that settles how to run the model."""
    folders = f"{shlex.quote(str(step.target))}.shards"
    program = [str(find(step.program)), *flags(step.options)]
    wait = f'"$(all {" ".join(_variable(name) for name in after)})"' if after else '""'
    lines = [f"# {step.name}", f"folders=({folders}/{{0000..{shards - 1:04d}}})"]
    lines.append(f'array=$(missing {shlex.quote(str(step.target))} "${{folders[@]}}")')
    lines.append("if [[ $array ]]; then")
    if not after and "tuning" in step.options:
        tune = [*program, "--limit=1", "--overwrite"]
        lines.append(f'  submit {shlex.quote("tune/" + step.name)} {wait} "${{options[@]}}" "$here/tune.sbatch" \\')
        lines.append(f"    {shlex.join(tune)} --out={folders}/tuning")
        wait = '"$(all "$job")"'
    lines.append(f'  submit {shlex.quote(step.name)} {wait} "--array=$array" "${{options[@]}}" \\')
    lines.append(f'    "$here/task.sbatch" {folders} {shards} {shlex.join(program)}')
    lines.append('  after="afterany:$job"  # a task that failed may be complete; xai-merge looks for itself')
    lines.append("else")
    lines.append(f"  after={wait}")
    lines.append("fi")
    lines.append(f'submit {shlex.quote("merge/" + step.name)} "$after" "$here/merge.sbatch" \\')
    merge = shlex.join([str(find("xai-merge")), str(step.target)])
    lines.append(f'  {merge} "${{folders[@]}}"')
    lines.append(f"{_variable(step.name)[2:-1]}=$job\n")
    return "\n".join(lines)


def _variable(step: str) -> str:
    """ "$job_mse_a" of mse/a, with the quotes."""
    return '"$job_' + "".join(c if c.isascii() and c.isalnum() else f"_{ord(c)}_" for c in step) + '"'


def _last(study: Study, steps: list[str]) -> str:
    """The study itself, at the end: finds what was merged as it is, notes it in study.json and compares."""
    again = shlex.join([sys.executable, "-m", "xaimse.study", str(study.file)])
    return (
        f"# comparisons, and study.json\n"
        f'submit compare "$(all {" ".join(_variable(name) for name in steps)})" --wrap={shlex.quote(again)}\n'
        f'echo "${{#jobs[@]}} jobs: ${{jobs[*]}}; logs: {study.out / "log"}"\n'
    )

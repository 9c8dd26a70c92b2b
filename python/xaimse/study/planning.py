"""What a study will take: evaluations, hours and disk of each step, from a trial on a few photographs or from rates."""

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .._command_line import aligned
from ..definitions import CROSSTEST, MSE, SUBEXP
from ..runs import RunFolder
from .config import Study, photographs, require_models
from .programs import Options, ProgramError, defaults, environment
from .rates import Rates
from .running import say
from .state import State
from .steps import Inputs, Step, steps_of

PILOT = 3  # photographs that are tried


@dataclass(frozen=True)
class Cost:
    """What a step is expected to take. Rows are photographs, whole or masked, through a model."""

    step: str
    photographs: int
    """That are left to do."""
    rows: float
    """Expected, there and back."""
    most: float
    """More there will not be."""
    seconds: float | None
    """None where it is not known."""
    bytes: float | None
    arithmetic: str


def measured_plan(study: Study, pilot: int) -> str:
    """Runs the study on `pilot` photographs, evenly spread, in a folder that is removed. Raises ConfigError,
    ProgramError."""
    require_models(study)
    names = photographs(study)
    steps = [step for step in steps_of(study) if step.is_run]
    left = left_to_do(study, len(names) or _count(steps[0]))
    costs = []
    with tempfile.TemporaryDirectory(prefix="xai-study-") as scratch:
        tried = _trial(study, names, Path(scratch), pilot)
        for step in steps_of(tried):
            if step.is_run and left[step.name]:
                say(f"tries {step.name}")
                costs.append(_tried(step, study, left[step.name]))
    return _text(
        study, costs, left, "at the speeds measured just now, on the photographs tried; comparisons are left out"
    )


def _trial(study: Study, names: Sequence[str], scratch: Path, pilot: int) -> Study:
    """The study on `pilot` of its photographs: of a folder every n-th, of others the first ones."""
    if not study.data.is_dir():
        return study.elsewhere(scratch / "out", {"limit": pilot})
    for name in names[:: max(1, len(names) // pilot)][:pilot]:
        link = scratch / "photographs" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to((study.data / name).resolve())
    return study.elsewhere(scratch / "out", {"data": str(scratch / "photographs"), "limit": 0})


def _tried(step: Step, study: Study, left: int) -> Cost:
    """Runs a step of the trial, and multiplies."""
    most = None if step.program == SUBEXP else json.loads(_run([*step.command(), "--dry-run", "--json"]))
    began = time.monotonic()
    _run(step.command())
    wall = time.monotonic() - began
    info = RunFolder(step.target).info
    tried = int(info["data"]["count"])
    times = _tested(step, left) / tried
    rows = (info["forward"] + info["backward"]) * times
    at_most = sum(most["rows_at_most"].values()) * times if most else left * bound_of_counting(step, study)
    start = max(0.0, wall - info["seconds"])
    seconds = info["seconds"] * times + start
    written = sum(file.stat().st_size for file in step.target.rglob("*") if file.is_file()) * times
    arithmetic = (
        f"{_tested(step, left)} photographs x {(info['forward'] + info['backward']) / tried:,.0f} rows, "
        f"{info['seconds'] / tried:.2f} s each ({tried} tried), + {start:.1f} s to start"
    )
    return Cost(step.name, left, rows, at_most, seconds, written, arithmetic)


def _tested(step: Step, photographs: int) -> int:
    return min(int(step.options.get("cross-images", 0)) or photographs, photographs)


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), stdin=subprocess.DEVNULL)
    if done.returncode not in (0, 3):  # 3: a photograph is broken
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")] or ["no message"]
        raise ProgramError(f"{Path(command[0]).name} ended with {done.returncode}: {lines[-1]}")
    return done.stdout


def _count(step: Step) -> int:
    """Photographs of data that are no folder, as the program counts them."""
    return int(json.loads(_run([*step.command(), "--dry-run", "--json"]))["images"]["total"])


def bound_of_counting(step: Step, study: Study) -> int:
    """Rows of a photograph that xai-subexp asks for at most: each set that it counts without each of its patches."""
    grid = resolved(study.options[MSE], MSE)["grid"]
    return 1 + int(resolved(step.options, SUBEXP)["max-nodes"]) * int(grid) ** 2


def resolved(options: Options, program: str) -> Options:
    return defaults(program) | options


def left_to_do(study: Study, count: int) -> dict[str, int]:
    """Photographs that each step that makes a run has still to do, of `count`."""
    state, inputs = State(study.out), Inputs(study)
    outputs: dict[str, str] = {}
    left = {}
    for step in steps_of(study):
        if not step.is_run:
            continue
        left[step.name] = count
        if any(name not in outputs for name in step.after):
            continue
        key = inputs.key(step, outputs)
        if state.is_done(step, key):
            outputs[step.name] = state.of(step)["output"]
            left[step.name] = 0
        elif not state.is_stale(step, key) and step.output.exists() and step.program != CROSSTEST:
            with open(step.output, "rb") as journal:
                left[step.name] = max(0, count - sum(1 for _ in journal))
    return left


# --- from rates


def rated_plan(study: Study, rates: Rates) -> str:
    """The plan for the device that the rates are of: neither models nor photographs need be here, where 'limit'
    says how many there are. Raises ConfigError."""
    count = len(photographs(study)) if study.data.is_dir() or not study.limit else study.limit
    steps = [step for step in steps_of(study) if step.is_run]
    costs = [_rated(step, study, rates, count) for step in steps]
    return _text(
        study,
        costs,
        dict.fromkeys([step.name for step in steps], count),
        f"on {rates.device}, by {rates.file}: {rates.source}",
    )


def _rated(step: Step, study: Study, rates: Rates, count: int) -> Cost:
    options = resolved(step.options, step.program)
    per = rates.photograph.get(step.program)
    others = [name for name, value in per.options.items() if options.get(name) != value] if per else []
    forward, backward, note = 0.0, 0.0, ""
    most: float
    if step.program == MSE:
        forward = most = int(options["max-evaluations"]) + int(options["estimate-evaluations"])
        note = "max-evaluations"
    elif step.program == CROSSTEST and "mses" in step.options:
        most = forward = 3 * int(options["sets"]) * len(step.models) + 2  # with two controls each; intact and baseline
        note = "3 x sets x models + 2, at most"
    elif step.program == CROSSTEST:
        most = forward = (int(options["steps"]) - 1) * len(step.models) + 2  # by each of them; intact and baseline
        note = "(steps - 1) x maps + 2"
    else:
        most = bound_of_counting(step, study) if step.program == SUBEXP else 0
        if not per or others:
            note = f"NOT measured: rows with {'these ' + ', '.join(others) if others else step.program}"
            return Cost(step.name, count, 0, most * count, None, None, note)
        forward, backward, note = per.forward, per.backward, per.source
        most = most or forward + backward
    tested = _tested(step, count)
    seconds: float | None = 0.0
    sources = []
    for model in step.models:
        rate, source = rates.of(model, str(options["precision"]))
        if rate is None or seconds is None:
            seconds = None
            sources.append(source)
            continue
        used = min(rate, rates.questions)
        seconds += tested * (forward / used + backward / (rate * rates.backward_share))
        sources.append(
            f"{model} {used:,.0f} rows/s, {source}" if len(step.models) > 1 else f"{used:,.0f} rows/s, {source}"
        )
    models = len(step.models)
    arithmetic = f"{tested} photographs x {forward:,.0f} rows ({note})" + (
        f" + {backward:,.0f} back" if backward else ""
    )
    arithmetic += f" x {models} models" if models > 1 else ""
    written = per.bytes * count if per and per.bytes is not None and not others else None
    rows = (forward + backward) * tested * models
    return Cost(step.name, count, rows, most * tested * models, seconds, written, f"{arithmetic}; {'; '.join(sources)}")


# --- as text


def _text(study: Study, costs: Sequence[Cost], left: dict[str, int], how: str) -> str:
    if not costs:
        return f"xai-study, a dry run: nothing is left to do in {study.out}\n"
    rows = [["step", "photographs", "rows", "at most", "hours", "disk"]]
    rows += [
        [
            cost.step,
            f"{cost.photographs}",
            f"{cost.rows:,.0f}",
            f"{cost.most:,.0f}",
            _hours(cost.seconds),
            _disk(cost.bytes),
        ]
        for cost in costs
    ]
    known = [cost.seconds for cost in costs if cost.seconds is not None]
    disk = [cost.bytes for cost in costs if cost.bytes is not None]
    unknown = [cost.step for cost in costs if cost.seconds is None]
    lines = [f"xai-study, a dry run: nothing was written; {study.file}, {how}", ""]
    lines += [f"  {line}" for line in aligned(rows, left=[0])]
    lines += ["", "Arithmetic", ""] + [f"  {cost.step}: {cost.arithmetic} = {_hours(cost.seconds)} h" for cost in costs]
    done = [name for name, photographs in left.items() if not photographs]
    lines += ["", f"done      {len(done)} steps"] if done else [""]
    lines.append(f"rows      {sum(cost.rows for cost in costs):,.0f}, at most {sum(cost.most for cost in costs):,.0f}")
    lines.append(f"time      {_hours(sum(known))} hours" + (f", without {', '.join(unknown)}" if unknown else ""))
    assumed = sum(cost.seconds or 0 for cost in costs if "NOT measured, assumed" in cost.arithmetic)
    if assumed:
        lines.append(
            f"          of which {_hours(assumed)} rest on assumed rates, for one of the step's models at least"
        )
    bounds = sum(cost.seconds or 0 for cost in costs if "rows (NOT measured" in cost.arithmetic)
    if bounds:
        lines.append(f"          of which {_hours(bounds)} are of rows that were not measured: bounds")
    missing = [cost.step for cost in costs if cost.bytes is None]
    lines.append(f"disk      {_disk(sum(disk))}" + (f", without {len(missing)} steps not measured" if missing else ""))
    return "\n".join(lines) + "\n"


def _hours(seconds: float | None) -> str:
    return "not known" if seconds is None else f"{seconds / 3600:.4f}" if seconds < 360 else f"{seconds / 3600:.2f}"


def _disk(size: float | None) -> str:
    return "not known" if size is None else f"{size / 1e6:,.1f} MB"

"""Runs the steps of a study that are not done."""

import ctypes
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from .._command_line import printable
from .._files import write_whole
from ..runs import is_written_to
from .config import Study, require_models
from .programs import environment
from .state import CLEARING, DONE, FAILED, STARTED, STOPPED, State, locked
from .steps import Inputs, Step, file_hash, steps_of

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
USAGE, SOME_IMAGES, SAVED = 2, 3, 75
"""Exit codes, of the programs and of the study."""
PATIENCE = 120  # seconds that a program of a study that was killed may take to save
PR_SET_PDEATHSIG = 1


def say(text: str) -> None:
    print(f"xai-study: {printable(text)}", file=sys.stderr, flush=True)


def run_study(study: Study) -> int:
    """Does what is left to do; gives the exit code. Raises ConfigError, BusyError, RunError, OSError."""
    require_models(study)
    with locked(study.out), _Child() as child:
        return _Runner(study, child).run()


class _Runner:
    def __init__(self, study: Study, child: "_Child") -> None:
        self._study, self._child = study, child
        self._state = State(study.out)
        self._inputs = Inputs(study)
        self._outputs: dict[str, str] = {}
        """Of the steps that are done: hashes of their results."""
        self._failed: dict[str, int] = {}

    def run(self) -> int:
        steps = steps_of(self._study)
        started, waiting = 0, []
        for number, step in enumerate(steps, 1):
            if self._child.stopped:
                break
            missing = [name for name in step.after if name not in self._outputs]
            if missing:
                waiting.append(f"{step.name} was not run: it needs {', '.join(missing)}")
                continue
            key = self._inputs.key(step, self._outputs)
            done = self._state.is_done(step, key)
            if not done:
                started += 1
                done = self._run(step, key, f"[{number}/{len(steps)}]")
            if done:
                self._outputs[step.name] = self._state.of(step)["output"]
        for text in waiting if not self._child.stopped else []:
            say(text)
        return self._ended(steps, started)

    def _run(self, step: Step, key: str, place: str) -> bool:
        """Whether it ended with results, which are noted."""
        self._wait_for(step)
        if self._state.is_stale(step, key):
            say(f"{place} {step.name}: what it was made from has changed: made anew")
            self._state.note(step, key=key, status=CLEARING, output="")
            if step.target.exists():
                shutil.rmtree(step.target)
        command = step.command()
        self._state.note(step, key=key, status=STARTED, output="", command=command)
        say(f"{place} {step.name}")
        began = time.monotonic()
        code = self._child.run(command, self._log(step), step.target if step.prints else None)
        seconds = round(time.monotonic() - began, 3)
        if code == SAVED:
            self._child.stopped = True
        status = DONE if code in (0, SOME_IMAGES) else STOPPED if code == SAVED or self._child.stopped else FAILED
        output = file_hash(step.output) if status == DONE else ""
        self._state.note(step, status=status, exit_code=code, seconds=seconds, output=output)
        if status == FAILED:
            self._failed[step.name] = code
            say(f"{step.name} failed with {code}: {_last_line(self._log(step))}")
        return bool(output)

    def _log(self, step: Step) -> Path:
        return self._study.out / "log" / f"{step.name}.log"

    def _wait_for(self, step: Step) -> None:
        """A program outlives a study that was killed by as long as it takes to save."""
        until = time.monotonic() + PATIENCE
        told = False
        while step.is_run and is_written_to(step.target) and time.monotonic() < until and not self._child.stopped:
            if not told:
                say(f"{step.name}: waits for the program that writes to {step.target}")
                told = True
            time.sleep(0.2)

    def _ended(self, steps: Sequence[Step], started: int) -> int:
        out, done = self._study.out, len(self._outputs)
        if self._child.stopped and done < len(steps):
            say(f"stopped with {done} of {len(steps)} steps done; run the same command again to go on")
            return SAVED
        if done < len(steps):
            failed = ", ".join(self._failed)
            say(f"{done} of {len(steps)} steps are done in {out}; failed: {failed}; logs: {out / 'log'}")
            return USAGE if set(self._failed.values()) == {USAGE} else 1
        broken = [step.name for step in steps if self._state.of(step).get("exit_code") == SOME_IMAGES]
        say(f"{len(steps)} steps are done in {out}" + ("" if started else ": nothing to do"))
        if broken:
            say(f"some images failed in {', '.join(broken)}: see their records")
        return SOME_IMAGES if broken else 0


class _Child:
    """The one program that runs at a time. Signals go to it, so that it saves, and no step is begun after one."""

    def __init__(self) -> None:
        self.stopped = False
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "_Child":
        self._before = {number: signal.signal(number, self._forward) for number in SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, command: Sequence[str], log: Path, file: Path | None) -> int:
        """Runs it; gives its exit code, 128 + N where signal N ended it. What it prints goes to `file`, whole."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as stderr, _blocked():
            if self.stopped:
                return SAVED
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if file else subprocess.DEVNULL,
                stderr=stderr,
                env=environment(),
                start_new_session=True,  # Ctrl-C reaches it once, through the study
                preexec_fn=_end_with_parent,
            )
        printed, _ = self._process.communicate()
        code = self._process.returncode
        if file and code == 0:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, printed)
        return code if code >= 0 else 128 - code

    def _forward(self, number: int, frame: FrameType | None) -> None:
        self.stopped = True
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)


@contextmanager
def _blocked() -> Iterator[None]:
    """No signal comes between the start of a program and the moment that it is known."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


_libc = ctypes.CDLL(None)


def _end_with_parent() -> None:
    """In the child: a study that is killed takes its program along, which then saves."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines()
    return next((line for line in reversed(lines) if line.startswith("error: ")), lines[-1] if lines else "no message")

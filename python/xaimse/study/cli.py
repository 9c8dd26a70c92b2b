"""The command line of xai-study."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .._command_line import Parser, printable
from ..runs import RunError
from .config import ConfigError, read_study
from .planning import PILOT, measured_plan, rated_plan
from .programs import ProgramError
from .rates import read_rates
from .running import run_study
from .slurm import write_slurm
from .state import BusyError

DESCRIPTION = """\
The whole study on a data set: MSEs, sub-explanations and maps of each model, cross-testing with ensembles, comparisons.

  xai-study configs/small.toml                                      runs it, or goes on with it
  xai-study configs/small.toml --dry-run                            what will it take? tried on a few photographs
  xai-study configs/paper.toml --dry-run --rates configs/rates-h200.toml    the same from rates measured before
  xai-study configs/paper.toml --write-slurm jobs --shards 40       job arrays for a cluster; then: jobs/submit.sh

The same command again does what is left: a step whose model, photographs, options and earlier results are as they were
is skipped. docs/study.md has the options of the configuration, and what a study writes.
"""
EPILOG = """\
Exit codes: 0 done; 1 a step failed; 2 bad usage or configuration, also where a program says so, or a folder in use;
3 done, but some images failed; 75 stopped by a signal, run again to go on."""
PROGRAM = "xai-study"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(PROGRAM, DESCRIPTION, EPILOG)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="TOML file of the study")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="run nothing: print steps, evaluations, hours and disk")
    what.add_argument(
        "--write-slurm", type=Path, metavar="DIR", help="run nothing: write jobs for Slurm into this folder"
    )
    parser.add_argument(
        "--rates", type=Path, metavar="FILE", help="dry run: from these rates (TOML or JSON), not measured"
    )
    parser.add_argument(
        "--pilot", type=at_least_one, default=PILOT, metavar="N", help=f"dry run: photographs that are tried ({PILOT})"
    )
    parser.add_argument("--shards", type=at_least_two, default=40, metavar="N", help="Slurm: tasks of an array (40)")
    options = parser.parse_args(arguments)
    if options.rates and not options.dry_run:
        parser.error("--rates is for --dry-run")
    return options


def at_least_one(text: str) -> int:
    return _at_least(1, text)


def at_least_two(text: str) -> int:
    return _at_least(2, text)


def _at_least(least: int, text: str) -> int:
    value = int(text)
    if value < least:
        raise argparse.ArgumentTypeError(f"must be {least} or more, not {value}")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; gives its exit code. Raises SystemExit, 2, for a command line that is none."""
    options = parse(arguments)
    try:
        study = read_study(options.config)
        if options.dry_run and options.rates:
            sys.stdout.write(rated_plan(study, read_rates(options.rates)))
        elif options.dry_run:
            sys.stdout.write(measured_plan(study, options.pilot))
        elif options.write_slurm:
            sys.stdout.write(write_slurm(study, options.write_slurm, options.shards))
        else:
            return run_study(study)
    except (ConfigError, ProgramError, BusyError, RunError) as error:
        print(f"{PROGRAM}: {printable(error)}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{PROGRAM}: {printable(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{PROGRAM}: stopped", file=sys.stderr)
        return 75
    return 0

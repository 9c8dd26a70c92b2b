#!/usr/bin/env python3
"""Prints the results of an xai-mse run as a table, and the paths of its pictures.

report.py RUN     RUN: the run's folder
"""

import argparse
import sys
from pathlib import Path

from runs import class_name, read_run

HEADER = ("image", "class", "found", "diverse", "smallest", "seconds")


def row(record, run):
    """The cells of one record of results.jsonl; an image that is not `ok` shows why instead of counts."""
    image, seconds = record["image"], f"{record.get('seconds') or 0:.1f}"
    name = "-" if record.get("predicted") is None else class_name(run, record["predicted"])
    if record["status"] != "ok":
        reason = record.get("reason")
        return image, name, record["status"] + (f" ({reason})" if reason else ""), "", "", seconds
    diverse = f"{'' if record.get('diverse_exact', True) else '>='}{record['diverse']}"
    return image, name, str(record["found"]), diverse, str(record["min_size"] or "-"), seconds


def table(rows):
    """Rows of cells as aligned lines; the first two columns to the left, the numbers to the right."""
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths))
        ).rstrip()
        for cells in rows
    ]


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    options = parser.parse_args(arguments)
    try:
        run, records = read_run(options.run)
    except (OSError, ValueError) as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    print("\n".join(table([HEADER] + [row(record, run) for record in records])))
    pictures = [options.run / record["picture"] for record in records if record.get("picture")]
    if pictures:
        print("\nPictures:", *pictures, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())

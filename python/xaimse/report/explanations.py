"""Graphs of sub-explanations, as runs of xai-subexp drew them."""

from collections.abc import Sequence
from pathlib import Path

from ..definitions import SUBEXP
from .gathering import Gathered, of_kinds
from .parts import Pictures, Section
from .photographs import address, data_address, inside

MOST_BYTES, MOST_OF_ONE, MOST_OF_A_RUN = 4_000_000, 2_500_000, 3


def section(runs: Sequence[Gathered], beside: Path) -> Section:
    made = Section("sub-explanations", "Graphs of sub-explanations")
    pictures: list[tuple[str, str, str]] = []
    left_out: list[tuple[str, str]] = []
    for run in of_kinds(runs, SUBEXP):
        drawn = 0
        for image, row in run.rows.items():
            if not row.graph:
                continue
            file = inside(run, str(Path(row.graph).with_suffix(".svg")))
            if file is None:
                made.text.append(f"{run.name}, {image}: the graph {row.graph} was not drawn (Graphviz) or is missing.")
                continue
            content = file.read_bytes() if file.stat().st_size <= MOST_OF_ONE and drawn < MOST_OF_A_RUN else b""
            if not content or sum(len(picture) for picture, _, _ in pictures) + 1.4 * len(content) > MOST_BYTES:
                left_out.append(
                    (f"{run.name}, {image}", address(run.folder / Path(row.graph).with_suffix(".svg"), beside))
                )
                continue
            drawn += 1
            alt = f"Graph of the sub-explanations of {run.name} on {image}"
            below = f"{run.name}: {image}, {row.found} MSEs"
            pictures.append((data_address("image/svg+xml", content), alt, below))
    if pictures or left_out:
        made.text.insert(
            0,
            "On top the MSEs, members of the diverse family first; on each node what the model saw, the ratio, and in "
            "grey how many more counted sets it leads to; on each edge the patch taken away.",
        )
        made.blocks.append(Pictures(pictures, left_out))
    return made

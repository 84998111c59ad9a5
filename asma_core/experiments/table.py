"""The table of an experiment, as the paper's Table 1: mean and standard deviation by attack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from asma_core.experiments.cells import Cell

# Figures of the 8-bit file by the name in the table; the last two are of the run.
FIGURES: Final = {
    "iou": "iou_8bit",
    "pixel_accuracy": "pixel_accuracy_8bit",
    "l2": "l2_8bit",
    "linf": "linf_8bit",
    "gradient_evaluations": "gradient_evaluations",
    "seconds": "seconds",
}


def summary(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Return one row for each label, in the order of their first cells.

    `n` counts all cells. A cell that failed counts as no success; the means are over the cells that
    have the figure, as in the paper over all images and not over the successes alone; those stand
    beside, as `l2_of_successes`. What is undefined is None.
    """
    labels = dict.fromkeys(cell.label for cell in cells)
    return [_row(label, [cell for cell in cells if cell.label == label]) for label in labels]


@dataclass(frozen=True)
class Point:
    """One success on the curve of success against budget.

    Attributes:
        l2: Of the file; the budget from which on it counts.
        share: Of all pairs that are won within it.
        cell: The success.
    """

    l2: float
    share: float
    cell: Cell


def success_curve(cells: Sequence[Cell]) -> list[Point]:
    """Return the share of pairs won within an L2 budget, where it rises: nearest first.

    Args:
        cells: Of one row, failures among them.
    """
    won = [cell for cell in cells if cell.results.get("success")]
    won.sort(key=lambda cell: float(cell.results[FIGURES["l2"]]))
    return [
        Point(float(cell.results[FIGURES["l2"]]), place / len(cells), cell)
        for place, cell in enumerate(won, start=1)
    ]


def _row(label: str, cells: Sequence[Cell]) -> dict[str, Any]:
    successes = [cell for cell in cells if cell.results.get("success")]
    columns = {name: _values(cells, key) for name, key in FIGURES.items()}
    return {
        "label": label,
        "attack": cells[0].attack,
        "n": len(cells),
        "failed": sum(not cell.results for cell in cells),
        "success_rate": len(successes) / len(cells),
        "mean": {name: _mean(values) for name, values in columns.items()},
        "std": {name: _std(values) for name, values in columns.items()},
        "l2_of_successes": _mean(_values(successes, FIGURES["l2"])),
    }


def _values(cells: Sequence[Cell], key: str) -> list[float]:
    values = (cell.results.get(key) for cell in cells)
    return [float(value) for value in values if value is not None]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _std(values: Sequence[float]) -> float | None:
    return float(np.std(values)) if values else None

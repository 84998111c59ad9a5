"""The table of an experiment, as the paper's Table 1: mean and standard deviation by attack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from asma_core.experiments.cells import Cell
from asma_core.metrics.score import ALREADY_THERE

# Figures of the 8-bit file by the name in the table; the last three are of the run. The seconds of
# pairs that were attacked at once are each one's share, so that their sum is the time that it took.
FIGURES: Final = {
    "iou": "iou_8bit",
    "structure_removed": "structure_removed_8bit",
    "iou_lost": "iou_lost_8bit",
    "pixel_accuracy": "pixel_accuracy_8bit",
    "l2": "l2_8bit",
    "linf": "linf_8bit",
    "ciede2000": "ciede2000_8bit",
    "ssim": "ssim_8bit",
    "gradient_evaluations": "gradient_evaluations",
    "forward_passes": "forward_passes",
    "seconds": "seconds",
}


def summary(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Return one row for each goal and label, in the order of their first cells.

    `n` counts all cells. The success rate is over those whose original is not at its goal already
    (`already`); a cell that failed counts as no success. The means are over the cells that have the
    figure, as in the paper over all images and not over the successes alone; those stand beside, as
    `l2_of_successes`. What is undefined, such as the deviation of a single value, is None.
    """
    goals = dict.fromkeys(goal_of(cell, cells) for cell in cells)
    labels = dict.fromkeys(cell.label for cell in cells)
    groups = [
        [cell for cell in cells if (goal_of(cell, cells), cell.label) == (goal, label)]
        for goal in goals
        for label in labels
    ]
    return [_row(group) for group in groups if group]


def goal_of(cell: Cell, cells: Sequence[Cell]) -> str:
    """Return a cell's goal; one that failed was asked what the others of its label were."""
    like = (
        cell
        if cell.results
        else next((other for other in cells if other.label == cell.label and other.results), cell)
    )
    return like.goal


@dataclass(frozen=True)
class Point:
    """One success on the curve of success against budget.

    Attributes:
        l2: Of the file; the budget from which on it counts.
        share: Of all pairs that were to be won, those that are won within it.
        cell: The success.
    """

    l2: float
    share: float
    cell: Cell


def success_curve(cells: Sequence[Cell]) -> list[Point]:
    """Return the share of pairs won within an L2 budget, where it rises: nearest first.

    Args:
        cells: Of one row and goal, failures among them.
    """
    won = [cell for cell in cells if cell.success]
    won.sort(key=lambda cell: float(cell.results[FIGURES["l2"]]))
    count = len([cell for cell in cells if cell.outcome != ALREADY_THERE])
    return [
        Point(float(cell.results[FIGURES["l2"]]), place / count, cell)
        for place, cell in enumerate(won, start=1)
    ]


def _row(cells: Sequence[Cell]) -> dict[str, Any]:
    successes = [cell for cell in cells if cell.success]
    already = sum(cell.outcome == ALREADY_THERE for cell in cells)
    columns = {name: _values(cells, key) for name, key in FIGURES.items()}
    return {
        "label": cells[0].label,
        "attack": cells[0].attack,
        "goal": goal_of(cells[0], cells),
        "n": len(cells),
        "already": already,
        "failed": sum(not cell.results for cell in cells),
        "success_rate": len(successes) / (len(cells) - already) if already < len(cells) else None,
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
    return float(np.std(values)) if len(values) > 1 else None

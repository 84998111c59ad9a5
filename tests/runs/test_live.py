"""The curves of a running attack, by hand."""

from __future__ import annotations

import pytest

from asma_core.attacks.contract import StepMetrics
from asma_core.runs.live import curves


def trajectory(count: int) -> list[StepMetrics]:
    return [StepMetrics(0, step, 0.5, float("nan"), 0.9, 2.0 * step, 0.1) for step in range(count)]


@pytest.mark.parametrize(
    ("count", "most", "steps"),
    [
        (0, 4, []),
        (1, 4, [0]),
        (4, 4, [0, 1, 2, 3]),
        (5, 4, [0, 2, 4]),
        (8, 4, [0, 2, 4, 6, 7]),
        (9, 4, [0, 3, 6, 8]),
        (3, 1, [0, 2]),
    ],
)
def test_curves_are_thinned_and_end_at_the_last_step(
    count: int, most: int, steps: list[int]
) -> None:
    found = curves(trajectory(count), most)
    assert list(found) == ["step", "score", "iou", "pixel_accuracy", "l2", "linf"]
    assert found["step"] == steps
    assert found["l2"] == [2.0 * step for step in steps]
    # What is undefined is None, as JSON has no NaN.
    assert found["iou"] == [None] * len(steps)
    assert (found["score"], found["linf"]) == ([0.5] * len(steps), [0.1] * len(steps))

"""The curves of a running attack, by hand, and how often it writes them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from asma_core.attacks.contract import Pictures, StepMetrics, StepReport
from asma_core.runs import live
from asma_core.runs.live import LiveReporter, curves, live_state
from asma_core.runs.store import RunStore
from tests import tiny


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


def test_runs_attacked_at_once_write_more_rarely_and_look_for_a_stop_as_often(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    runs = RunStore(tiny.furnish(home))
    run = runs.create(tiny.request(), tiny.inputs())
    assert runs.claim(run.id)
    asked: list[float] = []
    monkeypatch.setattr(RunStore, "stop_wanted", lambda *_: asked.append(now[0]))
    pixels = torch.zeros(1, 3, 8, 8), torch.zeros(1, 8, 8, dtype=torch.int64)
    reporter = LiveReporter(runs, run.id, together=4)
    written: list[int] = []
    for step in range(8):
        told = StepReport(step, 9, tuple(trajectory(1)), lambda: Pictures((0,), *pixels))
        reporter(told)
        state = live_state(runs, run.id)
        assert state is not None
        written.append(state.step)
        now[0] += 0.5
    # By hand: figures at first and from 4 x 0.4 s on; the store is asked each time.
    assert written == [0, 0, 0, 0, 4, 4, 4, 4]
    assert len(asked) == 8

"""Which image is kept and who is asked again: against what is worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from asma_core.attacks.contract import CONVERGED, AttackInputs, StepMetrics
from asma_core.attacks.engine.batch import AttackBatch, make_batch
from asma_core.attacks.engine.projected import BudgetConfig
from asma_core.attacks.engine.tracker import Tracker, better
from asma_core.attacks.settings import SUSPICION


def at(score: float = 0.5, l2: float = 1.0, linf: float = 0.1) -> StepMetrics:
    return StepMetrics(0, 3, score, score, 0.5, l2, linf)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_any_success_beats_none(norm: str) -> None:
    assert better(at(0.9, l2=5.0, linf=0.5), True, at(0.8), False, norm)
    assert not better(at(0.99, l2=0.1, linf=0.01), False, at(0.9), True, norm)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_without_success_the_higher_score_wins_and_of_two_alike_the_first(norm: str) -> None:
    assert better(at(0.6, l2=5.0, linf=0.5), False, at(0.5), False, norm)
    assert not better(at(0.5, l2=0.1, linf=0.01), False, at(0.5), False, norm)
    assert not better(at(0.4, l2=0.1, linf=0.01), False, at(0.5), False, norm)


@pytest.mark.parametrize(
    ("norm", "l2", "linf", "expected"),
    [
        ("l2", 0.9, 0.2, True),
        ("l2", 1.0, 0.05, False),
        ("l2", 1.1, 0.05, False),
        ("linf", 2.0, 0.09, True),
        ("linf", 0.9, 0.1, True),
        ("linf", 1.0, 0.1, False),
        ("linf", 0.5, 0.11, False),
    ],
)
def test_of_two_successes_the_nearer_wins_and_of_two_alike_the_first(
    norm: str, l2: float, linf: float, expected: bool
) -> None:
    # The higher score of the one does not count.
    assert better(at(0.9, l2, linf), True, at(0.99), True, norm) is expected


def seen(*counts: int) -> Tensor:
    """Predictions, (B, 4, 4), of which so many of the target's eight pixels are right."""
    predictions = torch.zeros(len(counts), 16, dtype=torch.int64)
    for row, count in enumerate(counts):
        predictions[row, :count] = 1
    return predictions.view(-1, 4, 4)


def problem_of(count: int) -> AttackBatch:
    return make_batch(AttackInputs(torch.zeros(count, 1, 4, 4), seen(*[8] * count)))


def test_who_seems_to_be_at_the_goal_is_asked_again_and_nobody_else() -> None:
    batch, asked = problem_of(4), []
    tracker = Tracker(batch, BudgetConfig(target_iou=0.75), None)

    def look(step: int, fast: Tensor, exact: Tensor) -> list[float]:
        def recheck(rows: list[int]) -> Tensor:
            asked.append(rows)
            return exact[rows]

        return tracker.update(step, batch, batch.images, fast, 2, recheck=recheck).tolist()

    # The originals are asked again once, whatever they seem to be.
    assert look(0, seen(8, 0, 0, 0), seen(0, 0, 0, 8)) == [0.0, 0.0, 0.0, 1.0]
    # 6 of 8 pixels are the goal itself, 5 fall short of it.
    scores = look(1, seen(6, 5, 8, 0), seen(6, 8, 4, 0))
    assert scores == [6 / 8, 5 / 8, 4 / 8, 0.0]
    assert tracker.success(batch).tolist() == [True, False, False, False]
    look(2, seen(0, 0, 0, 0), seen(8, 8, 8, 8))
    assert asked == [[0, 1, 2, 3], [0, 2]]
    results = tracker.results([{}] * 4)
    assert [result.forward_passes for result in results] == [2 + 2 + 1, 2 + 1 + 1, 5, 4]
    assert [result.success for result in results] == [True, False, False, False]
    assert [result.best.score for result in results] == [6 / 8, 5 / 8, 4 / 8, 1.0]
    ends = ["goal reached", "steps used", "steps used", "already there"]
    assert [result.ending for result in results] == ends


def test_without_a_second_look_a_step_is_one_pass() -> None:
    batch = problem_of(1)
    tracker = Tracker(batch, BudgetConfig(target_iou=0.75), None)
    for step, count in enumerate((0, 6)):
        tracker.update(step, batch, batch.images, seen(count), 2)
    (result,) = tracker.results([{}])
    assert (result.forward_passes, result.success) == (2, True)


def test_an_image_that_may_not_be_kept_is_no_success_and_not_the_best() -> None:
    batch = problem_of(1)
    tracker = Tracker(batch, BudgetConfig(target_iou=0.75), None)
    tracker.update(0, batch, batch.images, seen(2), 2)
    tracker.update(1, batch, batch.images + 0.5, seen(8), 2, eligible=False)
    assert tracker.success(batch).tolist() == [False]
    assert tracker.going(batch).tolist() == [True]
    (result,) = tracker.results([{}])
    assert (result.best.step, result.success) == (0, False)
    assert torch.equal(result.adversarial, batch.images[0])


def test_passes_are_counted_for_those_that_go_on() -> None:
    batch = problem_of(3)
    tracker = Tracker(batch, BudgetConfig(target_iou=0.75), None)
    tracker.update(0, batch, batch.images, seen(8, 0, 0), 2)
    assert tracker.spend(batch) == 1
    tracker.end(batch, torch.tensor([True, True, False]), CONVERGED)
    assert tracker.going(batch).tolist() == [False, False, True]
    assert tracker.spend(batch) == 2
    results = tracker.results([{"budget": 1.0}, {}, {}])
    assert [result.gradient_evaluations for result in results] == [0, 1, 2]
    ends = ["already there", "nothing more to gain", "steps used"]
    assert [result.ending for result in results] == ends
    assert [dict(result.chosen) for result in results] == [{"budget": 1.0}, {}, {}]


def test_the_less_suspicious_of_two_successes_wins_and_the_nearer_of_two_alike() -> None:
    calm, loud = (replace(at(0.9, l2), suspicion=s) for l2, s in ((5.0, 0.1), (1.0, 0.2)))
    assert better(calm, True, loud, True, SUSPICION) and not better(
        loud, True, calm, True, SUSPICION
    )
    assert not better(calm, False, loud, True, SUSPICION)
    near = replace(calm, l2=4.0)
    assert better(near, True, calm, True, SUSPICION) and not better(
        calm, True, near, True, SUSPICION
    )

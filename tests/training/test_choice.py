"""The weights that are kept, worked out by hand, and when a training has collapsed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from asma_core.training.choice import Choice, Scores, choice_of_before


def followed(*rows: tuple[float, float | None], start: float | None = None) -> Choice:
    """Take in clean and robust IoU of each validation; the weight tells which it was."""
    choice, model = Choice(), nn.Linear(1, 1)
    if start is not None:
        choice.refer_to(Scores(0, start, 0.0))
    for step, (clean, robust) in enumerate(rows, 1):
        nn.init.constant_(model.weight, step)
        choice.consider(Scores(step, clean, robust), model)
    return choice


@pytest.mark.parametrize(
    ("start", "rows", "kept"),
    [
        # Without attacks the highest clean IoU, and of equal ones the first.
        (None, [(0.5, None), (0.9, None), (0.9, None), (0.8, None)], 2),
        # By robust IoU.
        (None, [(0.9, 0.2), (0.9, 0.6), (0.95, 0.5)], 2),
        # Too much of the start's clean IoU is lost at the more robust one.
        (0.97, [(0.94, 0.3), (0.90, 0.8), (0.93, 0.4)], 3),
        # What was eligible is no longer when a cleaner one comes.
        (None, [(0.5, 0.5), (0.9, 0.3)], 2),
        # None is eligible: the most robust one.
        (0.97, [(0.80, 0.3), (0.70, 0.5), (0.85, 0.2)], 2),
        # Nothing that is robust at all.
        (None, [(0.9, 0.0), (0.9, 0.001)], 0),
    ],
)
def test_the_weights_that_are_kept(
    start: float | None, rows: list[tuple[float, float | None]], kept: int
) -> None:
    choice = followed(*rows, start=start)
    assert (choice.best.step if choice.best else 0) == kept
    assert float(choice.weights.get("weight", torch.zeros(1))) == kept
    assert choice.without_gain == len(rows) - kept


def test_what_is_lost_is_told() -> None:
    choice = followed((0.80, 0.3), start=0.97)
    assert choice.best is not None and choice.lost(choice.best)
    assert not choice.lost(Scores(1, 0.921, 0.1)) and choice.lost(Scores(1, 0.919, 0.1))


def test_a_collapse_is_one_class_or_no_robustness_twice_in_a_row_after_something_good() -> None:
    choice, model = Choice(), nn.Linear(1, 1)
    good, nothing = Scores(1, 0.9, 0.5), Scores(2, 0.9, 0.0)
    for scores, fault in [
        (nothing, ""),
        (good, ""),
        (nothing, ""),
        (good, ""),
        (nothing, ""),
        (nothing, "nothing of the robust IoU is left"),
        (Scores(7, 0.0, 0.2, one_class=True), "the network says one class everywhere"),
    ]:
        choice.consider(scores, model)
        assert choice.fault(scores, 100) == fault
    assert choice.best == good


def test_a_fresh_network_has_half_of_its_steps_until_it_is_hopeless() -> None:
    choice, model = Choice(), nn.Linear(1, 1)
    for step in (10, 30, 49):
        choice.consider(Scores(step, 0.0, 0.0, one_class=True), model)
        assert choice.fault(Scores(step, 0.0, 0.0, one_class=True), 100) == ""
    choice.consider(Scores(50, 0.4, 0.0), model)
    assert choice.fault(Scores(50, 0.4, 0.0), 100) == "nothing of the robust IoU is left"


def test_a_plain_training_never_collapses_by_its_scores() -> None:
    choice = followed((0.9, None), (0.0, None), (0.0, None))
    assert choice.fault(Scores(90, 0.0, None), 100) == ""


def test_it_goes_on_where_it_was() -> None:
    choice, again = followed((0.94, 0.3), (0.90, 0.0), start=0.97), Choice()
    again.take_up(choice.as_dict())
    assert again.as_dict() == choice.as_dict()
    before = {"best": 0.8, "best_weights": {"w": torch.ones(1)}, "without_gain": 2}
    again.take_up(choice_of_before(before))
    assert again.best is not None and again.best.iou == 0.8 and again.without_gain == 2
    again.take_up(choice_of_before({"best": None, "best_weights": {}, "without_gain": 0}))
    assert again.best is None

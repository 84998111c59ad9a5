"""Budgets against values worked out by hand; the file keeps them too."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.engine.balls import check_budget, linf_bounds, project_l2, project_linf
from asma_core.attacks.engine.batch import AttackBatch, as_saved, make_batch
from asma_core.errors import InputError

LEVEL = 1 / 255


def problem_of(values: list[float], region: list[bool] | None = None) -> AttackBatch:
    images = torch.tensor(values).view(1, 1, 1, -1)
    inside = None if region is None else torch.tensor(region).view(1, 1, -1)
    return make_batch(
        AttackInputs(images, torch.zeros(1, 1, len(values), dtype=torch.int64), region=inside)
    )


def in_levels(values: Tensor) -> list[float]:
    return [round(float(value) * 255, 4) for value in values.flatten()]


@pytest.mark.parametrize(
    ("budget", "rounding", "low", "high"),
    [
        # Between two levels as much as fits; 100.5 has only the levels within its budget.
        (2.5, False, [97.5, 98.0, 0.0, 252.5], [102.5, 103.0, 3.5, 255.0]),
        (2.5, True, [98.0, 99.0, 0.0, 253.0], [102.0, 102.0, 3.0, 255.0]),
        (2.0, True, [98.0, 99.0, 0.0, 253.0], [102.0, 102.0, 3.0, 255.0]),
        (0.5, True, [100.0, 100.5, 1.0, 255.0], [100.0, 100.5, 1.0, 255.0]),
    ],
)
def test_linf_bounds_by_hand(
    budget: float, rounding: bool, low: list[float], high: list[float]
) -> None:
    batch = problem_of([100 * LEVEL, 100.5 * LEVEL, LEVEL, 1.0])
    found = linf_bounds(batch, torch.tensor([budget * LEVEL]), rounding)
    assert [in_levels(one) for one in found] == [pytest.approx(low), pytest.approx(high)]
    moved = torch.tensor([0.0, 1.0, 1.0, 0.0]).view(1, 1, 1, 4)
    kept = project_linf(moved, batch, torch.tensor([budget * LEVEL]), rounding)
    assert in_levels(kept) == pytest.approx([low[0], high[1], high[2], low[3]])


def test_outside_the_region_the_bounds_are_the_original() -> None:
    batch = problem_of([0.5, 0.3], [True, False])
    low, high = linf_bounds(batch, torch.tensor([0.1]), False)
    assert low.flatten().tolist() == pytest.approx([0.4, 0.3])
    assert high.flatten().tolist() == pytest.approx([0.6, 0.3])


@pytest.mark.parametrize(
    ("budget", "norm", "rounding", "fits"),
    [
        (LEVEL, "linf", True, True),
        (0.99 * LEVEL, "linf", True, False),
        (0.99 * LEVEL, "linf", False, True),
        (0.5 * LEVEL, "l2", True, True),
    ],
)
def test_less_than_a_level_is_no_linf_budget(
    budget: float, norm: str, rounding: bool, fits: bool
) -> None:
    if fits:
        check_budget(budget, norm, rounding)
    else:
        with pytest.raises(InputError, match="below 1/255"):
            check_budget(budget, norm, rounding)


def test_an_l2_budget_shortens_what_is_too_long_and_nothing_else() -> None:
    batch = problem_of([0.5, 0.5, 0.9, 0.5], [True, True, True, False])
    moved = torch.tensor([0.8, 0.1, 0.9, 0.9]).view(1, 1, 1, 4)
    for budget, share in ((0.25, 0.5), (0.5, 1.0), (9.0, 1.0)):
        found = project_l2(moved, batch, torch.tensor([budget]), False).flatten()
        expected = [0.5 + 0.3 * share, 0.5 - 0.4 * share, 0.9, 0.5]
        assert found.tolist() == pytest.approx(expected, abs=1e-6)
    beyond = torch.tensor([0.5, 0.5, 1.7, 0.5]).view(1, 1, 1, 4)
    found = project_l2(beyond, batch, torch.tensor([9.0]), False).flatten()
    assert found.tolist() == pytest.approx([0.5, 0.5, 1.0, 0.5])


@pytest.mark.parametrize("budget", [0.5, 1.2, 2.0, 5.3, 40.0])
def test_with_rounding_the_file_lies_within_the_l2_budget(budget: float) -> None:
    generator = torch.Generator().manual_seed(3)
    batch = problem_of((torch.rand(12, generator=generator) * 255).round().div(255).tolist())
    allowed = budget * LEVEL
    for _ in range(20):
        moved = torch.rand(1, 1, 1, 12, generator=generator)
        found = project_l2(moved, batch, torch.tensor([allowed]), True)
        length = float((as_saved(found) - batch.images).norm())
        assert length <= allowed * (1 + 1e-5)
        # All but the smallest budgets are used.
        assert budget < 5 or length > 0.5 * allowed


def test_what_no_shortening_fits_is_no_change() -> None:
    """An original between two levels, whose file alone is further off than the budget."""
    batch = problem_of([100.4 * LEVEL])
    moved = batch.images + 3 * LEVEL
    found = project_l2(moved, batch, torch.tensor([0.2 * LEVEL]), True)
    assert torch.equal(found, batch.images)

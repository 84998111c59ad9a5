"""DLA: what it proposes, what it keeps, and that it sees labels alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.dla import DLA, DlaConfig, halved
from asma_core.attacks.engine.batch import make_batch
from asma_core.attacks.engine.labels_only import LabelsOnly
from asma_core.attacks.engine.loop import AttackState
from asma_core.attacks.settings import AWAY, TOWARDS
from asma_core.errors import InputError
from tests.attacks.networks import Linear, disc, small_network, some_images

BUDGET = 0.1


class Rescaled(nn.Module):
    """The labels of the small network, with logits that say nothing else of it."""

    def __init__(self) -> None:
        super().__init__()
        self.network = small_network(3)
        self.asked = 0

    def forward(self, images: Tensor) -> Tensor:
        self.asked += 1
        labels = self.network(images).argmax(dim=1, keepdim=True)
        logits = torch.rand(len(images), 3, *images.shape[2:], generator=torch.Generator())
        return logits.scatter_add(1, labels, torch.full(labels.shape, 1.0 + self.asked))


@pytest.mark.parametrize("goal", [TOWARDS, AWAY])
def test_of_two_networks_of_the_same_labels_it_sees_the_same(goal: str) -> None:
    images = some_images(2)
    masks = small_network(3)(images).argmax(dim=1) if goal == AWAY else disc(2, classes=3)
    config = DlaConfig(target_iou=0.99, steps=40, budget=BUDGET, goal_is=goal)
    found = []
    for network in (small_network(3), Rescaled()):
        torch.manual_seed(0)
        found.append(DLA(network, AttackInputs(images, masks), config))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one.adversarial, other.adversarial)
        assert one.trajectory == other.trajectory
        assert one.best.score > one.trajectory[0].score


def test_what_it_sees_is_one_for_the_label_and_nan_where_a_network_fails() -> None:
    class Fixed(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.tensor([[-3.0, 2.0], [-2.0, 7.0], [-9.0, 8.0]]).view(1, 3, 1, 2) + images

    seen = LabelsOnly(Fixed())(torch.zeros(1, 1, 1, 2))
    assert seen.flatten(2)[0].tolist() == [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    assert LabelsOnly(Fixed())(torch.full((1, 1, 1, 2), torch.inf)).isnan().all()


def test_queries_are_counted_and_no_gradient_is_asked_for() -> None:
    network, graphs = small_network(), []
    network.register_forward_hook(lambda _module, _given, output: graphs.append(output))
    images = some_images(1)
    config = DlaConfig(target_iou=0.99, steps=30, budget=BUDGET)
    (result,) = DLA(network, AttackInputs(images, disc(1)), config)
    assert len(graphs) == result.forward_passes == 31 and result.gradient_evaluations == 0
    assert not any(output.requires_grad for output in graphs)


def test_parts_are_halved_on_their_longer_side_until_they_are_pixels() -> None:
    sizes = [
        {(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in parts}
        for parts in halved(4, 2)
    ]
    assert sizes == [{(4, 2)}, {(2, 2)}, {(1, 2)}, {(1, 1)}]
    for parts in halved(5, 3):
        covered = torch.zeros(5, 3)
        for rows, columns in parts:
            covered[rows, columns] += 1
        assert (covered == 1).all()


def test_where_pixels_are_alone_it_reaches_the_best_that_a_budget_allows() -> None:
    """z_1 = x - 0.5 at each pixel: right is who can be moved across 0.5, and they are known."""
    torch.manual_seed(2)
    image = 0.5 + 0.2 * (torch.rand(1, 1, 4, 4) - 0.5)
    mask = torch.randint(0, 2, (1, 4, 4))
    # Turning one of 16 pixels at a time: each size of parts is gone through once in 31 queries.
    config = DlaConfig(1.0, steps=80, rounding=False, budget=0.05, exploring=0.1)
    (result,) = DLA(Linear((1.0,), -0.5), AttackInputs(image, mask), config)
    moved = image[:, 0] + torch.where(mask == 1, 0.05, -0.05)
    reachable = ((moved > 0.5).long() == mask)[0]
    assert 0 < int(reachable.sum()) < 16
    assert result.best.pixel_accuracy == pytest.approx(float(reachable.float().mean()))


@pytest.mark.parametrize("away", [False, True])
def test_it_keeps_what_is_no_worse_and_the_first_stripes_in_any_case(away: bool) -> None:
    image = torch.full((1, 3, 8, 8), 0.5)
    batch = make_batch(AttackInputs(image, torch.ones(1, 8, 8, dtype=torch.int64)))
    goal = AWAY if away else TOWARDS
    config = DlaConfig(steps=100, budget=BUDGET, goal_is=goal, exploring=0.0, rounding=False)
    rule, still = DLA.make(batch, config), torch.zeros(1, 3, 8, 8)

    def propose(step: int, images: Tensor, score: float, at_goal: int) -> Tensor:
        """Say what the run is judged by, and how many pixels are at the goal."""
        seen = torch.full((1, 8, 8), 1 if away else 0)
        seen.view(-1)[:at_goal] = 0 if away else 1
        scores = torch.tensor([score], dtype=torch.float64)
        logits = torch.full((1, 2, 8, 8), torch.nan)
        state = AttackState(step, 100, batch, images, images, logits, seen, scores, scores > 1)
        return rule.step(state, still)

    stripes = propose(0, image, 0.9, 60)
    assert torch.allclose((stripes - 0.5).abs(), torch.tensor(BUDGET))
    lines = (stripes[:, :, :1].expand_as(stripes), stripes[..., :1].expand_as(stripes))
    assert any(torch.equal(stripes, line) for line in lines)
    first = propose(1, stripes, 0.2, 10)

    def turned(one: Tensor, other: Tensor) -> int:
        return int((one != other).sum())

    # The first turns a whole channel; each proposal is made from what was kept last.
    assert turned(first, stripes) == 64
    second = propose(2, first, 0.2, 9)
    assert turned(second, stripes) == 64 and turned(second, first) == 128
    third = propose(3, second, 0.2, 10)
    assert turned(third, second) == 64
    fourth = propose(4, third, 0.1, 64)
    assert turned(fourth, second) == 32


def test_a_budget_below_one_level_is_a_sentence() -> None:
    with pytest.raises(InputError, match="below 1/255"):
        DLA(small_network(), AttackInputs(some_images(1), disc(1)), DlaConfig(budget=0.003))

"""The parts of the minimal-norm attack, each led by hand: what docs/decisions.md says of them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.engine.batch import make_batch
from asma_core.attacks.engine.loop import AttackState
from asma_core.attacks.minimal.attack import MINIMAL
from asma_core.attacks.minimal.ball import ShrinkingBall
from asma_core.attacks.minimal.norms import Euclidean, LargestValue
from asma_core.attacks.minimal.pull import Pull
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.loading import load_model
from tests import tiny

GREY = 0.5


def problem_of(count: int = 1):
    images = torch.full((count, 1, 2, 2), GREY)
    return make_batch(AttackInputs(images, torch.ones(count, 2, 2, dtype=torch.int64)))


def at(step: int, change: float = 0.0, success: bool = False, score: float = 0.0) -> AttackState:
    """A look at an image of which one of four values is changed."""
    batch = problem_of()
    images = batch.images.clone()
    images[0, 0, 0, 0] += change
    nothing = torch.zeros(1, 2, 2, 2)
    seen, won = batch.target, torch.tensor([success])
    scores = torch.tensor([score], dtype=torch.float64)
    return AttackState(step, 100, batch, images, images, nothing, seen, scores, won)


def ball(steps: int = 100) -> ShrinkingBall:
    config = MinimalConfig(steps=steps)
    return ShrinkingBall(problem_of(), config, Euclidean(problem_of(), config))


GRADIENT = torch.tensor([[[[0.3, -0.4], [0.0, 0.0]]]])
UNIT = torch.tensor([[[[0.6, -0.8], [0.0, 0.0]]]])


def step_share(step: int) -> float:
    return 0.02 + 0.58 / (1 + (step / 20) ** 1.5)


def moved(search: ShrinkingBall, state: AttackState, left: float = 0.01) -> torch.Tensor:
    search.update(state)
    return search.step(state, GRADIENT, torch.tensor([left])) - GREY


def test_the_progress_hangs_on_the_steps_made_and_not_on_the_budget() -> None:
    for step, expected in ((0, 0.0), (20, 0.5), (180, 27 / 28)):
        for search in (ball(200), ball(1000)):
            search.update(at(step))
            assert float(search.progress) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("left", "radius"),
    [(0.0001, 8 * 0.0002), (1.0, 7 * 2 / 255), (0.0, 0.05 * 2 / 255)],
)
def test_the_first_ball_has_a_few_levels_or_a_few_first_order_distances(
    left: float, radius: float
) -> None:
    """Four values: a level everywhere is 2 / 255; the distance is what is left over 0.5."""
    search = ball()
    found = moved(search, at(0), left)
    assert float(search._radius) == pytest.approx(radius)
    torch.testing.assert_close(found, 0.6 * radius * 0.2 * UNIT, atol=1e-7, rtol=0)


def test_a_step_is_a_share_of_the_radius_and_never_leads_out_of_the_ball() -> None:
    search = ball()
    moved(search, at(0), 1.0)
    search._radius = torch.tensor([0.2])
    found = moved(search, at(20, 0.1, score=0.5))
    expected = step_share(20) * 0.2 * (0.8 * 0.2 + 0.2) * UNIT
    expected[0, 0, 0, 0] += 0.1
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    found = moved(search, at(21, 0.4, score=0.5))
    assert float(found.norm()) == pytest.approx(0.2, rel=1e-5)


def test_the_radius_shrinks_on_success_and_grows_on_failure_to_the_nearest_success() -> None:
    search = ball()
    moved(search, at(0, 0.02), 1.0)
    moved(search, at(1, 0.02, True))
    radius = 0.02 * (1 - 0.5 * step_share(1))
    assert float(search._radius) == pytest.approx(radius, rel=1e-5)
    for step in range(2, 6):
        moved(search, at(step, 0.02))
        radius = min(radius * (1 + 0.125 * step_share(step)), 0.02)
        assert float(search._radius) == pytest.approx(radius, rel=1e-5)
    for step in range(6, 40):
        moved(search, at(step, 0.02))
    assert float(search._radius) == pytest.approx(0.02)


def test_the_ball_is_widened_when_the_score_stalls_and_goes_back_when_that_was_in_vain() -> None:
    search, radii = ball(), []
    for step in range(80):
        # It rises well until 20, a little until 30, and then no more; 0.97 is wanted.
        score = min(0.04 * min(step, 20), 0.8) + 0.001 * min(max(step - 20, 0), 9)
        moved(search, at(step, 0.01, score=score), 1.0)
        radii.append(float(search._radius) / (7 * 2 / 255))
    assert radii[28] == pytest.approx(1.0)
    # Slow in the third ten steps: widened; nothing at all in the fourth: back; then it waits for
    # twice as long.
    assert radii[29:39] == pytest.approx([1.5] * 10)
    assert radii[39:59] == pytest.approx([1.0] * 20)
    assert radii[59] == pytest.approx(1.5)


def test_a_ball_is_not_widened_in_vain_while_the_way_becomes_shorter() -> None:
    search = ball()
    for step in range(60):
        moved(search, at(step, 0.01), 0.97**step)
    # No pixel has come over yet, but all come nearer.
    assert float(search._radius) == pytest.approx(7 * 2 / 255 * 1.5**6)


def test_it_ends_when_the_last_fifth_of_the_steps_has_gained_less_than_two_percent() -> None:
    search = ball()
    for step in range(126):
        # At 100 the norm of 80 steps is known; from 96 on nothing more is gained.
        search.update(at(step, 0.2 - 0.001 * min(step, 96), step > 2))
        assert bool(search.converged(at(step))) == (step >= 117), step
    never = ball()
    for step in range(300):
        never.update(at(step, 0.2, score=0.5 if step < 150 else 0.6))
        # Without success it is the score that has to rise.
        assert bool(never.converged(at(step))) == (100 <= step < 150 or step >= 187), step


def test_what_was_given_up_is_taken_up_after_ten_steps_without_the_target() -> None:
    search = ball()
    for step in range(30):
        search.update(at(step))
        assert not bool(search.strayed), "it has not been at the target yet"
    search.update(at(30, 0.2, success=True))
    told = []
    for step in range(31, 52):
        search.update(at(step, 0.2))
        told.append(bool(search.strayed))
    assert [place + 1 for place, strayed in enumerate(told) if strayed] == [10, 20]
    search.update(at(52, 0.2, success=True))
    assert not bool(search.strayed)


def test_the_ball_goes_on_with_some_rows() -> None:
    batch = problem_of(3)
    search = ShrinkingBall(batch, MinimalConfig(), Euclidean(batch, MinimalConfig()))
    rows = torch.tensor([True, False, True])
    search._best = torch.tensor([1.0, 2.0, 3.0])
    search._left.append((search._best, search._best))
    search.select(rows)
    assert search._best.tolist() == [1.0, 3.0]
    assert search._left[0][0].tolist() == [1.0, 3.0]


def levels(rounding: bool = True) -> ShrinkingBall:
    config = MinimalConfig(norm="linf", rounding=rounding)
    return ShrinkingBall(problem_of(), config, LargestValue(problem_of(), config))


@pytest.mark.parametrize(
    ("left", "radius"), [(1.0, 24 / 255), (0.35 / 255, 8 / 255), (0.0, 1 / 255)]
)
def test_the_first_ball_in_linf_has_at_least_a_level(left: float, radius: float) -> None:
    """The first-order distance is what is left over the sum of the gradient's values, 0.7."""
    search = levels()
    moved(search, at(0), left)
    assert float(search._radius) == pytest.approx(radius)


def test_in_linf_each_look_waits_longer_once_the_ball_was_widened() -> None:
    search, radii = levels(), []
    for step in range(60):
        moved(search, at(step, 0.01), 0.97**step)
        radii.append(round(float(search._radius) * 255 / 24, 3))
    # After 10 steps, 15 and 22.5.
    assert [radii.index(value) for value in (1.5, 2.25, 3.375)] == [9, 24, 47]


@pytest.mark.parametrize(("rounding", "kept"), [(True, 1.5 / 255), (False, 2.6 / 255)])
def test_a_linf_ball_holds_whole_levels_of_a_file(rounding: bool, kept: float) -> None:
    # The original, 127.5 levels, lies between two: 126 is the furthest within 2.6 of it.
    search = levels(rounding)
    moved(search, at(0), 1.0)
    search._radius = torch.tensor([2.6 / 255])
    found = moved(search, at(20, 0.1, score=0.5))
    assert float(found.abs().max()) == pytest.approx(kept, rel=1e-4)


def test_a_linf_step_moves_values_as_far_as_they_matter() -> None:
    search = levels(rounding=False)
    found = moved(search, at(0), 1.0)
    # Up to three times the mean, 0.175 of the gradient's values, all of a step.
    step = 0.6 * 24 / 255
    share = torch.tensor([[[[0.3, -0.4], [0.0, 0.0]]]]) / 0.525
    torch.testing.assert_close(found, step * share, atol=1e-6, rtol=0)


def test_after_a_success_in_linf_one_level_less_is_tried() -> None:
    search = levels()
    moved(search, at(0), 1.0)
    moved(search, at(80, 5 / 255, True))
    found = moved(search, at(81, 5 / 255))
    assert float(found.abs().max()) == pytest.approx(3.5 / 255, rel=1e-4)


@pytest.mark.parametrize(("count", "done"), [(1, True), (2, False)])
def test_a_single_level_is_the_least(count: int, done: bool) -> None:
    search = levels()
    search.update(at(1, count / 255, True))
    assert bool(search.converged(at(1))) is done


@pytest.mark.parametrize(("target_iou", "hopeless"), [(0.97, 0.2), (0.9, 0.1), (0.994, 1.0)])
@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("close", [False, True])
def test_the_pull_is_a_smooth_count_of_wrong_pixels(
    target_iou: float, hopeless: float, progress: float, close: bool
) -> None:
    """Pixel by pixel in plain numbers; the last one is void."""
    rival = [2.0, -1.0, 0.05, -0.02, 0.5, 100.0]
    target = torch.ones(1, 1, 6, dtype=torch.int64)
    valid = torch.tensor([[[True] * 5 + [False]]])
    logits = torch.zeros(1, 2, 1, 6)
    logits[0, 0, 0] = torch.tensor(rival)
    batch = make_batch(AttackInputs(torch.zeros(1, 1, 1, 6), target, valid))
    # The median of the sizes 0.02, 0.05, 0.5, 1 and 2.
    spread, width = 0.5, 0.5 * (0.1 - 0.07 * progress)
    pull = Pull(batch, target_iou)
    for strayed in (False, True):
        hopeless *= 2.0 if strayed else 1.0
        given = [torch.tensor([progress]), torch.tensor([close]), torch.tensor([strayed])]
        weights, left = pull.logit_weights(logits, *given)
        expected = []
        # The target is 1 everywhere, which is 0 where void.
        for margin in rival[:5]:
            far = max(margin, 0.0) / (spread * hopeless) if close else 0.0
            count = 1 / (1 + math.exp(-(margin + 0.02 * spread) / width))
            expected.append(count / (1 + far**2))
        found = weights[0, 1, 0]
        torch.testing.assert_close(found, torch.tensor([*expected, 0.0]), atol=1e-6, rtol=1e-4)
        assert torch.equal(weights[:, 0], -weights[:, 1])
        wanted = sum(one * max(margin, 0.0) for one, margin in zip(expected, rival, strict=False))
        assert float(left) == pytest.approx(wanted, rel=1e-4)


def test_a_wrong_pixel_of_a_small_class_takes_more_from_the_overlap() -> None:
    """Areas 2 (class 1), 4 (class 2); the background counts as the largest, class 3 is nowhere."""
    target = torch.tensor([[[1, 1, 2, 2, 2, 2, 0, 0, 0, 0]]])
    rivals = torch.tensor([[[0, 2, 0, 1, 3, 2, 1, 2, 3, 0]]])
    batch = make_batch(AttackInputs(torch.zeros(1, 1, 1, 10), target))
    share = Pull(batch, 0.9)._share_of(rivals, 4)
    expected = [1.0, 1.0, 0.5, 1.0, 1.0, 0.5, 1.0, 0.5, 1.0, 0.5]
    torch.testing.assert_close(share, torch.tensor(expected).view(1, 1, 10))


def test_the_pull_goes_on_with_some_rows() -> None:
    target = torch.ones(3, 2, 2, dtype=torch.int64)
    batch = make_batch(AttackInputs(torch.zeros(3, 1, 2, 2), target))
    pull, logits = Pull(batch, 0.9), torch.randn(3, 2, 2, 2)
    given = torch.zeros(3), torch.ones(3) > 0, torch.ones(3) > 0
    pull.logit_weights(logits, *given)
    rows = torch.tensor([True, False, True])
    expected, left = pull.logit_weights(logits, *given)
    again = Pull(batch, 0.9)
    again.logit_weights(logits, *given)
    again.select(rows, batch.select(rows))
    found, less = again.logit_weights(logits[rows], *(one[rows] for one in given))
    assert torch.equal(found, expected[rows]) and torch.equal(less, left[rows])


@pytest.mark.parametrize("norm", ["l2", "linf", "ciede2000"])
def test_an_image_of_one_colour_moves_though_its_first_steps_are_rounded_away(
    home: Path, norm: str
) -> None:
    # Where nothing varies an instance norm's gradient is huge, and the first-order distance tiny.
    tiny.furnish(home)
    network = load_model(find_card(tiny.MODEL), torch.device("cpu"))
    grey = torch.full((1, 3, tiny.SIZE, tiny.SIZE), 128 / 255)
    target = torch.from_numpy(tiny.mask_labels(1))[None]
    config = MinimalConfig(norm=norm, steps=150, target_iou=0.9)
    (result,) = MINIMAL(network, AttackInputs(grey, target), config)
    assert result.success

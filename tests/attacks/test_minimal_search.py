"""The parts of the minimal-norm attack, each led by hand: what docs/decisions.md says of them."""

from __future__ import annotations

import math

import pytest
import torch

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.engine.batch import make_batch
from asma_core.attacks.engine.loop import AttackState
from asma_core.attacks.minimal.l2 import ShrinkingBall
from asma_core.attacks.minimal.linf import FewerLevels
from asma_core.attacks.minimal.pull import Pull
from asma_core.attacks.minimal.settings import MinimalConfig

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
    return ShrinkingBall(problem_of(), MinimalConfig(steps=steps))


GRADIENT = torch.tensor([[[[0.3, -0.4], [0.0, 0.0]]]])
UNIT = torch.tensor([[[[0.6, -0.8], [0.0, 0.0]]]])


def test_the_progress_begins_at_the_first_success_and_ends_with_the_steps() -> None:
    search = ball()
    way = [(0, False, 0.0), (19, False, 0.0), (20, True, 0.0), (21, False, 1 / 80)]
    for step, success, expected in [*way, (60, True, 0.5), (100, False, 1.0), (110, True, 1.0)]:
        search.update(at(step, 0.1, success))
        assert float(search.progress) == pytest.approx(expected)
        assert bool(search.close) == (step >= 20)


def test_before_a_success_a_step_is_a_share_of_the_way_that_is_left() -> None:
    """The first-order distance is 2 over a gradient of 0.5, and a quarter of 3 mean steps of it."""
    search = ball()
    search.update(at(0))
    moved = search.step(at(0), GRADIENT, torch.tensor([0.01]))
    first = 3.0 * 0.25 * (0.01 / 0.5) * 0.25 * UNIT
    torch.testing.assert_close(moved, GREY + first)
    search.update(at(1, 0.2, score=0.5))
    # Half of a change of 0.2 is more than the distance of 0.02; the momentum remembers 3 of 4.
    moved = search.step(at(1, 0.2), GRADIENT, torch.tensor([9.0]))
    second = 3.0 * 0.25 * 0.1 * (0.25 * 0.75 + 0.25) * UNIT
    second[0, 0, 0, 0] += 0.2
    torch.testing.assert_close(moved, GREY + second)


def test_the_approach_is_shortened_when_the_overlap_gets_no_better() -> None:
    search = ball()
    for step in range(35):
        search.update(at(step, score=0.5 if step < 12 else 0.6))
        # Ten looks without a better score after the one of step 0, and again after that of 12.
        times = (step >= 10) + (step >= 22) + (step >= 32)
        assert float(search._approach) == pytest.approx(0.25 * 0.7**times)
    search.update(at(35, 0.1, True))
    for step in range(36, 60):
        search.update(at(step, 0.1))
    assert float(search._approach) == pytest.approx(0.25 * 0.7**3)


def moved_norm(search: ShrinkingBall, state: AttackState) -> float:
    return float((search.step(state, GRADIENT, torch.tensor([0.01])) - GREY).norm())


def test_the_radius_shrinks_on_success_and_grows_on_failure_to_the_nearest_success() -> None:
    search = ball()
    search.update(at(0, 0.2, True))
    assert moved_norm(search, at(0, 0.2, True)) == pytest.approx(0.2 * 0.8, rel=1e-5)
    assert float(search._radius) == pytest.approx(0.16)
    # Half the way on, the cosine is at the middle: 0.105 instead of 0.2.
    for expected in (0.16 * 1.105, 0.16 * 1.105**2, 0.2):
        search.update(at(50, 0.3))
        assert moved_norm(search, at(50, 0.3)) == pytest.approx(expected, rel=1e-5)
        assert float(search._radius) == pytest.approx(expected)
    # At the end it changes by a hundredth, from the change or the radius, whichever is less.
    search.update(at(100, 0.1, True))
    moved_norm(search, at(100, 0.1))
    assert float(search._radius) == pytest.approx(0.1 * 0.99)
    search.update(at(100, 0.2, True))
    moved_norm(search, at(100, 0.2))
    assert float(search._radius) == pytest.approx(0.1 * 0.99**2)


@pytest.mark.parametrize(("step", "share"), [(0, 0.1), (50, 0.055), (100, 0.01)])
def test_after_a_success_a_step_is_a_share_of_the_radius(step: int, share: float) -> None:
    search = ball()
    search.update(at(0, 0.1, True))
    search._radius = torch.tensor([0.25])
    search.update(at(step, 0.1))
    state = at(step, 0.1)
    found = search.step(state, GRADIENT, torch.tensor([0.01])) - GREY
    # The first of a momentum that remembers nine of ten.
    expected = 3.0 * share * 0.25 * 0.1 * UNIT
    expected[0, 0, 0, 0] += 0.1
    longest = min(float(search._radius), 0.1)
    expected *= min(1.0, longest / float(expected.norm()))
    torch.testing.assert_close(found, expected, atol=1e-7, rtol=1e-5)


def test_who_does_not_find_back_begins_again_at_the_nearest_success_with_care() -> None:
    search = ball()
    search.update(at(0, 0.3, True))
    search.update(at(1, 0.2, True))
    search._radius = torch.tensor([0.2])
    for step in range(2, 12):
        search.update(at(step, 0.4))
        assert bool(search.strayed) == (step == 11)
    search._momentum += 5.0
    by = 0.6 * (0.01 + 0.19 * (0.5 + 0.5 * math.cos(math.pi * 0.11)))
    share = 0.6 * (0.01 + 0.09 * (0.5 + 0.5 * math.cos(math.pi * 0.11)))
    found = search.step(at(11, 0.4), GRADIENT, torch.tensor([0.01])) - GREY
    assert float(search._radius) == pytest.approx((1 - by) * 0.2)
    # The momentum before is forgotten.
    expected = 3.0 * share * 0.2 * 0.1 * UNIT
    expected[0, 0, 0, 0] += 0.2
    expected *= min(1.0, (1 - by) * 0.2 / float(expected.norm()))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)
    # Ten more, and not the one after.
    for step in range(12, 22):
        search.update(at(step, 0.4))
        assert bool(search.strayed) == (step == 21)


@pytest.mark.parametrize(("steps", "waits"), [(200, 50), (100, 25), (60, 25)])
def test_who_gains_less_than_a_hundredth_for_long_is_done_in_the_second_half(
    steps: int, waits: int
) -> None:
    search = ball(steps)
    halves = steps // 2
    for step in range(steps):
        # A gain at the half of a little more than a hundredth; then of less.
        change = 0.2 if step < halves else 0.197 if step == halves else 0.1955
        search.update(at(step, change, step > 2))
        state = at(step, change)
        assert bool(search.converged(state)) == (step >= halves + waits), step
    fresh = ball(steps)
    for step in range(steps):
        fresh.update(at(step, 0.2, False))
        assert not bool(fresh.converged(at(step, 0.2)))
    early = ball(steps)
    early.update(at(0, 0.2, True))
    early.update(at(halves - 1, 0.2, True))
    assert not bool(early.converged(at(halves - 1, 0.2)))
    early.update(at(halves, 0.2, True))
    assert bool(early.converged(at(halves, 0.2))) == (halves >= waits)


def levels(steps: int = 100, rounding: bool = True) -> FewerLevels:
    return FewerLevels(problem_of(), MinimalConfig(steps=steps, rounding=rounding, norm="linf"))


def test_the_levels_are_searched_between_what_was_enough_and_what_was_not() -> None:
    search, step = levels(), 0

    def tried(change: int, wins: bool) -> tuple[float, int]:
        """A try that wins at once, or fails in all its steps; what comes next, and how long."""
        nonlocal step
        before = step
        while True:
            step += 1
            search.update(at(step, change / 255, wins))
            if wins or bool(search.strayed):
                return float(search._now), step - before

    assert tried(20, True) == (14.0, 1)
    assert not bool(search.converged(at(step)))
    # A hundred steps are about six tries of 16.
    assert tried(14, False) == (17.0, 17)
    assert tried(17, True) == (15.0, 1)
    assert tried(15, False)[0] == 16.0
    assert tried(16, False)[0] == 16.0
    assert tried(16, True)[0] == 15.0
    # More than is known to be enough is no news.
    search.update(at(step + 1, 30 / 255, True))
    assert (float(search._enough), float(search._now)) == (16.0, 15.0)


@pytest.mark.parametrize(("steps", "length"), [(60, 12), (72, 12), (100, 16), (300, 50)])
def test_a_try_is_a_sixth_of_the_steps_and_at_least_twelve(steps: int, length: int) -> None:
    search = levels(steps)
    search.update(at(1, 20 / 255, True))
    for step in range(length):
        search.update(at(2 + step, 14 / 255))
        assert float(search.progress) == pytest.approx((step + 1) / length)
        assert not bool(search.strayed)
    search.update(at(2 + length, 14 / 255))
    assert bool(search.strayed) and float(search.progress) == 0.0


@pytest.mark.parametrize(("count", "done"), [(1, True), (2, False)])
def test_a_single_level_is_the_least(count: int, done: bool) -> None:
    search = levels()
    search.update(at(1, count / 255, True))
    assert bool(search.converged(at(1))) is done
    assert float(search._now) == 1.0


@pytest.mark.parametrize("rounding", [True, False])
def test_a_linf_step_is_a_share_of_the_levels_along_the_sign(rounding: bool) -> None:
    search, scale = levels(rounding=rounding), 255.0 * (1.0 if rounding else 32.0)
    search.update(at(0))
    # The first-order distance in Linf: 0.14 over the sum of the gradient's values, 0.7.
    found = search.step(at(0), GRADIENT, torch.tensor([0.14])) - GREY
    step = 0.25 * 0.14 / 0.7
    sign = torch.tensor([[[[1.0, -1.0], [0.0, 0.0]]]])
    torch.testing.assert_close(found, step * sign, atol=1e-6, rtol=0)
    search.update(at(1, 0.2, True))
    reach = math.floor(0.7 * math.ceil(0.2 * scale - 1e-3)) / scale
    found = search.step(at(1, 0.2, True), GRADIENT, torch.tensor([0.14])) - GREY
    expected = 0.5 * reach * sign
    expected[0, 0, 0, 0] += 0.2
    # With rounding only whole levels are kept, and 0.5 lies between two.
    allowed = 1.01 / 255 if rounding else 1e-6
    torch.testing.assert_close(found, expected.clamp(-reach, reach), atol=allowed, rtol=0)
    search._tried, search.progress = torch.tensor([8.0]), torch.tensor([0.5])
    found = search.step(at(2, 0.0), GRADIENT, torch.tensor([0.14])) - GREY
    torch.testing.assert_close(found, 0.3 * reach * sign, atol=allowed, rtol=0)
    search.strayed = torch.tensor([True])
    found = search.step(at(3, -0.3), GRADIENT, torch.tensor([0.14])) - GREY
    again = 0.3 * reach * sign
    again[0, 0, 0, 0] += 0.2
    torch.testing.assert_close(found, again.clamp(-reach, reach), atol=allowed, rtol=0)


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

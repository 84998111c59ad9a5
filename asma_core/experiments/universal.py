"""How many images does it take? One change for all images, learned on some, judged on others.

The change is learned on 1, 2, 4, 8, ... images, with as many steps each time, and put on images
that it has never seen. Beside it stands noise of the same budget, which nobody has learned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.settings import AWAY, LINF, TOWARDS
from asma_core.attacks.universal import (
    UniversalConfig,
    budget_of,
    changed,
    learned,
    within,
)
from asma_core.data.datasets import Dataset
from asma_core.data.formats.images import FloatImage
from asma_core.data.masks.label_maps import Mask
from asma_core.data.samples import Sample
from asma_core.errors import InputError
from asma_core.metrics.score import SUCCESS, outcome, reached
from asma_core.models.sources.cards import check_fits
from asma_core.models.sources.loading import load_model, predict
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.wrapper.backend import float32_sums
from asma_core.models.wrapper.devices import choose_device
from asma_core.models.wrapper.precision import FLOAT32
from asma_core.runs.attacking import as_attacked
from asma_core.runs.figures import Judge, make_judge
from asma_core.runs.measuring import attack_inputs
from asma_core.runs.sources import from_sample

HIDE: Final = "hide"
GOALS: Final = (HIDE, "mask", "away")
# From which score on an image is fooled, unless said: half of the outline lost, or nearly there.
WANTED: Final = {HIDE: 0.9, "mask": 0.9, "away": 0.5}
NOISE: Final = "noise"


@dataclass(frozen=True)
class UniversalPlan:
    """What is asked.

    Attributes:
        card: The network.
        dataset: The data set.
        counts: On how many images it is learned, each at least 1, rising.
        learned_on: The images for it, as many as the last count.
        judged_on: The images that it has never seen.
        goal: One of `GOALS`.
        target: The image whose mask all shall be segmented as, for the goal "mask".
        wanted: Score from which on an image is fooled.
        config: Of the change.
        device: As `choose_device` takes it.
        seed: Of torch's generator.
    """

    card: ModelCard
    dataset: Dataset
    counts: tuple[int, ...]
    learned_on: tuple[Sample, ...]
    judged_on: tuple[Sample, ...]
    goal: str
    target: Sample | None
    wanted: float
    config: UniversalConfig
    device: str = "auto"
    seed: int = 0


def universal_plan(
    card: ModelCard, dataset: Dataset, images: int, unseen: int, goal: str, **more: Any
) -> UniversalPlan:
    """Return a plan whose change is judged on test images, and learned on none of these.

    Without a test split the first images are for learning and the next ones for judging.

    Args:
        card: The network.
        dataset: Of as many classes.
        images: Most images to learn on.
        unseen: Most images to judge on.
        goal: One of `GOALS`.
        more: The other fields of the plan.

    Raises:
        InputError: A goal that there is not, too few images, a goal without its target, or a
            network that takes no gradients.
    """
    check_fits(card, dataset)
    if goal not in GOALS:
        raise InputError(f"{goal!r} is no goal; choose {', '.join(GOALS)}")
    if goal == "mask" and more.get("target") is None:
        raise InputError("the goal mask needs the image whose mask it is: --target-sample NAME")
    if not card.takes_gradients:
        raise InputError(f"{card.name} takes no gradients, and a universal change needs them")
    test = tuple(one for one in dataset.samples if one.split == "test")
    others = tuple(one for one in dataset.samples if one.split != "test")
    if not test:
        others, test = others[:images], others[images:]
    if len(others) < images or not test:
        raise InputError(
            f"{dataset.name} has {len(others)} images to learn on and {len(test)} to judge on; "
            f"ask for fewer than {images}"
        )
    wanted = more.pop("wanted", None)
    return UniversalPlan(
        card,
        dataset,
        doubled(images),
        others[:images],
        test[:unseen],
        goal,
        more.pop("target", None),
        WANTED[goal] if wanted is None else wanted,
        **more,
    )


def doubled(most: int) -> tuple[int, ...]:
    """Return 1, 2, 4, ... up to a number, which is the last."""
    counts = [2**power for power in range(most.bit_length()) if 2**power < most]
    return (*counts, most)


@dataclass(frozen=True)
class Subject:
    """An image with what it is judged by.

    Attributes:
        image: float32 (C, H, W).
        judge: Of the network's predictions.
        inputs: For the attack.
    """

    image: FloatImage
    judge: Judge
    inputs: AttackInputs


@dataclass(frozen=True)
class Universal:
    """What came of a plan.

    Attributes:
        rows: For noise, then for each count: how many unseen images were fooled, mean scores.
        change: float32 (C, H, W), learned on most images.
        budget: In the config's norm.
        before: Mean score of the unseen images without any change.
    """

    rows: tuple[dict[str, Any], ...]
    change: FloatImage
    budget: float
    before: float


def carry_out(plan: UniversalPlan, on_step: Callable[[int], None] = lambda _: None) -> Universal:
    """Learn the changes, and put them on images that they have not seen.

    Args:
        plan: What is asked.
        on_step: Gets the number of steps made of all.

    Raises:
        AsmaError: An image can't be read, or the network fails.
    """
    device = choose_device(plan.device)
    with float32_sums(FLOAT32):
        seen = [_subject(plan, one, device) for one in plan.learned_on]
        unseen = [_subject(plan, one, device) for one in plan.judged_on]
        first = seen[0].inputs.images
        budget = budget_of(first, plan.config)
        torch.manual_seed(plan.seed)
        noise = _noise(first, budget, plan.config.norm)
        rows = [_row(plan, NOISE, noise, budget, [], unseen, device)]
        change = noise
        for place, count in enumerate(plan.counts):
            torch.manual_seed(plan.seed)
            some = seen[:count]
            change = learned(
                load_model(plan.card, device),
                [one.inputs for one in some],
                plan.config,
                plan.goal == "away",
                _further(on_step, place * plan.config.steps),
            )
            rows.append(_row(plan, count, change, budget, some, unseen, device))
    before = [one.judge.judged(one.judge.clean).value for one in unseen]
    return Universal(tuple(rows), change[0].cpu().numpy(), budget, float(np.mean(before)))


def _further(on_step: Callable[[int], None], passed: int) -> Callable[[int], None]:
    return lambda step: on_step(passed + step)


def _subject(plan: UniversalPlan, sample: Sample, device: torch.device) -> Subject:
    source = from_sample(plan.dataset, sample)
    target = _target(plan, source.shape)
    inputs = as_attacked(source.with_target(target), plan.card, device)
    clean = predict(load_model(plan.card, device), inputs.image, device)
    aim = AWAY if plan.goal == "away" else TOWARDS
    judge = make_judge(inputs, clean, len(plan.card.classes), aim)
    return Subject(inputs.image, judge, attack_inputs([inputs], [judge], device))


def _target(plan: UniversalPlan, shape: tuple[int, int]) -> Mask:
    if plan.target is None:
        return Mask(np.zeros(shape, np.int64), np.ones(shape, np.bool_))
    mask = plan.dataset.mask(plan.target)
    rows, columns = (
        (np.arange(length) * own) // length
        for length, own in zip(shape, mask.labels.shape, strict=True)
    )
    return Mask(mask.labels[np.ix_(rows, columns)], mask.valid[np.ix_(rows, columns)])


def _noise(like: Tensor, budget: float, norm: str) -> Tensor:
    signs = (torch.randint(0, 2, like.shape) * 2.0 - 1.0).to(like)
    return within(signs * (budget if norm == LINF else 1e4), budget, norm)


def _row(
    plan: UniversalPlan,
    count: int | str,
    change: Tensor,
    budget: float,
    seen: Sequence[Subject],
    unseen: Sequence[Subject],
    device: torch.device,
) -> dict[str, Any]:
    def scores(some: Sequence[Subject]) -> list[float]:
        return [_score(plan, one, change, budget, device) for one in some]

    told, known = scores(unseen), scores(seen)
    before = [one.judge.judged(one.judge.clean).value for one in unseen]
    asked = [pair for pair in zip(before, told, strict=True) if not reached(pair[0], plan.wanted)]
    won = sum(outcome(start, end, plan.wanted) == SUCCESS for start, end in asked)
    return {
        "images": count,
        "n": len(asked),
        "successes": won,
        "success_rate": won / len(asked) if asked else None,
        "score": float(np.mean(told)),
        "score_learned": float(np.mean(known)) if known else None,
    }


def _score(
    plan: UniversalPlan, one: Subject, change: Tensor, budget: float, device: torch.device
) -> float:
    file = changed(one.inputs.images, change, budget, plan.config.norm)[0].cpu().numpy()
    return one.judge.judged(predict(load_model(plan.card, device), file, device)).value

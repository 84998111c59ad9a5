"""How many images does it take? One change for all images, learned on some, judged on others.

The change is learned on 1, 2, 4, 8, ... images, with as many steps each time, and put on images
that it has never seen. Beside it stands noise of the same budget, which nobody has learned. Each of
these is a part that is kept as soon as it was judged, so that what was stopped goes on there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.settings import AWAY as AWAY_FROM_PREDICTION
from asma_core.attacks.settings import LINF, TOWARDS
from asma_core.attacks.universal import (
    UniversalConfig,
    budget_of,
    changed,
    check_channels,
    learned,
    within,
)
from asma_core.data.datasets import Dataset, open_dataset
from asma_core.data.formats.images import ByteImage, to_bytes
from asma_core.data.masks.label_maps import Labels
from asma_core.data.samples import Sample
from asma_core.errors import InputError
from asma_core.experiments.universal_parts import NOISE, SHOWN, WITHOUT, Part, Parts
from asma_core.experiments.universal_plan import AWAY, MASK, UniversalPlan, stamp_of
from asma_core.metrics.score import SUCCESS, outcome, reached
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.loading import load_model, predict
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.wrapper.backend import float32_sums
from asma_core.models.wrapper.devices import choose_device
from asma_core.models.wrapper.precision import FLOAT32
from asma_core.models.wrapper.threads import thread_count
from asma_core.runs.attacking import as_attacked, memory_explained
from asma_core.runs.figures import Judge, make_judge
from asma_core.runs.measuring import attack_inputs
from asma_core.runs.sources import from_sample, target_from_sample
from asma_core.runs.spec import RunInputs

# Gets on how many images it is being learned, and the number of steps made of that.
OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class Subject:
    """An image with what it is judged by.

    Attributes:
        inputs: The image as its 8-bit file.
        judge: Of the network's predictions.
        given: For the attack.
    """

    inputs: RunInputs
    judge: Judge
    given: AttackInputs

    @property
    def before(self) -> float:
        """Score of the image without any change."""
        return self.judge.judged(self.judge.clean).value


def learn_missing(
    plan: UniversalPlan, parts: Parts, on_step: OnStep = lambda count, step: None
) -> None:
    """Learn the changes that were not made yet, put each on images that it has not seen, keep it.

    Args:
        plan: What is asked.
        parts: Of the plan.
        on_step: May raise, to stop; what is complete stays.

    Raises:
        AsmaError: Network or images are other ones now, an image can't be read, the network fails.
    """
    if parts.is_complete(plan):
        return
    work = _Work(plan)
    with float32_sums(FLOAT32), memory_explained(work.device, work.unseen[0].inputs):
        for name, make in ((WITHOUT, work.nothing), (NOISE, work.noise)):
            if not parts.has(name):
                parts.keep(work.judged(name, make(), ()))
        for count in plan.counts:
            if not parts.has(count):
                change = work.learned(count, on_step)
                parts.keep(work.judged(count, change, work.seen[:count]))


class _Work:
    """The images of a plan with its network, and what is done with them.

    Attributes:
        device: The network is on.
        seen: The images to learn on.
        unseen: The images to judge on.
    """

    def __init__(self, plan: UniversalPlan) -> None:
        self._plan = plan
        self._card = find_card(plan.model)
        dataset = open_dataset(plan.dataset)
        names = (*plan.learned_on, *plan.judged_on, *([plan.target] if plan.target else []))
        samples = [dataset.find(name) for name in names]
        if stamp_of(self._card, dataset, samples) != plan.stamp:
            raise InputError(
                f"{plan.model} or images of {plan.dataset} have changed since this was asked; ask "
                "anew, with the same form or command"
            )
        self.device = choose_device(plan.device)
        torch.set_num_threads(thread_count())
        with float32_sums(FLOAT32):
            subjects = [
                _subject(plan, self._card, dataset, one, self.device)
                for one in samples[: len(plan.learned_on) + len(plan.judged_on)]
            ]
        self.seen = subjects[: len(plan.learned_on)]
        self.unseen = subjects[len(plan.learned_on) :]
        check_channels([one.given for one in subjects])
        self._first = self.seen[0].given.images
        self._budget = budget_of(self._first, plan.config)

    def nothing(self) -> Tensor:
        """Return no change, (1, C, H, W)."""
        return torch.zeros_like(self._first)

    def noise(self) -> Tensor:
        """Return signs of the whole budget, (1, C, H, W)."""
        torch.manual_seed(self._plan.seed)
        return _noise(self._first, self._budget, self._plan.config)

    def learned(self, count: int, on_step: OnStep) -> Tensor:
        """Return the change that is learned on the first images, (1, C, H, W)."""
        on_step(count, 0)
        torch.manual_seed(self._plan.seed)
        return learned(
            load_model(self._card, self.device),
            [one.given for one in self.seen[:count]],
            self._plan.config,
            self._plan.goal == AWAY,
            lambda step: on_step(count, step),
        )

    def judged(self, name: str | int, change: Tensor, seen: Sequence[Subject]) -> Part:
        """Return a change with its figures on unseen images, and on those it was learned on."""
        plan = self._plan
        found = [self._said(one, change, name == WITHOUT) for one in self.unseen]
        scores = [
            one.judge.judged(said).value for one, (_, said) in zip(self.unseen, found, strict=True)
        ]
        known = [one.judge.judged(self._said(one, change)[1]).value for one in seen]
        pairs = [(one.before, end) for one, end in zip(self.unseen, scores, strict=True)]
        asked = [pair for pair in pairs if not reached(pair[0], plan.wanted)]
        won = sum(outcome(*pair, plan.wanted) == SUCCESS for pair in asked)
        row: dict[str, Any] = {
            "images": name,
            "n": len(asked),
            "successes": won,
            "success_rate": won / len(asked) if asked else None,
            "score": float(np.mean(scores)),
            "score_learned": float(np.mean(known)) if known else None,
            "scores": scores,
            "budget": self._budget,
        }
        return Part(str(name), row, change[0].cpu().numpy(), found[:SHOWN])

    def _said(
        self, one: Subject, change: Tensor, without: bool = False
    ) -> tuple[ByteImage, Labels]:
        """Return an image with a change as it would be saved, and what is said of it."""
        if without:
            return to_bytes(one.inputs.image), one.judge.clean
        config = self._plan.config
        file = changed(one.given.images, change, self._budget, config.norm)[0].cpu().numpy()
        return to_bytes(file), predict(load_model(self._card, self.device), file, self.device)


def _subject(
    plan: UniversalPlan, card: ModelCard, dataset: Dataset, sample: Sample, device: torch.device
) -> Subject:
    source = from_sample(dataset, sample)
    given = source.without_target()
    if plan.goal == MASK:
        target = target_from_sample(dataset, dataset.find(plan.target), source.shape)
        given = source.with_target(target)
    inputs = as_attacked(given, card, device)
    clean = predict(load_model(card, device), inputs.image, device)
    aim = AWAY_FROM_PREDICTION if plan.goal == AWAY else TOWARDS
    judge = make_judge(inputs, clean, len(card.classes), aim)
    return Subject(inputs, judge, attack_inputs([inputs], [judge], device))


def _noise(like: Tensor, budget: float, config: UniversalConfig) -> Tensor:
    signs = (torch.randint(0, 2, like.shape) * 2.0 - 1.0).to(like)
    return within(signs * (budget if config.norm == LINF else 1e4), budget, config.norm)

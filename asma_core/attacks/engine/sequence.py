"""Several attacks one after the other on one batch; the best of each image counts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Generic

from asma_core.attacks.contract import (
    CANCELLED,
    GOAL_REACHED,
    NO_STEP_NEEDED,
    Attack,
    AttackInputs,
    AttackResult,
    OnStep,
    Pictures,
    StepReport,
)
from asma_core.attacks.engine.batch import check_batch
from asma_core.attacks.engine.loop import Config
from asma_core.attacks.engine.tracker import better
from asma_core.attacks.settings import CommonConfig, Goal
from asma_core.errors import InputError
from asma_core.fields import AttackConfig
from asma_core.lazy import torch


@dataclass(frozen=True)
class Stage:
    """One attack of a sequence.

    Attributes:
        name: For people.
        attack: The attack.
        config: Its settings; its steps are set by the sequence.
    """

    name: str
    attack: Attack
    config: CommonConfig


@dataclass(frozen=True)
class Sequence(Generic[Config]):
    """A sequence of attacks, called as `contract.Attack` says; they share the steps evenly.

    Attributes:
        config: Class of its settings.
        stages: Makes the attacks from the settings.
    """

    config: type[Config]
    stages: Callable[[Config], list[Stage]]

    def __call__(
        self,
        model: torch.nn.Module,
        inputs: AttackInputs,
        config: AttackConfig,
        *,
        on_step: OnStep | None = None,
    ) -> list[AttackResult]:
        """Attack a batch; see `contract.Attack`."""
        if not isinstance(config, self.config):
            raise InputError(f"expected settings of {self.config.__name__}, got {config!r}")
        check_batch(inputs.images)
        goal, run = config.goal(), _Run(config.steps, on_step)
        results: list[AttackResult | None] = [None] * len(inputs.images)
        for stage, steps in _shared(self.stages(config), config.steps):
            rows = [
                row
                for row, known in enumerate(results)
                if row not in run.cancelled and _goes_on(known, goal)
            ]
            if not rows:
                break
            run.begin(rows)
            settings = replace(stage.config, steps=steps)
            some = stage.attack(model, inputs.select(rows), settings, on_step=run.on_step)
            for row, result in zip(rows, some, strict=True):
                results[row] = _merged(results[row], run.placed(result, row), stage.name, goal)
            run.end(steps)
        return [run.ended(result) for result in results if result is not None]


def _shared(stages: list[Stage], steps: int) -> list[tuple[Stage, int]]:
    """Give each attack its steps; the first get what does not divide evenly."""
    each, left = divmod(steps, len(stages))
    shares = [each + (place < left) for place in range(len(stages))]
    return [(stage, share) for stage, share in zip(stages, shares, strict=True) if share > 0]


def _goes_on(known: AttackResult | None, goal: Goal) -> bool:
    """An image is done when it was at its target from the start, or at any success if so asked."""
    if known is None:
        return True
    return not (known.ending == NO_STEP_NEEDED or (known.success and goal.stops))


class _Run:
    """What the attacks of a sequence have done together.

    Attributes:
        cancelled: Rows that `on_step` asked to stop.
    """

    def __init__(self, steps: int, on_step: OnStep | None) -> None:
        self.cancelled: set[int] = set()
        self._steps, self._on_step = steps, on_step
        self._offset = 0
        self._rows: list[int] = []

    @property
    def on_step(self) -> OnStep | None:
        """Report of all steps, or nothing if nobody asked."""
        return self._report if self._on_step is not None else None

    def begin(self, rows: list[int]) -> None:
        """Begin an attack on some of the images."""
        self._rows = rows

    def end(self, steps: int) -> None:
        """Count the steps of an attack."""
        self._offset += steps

    def _report(self, report: StepReport) -> Collection[int]:
        if self._offset and report.step == 0:
            return ()  # the original again, which was reported by the first attack
        placed = tuple(
            replace(now, index=self._rows[now.index], step=now.step + self._offset)
            for now in report.images
        )

        def pictures() -> Pictures:
            taken = report.pictures()
            return replace(taken, indices=tuple(self._rows[index] for index in taken.indices))

        assert self._on_step is not None
        whole = StepReport(report.step + self._offset, self._steps, placed, pictures)
        asked = self._on_step(whole)
        if not isinstance(asked, Collection):
            asked = self._rows if asked else ()
        self.cancelled.update(asked)
        return [place for place, row in enumerate(self._rows) if row in self.cancelled]

    def placed(self, result: AttackResult, row: int) -> AttackResult:
        """Count steps from the beginning of the sequence, and the image from the first of all."""
        steps = result.trajectory[1:] if self._offset else result.trajectory
        moved = tuple(replace(now, index=row, step=now.step + self._offset) for now in steps)
        at = result.best.step + self._offset if result.best.step else 0
        return replace(
            result,
            best=replace(result.best, index=row, step=at),
            steps=result.steps + self._offset,
            trajectory=moved,
        )

    def ended(self, result: AttackResult) -> AttackResult:
        """Say how an image ended, when its last attack knows only of itself."""
        stopped = result.best.index in self.cancelled
        if stopped and result.ending not in (GOAL_REACHED, NO_STEP_NEEDED):
            return replace(result, ending=CANCELLED)
        return result


def _merged(before: AttackResult | None, now: AttackResult, name: str, goal: Goal) -> AttackResult:
    """Keep the better image of two attacks, and add up what they spent."""
    now = replace(now, notes=dict(now.notes) | {"best of": name})
    if before is None:
        return now
    wins = better(now.best, now.success, before.best, before.success, goal.norm)
    best = now if wins else before
    return replace(
        best,
        steps=now.steps,
        gradient_evaluations=before.gradient_evaluations + now.gradient_evaluations,
        forward_passes=before.forward_passes + now.forward_passes,
        ending=now.ending,
        trajectory=before.trajectory + now.trajectory,
        flat=before.flat + now.flat,
        classes=before.classes | now.classes,
    )

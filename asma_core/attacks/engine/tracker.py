"""Keeping, per image, the trajectory, the best image, and whether it is done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from asma_core.attacks.contract import (
    CANCELLED,
    GOAL_REACHED,
    NO_STEP_NEEDED,
    STEPS_USED,
    AttackResult,
    OnStep,
    Pictures,
    StepMetrics,
    StepReport,
)
from asma_core.attacks.engine.batch import AttackBatch, largest, norms
from asma_core.attacks.settings import CIEDE2000, L2, LINF, SCORE, SUSPICION, CommonConfig
from asma_core.lazy import Tensor, torch
from asma_core.metrics.score import REMOVED, reached, score, score_kind


@dataclass
class Record:
    """What is known of one image; the trajectory has a place for each step, from 0 on."""

    trajectory: list[StepMetrics] = field(default_factory=list)
    best: StepMetrics | None = None
    adversarial: Tensor | None = None
    success: bool = False
    succeeds_now: bool = False
    evaluations: int = 0
    passes: int = 0
    flat: int = 0
    classes: set[int] = field(default_factory=set)
    ending: str = STEPS_USED


class Tracker:
    """Follows an attack step by step.

    Attributes:
        steps: Most updates.
        cancelled: Whether `on_step` asked all to stop.
    """

    def __init__(self, batch: AttackBatch, config: CommonConfig, on_step: OnStep | None) -> None:
        """Start to follow an attack on a batch."""
        self.steps = config.steps
        self.cancelled = False
        self._target_score = config.target_iou
        self._goal = config.goal()
        self._on_step = on_step
        self._counted: AttackBatch | None = None
        self._cells = batch.target
        # What predictions are held against, by the kind of score; see `metrics.score`.
        self._reference, self._indices = batch.target, batch.indices
        self._records = [Record() for _ in range(len(batch.images))]
        structure = ((batch.target > 0) & batch.valid).flatten(1).any(dim=1)
        away = self._goal.away
        self._kinds = [score_kind(structured, away) for structured in structure.tolist()]

    def update(
        self,
        step: int,
        batch: AttackBatch,
        images: Tensor,
        predictions: Tensor,
        classes: int,
        eligible: bool = True,
        recheck: Callable[[list[int]], Tensor] | None = None,
        measured: Tensor | None = None,
    ) -> Tensor:
        """Take in the state of the images still under attack, before their update.

        Args:
            step: Updates made so far.
            batch: Of these images.
            images: float32 (B, C, H, W).
            predictions: int64 (B, H', W'), of these images.
            classes: K.
            eligible: Whether these images may be kept, and count as successes.
            recheck: Predicts some rows again, without the rounding of a fast backend; what it says
                of seeming successes, and of the originals, takes the place in `predictions`.
            measured: (B,), by what images are compared where it is a norm of the attack's own.

        Returns:
            float64 (B,) on the CPU: the score of each image.
        """
        if recheck is not None and step == 0:
            predictions[:] = recheck(list(range(len(predictions))))
        if step == 0:
            self._refer_to(batch, predictions)
        figures = self._figures(step, batch, images, predictions, classes)
        seeming = [row for row, now in enumerate(figures) if reached(now.score, self._target_score)]
        if recheck is not None and step > 0 and seeming:
            predictions[seeming] = recheck(seeming)
            figures = self._figures(step, batch, images, predictions, classes)
        if measured is not None:
            own = zip(figures, measured.tolist(), strict=True)
            name = SUSPICION if self._goal.norm == SUSPICION else CIEDE2000
            figures = tuple(replace(now, **{name: value}) for now, value in own)
        asked_again = range(len(figures)) if step == 0 else seeming
        for row, now in enumerate(figures):
            record = self._records[now.index]
            record.passes += 1 + (recheck is not None and row in asked_again)
            record.trajectory.append(now)
            record.succeeds_now = False
            if eligible:
                self._take(record, now, images[row])
        if self._on_step is not None:
            report = StepReport(
                step, self.steps, figures, lambda: self._pictures(batch, images, predictions)
            )
            self._cancel(self._on_step(report), step)
        return torch.tensor([now.score for now in figures], dtype=torch.float64)

    def _cancel(self, asked: bool | Collection[int] | None, step: int) -> None:
        """Take in what `on_step` returned: nothing, to stop, or the images that are to stop."""
        if not isinstance(asked, Collection):
            self.cancelled = bool(asked)
            return
        for index in asked:
            if self._records[index].ending == STEPS_USED and step < self.steps:
                self._records[index].ending = CANCELLED

    def going(self, batch: AttackBatch) -> Tensor:
        """Return bool (B,) on the CPU: which images of a batch are not done."""
        return torch.tensor([record.ending == STEPS_USED for record in self._of(batch)])

    def success(self, batch: AttackBatch) -> Tensor:
        """Return bool (B,) on the CPU: which images are at the target as they are now."""
        return torch.tensor([record.succeeds_now for record in self._of(batch)])

    def spend(self, batch: AttackBatch) -> int:
        """Count a forward and backward pass of who goes on; return the most so far."""
        going = [record for record in self._of(batch) if record.ending == STEPS_USED]
        for record in going:
            record.evaluations += 1
        return max((record.evaluations for record in going), default=0)

    def count_flat(self, batch: AttackBatch, rows: Tensor) -> None:
        """Count the gradients of some rows, bool (B,), as 0, where the image goes on."""
        for record, flat in zip(self._of(batch), rows.tolist(), strict=True):
            record.flat += flat and record.ending == STEPS_USED

    def end(self, batch: AttackBatch, rows: Tensor, ending: str) -> None:
        """End the images of some rows, bool (B,), that have not ended before."""
        for record, ends in zip(self._of(batch), rows.tolist(), strict=True):
            if ends and record.ending == STEPS_USED:
                record.ending = ending

    def _of(self, batch: AttackBatch) -> list[Record]:
        return [self._records[index] for index in batch.indices.tolist()]

    def results(self, chosen: list[Mapping[str, float]]) -> list[AttackResult]:
        """Return what came of each image, with what the attack chose for it."""
        return [
            self._result(record, own) for record, own in zip(self._records, chosen, strict=True)
        ]

    def _figures(
        self,
        step: int,
        batch: AttackBatch,
        images: Tensor,
        predictions: Tensor,
        classes: int,
    ) -> tuple[StepMetrics, ...]:
        perturbation = images - batch.images
        l2 = norms(perturbation).tolist()
        linf = largest(perturbation).tolist()
        confusion = self._confusion(batch, predictions, classes).cpu().numpy()
        figures = []
        for row, index in enumerate(batch.indices.tolist()):
            kind = self._kinds[index]
            self._records[index].classes.update(confusion[row].any(axis=0).nonzero()[0].tolist())
            now = score(kind, confusion[row])
            figures.append(
                StepMetrics(
                    index, step, now.value, now.iou, now.pixel_accuracy, l2[row], linf[row], kind
                )
            )
        return tuple(figures)

    def _refer_to(self, batch: AttackBatch, predictions: Tensor) -> None:
        """Hold images whose structure is to go against what the network sees of the originals."""
        removed = [self._kinds[index] == REMOVED for index in batch.indices.tolist()]
        rows = torch.tensor(removed, device=predictions.device).view(-1, 1, 1)
        self._reference = torch.where(rows, predictions, batch.target)

    def _confusion(self, batch: AttackBatch, predictions: Tensor, classes: int) -> Tensor:
        """Return int64 (B, K, K): of the pixels that count, how many of which class as which."""
        count = len(predictions) * classes**2
        if self._counted is not batch:
            rows = torch.arange(len(predictions), device=predictions.device).view(-1, 1, 1)
            if len(predictions) < len(self._reference):
                kept = torch.isin(self._indices, batch.indices)
                self._reference, self._indices = self._reference[kept], self._indices[kept]
            cells = (rows * classes + self._reference) * classes
            # Void pixels fall into cells behind all others, which are cut off.
            self._cells = cells if batch.no_void else cells.where(batch.valid, count)
            self._counted = batch
        counts = torch.bincount((self._cells + predictions).flatten(), minlength=count)
        return counts[:count].view(-1, classes, classes)

    def _take(self, record: Record, now: StepMetrics, image: Tensor) -> None:
        success = record.succeeds_now = reached(now.score, self._target_score)
        best, norm = record.best, self._goal.norm
        if best is None or better(now, success, best, record.success, norm):
            record.best, record.success = now, success
            record.adversarial = image.detach().clone()
        if success and now.step == 0:
            record.ending = NO_STEP_NEEDED
        elif success and self._goal.stops:
            record.ending = GOAL_REACHED

    def _pictures(self, batch: AttackBatch, images: Tensor, predictions: Tensor) -> Pictures:
        indices = tuple(batch.indices.tolist())
        return Pictures(indices, images.detach().cpu().clone(), predictions.cpu().clone())

    def _result(self, record: Record, chosen: Mapping[str, float]) -> AttackResult:
        if record.best is None or record.adversarial is None:
            raise RuntimeError("an attack ended before its first step")
        ending, steps = record.ending, record.trajectory[-1].step
        if self.cancelled and ending == STEPS_USED and steps < self.steps:
            ending = CANCELLED
        return AttackResult(
            adversarial=record.adversarial.cpu(),
            success=record.success and ending != NO_STEP_NEEDED,
            best=record.best,
            steps=steps,
            gradient_evaluations=record.evaluations,
            forward_passes=record.passes,
            ending=ending,
            chosen=chosen,
            trajectory=tuple(record.trajectory),
            flat=record.flat,
            classes=frozenset(record.classes),
        )


def better(now: StepMetrics, success: bool, best: StepMetrics, succeeded: bool, norm: str) -> bool:
    """Tell whether an image is better than the best so far.

    Any success beats none; of two successes the nearer one wins, otherwise the higher score.

    Args:
        now: Figures of the image.
        success: Whether it succeeds.
        best: Figures of the best so far.
        succeeded: Whether that one succeeds.
        norm: In which nearness is measured.
    """
    if success != succeeded:
        return success
    if not success or norm == SCORE:
        return now.score > best.score
    if norm == LINF:
        # It has few values; of two alike the one of the smaller L2 wins.
        return (now.linf, now.l2) < (best.linf, best.l2)
    if norm == SUSPICION:
        # A detector may say the same of two: then the smaller change wins.
        return (now.suspicion, now.l2) < (best.suspicion, best.l2)
    nearness = norm if norm == CIEDE2000 else L2
    return bool(getattr(now, nearness) < getattr(best, nearness))

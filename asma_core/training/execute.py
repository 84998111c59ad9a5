"""Carrying out a queued training: its curve is kept, and its end is written."""

from __future__ import annotations

import math
import time
from typing import Any, Final

from asma_core import paths
from asma_core.accounts.belongings import NETWORK, claim
from asma_core.accounts.current import on_behalf_of
from asma_core.errors import AsmaError
from asma_core.files import json_values
from asma_core.training import store as states
from asma_core.training.data import material_of
from asma_core.training.progress import TrainingProgress
from asma_core.training.store import Training, TrainingStore
from asma_core.training.train import TrainingReport, train

# A curve of more points than this is thinned: nobody sees more.
MOST_POINTS: Final = 400
KEEP_EVERY: Final = 0.5


class _Watch:
    """Keeps the curve of a training, and passes on that it shall stop."""

    def __init__(self, trainings: TrainingStore, training: Training) -> None:
        self._store, self._id = trainings, training.id
        curve = training.curve or {}
        self._loss = list(zip(curve.get("steps", []), curve.get("loss", []), strict=True))
        clean = curve.get("iou", [])
        attacked = curve.get("robust") or [None] * len(clean)
        self._validations = list(zip(curve.get("validations", []), clean, attacked, strict=True))
        self._kept_at = -math.inf
        self._begun: tuple[int, float] | None = None

    def __call__(self, now: TrainingProgress) -> bool:
        # What a later checkpoint had not kept is trained, and drawn, once more.
        self._loss = [point for point in self._loss[-2 * MOST_POINTS :] if point[0] < now.step]
        if not math.isnan(now.loss):
            self._loss.append((now.step, now.loss))
        if now.validation is not None:
            self._validations = [point for point in self._validations if point[0] < now.step]
            self._validations.append((now.step, now.validation, now.robust))
        self._begun = self._begun or (now.step, now.seconds)
        last = now.step == now.steps
        if last or time.monotonic() - self._kept_at > KEEP_EVERY:
            self._kept_at = time.monotonic()
            self._store.keep_curve(self._id, self._curve(now))
            return self._store.shall_stop(self._id)
        return False

    def _curve(self, now: TrainingProgress) -> dict[str, Any]:
        if len(self._loss) > MOST_POINTS:
            self._loss = self._loss[-1::-2][::-1]
        step, seconds = self._begun or (now.step, now.seconds)
        per_step = (now.seconds - seconds) / max(now.step - step, 1)
        curve = {
            "steps": [point[0] for point in self._loss],
            "loss": [point[1] for point in self._loss],
            "validations": [point[0] for point in self._validations],
            "iou": [point[1] for point in self._validations],
            "step": now.step,
            "of": now.steps,
            "seconds": now.seconds,
            "left": per_step * (now.steps - now.step),
            "best": now.best,
        }
        if any(point[2] is not None for point in self._validations):
            curve["robust"] = [point[2] for point in self._validations]
            curve["best_robust"] = now.best_robust
        return json_values(curve)


def execute(trainings: TrainingStore, training_id: str) -> None:
    """Carry out a queued training in this process; nothing is done if another has taken it.

    Raises:
        StoreError: Not even its end could be written.
    """
    if not trainings.claim(training_id):
        return
    try:
        report = _train(trainings, training_id)
    except AsmaError as error:
        trainings.fail(training_id, str(error))
    except Exception as error:
        text = f"an error of the workbench itself: {type(error).__name__}: {error}"
        trainings.fail(training_id, text)
        raise
    else:
        _end(trainings, training_id, report)


def _train(trainings: TrainingStore, training_id: str) -> TrainingReport | None:
    training = trainings.get(training_id)
    return train(
        material_of(training.plan),
        training.plan,
        paths.home() / "models",
        checkpoint=trainings.checkpoint(training_id),
        on_progress=_Watch(trainings, training),
    )


def _end(trainings: TrainingStore, training_id: str, report: TrainingReport | None) -> None:
    if report is None:
        trainings.end(training_id, states.STOPPED)
        return
    scores = report.evaluation
    figures = {
        "test_images": scores.images,
        "test_iou": scores.iou,
        "test_dice": scores.dice,
        "steps": report.steps,
        "seconds": report.seconds,
        "stopped": report.stopped,
    }
    if report.robust is not None:
        figures["test_robust_iou"] = report.robust.iou
    author = on_behalf_of(trainings.get(training_id).author)
    claim(NETWORK, report.name, author, shared=True)
    trainings.end(
        training_id,
        states.DONE,
        message=report.message,
        network=report.name,
        figures=json_values(figures),
    )

"""What survives: a run's file after what happens to files, seen by the network once more."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from asma_core.data.formats.images import FloatImage
from asma_core.files import json_values
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.metrics.score import reached
from asma_core.models.sources.loading import load_model, predict
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.runs.attacking import made_by, memory_explained
from asma_core.runs.figures import Judge, Labels, make_judge
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from asma_core.treatments.contract import UNSEEN, Treatment
from asma_core.treatments.registry import TREATMENTS, UNTOUCHED


@dataclass(frozen=True)
class Seen:
    """A picture under a treatment, and what the network says of it.

    Attributes:
        image: float32 (C, H, W) in [0, 1], as the treatment left it.
        prediction: int64 (H, W), where it lies on that picture.
        score: Of the prediction, brought back; what the run is judged by.
        truth_iou: Its IoU with the truth; NaN where that is not known.
    """

    image: FloatImage
    prediction: Labels
    score: float
    truth_iou: float


@dataclass(frozen=True)
class Survived:
    """What a treatment leaves of a run's file, and of the original.

    Attributes:
        treatment: The treatment; `UNTOUCHED` comes first.
        adversarial: The adversarial file.
        original: The original, which says what the treatment itself costs.
        reached: Whether the adversarial file is at the run's goal.
    """

    treatment: Treatment
    adversarial: Seen
    original: Seen
    reached: bool

    def figures(self) -> dict[str, Any]:
        """Return names and figures as plain values; None for what is undefined."""
        return json_values(
            {
                "name": self.treatment.name,
                "title": self.treatment.title,
                "summary": self.treatment.summary,
                "source": self.treatment.source,
                "score": self.adversarial.score,
                "truth_iou": self.adversarial.truth_iou,
                "reached": self.reached,
                "original_score": self.original.score,
                "original_truth_iou": self.original.truth_iou,
            }
        )


def survival(store: RunStore, run: Run, device: str = "auto") -> Iterator[Survived]:
    """Give what is left of a run under each treatment, the untouched file first.

    Args:
        store: Of the run.
        run: One with a result, cancelled or not.
        device: As `Execution` names it.

    Raises:
        RunStateError: It has no result.
        UnknownNameError: Its network is not there any more.
        ModelError: The network has changed since.
        DeviceError: No such device, or no memory for the image.
        StoreError: A file of the run can't be read.
    """
    made = made_by(store, run, device)
    where, inputs, saved = made.device, made.inputs, made.saved
    with memory_explained(where, inputs):
        model = load_model(made.card, where)
        clean = predict(model, inputs.image, where)
        judge = make_judge(inputs, clean, len(model.classes), run.aim)
        covered = model.covered(*inputs.image.shape[1:]).cpu().numpy()
        look = _Look(model, where, judge, inputs.truth, covered)
        for treatment in (UNTOUCHED, *TREATMENTS.values()):
            adversarial = look.at(treatment, saved)
            original = look.at(treatment, inputs.image)
            at_goal = reached(adversarial.score, run.wanted)
            yield Survived(treatment, adversarial, original, at_goal)


@dataclass(frozen=True)
class _Look:
    model: SegmentationModel
    device: torch.device
    judge: Judge
    truth: Labels | None
    covered: NDArray[np.bool_]

    def at(self, treatment: Treatment, image: FloatImage) -> Seen:
        """Treat an image, and judge what the network says of it."""
        treated = treatment.treat(image)
        said = predict(self.model, treated, self.device)
        labels = treatment.back(said)
        # Of what the network is silent about on the treated picture nothing is known either.
        answered = treatment.back(self.covered.astype(np.int64)) == 1
        judge = replace(self.judge, valid=self.judge.valid & answered)
        labels = np.where(labels == UNSEEN, 0, labels)
        truth_iou = math.nan
        if self.truth is not None:
            counts = confusion_matrix(labels, self.truth, judge.classes, judge.valid)
            truth_iou = foreground_iou(counts)
        return Seen(treated, said, judge.judged(labels).value, truth_iou)

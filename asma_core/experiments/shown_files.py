"""Showing the files of runs to networks, those that they were made on and others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from asma_core.data.formats.images import read_image
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.metrics.score import SUCCESS, outcome
from asma_core.models.sources.loading import load_model, predict
from asma_core.models.sources.model_card import ModelCard
from asma_core.runs.artefacts import ADVERSARIAL
from asma_core.runs.attacking import as_attacked
from asma_core.runs.figures import Judge, Labels
from asma_core.runs.run import Run
from asma_core.runs.spec import RunInputs
from asma_core.runs.store import RunStore


@dataclass(frozen=True)
class Seen:
    """What a network says of a file.

    Attributes:
        success: Whether it is a change that fools it as was asked.
        score: As the run is judged, in [0, 1].
        iou: With the truth, in [0, 1]; None where there is none.
    """

    success: bool
    score: float
    iou: float | None


@dataclass(frozen=True)
class Look:
    """Asks a network about files.

    Attributes:
        runs: Where they lie.
        card: Of the network.
        device: It is on.
    """

    runs: RunStore
    card: ModelCard
    device: torch.device

    def inputs(self, run: Run) -> RunInputs:
        """Return what a run is about, void where this network has no answer."""
        return as_attacked(self.runs.inputs(run), self.card, self.device)

    def says(self, inputs: RunInputs) -> Labels:
        """Return the network's prediction, int64 (H, W).

        Raises:
            ModelError: Its logits are not finite, or it can't be loaded.
        """
        return predict(load_model(self.card, self.device), inputs.image, self.device)

    def seen(self, of: Run, run: Run, judge: Judge, inputs: RunInputs) -> Seen:
        """Return what the network says of one run's file, judged as another is.

        Args:
            of: Whose file it is.
            run: Whose goal it is.
            judge: Of this network's predictions.
            inputs: Of the run whose goal it is, as this network answers them.

        Raises:
            ModelError: As for `says`.
        """
        saved = read_image(self.runs.folder(of.id) / ADVERSARIAL)
        labels = self.says(replace(inputs, image=saved))
        score = float(judge.figures(labels, "")["score"])
        before = float(judge.figures(judge.clean, "")["score"])
        success = outcome(before, score, run.wanted) == SUCCESS
        return Seen(success, score, truth_iou(labels, inputs, judge.classes))


def truth_iou(labels: Labels, inputs: RunInputs, classes: int) -> float | None:
    """Return the mean foreground IoU with the truth; None where there is none to have."""
    if inputs.truth is None:
        return None
    value = foreground_iou(confusion_matrix(labels, inputs.truth, classes, inputs.valid))
    return None if value != value else value

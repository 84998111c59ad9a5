"""The steps of a training, with validations and checkpoints between them."""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from asma_core.data.masks.label_maps import VOID
from asma_core.errors import ModelError
from asma_core.files import write_bytes
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.training.batches import AUGMENTATION, batches
from asma_core.training.data import Material
from asma_core.training.evaluation import evaluate
from asma_core.training.plan import TrainingPlan

# Seconds between two checkpoints beside those that follow a look at the validation images.
CHECKPOINT_EVERY: Final = 60.0
# Decoupled, of AdamW.
WEIGHT_DECAY: Final = 1e-4
# A void pixel is answered with this certainty, so that it pulls at nothing.
_CERTAIN: Final = 20.0


@dataclass(frozen=True)
class TrainingProgress:
    """Where a training is.

    Attributes:
        step: Steps done.
        steps: Steps in all.
        loss: Dice plus cross-entropy of the last batch.
        learning_rate: Of the last step.
        seconds: Since the training began.
        validation: Mean IoU on the validation images, where one came after this step.
        best: The best of these so far.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float
    seconds: float
    validation: float | None = None
    best: float | None = None


# What it returns, if true, stops the training; its checkpoint lets it go on later.
OnProgress = Callable[[TrainingProgress], Any]


class TrainingLoop:
    """A training that can be left between two steps and gone on with.

    Attributes:
        model: The network being trained.
        step: Steps done.
        stopped: "" while it runs, then "done", "early" or "asked".
        best: Best mean IoU on the validation images; None without any.
    """

    def __init__(
        self,
        model: SegmentationModel,
        plan: TrainingPlan,
        material: Material,
        checkpoint: Path | None = None,
    ) -> None:
        """Prepare a training, or go on with the one in the checkpoint.

        Args:
            model: With fresh weights, on the device to train on.
            plan: How to train.
            material: What to train on, and to choose the best weights by.
            checkpoint: File to go on from, if it is there and of the same training.
        """
        self.model = model
        self.step = 0
        self.stopped = ""
        self.best: float | None = None
        self._plan, self._material = plan, material
        self._checkpoint = checkpoint
        self._best_weights: dict[str, Tensor] = {}
        self._without_gain = 0
        self._seconds = 0.0
        self._optimiser = torch.optim.AdamW(
            model.parameters(), lr=plan.learning_rate, weight_decay=WEIGHT_DECAY
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, plan.learning_rate, total_steps=plan.steps + 1, pct_start=0.15
        )
        self._take_up()

    def run(self, on_progress: OnProgress | None = None) -> None:
        """Train to the end, until nothing is gained any more, or until somebody asks to stop.

        Raises:
            ModelError: The loss became NaN.
            StoreError: The checkpoint can't be written.
        """
        from monai.losses.dice import DiceCELoss

        loss_of = DiceCELoss(softmax=True, to_onehot_y=True, batch=True)
        begin, before = time.perf_counter(), self._seconds
        saved = begin
        pairs, channels = self._material.train, self.model.spec.channels
        self.model.train()
        for images, labels in batches(pairs, self._plan, channels, self.step):
            loss = self._update(loss_of, images, labels)
            self.step += 1
            self._seconds = before + time.perf_counter() - begin
            validation = self._validate()
            asked = bool(on_progress and on_progress(self._progress(loss, validation)))
            if asked or self._is_idle():
                self.stopped = "asked" if asked else "early"
                self._save()
                break
            if validation is not None or time.perf_counter() - saved > CHECKPOINT_EVERY:
                self._save()
                saved = time.perf_counter()
        self.stopped = self.stopped or "done"

    def best_model(self) -> SegmentationModel:
        """Return the network with its best weights, in evaluation mode."""
        if self._best_weights:
            self.model.load_state_dict(self._best_weights)
        return self.model.eval()

    def _progress(self, loss: float, validation: float | None) -> TrainingProgress:
        rate = float(self._optimiser.param_groups[0]["lr"])
        return TrainingProgress(
            self.step, self._plan.steps, loss, rate, self._seconds, validation, self.best
        )

    def _update(self, loss_of: nn.Module, images: Tensor, labels: Tensor) -> float:
        device = self.model.mean.device
        images, labels = images.to(device), labels.to(device)
        # A GPU computes in bfloat16 where that is safe.
        reduced = device.type == "cuda"
        # The batch already has the network's own size, so the resizing inside is skipped.
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=reduced):
            logits = self.model.network((images - self.model.mean) / self.model.std)
        loss = loss_of(*without_void(logits.float(), labels))
        if not math.isfinite(loss.item()):
            raise ModelError("the training loss became NaN; choose a smaller learning rate")
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self._optimiser.step()
        self._schedule.step()
        return float(loss.item())

    def _validate(self) -> float | None:
        """Score the network on the validation images when it is time; keep the best weights."""
        last = self.step == self._plan.steps
        due = last or self.step % self._plan.validation_every == 0
        if not self._material.validation or not due:
            return None
        self.model.eval()
        iou = evaluate(self.model, self._material.validation).iou
        self.model.train()
        iou = 0.0 if math.isnan(iou) else iou
        self._without_gain += 1
        if self.best is None or iou > self.best:
            self.best, self._without_gain = iou, 0
            state = self.model.state_dict()
            self._best_weights = {key: value.detach().clone() for key, value in state.items()}
        return iou

    def _is_idle(self) -> bool:
        return 0 < self._plan.patience <= self._without_gain

    def _identity(self) -> str:
        """Tell one training from another: its plan, its images and its network."""
        shapes = [tuple(value.shape) for value in self.model.state_dict().values()]
        counts = (len(self._material.train), len(self._material.validation))
        # Under another name and on another device it is the same training.
        how = (replace(self._plan, name="", device=""), AUGMENTATION, WEIGHT_DECAY)
        text = repr((how, counts, self.model.classes, self.model.spec, shapes))
        return hashlib.sha256(text.encode()).hexdigest()

    def _save(self) -> None:
        if self._checkpoint is None:
            return
        buffer = io.BytesIO()
        torch.save(
            {
                "identity": self._identity(),
                "step": self.step,
                "seconds": self._seconds,
                "best": self.best,
                "without_gain": self._without_gain,
                "best_weights": self._best_weights,
                "model": self.model.state_dict(),
                "optimiser": self._optimiser.state_dict(),
                "schedule": self._schedule.state_dict(),
                "random": torch.get_rng_state(),
            },
            buffer,
        )
        write_bytes(self._checkpoint, buffer.getvalue())

    def _take_up(self) -> None:
        if self._checkpoint is None or not self._checkpoint.exists():
            return
        device = self.model.mean.device
        try:
            state = torch.load(self._checkpoint, map_location=device, weights_only=True)
            same = state["identity"] == self._identity()
        except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, KeyError, ValueError):
            # Damaged: the training begins again.
            return
        if not same:
            return
        self.model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])
        self.step, self._seconds = state["step"], state["seconds"]
        self.best, self._without_gain = state["best"], state["without_gain"]
        self._best_weights = state["best_weights"]
        torch.set_rng_state(state["random"].cpu())


def without_void(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits and labels in which void pixels are background, certainly and rightly.

    Args:
        logits: (B, K, H, W).
        labels: int64 (B, 1, H, W), `VOID` where a pixel does not count.
    """
    void = labels == VOID
    if not bool(void.any()):
        return logits, labels
    certain = torch.zeros_like(logits)
    certain[:, 0] = _CERTAIN
    return torch.where(void, certain, logits), labels.masked_fill(void, 0)

"""The steps of a training, with validations and checkpoints between them."""

from __future__ import annotations

import hashlib
import math
import time
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from asma_core.data.masks.label_maps import VOID
from asma_core.errors import ModelError
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.training.adversary import Adversary
from asma_core.training.batches import AUGMENTATION, batches
from asma_core.training.checkpoint import read_checkpoint, write_checkpoint
from asma_core.training.choice import Choice, Scores, choice_of_before
from asma_core.training.data import Material
from asma_core.training.evaluation import evaluate
from asma_core.training.plan import TrainingPlan
from asma_core.training.progress import OnProgress, TrainingProgress
from asma_core.training.robust_evaluation import VALIDATION_STEPS, evaluate_robust, some_of

# Seconds between two checkpoints beside those that follow a look at the validation images.
CHECKPOINT_EVERY: Final = 60.0
# Decoupled, of AdamW.
WEIGHT_DECAY: Final = 1e-4
# A void pixel is answered with this certainty, so that it pulls at nothing.
_CERTAIN: Final = 20.0


class TrainingLoop:
    """A training that can be left between two steps and gone on with.

    Attributes:
        model: The network being trained.
        step: Steps done.
        stopped: "" while it runs, then "done", "early", "asked" or "collapsed".
        fault: How it collapsed, in words.
        choice: The best weights so far.
    """

    def __init__(
        self,
        model: SegmentationModel,
        plan: TrainingPlan,
        material: Material,
        checkpoint: Path | None = None,
        origin: str = "",
    ) -> None:
        """Prepare a training, or go on with the one in the checkpoint.

        Args:
            model: With the weights to begin with, on the device to train on.
            plan: How to train.
            material: What to train on, and to choose the best weights by.
            checkpoint: File to go on from, if it is there and of the same training.
            origin: Tells these first weights from others; "" for those of the plan's seed.
        """
        self.model = model
        self.step = 0
        self.stopped = self.fault = ""
        self.choice = Choice()
        self._plan, self._material, self._origin = plan, material, origin
        self._checkpoint = checkpoint
        self._adversary = Adversary(plan, self._logits) if plan.is_adversarial else None
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

        An adversarial training that collapses ends too, if it has weights that are worth keeping.

        Raises:
            ModelError: It collapsed and has none; or the loss of another one became NaN.
            StoreError: The checkpoint can't be written.
        """
        from monai.losses.dice import DiceCELoss

        loss_of = DiceCELoss(softmax=True, to_onehot_y=True, batch=True)
        begin, before = time.perf_counter(), self._seconds
        saved = begin
        pairs, spec = self._material.train, self.model.spec
        self.model.train()
        if self._asked_at_start(on_progress):
            return
        for images, labels in batches(
            pairs, self._plan, spec.channels, self.step, self._multiple()
        ):
            loss = self._update(loss_of, images, labels)
            if not math.isfinite(loss):
                self._collapse("the training loss became NaN")
                break
            self.step += 1
            self._seconds = before + time.perf_counter() - begin
            scores = self._validate()
            asked = bool(on_progress and on_progress(self._progress(loss, scores)))
            fault = self.choice.fault(scores, self._plan.steps) if scores else ""
            if fault:
                self._collapse(fault)
                break
            if asked or self._is_idle():
                self.stopped = "asked" if asked else "early"
                self._save()
                break
            if scores is not None or time.perf_counter() - saved > CHECKPOINT_EVERY:
                self._save()
                saved = time.perf_counter()
        self.stopped = self.stopped or "done"

    def best_model(self) -> SegmentationModel:
        """Return the network with its best weights, in evaluation mode."""
        if self.choice.weights:
            self.model.load_state_dict(self.choice.weights)
        return self.model.eval()

    def _multiple(self) -> int:
        return self.model.spec.multiple if self._plan.start_from else 0

    def _progress(self, loss: float, scores: Scores | None) -> TrainingProgress:
        best = self.choice.best
        return TrainingProgress(
            self.step,
            self._plan.steps,
            loss,
            float(self._optimiser.param_groups[0]["lr"]),
            self._seconds,
            scores.iou if scores else None,
            best.iou if best else None,
            scores.robust if scores else None,
            best.robust if best else None,
        )

    def _asked_at_start(self, on_progress: OnProgress | None) -> bool:
        """Look at what an adversarial training starts from; return whether to stop there."""
        if self._adversary is None or self.step > 0 or not self._material.validation:
            return False
        scores = self._scores()
        if self._plan.start_from:
            self.choice.refer_to(scores)
        if on_progress and on_progress(self._progress(math.nan, scores)):
            self.stopped = "asked"
            self._save()
        return bool(self.stopped)

    def _logits(self, images: Tensor) -> Tensor:
        """Return logits of images in [0, 1] that have the network's own size already."""
        # A GPU computes in bfloat16 where that is safe.
        kind = images.device.type
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=kind == "cuda"):
            logits = self.model.unresized(images)
        return logits.float()

    def _update(self, loss_of: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Take a step and return the loss; none where the loss is not finite."""
        device = self.model.mean.device
        images, labels = images.to(device), labels.to(device)
        if self._adversary is not None:
            self.model.eval()
            images = self._adversary.attacked(images, labels, self.step)
            self.model.train()
        loss = loss_of(*without_void(self._logits(images), labels))
        if not math.isfinite(loss.item()):
            return math.nan
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self._optimiser.step()
        self._schedule.step()
        return float(loss.item())

    def _validate(self) -> Scores | None:
        """Score the network on the validation images when it is time; keep the best weights."""
        last = self.step == self._plan.steps
        due = last or self.step % self._plan.validation_every == 0
        if not self._material.validation or not due:
            return None
        scores = self._scores()
        self.choice.consider(scores, self.model)
        return scores

    def _scores(self) -> Scores:
        pairs = self._material.validation
        self.model.eval()
        clean = evaluate(self.model, pairs)
        robust = None
        if self._adversary is not None:
            attacked = some_of(pairs)
            worst = evaluate_robust(self.model, attacked, self._plan, VALIDATION_STEPS)
            robust = _or_none_right(worst.iou)
        self.model.train()
        one_class = self._adversary is not None and clean.classes_seen < 2
        return Scores(self.step, _or_none_right(clean.iou), robust, one_class)

    def _is_idle(self) -> bool:
        return 0 < self._plan.patience <= self.choice.without_gain

    def _collapse(self, fault: str) -> None:
        """End with the last good state.

        Raises:
            ModelError: There is none, or the training attacks nothing.
        """
        if self._adversary is None:
            raise ModelError(f"{fault}; choose a smaller learning rate")
        if self.choice.best is None:
            raise ModelError(
                f"the training collapsed at step {self.step}, before there was a state worth "
                f"keeping: {fault}; choose a smaller learning rate or budget, attack a smaller "
                "share of the images, or start from a network that is trained already"
            )
        self.stopped, self.fault = "collapsed", fault

    def _identity(self) -> str:
        """Tell one training from another: its plan, its images and its network."""
        shapes = [tuple(value.shape) for value in self.model.state_dict().values()]
        counts = (len(self._material.train), len(self._material.validation))
        told = (counts, self.model.classes, self.model.spec, shapes)
        rest = ", ".join(repr(part) for part in told)
        text = f"(({self._plan.identity}, {AUGMENTATION!r}, {WEIGHT_DECAY!r}), {rest})"
        return hashlib.sha256((text + self._origin).encode()).hexdigest()

    def _save(self) -> None:
        if self._checkpoint is None:
            return
        write_checkpoint(
            self._checkpoint,
            {
                "identity": self._identity(),
                "step": self.step,
                "seconds": self._seconds,
                "choice": self.choice.as_dict(),
                "model": self.model.state_dict(),
                "optimiser": self._optimiser.state_dict(),
                "schedule": self._schedule.state_dict(),
                "random": torch.get_rng_state(),
            },
        )

    def _take_up(self) -> None:
        if self._checkpoint is None:
            return
        state = read_checkpoint(self._checkpoint, self._identity(), self.model.mean.device)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load_state_dict(state["schedule"])
        self.step, self._seconds = state["step"], state["seconds"]
        self.choice.take_up(state.get("choice") or choice_of_before(state))
        torch.set_rng_state(state["random"].cpu())


def _or_none_right(iou: float) -> float:
    return 0.0 if math.isnan(iou) else iou


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

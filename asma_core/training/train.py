"""Training a network, from a seed to a network with a card: the one way into this room."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from asma_core.data.masks.label_maps import VOID
from asma_core.errors import InputError
from asma_core.models.wrapper.devices import choose_device
from asma_core.training.card import Trained, write_network
from asma_core.training.choice import MOST_LOST
from asma_core.training.data import Material
from asma_core.training.evaluation import Evaluation, evaluate
from asma_core.training.loop import TrainingLoop
from asma_core.training.plan import TrainingPlan
from asma_core.training.progress import OnProgress
from asma_core.training.robust_evaluation import TEST_STEPS, evaluate_robust
from asma_core.training.start import Start, starting_network

# Of the CPU; rounding depends on it slightly.
THREADS: Final = 2
# Masks that are looked at before the training begins.
LOOKED_AT: Final = 64


@dataclass(frozen=True)
class TrainingReport:
    """What a training gave.

    Attributes:
        name: Name of the network.
        card: The model card.
        weights: The safetensors file beside it.
        evaluation: Scores on the test pairs.
        steps: Steps done.
        seconds: Time for training, without evaluation.
        stopped: "done", "early" when the validation images gained nothing any more, or
            "collapsed".
        robust: Scores on the test pairs, attacked; None unless the training was adversarial.
        message: What went wrong, or what is to be known of the weights; else "".
    """

    name: str
    card: Path
    weights: Path
    evaluation: Evaluation
    steps: int
    seconds: float
    stopped: str = "done"
    robust: Evaluation | None = None
    message: str = ""


def train(
    material: Material,
    plan: TrainingPlan,
    out: Path,
    *,
    checkpoint: Path | None = None,
    on_progress: OnProgress | None = None,
) -> TrainingReport | None:
    """Train a network, score it, and write its weights and its card.

    The same material, plan and CPU build give the same weights, also after an interruption.

    Args:
        material: What to train on, as `material_of` makes it of a plan.
        plan: How to train.
        out: Folder for the two files; made when absent.
        checkpoint: File to go on from, and to write now and then; removed at the end.
        on_progress: Called after every step; what it returns, if true, stops.

    Returns:
        Scores, time and paths; None when it was stopped.

    Raises:
        AsmaError: It can't start from the network that the plan names.
        InputError: No pairs, fewer than two classes, or labels beyond the classes.
        DeviceError: The plan's device is absent.
        ModelError: The loss became NaN, or the training collapsed with nothing to keep.
        StoreError: `out` can't be written.
    """
    begin = time.perf_counter()
    start, loop = _run(material, plan, checkpoint, on_progress)
    if loop.stopped == "asked":
        return None
    seconds = time.perf_counter() - begin
    trained = _trained(start, loop, material, plan)
    card, weights = write_network(trained, material, plan, out)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return TrainingReport(
        name=card.stem,
        card=card,
        weights=weights,
        evaluation=trained.evaluation,
        steps=loop.step,
        seconds=seconds,
        stopped=loop.stopped,
        robust=trained.robust,
        message=_message(loop, card.stem),
    )


def _trained(start: Start, loop: TrainingLoop, material: Material, plan: TrainingPlan) -> Trained:
    model = loop.best_model().to(torch.device("cpu"))
    with _threads(THREADS):
        robust = None
        if plan.is_adversarial:
            robust = evaluate_robust(model, material.test, plan, TEST_STEPS)
        return Trained(model, loop.step, evaluate(model, material.test), robust, start.card)


def _message(loop: TrainingLoop, name: str) -> str:
    best = loop.choice.best
    if best is None or best.robust is None:
        return ""
    reached = f"clean IoU {best.iou:.3f}, robust IoU {best.robust:.3f} on the validation images"
    if loop.fault:
        return (
            f"the training collapsed at step {loop.step}: {loop.fault}; {name} has the weights of "
            f"step {best.step} ({reached}), choose a smaller learning rate or budget for more"
        )
    if loop.choice.lost(best):
        return (
            f"no weights were robust and lost at most {MOST_LOST:g} of clean IoU; {name} has the "
            f"most robust ones, of step {best.step} ({reached}); choose a smaller budget, or "
            "attack a smaller share of the images"
        )
    return ""


def _run(
    material: Material, plan: TrainingPlan, checkpoint: Path | None, on_progress: OnProgress | None
) -> tuple[Start, TrainingLoop]:
    device = choose_device(plan.device)
    _check(material)
    with _threads(THREADS), torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        start = starting_network(material, plan)
        loop = TrainingLoop(start.model.to(device), plan, material, checkpoint, start.origin)
        loop.run(on_progress)
    return start, loop


def _check(material: Material) -> None:
    pairs, classes = material.train, len(material.classes)
    if len(pairs) == 0:
        raise InputError("there is nothing to train on; give at least one image with its mask")
    if classes < 2:
        raise InputError("training needs a background and at least one class; name both")
    for index in range(min(len(pairs), LOOKED_AT)):
        labels = np.asarray(pairs[index][1])
        highest = int(labels[labels != VOID].max(initial=0))
        if highest >= classes:
            raise InputError(
                f"a mask holds class {highest}, but there is only 0 to {classes - 1}; name more "
                "classes"
            )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Use a number of CPU threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

"""What `python -m asma_core train` does."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from asma_core.cli.progress import Progress, counted
from asma_core.data.datasets import open_dataset
from asma_core.errors import InputError
from asma_core.files import json_values
from asma_core.models.sources.names import network_name
from asma_core.training.carry_out import carry_out, demo_steps
from asma_core.training.evaluation import Evaluation
from asma_core.training.plan import TrainingPlan
from asma_core.training.train import TrainingProgress


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train a network and say what it reaches on the test split."""
    dataset = open_dataset(options.dataset)
    steps = options.steps or demo_steps(dataset.name) or TrainingPlan.steps
    plan = TrainingPlan(
        dataset=options.dataset,
        name=options.name or network_name(dataset.name, options.architecture),
        architecture=options.architecture,
        width=options.width,
        steps=steps,
        batch_size=options.batch_size,
        image_size=options.image_size,
        learning_rate=options.learning_rate,
        seed=options.seed,
        validation=options.validation,
        patience=options.patience,
        device=options.device,
    )
    progress = Progress("train", steps)

    def show(now: TrainingProgress) -> None:
        progress.update(now.step, loss=now.loss)

    checkpoint = Path(options.out) / f".{plan.name}.checkpoint"
    if options.fresh:
        checkpoint.unlink(missing_ok=True)
    try:
        report = carry_out(plan, Path(options.out), checkpoint, show, counted("images"))
    finally:
        progress.close()
    if report is None:
        raise InputError("the training was stopped; the same command goes on with it")
    return json_values(
        {
            "name": report.name,
            "dataset": dataset.name,
            "architecture": plan.architecture,
            "steps": report.steps,
            "stopped": report.stopped,
            "seconds": report.seconds,
            "files": {"card": str(report.card), "weights": str(report.weights)},
            **_scores(report.evaluation),
        }
    )


def _scores(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "test_images": evaluation.images,
        "test_iou": evaluation.iou,
        "test_iou_per_class": list(evaluation.iou_per_class),
        "test_dice": evaluation.dice,
    }

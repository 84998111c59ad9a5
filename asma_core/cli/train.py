"""The command `train`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asma_core.cli.progress import Progress, counted
from asma_core.cli.setting_options import add_settings, settings_of
from asma_core.data.datasets import open_dataset
from asma_core.data.synthetic.demo import DEMO_SETS
from asma_core.errors import InputError
from asma_core.files import json_values
from asma_core.training.data import Material, material_of
from asma_core.training.demo_stream import DEMO_TRAININGS
from asma_core.training.plan import TrainingPlan

if TYPE_CHECKING:
    from asma_core.training.evaluation import Evaluation
    from asma_core.training.progress import TrainingProgress
    from asma_core.training.train import TrainingReport


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_settings(parser, TrainingPlan)
    parser.add_argument("--out", required=True, help="folder for the weights and the card")
    parser.add_argument("--fresh", action="store_true", help="do not go on with an earlier try")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train a network and say what it reaches on the test split."""
    plan = _plan(options)
    out = Path(options.out)
    checkpoint = out / f".{plan.name}.checkpoint"
    if options.fresh:
        checkpoint.unlink(missing_ok=True)
    material = material_of(plan, counted("images"))
    report = _trained(material, plan, out, checkpoint)
    if report is None:
        raise InputError("the training was stopped; the same command goes on with it")
    return json_values(
        {
            "name": report.name,
            "dataset": material.dataset,
            "architecture": plan.architecture,
            "steps": report.steps,
            "stopped": report.stopped,
            "seconds": report.seconds,
            "files": {"card": str(report.card), "weights": str(report.weights)},
            **_scores(report.evaluation),
            **(
                {"test_robust_iou": report.robust.iou, "within": plan.against()}
                if report.robust
                else {}
            ),
            **({"message": report.message} if report.message else {}),
        }
    )


def _plan(options: argparse.Namespace) -> TrainingPlan:
    """Return what is asked for; a demo set is trained for as long as its shipped network."""
    plan = settings_of(options, TrainingPlan)
    dataset = open_dataset(plan.dataset)
    dataset.check_masked()
    usual = DEMO_TRAININGS[dataset.name].steps if dataset.name in DEMO_SETS else plan.steps
    return replace(
        plan,
        name=plan.named(dataset.name),
        steps=plan.steps if options.steps else usual,
    )


def _trained(
    material: Material, plan: TrainingPlan, out: Path, checkpoint: Path
) -> TrainingReport | None:
    from asma_core.training.train import train

    progress = Progress("train", plan.steps)

    def show(now: TrainingProgress) -> None:
        told = _reached(now)
        progress.update(now.step, {"loss": now.loss, **told})

    try:
        return train(material, plan, out, checkpoint=checkpoint, on_progress=show)
    finally:
        progress.close()


def _reached(now: TrainingProgress) -> dict[str, float]:
    """Return what the weights that are kept reach, attacked and not."""
    if now.best is None or now.best_robust is None:
        return {}
    return {"IoU": now.best, "robust IoU": now.best_robust}


def _scores(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "test_images": evaluation.images,
        "test_iou": evaluation.iou,
        "test_iou_per_class": list(evaluation.iou_per_class),
        "test_dice": evaluation.dice,
    }

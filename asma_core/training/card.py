"""A trained network as files: safetensors weights and a model card beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asma_core.data.synthetic.demo import DEMO_SETS
from asma_core.fields import declared
from asma_core.files import write_bytes
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import ModelCard
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.training.data import Material
from asma_core.training.evaluation import Evaluation
from asma_core.training.loop import WEIGHT_DECAY
from asma_core.training.network import architecture_arguments
from asma_core.training.plan import TrainingPlan
from asma_core.training.robust_evaluation import TEST_STEPS

_IN_A_SENTENCE: Final = {"UNet": "U-Net", "AttentionUnet": "attention U-Net"}


@dataclass(frozen=True)
class Trained:
    """A network after its training.

    Attributes:
        model: With its best weights, in evaluation mode, on the CPU.
        steps: Steps done.
        evaluation: Scores on the test pairs.
        robust: The same, attacked within the plan's budget; None unless it was trained for it.
        start: Card of the network that it started from; None of fresh weights.
    """

    model: SegmentationModel
    steps: int
    evaluation: Evaluation
    robust: Evaluation | None = None
    start: ModelCard | None = None


def write_network(
    trained: Trained, material: Material, plan: TrainingPlan, out: Path
) -> tuple[Path, Path]:
    """Write weights, then the card, each aside and renamed.

    Args:
        trained: The network.
        material: What it was trained on.
        plan: How it was trained.
        out: Folder for both files; made when absent.

    Returns:
        The paths of the card and of the weights.

    Raises:
        StoreError: The folder can't be written.
    """
    from safetensors.torch import save

    state = trained.model.network.state_dict()
    tensors = {key: value.contiguous() for key, value in state.items()}
    card = card_of(trained, material, plan, out)
    text = card_text(card, [("[training]", _recipe(trained, material, plan))])
    file = out / f"{card.name}.toml"
    write_bytes(card.weights, save(tensors))
    write_bytes(file, text.encode())
    return file, card.weights


def card_of(trained: Trained, material: Material, plan: TrainingPlan, out: Path) -> ModelCard:
    """Return the card of a trained network whose weights are to lie in a folder."""
    start, model = trained.start, trained.model
    demo = DEMO_SETS.get(material.dataset)
    architecture = start.architecture if start else plan.architecture
    name = plan.named(material.dataset)
    title = demo.title if demo else Path(material.dataset).name
    kind = _IN_A_SENTENCE.get(architecture, architecture)
    arguments = architecture_arguments(plan, model.spec.channels, len(model.classes))
    return ModelCard(
        name=name,
        title=f"{title} {kind}" + (", adversarially trained" if plan.is_adversarial else ""),
        description=_description(trained, material, plan, kind),
        weights=out / f"{name}.safetensors",
        architecture=architecture,
        arguments=start.arguments if start else arguments,
        input=model.spec,
        classes=model.classes,
        dataset=material.dataset,
        source=plan.command(),
        figures=_figures(trained, plan),
        output=model.output,
        synthetic=demo is not None and (start is None or start.synthetic),
    )


def _description(trained: Trained, material: Material, plan: TrainingPlan, kind: str) -> str:
    demo = material.dataset in DEMO_SETS
    made_of = "synthetic pictures only" if demo else f"the data set {Path(material.dataset).name}"
    started = f", starting from {plan.start_from}" if plan.start_from else ""
    if not plan.is_adversarial:
        return f"A {kind} trained on {made_of}{started}. Not for any clinical use."
    by = declared(TrainingPlan)["adversarial"].options[plan.adversarial]
    return (
        f"A {kind} trained adversarially on {made_of}{started}: by {by} of {plan.attack_steps} "
        f"steps within {plan.against()}. Its robustness is measured within that budget and says "
        "nothing beyond it. Not for any clinical use."
    )


def _recipe(trained: Trained, material: Material, plan: TrainingPlan) -> Mapping[str, Any]:
    """Return what the card says of the training."""
    return {
        "pairs": len(material.train),
        "validation_pairs": len(material.validation),
        "steps": trained.steps,
        "batch_size": plan.batch_size,
        "learning_rate": plan.learning_rate,
        "weight_decay": WEIGHT_DECAY,
        "seed": plan.seed,
        "early_size": plan.early_size,
        **({"start_from": plan.start_from} if plan.start_from else {}),
        **(_adversarial_recipe(trained, plan) if plan.is_adversarial else {}),
    }


def _adversarial_recipe(trained: Trained, plan: TrainingPlan) -> dict[str, Any]:
    spec = trained.model.spec
    return {
        "adversarial": plan.adversarial,
        "norm": plan.norm,
        "budget": plan.budget_at(spec.channels, plan.image_size, plan.image_size),
        "attack_steps": plan.attack_steps,
        "attacked": plan.attacked,
    }


def _figures(trained: Trained, plan: TrainingPlan) -> dict[str, Any]:
    evaluation, robust = trained.evaluation, {}
    if trained.robust is not None:
        robust = {
            "test_robust_iou": round(trained.robust.iou, 4),
            "robust_against": f"SegPGD of {TEST_STEPS} steps within {plan.against()}",
        }
    return {
        "test_images": evaluation.images,
        "test_iou": round(evaluation.iou, 4),
        "test_iou_per_class": [round(value, 4) for value in evaluation.iou_per_class],
        "test_dice": round(evaluation.dice, 4),
        **robust,
    }

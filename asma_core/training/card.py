"""A trained network as files: safetensors weights and a model card beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asma_core.data.synthetic.demo import DEMO_SETS
from asma_core.files import write_bytes
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import ModelCard
from asma_core.models.sources.names import network_name
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.training.data import Material
from asma_core.training.evaluation import Evaluation
from asma_core.training.loop import WEIGHT_DECAY
from asma_core.training.network import architecture_arguments
from asma_core.training.plan import TrainingPlan

_IN_A_SENTENCE: Final = {"UNet": "U-Net", "AttentionUnet": "attention U-Net"}


@dataclass(frozen=True)
class Trained:
    """A network after its training.

    Attributes:
        model: With its best weights, in evaluation mode, on the CPU.
        steps: Steps done.
        evaluation: Scores on the test pairs.
    """

    model: SegmentationModel
    steps: int
    evaluation: Evaluation


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
    name = plan.name or network_name(material.dataset, plan.architecture)
    demo = DEMO_SETS.get(material.dataset)
    made_of = "synthetic pictures only" if demo else f"the data set {Path(material.dataset).name}"
    title = demo.title if demo else Path(material.dataset).name
    kind = _IN_A_SENTENCE.get(plan.architecture, plan.architecture)
    model = trained.model
    return ModelCard(
        name=name,
        title=f"{title} {kind}",
        description=f"A {kind} trained on {made_of}. Not for any clinical use.",
        weights=out / f"{name}.safetensors",
        architecture=plan.architecture,
        arguments=architecture_arguments(plan, model.spec.channels, len(model.classes)),
        input=model.spec,
        classes=model.classes,
        dataset=material.dataset,
        source=plan.command(),
        figures=_figures(trained.evaluation),
        synthetic=demo is not None,
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
    }


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "test_images": evaluation.images,
        "test_iou": round(evaluation.iou, 4),
        "test_iou_per_class": [round(value, 4) for value in evaluation.iou_per_class],
        "test_dice": round(evaluation.dice, 4),
    }

"""Writing a trained network: safetensors weights and a model card beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asma_core.data.synthetic.demo import DEMO_SETS
from asma_core.files import write_bytes
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import ModelCard
from asma_core.models.sources.names import network_name
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.training.evaluation import Evaluation


def export_model(
    model: SegmentationModel,
    architecture: str,
    arguments: Mapping[str, Any],
    dataset_name: str,
    evaluation: Evaluation,
    recipe: Mapping[str, Any],
    out: Path,
    name: str = "",
    source: str = "",
) -> tuple[Path, Path]:
    """Write weights, then the card, each aside and renamed.

    Args:
        model: A trained network with its input spec and classes.
        architecture: Its class of `monai.networks.nets`.
        arguments: What the network was built with.
        dataset_name: Name or folder of the data set.
        evaluation: Its scores on the test pairs.
        recipe: Plain numbers that say how it was trained.
        out: Folder for both files; made when absent.
        name: Of the network; made of the data set's by default.
        source: The command that trains it again.

    Returns:
        The paths of the card and of the weights.

    Raises:
        StoreError: The folder can't be written.
    """
    from safetensors.torch import save

    name = name or network_name(dataset_name, architecture)
    card, weights = out / f"{name}.toml", out / f"{name}.safetensors"
    tensors = {key: value.contiguous() for key, value in model.network.state_dict().items()}
    demo = DEMO_SETS.get(dataset_name)
    made_of = "synthetic pictures only" if demo else f"the data set {Path(dataset_name).name}"
    title = demo.title if demo else Path(dataset_name).name
    content = ModelCard(
        name=name,
        title=f"{title} {_SHORT.get(architecture, architecture)}",
        description=f"A {_SHORT.get(architecture, architecture)} trained on {made_of}. "
        "Not for any clinical use.",
        weights=weights,
        architecture=architecture,
        arguments=arguments,
        input=model.spec,
        classes=model.classes,
        dataset=dataset_name,
        source=source or f"python -m asma_core train --dataset {dataset_name} --out DIR",
        figures=_figures(evaluation),
        synthetic=demo is not None,
    )
    write_bytes(weights, save(tensors))
    write_bytes(card, card_text(content, [("[training]", recipe)]).encode())
    return card, weights


_SHORT = {"UNet": "U-Net", "AttentionUnet": "attention U-Net"}


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "test_images": evaluation.images,
        "test_iou": round(evaluation.iou, 4),
        "test_iou_per_class": [round(value, 4) for value in evaluation.iou_per_class],
        "test_dice": round(evaluation.dice, 4),
    }

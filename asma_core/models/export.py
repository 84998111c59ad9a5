"""Writing a trained network: safetensors weights and a model card beside them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asma_core.data.demo import DEMO_SETS
from asma_core.files import write_bytes
from asma_core.models.contract import SegmentationModel
from asma_core.models.evaluation import Evaluation


def export_model(
    model: SegmentationModel,
    arguments: Mapping[str, Any],
    dataset_name: str,
    evaluation: Evaluation,
    recipe: Mapping[str, Any],
    out: Path,
) -> tuple[Path, Path]:
    """Write weights, then the card, each aside and renamed.

    Args:
        model: A trained `UNet` with its input spec and classes.
        arguments: What the network was built with.
        dataset_name: Name or folder of the data set.
        evaluation: Its scores on the test pairs.
        recipe: Plain numbers that say how it was trained.
        out: Folder for both files; made when absent.

    Returns:
        The paths of the card and of the weights.

    Raises:
        StoreError: The folder can't be written.
    """
    from safetensors.torch import save

    name = network_name(dataset_name)
    card, weights = out / f"{name}.toml", out / f"{name}.safetensors"
    tensors = {key: value.contiguous() for key, value in model.network.state_dict().items()}
    write_bytes(weights, save(tensors))
    write_bytes(card, card_text(model, arguments, dataset_name, evaluation, recipe).encode())
    return card, weights


def network_name(dataset_name: str) -> str:
    """Return the name of the network for a data set: letters, digits and dashes, then "-unet"."""
    plain = re.sub(r"[^a-z0-9]+", "-", Path(dataset_name).name.lower()).strip("-")
    return f"{plain or 'own'}-unet"


def card_text(
    model: SegmentationModel,
    arguments: Mapping[str, Any],
    dataset_name: str,
    evaluation: Evaluation,
    recipe: Mapping[str, Any],
) -> str:
    """Return the card as TOML."""
    name = network_name(dataset_name)
    spec = model.spec
    tables: list[tuple[str, Mapping[str, Any]]] = [
        ("", _head(name, dataset_name)),
        ("[architecture]", {"name": "UNet", "arguments": dict(arguments)}),
        (
            "[input]",
            {
                "channels": spec.channels,
                "size": spec.size,
                "multiple": spec.multiple,
                "mean": list(spec.mean),
                "std": list(spec.std),
            },
        ),
        *(("[[classes]]", {"name": label}) for label in model.classes),
        ("[training]", recipe),
        ("[figures]", _figures(evaluation)),
    ]
    return "\n".join(_table(title, entries) for title, entries in tables)


def _head(name: str, dataset_name: str) -> dict[str, Any]:
    demo = DEMO_SETS.get(dataset_name)
    made_of = "synthetic pictures only" if demo else f"the data set {Path(dataset_name).name}"
    return {
        "name": name,
        "title": f"{demo.title if demo else Path(dataset_name).name} U-Net",
        "description": f"A small U-Net trained on {made_of}. Not for any clinical use.",
        "weights": f"{name}.safetensors",
        "dataset": dataset_name,
        "synthetic": demo is not None,
        "source": f"python -m asma_core train --dataset {dataset_name} --out DIR",
    }


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "test_images": evaluation.images,
        "test_iou": round(evaluation.iou, 4),
        "test_iou_per_class": [round(value, 4) for value in evaluation.iou_per_class],
        "test_dice": round(evaluation.dice, 4),
    }


def _table(title: str, entries: Mapping[str, Any]) -> str:
    lines = [title] if title else []
    lines += [f"{key} = {_value(value)}" for key, value in entries.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """Return a TOML value; a JSON string is a TOML string too."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return "nan"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

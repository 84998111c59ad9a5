"""A card of a local folder as `save_pretrained` of transformers writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from torch import Tensor

from asma_core.errors import ModelError
from asma_core.models.sources.draft import Choices, Draft
from asma_core.models.sources.huggingface.network import plain_settings
from asma_core.models.sources.huggingface.processor import read_input
from asma_core.models.sources.model_card import MOST_CLASSES, TRANSFORMERS, ModelCard
from asma_core.models.sources.plain_json import Fields, read_fields
from asma_core.models.sources.weights import read_weights

CONFIG: Final = "config.json"
PROCESSOR: Final = "preprocessor_config.json"
PROCESSORS: Final = "processor_config.json"
MOST_FILES: Final = 64


def is_transformer(folder: Path) -> bool:
    """Tell whether a folder is one that transformers has saved."""
    if not (folder / CONFIG).is_file():
        return False
    try:
        return read_fields(folder / CONFIG).has("model_type")
    except ModelError:
        # What is wrong with it is told when it is read; weights beside it say that it is meant.
        return bool(_weight_files(folder))


def transformer_draft(folder: Path, _choices: Choices) -> Draft:
    """Return the card and the weights of a folder with config.json and safetensors.

    Raises:
        ModelError: A file is absent or damaged, the settings name code or weights to be fetched,
            or it is no network for semantic segmentation.
    """
    config = read_fields(folder / CONFIG)
    kind = config.text("model_type")
    settings = plain_settings(config, kind)
    classes = class_names(config)
    spec, notes = read_input(_processor(folder), config, kind)
    card = ModelCard(
        name=f"{folder.name} {kind}" if len(folder.name) < 32 else kind,
        title=f"{kind} of transformers",
        description=f"{_class(config)}, imported from a folder of transformers.",
        weights=folder,
        architecture=kind,
        arguments={"classes": len(classes), "config": json.dumps(settings)},
        input=spec,
        classes=classes,
        library=TRANSFORMERS,
    )
    return Draft(card, _state(folder), notes)


def _class(config: Fields) -> str:
    names = config.list("architectures") if config.has("architectures") else []
    return str(names[0])[:80] if names else config.text("model_type")


def class_names(config: Fields) -> tuple[str, ...]:
    """Return the names of the classes, in the order of the logits.

    Raises:
        ModelError: They are not numbered 0, 1, 2, ...
    """
    if not config.has("id2label"):
        count = config.whole("num_labels", 2, MOST_CLASSES, 2)
        return tuple(f"class {number}" if number else "background" for number in range(count))
    labels = config.table("id2label").content
    numbers = {int(key): name for key, name in labels.items() if key.isdecimal() and len(key) < 6}
    whole = len(numbers) == len(labels) and sorted(numbers) == list(range(len(numbers)))
    if not whole or not 2 <= len(numbers) <= MOST_CLASSES:
        raise config.wrong("id2label")
    return tuple(str(numbers[number]) for number in sorted(numbers))


def _processor(folder: Path) -> Fields | None:
    if (folder / PROCESSOR).is_file():
        return read_fields(folder / PROCESSOR)
    if (folder / PROCESSORS).is_file():
        both = read_fields(folder / PROCESSORS)
        return both.table("image_processor") if both.has("image_processor") else None
    return None


def _weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))


def _state(folder: Path) -> dict[str, Tensor]:
    files = _weight_files(folder)
    if not files or len(files) > MOST_FILES:
        raise ModelError(
            f"{folder.name} has {len(files)} files of weights beside config.json; save the network "
            "with save_pretrained, which writes model.safetensors"
        )
    parts = [read_weights(file) for file in files]
    return {name: tensor for part in parts for name, tensor in part.items()}

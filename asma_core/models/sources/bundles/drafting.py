"""A card of a MONAI bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from asma_core.data.datasets import class_names
from asma_core.errors import ModelError
from asma_core.models.sources.bundles.definition import Definition, read_definition
from asma_core.models.sources.bundles.preprocessing import read_preprocessing
from asma_core.models.sources.bundles.references import plain
from asma_core.models.sources.draft import Choices, Draft
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.sources.plain_json import Fields, read_fields
from asma_core.models.sources.weights import read_weights
from asma_core.models.wrapper.specs import LOGITS, ONE_LOGIT, OutputSpec

CONFIG: Final = "inference.json"
METADATA: Final = "metadata.json"
MODELS: Final = ("model.pt", "model.pth", "model.safetensors")


def is_bundle(folder: Path) -> bool:
    """Tell whether a folder is a bundle, or holds the files of one side by side."""
    whole = (folder / "configs" / CONFIG).is_file()
    return whole or ((folder / CONFIG).is_file() and _model(folder) is not None)


def bundle_draft(folder: Path, _choices: Choices) -> Draft:
    """Return the card and the weights of a bundle.

    Raises:
        ModelError: A file is absent or damaged, or the network is a program.
    """
    configs = folder / "configs" if (folder / "configs" / CONFIG).is_file() else folder
    config = read_fields(configs / CONFIG)
    metadata = Fields({}, METADATA)
    if (configs / METADATA).is_file():
        metadata = read_fields(configs / METADATA)
    model = _model(folder / "models") or _model(folder)
    if model is None:
        raise ModelError(
            f"the bundle has no models/{MODELS[0]}; download its weights first, as a bundle's "
            "large files are often kept apart"
        )
    definition = read_definition(config)
    spec, notes = read_preprocessing(config, definition.channels)
    title = metadata.text("name", "") or "MONAI bundle"
    card = ModelCard(
        name=title,
        title=title[:120],
        description=metadata.text("description", f"{definition.architecture} of a bundle.")[:1000],
        weights=model,
        architecture=definition.architecture,
        arguments=definition.arguments,
        input=spec,
        classes=_classes(metadata, definition),
        output=OutputSpec(reading=ONE_LOGIT if definition.outputs == 1 else LOGITS),
    )
    return Draft(card, read_weights(model), (*notes, *_of_outputs(config, definition)))


def _model(folder: Path) -> Path | None:
    return next((folder / name for name in MODELS if (folder / name).is_file()), None)


def _of_outputs(config: Fields, definition: Definition) -> tuple[str, ...]:
    """Return what to say of how outputs are read; refuse classes that overlap."""
    if definition.outputs > 1 and _has_sigmoid(config):
        raise ModelError(
            f"{config.label} reads its {definition.outputs} outputs by a sigmoid each, so that "
            "classes overlap; only networks of which a pixel has one class can be taken in"
        )
    inferer = config.content.get("inferer")
    if isinstance(inferer, dict) and "SlidingWindow" in str(inferer.get("_target_")):
        return ("It predicts by sliding windows; here the whole image is given at once.",)
    return ()


def _has_sigmoid(config: Fields) -> bool:
    after = config.content.get("postprocessing")
    transforms = after.get("transforms") if isinstance(after, dict) else after
    if not isinstance(transforms, list):
        return False
    return any(isinstance(one, dict) and one.get("sigmoid") is True for one in transforms)


def _classes(metadata: Fields, definition: Definition) -> tuple[str, ...]:
    """Return the names in the metadata, where they are those of the outputs."""
    count = max(definition.outputs, 2)
    named = _channel_names(metadata)
    if sorted(named) == list(range(count)):
        return tuple(named[place] for place in sorted(named))
    return tuple(class_names(count))


def _channel_names(metadata: Fields) -> dict[int, str]:
    place: Any = metadata.content
    for part in ("network_data_format", "outputs", "pred", "channel_def"):
        place = place.get(part) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        return {}
    place = plain(place, metadata, "channel_def")
    return {int(key[:6]): str(name)[:80] for key, name in place.items() if key.isdecimal()}

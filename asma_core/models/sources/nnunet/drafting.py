"""A card of nnU-Net v2's folder of a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from asma_core.errors import InputError
from asma_core.models.sources.draft import Choices, Draft
from asma_core.models.sources.model_card import NNUNET, ModelCard
from asma_core.models.sources.nnunet.folder import Trained, read_trained
from asma_core.models.wrapper.specs import InputSpec


def nnunet_draft(folder: Path, choices: Choices) -> Draft:
    """Return the card and the weights of a trained model.

    Args:
        folder: With plans.json, dataset.json and the folds.
        choices: Which fold, mirroring, which values black and white stand for, and the spacing.

    Raises:
        ModelError: A file is absent, damaged, not of 2D, or asks for what is not known.
        InputError: There is no such fold, or mirroring was not trained for.
    """
    trained = read_trained(folder, choices.fold)
    if choices.spacing is not None and "spacing" not in trained.plan.arguments:
        raise InputError("the plans of this network say no spacing; leave the images' own away")
    if choices.mirror and not trained.axes:
        raise InputError("this network was trained without mirroring; leave it off")
    channels = trained.plan.channels
    card = ModelCard(
        name=trained.title,
        title=trained.title,
        description=_description(trained, choices),
        weights=folder,
        architecture=trained.plan.architecture,
        arguments=_arguments(trained, choices),
        input=InputSpec(channels, 0, 1, (0.0,) * channels, (1.0,) * channels),
        classes=trained.plan.classes,
        library=NNUNET,
    )
    notes = (*_notes(trained, choices), *trained.plan.notes)
    return Draft(card, _state(trained), notes, trained.folds, bool(trained.axes))


def _arguments(trained: Trained, choices: Choices) -> dict[str, Any]:
    arguments = dict(trained.plan.arguments) | {"folds": len(trained.chosen)}
    if choices.mirror:
        arguments["mirror"] = list(trained.axes)
    if choices.values is not None:
        arguments["values"] = list(choices.values)
    if choices.spacing is not None:
        arguments["image_spacing"] = list(choices.spacing)
    return arguments


def _state(trained: Trained) -> dict[str, Tensor]:
    return {
        f"folds.{place}.{name}": tensor
        for place, state in enumerate(trained.states)
        for name, tensor in state.items()
    }


def _which(trained: Trained) -> str:
    if len(trained.chosen) > 1:
        return f"mean of the folds {', '.join(trained.chosen)}"
    return f"fold {trained.chosen[0]}" if trained.chosen[0] else "one fold"


def _description(trained: Trained, choices: Choices) -> str:
    how = "with" if choices.mirror else "without"
    return (
        f"{trained.plan.architecture} of nnU-Net v2, configuration {trained.plan.configuration}, "
        f"{_which(trained)}; windows of {' x '.join(map(str, trained.plan.arguments['window']))}, "
        f"{how} mirroring."
    )


def _on_spacing(trained: Trained, choices: Choices) -> tuple[str, ...]:
    plans = trained.plan.arguments.get("spacing", [1.0, 1.0])
    if choices.spacing is not None or all(side == 1 for side in plans):
        return ()
    rows, columns = reversed(plans) if "transposed" in trained.plan.arguments else plans
    return (
        f"Images are taken to have the pixel spacing of its plans, {rows:g} x {columns:g}; where "
        "yours have another, say it, and they are resampled as nnU-Net does.",
    )


def _notes(trained: Trained, choices: Choices) -> tuple[str, ...]:
    notes = [*_on_spacing(trained, choices)]
    if trained.axes and not choices.mirror:
        notes.append(
            "Mirroring is off; nnU-Net's own prediction has it on, which takes "
            f"{2 ** len(trained.axes)} times as long."
        )
    if len(trained.chosen) > 1:
        notes.append(
            f"It is the {_which(trained)}, as nnU-Net predicts; one fold is "
            f"{len(trained.chosen)} times as quick."
        )
    return tuple(notes)

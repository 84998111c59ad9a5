"""Whether a training can start from a network, told without loading it."""

from __future__ import annotations

from collections.abc import Sequence

from asma_core.errors import InputError
from asma_core.models.sources.model_card import MONAI, ONNX, ModelCard
from asma_core.models.wrapper.specs import CENTRE
from asma_core.training.plan import TrainingPlan


def check_start(card: ModelCard, classes: Sequence[str], plan: TrainingPlan) -> None:
    """Check that a training on images of some classes can start from a network.

    Raises:
        InputError: It can't, and what to do.
    """
    fault = kind_fault(card) or _shape_fault(card, classes, plan)
    if fault:
        raise InputError(fault)


def kind_fault(card: ModelCard) -> str:
    """Return why a network's weights can't be trained and written back, or ""."""
    if card.members:
        return (
            f"{card.name} is an ensemble, whose members are trained each by itself; start from one "
            f"of them: {', '.join(card.members)}"
        )
    if card.defences:
        return (
            f"{card.name} stands behind {card.defences[0].name}; start from the network itself, "
            f"{card.base}, and stand the defence before what comes of it"
        )
    if card.program == ONNX:
        return (
            f"{card.name} is an ONNX file, which gives outputs and no gradients; start from its "
            "weights in torch, or from fresh ones"
        )
    if card.program:
        return (
            f"{card.name} is a program, whose weights can't be written back; import its weights as "
            "a MONAI architecture and start from that, or start from fresh ones"
        )
    if card.library != MONAI:
        return (
            f"{card.name} is a network of {card.library}, which is trained there; start from a "
            "MONAI architecture, or from fresh weights"
        )
    return ""


def _shape_fault(card: ModelCard, classes: Sequence[str], plan: TrainingPlan) -> str:
    """Return why a network does not fit images, classes or sizes, or ""."""
    if len(card.classes) != len(classes):
        return (
            f"{card.name} has {len(card.classes)} classes and {plan.dataset} has {len(classes)}; "
            "start from a network of the same classes, or from fresh weights"
        )
    if card.output.fit == CENTRE or card.input.exact:
        return (
            f"{card.name} takes images of one size, or answers for their centre alone, and a "
            "training shows images of several sizes; start from another network, or from fresh "
            "weights"
        )
    if plan.image_size < 2 * card.input.multiple:
        return (
            f"image_size is {plan.image_size}; it must be at least {2 * card.input.multiple} for "
            f"{card.name}"
        )
    return ""

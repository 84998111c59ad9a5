"""The network that a training begins with: fresh weights, or those of a network that is there.

It may start from any network whose weights can be changed and written back beside a card of the
same architecture: those of MONAI, here or imported. Source of starting an adversarial training from
a clean network: arXiv:2306.12941.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from asma_core.errors import InputError
from asma_core.models.sources.cards import find_card, network_hash
from asma_core.models.sources.guessing import completed
from asma_core.models.sources.loading import load_card
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.training.data import Material
from asma_core.training.network import images_in, new_network
from asma_core.training.plan import TrainingPlan
from asma_core.training.start_check import check_start


@dataclass(frozen=True)
class Start:
    """What a training begins with.

    Attributes:
        model: With its first weights.
        card: Of the network that it starts from; None for fresh weights.
        origin: Tells these weights from others; "" for fresh ones, which hang on the seed.
    """

    model: SegmentationModel
    card: ModelCard | None = None
    origin: str = ""


def starting_network(material: Material, plan: TrainingPlan) -> Start:
    """Return what a plan begins with.

    Raises:
        UnknownNameError: It starts from a network that there is not.
        InputError: It can't start from that one.
        ModelError: That one can't be loaded.
    """
    if not plan.start_from:
        return Start(new_network(material, plan))
    card = find_card(plan.start_from)
    check_start(card, material.classes, plan)
    card = completed(card)
    coloured = any(image.ndim == 3 for image in images_in(material))
    if coloured and card.input.channels == 1:
        raise InputError(
            f"{card.name} takes grey images and those of {material.dataset} are in colour; start "
            "from a network that takes colour, or from fresh weights"
        )
    size = plan.image_size if card.input.size else 0
    card = replace(card, input=replace(card.input, size=size))
    model = load_card(card, torch.device("cpu")).requires_grad_(True)
    return Start(model, card, network_hash(card))

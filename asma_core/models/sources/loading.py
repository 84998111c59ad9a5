"""From a card to a network that can be called."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from asma_core.errors import ModelError
from asma_core.models.sources.building import build_card, check_card
from asma_core.models.sources.cards import ModelCard, member_cards, weights_hash
from asma_core.models.sources.fitting import fit_weights, load_into
from asma_core.models.sources.guessing import completed
from asma_core.models.sources.weights import read_weights
from asma_core.models.wrapper.backend import float32_sums
from asma_core.models.wrapper.calls import borrowed, checked_logits, predicted
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import DefendedModel
from asma_core.models.wrapper.ensemble import Members
from asma_core.models.wrapper.precision import FLOAT32


@dataclass(frozen=True)
class _Kept:
    identity: str
    card: ModelCard = field(compare=False)


def load_model(card: ModelCard, device: torch.device) -> SegmentationModel:
    """Load a network in evaluation mode without gradients to its weights.

    The last few are kept, as long as neither card nor weights change.

    Raises:
        ModelError: It can't be built or loaded, or its weights do not fit.
    """
    return _load(_Kept(f"{card} {weights_hash(card)}", card), str(device))


@lru_cache(maxsize=4)
def _load(kept: _Kept, device: str) -> SegmentationModel:
    return load_card(kept.card, torch.device(device))


def load_card(card: ModelCard, device: torch.device) -> SegmentationModel:
    """Load the network of a card afresh.

    Raises:
        ModelError: It can't be built or loaded, its weights do not fit, or a member is gone.
    """
    if card.members:
        members = [load_card(member, device) for member in member_cards(card)]
        network: nn.Module = Members(members)
    else:
        card = completed(card)
        network = load_network(card, device)
    model = SegmentationModel(network, card.input, card.classes, card.output)
    if card.defences:
        model = DefendedModel(model, card.defences)
    # Threads share it: as nothing needs a gradient, `borrowed` finds nothing to give back.
    return model.eval().requires_grad_(False).to(device)


def load_network(card: ModelCard, device: torch.device) -> nn.Module:
    """Load the bare network of a card.

    Raises:
        ModelError: It can't be built or loaded, or its weights do not fit.
    """
    if card.program:
        from asma_core.models.sources.programs import load_program

        return load_program(card, device)
    card = completed(card)
    if not card.trusted:
        check_card(card)
    network = build_card(card)
    try:
        fit = fit_weights(read_weights(card.weights), network, card.weights.name)
    except ModelError as error:
        raise ModelError(f"{card.name} can't be loaded: {error}") from error
    return load_into(network, fit)


def predict(
    model: SegmentationModel, image: NDArray[np.float32], device: torch.device
) -> NDArray[np.int64]:
    """Return the labels (H, W) that a model gives to one image (C, H, W) in [0, 1].

    Raises:
        ModelError: The logits are not finite.
    """
    with borrowed(model), torch.inference_mode(), float32_sums(FLOAT32):
        # A copy, as torch takes no array that is read-only or runs backwards.
        logits = checked_logits(model(torch.from_numpy(image.copy())[None].to(device)))
        labels: NDArray[np.int64] = predicted(logits)[0].cpu().numpy()
    return labels

"""What a step of an attack costs behind each defence, over the bare network's, taking turns.

A step is a forward pass and the gradient in the image; of a random defence it asks `draws` times,
of flips four times, and the ratio is also given for each time.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import torch
from torch import Tensor, nn

from asma_core.api.networks import network_of
from asma_core.defences.contract import Defence
from asma_core.defences.flips import ENTRY as FLIPS
from asma_core.defences.registry import DEFENCES, settings_of
from asma_core.models.wrapper.defended import DefendedModel
from benchmarks.adaptive import seen
from benchmarks.turns import medians
from benchmarks.zoo.members import Member

NETWORKS: Final = ("demo-lesion-unet", "fundus-two-deep", "vessels")
# Looks into the network for layers that most of these lack.
LEFT_OUT: Final = ("mc-dropout",)
MIRRORED: Final = 4


def cost(networks: Sequence[str], rounds: int, real_size: int) -> dict[str, Any]:
    """Return, by network, the bare step in seconds and each defence's over it."""
    members = [seen(name, real_size) for name in networks]
    # What is learnt for this is nobody's.
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, ASMA_HOME=folder):
        return {member.name: _network(member, rounds) for member in members}


def _network(member: Member, rounds: int) -> dict[str, Any]:
    image, target = member.images[:1], member.targets[:1]
    bare, _ = network_of(member.network, "cpu", image[0].numpy())
    defended = {
        entry.name: DefendedModel(bare, [_ready(entry.name, image)])
        for entry in DEFENCES.values()
        if entry.name not in LEFT_OUT
    }
    asked: dict[str, Callable[[], float]] = {"bare": partial(_step, bare, image, target)}
    asked |= {one: partial(_step, model.search, image, target) for one, model in defended.items()}
    taken = medians(member.name, asked, rounds)
    return {
        "size": list(image.shape[1:]),
        "bare_seconds": taken["bare"],
        "over_bare": {
            one: {
                "ratio": taken[one] / taken["bare"],
                "times_asked": (times := MIRRORED if one == FLIPS.name else model.draws),
                "ratio_of_each": taken[one] / taken["bare"] / times,
            }
            for one, model in defended.items()
        },
    }


def _ready(name: str, image: Tensor) -> Defence:
    """Return a defence; one that learns has learnt something."""
    learning = DEFENCES[name].learning
    if learning is None:
        return Defence(name)
    defence = Defence(name, {"steps": 1, "learnt": "benchmark"})
    learning.learn([image[0].numpy()], settings_of(defence))
    return defence


def _step(ask: nn.Module | Callable[[Tensor], Tensor], image: Tensor, target: Tensor) -> float:
    asked = image.clone().requires_grad_()
    start = time.perf_counter()
    loss = nn.functional.cross_entropy(ask(asked), target)
    torch.autograd.grad(loss, asked)
    return time.perf_counter() - start

"""What the loop of each gradient attack takes beside the network's own passes."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.registry import ATTACKS
from asma_core.attacks.settings import TOWARDS
from asma_core.fields import config_from_dict
from asma_core.models.wrapper.contract import SegmentationModel
from benchmarks.turns import medians

# Composed of others, or without gradients.
LEFT_OUT: Final = ("worst-case", "square", "dla")


def loop_overhead(
    model: SegmentationModel, images: Tensor, targets: Tensor, steps: int, rounds: int
) -> dict[str, Any]:
    """Return time per gradient evaluation over that of the bare network at the same batch.

    Every attack takes all its steps: the target IoU is 1. In turns; the median of the rounds.
    """
    bare: list[float] = []

    def over_bare(name: str) -> float:
        # The bare network before each, as a machine's speed comes and goes.
        bare.append(bare_seconds(model.network, images, steps))
        return _own(name, model, images, targets, steps) / bare[-1]

    names = [name for name in ATTACKS if name not in LEFT_OUT]
    candidates = {name: partial(over_bare, name) for name in names}
    ratios = medians(f"overhead, batch of {len(images)}", candidates, rounds)
    return {"bare_seconds": statistics.median(bare), **ratios}


def _own(name: str, model: nn.Module, images: Tensor, targets: Tensor, steps: int) -> float:
    entry = ATTACKS[name]
    settings: dict[str, Any] = {"steps": steps, "target_iou": 1.0}
    known = config_from_dict(entry.config, {}).as_dict()
    settings |= {"goal_is": TOWARDS} if "goal_is" in known else {}
    attack, config = entry.attack, config_from_dict(entry.config, settings)
    torch.manual_seed(0)
    started = time.perf_counter()
    results = attack(model, AttackInputs(images, targets), config)
    seconds = time.perf_counter() - started
    return seconds / sum(result.gradient_evaluations for result in results)


def bare_seconds(network: nn.Module, images: Tensor, steps: int) -> float:
    """Return seconds per image of the network's forward and input-backward pass."""
    network.requires_grad_(False)
    started = time.perf_counter()
    for _ in range(steps):
        inputs = images.detach().requires_grad_()
        logits = network(inputs)
        torch.autograd.grad(logits, inputs, grad_outputs=torch.ones_like(logits))
    return (time.perf_counter() - started) / (steps * len(images))

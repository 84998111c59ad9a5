"""What the loop of each gradient attack takes beside the network's own passes."""

from __future__ import annotations

import statistics
import time
from typing import Any, Final

import torch
from torch import Tensor, nn

from asma_core.attacks.registry import ATTACKS
from asma_core.attacks.settings import config_from_dict
from asma_core.progress import Progress

# Composed of others, or without gradients.
LEFT_OUT: Final = ("worst-case", "square")
TOWARDS: Final = "towards the mask"


def loop_overhead(
    model: nn.Module, network: nn.Module, images: Tensor, targets: Tensor, steps: int, rounds: int
) -> dict[str, Any]:
    """Return time per gradient evaluation over that of the bare network at the same batch.

    Every attack takes all its steps: the target IoU is 1. In turns; the median of the rounds.
    """
    names = [name for name in ATTACKS if name not in LEFT_OUT]
    times: dict[str, list[float]] = {name: [] for name in ["bare", *names]}
    progress = Progress(f"overhead, batch of {len(images)}", (rounds + 1) * len(names))
    for turn in range(rounds + 1):
        for place, name in enumerate(names):
            # The bare network before each, as a machine's speed comes and goes.
            bare, own = (
                bare_seconds(network, images, steps),
                _own(name, model, images, targets, steps),
            )
            if turn > 0:  # the first round warms up
                times["bare"].append(bare)
                times[name].append(own / bare)
            progress.update(turn * len(names) + place + 1)
    progress.close()
    ratios = {name: statistics.median(times[name]) for name in names}
    return {"bare_seconds": statistics.median(times["bare"]), **ratios}


def _own(name: str, model: nn.Module, images: Tensor, targets: Tensor, steps: int) -> float:
    entry = ATTACKS[name]
    settings: dict[str, Any] = {"steps": steps, "target_iou": 1.0}
    known = config_from_dict(entry.config, {}).as_dict()
    settings |= {"goal_is": TOWARDS} if "goal_is" in known else {}
    attack, config = entry.load(), config_from_dict(entry.config, settings)
    torch.manual_seed(0)
    started = time.perf_counter()
    results = attack(model, images, targets, config)
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

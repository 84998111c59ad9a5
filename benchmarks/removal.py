"""What it saves to take finished images out of the batch."""

from __future__ import annotations

import statistics
import time
from typing import Any

from torch import Tensor, nn

from asma_core.attacks.contract import AttackInputs, AttackResult
from asma_core.attacks.registry import find_attack
from asma_core.fields import config_from_dict


def removal(model: nn.Module, images: Tensor, targets: Tensor, rounds: int) -> dict[str, Any]:
    """Return the time of a batch whose finished images go, over that where all stay to the end.

    ASMA by default, until the slowest image is done; without removal every image takes as many
    steps as that one.
    """
    _, results = _timed(model, images, targets, {})
    finished = sorted(result.steps for result in results)
    stays = {"stop_at_target": False, "steps": finished[-1]}
    times: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(rounds):
        times["with"].append(_timed(model, images, targets, {})[0])
        times["without"].append(_timed(model, images, targets, stays)[0])
    median = {name: statistics.median(values) for name, values in times.items()}
    return {
        "steps_of_each": finished,
        "seconds": median,
        "with / without": median["with"] / median["without"],
    }


def _timed(
    model: nn.Module, images: Tensor, targets: Tensor, settings: dict[str, Any]
) -> tuple[float, list[AttackResult]]:
    entry = find_attack("asma")
    config = config_from_dict(entry.config, settings)
    started = time.perf_counter()
    results = entry.attack(model, AttackInputs(images, targets), config)
    return time.perf_counter() - started, results

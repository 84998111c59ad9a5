"""How fast ASMA's loop is: `python -m benchmarks.speed --json`.

In one process and one run, in turns: the paper's plain procedure (two forward passes per step,
gradients to the weights, one image at a time), our ASMA, and the bare network's forward and
input-backward pass at the same batch. The median over the rounds counts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from asma_core.attacks.configs import DynamicConfig
from asma_core.attacks.registry import find_attack
from asma_core.data.datasets import open_dataset
from asma_core.files import to_json
from asma_core.models.devices import choose_device
from asma_core.models.loading import load_model
from asma_core.models.memory import keep_freed_memory
from asma_core.progress import Progress
from benchmarks.machine import machine
from benchmarks.plain_procedure import plain_asma


def main() -> None:
    options = _options()
    keep_freed_memory()  # as the worker and the command line do
    if options.threads:
        torch.set_num_threads(options.threads)
    figures = measure(options.model, options.dataset, options.batch, options.steps, options.rounds)
    answer = {"machine": machine(), "settings": vars(options), **figures}
    print(to_json(answer) if options.json else "\n".join(f"{k}: {v}" for k, v in figures.items()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--model", default="demo-lesion-unet")
    parser.add_argument("--dataset", default="demo-lesion")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20, help="per round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 is torch's choice")
    return parser.parse_args()


def measure(model_name: str, dataset: str, batch: int, steps: int, rounds: int) -> dict[str, Any]:
    """Return seconds per image and gradient evaluation, and the ratios that the issue asks for."""
    device = choose_device("cpu")
    model = load_model(model_name, device)
    images, targets = _batch(dataset, batch)
    candidates: dict[str, Callable[[], float]] = {
        "plain_1": lambda: _plain(model, images[:1], targets[:1], steps),
        "ours_1": lambda: _ours(model, images[:1], targets[:1], steps),
        f"ours_{batch}": lambda: _ours(model, images, targets, steps),
        "bare_1": lambda: _bare(model.network, images[:1], steps),
        f"bare_{batch}": lambda: _bare(model.network, images, steps),
    }
    times: dict[str, list[float]] = {name: [] for name in candidates}
    progress = Progress("speed", rounds + 1)
    for turn in range(rounds + 1):
        for name, run in candidates.items():
            seconds = run()
            if turn > 0:  # the first round warms up
                times[name].append(seconds)
        progress.update(turn + 1)
    progress.close()
    median = {name: statistics.median(values) for name, values in times.items()}
    return {
        "seconds_per_image_and_evaluation": median,
        "speedup_one_image": median["plain_1"] / median["ours_1"],
        f"speedup_batch_{batch}": median["plain_1"] / median[f"ours_{batch}"],
        "overhead_one_image": median["ours_1"] / median["bare_1"],
        f"overhead_batch_{batch}": median[f"ours_{batch}"] / median[f"bare_{batch}"],
    }


def _batch(name: str, batch: int) -> tuple[Tensor, Tensor]:
    dataset = open_dataset(name)
    chosen = dataset.split("test")[: batch + 1]
    images = np.stack([dataset.image(sample) for sample in chosen[:-1]])
    masks = np.stack([dataset.mask(sample).labels for sample in chosen[1:]])
    return torch.from_numpy(images), torch.from_numpy(masks)


def _plain(model: nn.Module, images: Tensor, targets: Tensor, steps: int) -> float:
    model.requires_grad_(True)
    started = time.perf_counter()
    plain_asma(model, images, targets, steps, tau=1e-7, beta=1e-6)
    return (time.perf_counter() - started) / steps


def _ours(model: nn.Module, images: Tensor, targets: Tensor, steps: int) -> float:
    """Time our loop with every step taken: tiny multipliers, no stop, rounding as by default."""
    config = DynamicConfig(steps=steps, target_iou=1.0, stop_at_target=False, tau=1e-7, beta=1e-6)
    attack = find_attack("asma").load()
    started = time.perf_counter()
    results = attack(model, images, targets, config)
    seconds = time.perf_counter() - started
    return seconds / sum(result.gradient_evaluations for result in results)


def _bare(network: nn.Module, images: Tensor, steps: int) -> float:
    network.requires_grad_(False)
    started = time.perf_counter()
    for _ in range(steps):
        inputs = images.detach().requires_grad_()
        logits = network(inputs)
        torch.autograd.grad(logits, inputs, grad_outputs=torch.ones_like(logits))
    return (time.perf_counter() - started) / (steps * len(images))


if __name__ == "__main__":
    main()

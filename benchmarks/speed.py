"""How fast the attacks' loop is: `python -m benchmarks.speed --json`.

In one process and one run, in turns; the median over the rounds counts. The parts, of which
`--part` chooses some:

- `loop`: the paper's plain procedure (two forward passes per step, gradients to the weights, one
  image at a time), our ASMA, and the bare network's forward and input-backward pass.
- `overhead`: the loop of every gradient attack over the bare network at the same batch.
- `removal`: a batch whose finished images are taken out, over one where all stay.
- `first`: time to the first image with IoU 0.97, against the paper's plain procedure.
- `busy`: a step beside 0, 1 and 2 busy processes, in processes of their own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from asma_core.attacks.asma.settings import DynamicConfig
from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.registry import find_attack
from asma_core.data.datasets import open_dataset
from asma_core.experiments.plan import pairs_of
from asma_core.files import to_json
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.loading import load_model
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.devices import choose_device
from asma_core.models.wrapper.memory import keep_freed_memory
from benchmarks.busy import busy_steps
from benchmarks.first_success import first_success
from benchmarks.loop_overhead import bare_seconds, loop_overhead
from benchmarks.machine import machine
from benchmarks.plain_procedure import plain_asma
from benchmarks.removal import removal
from benchmarks.turns import medians


def main() -> None:
    options = _options()
    keep_freed_memory()  # as the worker and the command line do
    if options.threads:
        torch.set_num_threads(options.threads)
    answer = {"machine": machine(), "settings": vars(options)}
    for part in options.part or PARTS:
        answer |= PARTS[part](options)
    print(to_json(answer) if options.json else "\n".join(f"{k}: {v}" for k, v in answer.items()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--part", action="append", choices=list(PARTS))
    parser.add_argument("--model", default="demo-lesion-unet")
    parser.add_argument("--dataset", default="demo-lesion")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20, help="per round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pairs", type=int, default=8, help="of the part `first`")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 is torch's choice")
    return parser.parse_args()


def loop(options: argparse.Namespace) -> dict[str, Any]:
    """Return seconds per image and gradient evaluation, and the ratios that the issue asks for."""
    model, images, targets = _given(options, options.batch)
    batch, steps, rounds = options.batch, options.steps, options.rounds
    candidates: dict[str, Callable[[], float]] = {
        "plain_1": lambda: _plain(model, images[:1], targets[:1], steps),
        "ours_1": lambda: _ours(model, images[:1], targets[:1], steps),
        f"ours_{batch}": lambda: _ours(model, images, targets, steps),
        "bare_1": lambda: bare_seconds(model.network, images[:1], steps),
        f"bare_{batch}": lambda: bare_seconds(model.network, images, steps),
    }
    median = medians("speed", candidates, rounds)
    return {
        "seconds_per_image_and_evaluation": median,
        "speedup_one_image": median["plain_1"] / median["ours_1"],
        f"speedup_batch_{batch}": median["plain_1"] / median[f"ours_{batch}"],
        "overhead_one_image": median["ours_1"] / median["bare_1"],
        f"overhead_batch_{batch}": median[f"ours_{batch}"] / median[f"bare_{batch}"],
    }


def overhead(options: argparse.Namespace) -> dict[str, Any]:
    """Return the overhead of every attack, for one image and for a batch."""
    answer = {}
    for batch in sorted({1, options.batch}):
        model, images, targets = _given(options, batch)
        answer[f"overhead_of_each_batch_{batch}"] = loop_overhead(
            model, images, targets, 2 * options.steps, options.rounds
        )
    return answer


def taken_out(options: argparse.Namespace) -> dict[str, Any]:
    """Return what it saves to take finished images out of a batch of 16."""
    return {"removal_batch_16": removal(*_given(options, 16), rounds=3)}


def first(options: argparse.Namespace) -> dict[str, Any]:
    """Return the times to the first success."""
    return {"first_success": first_success(*_given(options, options.pairs))}


def busy(options: argparse.Namespace) -> dict[str, Any]:
    """Return what a step takes beside other work."""
    return {"busy": busy_steps(options.model, options.dataset, options.rounds)}


def _given(options: argparse.Namespace, count: int) -> tuple[SegmentationModel, Tensor, Tensor]:
    dataset = open_dataset(options.dataset)
    named = [(dataset.find(a), dataset.find(b)) for a, b in pairs_of(dataset, count)]
    images = np.stack([dataset.image(sample) for sample, _ in named])
    masks = np.stack([dataset.mask(other).labels for _, other in named])
    model = load_model(find_card(options.model), choose_device("cpu"))
    return model, torch.from_numpy(images), torch.from_numpy(masks)


def _plain(model: nn.Module, images: Tensor, targets: Tensor, steps: int) -> float:
    model.requires_grad_(True)
    started = time.perf_counter()
    plain_asma(model, images, targets, steps, tau=1e-7, beta=1e-6)
    return (time.perf_counter() - started) / steps


def _ours(model: nn.Module, images: Tensor, targets: Tensor, steps: int) -> float:
    """Time our loop with every step taken: tiny multipliers, no stop, rounding as by default."""
    config = DynamicConfig(steps=steps, target_iou=1.0, stop_at_target=False, tau=1e-7, beta=1e-6)
    attack = find_attack("asma").attack
    started = time.perf_counter()
    results = attack(model, AttackInputs(images, targets), config)
    seconds = time.perf_counter() - started
    return seconds / sum(result.gradient_evaluations for result in results)


PARTS: Final = {
    "loop": loop,
    "overhead": overhead,
    "removal": taken_out,
    "first": first,
    "busy": busy,
}


if __name__ == "__main__":
    main()

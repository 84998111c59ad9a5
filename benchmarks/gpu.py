"""How fast an attack is on a GPU: `python -m benchmarks.gpu --json`.

A MONAI U-Net of 32 to 512 channels with random weights, a batch of 16 images of 512 x 512, in one
process and in turns: the authors' plain procedure one image at a time, ASMA with each precision,
compiled and not, and the bare network's forward and input-backward pass in bfloat16. The median
over the rounds counts. Then `minimal` on pairs of the demo sets with each backend: whether it
succeeds as float32 does, and how long its change is.
`--device cpu --size 64 --batch 2 --channels 4,8 --pairs 1` tries it anywhere.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn

from asma_core.attacks.asma.settings import DynamicConfig
from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.registry import find_attack
from asma_core.errors import DeviceError
from asma_core.files import json_values, to_json
from asma_core.models.wrapper.backend import Backend, float32_sums, make_backend
from asma_core.models.wrapper.devices import choose_device
from asma_core.models.wrapper.precision import AUTO, FLOAT32, PRECISIONS
from benchmarks.contest import SETS, Contest
from benchmarks.machine import machine
from benchmarks.plain_procedure import plain_asma
from benchmarks.turns import medians

PARTS: Final = ("speed", "outcomes")


def main() -> None:
    options = _options()
    device = choose_device(options.device)
    answer: dict[str, Any] = {"machine": machine(), "settings": vars(options)}
    if "speed" in (options.part or PARTS):
        answer |= measure(options, device)
    if "outcomes" in (options.part or PARTS):
        answer["minimal"] = {
            name: _outcomes(Contest(name, options.pairs, options.pairs, device, target_iou))
            for name, target_iou in SETS.items()
        }
    print(to_json(json_values(answer)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--channels", default="32,64,128,256,512")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=16)
    return parser.parse_args()


def measure(options: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Return images times steps per second of each way, and the two ratios that count."""
    torch.manual_seed(0)
    network = _network([int(text) for text in options.channels.split(",")]).to(device)
    images = torch.rand(options.batch, 3, options.size, options.size, device=device)
    targets = (images.mean(dim=1) > 0.5).long()
    candidates, notes = _candidates(network, images, targets, options.steps, device)
    timed = {name: partial(_rate, run, device) for name, run in candidates.items()}
    median = medians("gpu", timed, options.rounds)
    ours = max(rate for name, rate in median.items() if name.startswith("asma"))
    return {
        "images_times_steps_per_second": median,
        "best / authors": ours / median["authors"],
        "best / bare bfloat16": ours / median["bare bfloat16"],
        "notes": notes,
    }


def _network(channels: list[int]) -> nn.Module:
    from monai.networks.nets.unet import UNet

    network: nn.Module = UNet(2, 3, 2, channels, [2] * (len(channels) - 1), num_res_units=2)
    return network.eval()


def _candidates(
    network: nn.Module, images: Tensor, targets: Tensor, steps: int, device: torch.device
) -> tuple[dict[str, Callable[[], int]], dict[str, str]]:
    backends, notes = _backends(network, images, device)
    runs: dict[str, Callable[[], int]] = {
        "authors": lambda: _authors(network, images, targets, steps),
        "bare bfloat16": lambda: _bare(network, images, steps, device),
    }
    asma = {f"asma {name}": _attack(way, images, targets, steps) for name, way in backends.items()}
    return runs | asma, notes


def _backends(
    network: nn.Module, images: Tensor, device: torch.device
) -> tuple[dict[str, Backend], dict[str, str]]:
    """Return each way of running a network that the device has, and why it lacks the others."""
    backends, notes = {}, {}
    for precision in PRECISIONS:
        if precision == AUTO:
            continue
        try:
            backends[precision] = make_backend(network, device, precision)
        except DeviceError as error:
            notes[precision] = str(error)
            continue
        # A backend of its own, so that the one above stays as it is.
        compiled = Backend(network, backends[precision].precision, device).eval()
        with float32_sums(precision):
            said = compiled.compiled_for(images)
        if said:
            notes[f"{precision}, compiled"] = said
        else:
            backends[f"{precision}, compiled"] = compiled
    return backends, notes


def _outcomes(contest: Contest) -> dict[str, Any]:
    """Attack the pairs by `minimal` with each backend; the length is of what all reach."""
    backends, notes = _backends(contest.model, contest.images, contest.device)
    rows = {}
    for name, backend in backends.items():
        with float32_sums(backend.precision):
            settings = {"steps": 100, "target_iou": contest.target_iou}
            rows[name] = contest.attack("minimal", settings, backend)
    exact = rows[FLOAT32]
    return {
        "notes": notes,
        "successes": {name: int(row.success.sum()) for name, row in rows.items()},
        "as float32": {
            name: int((row.success == exact.success).sum()) for name, row in rows.items()
        },
        "mean L2 over float32's": {
            name: float((row["l2"] / exact["l2"])[row.success & exact.success].mean())
            for name, row in rows.items()
        },
    }


def _authors(network: nn.Module, images: Tensor, targets: Tensor, steps: int) -> int:
    network.requires_grad_(True)
    with float32_sums(FLOAT32):
        plain_asma(network, images[:1], targets[:1], steps, tau=1e-9, beta=0.0)
    network.requires_grad_(False)
    return steps


def _bare(network: nn.Module, images: Tensor, steps: int, device: torch.device) -> int:
    for _ in range(steps):
        inputs = images.detach().requires_grad_()
        with torch.autocast(device.type, dtype=torch.bfloat16):
            logits = network(inputs.contiguous(memory_format=torch.channels_last))
        torch.autograd.grad(logits, inputs, torch.ones_like(logits))
    return steps * len(images)


def _attack(backend: Backend, images: Tensor, targets: Tensor, steps: int) -> Callable[[], int]:
    """Every step is taken: tiny multipliers, no stop."""
    attack = find_attack("asma").attack
    config = DynamicConfig(steps=steps, target_iou=1.0, stop_at_target=False, tau=1e-9, beta=0.0)

    def run() -> int:
        with float32_sums(backend.precision):
            results = attack(backend, AttackInputs(images, targets), config)
        return sum(result.gradient_evaluations for result in results)

    return run


def _rate(run: Callable[[], int], device: torch.device) -> float:
    _wait(device)
    started = time.perf_counter()
    done = run()
    _wait(device)
    return done / (time.perf_counter() - started)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()

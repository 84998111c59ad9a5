"""How fast an attack is on a GPU: `python -m benchmarks.gpu --json`.

A MONAI U-Net of 32 to 512 channels with random weights, a batch of 16 images of 512 x 512, in one
process and in turns: the authors' plain procedure one image at a time, ASMA with each precision,
compiled and not, and the bare network's forward and input-backward pass in bfloat16. The median
over the rounds counts. `--device cpu --size 64 --batch 2 --channels 4,8` tries it anywhere.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from asma_core.attacks.asma.settings import DynamicConfig
from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.registry import find_attack
from asma_core.errors import DeviceError
from asma_core.files import to_json
from asma_core.models.wrapper.backend import Backend, float32_sums, make_backend
from asma_core.models.wrapper.devices import choose_device
from asma_core.models.wrapper.precision import AUTO, FLOAT32, PRECISIONS
from benchmarks.machine import machine
from benchmarks.plain_procedure import plain_asma
from benchmarks.turns import medians


def main() -> None:
    options = _options()
    device = choose_device(options.device)
    figures = measure(options, device)
    print(to_json({"machine": machine(), "settings": vars(options), **figures}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--channels", default="32,64,128,256,512")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
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
    runs: dict[str, Callable[[], int]] = {
        "authors": lambda: _authors(network, images, targets, steps),
        "bare bfloat16": lambda: _bare(network, images, steps, device),
    }
    notes = {}
    for precision in PRECISIONS:
        if precision == AUTO:
            continue
        try:
            backend = make_backend(network, device, precision)
        except DeviceError as error:
            notes[precision] = str(error)
            continue
        runs[f"asma {precision}"] = _attack(backend, images, targets, steps)
        # A backend of its own, so that the one above stays as it is.
        compiled = Backend(network, backend.precision, device).eval()
        with float32_sums(backend.precision):
            said = compiled.compiled_for(images)
        if said:
            notes[f"{precision}, compiled"] = said
        else:
            runs[f"asma {precision}, compiled"] = _attack(compiled, images, targets, steps)
    return runs, notes


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

"""What a step costs on files larger than what the network sees: `python -m benchmarks.file_sizes`.

One network that sees 512 x 512 on files of several sizes: seconds a step, over those of the bare
network's forward and backward pass at 512 x 512 in the same process, and the most memory. Each size
is measured in a process of its own. As JSON.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.engine.batch import as_saved
from asma_core.attacks.registry import ATTACKS, find_attack
from asma_core.fields import config_from_dict
from asma_core.files import json_values, to_json
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.models.wrapper.calls import predicted
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.specs import InputSpec
from benchmarks.loop_overhead import bare_seconds
from benchmarks.machine import machine
from benchmarks.zoo.members import Member, member

SEEN: Final = 512
SIZES: Final = ("512x512", "1759x2463", "4096x4096")
# Grey levels of the noise that a photograph has, which no enlarged one does.
NOISE: Final = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="vessels", help="of the zoo")
    parser.add_argument("--attack", choices=sorted(ATTACKS), default="minimal")
    parser.add_argument("--size", action="append", help=f"HxW; {SIZES} unless given")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--iou", type=float, default=0.95)
    parser.add_argument("--pair", type=int, default=0)
    options = parser.parse_args()
    sizes = options.size or list(SIZES)
    # A process for each, whose peak of memory is that size's.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        rows = list(pool.map(partial(_measured, options), sizes))
    print(to_json(json_values({"machine": machine(), "settings": vars(options), "sizes": rows})))


def _measured(options: argparse.Namespace, words: str) -> dict[str, Any]:
    """Attack a file of a size, HxW in words; say what a step took, and what came of it."""
    height, width = map(int, words.split("x"))
    seen = member(options.network, SEEN)
    model = _as_seen(seen)
    image, target = _file(seen, options.pair, (height, width))
    bare_seconds(model.network, seen.images[:1], 2)
    before = bare_seconds(model.network, seen.images[:1], 5)
    entry = find_attack(options.attack)
    settings = {"steps": options.steps, "target_iou": options.iou}
    config = config_from_dict(entry.config, settings)
    torch.manual_seed(0)
    _forget_peak()
    held = _memory_mb("VmRSS")
    started = time.perf_counter()
    (result,) = entry.attack(model, AttackInputs(image, target), config)
    seconds = (time.perf_counter() - started) / result.gradient_evaluations
    peak = _memory_mb("VmHWM")
    after = bare_seconds(model.network, seen.images[:1], 5)
    with torch.no_grad():
        again = predicted(model(result.adversarial[None]))
    classes = len(model.classes)
    return {
        "size": words,
        "bare_seconds": (before + after) / 2,
        "seconds_per_step": seconds,
        "over_bare": seconds / ((before + after) / 2),
        "memory_before_mb": held,
        "peak_memory_mb": peak,
        "evaluations": result.gradient_evaluations,
        "success": result.success,
        "iou": result.best.score,
        "l2": result.best.l2,
        "levels": result.best.linf * 255,
        "iou_again": foreground_iou(confusion_matrix(again[0].numpy(), target[0].numpy(), classes)),
    }


def _forget_peak() -> None:
    """Let the most memory be counted from here on: what made the file is no part of the attack."""
    Path("/proc/self/clear_refs").write_text("5")


def _memory_mb(name: str) -> float:
    """Return a figure of this process's memory as Linux names it."""
    status = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def _as_seen(seen: Member) -> SegmentationModel:
    """Return a network behind the resizing of its card."""
    channels = seen.images.shape[1]
    fixed = (0.0,) * channels, (1.0,) * channels
    spec = InputSpec(channels, 0, 1, *fixed, exact=(SEEN, SEEN))
    with torch.no_grad():
        classes = seen.network(seen.images[:1]).shape[1]
    return SegmentationModel(seen.network, spec, tuple(f"class {k}" for k in range(classes))).eval()


def _file(seen: Member, pair: int, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return a member's image and target as of a file of another size, of 8 bits."""
    image, target = seen.images[pair : pair + 1], seen.targets[pair : pair + 1]
    if size == tuple(image.shape[-2:]):
        return image, target
    large = functional.interpolate(image, size=size, mode="bicubic").clamp(0.0, 1.0)
    noise = torch.randn(large.shape, generator=torch.Generator().manual_seed(0)) * NOISE / 255.0
    large = as_saved((large + noise).clamp(0.0, 1.0))
    labels = functional.one_hot(target, int(target.max()) + 1).permute(0, 3, 1, 2).float()
    smooth = functional.interpolate(labels, size=size, mode="bilinear")
    return large, smooth.max(dim=1).indices


if __name__ == "__main__":
    main()

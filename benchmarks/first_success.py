"""Time to the first image that meets the target IoU: `minimal` against the authors' procedure."""

from __future__ import annotations

import math
import statistics
import time
from typing import Any, Final

from torch import Tensor, nn

from asma_core.attacks.contract import AttackInputs, StepReport
from asma_core.attacks.engine.batch import as_saved
from asma_core.attacks.registry import find_attack
from asma_core.cli.progress import Progress
from asma_core.fields import config_from_dict
from benchmarks.plain_procedure import SCALES, plain_asma

TARGET_IOU: Final = 0.97
MOST_STEPS: Final = 500
# A scale that fails more often than this is not the authors' best.
LEAST_SUCCESS: Final = 0.75


def first_success(model: nn.Module, images: Tensor, targets: Tensor) -> dict[str, Any]:
    """Return seconds to the first success, medians over pairs, one image at a time.

    The best scale is the one of the smallest median L2 among those that mostly succeed; what the
    others take and give stands beside. A success at any L2 is no feat: by a scale large enough the
    authors' procedure has one in five steps, with several times the change. So the time that
    `minimal` needs to be as near as the best scale's image stands beside as well.
    """
    progress = Progress("first success", len(images))
    scales: dict[float, list[dict[str, float]]] = {tau: [] for tau in SCALES}
    ours: list[list[tuple[float, float]]] = []
    for row in range(len(images)):
        image, target = images[row : row + 1], targets[row : row + 1]
        for tau in SCALES:
            scales[tau].append(_plain(model, image, target, tau))
        ours.append(_ours(model, image, target))
        progress.update(row + 1)
    progress.close()
    plain = {tau: _medians(rows) for tau, rows in scales.items()}
    often = {tau: row for tau, row in plain.items() if row["success_rate"] >= LEAST_SUCCESS}
    best = min(often, key=lambda tau: often[tau]["l2"])
    first = statistics.median(way[0][0] for way in ours)
    nearer = [
        next((at for at, l2 in way if l2 <= other["l2"]), math.inf)
        for way, other in zip(ours, scales[best], strict=True)
        if other["success"]
    ]
    as_near = statistics.median(filter(math.isfinite, nearer))
    return {
        "authors": {f"tau {tau:g}": row for tau, row in plain.items()},
        "best_scale": f"tau {best:g}",
        "minimal": {
            "seconds": first,
            "l2": statistics.median(way[0][1] for way in ours),
            "seconds_until_as_near": as_near,
            "as_near_on": f"{sum(map(math.isfinite, nearer))} of {len(nearer)}",
        },
        "times_faster": plain[best]["seconds"] / first,
        "times_faster_until_as_near": plain[best]["seconds"] / as_near,
    }


def _plain(model: nn.Module, image: Tensor, target: Tensor, tau: float) -> dict[str, float]:
    model.requires_grad_(True)
    started = time.perf_counter()
    adversarial, ious = plain_asma(
        model, image, target, MOST_STEPS, tau, 10 * tau, stop_at=TARGET_IOU
    )
    seconds = time.perf_counter() - started
    model.requires_grad_(False)
    change = float((as_saved(adversarial) - image).norm())
    success = float(ious[-1] >= TARGET_IOU)
    return {"seconds": seconds, "steps": len(ious), "l2": change, "success": success}


def _ours(model: nn.Module, image: Tensor, target: Tensor) -> list[tuple[float, float]]:
    """Return when `minimal` came nearer to the image while at the target, and how near."""
    way: list[tuple[float, float]] = []
    started = time.perf_counter()

    def on_step(report: StepReport) -> bool:
        now = report.images[0]
        if now.score >= TARGET_IOU and (not way or now.l2 < way[-1][1]):
            way.append((time.perf_counter() - started, now.l2))
        return False

    entry = find_attack("minimal")
    config = config_from_dict(entry.config, {"target_iou": TARGET_IOU})
    entry.attack(model, AttackInputs(image, target), config, on_step=on_step)
    return way or [(float("inf"), float("inf"))]


def _medians(rows: list[dict[str, float]]) -> dict[str, float]:
    won = [row for row in rows if row["success"]]
    medians = {
        name: statistics.median(row[name] for row in won) if won else float("inf")
        for name in ("seconds", "steps", "l2")
    }
    return medians | {"success_rate": len(won) / len(rows)}

"""The frontier of an attack: how small a change was enough for which IoU, within how much work."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch

from asma_core.attacks.contract import CONVERGED, AttackInputs, AttackResult
from asma_core.attacks.registry import find_attack
from asma_core.fields import config_from_dict
from benchmarks.zoo.cores import on_all_cores
from benchmarks.zoo.members import Member, member

EVALUATIONS: Final = (50, 100, 300, 1000)


class Work(NamedTuple):
    """One attack on one pair."""

    name: str
    place: int
    attack: str
    iou: float
    steps: int
    real_size: int
    folder: Path


def frontiers(works: Sequence[Work]) -> list[dict[str, Any]]:
    """Return what each gave, in their order."""
    return on_all_cores(_frontier, works)


@cache
def _member(name: str, real_size: int, folder: Path) -> Member:
    return member(name, real_size, folder)


def _frontier(work: Work) -> dict[str, Any]:
    """Attack one pair, and say what was reached when."""
    attacked = _member(work.name, work.real_size, work.folder)
    entry = find_attack(work.attack)
    config = config_from_dict(entry.config, {"steps": work.steps, "target_iou": work.iou})
    one = slice(work.place, work.place + 1)
    torch.manual_seed(0)
    inputs = AttackInputs(attacked.images[one], attacked.targets[one])
    (result,) = entry.attack(attacked.network, inputs, config)
    return {
        "network": work.name,
        "target": attacked.pairs[work.place],
        "attack": work.attack,
        "iou": work.iou,
        **_figures(result, work.iou),
    }


def _figures(result: AttackResult, iou: float) -> dict[str, Any]:
    met = [(now.step, now.l2) for now in result.trajectory if now.score >= iou]
    within = {
        str(most): min((l2 for step, l2 in met if step <= most), default=None)
        for most in EVALUATIONS
        if most <= result.steps or result.ending == CONVERGED
    }
    best = result.best
    return {
        "success": result.success,
        "l2_within": within,
        "evaluations": result.gradient_evaluations,
        "kept": {"iou": best.score, "l2": best.l2, "levels": round(best.linf * 255)},
    }


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return, by attack and IoU, who failed and how much the last evaluations still gave."""
    kinds = sorted({(row["attack"], row["iou"]) for row in rows})
    return [_summary(attack, iou, rows) for attack, iou in kinds]


def _summary(attack: str, iou: float, rows: list[dict[str, Any]]) -> dict[str, Any]:
    these = [row for row in rows if (row["attack"], row["iou"]) == (attack, iou)]
    pairs = [(row["l2_within"].get("100"), _last(row["l2_within"])) for row in these]
    ratios = [early / last for early, last in pairs if early and last]
    return {
        "attack": attack,
        "iou": iou,
        "pairs": len(these),
        "reached": sum(row["success"] for row in these),
        "reached_within_100": sum(early is not None for early, _ in pairs),
        "failed": [f"{row['network']}: {row['target']}" for row in these if not row["success"]],
        "median_l2_at_100_over_last": statistics.median(ratios) if ratios else None,
        "largest_l2_at_100_over_last": max(ratios, default=None),
    }


def _last(within: dict[str, float | None]) -> float | None:
    """Return the L2 within the most evaluations that were made."""
    return next(reversed(within.values()), None)

"""The frontier of an attack: how small a change was enough for which IoU, within how much work."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from asma_core.attacks.contract import CONVERGED, AttackInputs, AttackResult
from asma_core.attacks.registry import find_attack
from asma_core.attacks.settings import L2
from asma_core.data.formats.images import to_bytes
from asma_core.fields import config_from_dict
from asma_core.metrics.visibility import visibility
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
    norm: str = L2


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
    asked = {"steps": work.steps, "target_iou": work.iou}
    config = config_from_dict(entry.config, asked | _norm_setting(work))
    one = slice(work.place, work.place + 1)
    torch.manual_seed(0)
    inputs = AttackInputs(attacked.images[one], attacked.targets[one])
    (result,) = entry.attack(attacked.network, inputs, config)
    return {
        "network": work.name,
        "target": attacked.pairs[work.place],
        "attack": work.attack,
        "iou": work.iou,
        "norm": work.norm,
        **_figures(result, work.iou, work.norm),
        "kept": _kept(result, attacked.images[work.place]),
    }


def _norm_setting(work: Work) -> dict[str, str]:
    """Return the norm as a setting, for an attack that has one."""
    names = {field.name for field in fields(find_attack(work.attack).config)}
    return {"norm": work.norm} if "norm" in names else {}


def _figures(result: AttackResult, iou: float, norm: str) -> dict[str, Any]:
    met = [(now.step, getattr(now, norm)) for now in result.trajectory if now.score >= iou]
    within = {
        str(most): min((length for step, length in met if step <= most), default=None)
        for most in EVALUATIONS
        if most <= result.steps or result.ending == CONVERGED
    }
    return {
        "success": result.success,
        "within": within,
        "evaluations": result.gradient_evaluations,
    }


def _kept(result: AttackResult, original: Tensor) -> dict[str, float]:
    """Return how far the file that is kept is from the original, in every measure."""
    seen = visibility(*(to_bytes(image.numpy()) for image in (original, result.adversarial)))
    return {
        "iou": result.best.score,
        "l2": seen.l2,
        "levels": round(seen.linf * 255),
        "ssim": seen.ssim,
        "ciede2000": seen.delta_e_mean,
        "ciede2000_99": seen.delta_e_99,
    }


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return, by attack, norm and IoU, who failed and how much the last evaluations still gave."""
    kinds = sorted({_kind(row) for row in rows})
    return [_summary(kind, [row for row in rows if _kind(row) == kind]) for kind in kinds]


def _kind(row: dict[str, Any]) -> tuple[str, str, float]:
    return row["attack"], row["norm"], row["iou"]


def _summary(kind: tuple[str, str, float], these: list[dict[str, Any]]) -> dict[str, Any]:
    pairs = [(row["within"].get("100"), _last(row["within"])) for row in these]
    ratios = [early / last for early, last in pairs if early and last]
    return {
        **dict(zip(("attack", "norm", "iou"), kind, strict=True)),
        "pairs": len(these),
        "reached": sum(row["success"] for row in these),
        "reached_within_100": sum(early is not None for early, _ in pairs),
        "failed": [f"{row['network']}: {row['target']}" for row in these if not row["success"]],
        "median_at_100_over_last": statistics.median(ratios) if ratios else None,
        "largest_at_100_over_last": max(ratios, default=None),
    }


def _last(within: dict[str, float | None]) -> float | None:
    """Return the L2 within the most evaluations that were made."""
    return next(reversed(within.values()), None)

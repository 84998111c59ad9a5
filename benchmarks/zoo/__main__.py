"""How small a change leads many networks astray: `python -m benchmarks.zoo --json`.

The frontier of attacks, by network and pair: the smallest L2 of an image as it is saved whose IoU
with the target is at least so much, within so many evaluations. One run for each IoU; null where
it was not reached. `--make` trains the networks, once, beside the project.
"""

from __future__ import annotations

import argparse
import os
import statistics
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch

from asma_core.attacks.contract import CONVERGED, AttackInputs, AttackResult
from asma_core.attacks.registry import ATTACKS, find_attack
from asma_core.fields import config_from_dict
from asma_core.files import json_values, to_json
from benchmarks.machine import machine
from benchmarks.zoo.members import Member, member, member_names
from benchmarks.zoo.training import KEPT, make_zoo

EVALUATIONS: Final = (50, 100, 300, 1000)
IOUS: Final = (0.80, 0.90, 0.95, 0.97)


class Work(NamedTuple):
    """One attack on one pair."""

    name: str
    place: int
    attack: str
    iou: float
    steps: int
    real_size: int
    folder: Path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.add_argument("--make", action="store_true", help="train the networks that are missing")
    parser.add_argument("--folder", type=Path, default=KEPT, help="where they are kept")
    parser.add_argument("--attack", choices=sorted(ATTACKS), action="append")
    parser.add_argument("--half", choices=["choosing", "reporting"], help="both unless given")
    parser.add_argument("--network", choices=member_names(), action="append")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--iou", type=float, action="append", help=f"{IOUS} unless given")
    parser.add_argument("--pairs", type=int, default=2, help="how many a network, at most 6")
    parser.add_argument("--real-size", type=int, default=512, help="images of the real networks")
    options = parser.parse_args()
    if options.make:
        print(to_json(json_values({"machine": machine(), "made": make_zoo(options.folder)})))
        return
    works = [
        Work(name, place, attack, iou, options.steps, options.real_size, options.folder)
        for name, place, iou, attack in product(
            options.network or member_names(options.half),
            range(options.pairs),
            options.iou or IOUS,
            options.attack or ["minimal"],
        )
    ]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _alone) as pool:
        rows = list(pool.map(frontier, works))
    answer = {
        "machine": machine(),
        "settings": vars(options),
        "summary": summary(rows),
        "zoo": rows,
    }
    print(to_json(json_values(answer)))


def _alone() -> None:
    torch.set_num_threads(1)


@cache
def _member(name: str, real_size: int, folder: Path) -> Member:
    return member(name, real_size, folder)


def frontier(work: Work) -> dict[str, Any]:
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


if __name__ == "__main__":
    main()

"""How small a change leads real networks astray: `python -m benchmarks.zoo --json`.

The frontier of an attack, by network and pair: the smallest L2 of an image as it is saved whose
IoU with the target is at least so much, within so many evaluations. One run for each IoU that is
asked for; null where it was not reached.
"""

from __future__ import annotations

import argparse
from typing import Any, Final

import torch

from asma_core.attacks.contract import CONVERGED, AttackInputs, AttackResult
from asma_core.attacks.registry import ATTACKS, find_attack
from asma_core.fields import config_from_dict
from asma_core.files import json_values, to_json
from benchmarks.machine import machine
from benchmarks.zoo.members import Member, real_members

EVALUATIONS: Final = (50, 100, 300, 1000)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.add_argument("--attack", choices=sorted(ATTACKS), default="minimal")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--iou", type=float, action="append", help="0.95 unless given")
    parser.add_argument("--size", type=int, default=512, help="side of the images, in pixels")
    parser.add_argument("--pairs", type=int, default=6, help="how many a network, at most 6")
    options = parser.parse_args()
    ious = options.iou or [0.95]
    members = real_members(options.size)
    found = {
        member.name: [
            row
            for iou in ious
            for row in frontier(member, options.attack, iou, options.steps, options.pairs)
        ]
        for member in members
    }
    print(to_json(json_values({"machine": machine(), "settings": vars(options), "zoo": found})))


def frontier(
    member: Member, attack: str, iou: float, steps: int, pairs: int
) -> list[dict[str, Any]]:
    """Attack the first pairs of a member, one image at a time."""
    entry, rows = find_attack(attack), []
    config = config_from_dict(entry.config, {"steps": steps, "target_iou": iou})
    for place, words in enumerate(member.pairs[:pairs]):
        torch.manual_seed(0)
        one = slice(place, place + 1)
        inputs = AttackInputs(member.images[one], member.targets[one])
        (result,) = entry.attack(member.network, inputs, config)
        rows.append({"target": words, "iou_wanted": iou, **_figures(result, iou)})
    return rows


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


if __name__ == "__main__":
    main()

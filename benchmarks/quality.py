"""What the attacks reach: `python -m benchmarks.quality --json`.

Test images of each demo set towards another test image's mask. All figures are of the 8-bit image
as it is saved. The parts, of which `--part` chooses some:

- `defaults`: ASMA as it comes.
- `norm`: `minimal` with 100 gradient evaluations against ASMA at five scales of tau and beta.
- `bottom`: `minimal` with 1,000 evaluations, which stands for the smallest L2 there is.
- `others`: L2 of all attacks with 100 evaluations.
- `linf`: Linf of those that minimise it, with 100 evaluations.

All of them take about an hour and a half on two cores.
"""

from __future__ import annotations

import argparse
from typing import Any, Final

from asma_core.attacks.settings import TOWARDS
from asma_core.files import json_values, to_json
from asma_core.models.wrapper.devices import choose_device
from asma_core.models.wrapper.memory import keep_freed_memory
from benchmarks.contest import SETS, Contest
from benchmarks.machine import machine
from benchmarks.plain_procedure import SCALES

PARTS: Final = ("defaults", "norm", "bottom", "others", "linf")
FLOOR: Final = 0.95


def main() -> None:
    options = _options()
    keep_freed_memory()
    parts = options.part or PARTS
    sets = {}
    for name in options.dataset or SETS:
        contest = Contest(
            name, options.pairs, options.batch, choose_device(options.device), SETS[name]
        )
        sets[name] = {part: _SECTIONS[part](contest) for part in parts}
    print(to_json(json_values({"machine": machine(), "settings": vars(options), "sets": sets})))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.add_argument("--dataset", action="append", choices=list(SETS))
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


def _defaults(contest: Contest) -> dict[str, Any]:
    rows = contest.attack("asma", {})
    return rows.figures | {f"share_with_iou_of_{FLOOR}": float((rows["iou"] >= FLOOR).mean())}


def _norm(contest: Contest) -> dict[str, Any]:
    minimal = contest.minimal(100)
    scales = {}
    for tau in SCALES:
        settings = {"steps": 500, "tau": tau, "beta": 10 * tau}
        asma = contest.attack("asma", settings | {"target_iou": contest.target_iou})
        both = minimal.success & asma.success
        ratio = minimal["l2"][both].mean() / asma["l2"][both].mean() if both.any() else None
        scales[f"tau {tau:g}"] = asma.figures | {"both": int(both.sum()), "minimal / asma": ratio}
    return {"minimal": minimal.figures, "asma": scales}


def _bottom(contest: Contest) -> dict[str, Any]:
    short, long = contest.minimal(100), contest.minimal(1000)
    both = short.success & long.success
    ratio = short["l2"][both].mean() / long["l2"][both].mean()
    return {"100": short.figures, "1000": long.figures, "100 / 1000": ratio}


def _others(contest: Contest) -> dict[str, Any]:
    """A budget is the median that `minimal` needs, so that who meets it in half the pairs ties."""
    minimal = contest.minimal(100)
    budget = minimal.figures["median_l2"]
    answer = {"minimal": minimal.figures}
    shared = {"steps": 100, "target_iou": contest.target_iou}
    for name in ("ssm", "ssm-dpm", "asm", "asma", "dag", "pdpgd", "alma-prox"):
        answer[name] = contest.attack(name, shared).figures
    for name in ("pgd", "segpgd", "cospgd"):
        within = shared | {"norm": "l2", "budget": budget}
        answer[name] = contest.attack(name, within).figures
        answer[f"{name}, automatic budget"] = contest.attack(name, shared | {"norm": "l2"}).figures
    towards = shared | {"goal_is": TOWARDS}
    answer["apgd-ensemble"] = contest.attack("apgd-ensemble", towards).figures
    return answer


def _linf(contest: Contest) -> dict[str, Any]:
    shared = {"steps": 100, "target_iou": contest.target_iou}
    answer = {
        "minimal": contest.minimal(100, "linf").figures,
        "alma-prox": contest.attack("alma-prox", shared).figures,
        "pdpgd": contest.attack("pdpgd", shared | {"norm": "linf"}).figures,
    }
    budget = answer["minimal"]["median_linf"]
    for name in ("pgd", "segpgd", "cospgd"):
        within = shared | {"norm": "linf", "budget": budget}
        answer[name] = contest.attack(name, within).figures
    return answer


_SECTIONS: Final = {
    "defaults": _defaults,
    "norm": _norm,
    "bottom": _bottom,
    "others": _others,
    "linf": _linf,
}


if __name__ == "__main__":
    main()

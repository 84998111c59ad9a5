"""What survives of an attack's file, with and without the switch that makes it survive.

    python -m benchmarks.survival --json [--images 4] [--steps 100]

On the demo sets: the first test images, each towards the mask of the next, `minimal` and `pgd`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from asma_core.data.datasets import open_dataset
from asma_core.files import to_json
from asma_core.models.wrapper.spinning import spin_only_alone

MODELS: Final = {"demo-lesion": "demo-lesion-unet", "demo-fundus": "demo-fundus-unet"}
ATTACKS: Final = ("minimal", "pgd")
# Beside the goal itself: still plainly the drawn mask.
NEAR: Final = 0.9


def measured(
    store: Any, dataset: str, attack: str, survives: bool, images: int, steps: int
) -> list[dict[str, Any]]:
    """Attack images and treat their files; return figures of each run."""
    from asma_core.experiments.cells import requests
    from asma_core.experiments.plan import Plan, pairs_of, variant
    from asma_core.runs.execute import execute
    from asma_core.runs.execution import Execution
    from asma_core.runs.survival import survival

    pairs = pairs_of(open_dataset(dataset), images)
    row = variant(attack, {"steps": str(steps)})
    plan = Plan(MODELS[dataset], dataset, pairs, (row,), Execution(survives=survives))
    asked_of, found = requests(plan), []
    for place in range(len(pairs)):
        asked = asked_of(place)
        run = execute(store, store.create(asked.request, asked.inputs).id)
        untouched, *treated = (one.figures() for one in survival(store, run))
        found.append(
            {
                "pair": pairs[place],
                "wanted": run.wanted,
                "outcome": run.outcome,
                "iou": untouched["score"],
                "l2": run.results["l2_8bit"],
                "seconds": run.results["seconds"],
                "treated": {one["name"]: one["score"] for one in treated},
                "at_goal": sum(one["reached"] for one in treated) / len(treated),
                "near": sum(one["score"] >= NEAR for one in treated) / len(treated),
            }
        )
        print(dataset, attack, survives, to_json(found[-1]), file=sys.stderr, flush=True)
    return found


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return means over runs; by treatment too."""
    names = runs[0]["treated"]
    return {
        "success": sum(run["outcome"] == "success" for run in runs),
        "runs": len(runs),
        **{
            name: statistics.mean(run[name] for run in runs)
            for name in ("iou", "l2", "seconds", "at_goal", "near")
        },
        "treated": {name: statistics.mean(run["treated"][name] for run in runs) for name in names},
    }


def main() -> None:
    """Attack, treat, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--images", type=int, default=4, help="of each set (4)")
    parser.add_argument("--steps", type=int, default=100, help="of each attack (100)")
    options = parser.parse_args()
    spin_only_alone()
    from asma_core.runs.store import RunStore
    from benchmarks.machine import machine

    rows = []
    with tempfile.TemporaryDirectory() as home:
        store = RunStore(Path(home))
        for dataset in MODELS:
            for attack in ATTACKS:
                for survives in (False, True):
                    runs = measured(store, dataset, attack, survives, options.images, options.steps)
                    told = {"dataset": dataset, "attack": attack, "made_to_survive": survives}
                    rows.append(told | summary(runs) | {"each": runs})
    answer = {"machine": machine(), "near": NEAR, "rows": rows}
    if options.json:
        print(to_json(answer))
        return
    for row in rows:
        print({name: value for name, value in row.items() if name != "each"})


if __name__ == "__main__":
    main()

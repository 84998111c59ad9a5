"""How small a change leads many networks astray: `python -m benchmarks.zoo --json`.

The frontier of attacks, by network and pair: the smallest norm of the change of an image as it is
saved whose IoU with the target is at least so much, within so many evaluations; L2 unless asked
otherwise. One run for each IoU; null where it was not reached. `--make` trains the networks, once,
beside the project.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

from asma_core.attacks.registry import ATTACKS
from asma_core.attacks.settings import L2, NORMS
from asma_core.files import json_values, to_json
from asma_core.metrics.frontier import MARKS
from benchmarks.machine import machine
from benchmarks.zoo.frontier import Work, frontiers, summary
from benchmarks.zoo.members import member_names
from benchmarks.zoo.training import KEPT, make_zoo, untrained


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.add_argument("--make", action="store_true", help="train the networks that are missing")
    parser.add_argument("--folder", type=Path, default=KEPT, help="where they are kept")
    parser.add_argument("--attack", choices=sorted(ATTACKS), action="append")
    parser.add_argument("--norm", choices=sorted(NORMS), action="append", help="l2 unless given")
    parser.add_argument("--half", choices=["choosing", "reporting"], help="both unless given")
    parser.add_argument("--network", choices=member_names(), action="append")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--iou", type=float, action="append", help=f"{MARKS} unless given")
    parser.add_argument("--pairs", type=int, default=2, help="how many a network, at most 6")
    parser.add_argument("--real-size", type=int, default=512, help="images of the real networks")
    options = parser.parse_args()
    if options.make:
        print(to_json(json_values({"machine": machine(), "made": make_zoo(options.folder)})))
        return
    names = options.network or member_names(options.half)
    missing = [name for name in untrained(options.folder) if name in names]
    if missing:
        parser.error(f"{', '.join(missing)}: not trained yet; run with --make first")
    works = [
        Work(name, place, attack, iou, options.steps, options.real_size, options.folder, norm)
        for name, place, iou, attack, norm in product(
            names,
            range(options.pairs),
            options.iou or MARKS,
            options.attack or ["minimal"],
            options.norm or [L2],
        )
    ]
    rows = frontiers(works)
    answer = {
        "machine": machine(),
        "settings": vars(options) | {"folder": str(options.folder)},
        "summary": summary(rows),
        "zoo": rows,
    }
    print(to_json(json_values(answer)))


if __name__ == "__main__":
    main()

"""Whether this tree is slower than another: `python -m benchmarks.against --tree DIR --json`.

`DIR` is another checkout, such as `git worktree add DIR REV` makes one. `benchmarks.speed` runs in
both by turns, in processes of their own with the same interpreter and data folder; the median over
the rounds of new over old counts, so that what the machine does meanwhile falls on both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from asma_core import paths
from asma_core.files import to_json
from benchmarks.machine import machine

HERE = Path(__file__).resolve().parents[1]
SECONDS = "seconds_per_image_and_evaluation"


def main() -> None:
    options = _options()
    ratios: dict[str, list[float]] = {}
    for place in range(options.rounds):
        # Whoever goes first changes, as a machine grows warm.
        trees = [HERE, options.tree] if place % 2 else [options.tree, HERE]
        told = {tree: _seconds(tree, options.steps) for tree in trees}
        for name, seconds in told[HERE].items():
            ratios.setdefault(name, []).append(seconds / told[options.tree][name])
    answer: dict[str, Any] = {"machine": machine(), "rounds": options.rounds}
    answer["new_over_old"] = {name: round(median(values), 4) for name, values in ratios.items()}
    answer["each"] = {name: [round(one, 3) for one in values] for name, values in ratios.items()}
    print(to_json(answer) if options.json else "\n".join(f"{k}: {v}" for k, v in answer.items()))


def _seconds(tree: Path, steps: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.speed", "--part", "loop", "--json"]
    command += ["--rounds", "3", "--steps", str(steps)]
    around = os.environ | {"ASMA_HOME": str(paths.home())}
    done = subprocess.run(
        command, cwd=tree, env=around, stdout=subprocess.PIPE, text=True, check=True
    )
    seconds: dict[str, float] = json.loads(done.stdout)[SECONDS]
    return seconds


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tree", type=lambda text: Path(text).resolve(), required=True)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=15, help="of each attack")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()

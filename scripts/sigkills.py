"""Kill processes with SIGKILL at random moments, and look at what each leaves.

    python -m scripts.sigkills --kills 1000 --seed 0

A worker, a server with its worker, the worker of a server that goes on, the command line, a
migration, a deletion, a backup and more, each on a data folder of its own; half of them before a
step (a file that is changed, a statement of SQL), half after a time. After each: the store opens,
every run is whole or gone, nothing is half, nothing of a deleted run is left, one can go on. The
exit status is 1 where anything was found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from importlib import import_module
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--seed", type=int, default=0, help="of what is killed when (0)")
    parser.add_argument("--only", help="one scenario")
    options = parser.parse_args()
    # The tests are no part of what types are checked of.
    killing = import_module("tests.crashes.killing")
    names = [options.only] if options.only else list(killing.SCENARIOS)
    came: Counter[str] = Counter()
    bad = 0
    # In memory, where there is such a disk: what a SIGKILL leaves is the same there.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as work:
        kills = killing.Killing(Path(work), options.seed)
        for place in range(options.kills):
            kill = kills.kill(names[place % len(names)])
            came[kill.name] += kill.came
            bad += bool(kill.problems)
            for line in kill.problems:
                print(f"{place}: {kill.name}, {kill.moment}: {line}", flush=True)
            if (place + 1) % 50 == 0:
                print(f"sigkills: {place + 1} of {options.kills}", file=sys.stderr, flush=True)
    print(
        f"{sum(came.values())} of {options.kills} were killed at work, {bad} left something wrong"
    )
    print(", ".join(f"{name} {count}" for name, count in came.items()))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())

"""What a step takes beside other work: torch as it comes, and as the workbench sets it.

Each way has a process of its own, which waits while the others are timed. The busy processes are
plain Python loops, one thread each.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from asma_core.cli.progress import Progress
from asma_core.models.wrapper.spinning import ENVIRONMENT

SECONDS: Final = 2.0
BUSY: Final = (0, 1, 2)
# GNU's default, said aloud: `spin_only_alone` leaves alone what somebody has set.
_UNTOUCHED: Final = {"GOMP_SPINCOUNT": "300000"}
# Environment and niceness of each.
WAYS: Final[Mapping[str, tuple[Mapping[str, str], int]]] = {
    "as_torch_comes": (_UNTOUCHED, 0),
    "as_the_worker_was": (_UNTOUCHED, 10),
    "as_the_workbench_sets_it": ({}, 0),
}
# Steps of ASMA as `benchmarks.speed` times them, for so many seconds at each line on the input.
CHILD: Final = """
import argparse, os, sys, time
os.nice({niceness})
from benchmarks.speed import _given, _ours
model, images, targets = _given(argparse.Namespace(model={model!r}, dataset={dataset!r}), 1)
_ours(model, images, targets, 3)
print("ready", flush=True)
for _ in sys.stdin:
    times, begin = [], time.perf_counter()
    while not times or time.perf_counter() - begin < {seconds}:
        times.append(_ours(model, images, targets, 3))
    print(sum(times) / len(times), flush=True)
"""


def busy_steps(model: str, dataset: str, rounds: int) -> dict[str, Any]:
    """Return seconds per step of each way beside 0, 1 and 2 busy processes, and the ratios."""
    children = {name: _child(way, model, dataset) for name, way in WAYS.items()}
    figures: dict[tuple[str, int], list[float]] = {}
    progress = Progress("busy", rounds)
    try:
        for turn in range(rounds):
            for count in BUSY:
                with _others(count):
                    for name, child in children.items():
                        figures.setdefault((name, count), []).append(_timed(child))
            progress.update(turn + 1)
    finally:
        progress.close()
        for child in children.values():
            child.kill()
            child.wait()
    seconds = {
        name: {str(count): statistics.median(figures[name, count]) for count in BUSY}
        for name in WAYS
    }
    ours, theirs = seconds["as_the_workbench_sets_it"], seconds["as_torch_comes"]
    return {
        "seconds_per_step_beside_busy_processes": seconds,
        "alone_over_as_torch_comes": ours["0"] / theirs["0"],
        "beside_two_over_alone": ours["2"] / ours["0"],
    }


def _child(way: tuple[Mapping[str, str], int], model: str, dataset: str) -> subprocess.Popen[str]:
    more, niceness = way
    script = CHILD.format(niceness=niceness, model=model, dataset=dataset, seconds=SECONDS)
    # This process has set its own environment already.
    clean = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean | dict(more),
    )
    _line(child)
    return child


def _timed(child: subprocess.Popen[str]) -> float:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()
    return float(_line(child))


def _line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise RuntimeError("a process that was to be timed has ended")
    return line


@contextmanager
def _others(count: int) -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()

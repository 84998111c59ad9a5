"""Pairs per hour through the queue with one, two and four workers, and what the server takes.

    python -m benchmarks.queue --json [--workers 1 2 4] [--pairs 16] [--steps 30] [--seconds 2]

A real Dask scheduler and workers, all on this machine, a thread of torch each; `demo-lesion`, each
image towards the mask of the next. Then the same with a stand-in that waits for some seconds, as a
worker whose GPU computes does, and copies the files of a run: that is what the queue itself gives,
whatever the cores of this machine. What the server's process does for a run (queue it, hand it
over, write its end down) is measured apart, in this process.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

import psutil

# Before torch is imported, and for the workers: what is compared are workers, not threads.
os.environ["OMP_NUM_THREADS"] = "1"

from asma_core.data.datasets import open_dataset
from asma_core.files import read_json, to_json
from asma_core.jobs.carrier import Asked
from asma_core.jobs.elsewhere import RunsElsewhere
from asma_core.jobs.overdue import Overdue
from asma_core.jobs.queue import JobQueue
from asma_core.runs.run import DONE
from asma_core.runs.store import RunStore
from tests.jobs.clusters import cluster_of

DATASET: Final = "demo-lesion"
MODEL: Final = "demo-lesion-unet"
LOOK_EVERY: Final = 0.05


def asked_for(pairs: int, steps: int, attack: str = "minimal") -> list[Any]:
    """Return requests and inputs of so many pairs, the same ones again where there are fewer."""
    from asma_core.experiments.cells import requests
    from asma_core.experiments.plan import Plan, pairs_of, variant
    from asma_core.runs.execution import Execution

    known = pairs_of(open_dataset(DATASET), pairs)
    row = variant(attack, {"steps": str(steps)})
    asked_of = requests(Plan(MODEL, DATASET, known, (row,), Execution("cpu")))
    return [asked_of(place % len(known)) for place in range(pairs)]


def wait_until(what: Any) -> None:
    """Wait for something to become true."""
    while not what():
        time.sleep(LOOK_EVERY)


def stand_in(
    home: str, runs: list[Any], others: list[Any], minutes: int, seconds: float, made: str
) -> Any:
    """Wait in place of an attack, then give back copies of a run's files; in a worker."""
    from asma_core.jobs.tasks import Reported
    from asma_core.runs.by_files import RunsByFiles

    kept = RunsByFiles(Path(home), runs, others)
    for run in runs:
        if kept.claim(run.id):
            time.sleep(seconds)
            staged = kept.staging_folder(run.id)
            shutil.copytree(made, staged)
            kept.finish(run.id, DONE, staged, read_json(staged / "run.json")["results"])
    return Reported(tuple(kept.outcomes.values()), "")


class WaitingElsewhere(RunsElsewhere):
    """Has a stand-in carried out in place of attacks."""

    def __init__(self, store: RunStore, seconds: float) -> None:
        """Take the files of the last run that ended."""
        super().__init__(store, Overdue(store))
        (last,) = store.search.with_result(1)
        self._more = (seconds, str(store.folder(last.id)))

    def hand_over(self, job_ids: Sequence[str]) -> Asked:
        """Claim as ever, and return the stand-in."""
        _, (*arguments, _) = super().hand_over(job_ids)
        return stand_in, (*arguments, *self._more)


def with_workers(
    count: int, asked: list[Any], folder: Path, seconds_waited: float = 0.0
) -> dict[str, Any]:
    """Carry pairs out with so many workers; return what it took.

    Args:
        count: Of the workers.
        asked: What to carry out.
        folder: For what the cluster writes; made here.
        seconds_waited: Of the stand-in; 0 for attacks.
    """
    folder.mkdir()
    home = Path(os.environ["ASMA_HOME"])
    with cluster_of(folder, ["RUN=1"] * count) as cluster:
        (home / "config.toml").write_text(f'executor = "{cluster.address}"\n')
        jobs = JobQueue(RunStore())
        if seconds_waited:
            jobs._carrier = WaitingElsewhere(jobs.store, seconds_waited)
        jobs.keep_going()
        wait_until(lambda: jobs.workers() == count)
        # A run for each first, as a worker imports torch and loads the network but once.
        carried_out(jobs, asked[:count])
        before = cpu_seconds(cluster.workers)
        began = time.monotonic()
        runs = carried_out(jobs, asked)
        seconds = time.monotonic() - began
        cpu = cpu_seconds(cluster.workers) - before
        jobs.close()
    return {
        "workers": count,
        "pairs": len(runs),
        "seconds": round(seconds, 2),
        "pairs_per_hour": round(3600 * len(runs) / seconds),
        "seconds_waited": seconds_waited,
        "cpu_seconds_per_pair": round(cpu / len(runs), 2),
        "load_average": round(os.getloadavg()[0], 1),
        "seconds_of_the_attack": round(statistics.median(r.results["seconds"] for r in runs), 3),
        "evaluations": statistics.median(r.results["gradient_evaluations"] for r in runs),
    }


def cpu_seconds(workers: Sequence[subprocess.Popen[bytes]]) -> float:
    """Return the processor time that workers have used so far."""
    times = [psutil.Process(worker.pid).cpu_times() for worker in workers]
    return float(sum(one.user + one.system for one in times))


def carried_out(jobs: JobQueue, asked: list[Any]) -> list[Any]:
    """Queue all at once and wait for their ends."""
    ids = [jobs.submit(one.request, one.inputs).id for one in asked]
    wait_until(lambda: jobs.idle)
    runs = [jobs.store.get(run_id) for run_id in ids]
    wrong = [run.message for run in runs if run.state != DONE]
    if wrong:
        raise SystemExit(f"{len(wrong)} runs were not carried out: {wrong[0]}")
    return runs


def server_alone(asked: list[Any]) -> dict[str, Any]:
    """Return what the server's process does for a run, in seconds: medians."""
    store = RunStore()
    carrier, parts = RunsElsewhere(store, Overdue(store)), []
    for one in asked:
        began = time.perf_counter()
        run = store.create(one.request, one.inputs)
        queued = time.perf_counter()
        call, arguments = carrier.hand_over([run.id])
        handed = time.perf_counter()
        future: Future[Any] = Future()
        future.set_result(call(*arguments))
        back = time.perf_counter()
        carrier.take_back([run.id], future)
        parts.append((queued - began, handed - queued, time.perf_counter() - back))
    create, over, down = (statistics.median(column) for column in zip(*parts, strict=True))
    return {
        "queued": round(create, 4),
        "handed_over": round(over, 4),
        "written_down": round(down, 4),
        "runs_per_second": round(1 / (create + over + down), 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=2.0, help="of the stand-in (2)")
    options = parser.parse_args()
    from benchmarks.machine import machine

    folder = Path(tempfile.mkdtemp(prefix="asma-queue-"))
    os.environ["ASMA_HOME"] = str(folder / "home")
    try:
        asked = asked_for(options.pairs, options.steps)
        found = []
        for count in options.workers:
            found.append(with_workers(count, asked, folder / f"cluster-{count}"))
            print(to_json(found[-1]), file=sys.stderr, flush=True)
        waiting = []
        for count in options.workers:
            where = folder / f"waiting-{count}"
            waiting.append(with_workers(count, asked, where, options.seconds))
            print(to_json(waiting[-1]), file=sys.stderr, flush=True)
        answer = {
            "machine": machine(),
            "steps": options.steps,
            "attacks": found,
            "stand_in": waiting,
            "server": server_alone(asked_for(options.pairs, 1, "asma")),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(to_json(answer))


if __name__ == "__main__":
    main()

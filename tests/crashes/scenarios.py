"""What a process may be at when it is killed: each a call on a data folder, made for it alone.

A scenario gets the data folder and names the runs that it is at; all others must stay as they are.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from asma_core.cli.main import main
from asma_core.data.datasets import open_dataset
from asma_core.experiments.execute import execute as carry_out
from asma_core.experiments.plan import Plan, pairs_of, variant
from asma_core.experiments.store import ExperimentStore
from asma_core.experiments.universal_store import UniversalStore
from asma_core.jobs.queue import JobQueue
from asma_core.reviews.store import ReviewStore
from asma_core.runs.execute import execute
from asma_core.runs.store import RunStore
from asma_core.training.execute import execute as train
from asma_core.training.plan import TrainingPlan
from asma_core.training.store import TrainingStore
from asma_core.upkeep.backup import backup
from asma_core.upkeep.check import check
from asma_core.upkeep.reindex import reindex
from asma_core.upkeep.restore import restore
from tests import tiny
from tests.upkeep.kept_home import DONE, OF_CELL, unpack
from tests.waiting import until

# A run that waits, in the folder that all scenarios begin with.
MADE = "made.txt"
KEPT_REVIEW = "kept"


@dataclass(frozen=True)
class Scenario:
    """What is killed.

    Attributes:
        act: Called with the data folder.
        touched: The runs that it is at; WAITING for the one that waits.
        ready: Called before, with the data folder.
        worker: Whether its worker process is killed, and it goes on.
    """

    act: Callable[[Path], object]
    touched: tuple[str, ...] = ()
    ready: Callable[[Path], object] = lambda _: None
    worker: bool = False


WAITING = "waiting"


def furnish(home: Path) -> None:
    """Make the data folder that all scenarios begin with."""
    torch.set_num_threads(1)
    os.environ["ASMA_HOME"] = str(home)
    tiny.furnish(home)
    unpack(home)
    tiny.furnish(home)
    runs = RunStore()
    for run in runs.newest():
        if run.state == "queued":
            runs.ask_to_stop(run.id)
            runs.delete(run.id)
    check(repair=True)
    _keep_a_review(runs)
    waiting = runs.create(tiny.request({"steps": 3}), tiny.inputs(3, 5))
    (home / MADE).write_text(waiting.id)


def _keep_a_review(runs: RunStore) -> None:
    """Make a review with answers, which all scenarios must leave as it is."""
    reviews = ReviewStore()
    review = reviews.create([runs.get(DONE), runs.get(OF_CELL)], "choice", KEPT_REVIEW)
    for name in ("Ann", "Bob"):
        for turn in range(len(review.items)):
            reviews.answer(review, name, turn, "1", 1.0)


def _create(_: Path) -> None:
    runs = RunStore()
    for index in range(3):
        runs.create(tiny.request({"steps": 2}), tiny.inputs(index, index + 4))


def _delete(_: Path) -> None:
    runs = RunStore()
    runs.delete(DONE)
    runs.delete(OF_CELL)


def _annotate(_: Path) -> None:
    runs = RunStore()
    for place in range(3):
        runs.judgements.annotate(DONE, verdict="bad", note=f"note {place}", tags="a, b")


def _review(_: Path) -> None:
    reviews = ReviewStore()
    review = reviews.create([RunStore().get(DONE)], "odd")
    for name in "abc":
        for turn in range(len(review.items)):
            reviews.answer(review, name, turn, "yes", 1.0)
    reviews.delete(review.id)
    reviews.create([RunStore().get(OF_CELL)], "choice")


def _worker(home: Path) -> None:
    execute(RunStore(), (home / MADE).read_text())


def _command_line(_: Path) -> None:
    words = ["--dataset", tiny.DATASET, "--sample", "0", "--target-sample", "2", "--steps", "2"]
    main(["attack", "--model", tiny.MODEL, *words])


def _server(home: Path) -> None:
    """Have a worker process of its own carry out what waits, and delete some of it."""
    jobs = JobQueue(RunStore())
    run = jobs.submit(tiny.request({"steps": 2}), tiny.inputs(1, 6))
    jobs.store.judgements.annotate(run.id, verdict="good")
    again = jobs.repeat(run.id)
    made = (home / MADE).read_text()
    until(lambda: all(jobs.store.get(one).ended for one in (made, run.id, again.id)))
    jobs.store.delete(run.id)
    jobs.store.delete(made)
    jobs.close()


def _experiment(_: Path) -> None:
    store = ExperimentStore(RunStore())
    rows = (variant("pgd", {"steps": "2"}), variant("segpgd", {"steps": "1"}))
    data = open_dataset(tiny.DATASET)
    experiment = store.open(Plan(tiny.MODEL, tiny.DATASET, pairs_of(data, 2), rows))
    store.claim(experiment.id)
    carry_out(store, experiment, lambda _: None)
    store.delete(experiment.id)


def _training(_: Path) -> None:
    trainings = TrainingStore()
    for one in trainings.all():
        trainings.delete(one.id)
    plan = TrainingPlan(
        tiny.DATASET, "made", width="tiny", steps=2, batch_size=2, image_size=32, device="cpu"
    )
    made = trainings.create(plan)
    train(trainings, made.id)
    trainings.delete(made.id)


def _universal(_: Path) -> None:
    store = UniversalStore()
    (name,) = store.plans.newest()
    plan = store.plans.get(name)
    store.delete(name)
    store.queue(plan)
    store.ask_to_stop(name)


def _older(day: str) -> Callable[[Path], None]:
    def ready(home: Path) -> None:
        shutil.rmtree(home)
        unpack(home, day)
        tiny.furnish(home)

    return ready


def _open(_: Path) -> None:
    RunStore()
    TrainingStore()


def _backup(home: Path) -> None:
    backup(home, home.parent / "backup")


def _restore(home: Path) -> None:
    restore(home.parent / "backup", home.parent / "restored")


def _reindex(home: Path) -> None:
    reindex(home)


def _lose(home: Path) -> None:
    for file in home.glob("runs.sqlite*"):
        file.unlink()


def _leftovers(home: Path) -> None:
    """Leave what crashes leave, for the next start to remove."""
    (home / "work" / DONE / "result").mkdir(parents=True)
    (home / "work" / DONE / "result" / "original.png").write_bytes(b"half")
    (home / "inputs" / f"{'0' * 64}.npz").write_bytes(b"of no run")
    runs = RunStore()
    runs._jobs.delete(OF_CELL)


def _tidy(_: Path) -> None:
    runs = RunStore()
    runs.tidy()
    runs.recover()


def _repair(_: Path) -> None:
    check(repair=True, older_than=0.0)


DAYS = ("2026-11-22", "2026-11-25", "2026-11-27", "2026-11-29", "2026-11-30")
SCENARIOS: dict[str, Scenario] = {
    "create": Scenario(_create),
    "delete": Scenario(_delete, (DONE, OF_CELL)),
    "annotate": Scenario(_annotate, (DONE,)),
    "review": Scenario(_review),
    "worker": Scenario(_worker, (WAITING,)),
    "command line": Scenario(_command_line),
    "server": Scenario(_server, (WAITING,)),
    "worker of a server": Scenario(_server, (WAITING,), worker=True),
    "experiment": Scenario(_experiment),
    "training": Scenario(_training),
    "universal": Scenario(_universal),
    **{f"migration of {day}": Scenario(_open, (), _older(day)) for day in DAYS},
    "backup": Scenario(_backup),
    "restore": Scenario(_restore, (), _backup),
    "reindex": Scenario(_reindex),
    "reindex of a lost database": Scenario(_reindex, (), _lose),
    "start": Scenario(_tidy, (OF_CELL,), _leftovers),
    "repair": Scenario(_repair, (OF_CELL,), _leftovers),
}

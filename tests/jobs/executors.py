"""Executors that do what a test says, in place of a worker process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ClassVar

from asma_core import paths
from asma_core.jobs.dispatcher import Dispatcher
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.predictions import Predictor
from asma_core.jobs.queue import JobQueue
from asma_core.runs.store import RunStore
from tests.waiting import until


class Inline(Executor):
    """Does at once what it is asked to."""

    def __init__(self, home: str) -> None:
        self.home = home

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **more: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*arguments, **more))
        except ArithmeticError as error:
            future.set_exception(error)
        return future


class Held(Executor):
    """Does nothing until it is told how its first job ends."""

    made: ClassVar[list[Held]] = []

    def __init__(self, home: str) -> None:
        self.jobs: list[tuple[tuple[Any, ...], Future[Any]]] = []
        self.down = False
        Held.made.append(self)

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **more: Any) -> Future[Any]:
        if self.down:
            raise BrokenExecutor("broken before")
        future: Future[Any] = Future()
        self.jobs.append((arguments, future))
        return future

    def ids(self) -> list[str]:
        return [arguments[1] for arguments, _ in self.jobs]

    def break_down(self) -> None:
        self.down = True
        for _, future in self.jobs:
            future.set_exception(BrokenExecutor("the worker died"))


def everything(jobs: Dispatcher) -> list[str]:
    """Return what a dispatcher has to see through: what workers have first, then what waits."""
    return [job_id for call in jobs._calls for job_id in call.job_ids] + jobs.line()


@contextmanager
def in_a_thread() -> Iterator[tuple[ExperimentRunner, Predictor]]:
    """Give what carries experiments out and what predicts, on a thread of this process."""
    # One thread: how torch rounds is set for the whole process while it works.
    worker = ThreadPoolExecutor(max_workers=1)

    def executor(folder: str) -> Executor:
        return worker

    jobs = JobQueue(RunStore(), executor)
    experiments = ExperimentRunner(jobs)
    yield experiments, Predictor(paths.home(), executor)
    for experiment in experiments.store.newest():
        experiments.store.ask_to_stop(experiment.id)
    until(lambda: not any(one.active for one in experiments.store.newest()))
    jobs.close()
    worker.shutdown()

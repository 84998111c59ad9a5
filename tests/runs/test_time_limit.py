"""The longest time of a run: it is stopped with what it has, and says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asma_core.jobs import tasks
from asma_core.runs import execute, together
from asma_core.runs.run import CANCELLED, DONE
from asma_core.runs.store import RunStore
from asma_core.runs.together import TimeLimit, UpToStep
from tests import tiny


class Clock:
    """A clock that goes on by a second whenever somebody looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now

    def perf_counter(self) -> float:
        return self.now


def test_a_run_that_takes_too_long_is_stopped_with_what_it_has_and_says_why(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = RunStore(tiny.furnish(home))
    run = runs.create(tiny.request(tiny.SLOW), tiny.inputs())
    monkeypatch.setattr(together, "time", Clock())
    (ended,) = execute.execute_together(runs, [run.id], limit=TimeLimit(0.5))
    assert ended.state == CANCELLED
    # It looked before the attack and once a step: 31 seconds after the first look.
    assert ended.results["steps"] == 30
    assert "after 0.5 minutes" in ended.message and "max_run_minutes" in ended.message
    assert (runs.folder(run.id) / "adversarial.png").exists()


def test_who_stops_a_run_before_that_is_not_told_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = RunStore(tiny.furnish(home))
    run = runs.create(tiny.request(tiny.SLOW), tiny.inputs())
    limit = TimeLimit(1000)

    def watch(report: Any) -> bool:
        return bool(report.step == 3)

    (ended,) = execute.execute_together(runs, [run.id], watch, limit)
    assert (ended.state, ended.message, limit.passed) == (CANCELLED, "", False)


@pytest.mark.parametrize(
    ("minutes", "step", "steps", "said"),
    [(1000, 7, 7, "what it had shown, step 7, was made again"), (0.5, 1000, 30, "it was stopped")],
)
def test_what_is_made_again_ends_at_its_step_or_when_its_time_is_over(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    minutes: float,
    step: int,
    steps: int,
    said: str,
) -> None:
    runs = RunStore(tiny.furnish(home))
    run = runs.create(tiny.request(tiny.SLOW), tiny.inputs())
    monkeypatch.setattr(together, "time", Clock())
    (ended,) = execute.execute_together(runs, [run.id], limit=UpToStep(minutes, step))
    assert (ended.state, ended.results["steps"]) == (CANCELLED, steps)
    assert said in ended.message


def test_each_run_of_a_call_has_the_whole_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = RunStore(tiny.furnish(home))
    asked = [tiny.request(tiny.SLOW), tiny.request({**tiny.SLOW, "beta": 0.1})]
    ids = [runs.create(one, tiny.inputs()).id for one in asked]
    monkeypatch.setattr(together, "time", Clock())
    ended = execute.execute_together(runs, ids, limit=TimeLimit(0.25))
    assert [run.results["steps"] for run in ended] == [15, 15]
    assert all("0.25 minutes" in run.message for run in ended)


def test_the_workers_task_takes_the_limit_of_the_config(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = RunStore(tiny.furnish(home))
    run = runs.create(tiny.request(tiny.SLOW), tiny.inputs())
    (home / "config.toml").write_text("max_run_minutes = 2\n")
    monkeypatch.setattr(together, "time", Clock())
    tasks.run_attacks(str(home), run.id)
    assert runs.get(run.id).results["steps"] == 120
    assert "after 2 minutes" in runs.get(run.id).message


def test_without_a_limit_nothing_is_stopped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = RunStore(tiny.furnish(home))
    run = runs.create(tiny.request(), tiny.inputs())
    monkeypatch.setattr(together, "time", Clock())
    tasks.run_attacks(str(home), run.id)
    assert (runs.get(run.id).state, runs.get(run.id).message) == (DONE, "")

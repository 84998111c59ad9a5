"""SIGKILLs at random moments of all that changes a data folder, and what is found after each."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from asma_core.runs.store import RunStore
from asma_core.upkeep.backup import backup
from asma_core.upkeep.restore import restore
from tests.crashes.forks import (
    answer,
    imported_by,
    killed_after,
    killed_at_step,
    steps_of,
    worker_killed_after,
    worker_killed_at_step,
)
from tests.crashes.scenarios import MADE, SCENARIOS, WAITING, Scenario, furnish
from tests.crashes.whole import known, problems


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        name: Of the scenario.
        moment: Before which step, or after how many seconds.
        came: Whether it was still at work.
        problems: What was not as it should be.
    """

    name: str
    moment: str
    came: bool
    problems: Sequence[str]


@dataclass(frozen=True)
class _Prepared:
    folder: Path
    before: dict[str, Any]
    touched: list[str]
    steps: int
    seconds: float


class Killing:
    """Kills processes, each at work on a data folder of its own."""

    def __init__(self, work: Path, seed: int) -> None:
        """Prepare.

        Args:
            work: An empty folder.
            seed: Of what is killed when.
        """
        torch.set_num_threads(1)
        self._work = work
        self._random = random.Random(seed)
        self._prepared: dict[str, _Prepared] = {}
        answer(lambda: furnish(work / "first"))

    def kill(self, name: str) -> Kill:
        """Kill a process that is at something, at a random moment; look at what it leaves."""
        prepared = self._ready(name)
        scenario = SCENARIOS[name]
        home, act = self._fresh(prepared.folder), _acting(scenario)
        at_step = worker_killed_at_step if scenario.worker else killed_at_step
        after = worker_killed_after if scenario.worker else killed_after
        # Every second by a step, as steps are what there is between two states of the disk.
        if self._random.random() < 0.5:
            step = self._random.randint(1, prepared.steps)
            came = at_step(lambda: act(home), step)
            moment = f"before step {step} of {prepared.steps}"
        else:
            seconds = self._random.uniform(0.0, prepared.seconds)
            came = after(lambda: act(home), seconds)
            moment = f"after {seconds:.3f} s of {prepared.seconds:.3f}"
        return Kill(name, moment, came, answer(lambda: _found(name, home, prepared)))

    def _ready(self, name: str) -> _Prepared:
        if name not in self._prepared:
            scenario = SCENARIOS[name]
            home = self._fresh(self._work / "first")
            answer(lambda: _make_ready(scenario, home))
            folder = self._work / name.replace(" ", "-")
            shutil.copytree(home.parent, folder, symlinks=True)
            before = answer(lambda: known(home))
            imported_by(lambda: _acting(scenario)(home))
            imported_by(lambda: problems(home, {}, []))
            waiting = (self._work / "first" / MADE).read_text()
            touched = [waiting if one == WAITING else one for one in scenario.touched]
            home, act = self._fresh(folder / "home"), _acting(scenario)
            steps, seconds = steps_of(lambda: act(home))
            self._prepared[name] = _Prepared(folder / "home", before, touched, steps, seconds)
        return self._prepared[name]

    def _fresh(self, folder: Path) -> Path:
        """Return a copy of a data folder, with what lies beside it."""
        place = self._work / "now"
        shutil.rmtree(place, ignore_errors=True)
        if folder.name == "home":
            shutil.copytree(folder.parent, place, symlinks=True)
        else:
            shutil.copytree(folder, place / "home", symlinks=True)
        return place / "home"


def _acting(scenario: Scenario) -> Callable[[Path], object]:
    def act(home: Path) -> object:
        os.environ["ASMA_HOME"] = str(home)
        return scenario.act(home)

    return act


def _make_ready(scenario: Scenario, home: Path) -> None:
    os.environ["ASMA_HOME"] = str(home)
    scenario.ready(home)


def _found(name: str, home: Path, prepared: _Prepared) -> list[str]:
    found = problems(home, prepared.before, prepared.touched)
    if name == "backup":
        found += _of_backup(home, prepared)
    if name == "restore":
        found += _of_restore(home.parent, prepared)
    return found


def _of_backup(home: Path, prepared: _Prepared) -> list[str]:
    """A backup is whole or not there, and the next one removes the rest of one that was killed."""
    target, again = home.parent / "backup", home.parent / "again"
    found = []
    if target.exists():
        restore(target, home.parent / "of-backup")
        found += problems(home.parent / "of-backup", prepared.before, [])
    os.environ["ASMA_HOME"] = str(home)
    backup(home, again)
    return found + [f"left: {path}" for path in home.parent.glob(".unfinished*")]


def _of_restore(place: Path, prepared: _Prepared) -> list[str]:
    """What was restored is whole, or is no data folder that opens with less."""
    restored = place / "restored"
    if (restored / "runs.sqlite").exists():
        return problems(restored, prepared.before, [])
    if not any(restored.glob("runs/*/run.json")):
        return []
    os.environ["ASMA_HOME"] = str(restored)
    try:
        RunStore()
    except Exception as error:  # noqa: BLE001 - its words are looked at
        return [] if "is gone, but its runs are there" in str(error) else [f"restored: {error}"]
    return ["a folder that was restored half opens"]

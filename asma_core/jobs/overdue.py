"""Runs whose time is over and whose step does not come back: what becomes of them.

A worker looks at the time between two steps. One that hangs in a step never looks, so its process
is ended from here, some time after the run's own is over and nothing is heard of it any more. What
its runs had shown is made again by another process, up to the step that was shown last.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from weakref import WeakKeyDictionary

from asma_core.errors import StoreError
from asma_core.files import read_json
from asma_core.jobs.call import Call
from asma_core.runs.run import QUEUED, RUNNING
from asma_core.runs.signs import LIVE, Signs, begun, signs
from asma_core.runs.store import RunStore
from asma_core.server_config import settings

# Seconds without a sign of life, beyond the time that a run may take: a step ends meanwhile, and
# what was found is measured.
GRACE: Final = 120.0


@dataclass(frozen=True)
class _Look:
    """What was seen of a call.

    Attributes:
        word: Of the attack that began last.
        began: When that word was first seen.
        signs: Of life, as they were last.
        changed: When they last changed.
    """

    word: str
    began: float
    signs: Signs
    changed: float


class Overdue:
    """Looks after the calls that carry runs out."""

    def __init__(self, store: RunStore, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare to look.

        Args:
            store: Of the runs.
            clock: Seconds since some moment.
        """
        self._store = store
        self._clock = clock
        self._looks: WeakKeyDictionary[Call, _Look] = WeakKeyDictionary()
        # Runs that are made again, with the step up to which.
        self._again: dict[str, int] = {}

    def hangs(self, call: Call) -> bool:
        """Tell whether a call's time is over and nothing is heard of it any more."""
        minutes = settings().max_run_minutes
        if not minutes:
            return False
        look, now = self._look(call), self._clock()
        if not look.word:
            return False
        return now - look.began > 60 * minutes + GRACE and now - look.changed > GRACE

    def _look(self, call: Call) -> _Look:
        now, folders = self._clock(), [self._store.work_folder(one) for one in call.job_ids]
        # Where half of several runs began anew, the other half still says what was before.
        _, word = max(map(begun, folders))
        found = signs(folders)
        before = self._looks.get(call)
        began = before.began if before is not None and before.word == word else now
        changed = before.changed if before is not None and before.signs == found else now
        look = self._looks[call] = _Look(word, began, found, changed)
        return look

    def hold(self, call: Call) -> None:
        """Hold the runs of a call whose process is about to be ended.

        Raises:
            StoreError: The store can't be written.
        """
        for run_id in call.job_ids:
            self._store.hold(run_id)

    def settle(self, call: Call) -> list[str]:
        """Say what becomes of the runs of a call whose process was ended.

        Returns:
            Those that are to be carried out again, each by itself.

        Raises:
            StoreError: The store can't be written; asked again, the rest is settled.
        """
        word = self._looks[call].word
        return [run_id for run_id in call.job_ids if self._settle(call, run_id, word)]

    def up_to(self, run_ids: Sequence[str]) -> int | None:
        """Return up to which step a run that is sent alone is made again; None for all of it."""
        return self._again.get(run_ids[0]) if len(run_ids) == 1 else None

    def _settle(self, call: Call, run_id: str, word: str) -> bool:
        """Settle a run; return whether it is to be carried out again."""
        run = self._store.get(run_id)
        if run.state != RUNNING:
            # It ended before its process, or waits already.
            return run.state == QUEUED
        folder = self._store.work_folder(run_id)
        hung = begun(folder)[1] == word
        step = _shown(folder) if hung else 0
        first = run_id not in self._again
        again = not hung or (first and (step > 0 or len(call.job_ids) > 1))
        if self._store.has_result(run_id) or not again:
            # Whose files are in place has its result, whatever is said here.
            self._store.fail(run_id, _reason(not first))
            return False
        if step:
            self._again[run_id] = step
        shutil.rmtree(folder, ignore_errors=True)
        self._store.give_back(run_id)
        if run.cancel:
            self._store.ask_to_stop(run_id)
        return not run.cancel


def _shown(folder: Path) -> int:
    """Return the step that a run had shown last; 0 where it had shown none."""
    try:
        return int(read_json(folder / LIVE)["step"])
    except (StoreError, LookupError, TypeError, ValueError):
        return 0


def _reason(again: bool) -> str:
    """Say why a run has no result.

    Args:
        again: Whether it was made again when it hung.
    """
    found = (
        "a step did not come back even when what it had shown was made again"
        if again
        else "a step did not come back, and nothing was found before it"
    )
    return (
        f"{found}; its process was ended after the {settings().max_run_minutes} minutes that a run "
        "may take here (max_run_minutes in config.toml): check the network on Models, then the "
        "device, and repeat it"
    )

"""The record of each training: a folder with its plan, its curve, its checkpoint and its end."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asma_core import paths
from asma_core.errors import AsmaError, StoreError
from asma_core.files import explained, read_json, write_bytes, write_json
from asma_core.runs import owners
from asma_core.trainings.plan import TrainingPlan, plan_from_dict

QUEUED: Final = "queued"
RUNNING: Final = "running"
STOPPED: Final = "stopped"
DONE: Final = "done"
FAILED: Final = "failed"
INTERRUPTED: Final = "interrupted"
ENDED: Final = (STOPPED, DONE, FAILED, INTERRUPTED)

_PLAN: Final = "plan.json"
_STATE: Final = "state.json"
_CURVE: Final = "curve.json"
_STOP: Final = "stop"


@dataclass(frozen=True)
class Training:
    """One training.

    Attributes:
        id: Eight hexadecimal digits.
        plan: What was asked for.
        created: When, in seconds since 1970.
        state: "queued", "running", "stopped", "done", "failed" or "interrupted".
        message: Why it failed.
        network: Name of the network that it gave.
        curve: `steps`, `loss` (lists), `looks`, `iou` (lists), `step`, `of`, `seconds`, `best`.
        figures: Scores on the test images.
    """

    id: str
    plan: TrainingPlan
    created: float
    state: str
    message: str = ""
    network: str = ""
    curve: Mapping[str, Any] | None = None
    figures: Mapping[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing happens any more unless somebody goes on with it."""
        return self.state in ENDED


class TrainingStore:
    """The trainings of a data folder."""

    def __init__(self, home: Path | None = None) -> None:
        """Use a data folder; nothing is written yet."""
        self.home = home or paths.home()

    def create(self, plan: TrainingPlan) -> Training:
        """Keep a plan; the training is then queued.

        Raises:
            StoreError: The data folder can't be written.
        """
        training_id = secrets.token_hex(4)
        created = time.time()
        folder = self.folder(training_id)
        write_json(folder / _STATE, {"state": QUEUED})
        write_json(folder / _PLAN, {"created": created, "plan": plan.as_dict()})
        return self.get(training_id)

    def folder(self, training_id: str) -> Path:
        """Return the folder of a training."""
        return self.home / "trainings" / training_id

    def get(self, training_id: str) -> Training:
        """Return a training.

        Raises:
            StoreError: There is none of that id, or its record is damaged.
        """
        folder = self.folder(training_id)
        known = training_id.isalnum() and (folder / _PLAN).is_file()
        if not known:
            raise StoreError(f"no training has the id {training_id!r}; the Models page lists them")
        plan, state = read_json(folder / _PLAN), read_json(folder / _STATE)
        curve = read_json(folder / _CURVE) if (folder / _CURVE).exists() else None
        now = state["state"]
        if now == RUNNING and not owners.is_alive(self.home, state.get("owner", "")):
            now = INTERRUPTED
        return Training(
            training_id,
            plan_from_dict(plan["plan"]),
            plan["created"],
            now,
            state.get("message", ""),
            state.get("network", ""),
            curve,
            state.get("figures"),
        )

    def all(self) -> list[Training]:
        """Return all trainings, newest first; a damaged record is left out."""
        found = []
        for path in (self.home / "trainings").glob("*"):
            try:
                found.append(self.get(path.name))
            except AsmaError:
                continue
        return sorted(found, key=lambda training: training.created, reverse=True)

    def claim(self, training_id: str) -> bool:
        """Begin, or go on with, a training in this process; False if another does so."""
        if self.get(training_id).state == RUNNING:
            return False
        (self.folder(training_id) / _STOP).unlink(missing_ok=True)
        self._say(training_id, RUNNING, owner=owners.this_process(self.home))
        return True

    def queue(self, training_id: str) -> None:
        """Mark a training as waiting for its turn."""
        (self.folder(training_id) / _STOP).unlink(missing_ok=True)
        self._say(training_id, QUEUED)

    def keep_curve(self, training_id: str, curve: Mapping[str, Any]) -> None:
        """Keep how far a training is."""
        write_json(self.folder(training_id) / _CURVE, curve)

    def end(self, training_id: str, state: str, **more: Any) -> None:
        """Say how a training ended; `message`, `network` and `figures` may follow."""
        self._say(training_id, state, **more)

    def ask_to_stop(self, training_id: str) -> None:
        """Ask a training to stop after its step; one that waits stops at once."""
        write_bytes(self.folder(training_id) / _STOP, b"")
        if self.get(training_id).state == QUEUED:
            self._say(training_id, STOPPED)

    def shall_stop(self, training_id: str) -> bool:
        """Tell whether somebody has asked it to stop, or has deleted it."""
        folder = self.folder(training_id)
        return (folder / _STOP).exists() or not (folder / _PLAN).exists()

    def checkpoint(self, training_id: str) -> Path:
        """Return the file from which a training goes on."""
        return self.folder(training_id) / "checkpoint"

    def delete(self, training_id: str) -> None:
        """Remove the record of a training that has ended; its network stays.

        Raises:
            StoreError: It has not ended, or can't be removed.
        """
        if not self.get(training_id).ended:
            raise StoreError("this training has not ended; stop it first")
        with explained(self.folder(training_id)):
            shutil.rmtree(self.folder(training_id))

    def _say(self, training_id: str, state: str, **more: Any) -> None:
        write_json(self.folder(training_id) / _STATE, {"state": state, **more})

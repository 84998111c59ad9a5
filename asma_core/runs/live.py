"""What a running attack shows: figures and pictures in its work folder, for whoever looks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asma_core.attacks.contract import Pictures, StepMetrics, StepReport
from asma_core.data.formats.images import encode_png, to_bytes
from asma_core.data.masks.label_maps import encode_mask
from asma_core.errors import StoreError
from asma_core.files import json_values, read_json, write_bytes, write_json
from asma_core.runs.keeper import RunKeeper
from asma_core.runs.signs import LIVE
from asma_core.runs.snapshots import Snapshot, SnapshotKeeper
from asma_core.runs.store import RunStore

CURVE_POINTS: Final = 200
FIGURES_EVERY: Final = 0.4
PICTURES_EVERY: Final = 1.0
CURVES: Final = ("step", "score", "iou", "pixel_accuracy", "l2", "linf")


def curves(trajectory: list[StepMetrics] | tuple[StepMetrics, ...], most: int) -> dict[str, Any]:
    """Return the figures of a trajectory as columns, thinned to about `most` points."""
    every = max(1, -(-len(trajectory) // most))
    kept = [now for place, now in enumerate(trajectory) if place % every == 0]
    if trajectory and kept[-1] is not trajectory[-1]:
        kept.append(trajectory[-1])
    return json_values({name: [getattr(now, name) for now in kept] for name in CURVES})


class LiveReporter:
    """An `on_step` that writes a run's state for the pages and keeps its snapshots.

    Attributes:
        keeper: The snapshots so far.
    """

    def __init__(self, store: RunKeeper, run_id: str, together: int = 1) -> None:
        """Start to report on a run.

        Args:
            store: Of the run.
            run_id: Of the run.
            together: Of how many runs that are attacked at once; each writes that much more rarely,
                so that together they write as much as one.
        """
        self.keeper = SnapshotKeeper()
        self._store = store
        self._run_id = run_id
        self._folder = store.work_folder(run_id)
        self._trajectory: list[StepMetrics] = []
        self._started = time.monotonic()
        self._together = together
        self._asked_at = 0.0
        self._figures_at = 0.0
        self._pictures_at = 0.0

    def __call__(self, report: StepReport) -> bool:
        """Take in a step; return whether somebody asked to stop."""
        self._trajectory.append(report.images[0])
        now = time.monotonic()
        show = now - self._pictures_at >= PICTURES_EVERY * self._together
        if show or self.keeper.wants(report.step):
            self._take_pictures(report, show)
        if now - self._figures_at >= FIGURES_EVERY * self._together:
            self._figures_at = now
            self._write_figures(report, now - self._started)
        if now - self._asked_at < FIGURES_EVERY:
            return False
        self._asked_at = now
        return self._store.stop_wanted(self._run_id)

    def _take_pictures(self, report: StepReport, show: bool) -> None:
        snapshot = _snapshot(report.step, report.pictures())
        if self.keeper.wants(report.step):
            self.keeper.add(snapshot)
        if show:
            self._pictures_at = time.monotonic()
            write_bytes(self._folder / "adversarial.png", encode_png(snapshot.image))
            write_bytes(self._folder / "prediction.png", encode_mask(snapshot.prediction))

    def _write_figures(self, report: StepReport, seconds: float) -> None:
        left = seconds / max(report.step, 1) * (report.steps - report.step)
        state = {
            "step": report.step,
            "steps": report.steps,
            "seconds": seconds,
            "seconds_left": left,
            "score_kind": report.images[0].kind,
            "curves": curves(self._trajectory, CURVE_POINTS),
        }
        write_json(self._folder / LIVE, state)


def _snapshot(step: int, pictures: Pictures) -> Snapshot:
    image = to_bytes(pictures.images[0].numpy())
    return Snapshot(step, image, pictures.predictions[0].numpy().astype("uint8"))


@dataclass(frozen=True)
class LiveState:
    """What a running attack is at.

    Attributes:
        step: Updates made.
        steps: Most updates.
        seconds: Since it started.
        seconds_left: Estimated, if it uses all its steps.
        score_kind: What it is judged by; see `asma_core.metrics.score`.
        curves: Lists by name: step, score, iou, pixel_accuracy, l2, linf.
        adversarial: Path of the current image, PNG.
        prediction: Path of the current prediction, indexed PNG.
    """

    step: int
    steps: int
    seconds: float
    seconds_left: float
    score_kind: str
    curves: dict[str, list[Any]]
    adversarial: Path
    prediction: Path


def live_state(store: RunStore, run_id: str) -> LiveState | None:
    """Return what a running attack shows; None before its first figures and after its end."""
    folder = store.work_folder(run_id)
    pictures = (folder / "adversarial.png", folder / "prediction.png")
    if not (folder / LIVE).exists() or not all(path.exists() for path in pictures):
        return None
    try:
        state = read_json(folder / LIVE)
    except StoreError:
        if store.get(run_id).ended:
            # It went away between the question whether it is there and the reading.
            return None
        raise
    return LiveState(**state, adversarial=pictures[0], prediction=pictures[1])

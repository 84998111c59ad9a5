"""Several runs in one attack: each has its own reports, its own stop and its share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from asma_core.attacks.contract import OnStep, Pictures, StepMetrics, StepReport
from asma_core.models.wrapper.devices import choose_device

Watch = Callable[[StepReport], bool | None]

# Where these do not fit, half of them are tried, and so on (`runs.execute`).
ON_GPU: Final = 32
# A CPU is full with one, and one alone gives the same bytes whenever it is repeated.
ON_CPU: Final = 1


def usual_batch(device: str) -> int:
    """Return how many runs are attacked at once, at most, when nobody says otherwise.

    Args:
        device: As `Execution` names it.

    Raises:
        DeviceError: No such device on this machine.
    """
    return ON_GPU if choose_device(device).type == "cuda" else ON_CPU


class TimeLimit:
    """The longest that an attack may take; then it is stopped, with what it has found.

    Attributes:
        passed: Whether it was stopped.
        message: Why, in a sentence.
    """

    def __init__(self, minutes: float) -> None:
        """Prepare a limit; the time starts with `watching`."""
        self.passed = False
        self.message = (
            f"it was stopped after {minutes:g} minutes, the longest that a run may take here "
            "(max_run_minutes in config.toml); what it had found by then is kept"
        )
        self._seconds = 60 * minutes

    def watching(self, watch: Watch | None) -> Watch:
        """Return what cancels an attack, beginning now, when it takes too long or `watch` says."""
        began, self.passed = time.monotonic(), False

        def on_step(report: StepReport) -> bool:
            self.passed = self.passed or time.monotonic() - began > self._seconds
            return bool(watch is not None and watch(report)) or self.passed

        return on_step


class UpToStep(TimeLimit):
    """Makes again what an attack had shown whose process was ended, as a step did not end."""

    def __init__(self, minutes: float, step: int) -> None:
        """Prepare to stop at the step that was shown last."""
        super().__init__(minutes)
        self.message = (
            f"a step did not come back, so its process was ended after the {minutes:g} minutes "
            "that a run may take here (max_run_minutes in config.toml); what it had shown, step "
            f"{step}, was made again and is kept"
        )
        self._step = step

    def watching(self, watch: Watch | None) -> Watch:
        """Return what cancels an attack at the step, or before it as `TimeLimit` does."""
        limited = super().watching(watch)

        def on_step(report: StepReport) -> bool:
            stop = limited(report)
            self.passed = self.passed or report.step >= self._step
            return stop or self.passed

        return on_step


class SharedTime:
    """The time of an attack: that of each step is shared out evenly among the images in it.

    Attributes:
        seconds: Share of each image so far; together they are the time that has passed.
    """

    def __init__(self, count: int) -> None:
        """Start the clock for so many images."""
        self.seconds = [0.0] * count
        self._at = time.perf_counter()

    def charge(self, images: Sequence[int]) -> None:
        """Share out what has passed since the last time among some images, by their places."""
        now = time.perf_counter()
        for place in images:
            self.seconds[place] += (now - self._at) / len(images)
        self._at = now


def each_alone(watches: Sequence[Watch], shared: SharedTime) -> OnStep:
    """Return an `on_step` that reports to each image's own watcher as if it were attacked alone.

    What a watcher returns, if true, cancels its image; the others go on.

    Args:
        watches: One for each image.
        shared: Is charged with the time of each step.
    """

    def on_step(report: StepReport) -> list[int]:
        shared.charge([now.index for now in report.images])
        # Copied from the device once, however many look.
        pictures = cache(report.pictures)
        return [
            now.index for now in report.images if watches[now.index](_of_one(report, now, pictures))
        ]

    return on_step


def _of_one(report: StepReport, now: StepMetrics, pictures: Callable[[], Pictures]) -> StepReport:
    def own() -> Pictures:
        taken = pictures()
        row = taken.indices.index(now.index)
        return Pictures((0,), taken.images[row : row + 1], taken.predictions[row : row + 1])

    return StepReport(report.step, report.steps, (replace(now, index=0),), own)

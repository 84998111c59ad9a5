"""How long runs take, from how long the last ones of that attack and network took."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from asma_core.runs.run import Run

# Of one attack and network, how many of the last are asked.
LATELY: Final = 10

_Kind = tuple[str, str, bool]


class Paces:
    """Seconds a gradient evaluation, and evaluations a step that was allowed, by kind of run.

    A kind is an attack on a network; where what it makes shall survive, it is another. The size of
    the images is not told apart.
    """

    def __init__(self, ended: Iterable[Run]) -> None:
        """Learn from runs that have ended, the newest first; those stopped early do not count."""
        self._known: dict[_Kind, list[tuple[float, float]]] = defaultdict(list)
        for run in ended:
            seconds, made = run.results.get("seconds"), run.results.get("gradient_evaluations")
            steps, known = run.spec.config.get("steps"), self._known[_kind(run)]
            if run.state == "done" and seconds and made and steps and len(known) < LATELY:
                known.append((float(seconds) / made, made / float(steps)))

    def seconds(self, run: Run) -> float | None:
        """Return about how long a run will take; None where no other of its kind is known."""
        known, steps = self._known.get(_kind(run)), run.spec.config.get("steps")
        if not known or not steps:
            return None
        pace, share = (statistics.median(column) for column in zip(*known, strict=True))
        return float(pace * share * steps)


def _kind(run: Run) -> _Kind:
    return run.spec.attack, run.spec.model, run.spec.execution.survives

"""Learning what is missing of a queued plan: how far it is is kept, and its end is written."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from asma_core.errors import AsmaError
from asma_core.experiments.universal import learn_missing
from asma_core.experiments.universal_plan import UniversalPlan
from asma_core.experiments.universal_store import STOPPED, UniversalStore
from asma_core.runs.run import DONE

LOOK_EVERY: Final = 0.5


class _StoppedError(Exception):
    """Somebody asked the learning to stop."""


class _Watch:
    """Keeps how far a plan is, and stops it when somebody asks for that."""

    def __init__(
        self, store: UniversalStore, plan: UniversalPlan, on_step: Callable[[int], None]
    ) -> None:
        self._store, self._plan, self._on_step = store, plan, on_step
        self._parts = store.parts(plan.id)
        self._missing = [count for count in plan.counts if not self._parts.has(count)]
        self._looked_at = -math.inf
        self._begun = time.monotonic()

    def __call__(self, count: int, step: int) -> None:
        place = self._missing.index(count)
        earlier = len(self._plan.counts) - len(self._missing) + place
        self._on_step(earlier * self._plan.config.steps + step)
        if step > 0 and time.monotonic() - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = time.monotonic()
        self._parts.keep_progress(count, step, self._left(place, step))
        if self._store.learning(self._plan.id).stopping:
            raise _StoppedError

    def _left(self, place: int, step: int) -> float | None:
        """Return the seconds that are left; a step looks at several images, or all of a few."""
        costs = [min(count, self._plan.config.at_once) for count in self._missing]
        steps = self._plan.config.steps
        done = sum(costs[:place]) * steps + costs[place] * step
        if not done:
            return None
        return (time.monotonic() - self._begun) * (sum(costs) * steps - done) / done


def execute(
    store: UniversalStore, plan_id: str, on_step: Callable[[int], None] = lambda _: None
) -> bool:
    """Carry out a queued plan in this process; False where another has taken it.

    Args:
        store: The store.
        plan_id: The plan.
        on_step: Gets the number of steps made of all.

    Raises:
        StoreError: Not even its end could be written.
    """
    if not store.claim(plan_id):
        return False
    try:
        plan = store.plans.get(plan_id)
        learn_missing(plan, store.parts(plan_id), _Watch(store, plan, on_step))
    except AsmaError as error:
        store.fail(plan_id, str(error))
    except (_StoppedError, KeyboardInterrupt) as end:
        store.end(plan_id, STOPPED)
        if isinstance(end, KeyboardInterrupt):
            raise
    except Exception as error:
        text = f"an error of the workbench itself: {type(error).__name__}: {error}"
        store.fail(plan_id, text)
        raise
    else:
        store.end(plan_id, DONE)
    return True

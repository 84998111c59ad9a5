"""How far a running run is, from the file that its worker writes; where one that waits stands."""

from __future__ import annotations

from collections.abc import Sequence

from asma_core.errors import StoreError
from asma_core.files import read_json
from asma_core.jobs.places import Place
from asma_core.runs.run import QUEUED, RUNNING, Run
from asma_core.runs.signs import LIVE
from asma_core.runs.store import RunStore
from ui.common import services
from ui.common.format import duration, standing_outcome


def status_text(run: Run) -> str:
    """Return how a run stands in a few words, such as "running" or "queued, 2 of 5"."""
    if run.state == QUEUED:
        place = services.queue().places().get(run.id)
        return standing_outcome(run) if place is None else f"queued, {place_text(place)}"
    return "stopping" if run.state == RUNNING and run.cancel else standing_outcome(run)


def progress_text(store: RunStore, runs: Sequence[Run]) -> str:
    """Return how far those that run are, such as "Run 1234abcd: step 84 of 300"; "" for none."""
    steps = {run.id: steps_done(store, run) for run in runs if run.state == RUNNING}
    return "   ".join(
        f"Run {run_id}: " + ("loading" if done is None else f"step {done[0]} of {done[1]}")
        for run_id, done in steps.items()
    )


def place_text(place: Place) -> str:
    """Return where a run stands in the queue, such as "2 of 5, begins in about 3 min 5 s"."""
    if place.seconds is None:
        begins = "time to wait n/a"
    elif place.seconds < 1:
        begins = "begins at once"
    else:
        begins = f"begins in about {duration(place.seconds)}"
    return f"{place.number} of {place.of}, {begins}"


def steps_done(store: RunStore, run: Run) -> tuple[int, int] | None:
    """Return how many steps a running run has made, of how many; None before its first."""
    # Read here and not through `runs.live`, which imports torch.
    file = store.work_folder(run.id) / LIVE
    if not file.exists():
        return None
    try:
        state = read_json(file)
    except StoreError:
        # It ended, and the file went, between the two lines above.
        return None
    return int(state["step"]), int(state["steps"])

"""Which runs are shown, and in which order; without Streamlit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from asma_core.runs.run import CANCELLED, Run
from ui.address.views import RunsView
from ui.common.format import outcome

OWN_IMAGE: Final = "own images"
NO_VERDICT: Final = "none yet"
Value = Callable[[Run], Any]


def _figure(name: str) -> Value:
    return lambda run: run.results.get(name)


# By the name in the address: what people read, what is compared, whether the largest is first.
SORTS: Final[Mapping[str, tuple[str, Value, bool]]] = {
    "newest": ("Newest first", lambda run: run.created, True),
    "oldest": ("Oldest first", lambda run: run.created, False),
    "iou": ("IoU, highest first", _figure("iou_8bit"), True),
    "iou-lowest": ("IoU, lowest first", _figure("iou_8bit"), False),
    "l2": ("L2, smallest first", _figure("l2_8bit"), False),
    "l2-largest": ("L2, largest first", _figure("l2_8bit"), True),
    "steps": ("Steps, fewest first", _figure("steps"), False),
    "seconds": ("Time, shortest first", _figure("seconds"), False),
}


def filtered(runs: Sequence[Run], wanted: RunsView) -> list[Run]:
    """Return the runs that are asked for, in order.

    Args:
        runs: The newest first.
        wanted: What is asked for.

    Returns:
        Those that match; a run without the figure that it is sorted by comes last.
    """
    words = wanted.text.casefold().split()
    kept = [run for run in runs if _fits(run, wanted) and _holds(run, words)]
    _, value, largest_first = SORTS.get(wanted.sort, SORTS["newest"])

    def place(run: Run) -> tuple[bool, float]:
        figure = value(run)
        if figure is None:
            return (True, math.inf)
        return (False, -figure if largest_first else figure)

    # The store gives the newest first already, also among runs of one moment.
    return kept if wanted.sort == "newest" else sorted(kept, key=place)


def _fits(run: Run, wanted: RunsView) -> bool:
    if wanted.outcome and wanted.outcome not in outcomes(run):
        return False
    return all(
        not asked or asked == has
        for asked, has in (
            (wanted.attack, run.spec.attack),
            (wanted.model, run.spec.model),
            (wanted.dataset, run.spec.dataset or OWN_IMAGE),
            (wanted.verdict, run.verdict or NO_VERDICT),
        )
    )


def _holds(run: Run, words: Sequence[str]) -> bool:
    if not words:
        return True
    spec = run.spec
    said = (run.id, run.message, run.verdict, run.note, run.tags, run.ending, *outcomes(run))
    made = (spec.image_name, run.goal, spec.attack, spec.model)
    text = "\n".join(said + made).casefold()
    return all(word in text for word in words)


def choices(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Return what the runs can be narrowed to, by the filter's field."""
    values: dict[str, Value] = {
        "attack": lambda run: run.spec.attack,
        "model": lambda run: run.spec.model,
        "dataset": lambda run: run.spec.dataset or OWN_IMAGE,
        "verdict": lambda run: run.verdict or NO_VERDICT,
    }
    found = {name: sorted({value(run) for run in runs}) for name, value in values.items()}
    return {"outcome": sorted({told for run in runs for told in outcomes(run)}), **found}


def outcomes(run: Run) -> tuple[str, ...]:
    """Return what a run can be found by: its outcome, and that it was stopped."""
    return (outcome(run), *((CANCELLED,) if run.outcome and run.state == CANCELLED else ()))

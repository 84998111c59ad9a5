"""Which runs are shown, and in which order; without Streamlit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from asma_core.runs.run import CANCELLED, Run
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


@dataclass(frozen=True)
class RunFilter:
    """What is asked for; an empty text asks for nothing.

    Attributes:
        text: Words that all occur in the names, the message or what people said.
        outcome: As `ui.common.format.outcome` says it.
        attack: Name of an attack.
        model: Name of a network.
        dataset: Name of a data set, or `OWN_IMAGE`.
        verdict: A verdict, or `NO_VERDICT`.
        sort: A key of `SORTS`.
    """

    text: str = ""
    outcome: str = ""
    attack: str = ""
    model: str = ""
    dataset: str = ""
    verdict: str = ""
    sort: str = "newest"

    @property
    def narrows(self) -> bool:
        """Whether runs may be left out."""
        return any(getattr(self, item.name) for item in fields(self) if item.name != "sort")

    def apply(self, runs: Sequence[Run]) -> list[Run]:
        """Return the runs that are asked for, in order.

        Args:
            runs: The newest first.

        Returns:
            Those that match; a run without the figure that it is sorted by comes last.
        """
        words = self.text.casefold().split()
        kept = [run for run in runs if self._fits(run) and _holds(run, words)]
        _, value, largest_first = SORTS.get(self.sort, SORTS["newest"])

        def place(run: Run) -> tuple[bool, float]:
            figure = value(run)
            if figure is None:
                return (True, math.inf)
            return (False, -figure if largest_first else figure)

        # The store gives the newest first already, also among runs of one moment.
        return kept if self.sort == "newest" else sorted(kept, key=place)

    def _fits(self, run: Run) -> bool:
        if self.outcome and self.outcome not in outcomes(run):
            return False
        return all(
            not wanted or wanted == has
            for wanted, has in (
                (self.attack, run.spec.attack),
                (self.model, run.spec.model),
                (self.dataset, run.spec.dataset or OWN_IMAGE),
                (self.verdict, run.verdict or NO_VERDICT),
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

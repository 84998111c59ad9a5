"""The items of a review, made of runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from asma_core.attacks.settings import L2, NORMS
from asma_core.errors import InputError
from asma_core.reviews.questions import ORIGINAL, Question
from asma_core.reviews.review import Item
from asma_core.runs.run import Run

# Of the 8-bit file, as it is shown.
FIGURES: Final = {"l2": "l2_8bit", "linf": "linf_8bit", "ciede2000": "ciede2000_8bit"}


def can_be_shown(run: Run) -> bool:
    """Tell whether a run has a file that differs from its original."""
    return bool(run.results.get("l2_8bit"))


def items_of(runs: Iterable[Run], question: Question) -> tuple[Item, ...]:
    """Return what is asked about: an item a run, and each of their originals once if it is asked.

    Runs that changed nothing, or have no result, are left out.

    Raises:
        InputError: None is left.
    """
    shown = [run for run in {run.id: run for run in runs}.values() if can_be_shown(run)]
    if not shown:
        raise InputError(
            "none of these runs has a picture that was changed; choose runs that have ended with "
            "a result"
        )
    items: list[Item] = []
    for kind in question.kinds:
        own = _originals(shown, question) if kind == ORIGINAL else shown
        items += [
            Item(place, kind, run.id, run.spec.image_hash, _facts(run, kind))
            for place, run in enumerate(own, len(items))
        ]
    return tuple(items)


def _originals(runs: Sequence[Run], question: Question) -> list[Run]:
    """Return the first run of each original; its outline hangs on the network too."""
    first: dict[tuple[str, str], Run] = {}
    for run in runs:
        network = run.spec.model_hash if question.outlined else ""
        first.setdefault((run.spec.image_hash, network), run)
    return list(first.values())


def _facts(run: Run, kind: str) -> dict[str, Any]:
    """Return what the result is told by; no name of an image, which goes with its run."""
    spec = run.spec
    facts: dict[str, Any] = {"model": spec.model, "dataset": spec.dataset}
    if kind == ORIGINAL:
        return facts
    norm = str(spec.config.get("norm", L2))
    facts |= {"attack": spec.attack, "survives": spec.execution.survives}
    facts["norm"] = NORMS.get(norm, norm)
    return facts | {name: run.results.get(key) for name, key in FIGURES.items()}

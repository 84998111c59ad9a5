"""Taking turns: candidates that are compared run one after the other, round by round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping

from asma_core.cli.progress import Progress


def medians(
    label: str, candidates: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, float]:
    """Return the median over the rounds of what each candidate returns; a first round warms up."""
    figures: dict[str, list[float]] = {name: [] for name in candidates}
    progress = Progress(label, rounds + 1)
    for turn in range(rounds + 1):
        for name, run in candidates.items():
            figure = run()
            if turn > 0:
                figures[name].append(figure)
        progress.update(turn + 1)
    progress.close()
    return {name: statistics.median(values) for name, values in figures.items()}

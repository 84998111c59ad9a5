"""What survives of a run, in a sentence; apart, so that a page need not import torch for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def in_words(figures: Sequence[Mapping[str, Any]]) -> str:
    """Say in a sentence how many treatments a run's file survives.

    Args:
        figures: Of `Survived.figures`, the untouched file's first.
    """
    untouched, *treated = figures
    if not untouched["reached"]:
        return "The untouched file is not at the goal, so there is nothing to survive."
    names = [one["title"] for one in treated if not one["reached"]]
    held = len(treated) - len(names)
    lost = f" Lost after: {', '.join(names)}." if names and held else ""
    return f"The goal stands after {held or 'none'} of {len(treated)} treatments.{lost}"

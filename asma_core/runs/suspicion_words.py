"""Whether a machine would notice a run, in words; apart, so that a page need not import torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# A score that differs by less, as a share of the original's, is called alike.
ALIKE = 0.05


def compared(figures: Mapping[str, Any]) -> str:
    """Say how suspicious the attacked file is beside its original.

    Args:
        figures: Of `Suspected.figures`.
    """
    original, attacked = figures["original"], figures["attacked"]
    if original is None or attacked is None:
        return "can't be told"
    if abs(attacked - original) <= ALIKE * abs(original):
        return "as the original"
    more = attacked > original
    if original <= 0 or attacked <= 0:
        return "more suspicious" if more else "calmer"
    ratio = attacked / original if more else original / attacked
    times = f"{ratio:.1f} times" if ratio < 10 else f"{ratio:.0f} times"
    return f"{times} as suspicious" if more else f"{times} calmer"


def among(figures: Mapping[str, Any], clean: Sequence[float]) -> str:
    """Say where the attacked file lies among clean images, or "" where none was looked at.

    Args:
        figures: Of `Suspected.figures`.
        clean: Scores of other images that nobody attacked.
    """
    attacked = figures["attacked"]
    if attacked is None or not clean:
        return ""
    below = sum(score < attacked for score in clean)
    return f"above {below} of {len(clean)}"


def in_words(figures: Sequence[Mapping[str, Any]], clean: Mapping[str, Sequence[float]]) -> str:
    """Say in a sentence which detectors the attacked file stands out to.

    Args:
        figures: Of all detectors.
        clean: Scores of other clean images by the detector's name, of those that are known.
    """
    judged = [one for one in figures if one["attacked"] is not None]
    against = [one for one in judged if clean.get(one["name"])]
    if not against:
        louder = sum(one["attacked"] > one["original"] * (1 + ALIKE) for one in judged)
        return (
            f"The attacked file looks more suspicious than its original to {louder or 'none'} of "
            f"{len(judged)} detectors. Whether a machine would notice hangs on how suspicious "
            "clean images are, and none of this data set were looked at yet."
        )
    out = [one["title"] for one in against if one["attacked"] > max(clean[one["name"]])]
    if not out:
        return "No detector finds the attacked file more suspicious than every clean image."
    return f"More suspicious than every clean image that was looked at: to {', '.join(out)}."

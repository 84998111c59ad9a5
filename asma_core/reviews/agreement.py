"""How far reviewers agree, beyond what chance gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

# What each reviewer said of each item, as whole numbers; None where a reviewer said nothing.
Codes = Sequence[Sequence[int | None]]
Weights = Callable[[int, int], float]
Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """A coefficient: 1 for full agreement, 0 for what chance gives.

    Attributes:
        value: None where it is undefined: too few answers, or all of them the same.
        items: It is of so many.
    """

    value: float | None
    items: int


NOTHING: Final = Agreement(None, 0)


def cohen(codes: Codes, squared: bool = False) -> Agreement:
    """Return Cohen's kappa of two reviewers, over the items of which both said something.

    Source: Cohen, "A Coefficient of Agreement for Nominal Scales", 1960; weighted, 1968.

    Args:
        codes: Of the two, one number an item each.
        squared: Whether a disagreement weighs as the square of its size.
    """
    pairs = _complete(codes)
    if not pairs:
        return NOTHING
    expected = product([first for first, _ in pairs], [second for _, second in pairs])
    weight = _squared if squared else _differs
    by_chance = sum(weight(*pair) for pair in expected) / len(pairs) ** 2
    found = sum(weight(*pair) for pair in pairs) / len(pairs)
    return Agreement(1.0 - found / by_chance if by_chance else None, len(pairs))


def fleiss(codes: Codes) -> Agreement:
    """Return Fleiss' kappa, over the items of which all reviewers said something.

    Source: Fleiss, "Measuring nominal scale agreement among many raters", 1971.

    Args:
        codes: Of each of two or more reviewers, one number an item.
    """
    items, raters = _complete(codes), len(codes)
    if not items or raters < 2:
        return NOTHING
    counts = _counted(items)
    observed = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    by_chance = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    value = None if by_chance == 1.0 else float((observed.mean() - by_chance) / (1.0 - by_chance))
    return Agreement(value, len(items))


def krippendorff(codes: Codes, ordinal: bool = False) -> Agreement:
    """Return Krippendorff's alpha, over the items of which two reviewers or more said something.

    Source: Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011.

    Args:
        codes: Of each reviewer, one number an item, or None.
        ordinal: Whether the numbers have an order, and a disagreement is the larger the more
            answers lie between.
    """
    said = [[code for code in item if code is not None] for item in zip(*codes, strict=True)]
    items = [item for item in said if len(item) > 1]
    if not items:
        return NOTHING
    counts = _counted(items)
    totals = counts.sum(axis=0)
    distance = _ordinal_distance(totals) if ordinal else 1.0 - np.eye(len(totals))
    pairs = counts.sum(axis=1) - 1
    observed = sum(
        float(row @ distance @ row) / count for row, count in zip(counts, pairs, strict=True)
    )
    expected = float(totals @ distance @ totals) / (totals.sum() - 1)
    return Agreement(1.0 - observed / expected if expected else None, len(items))


def _complete(codes: Codes) -> list[tuple[int, ...]]:
    """Return what was said of each item of which everybody said something."""
    return [
        tuple(code for code in item if code is not None)
        for item in zip(*codes, strict=True)
        if None not in item
    ]


def _counted(items: Sequence[Sequence[int]]) -> Counts:
    """Return how often each code was said of each item, (items, codes), the codes in order."""
    known = sorted({code for item in items for code in item})
    tallies = [Counter(item) for item in items]
    return np.array([[tally[code] for code in known] for tally in tallies], dtype=np.float64)


def _ordinal_distance(totals: Counts) -> Counts:
    """Return Krippendorff's ordinal distance between each two codes."""
    above = np.cumsum(totals) - totals / 2
    distance: Counts = (above[:, None] - above[None, :]) ** 2
    return distance


def _differs(one: int, other: int) -> float:
    return float(one != other)


def _squared(one: int, other: int) -> float:
    return float((one - other) ** 2)

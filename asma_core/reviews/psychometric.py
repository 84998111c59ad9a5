"""The psychometric function: how the rate of noticing rises with the size of a change.

    rate(size) = guess + (1 - guess) / (1 + exp(-slope (log size - middle)))

The logistic is one of the logarithm of the size, so that a change of nothing is noticed as often as
guessing. `guess` is given, slope and middle are fitted by maximum likelihood; nobody is held to
press a wrong key (no lapses). The threshold is the size at which the rate is 75 %; its interval is
that of the profile likelihood: all thresholds that, with the slope that suits each best, make the
answers not much less likely.

Source: Wichmann and Hill, "The psychometric function: I. Fitting, sampling, and goodness of fit",
2001, eq. 1 without lapses; Venzon and Moolgavkar, "A method for computing profile-likelihood-based
confidence intervals", 1988.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from scipy.special import expit

from asma_core.reviews.likelihood import ALIKE, ALLOWED, TARGET, Likelihood, Point, jump_of, offset

_SHARE: Final = f"{100 * TARGET:.0f} %"
LEAST_ANSWERS: Final = 20
LEAST_SIZES: Final = 3


@dataclass(frozen=True)
class Fit:
    """A curve through the answers.

    Attributes:
        guess: The rate where nothing was changed.
        slope: Of the logistic, for each unit of the natural logarithm of the size.
        steep: Whether a jump from guessing to all says as much: how steep it is can't be told.
        threshold: The size at which the rate is 75 %.
        low: Lower end of its interval of 95 %; None where it lies far from what was shown.
        high: Its upper end.
        smallest: Of the sizes above 0 that were shown.
        largest: Of all of them.
        answers: How many it is of.
    """

    guess: float
    slope: float
    steep: bool
    threshold: float
    low: float | None
    high: float | None
    smallest: float
    largest: float
    answers: int

    @property
    def within(self) -> bool:
        """Whether the threshold lies among the sizes that were shown."""
        return self.smallest <= self.threshold <= self.largest

    def rate(self, size: float) -> float:
        """Return the rate at a size."""
        if size <= 0:
            return self.guess
        height = self.slope * math.log(size / self.threshold) + offset(self.guess)
        return self.guess + (1 - self.guess) * float(expit(height))


@dataclass(frozen=True)
class Unfitted:
    """Why no curve is drawn.

    Attributes:
        why: A sentence without its stop.
        answers: How many there are.
    """

    why: str
    answers: int


@lru_cache(maxsize=64)
def fit(points: tuple[Point, ...], guess: float) -> Fit | Unfitted:
    """Fit a curve, or say why the answers hold none.

    Args:
        points: By size, each once.
        guess: The rate where nothing was changed, above 0 and below 1.
    """
    answers = sum(point.count for point in points)
    sizes = [point.size for point in points if point.size > 0]
    why = _too_little(answers, sizes, guess) or _all_alike(points, sizes)
    if why:
        return Unfitted(why, answers)
    likelihood = Likelihood(points, guess)
    jump, place = jump_of(points, guess)
    best = likelihood.best(place)
    if likelihood.profile(best) - likelihood.flat() < ALLOWED:
        why = "the rate does not rise with the size of the change by more than chance would make it"
        return Unfitted(why, answers)
    return Fit(
        guess,
        likelihood.slope(best),
        jump > likelihood.profile(best) - ALIKE,
        math.exp(best),
        *likelihood.interval(best),
        min(sizes),
        max(sizes),
        answers,
    )


def _too_little(answers: int, sizes: Sequence[float], guess: float) -> str:
    if answers < LEAST_ANSWERS:
        return f"too few answers for a curve: {answers}, and it takes {LEAST_ANSWERS}"
    if len(sizes) < LEAST_SIZES:
        return f"too few sizes for a curve: {len(sizes)}, and it takes {LEAST_SIZES}"
    if guess >= TARGET:
        return (
            f"{100 * guess:.0f} % is noticed where nothing was changed, so no size is found at "
            f"which it is {_SHARE}"
        )
    return ""


def _all_alike(points: Sequence[Point], sizes: Sequence[float]) -> str:
    if all(point.noticed == point.count for point in points):
        return f"all were noticed, so {_SHARE} lies below the smallest change, {min(sizes):.3g}"
    if not any(point.noticed for point in points):
        return f"none was noticed, so {_SHARE} lies above the largest change, {max(sizes):.3g}"
    return ""

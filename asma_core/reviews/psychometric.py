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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, log_expit, logit
from scipy.stats import chi2

TARGET: Final = 0.75
_SHARE: Final = f"{100 * TARGET:.0f} %"
LEAST_ANSWERS: Final = 20
LEAST_SIZES: Final = 3
# Half of the fall of twice the log-likelihood that 95 % of samples stay within.
_ALLOWED: Final = float(chi2.ppf(0.95, 1)) / 2
# How much less likely a curve may be than a jump that no slope is told from.
_ALIKE: Final = 1e-3
_STEPS: Final = 64
# A share that no answers are told from none by.
_LEAST: Final = 1e-6
# Slopes: times that of a curve that takes all of the sizes, or the least step between two.
_FLATTEST, _STEEPEST = 0.01, 100.0
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """What was said of changes of one size.

    Attributes:
        size: Of the change, at least 0.
        noticed: How many answers noticed it.
        count: Of how many.
    """

    size: float
    noticed: int
    count: int


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
        height = self.slope * math.log(size / self.threshold) + _offset(self.guess)
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


def points_of(sizes: Sequence[float], noticed: Sequence[bool]) -> tuple[Point, ...]:
    """Return answers by the size of the change, the smallest first."""
    counted: dict[float, tuple[int, int]] = {}
    for size, one in zip(sizes, noticed, strict=True):
        before = counted.get(size, (0, 0))
        counted[size] = (before[0] + one, before[1] + 1)
    return tuple(Point(size, *counted[size]) for size in sorted(counted))


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
    likelihood = _Likelihood(points, guess)
    jump, place = _jump(points, guess)
    best = likelihood.best(place)
    if likelihood.profile(best) - likelihood.flat() < _ALLOWED:
        why = "the rate does not rise with the size of the change by more than chance would make it"
        return Unfitted(why, answers)
    return Fit(
        guess,
        likelihood.slope(best),
        jump > likelihood.profile(best) - _ALIKE,
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


def _jump(points: Sequence[Point], guess: float) -> tuple[float, int]:
    """Return the log-likelihood of the best jump from guessing to all, and its middle's place.

    The changes of the size in its middle have a rate of their own.
    """
    found = [
        (
            sum(_log_likelihood(one, guess) for one in points[:place]) + _of_middle(middle, guess),
            place,
        )
        for place, middle in enumerate(points)
        if middle.size > 0 and all(one.noticed == one.count for one in points[place + 1 :])
    ]
    return max(found)


def _of_middle(point: Point, guess: float) -> float:
    return _log_likelihood(point, max(point.noticed / point.count, guess))


def _log_likelihood(point: Point, rate: float) -> float:
    """Return how likely the answers to one size are at a rate."""
    missed = point.count - point.noticed
    said = point.noticed * math.log(rate) if point.noticed else 0.0
    return said + (missed * math.log1p(-rate) if missed else 0.0)


def _offset(guess: float) -> float:
    """Return the logistic's argument at the threshold."""
    return float(logit((TARGET - guess) / (1 - guess)))


class _Likelihood:
    """The log-likelihood of a curve, by its threshold's logarithm and its slope."""

    def __init__(self, points: Sequence[Point], guess: float) -> None:
        self._guess = guess
        self._offset = _offset(guess)
        self._noticed = np.array([point.noticed for point in points], dtype=np.float64)
        self._missed = np.array([point.count for point in points]) - self._noticed
        sizes = np.array([point.size for point in points])
        # A change of nothing is noticed as often as guessing.
        self._sizes = np.log(sizes, out=np.full(len(sizes), -math.inf), where=sizes > 0)
        known = self._sizes[np.isfinite(self._sizes)]
        self._first, self._last = float(known[0]), float(known[-1])
        self._spread = self._last - self._first
        steepest = _STEEPEST / float(np.diff(known).min())
        self._slopes = np.geomspace(_FLATTEST / self._spread, steepest, _STEPS)

    def best(self, jump: int) -> float:
        """Return the logarithm of the likeliest threshold.

        Args:
            jump: Place of the size at which a jump is likeliest, which a grid may pass over.
        """
        smooth, steep = self._best_on_grid(), self._of_jump(jump)
        return smooth if self.profile(smooth) >= self.profile(steep) - _ALIKE else steep

    def _of_jump(self, place: int) -> float:
        """Return the threshold of a jump as steep as it can be told from a curve."""
        noticed, count = self._noticed[place], self._noticed[place] + self._missed[place]
        share = (noticed / count - self._guess) / (1 - self._guess)
        height = float(logit(np.clip(share, _LEAST, 1 - _LEAST))) - self._offset
        gaps = np.abs(np.delete(self._sizes, place) - self._sizes[place])
        return float(self._sizes[place]) - height / (_STEEPEST / 2 / float(gaps.min()))

    def _best_on_grid(self) -> float:
        grid = np.linspace(self._first - self._spread, self._last + self._spread, 2 * _STEPS)
        found = [float(self._at(one, self._slopes).max()) for one in grid]
        alike = np.flatnonzero(np.array(found) > max(found) - _ALIKE)
        place = int(alike[len(alike) // 2])
        if len(alike) > 3:
            # Of a jump between two sizes: all of them are as likely.
            return float(grid[place])
        around = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
        return _highest(self.profile, *map(float, around))

    def flat(self) -> float:
        """Return the log-likelihood of one rate for all sizes, guessing at least."""
        noticed, missed = int(self._noticed.sum()), int(self._missed.sum())
        whole = Point(0.0, noticed, noticed + missed)
        return _log_likelihood(whole, max(noticed / whole.count, self._guess))

    def slope(self, threshold: float) -> float:
        """Return the slope that suits a threshold best."""
        place = int(np.argmax(self._at(threshold, self._slopes)))
        around = self._slopes[max(place - 1, 0)], self._slopes[min(place + 1, _STEPS - 1)]

        def at(slope: float) -> float:
            return float(self._at(threshold, np.exp([slope]))[0])

        return math.exp(_highest(at, *(math.log(slope) for slope in around)))

    def profile(self, threshold: float) -> float:
        """Return the log-likelihood of a threshold with the slope that suits it best."""
        return float(self._at(threshold, np.array([self.slope(threshold)]))[0])

    def interval(self, best: float) -> tuple[float | None, float | None]:
        """Return the ends of the threshold's interval, of 95 %.

        None stands for one that lies as far outside of the sizes as they reach.
        """
        least = self.profile(best) - _ALLOWED
        ends: list[float | None] = []
        for far in (self._first - self._spread, self._last + self._spread):
            if self.profile(far) > least:
                ends.append(None)
            else:
                found = brentq(lambda at: self.profile(at) - least, best, far, xtol=1e-6)
                ends.append(math.exp(float(found)))
        return ends[0], ends[1]

    def _at(self, threshold: float, slopes: Values) -> Values:
        """Return the log-likelihood for each slope."""
        height = slopes[:, None] * (self._sizes - threshold)[None, :] + self._offset
        rest = math.log1p(-self._guess)
        noticed = np.logaddexp(math.log(self._guess), rest + log_expit(height))
        found: Values = noticed @ self._noticed + (rest + log_expit(-height)) @ self._missed
        return found


def _highest(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function of one number is highest between two ends."""
    found = minimize_scalar(
        lambda at: -function(at), bounds=(low, high), method="bounded", options={"xatol": 1e-8}
    )
    return float(found.x)

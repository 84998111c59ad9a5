"""How often something was noticed, and how well it was told from what was not there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scipy.stats import binomtest, norm

CONFIDENCE: Final = 0.95
MOST_BINS: Final = 5
# Fewer answers than that in each bin say nothing.
LEAST_IN_BIN: Final = 5


@dataclass(frozen=True)
class Rate:
    """A share of answers with Wilson's interval; the last three are None without answers.

    Each answer counts as one, as if no two were of one reviewer or one picture.

    Attributes:
        noticed: How many of them.
        count: Of how many.
        value: Their share.
        low: Lower end of the interval of 95 %.
        high: Its upper end.
    """

    noticed: int
    count: int
    value: float | None
    low: float | None
    high: float | None


def rate(noticed: int, count: int) -> Rate:
    """Return a share with its interval.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    if not count:
        return Rate(0, 0, None, None, None)
    interval = binomtest(noticed, count).proportion_ci(CONFIDENCE, "wilson")
    return Rate(noticed, count, noticed / count, float(interval.low), float(interval.high))


def log_linear(noticed: int, count: int) -> float:
    """Return a share that is never 0 or 1: half an answer more on either side.

    Source: Hautus, "Corrections for extreme proportions and their biasing effects on estimated
    values of d'", 1995; for all shares, as there, and not for 0 and 1 alone, which would put 20 of
    20 below 39 of 40.
    """
    return (noticed + 0.5) / (count + 1)


def d_prime_of_rates(hits: float, false_alarms: float) -> float:
    """Return d' of a question of yes or no: z(hits) - z(false alarms).

    Source: Macmillan and Creelman, "Detection Theory: A User's Guide", chapter 1.

    Args:
        hits: Share of yes where something was there, between 0 and 1.
        false_alarms: Share of yes where nothing was, between 0 and 1.
    """
    return float(norm.ppf(hits) - norm.ppf(false_alarms))


def d_prime_of_choice(right: float) -> float:
    """Return d' of a choice between two: sqrt(2) z(right).

    Source: Macmillan and Creelman, chapter 7; for somebody who prefers neither side.

    Args:
        right: Share of right choices, between 0 and 1.
    """
    return math.sqrt(2.0) * float(norm.ppf(right))


def d_prime_yes_no(found: Rate, false_alarms: Rate) -> float | None:
    """Return d' of counted answers, both shares corrected; None where either side has none."""
    if not (found.count and false_alarms.count):
        return None
    return d_prime_of_rates(
        log_linear(found.noticed, found.count),
        log_linear(false_alarms.noticed, false_alarms.count),
    )


def d_prime_choice(found: Rate) -> float | None:
    """Return d' of counted choices, corrected; None without any."""
    return d_prime_of_choice(log_linear(found.noticed, found.count)) if found.count else None


@dataclass(frozen=True)
class Bin:
    """Answers whose pictures have changes of about one size.

    Attributes:
        low: The smallest change among them.
        middle: Its mean.
        high: The largest.
        rate: How many noticed it.
    """

    low: float
    middle: float
    high: float
    rate: Rate


def binned(changes: Sequence[float], noticed: Sequence[bool]) -> tuple[Bin, ...]:
    """Return the rate over the size of the change, in bins of about as many answers each.

    Answers to changes of one size are never parted, so that a picture is in one bin alone.

    Args:
        changes: Size of the change behind each answer.
        noticed: Whether that answer noticed it.
    """
    answers = sorted(zip(changes, noticed, strict=True))
    if not answers:
        return ()
    wanted = max(1, min(MOST_BINS, len(answers) // LEAST_IN_BIN))
    groups: dict[int, list[tuple[float, bool]]] = {}
    group, last = 0, math.nan
    for place, (change, one) in enumerate(answers):
        if change != last:
            group, last = place * wanted // len(answers), change
        groups.setdefault(group, []).append((change, one))
    return tuple(_bin(own) for own in groups.values())


def _bin(answers: Sequence[tuple[float, bool]]) -> Bin:
    changes = [change for change, _ in answers]
    middle = sum(changes) / len(changes)
    return Bin(changes[0], middle, changes[-1], rate(sum(n for _, n in answers), len(answers)))

"""How well a score tells attacked images from clean ones: AUROC and TPR, with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Scores = NDArray[np.float64]
FALSE_ALARMS: Final = 0.05
DRAWS: Final = 2000
COVERAGE: Final = 0.95
SEED: Final = 2305


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval; all None where it is undefined.

    Attributes:
        value: Of the scores themselves.
        low: Lower end of the bootstrap's interval.
        high: Its upper end.
    """

    value: float | None
    low: float | None
    high: float | None


def auroc(clean: Scores, attacked: Scores) -> float:
    """Return the chance that an attacked image scores above a clean one, ties counting half.

    NaN without scores on either side. It is the area under the ROC curve, and the statistic of
    Mann and Whitney over the number of pairs.
    """
    if not (len(clean) and len(attacked)):
        return math.nan
    ranks = rankdata(np.concatenate([attacked, clean]))[: len(attacked)]
    least = len(attacked) * (len(attacked) + 1) / 2
    return float((ranks.sum() - least) / (len(attacked) * len(clean)))


def tpr_at_fpr(clean: Scores, attacked: Scores, rate: float = FALSE_ALARMS) -> float:
    """Return the share of attacked images that are found with at most that rate of false alarms.

    The threshold is the lowest clean score above which at most that share of clean scores lies, so
    that with fewer than 1 / rate images there is no false alarm at all. NaN without scores on
    either side.
    """
    if not (len(clean) and len(attacked)):
        return math.nan
    allowed = int(rate * len(clean) + 1e-9)
    threshold = np.sort(clean)[len(clean) - 1 - allowed]
    return float((attacked > threshold).mean())


def bootstrapped(
    figure: Callable[[Scores, Scores], float],
    clean: Sequence[Sequence[float]],
    attacked: Sequence[Sequence[float]],
) -> Estimate:
    """Return a figure with its interval by the percentile bootstrap, the images drawn anew.

    Clean and attacked images are drawn apart: drawn together, an image would be held against itself
    twice as often as in the figure, and what is only a little above its own original would move the
    interval beyond the figure. Apart, it is rather too wide. With all scores on their sides it is
    one point, whatever the number of images.

    Args:
        figure: Of clean and attacked scores.
        clean: The scores of each image, in the order of the images.
        attacked: Likewise; empty for an image that no attack succeeded on.
    """
    value = figure(_joined(clean), _joined(attacked))
    if len(clean) < 2 or math.isnan(value):
        return Estimate(None, None, None)
    generator = np.random.default_rng(SEED)
    found = []
    for _ in range(DRAWS):
        ours, theirs = generator.integers(len(clean), size=(2, len(clean)))
        found.append(
            figure(_joined([clean[i] for i in ours]), _joined([attacked[i] for i in theirs]))
        )
    outside = 50.0 * (1.0 - COVERAGE)
    low, high = np.nanpercentile(found, [outside, 100.0 - outside])
    return Estimate(value, float(low), float(high))


def _joined(groups: Sequence[Sequence[float]]) -> Scores:
    return np.array([value for group in groups for value in group], dtype=np.float64)

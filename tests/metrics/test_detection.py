"""AUROC against scipy's Mann-Whitney, thresholds by hand, intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from asma_core.metrics.detection import Estimate, auroc, bootstrapped, tpr_at_fpr

# Few values, so that there are ties.
scores = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=12).map(np.array)


@given(clean=scores, attacked=scores)
def test_auroc_is_the_statistic_of_mann_and_whitney(clean, attacked) -> None:
    pairs = len(clean) * len(attacked)
    expected = stats.mannwhitneyu(attacked, clean).statistic / pairs
    assert auroc(clean, attacked) == pytest.approx(expected)
    # Who calls the files the other way round has the rest.
    assert auroc(attacked, clean) == pytest.approx(1 - expected)


@given(clean=scores, attacked=scores, rate=st.sampled_from([0.0, 0.05, 0.25, 0.5]))
def test_no_more_false_alarms_than_allowed_and_no_threshold_finds_more(
    clean, attacked, rate
) -> None:
    thresholds = [-1.0, *clean.tolist(), *attacked.tolist()]
    allowed = [at for at in thresholds if (clean > at).mean() <= rate]
    assert tpr_at_fpr(clean, attacked, rate) == max((attacked > at).mean() for at in allowed)


def test_thresholds_by_hand() -> None:
    clean = np.arange(20.0)
    # One of twenty may be a false alarm: what is above 18 is found.
    assert tpr_at_fpr(clean, np.array([18.0, 18.5, 19.0, 30.0])) == 0.75
    # With fewer than twenty none may be.
    assert tpr_at_fpr(clean[:19], np.array([18.0, 18.5])) == 0.5
    assert math.isnan(auroc(clean, np.array([]))) and math.isnan(tpr_at_fpr(np.array([]), clean))


def test_intervals_hold_the_figure_and_repeat() -> None:
    generator = np.random.default_rng(0)
    clean = [[value] for value in generator.normal(0, 1, 30)]
    attacked = [[value] for value in generator.normal(1, 1, 30)]
    found = bootstrapped(auroc, clean, attacked)
    assert found == bootstrapped(auroc, clean, attacked)
    assert found.low is not None and found.high is not None and found.value is not None
    assert found.low < found.value < found.high
    # Nearly that of Hanley and McNeil's standard error (0.06 here), 1.96 to either side.
    assert 0.15 < found.high - found.low < 0.32
    split = bootstrapped(auroc, [[0.0], [1.0], [2.0]], [[5.0], [], [6.0, 7.0]])
    assert split == Estimate(1.0, 1.0, 1.0)


def test_one_image_has_no_figure() -> None:
    nothing = Estimate(None, None, None)
    assert bootstrapped(auroc, [[0.0]], [[1.0]]) == nothing
    assert bootstrapped(auroc, [[0.0], [1.0]], [[], []]) == nothing


def test_a_hair_above_its_own_original_is_not_told_beyond_the_figure() -> None:
    clean = [[float(value)] for value in range(8)]
    found = bootstrapped(auroc, clean, [[value + 1e-6] for (value,) in clean])
    # Each is above itself and those below: 36 of 64.
    assert found.value == 36 / 64
    assert found.low is not None and found.high is not None and found.low < 0.5 < 0.6 < found.high

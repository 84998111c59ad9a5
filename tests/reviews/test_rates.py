"""Rates, d' and bins against other libraries' values and published examples."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asma_core.reviews.rates import (
    MOST_BINS,
    binned,
    d_prime_choice,
    d_prime_of_choice,
    d_prime_of_rates,
    d_prime_yes_no,
    log_linear,
    rate,
)


# From statsmodels 0.15.0: proportion_confint(noticed, count, method="wilson").
@pytest.mark.parametrize(
    ("noticed", "count", "low", "high"),
    [
        (0, 10, 0.0, 0.27753279986288926),
        (10, 10, 0.7224672001371106, 1.0),
        (8, 10, 0.49016247153664183, 0.9433178485456247),
        (45, 60, 0.6276792992295218, 0.8422347746994333),
        (1, 29, 0.006113214292762667, 0.17175521879320294),
    ],
)
def test_the_interval_is_wilson_s(noticed: int, count: int, low: float, high: float) -> None:
    found = rate(noticed, count)
    assert found.value == noticed / count
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_nothing_is_said_of_no_answers() -> None:
    none = rate(0, 0)
    assert (none.value, none.low, none.high) == (None, None, None)
    assert d_prime_choice(none) is None
    assert d_prime_yes_no(none, rate(1, 2)) is None and d_prime_yes_no(rate(1, 2), none) is None


# Macmillan and Creelman, table A5.1: z(0.84) = 0.994, z(0.69) = 0.496; their face recognition:
# 20 hits of 25 and 10 false alarms of 25 have d' = 1.095; 0.76 right of two have sqrt(2) 0.706.
@pytest.mark.parametrize(
    ("hits", "false_alarms", "d_prime"),
    [(0.8, 0.4, 1.095), (0.84, 0.69, 0.994 - 0.496), (0.5, 0.5, 0.0), (0.4, 0.8, -1.095)],
)
def test_d_prime_of_yes_and_no(hits: float, false_alarms: float, d_prime: float) -> None:
    assert d_prime_of_rates(hits, false_alarms) == pytest.approx(d_prime, abs=1e-3)


def test_d_prime_of_a_choice_is_larger_by_the_root_of_two() -> None:
    assert d_prime_of_choice(0.76) == pytest.approx(math.sqrt(2) * 0.706, abs=1e-3)
    assert d_prime_of_choice(0.5) == 0.0
    # An unbiased person of d' 1 is right in 0.69 of yes and no, and in 0.76 of choices.
    assert d_prime_of_choice(0.7602) == pytest.approx(1.0, abs=1e-3)
    assert d_prime_of_rates(0.6915, 1 - 0.6915) == pytest.approx(1.0, abs=1e-3)


def test_shares_of_0_and_1_have_a_d_prime() -> None:
    # 20 of 20 and 0 of 20: 20.5/21 and 0.5/21, whose z are 1.9813 and -1.9813 by a table.
    assert log_linear(20, 20) == 20.5 / 21
    assert d_prime_yes_no(rate(20, 20), rate(0, 20)) == pytest.approx(3.9625, abs=1e-3)
    assert d_prime_choice(rate(20, 20)) == pytest.approx(1.98126 * math.sqrt(2), abs=1e-3)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_more_found_is_a_larger_d_prime(counts: tuple[int, int]) -> None:
    noticed, count = counts
    now = d_prime_choice(rate(noticed, count))
    assert now is not None
    mirrored = d_prime_choice(rate(count - noticed, count))
    assert mirrored == pytest.approx(-now, abs=1e-9)
    if noticed < count:
        more = d_prime_choice(rate(noticed + 1, count))
        assert more is not None and more > now


def test_bins_hold_all_answers_in_order_and_part_no_picture() -> None:
    changes = [3.0] * 2 + [1.0] * 12 + [2.0] * 2 + [5.0] * 5
    noticed = [True] * 2 + [False] * 12 + [True, False] + [True] * 5
    bins = binned(changes, noticed)
    assert [(one.low, one.high) for one in bins] == [(1.0, 1.0), (2.0, 3.0), (5.0, 5.0)]
    assert [(one.rate.noticed, one.rate.count) for one in bins] == [(0, 12), (3, 4), (5, 5)]
    assert bins[1].middle == 2.5


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=80))
def test_bins_are_a_partition(answers: list[tuple[int, bool]]) -> None:
    bins = binned([float(change) for change, _ in answers], [one for _, one in answers])
    assert len(bins) <= MOST_BINS
    assert sum(one.rate.count for one in bins) == len(answers)
    assert sum(one.rate.noticed for one in bins) == sum(one for _, one in answers)
    assert all(one.low <= one.middle <= one.high for one in bins)
    assert all(before.high < after.low for before, after in itertools.pairwise(bins))

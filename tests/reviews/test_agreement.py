"""Kappa and alpha against other libraries' values and published examples."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asma_core.reviews.agreement import Agreement, Codes, cohen, fleiss, krippendorff


def from_table(table: list[list[int]]) -> list[list[int | None]]:
    """Return two reviewers whose answers cross as the table says: the first in its rows."""
    pairs = [
        (row, column)
        for row, counts in enumerate(table)
        for column, count in enumerate(counts)
        for _ in range(count)
    ]
    return [[first for first, _ in pairs], [second for _, second in pairs]]


def test_cohen_s_kappa_of_a_worked_example() -> None:
    # Wikipedia, "Cohen's kappa": 20 and 15 of 50 agree; (0.7 - 0.5) / (1 - 0.5).
    assert cohen(from_table([[20, 5], [10, 15]])) == Agreement(pytest.approx(0.4), 50)


def test_cohen_s_kappa_as_statsmodels_has_it() -> None:
    # statsmodels 0.15.0: cohens_kappa(table), and with wt="quadratic".
    table = [[8, 2, 1, 0, 0], [1, 6, 2, 1, 0], [0, 2, 7, 3, 1], [0, 1, 2, 5, 2], [0, 0, 1, 1, 4]]
    assert cohen(from_table(table)).value == pytest.approx(0.49494949494949486)
    assert cohen(from_table(table), squared=True).value == pytest.approx(0.7953216374269007)


def test_items_that_one_has_not_seen_are_no_disagreement() -> None:
    whole = from_table([[20, 5], [10, 15]])
    longer = [[*whole[0], None, 1], [*whole[1], 0, None]]
    assert cohen(longer) == cohen(whole)


def test_fleiss_kappa_of_a_worked_example() -> None:
    # Wikipedia, "Fleiss' kappa": ten subjects, fourteen raters, five categories; 0.210.
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    items = [[code for code, count in enumerate(row) for _ in range(count)] for row in table]
    raters = [[item[place] for item in items] for place in range(14)]
    # To the last digit as statsmodels 0.15.0 has it.
    assert fleiss(raters) == Agreement(pytest.approx(0.20993070442195522), 10)


# The four observers of Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, section E.
OBSERVERS: Codes = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)
# Made up; the values are those of the package krippendorff 0.9.0.
RATERS: Codes = (
    (5, 1, 1, 2, 1, 5, 5, None, 1, 1, 2, 3),
    (5, 2, 2, 1, 2, 4, 4, None, 2, 1, 1, 2),
    (3, 3, 4, None, 1, 4, 4, 5, 4, 2, 2, 4),
)


@pytest.mark.parametrize(
    ("codes", "ordinal", "alpha"),
    [
        (OBSERVERS, False, 0.743421052631579),
        (OBSERVERS, True, 0.8153875037548814),
        (RATERS, False, -0.02284263959390853),
        (RATERS, True, 0.4884224397590361),
    ],
)
def test_krippendorff_s_alpha(codes: Codes, ordinal: bool, alpha: float) -> None:
    # An item that one reviewer alone has seen is left out.
    assert krippendorff(codes, ordinal) == Agreement(pytest.approx(alpha), 11)


@pytest.mark.parametrize("coefficient", [cohen, fleiss, krippendorff])
def test_what_is_undefined_is_said_to_be(coefficient: Callable[[Codes], Agreement]) -> None:
    assert coefficient([[1, 1, 1], [1, 1, 1]]) == Agreement(None, 3)
    assert coefficient([[1, None], [None, 2]]) == Agreement(None, 0)
    assert coefficient([[], []]) == Agreement(None, 0)


answers = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=30)


@given(answers)
def test_whoever_says_the_same_agrees_fully_and_order_of_people_is_nothing(
    said: list[tuple[int, int]],
) -> None:
    one, other = [first for first, _ in said], [second for _, second in said]
    for coefficient in (cohen, fleiss, krippendorff, lambda codes: krippendorff(codes, True)):
        found, turned = coefficient([one, other]), coefficient([other, one])
        assert (found.value is None) == (turned.value is None)
        if found.value is not None:
            assert turned.value == pytest.approx(found.value)
            assert found.value <= 1.0
        if len(set(one)) > 1:
            assert coefficient([one, one]).value == pytest.approx(1.0)

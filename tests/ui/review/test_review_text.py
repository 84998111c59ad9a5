"""What the result page draws and says, held against numbers counted by hand."""

from __future__ import annotations

import pytest

from asma_core.reviews.questions import QUESTIONS
from asma_core.reviews.rates import binned, rate
from asma_core.reviews.words import attack_words, interval, percent, share
from ui.review.curve import rate_curve


def test_the_curve_has_a_point_for_each_bin_with_its_interval() -> None:
    bins = binned([1.0] * 4 + [2.0] + [4.0] * 5, [False] * 5 + [True] * 4 + [False])
    (line,) = rate_curve(bins, "linf", QUESTIONS["choice"]).data
    assert (list(line.x), list(line.y)) == ([1.2, 4.0], [0.0, 0.8])
    # Wilson's interval of 0 of 5 and of 4 of 5, from statsmodels 0.15.0.
    assert list(line.error_y.array) == pytest.approx([0.43448246, 0.96377584 - 0.8], abs=1e-6)
    assert list(line.error_y.arrayminus) == pytest.approx([0.0, 0.8 - 0.37553463], abs=1e-6)
    assert list(line.error_x.array) == pytest.approx([0.8, 0.0])
    assert [list(one) for one in line.customdata] == [[0, 5], [4, 5]]


def test_guessing_is_drawn_where_there_is_such_a_rate() -> None:
    bins = binned([1.0], [True])
    guessing = {
        name: [line.y0 for line in rate_curve(bins, "l2", question).layout.shapes]
        for name, question in QUESTIONS.items()
    }
    assert guessing == {"choice": [0.5], "odd": [], "harm": []}


def test_rates_are_said_in_words() -> None:
    assert share(rate(14, 20)) == "14 of 20 answers (70 %, 48 to 85 %)"
    assert share(rate(1, 1)) == "1 of 1 answer (100 %, 21 to 100 %)"
    assert share(rate(0, 0)) == "0 of 0 answers"
    assert (percent(None), interval(rate(0, 0))) == ("n/a", "n/a")


def test_attacks_have_their_names_for_people() -> None:
    assert attack_words("pgd") == "PGD"
    assert attack_words("pgd, made to survive") == "PGD, made to survive"
    assert attack_words("gone") == "GONE"

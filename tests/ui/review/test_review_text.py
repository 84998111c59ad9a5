"""What the result page draws and says, held against numbers counted by hand."""

from __future__ import annotations

import pytest

from asma_core.reviews.psychometric import Fit
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


def test_a_curve_is_drawn_over_what_was_shown_with_its_threshold() -> None:
    bins = binned([1.0] * 5 + [4.0] * 5, [False] * 5 + [True] * 5)
    fit = Fit(0.5, 2.0, False, 2.0, 1.5, None, 1.0, 4.0, 40)
    drawing = rate_curve(bins, "l2", QUESTIONS["choice"], fit)
    points, curve = drawing.data
    assert points.mode == "markers" and curve.mode == "lines"
    assert (curve.x[0], curve.x[-1]) == pytest.approx((1.0, 4.0))
    # By hand: 0.5 + 0.5 / (1 + (x / 2)^-2).
    assert (curve.y[0], curve.y[-1]) == pytest.approx((0.6, 0.9))
    bar, threshold, guessing = drawing.layout.shapes
    assert (bar.x0, bar.x1, bar.y0, bar.y1) == (1.5, 4.0, 0.75, 0.75)
    assert threshold.x0 == threshold.x1 == 2.0 and guessing.y0 == 0.5


def test_a_threshold_that_was_not_shown_is_not_drawn() -> None:
    fit = Fit(0.5, 2.0, False, 9.0, 5.0, None, 1.0, 4.0, 40)
    drawing = rate_curve(binned([1.0], [True]), "l2", QUESTIONS["choice"], fit)
    assert [one.y0 for one in drawing.layout.shapes] == [0.5]

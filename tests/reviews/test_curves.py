"""The curve of a review is that of its answers, with the guessing of its question, in words too."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

import pytest

from asma_core.reviews.curves import (
    LEAST_ORIGINALS,
    MEASURES,
    curve_of,
    curve_sentence,
    curve_sentences,
)
from asma_core.reviews.figures import COLUMNS, figures, figures_csv
from asma_core.reviews.psychometric import Fit, Unfitted
from asma_core.reviews.questions import ORIGINAL
from asma_core.reviews.result import Result, result_of
from asma_core.reviews.review import Answer, Item, Review
from asma_core.reviews.store import ReviewStore
from asma_core.reviews.table import answers_csv
from asma_core.runs.store import RunStore
from tests.reviews import made_reviews
from tests.reviews.made_reviews import drawn

# Of an L2 of 1 to 6.
THRESHOLD, SLOPE = 3.0, 4.0


@pytest.fixture
def choice(runs: RunStore, store: ReviewStore) -> Review:
    return store.create(made_reviews.runs(runs, 6), "choice", seed=1)


@pytest.fixture
def odd(runs: RunStore, store: ReviewStore) -> Review:
    return store.create(made_reviews.runs(runs, 6), "odd", seed=1)


def rate(guess: float, item: Item) -> float:
    if item.kind == ORIGINAL:
        return guess
    height = SLOPE * math.log(item.facts["l2"] / THRESHOLD) + math.log((0.75 - guess) / 0.25)
    return guess + (1 - guess) / (1 + math.exp(-height))


def of_choice(review: Review, people: int = 60, seed: int = 3) -> Result:
    return result_of(review, drawn(review, people, lambda item: rate(0.5, item), seed))


def curve(result: Result, measure: str = "l2") -> Fit:
    found = curve_of(result, measure)
    assert isinstance(found, Fit), found
    return found


def test_a_choice_gives_the_curve_that_it_was_drawn_from(choice: Review) -> None:
    found = curve(of_choice(choice, 2000))
    assert found.guess == 0.5 and found.answers == 12_000
    assert found.threshold == pytest.approx(THRESHOLD, rel=0.03)
    assert found.slope == pytest.approx(SLOPE, rel=0.1)


@pytest.mark.parametrize("guess", [0.05, 0.3])
def test_of_yes_and_no_guessing_is_how_often_originals_were_called_odd(
    odd: Review, guess: float
) -> None:
    result = result_of(odd, drawn(odd, 2000, lambda item: rate(guess, item)))
    found = curve(result)
    assert result.originals is not None
    count = result.originals.rate.count
    assert found.guess == pytest.approx((result.originals.rate.noticed + 0.5) / (count + 1))
    assert found.guess == pytest.approx(guess, abs=0.02)
    assert found.threshold == pytest.approx(THRESHOLD, rel=0.03)


def test_too_few_originals_are_said(odd: Review) -> None:
    answers = drawn(odd, 60, lambda item: rate(0.1, item))
    attacked = [one for one in answers if odd.items[one.place].kind != ORIGINAL]
    originals = [one for one in answers if odd.items[one.place].kind == ORIGINAL]
    for count, said in ((LEAST_ORIGINALS - 1, True), (LEAST_ORIGINALS, False)):
        found = curve_of(result_of(odd, attacked + originals[:count]), "l2")
        assert isinstance(found, Unfitted) == said
    (sentence,) = curve_sentences(result_of(odd, attacked))
    assert sentence == (
        "No curve over the size of the change: too few answers to pictures as they were: 0, and it "
        "takes 10 to know how often nothing is noticed."
    )


def test_a_scale_has_no_curve(runs: RunStore, store: ReviewStore) -> None:
    review = store.create(made_reviews.runs(runs, 4), "harm")
    answers = [Answer("Ann", item.place, "4", "4", 1.0, 1.0) for item in review.items] * 9
    result = result_of(review, answers)
    assert curve_of(result, "l2") is None and curve_sentences(result) == []
    assert "thresholds" not in figures(result)


def test_what_a_curve_says_in_words(choice: Review) -> None:
    found = Fit(0.5, 2.0, False, 0.7301, 0.5439, 0.979, 0.1, 3.2, 240)
    assert curve_sentence(found, "l2") == "75 % at L2 0.73 (95 %: 0.544 to 0.979)."
    for change, words in (
        ({"low": None}, "75 % at Linf 0.73 (95 %: below 0.979)."),
        ({"high": None}, "75 % at Linf 0.73 (95 %: above 0.544)."),
        ({"low": None, "high": None}, "75 % at Linf 0.73 (95 %: not known)."),
        ({"threshold": 7.0}, "75 % lies above all of Linf that was shown (0.1 to 3.2)."),
        ({"threshold": 0.01}, "75 % lies below all of Linf that was shown (0.1 to 3.2)."),
        ({"steep": True}, "75 % at Linf 0.73 (95 %: 0.544 to 0.979); how steep the curve is there, "
         "these sizes can't tell."),
    ):  # fmt: skip
        assert curve_sentence(replace(found, **change), "linf") == words  # type: ignore[arg-type]
    none = Unfitted("too few answers for a curve: 3, and it takes 20", 3)
    assert curve_sentence(none, "ciede2000").startswith("No curve over CIEDE2000, mean: too few")
    few = result_of(choice, drawn(choice, 1, lambda _: 1.0))
    assert curve_sentences(few) == [
        "No curve over the size of the change: too few answers for a curve: 6, and it takes 20."
    ]


def test_sizes_that_differ_from_measure_to_measure_have_a_sentence_each(choice: Review) -> None:
    result = of_choice(choice)
    assert result.curves["l2"] and result.curves["linf"]
    said = curve_sentences(result)
    assert [sentence for sentence in said if sentence.startswith("75 % at L2 ")]
    assert len(said) == sum(bool(result.curves[name]) for name in MEASURES)


def test_each_answer_of_the_table_has_the_rate_on_the_curve(choice: Review) -> None:
    result = of_choice(choice)
    found = curve(result)
    rows = list(csv.DictReader(io.StringIO(answers_csv(choice, result.answers))))
    assert len(rows) == 360
    for row in rows:
        assert float(row["curve_l2"]) == pytest.approx(found.rate(float(row["l2"])), abs=1e-4)


def test_originals_and_what_holds_no_curve_are_empty_there(odd: Review) -> None:
    answers = drawn(odd, 40, lambda item: rate(0.1, item))
    rows = list(csv.DictReader(io.StringIO(answers_csv(odd, answers))))
    assert {(row["picture"], bool(row["curve_l2"])) for row in rows} == {
        ("attacked", True), ("original", False),
    }  # fmt: skip
    few = list(csv.DictReader(io.StringIO(answers_csv(odd, answers[:5]))))
    assert {row["curve_l2"] for row in few} == {""}


def test_the_figures_are_those_of_the_result(odd: Review) -> None:
    result = result_of(odd, drawn(odd, 40, lambda item: rate(0.1, item), seed=2))
    found = figures(result)
    assert [row["name"] for row in found["rates"]] == ["all", "original"]
    assert found["rates"][0]["answers"] == result.total.rate.count == 240
    assert found["rates"][1]["noticed"] == result.originals.rate.noticed  # type: ignore[union-attr]
    assert len(found["reviewers"]) == 40 and {row["name"] for row in found["attacks"]} == {
        "asma", "pgd",
    }  # fmt: skip
    (l2,) = [row for row in found["thresholds"] if row["measure"] == "l2"]
    own = curve(result)
    assert (l2["threshold"], l2["threshold_low"]) == (own.threshold, own.low)
    assert sum(row["answers"] for row in found["bins"] if row["measure"] == "l2") == 240


def test_the_figures_as_one_table_lose_nothing(choice: Review) -> None:
    answers = drawn(choice, 30, lambda item: rate(0.5, item))
    result = result_of(choice, [replace(one, reviewer=f"={one.reviewer}") for one in answers])
    rows = list(csv.DictReader(io.StringIO(figures_csv(result))))
    tables = figures(result)
    assert len(rows) == sum(map(len, tables.values()))
    assert {row["table"] for row in rows} == set(tables)
    assert {name for table in tables.values() for line in table for name in line} <= set(COLUMNS)
    # A spreadsheet would carry it out.
    assert all(row["name"].startswith("'=") for row in rows if row["table"] == "reviewers")
    (total,) = [row for row in rows if row["table"] == "rates"]
    assert float(total["rate"]) == result.total.rate.value


def test_without_answers_there_are_figures_of_nothing(choice: Review) -> None:
    result = result_of(choice, [])
    assert list(figures(result)) == ["rates"] and curve_sentences(result) == []
    assert figures(result)["rates"][0]["rate"] is None

"""What answers come to, counted by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest

from asma_core.reviews.questions import ATTACKED, ORIGINAL
from asma_core.reviews.rates import d_prime_of_choice, d_prime_of_rates, rate
from asma_core.reviews.result import Result, Row, agreement, of_runs, result_of
from asma_core.reviews.review import Item, Review
from asma_core.reviews.store import ReviewStore
from asma_core.reviews.table import answers_csv
from asma_core.runs.store import RunStore
from tests.reviews import made_reviews
from tests.reviews.made_reviews import answer_all, right, wrong


def result(store: ReviewStore, review: Review) -> Result:
    return result_of(review, store.answers(review.id))


def told(rows: Sequence[Row]) -> list[tuple[str, int, int, int]]:
    return [(row.name, row.pictures, row.rate.noticed, row.rate.count) for row in rows]


def only_pgd(item: Item) -> str:
    return ATTACKED if item.facts["attack"] == "pgd" else ORIGINAL


def test_a_choice_is_counted_by_attack_norm_and_reviewer(
    runs: RunStore, store: ReviewStore
) -> None:
    review = store.create(made_reviews.runs(runs, 5), "choice")
    answer_all(store, review, "Ann", only_pgd)
    answer_all(store, review, "Bob", right)
    found = result(store, review)
    assert told([found.total]) == [("all", 5, 7, 10)]
    assert told(found.attacks) == [("asma", 3, 3, 6), ("pgd", 2, 4, 4)]
    assert told(found.norms) == [("L2", 3, 3, 6), ("Linf", 2, 4, 4)]
    assert told(found.reviewers) == [("Ann", 5, 2, 5), ("Bob", 5, 5, 5)]
    assert found.total.rate == rate(7, 10) and found.originals is None
    assert found.attacks[1].d_prime == pytest.approx(d_prime_of_choice(4.5 / 5))
    # 2, 3, 4, 5 and 6 seconds each.
    assert found.total.seconds == 4.0 and found.total.mean is None
    pgd = [item.run for item in review.items if item.facts["attack"] == "pgd"]
    assert [one.item.run for one in found.noticed] == pgd and found.fooled == ()


def test_who_is_right_always_agrees_fully_and_so_does_who_is_wrong(
    runs: RunStore, store: ReviewStore
) -> None:
    review = store.create(made_reviews.runs(runs, 12), "choice", seed=1)
    for name in ("Ann", "Bob"):
        answer_all(store, review, name, right)
    found = result(store, review).agreement
    assert {name: one.value for name, one in found.items()} == {
        "Cohen's kappa": 1.0,
        "Krippendorff's alpha": 1.0,
    }
    answer_all(store, review, "Eve", wrong)
    found = result(store, review).agreement
    assert list(found) == ["Fleiss' kappa", "Krippendorff's alpha"]
    # Of three pairs of people one agrees each time: less than chance.
    values = [one.value for one in found.values()]
    assert all(value is not None and value < 0 for value in values)


def test_one_reviewer_agrees_with_nobody(runs: RunStore, store: ReviewStore) -> None:
    review = store.create(made_reviews.runs(runs, 2), "choice")
    assert agreement(review, []) == {}
    answer_all(store, review, "Ann", right)
    assert result(store, review).agreement == {}


def test_false_alarms_are_those_on_originals_and_of_the_same_people(
    runs: RunStore, store: ReviewStore
) -> None:
    review = store.create(made_reviews.runs(runs, 4), "odd")
    answer_all(store, review, "Ann", lambda item: "yes" if item.kind == ATTACKED else "no")
    answer_all(store, review, "Bob", lambda _: "yes")
    found = result(store, review)
    assert told([found.total]) == [("all", 4, 8, 8)]
    assert found.originals is not None and told([found.originals]) == [("original", 4, 4, 8)]
    assert found.originals.d_prime is None
    assert found.total.d_prime == pytest.approx(d_prime_of_rates(8.5 / 9, 4.5 / 9))
    ann, bob = found.reviewers
    assert ann.d_prime == pytest.approx(d_prime_of_rates(4.5 / 5, 0.5 / 5))
    assert bob.d_prime == pytest.approx(0.0)
    assert len(found.noticed) == 4 and found.fooled == ()


def test_harm_has_a_mean_and_no_d_prime(runs: RunStore, store: ReviewStore) -> None:
    review = store.create(made_reviews.runs(runs, 2), "harm")
    answer_all(store, review, "Ann", lambda item: "5" if item.kind == ATTACKED else "1")
    answer_all(store, review, "Bob", lambda item: "3" if item.kind == ATTACKED else "2")
    found = result(store, review)
    assert told([found.total]) == [("all", 2, 2, 4)]
    assert (found.total.mean, found.total.d_prime) == (4.0, None)
    assert found.originals is not None and found.originals.mean == 1.5
    assert list(found.agreement) == [
        "Cohen's kappa", "Cohen's kappa, squared weights", "Krippendorff's alpha"
    ]  # fmt: skip
    assert found.agreement["Cohen's kappa"].items == 4


def test_the_curve_is_over_the_size_of_each_run_s_change(
    runs: RunStore, store: ReviewStore
) -> None:
    review = store.create(made_reviews.runs(runs, 10), "choice")
    answer_all(store, review, "Ann", lambda item: ATTACKED if item.facts["l2"] > 5 else ORIGINAL)
    bins = result(store, review).curves["l2"]
    assert [(one.low, one.high, one.rate.noticed, one.rate.count) for one in bins] == [
        (1.0, 5.0, 0, 5),
        (6.0, 10.0, 5, 5),
    ]
    # These runs don't know how their colours look.
    assert result(store, review).curves["ciede2000"] == ()


def test_before_anybody_has_answered_nothing_is_said(runs: RunStore, store: ReviewStore) -> None:
    for asks in ("choice", "odd", "harm"):
        found = result(store, store.create(made_reviews.runs(runs, 2), asks))
        assert found.total.rate.count == 0 and found.total.rate.value is None
        assert (found.attacks, found.reviewers, found.fooled, found.noticed) == ((), (), (), ())
        assert found.agreement == {}


def test_who_stops_half_way_counts_for_what_was_said(runs: RunStore, store: ReviewStore) -> None:
    review = store.create(made_reviews.runs(runs, 4), "odd")
    for turn in range(3):
        store.answer(review, "Ann", turn, "yes", 1.0)
    found = result(store, review)
    assert found.originals is not None
    assert found.total.rate.count + found.originals.rate.count == 3
    assert sum(row.rate.count for row in found.attacks) == found.total.rate.count


def test_the_table_has_a_line_for_each_answer(runs: RunStore, store: ReviewStore) -> None:
    review = store.create(made_reviews.runs(runs, 3), "choice")
    answer_all(store, review, "=HYPERLINK(1)", right)
    answer_all(store, review, "Bob", only_pgd)
    rows = list(csv.DictReader(io.StringIO(answers_csv(review, store.answers(review.id)))))
    assert len(rows) == 6
    # A spreadsheet would carry it out.
    assert rows[0]["reviewer"] == "'=HYPERLINK(1)"
    assert [row["turn"] for row in rows] == ["1", "2", "3"] * 2
    for row in rows:
        named = "True" if row["answer"] == ATTACKED else "False"
        assert row["noticed"] == named
        assert (row["pressed"] == "1") == (row["attacked_left"] == row["noticed"])
    assert {row["attack"] for row in rows if row["noticed"] == "False"} == {"asma"}
    assert {float(row["l2"]) for row in rows} == {1.0, 2.0, 3.0}


def test_the_table_of_yes_and_no_names_no_run_of_an_original(
    runs: RunStore, store: ReviewStore
) -> None:
    review = store.create(made_reviews.runs(runs, 2), "odd")
    answer_all(store, review, "Ann", lambda _: "no")
    rows = list(csv.DictReader(io.StringIO(answers_csv(review, store.answers(review.id)))))
    kinds = {(row["picture"], bool(row["run"]), bool(row["l2"])) for row in rows}
    assert kinds == {(ATTACKED, True, True), (ORIGINAL, False, False)}
    assert {row["attacked_left"] for row in rows} == {""}


def test_of_some_runs_the_others_answers_do_not_count(runs: RunStore, store: ReviewStore) -> None:
    made = made_reviews.runs(runs, 4)
    review = store.create(made, "odd")
    answer_all(store, review, "Ann", lambda item: "yes" if item.run == made[0].id else "no")
    answers = store.answers(review.id)
    found = of_runs(review, answers, {made[0].id, made[1].id})
    assert found is not None and found.originals is not None
    assert told([found.total]) == [("all", 2, 1, 2)]
    # All originals are the same pictures to a reviewer, whichever run they are of.
    assert told([found.originals]) == [("original", 4, 1, 4)]
    assert of_runs(review, answers, {"deadbeef"}) is None

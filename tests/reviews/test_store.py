"""Reviews are kept, and an answer is given once."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from asma_core.accounts.account import ENGINEER, REVIEWER, VIEWER, Account
from asma_core.accounts.current import acting_as
from asma_core.errors import InputError, NotAllowedError, UnknownNameError, UnknownReviewError
from asma_core.reviews.questions import ATTACKED, ORIGINAL, PAIR
from asma_core.reviews.store import ReviewStore
from asma_core.runs.store import RunStore
from tests.pages import made_runs
from tests.pages.made_runs import Made
from tests.reviews import made_reviews


def test_a_review_is_as_it_was_made(runs: RunStore, store: ReviewStore) -> None:
    made = made_reviews.runs(runs, 3)
    with acting_as(Account("ann@example.org", ENGINEER)):
        review = store.create(made, "choice", "  the\nfirst ", seed=3)
    again = ReviewStore(runs.home).get(review.id)
    assert again == review
    assert (again.author, again.title, again.seed) == ("ann@example.org", "the first", 3)
    assert [(one.kind, one.run) for one in again.items] == [(PAIR, run.id) for run in made]
    assert [one.facts["attack"] for one in again.items] == ["asma", "pgd", "asma"]
    assert [one.facts["l2"] for one in again.items] == [1.0, 2.0, 3.0]
    assert [one.facts["norm"] for one in again.items] == ["L2", "Linf", "L2"]


def test_no_name_of_an_image_is_kept_in_it(runs: RunStore, store: ReviewStore) -> None:
    store.create(made_reviews.runs(runs, 2), "odd")
    with sqlite3.connect(runs.home / "runs.sqlite") as database:
        rows = [str(row) for row in database.execute("SELECT * FROM review_items")]
    assert len(rows) == 4 and not any("patient" in row for row in rows)


def test_originals_are_mixed_in_each_once(runs: RunStore, store: ReviewStore) -> None:
    made = [made_runs.finished(runs, Made(attack=name), seed=1) for name in ("asma", "pgd")]
    made.append(made_runs.finished(runs, seed=2))
    review = store.create(made, "odd")
    kinds = [(one.kind, one.run) for one in review.items]
    attacked = [(ATTACKED, run.id) for run in made]
    assert kinds == [*attacked, (ORIGINAL, made[0].id), (ORIGINAL, made[2].id)]
    assert review.items[0].image == review.items[1].image == review.items[3].image
    assert "l2" not in review.items[3].facts


def test_what_changed_nothing_can_not_be_asked_about(runs: RunStore, store: ReviewStore) -> None:
    failed = made_runs.failed(runs, "no memory")
    still = made_runs.finished(runs, Made(l2=0.0))
    good = made_runs.finished(runs)
    review = store.create([failed, still, good, good], "choice")
    assert [one.run for one in review.items] == [good.id]
    with pytest.raises(InputError, match="none of these runs has a picture that was changed"):
        store.create([failed, still], "choice")
    with pytest.raises(UnknownNameError, match="no question is called 'why'"):
        store.create([good], "why")


def test_an_answer_is_given_once_and_stays(runs: RunStore, store: ReviewStore) -> None:
    review = store.create(made_reviews.runs(runs, 3), "choice")
    assert store.answer(review, "Ann", 1, "1", 2.5)
    (given,) = store.answers(review.id)
    assert not store.answer(review, " Ann ", 1, "2", 9.0)
    assert store.answers(review.id) == [given]
    item = review.order("Ann")[1]
    assert (given.reviewer, given.place, given.pressed) == ("Ann", item.place, "1")
    assert given.answer == (ATTACKED if review.attacked_first("Ann", item) else ORIGINAL)
    assert given.seconds == 2.5
    assert store.answered(review, "Ann") == {1} and store.answered(review, "Bob") == frozenset()


def test_of_many_at_once_one_is_taken(runs: RunStore, store: ReviewStore) -> None:
    review = store.create(made_reviews.runs(runs, 1), "choice")
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda i: store.answer(review, "Ann", 0, "12"[i % 2], i), range(16)))
    assert sum(taken) == 1 and len(store.answers(review.id)) == 1


def test_what_is_no_answer_is_refused(runs: RunStore, store: ReviewStore) -> None:
    review = store.create(made_reviews.runs(runs, 2), "odd")
    for turn, pressed in ((4, "yes"), (-1, "yes"), (0, "1"), (0, "")):
        with pytest.raises(InputError, match="no such picture or answer"):
            store.answer(review, "Ann", turn, pressed, 1.0)
    with pytest.raises(InputError, match="type a name"):
        store.answer(review, " \n", 0, "yes", 1.0)
    assert store.answers(review.id) == []
    assert store.answer(review, "Ann", 0, "yes", float("nan"))
    assert store.answer(review, "Ann", 1, "no", -3.0)
    assert [one.seconds for one in store.answers(review.id)] == [0.0, 0.0]


def test_roles_say_who_asks_who_answers_and_who_deletes(runs: RunStore, store: ReviewStore) -> None:
    made = made_reviews.runs(runs, 1)
    ann, eve = Account("ann", ENGINEER), Account("eve", ENGINEER)
    rob, vic = Account("rob", REVIEWER), Account("vic", VIEWER)
    with acting_as(rob), pytest.raises(NotAllowedError, match="can't make a review"):
        store.create(made, "choice")
    with acting_as(ann):
        review = store.create(made, "choice")
    with acting_as(vic), pytest.raises(NotAllowedError):
        store.answer(review, "vic", 0, "1", 1.0)
    with acting_as(rob):
        assert store.answer(review, "rob", 0, "1", 1.0)
    for other in (rob, eve):
        with acting_as(other), pytest.raises(NotAllowedError):
            store.delete(review.id)
    with acting_as(ann):
        store.delete(review.id)
    with pytest.raises(UnknownReviewError, match="no review is called"):
        store.get(review.id)


def test_a_deleted_review_is_gone_whole(runs: RunStore, store: ReviewStore) -> None:
    made = made_reviews.runs(runs, 2)
    review, other = (store.create(made, "choice", name) for name in ("one", "two"))
    for one in (review, other):
        made_reviews.answer_all(store, one, "Ann", made_reviews.right)
    store.delete(review.id)
    assert [(one.title, one.items, one.reviewers, one.answers) for one in store.newest()] == [
        ("two", 2, 1, 2)
    ]
    with pytest.raises(UnknownReviewError):
        store.answer(review, "Bob", 0, "1", 1.0)
    assert store.answers(review.id) == [] and store.of_runs([made[0].id]) == [other.id]


def test_reviews_of_runs_are_those_with_answers(runs: RunStore, store: ReviewStore) -> None:
    made = made_reviews.runs(runs, 3)
    first = store.create(made[:2], "choice")
    store.create(made, "odd")
    made_reviews.answer_all(store, first, "Ann", made_reviews.right)
    assert store.of_runs([run.id for run in made]) == [first.id]
    assert store.of_runs([made[2].id]) == [] == store.of_runs([])


def test_odd_names_can_be_asked_for(store: ReviewStore) -> None:
    for name in ("", "\udcff", "x' OR '1'='1", "deadbeef\0"):
        with pytest.raises(UnknownReviewError):
            store.get(name)

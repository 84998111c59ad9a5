"""The Review page: the form, who answers, what is sent of a picture, the result, what is gone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from asma_core.accounts import current
from asma_core.accounts.account import ENGINEER, REVIEWER, VIEWER, Account
from asma_core.errors import AsmaError
from asma_core.reviews.questions import ATTACKED, ORIGINAL
from asma_core.reviews.review import Item, Review
from asma_core.reviews.store import ReviewStore
from asma_core.runs import artefacts
from asma_core.runs.run import Run
from tests.pages import made_runs
from tests.pages.made_runs import Made
from tests.pages.small_house import NASTY, House, address, errors, furnish, texts, visit
from tests.reviews import made_reviews
from tests.reviews.made_reviews import answer_all, right, wrong
from ui.address.links import address_of
from ui.address.views import ReviewView
from ui.common import sign_in as sign_in_of_sessions
from ui.common.errors import escape_markdown
from ui.common.outbox import Hearer
from ui.review import answering
from ui.review.answering import FIELD, about, answer_hearers
from ui.review.screen import packed


@pytest.fixture
def house(home: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return furnish(home, monkeypatch)


@pytest.fixture
def reviews(house: House) -> ReviewStore:
    return ReviewStore(house.home)


@pytest.fixture
def hear(reviews: ReviewStore) -> Hearer:
    return answer_hearers(lambda: reviews)[FIELD]


@pytest.fixture
def runs(house: House) -> list[Run]:
    return made_reviews.runs(house.runs, 4)


def made(reviews: ReviewStore, runs: list[Run], asks: str = "choice", title: str = "") -> Review:
    return reviews.create(runs, asks, title)


def take(review: Review, reviewer: str = "") -> dict[str, str]:
    return ReviewView(review.id, take=True, reviewer=reviewer).query()


def sign_in(monkeypatch: pytest.MonkeyPatch, who: Account) -> None:
    monkeypatch.setattr(answering, "people_sign_in", lambda: True)
    monkeypatch.setattr(sign_in_of_sessions, "who", lambda: who)
    monkeypatch.setattr(current, "_asked", [lambda: who])


def test_without_runs_the_page_says_what_to_do(house: House) -> None:
    app = visit("review")
    assert errors(app) == []
    assert "There is nothing to ask about yet: run an attack first." in texts(app)


def test_without_touching_anything_the_newest_successes_are_asked_about(
    house: House, reviews: ReviewStore, runs: list[Run]
) -> None:
    made_runs.finished(house.runs, Made(success=False))
    made_runs.failed(house.runs, "no memory")
    app = visit("review")
    assert errors(app) == [] and "4 pairs." in texts(app)
    app.button(key="review-form-make").click().run()
    assert errors(app) == []
    (heading,) = reviews.newest()
    assert address(app) == {"review": heading.id}
    review = reviews.get(heading.id)
    assert {item.run for item in review.items} == {run.id for run in runs}
    assert "Nobody has answered yet." in texts(app)


def test_ticked_runs_and_a_question_make_a_review(
    house: House, reviews: ReviewStore, runs: list[Run]
) -> None:
    still = made_runs.finished(house.runs, Made(l2=0.0))
    app = visit("review", runs=",".join([runs[0].id, runs[1].id, still.id]))
    assert "3 ticked runs" in texts(app)
    app.selectbox(key="review-form-question").set_value("odd").run()
    assert "4 pictures: 2 attacked and 2 as they were. 1 without a changed picture is" in texts(app)
    app.text_input(key="review-form-title").set_value(NASTY).run()
    app.button(key="review-form-make").click().run()
    assert errors(app) == []
    (heading,) = reviews.newest()
    assert (heading.asks, heading.items, heading.title) == ("odd", 4, NASTY)
    assert app.title[0].value.replace("\\", "") == NASTY


def test_runs_that_are_gone_are_said_to_be(house: House, runs: list[Run]) -> None:
    app = visit("review", runs=f"{runs[0].id},deadbeef")
    (sentence,) = errors(app)
    assert "No run is called 'deadbeef'" in sentence and "1 pair." in texts(app)
    app = visit("review", runs="deadbeef")
    assert app.button(key="review-form-make").disabled


def test_a_review_that_is_not_there_is_a_sentence(house: House) -> None:
    for query in ({"review": "deadbeef"}, {"review": "deadbeef", "take": "1"}):
        (sentence,) = errors(visit("review", **query))
        assert "No review is called 'deadbeef'" in sentence


def test_who_answers_types_a_name_and_is_kept_in_the_address(
    house: House, reviews: ReviewStore, runs: list[Run]
) -> None:
    review = made(reviews, runs, title="ASMA against PGD")
    app = visit("review", **take(review))
    assert errors(app) == [] and "4 pairs, one after another." in texts(app)
    app.button(key="review-enter").click().run()
    assert "Say who reviews: type a name" in errors(app)
    app.text_input(key="review-name").set_value("  Ann   Bee ")
    app.button(key="review-enter").click().run()
    assert errors(app) == []
    assert address(app) == take(review, "Ann Bee")


@pytest.mark.parametrize("asks", ["choice", "odd", "harm"])
def test_nothing_on_the_reviewers_page_tells(
    house: House, reviews: ReviewStore, runs: list[Run], asks: str
) -> None:
    review = made(reviews, runs, asks, title="ASMA against PGD")
    shown = [visit("review", **take(review)), visit("review", **take(review, "Ann"))]
    told = "\n".join(texts(app) + "".join(title.value for title in app.title) for app in shown)
    telling = [run.id for run in runs] + [ATTACKED, "patient", "ASMA", "PGD", "L2", "fundus"]
    assert [word for word in telling if word in told] == []


def header_of(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:4], "little")
    header: dict[str, Any] = json.loads(data[4 : 4 + length])
    return header


@pytest.mark.parametrize("asks", ["choice", "odd", "harm"])
def test_what_is_sent_of_pictures_differs_in_pixels_alone(
    reviews: ReviewStore, runs: list[Run], asks: str
) -> None:
    review = made(reviews, runs, asks)
    seen = []
    for turn in range(len(review.items) - 1):
        data = packed(review, "Ann", frozenset(range(turn)))
        header = header_of(data)
        assert [item["turn"] for item in header["items"]] == [turn, turn + 1]
        words = json.dumps(header)
        telling = [run.id for run in runs] + [ATTACKED, ORIGINAL, "asma", "pgd", "l2", "patient"]
        assert [word for word in telling if word in words] == []
        item = header["items"][0]
        lengths = [place["length"] for place in item["pictures"]]
        outline = item["outline"]["length"] if item["outline"] else 0
        seen.append((*lengths, outline, item["width"], item["height"], len(item["looks"])))
    assert len(set(seen)) == 1


def test_a_deleted_run_is_passed_over_and_a_damaged_one_is_told_without_its_name(
    house: House, reviews: ReviewStore, runs: list[Run]
) -> None:
    review = made(reviews, runs)
    order = review.order("Ann")
    house.runs.delete(order[1].run)
    header = header_of(packed(review, "Ann", frozenset({0})))
    assert (header["gone"], [item["turn"] for item in header["items"]]) == ([1], [2, 3])
    (house.runs.folder(order[2].run) / artefacts.ADVERSARIAL).unlink()
    with pytest.raises(AsmaError, match="a picture of this review can't be read") as raised:
        packed(review, "Ann", frozenset({0}))
    assert order[2].run not in str(raised.value)


def test_when_all_that_is_left_is_gone_the_reviewer_is_thanked(
    house: House, reviews: ReviewStore, runs: list[Run]
) -> None:
    review = made(reviews, runs[:2])
    reviews.answer(review, "Ann", 0, "1", 1.0)
    app = visit("review", **take(review, "Ann"))
    assert "Ann, you have answered 1." in texts(app)
    house.runs.delete(review.order("Ann")[1].run)
    app = visit("review", **take(review, "Ann"))
    assert errors(app) == [] and app.title[0].value == "Thank you"


def test_what_is_said_is_kept_once(reviews: ReviewStore, runs: list[Run], hear: Hearer) -> None:
    review = made(reviews, runs, "odd")
    hear(about(review.id, 2, "Ann Bee"), {"answer": "yes", "seconds": 3})
    hear(about(review.id, 2, "Ann Bee"), {"answer": "no", "seconds": 1.5})
    (given,) = reviews.answers(review.id)
    assert (given.reviewer, given.answer, given.seconds) == ("Ann Bee", "yes", 3.0)
    assert given.place == review.order("Ann Bee")[2].place


@pytest.mark.parametrize(
    ("said_of", "value"),
    [
        ("deadbeef 0 Ann", {"answer": "yes", "seconds": 1}),
        ("{id} x Ann", {"answer": "yes", "seconds": 1}),
        ("{id} 99 Ann", {"answer": "yes", "seconds": 1}),
        ("{id} 0 ", {"answer": "yes", "seconds": 1}),
        ("{id} 0 Ann", {"answer": "perhaps"}),
        ("{id} 0 Ann", {}),
        ("{id} 0 Ann", "yes"),
        ("{id}", None),
        ("", None),
    ],
)
def test_what_means_nothing_is_a_sentence_and_not_kept(
    reviews: ReviewStore, runs: list[Run], hear: Hearer, said_of: str, value: Any
) -> None:
    review = made(reviews, runs, "odd")
    with pytest.raises(AsmaError):
        hear(said_of.format(id=review.id), value)
    assert reviews.answers(review.id) == []


def test_who_is_signed_in_answers_under_that_name_alone(
    house: House,
    reviews: ReviewStore,
    runs: list[Run],
    hear: Hearer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    review = made(reviews, runs)
    sign_in(monkeypatch, Account("ann@example.org", REVIEWER))
    app = visit("review", **take(review, "bob@example.org"))
    assert errors(app) == [] and not app.text_input
    assert app.button(key="review-begin").label == f"Begin as {escape_markdown('ann@example.org')}"
    hear(about(review.id, 0, "ann@example.org"), {"answer": "1", "seconds": 1})
    with pytest.raises(AsmaError, match="this was answered by bob@"):
        hear(about(review.id, 0, "bob@example.org"), {"answer": "1", "seconds": 1})
    assert [one.reviewer for one in reviews.answers(review.id)] == ["ann@example.org"]
    sign_in(monkeypatch, Account("vic@example.org", VIEWER))
    assert "can't judge" in errors(visit("review", **take(review)))[0]


def test_a_reviewer_sees_neither_title_nor_result_before_the_last_answer(
    house: House, reviews: ReviewStore, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    review = made(reviews, runs, title="ASMA against PGD")
    answer_all(reviews, review, "Bob", right)
    sign_in(monkeypatch, Account("ann@example.org", REVIEWER))
    app = visit("review")
    assert errors(app) == [] and "ASMA" not in texts(app)
    app = visit("review", review=review.id)
    assert errors(app) == [] and address(app) == take(review)
    assert "4 pairs, one after another." in texts(app) and "ASMA" not in texts(app)
    answer_all(reviews, review, "ann@example.org", wrong)
    app = visit("review", review=review.id)
    assert errors(app) == [] and "Found in 4 of 8 answers" in texts(app)
    assert app.title[0].value == "ASMA against PGD"


def test_the_result_says_what_the_answers_come_to(
    house: House, reviews: ReviewStore, runs: list[Run]
) -> None:
    review = made(reviews, runs, title="First")
    answer_all(reviews, review, NASTY, right)
    answer_all(reviews, review, "Bob", wrong)
    app = visit("review", review=review.id)
    assert errors(app) == []
    said = texts(app)
    assert "Found in 4 of 8 answers (50 %, 22 to 78 %); 50 % is guessing." in said
    assert "| ASMA | 2 | 4 | 50 % |" in said and "| PGD | 2 | 4 | 50 % |" in said
    assert "| Linf | 2 | 4 | 50 % |" in said and "| Bob | 4 | 4 | 0 % |" in said
    assert f"| {NASTY} | 4 | 4 | 100 % |" in said
    assert "Cohen's kappa -1.00, of 4 items; Krippendorff's alpha -0.75, of 4 items." in said
    assert "Fooled everybody" not in said and "Fooled nobody" not in said
    answer_all(reviews, review, "Eve", only_asma)
    said = texts(visit("review", review=review.id))
    assert "Fleiss' kappa -0." in said and "Fooled everybody" not in said


def test_the_result_has_a_curve_or_says_why_there_is_none(
    house: House, reviews: ReviewStore, runs: list[Run]
) -> None:
    review = made(reviews, runs)
    answer_all(reviews, review, "Ann", right)
    said = texts(visit("review", review=review.id))
    assert "No curve over L2: too few answers for a curve: 4, and it takes 20." in said
    # Who sees the larger two and guesses the smaller.
    for person in range(12):
        answer_all(reviews, review, f"person {person}", partial(sees_large, person))
    app = visit("review", review=review.id)
    assert errors(app) == []
    assert "75 % at L2 2." in texts(app) and "by profile likelihood" in texts(app)


def sees_large(person: int, item: Item) -> str:
    return ATTACKED if item.facts["l2"] > 2.5 or person % 2 else ORIGINAL


def test_one_damaged_review_hides_no_other(
    house: House, reviews: ReviewStore, runs: list[Run]
) -> None:
    damaged, good = made(reviews, runs, title="Damaged"), made(reviews, runs, title="Good")
    with closing(sqlite3.connect(house.home / "runs.sqlite")) as database, database:
        database.execute("UPDATE reviews SET asks = 'why' WHERE id = ?", (damaged.id,))
    app = visit("review")
    assert not app.exception and f"Review {damaged.id} is damaged" in app.error[0].value
    assert "Which of the two was tampered with? 4 pairs, 0 reviewers" in texts(app)
    app = visit("review", review=damaged.id)
    assert not app.exception and f"Review {damaged.id} is damaged" in app.error[0].value
    assert errors(visit("review", review=good.id)) == []


def only_asma(item: Item) -> str:
    return ATTACKED if item.facts["attack"] == "asma" else ORIGINAL


def test_pictures_of_deleted_runs_still_count(
    house: House, reviews: ReviewStore, runs: list[Run]
) -> None:
    review = made(reviews, runs)
    answer_all(reviews, review, "Ann", only_asma)
    house.runs.delete(runs[0].id)
    app = visit("review", review=review.id)
    assert errors(app) == [] and "Found in 2 of 4 answers" in texts(app)
    assert "Fooled everybody: 2" in texts(app).replace("*", "")


def test_a_review_is_deleted_with_its_answers(
    house: House, reviews: ReviewStore, runs: list[Run]
) -> None:
    review = made(reviews, runs)
    answer_all(reviews, review, "Ann", right)
    app = visit("review", review=review.id)
    assert "The review goes with its 4 answers." in texts(app)
    app.button(key="review-delete-yes").click().run()
    assert errors(app) == [] and reviews.newest() == []
    assert app.title[0].value == "Review" and len(house.runs.newest()) == 4


def test_who_may_not_change_it_can_not_delete_it(
    house: House, reviews: ReviewStore, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    review = made(reviews, runs)
    sign_in(monkeypatch, Account("eve@example.org", ENGINEER))
    app = visit("review", review=review.id)
    assert errors(app) == [] and app.button(key="review-delete-yes").disabled
    sign_in(monkeypatch, Account("rob@example.org", REVIEWER))
    app = visit("review", **ReviewView(runs=(runs[0].id,)).query())
    assert "can't make a review" in errors(app)[0]


def test_who_may_only_answer_sees_what_waits_and_no_form(
    house: House, reviews: ReviewStore, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(monkeypatch, Account("rob", REVIEWER))
    app = visit("review")
    assert errors(app) == [] and "Nobody has made a review yet." in texts(app)
    assert not app.button and not app.multiselect
    sign_in(monkeypatch, Account("eve", ENGINEER))
    review = made(reviews, runs)
    assert visit("review").button(key="review-form-make")
    sign_in(monkeypatch, Account("rob", REVIEWER))
    app = visit("review")
    assert not app.button and "waits for you" in texts(app)
    answer_all(reviews, review, "rob", right)
    assert "waits for you" not in texts(visit("review"))


def test_the_link_is_the_whole_address_whatever_the_page_s_is() -> None:
    view = ReviewView("0123abcd", take=True)
    for here in ("https://x.org/asma/review", "https://x.org/asma/review?review=0123abcd#a"):
        assert address_of(here, view) == "https://x.org/asma/review?review=0123abcd&take=1"

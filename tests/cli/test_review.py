"""Reviews on the command line: what there is, what one has come to, its answers as a file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from asma_core.cli.main import main
from asma_core.reviews.figures import figures, figures_csv
from asma_core.reviews.result import result_of
from asma_core.reviews.review import Review
from asma_core.reviews.store import ReviewStore
from asma_core.reviews.table import answers_csv
from asma_core.runs.store import RunStore
from tests.reviews import made_reviews
from tests.reviews.made_reviews import answer_all, right, wrong

Said = pytest.CaptureFixture[str]


@pytest.fixture
def review(home: Path) -> Review:
    store = ReviewStore(RunStore(home).home)
    made = made_reviews.runs(RunStore(home), 4)
    review = store.create(made, "choice", "first", seed=1)
    for number in range(3):
        answer_all(store, review, f"Ann {number}", right)
        answer_all(store, review, f"B\u00f6b {number}", wrong)
    store.create(made, "odd")
    return review


def said(capsys: Said, *words: str) -> str:
    capsys.readouterr()
    assert main(["review", *words]) == 0
    return capsys.readouterr().out


def test_the_list_says_what_there_is(review: Review, capsys: Said) -> None:
    newest, first = json.loads(said(capsys, "list", "--json"))
    assert (newest["question"], newest["answers"]) == ("Is there anything odd here?", 0)
    assert first["review"] == review.id and first["title"] == "first"
    assert (first["items"], first["reviewers"], first["answers"]) == (4, 6, 24)
    assert first["made"].endswith("+00:00") and first["author"] == review.author
    assert len(json.loads(said(capsys, "list", "--limit", "1", "--json"))) == 1
    assert f"review: {review.id}\n" in said(capsys, "list")


def test_without_any_there_is_none(home: Path, capsys: Said) -> None:
    assert said(capsys, "list") == "none\n"
    assert json.loads(said(capsys, "list", "--json")) == []


def test_one_is_shown_with_all_its_figures(review: Review, capsys: Said) -> None:
    answers = ReviewStore().answers(review.id)
    shown = json.loads(said(capsys, "show", review.id, "--json"))
    assert shown["question"] == "Which of the two was tampered with?"
    wanted = json.loads(json.dumps(figures(result_of(review, answers))))
    assert {name: shown[name] for name in wanted} == wanted
    assert shown["sentences"][0].startswith("Found in 12 of 24 answers (50 %, ")
    assert any("the rate does not rise with the size" in one for one in shown["sentences"])
    readable = said(capsys, "show", review.id)
    assert "  Found in 12 of 24 answers" in readable and "reviewers:\n" in readable


def test_one_that_nobody_has_answered_is_shown(review: Review, capsys: Said) -> None:
    other = json.loads(said(capsys, "list", "--json"))[0]["review"]
    shown = json.loads(said(capsys, "show", other, "--json"))
    assert shown["answers"] == 0 and shown["sentences"] == []
    assert len(said(capsys, "csv", other).splitlines()) == 1


def test_the_answers_are_printed_as_they_are_on_the_page(review: Review, capsys: Said) -> None:
    answers = ReviewStore().answers(review.id)
    assert said(capsys, "csv", review.id) == answers_csv(review, answers)
    assert len(list(csv.DictReader(io.StringIO(said(capsys, "csv", review.id))))) == 24
    wanted = figures_csv(result_of(review, answers))
    assert said(capsys, "csv", review.id, "--figures") == wanted
    assert json.loads(said(capsys, "csv", review.id, "--json")) == answers_csv(review, answers)


def test_the_answers_are_written_to_a_file(review: Review, tmp_path: Path, capsys: Said) -> None:
    out = tmp_path / "new" / "answers.csv"
    told = json.loads(said(capsys, "csv", review.id, "--out", str(out), "--json"))
    assert told == {"file": str(out), "answers": 24}
    data = out.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and "Böb" in data.decode("utf-8-sig")
    assert data.decode("utf-8-sig") == answers_csv(review, ReviewStore().answers(review.id))


def test_what_is_not_there_or_not_said_is_one_line(review: Review, capsys: Said) -> None:
    for words, says in ((["show", "deadbeef"], "no review is called"),
                        (["csv", "../../x"], "no review is called")):  # fmt: skip
        assert main(["review", *words]) == 2
        captured = capsys.readouterr()
        assert says in captured.err and captured.err.count("\n") == 1 and not captured.out
    for words in ([], ["show"], ["what"]):
        with pytest.raises(SystemExit) as ending:
            main(["review", *words])
        assert ending.value.code == 2

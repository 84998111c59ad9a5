"""Reviews and what was said in them come back when the database is lost or damaged."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from asma_core.cli.main import main
from asma_core.errors import StoreError
from asma_core.reviews.questions import ATTACKED, ORIGINAL
from asma_core.reviews.review import Answer, Review
from asma_core.reviews.store import ReviewStore
from asma_core.runs.store import RunStore
from asma_core.upkeep.backup import backup
from asma_core.upkeep.check import Report, check
from asma_core.upkeep.reindex import reindex
from asma_core.upkeep.restore import restore
from tests.reviews import made_reviews
from tests.upkeep.kept_home import DONE, ask, tree, unpack, whole

Kept = tuple[Review, list[Answer]]


@pytest.fixture
def kept(home: Path) -> Path:
    """Make a store with a review that two have answered, and one that one person has begun."""
    whole(home)
    runs, reviews = RunStore(), ReviewStore()
    made = [run for run in runs.newest() if run.results.get("l2_8bit")]
    choice = reviews.create(made, "choice", 'a "title"\nof ünï', seed=2**61)
    made_reviews.answer_all(reviews, choice, "Ann", made_reviews.right)
    made_reviews.answer_all(reviews, choice, "Böb", made_reviews.wrong)
    odd = reviews.create(made, "odd")
    assert reviews.answer(odd, "Ann", 1, "yes", 0.25)
    assert check() == Report()
    return home


def all_of_it() -> dict[str, Kept]:
    reviews = ReviewStore()
    ids = [one.id for one in reviews.newest()]
    return {name: (reviews.get(name), reviews.answers(name)) for name in ids}


def file_of(home: Path, name: str, ending: str = "jsonl") -> Path:
    return home / "rows" / "reviews" / f"{name}.{ending}"


def lose(home: Path) -> None:
    for file in home.glob("runs.sqlite*"):
        file.unlink()


def test_a_lost_database_loses_no_review_and_no_answer(kept: Path) -> None:
    before, headings, files = all_of_it(), ReviewStore().newest(), tree(kept)
    assert sum(len(answers) for _, answers in before.values()) == 5
    lose(kept)
    told = reindex(kept)
    assert sorted(told.reviews) == sorted(before) and told.problems == []
    assert all_of_it() == before and ReviewStore().newest() == headings
    assert tree(kept) == files
    # Of runs that had no folder yet the inputs are left.
    check(repair=True)
    assert check() == Report()
    # And a review goes on where it stopped.
    reviews = ReviewStore()
    (odd,) = [review for review, _ in before.values() if review.asks == "odd"]
    assert not reviews.answer(odd, "Ann", 1, "no", 1.0)
    assert reviews.answer(odd, "Ann", 0, "no", 1.0)


def test_the_command_says_which_came_back(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = sorted(all_of_it())
    lose(kept)
    assert main(["store", "reindex", "--json"]) == 0
    assert sorted(json.loads(capsys.readouterr().out)["reviews"]) == ids


def test_others_can_not_read_the_copies(home: Path) -> None:
    before = os.umask(0)
    try:
        whole(home)
        reviews = ReviewStore()
        review = reviews.create([RunStore().get(DONE)], "choice")
        made_reviews.answer_all(reviews, review, "Ann", made_reviews.right)
    finally:
        os.umask(before)
    for ending in ("json", "jsonl"):
        assert file_of(home, review.id, ending).stat().st_mode & 0o777 == 0o600


def test_a_copy_names_no_image(kept: Path) -> None:
    image = RunStore().get(DONE).spec.image_name
    texts = [path.read_text() for path in (kept / "rows" / "reviews").iterdir()]
    assert image and texts and not any(image in text for text in texts)


def with_a_line_more(kept: Path) -> tuple[str, Answer]:
    """Leave what a kill between the line of an answer and its row leaves."""
    (odd,) = [name for name, (review, _) in all_of_it().items() if review.asks == "odd"]
    place = all_of_it()[odd][0].order("Ann")[0].place
    said = Answer("Ann", place, "yes", "yes", 1.0, 5.0)
    with file_of(kept, odd).open("a") as file:
        file.write(json.dumps(asdict(said)) + "\n")
    return odd, said


def test_an_answer_that_a_copy_alone_has_is_taken_in(kept: Path) -> None:
    odd, said = with_a_line_more(kept)
    first = check().problems[0]
    assert f"answers of these reviews are in their copies alone: {odd}" in first
    check(repair=True)
    assert check() == Report()
    assert sorted(one.given for one in all_of_it()[odd][1])[0] == said.given
    assert said in all_of_it()[odd][1] and len(all_of_it()[odd][1]) == 2


def test_who_is_asked_once_more_after_a_kill_has_said_the_last(kept: Path) -> None:
    odd, _ = with_a_line_more(kept)
    assert ReviewStore().answer(all_of_it()[odd][0], "Ann", 0, "no", 2.0)
    now = all_of_it()[odd]
    lose(kept)
    reindex(kept)
    assert all_of_it()[odd] == now
    check(repair=True)
    assert check() == Report()


@pytest.mark.parametrize("length", [1, 20, -1])
def test_half_a_line_costs_one_answer_at_most(kept: Path, length: int) -> None:
    (choice,) = [name for name, (review, _) in all_of_it().items() if review.asks == "choice"]
    before = all_of_it()[choice][1]
    file = file_of(kept, choice)
    data = file.read_bytes()
    last = data[:-1].rindex(b"\n") + 1
    file.write_bytes(data[:last] + data[last:][:length])
    lose(kept)
    told = reindex(kept)
    after = all_of_it()[choice][1]
    # All but its end is all of it.
    assert after == before if length == -1 else after == before[:-1]
    assert told.problems == []
    check(repair=True)
    assert check() == Report()


def test_a_review_of_before_copies_gets_one_at_the_start_and_at_an_answer(home: Path) -> None:
    unpack(home, "2026-11-30")
    check(repair=False)
    copies = home / "rows" / "reviews"
    assert not copies.exists()
    before = all_of_it()
    assert len(before) == 2
    (odd,) = [review for review, _ in before.values() if review.asks == "odd"]
    assert ReviewStore().answer(odd, "rob", 2, "no", 1.0)
    assert sorted(path.name for path in copies.iterdir()) == [f"{odd.id}.json", f"{odd.id}.jsonl"]
    before = all_of_it()
    RunStore().tidy()
    assert len(list(copies.iterdir())) == 4
    lose(home)
    reindex(home)
    assert all_of_it() == before


def test_what_is_deleted_leaves_nothing_and_does_not_come_back(kept: Path) -> None:
    choice, odd = sorted(all_of_it(), key=lambda name: all_of_it()[name][0].asks)
    ReviewStore().delete(choice)
    assert not [path for path in kept.rglob("*") if choice in path.name]
    for table in ("review_items", "review_answers"):
        assert ask(kept, f"SELECT count(*) FROM {table} WHERE review = ?", choice) == [(0,)]
    lose(kept)
    reindex(kept)
    assert list(all_of_it()) == [odd]


def test_a_deletion_that_was_killed_is_finished_at_the_next_start(kept: Path) -> None:
    name = next(iter(all_of_it()))
    ask(kept, "DELETE FROM reviews WHERE id = ?", name)
    assert file_of(kept, name).exists()
    assert "deletions that were not finished" in " ".join(check().problems)
    # Not even where the database is made anew meanwhile.
    assert reindex(kept).reviews == []
    RunStore().tidy()
    assert not [path for path in kept.rglob("*") if name in path.name]
    assert check() == Report() and name not in all_of_it()


def test_of_a_damaged_database_what_is_lost_comes_of_the_copies(kept: Path) -> None:
    before = all_of_it()
    ask(kept, "PRAGMA wal_checkpoint(TRUNCATE)")
    file = kept / "runs.sqlite"
    size = ask(kept, "PRAGMA page_size")[0][0]
    query = "SELECT rootpage FROM sqlite_master WHERE name = 'review_answers'"
    page = ask(kept, query)[0][0]
    data = bytearray(file.read_bytes())
    data[(page - 1) * size : page * size] = b"x" * size
    file.write_bytes(bytes(data))
    told = reindex(kept)
    assert told.reviews == [] and told.problems == []
    assert all_of_it() == before


def test_without_copies_reviews_come_of_a_database_that_can_be_read(kept: Path) -> None:
    before = all_of_it()
    for path in (kept / "rows" / "reviews").iterdir():
        path.unlink()
    reindex(kept)
    assert all_of_it() == before
    assert "no copy beside the database" in check().problems[0]
    check(repair=True)
    assert check() == Report() and file_of(kept, next(iter(before))).exists()


# What check says, and mends ------------------------------------------------------------------


def spoil_row(home: Path, name: str) -> None:
    ask(home, "UPDATE reviews SET asks = 'why' WHERE id = ?", name)


def spoil_facts(home: Path, name: str) -> None:
    ask(home, "UPDATE review_items SET facts = '{' WHERE review = ? AND place = 0", name)


def lose_items(home: Path, name: str) -> None:
    ask(home, "DELETE FROM review_items WHERE review = ? AND place = 0", name)


def lose_row(home: Path, name: str) -> None:
    ask(home, "DROP TRIGGER reviews_forget_answers")
    ask(home, "DELETE FROM reviews WHERE id = ?", name)
    ask(home, "DELETE FROM deleted")


def lose_all(home: Path, name: str) -> None:
    ask(home, "DELETE FROM reviews WHERE id = ?", name)
    ask(home, "DELETE FROM deleted")


@pytest.mark.parametrize("spoil", [spoil_row, spoil_facts, lose_items, lose_row, lose_all])
def test_a_review_that_can_not_be_read_is_mended_of_its_copy(
    kept: Path, spoil: Callable[[Path, str], None]
) -> None:
    before = all_of_it()
    name = next(iter(before))
    spoil(kept, name)
    with pytest.raises(StoreError):
        ReviewStore().get(name)
    assert any(name in one and "--repair` mends it" in one for one in check().problems)
    assert any(name in one for one in check(repair=True).mended)
    assert check() == Report() and all_of_it() == before


@pytest.mark.parametrize("spoil", [spoil_row, spoil_facts, lose_items])
def test_one_without_a_copy_is_only_said_and_hides_no_other(
    kept: Path, spoil: Callable[[Path, str], None]
) -> None:
    name, other = all_of_it()
    spoil(kept, name)
    for ending in ("json", "jsonl"):
        file_of(kept, name, ending).unlink()
    assert any(f"review {name} can't be read" in one for one in check(repair=True).problems)
    assert ReviewStore().get(other).id == other


def test_a_damaged_database_never_overwrites_a_copy_that_is_whole(kept: Path) -> None:
    before = all_of_it()
    name = next(iter(before))
    spoil_row(kept, name)
    reindex(kept)
    assert all_of_it() == before


def test_answers_of_no_review_are_forgotten(kept: Path) -> None:
    name = next(iter(all_of_it()))
    lose_row(kept, name)
    for ending in ("json", "jsonl"):
        file_of(kept, name, ending).unlink()
    assert any("reviews that there are not" in one for one in check(repair=True).mended)
    assert check() == Report()
    assert ask(kept, "SELECT count(*) FROM review_answers WHERE review = ?", name) == [(0,)]


def test_copies_of_rubbish_are_said_and_hide_no_other(kept: Path) -> None:
    name, other = all_of_it()
    before = all_of_it()[other]
    file_of(kept, name, "json").write_text(json.dumps({"id": name, "items": [[]]}))
    with file_of(kept, other).open("a") as file:
        file.write('{"reviewer": "Eve", "place": 999, "answer": "yes"}\n[]\n')
    lose(kept)
    told = reindex(kept)
    told_of = {one: [name in one, other in one] for one in told.problems}
    assert sorted(told_of.values()) == [[False, True], [True, False]], told_of
    assert all_of_it() == {other: before}


def test_a_backup_has_them(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, files = all_of_it(), tree(kept)
    assert any(name.startswith("rows/reviews/") for name in files)
    backup(kept, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "other")
    monkeypatch.setenv("ASMA_HOME", str(tmp_path / "other"))
    assert tree(tmp_path / "other") == files and all_of_it() == before
    assert check() == Report()


def test_what_is_deleted_while_it_is_backed_up_is_in_no_part_of_it(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asma_core.upkeep import backup as backups

    name = next(iter(all_of_it()))
    usual = backups.copy_database

    def then_delete(*given: Path) -> list[tuple[str, str]]:
        named = usual(*given)
        ReviewStore().delete(name)
        return named

    monkeypatch.setattr(backups, "copy_database", then_delete)
    backup(kept, tmp_path / "backup")
    assert not [path for path in (tmp_path / "backup").rglob("*") if name in path.name]
    monkeypatch.setenv("ASMA_HOME", str(tmp_path / "backup"))
    assert name not in all_of_it()
    assert ask(tmp_path / "backup", "SELECT 1 FROM review_answers WHERE review = ?", name) == []


def test_an_answer_is_saved_where_its_copy_does_not_fit(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("the disk is full; free some space and repeat")

    (odd,) = [review for review, _ in all_of_it().values() if review.asks == "odd"]
    with monkeypatch.context() as patched:
        patched.setattr("asma_core.runs.row_copies.add_line", full)
        assert ReviewStore().answer(odd, "Bea", 0, "no", 1.0)
    assert [one.reviewer for one in ReviewStore().answers(odd.id)] == ["Ann", "Bea"]
    assert "or one that differs" in check().problems[0]
    check(repair=True)
    assert check() == Report()


def test_the_sides_of_pairs_come_back(kept: Path) -> None:
    """What was meant by "left" hangs on the seed, which is larger than a float can hold."""
    (choice,) = [review for review, _ in all_of_it().values() if review.asks == "choice"]
    lose(kept)
    reindex(kept)
    again = ReviewStore().get(choice.id)
    assert again.seed == 2**61 and again.order("Ann") == choice.order("Ann")
    said = {answer.answer for answer in ReviewStore().answers(choice.id)}
    assert said == {ATTACKED, ORIGINAL}

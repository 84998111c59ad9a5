"""A store of each schema that was released opens, is listed, judged, repeated, kept and made anew.

Each of `stores/*.zip` was made by the code of its day, from a git worktree, on a tiny network: a
run that is done and judged, one that failed, one that waits, and what the schema has beside runs.

    2026-11-22   runs alone
    2026-11-25   and experiments; trainings as files
    2026-11-27   and a table of trainings
    2026-11-29   and universal changes, the last one without a version
    2026-11-30   version 6: that of the day before, opened and judged, and two reviews
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from asma_core.experiments.store import ExperimentStore, ended
from asma_core.experiments.universal_store import UniversalStore
from asma_core.reviews.store import ReviewStore
from asma_core.runs.execute import execute
from asma_core.runs.migrations import VERSION, version
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from asma_core.training.store import TrainingStore
from asma_core.upkeep.backup import backup
from asma_core.upkeep.check import Report, check
from asma_core.upkeep.reindex import reindex
from asma_core.upkeep.restore import restore
from tests import tiny
from tests.pages.small_house import errors, texts, visit
from tests.upkeep.kept_home import unpack
from ui.common import services

DAYS = ("2026-11-22", "2026-11-25", "2026-11-27", "2026-11-29", "2026-11-30")
REVIEWED = DAYS[4]


@pytest.fixture(params=DAYS)
def day(request: pytest.FixtureRequest, home: Path) -> str:
    unpack(home, request.param)
    return str(request.param)


def judged(runs: RunStore) -> Run:
    """Return the run that somebody judged."""
    (run,) = [run for run in runs.newest() if run.verdict]
    return run


def test_a_store_of_each_day_is_brought_up_to_date(day: str, home: Path) -> None:
    with closing(sqlite3.connect(home / "runs.sqlite")) as database:
        assert version(database) == (6 if day == REVIEWED else 0)
    runs = RunStore()
    with closing(sqlite3.connect(home / "runs.sqlite")) as database:
        assert version(database) == VERSION
    states = sorted(run.state for run in runs.newest())
    assert states == ["done"] * (1 if day == DAYS[0] else 2) + ["failed", "queued"]


def test_its_run_keeps_what_it_says_and_can_be_judged_anew(day: str) -> None:
    runs = RunStore()
    run = judged(runs)
    assert (run.verdict, run.note, run.tags) == ("good", "a note", "one, two")
    assert run.outcome == "goal not reached" and 0.7 < run.results["iou_8bit"] < 0.85
    runs.judgements.annotate(run.id, verdict="bad", note="another")
    assert (runs.get(run.id).verdict, runs.get(run.id).tags) == ("bad", "one, two")
    runs.delete(run.id)
    assert not runs.folder(run.id).exists()


def test_its_run_can_be_repeated_and_what_waited_is_carried_out(day: str) -> None:
    runs = RunStore()
    old = judged(runs)
    again = execute(runs, runs.create(old.spec.request(), runs.inputs(old)).id)
    assert again.state == "done", again.message
    assert (again.results["steps"], again.outcome) == (old.results["steps"], old.outcome)
    (waiting,) = runs.recover()
    assert execute(runs, waiting).state == "done"


def test_its_experiments_trainings_and_universal_changes_open(day: str) -> None:
    experiments = ExperimentStore(RunStore())
    assert len(experiments.newest()) == (day >= DAYS[1])
    for experiment in experiments.newest():
        assert len(ended(experiments.cells(experiment))) == 1
    trainings = TrainingStore()
    told = [(one.plan.name, one.state, one.network) for one in trainings.all()]
    assert told == [("done-net", "done", "done-net")] * (day >= DAYS[1])
    assert trainings.damaged() == experiments.damaged() == []
    universal = UniversalStore()
    plans = universal.plans.newest()
    assert [universal.learning(plan).state for plan in plans] == ["done"] * (day >= DAYS[3])


def test_its_reviews_can_be_gone_on_with_and_are_deleted_whole(day: str, home: Path) -> None:
    reviews = ReviewStore()
    told = [(one.title, one.asks, one.author, one.answers) for one in reviews.newest()]
    assert told == [("", "odd", "ann", 1), ("would anybody see it", "choice", "ann", 2)] * (
        day == REVIEWED
    )
    for heading in reviews.newest():
        review = reviews.get(heading.id)
        pressed = next(iter(review.question.answers))
        assert reviews.answer(review, "new", 0, pressed, 1.0)
        reviews.delete(review.id)
    with closing(sqlite3.connect(home / "runs.sqlite")) as database:
        for table in ("reviews", "review_items", "review_answers"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_it_is_whole_backed_up_restored_and_made_anew(
    day: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(repair=True)
    assert check() == Report()
    before = RunStore().newest()
    backup(home, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "other")
    monkeypatch.setenv("ASMA_HOME", str(tmp_path / "other"))
    assert RunStore().newest() == before
    reindex(tmp_path / "other")
    assert RunStore().newest() == before and check() == Report()


def test_one_that_cannot_be_written_is_shown(
    day: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "warm", lambda: None)
    before = (home / "runs.sqlite").read_bytes()
    monkeypatch.setattr("asma_core.runs.database.os.access", lambda *_: False)
    assert judged(RunStore()).note == "a note"
    assert errors(visit("runs")) == []
    assert (home / "runs.sqlite").read_bytes() == before


def test_the_pages_show_it(day: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.furnish(home)
    monkeypatch.setattr(services, "warm", lambda: None)
    app = visit("compare", run=judged(RunStore()).id)
    for page in ("runs", "experiments", "models"):
        assert errors(app) == [] and "damaged" not in texts(app)
        app.switch_page(f"pages/{page}.py").run()
    assert errors(app) == []

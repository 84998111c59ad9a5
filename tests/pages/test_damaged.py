"""A store that can't be opened, and records of rubbish: a sentence each, and the rest goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from asma_core.runs.migrations import VERSION
from asma_core.runs.store import RunStore
from tests import tiny
from tests.pages.small_house import errors, texts, visit
from tests.upkeep.kept_home import DONE, OF_CELL, ask, whole
from ui.common import services


@pytest.fixture
def kept(home: Path) -> Path:
    return tiny.furnish(whole(home))


def rubbish(kept: Path) -> None:
    (kept / "runs.sqlite").write_bytes(b"this is none" * 999)


def newer(kept: Path) -> None:
    ask(kept, f"PRAGMA user_version = {VERSION + 1}")


def without_column(kept: Path) -> None:
    ask(kept, "ALTER TABLE runs DROP COLUMN verdict")


def lost(kept: Path) -> None:
    for file in kept.glob("runs.sqlite*"):
        file.unlink()


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "rubbish": (rubbish, "is damaged (file is not a database)"),
    "newer": (newer, "was written by a newer version of the workbench"),
    "a lost column": (without_column, "lacks the column verdict of runs"),
    "lost": (lost, "is gone, but its runs are there"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_store_that_cannot_be_opened_is_a_sentence_on_each_page(kept: Path, damage: str) -> None:
    """With what warms the server up: it must not be a traceback either."""
    spoil, words = DAMAGES[damage]
    spoil(kept)
    app = visit("runs")
    for page in ("home", "compare", "review", "experiments", "models"):
        assert [words in one for one in errors(app)] == [True], errors(app)
        app.switch_page(f"pages/{page}.py").run()
    assert not app.exception


@pytest.fixture
def cold(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(services, "warm", lambda: None)
    return kept


def test_rubbish_beside_what_is_good_hides_nothing(cold: Path) -> None:
    (cold / "datasets" / "odd").mkdir()
    (cold / "datasets" / "odd" / "dataset.json").write_text("[[[[")
    (cold / "models" / "odd.toml").write_text("= = =")
    shutil.copytree(cold / "datasets" / tiny.DATASET, cold / "datasets" / "odder")
    (cold / "datasets" / "odder" / "dataset.json").write_text('{"classes": 7}')
    for kind in ("robustness", "detection", "transfer"):
        (cold / kind).mkdir()
        (cold / kind / "12345678.json").write_text("7")
    app = visit("datasets", dataset=tiny.DATASET)
    assert errors(app) == []
    app.switch_page("pages/models.py").run()
    assert errors(app) == [] and "odd.toml" in texts(app) and tiny.MODEL in texts(app) + str(app)
    app.switch_page("pages/defences.py").run()
    assert errors(app) == []


@pytest.mark.parametrize("name", ["odd", "odder"])
def test_a_data_set_of_rubbish_is_a_sentence(cold: Path, name: str) -> None:
    (cold / "datasets" / name).mkdir()
    card = {"odd": "[[[[", "odder": '{"classes": 7}'}[name]
    (cold / "datasets" / name / "dataset.json").write_text(card)
    app = visit("datasets", dataset=name)
    assert len(errors(app)) == 1


def test_experiments_and_trainings_of_rubbish_are_a_sentence(cold: Path) -> None:
    ask(cold, "INSERT INTO experiments (id, created, plan) VALUES ('0badbad0', 1, '[1')")
    ask(
        cold,
        "INSERT INTO trainings (id, created, state, owner, figures)"
        " VALUES ('0badbad1', 1, 'done', '', '[')",
    )
    app = visit("experiments")
    assert errors(app) == [] and "the record of experiment 0badbad0 is damaged" in texts(app)
    assert "Earlier experiments" in [one.value for one in app.subheader]
    app.switch_page("pages/models.py").run()
    assert errors(app) == [] and "0badbad1" in texts(app)


@pytest.mark.parametrize(
    ("created", "other", "experiments"), [(9e9, -1e18, 1e18), (1e18, 0.0, -1e18)]
)
def test_times_that_cannot_be_hide_nothing(
    cold: Path, created: float, other: float, experiments: float
) -> None:
    ask(cold, "UPDATE runs SET created = ?, finished = 5 WHERE id = ?", created, DONE)
    ask(cold, "UPDATE runs SET created = ? WHERE id = ?", other, OF_CELL)
    ask(cold, "UPDATE experiments SET created = ?", experiments)
    order = [run.id for run in RunStore().newest()]
    assert {DONE, OF_CELL} <= set(order)
    assert order == [run.id for run in RunStore().newest()]
    app = visit("compare", run=DONE)
    for page in ("runs", "home", "experiments"):
        assert errors(app) == []
        app.switch_page(f"pages/{page}.py").run()
    assert errors(app) == []


def test_runs_of_one_moment_stay_in_the_order_they_were_made(cold: Path) -> None:
    runs = RunStore()
    made = [runs.create(tiny.request({"steps": 1}), tiny.inputs()).id for _ in range(4)]
    ask(cold, "UPDATE runs SET created = 5e9")
    assert [run.id for run in RunStore().newest()][:4] == made[::-1]

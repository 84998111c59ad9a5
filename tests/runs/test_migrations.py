"""A store of every version that was released opens, and keeps all that is in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from asma_core.errors import StoreError
from asma_core.runs import migrations
from asma_core.runs.database import Database
from asma_core.runs.migrations import STEPS, VERSION, migrate, version

FILE = "runs.sqlite"
RUN = (
    "INSERT INTO runs (id, created, state, owner, inputs_hash, spec) "
    "VALUES (?, 1, 'done', '', '', '{}')"
)


def made(folder: Path, steps: int, counted: bool = True) -> Path:
    """Return a database as the first versions of the program wrote it, with a run in it."""
    file = folder / FILE
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for step in STEPS[:steps]:
            step(database)
        database.execute(RUN, ("0" * 8,))
        database.execute(f"PRAGMA user_version = {steps if counted else 0}")
    return file


@pytest.mark.parametrize("steps", range(1, VERSION + 1))
def test_a_database_of_each_version_is_brought_up_to_date(tmp_path: Path, steps: int) -> None:
    file = made(tmp_path, steps)
    with Database(file).reading() as database:
        assert version(database) == VERSION
        assert [row["id"] for row in database.execute("SELECT id FROM runs")] == ["0" * 8]


def test_one_of_before_versions_were_counted_is_as_well(tmp_path: Path) -> None:
    file = made(tmp_path, 1, counted=False)
    with closing(sqlite3.connect(file)) as database:
        database.execute("DROP TABLE universal")
    with Database(file).reading() as database:
        assert version(database) == VERSION
        assert database.execute("SELECT author FROM runs").fetchone()[0] == ""
        assert database.execute("SELECT count(*) FROM universal").fetchone()[0] == 0


def test_all_ways_lead_to_the_same_tables(tmp_path: Path) -> None:
    found = []
    for steps in range(VERSION + 1):
        folder = tmp_path / str(steps)
        folder.mkdir()
        if steps:
            made(folder, steps)
        with Database(folder / FILE).reading() as database:
            names = [row[0] for row in database.execute("SELECT name FROM sqlite_master")]
            columns = {
                name: sorted(row["name"] for row in database.execute(f"PRAGMA table_info({name})"))
                for name in names
            }
        found.append(columns)
    assert all(one == found[0] for one in found)


def test_one_of_a_newer_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = made(tmp_path, 1)
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = file.read_bytes()
    with pytest.raises(StoreError, match="newer version of the workbench"):
        Database(file)
    assert file.read_bytes() == before


def test_a_step_that_fails_leaves_the_database_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(database: sqlite3.Connection) -> None:
        database.execute("DROP TABLE runs")
        raise sqlite3.OperationalError("broken")

    file = made(tmp_path, 1)
    monkeypatch.setattr(migrations, "STEPS", (STEPS[0], broken))
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        with pytest.raises(sqlite3.OperationalError):
            migrate(database, file)
        assert version(database) == 1
        assert database.execute("SELECT count(*) FROM runs").fetchone()[0] == 1

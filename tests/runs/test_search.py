"""Runs are found in SQL as Python found them before: by words, filters, orders and pages."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asma_core.accounts.account import ENGINEER, OWNER, VIEWER, Account
from asma_core.accounts.current import acting_as
from asma_core.errors import UnknownRunError
from asma_core.runs.database import Database
from asma_core.runs.facts import FIGURES, outcomes
from asma_core.runs.listing import ORDERS
from asma_core.runs.rows import run_of_row
from asma_core.runs.run import CANCELLED, DAMAGED, STATES, Run
from asma_core.runs.search import NO_VERDICT, NOBODY, OWN_IMAGE, RunFilter, RunSearch
from asma_core.runs.store import RunStore
from tests.pages import made_runs
from tests.pages.made_runs import Made

LARGEST_FIRST = {"iou", "l2-largest"}
SPEC = {
    "config": {"target_iou": 0.9},
    "model_hash": "a",
    "inputs_hash": "b",
    "versions": {},
    "device": "cpu",
    "seed": 0,
    "precision": "auto",
    "compiled": False,
}
# Letters whose capitals are another number of letters, marks, quotes, and what is no letter.
LETTERS = (
    "abcABC019ßİ\N{LATIN SMALL LETTER DOTLESS I}\N{LATIN SMALL LETTER LONG S}ΣςÄä"
    " éàñ\"'%_*-+:^()\\/,.\n\t\N{GRINNING FACE}\N{ZERO WIDTH JOINER}"
)
WORDS = st.text(st.sampled_from(LETTERS), max_size=12)
NAMES = st.sampled_from(["", "one", "Two", "three-Ä", 'a"b', "own images"])
FIGURE = st.none() | st.integers(0, 3) | st.floats(-1, 9, allow_nan=False)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what the store's table holds of a run."""
    spec = SPEC | {
        "model": draw(NAMES),
        "attack": draw(NAMES),
        "dataset": draw(NAMES),
        "sample": draw(NAMES),
        "image_name": draw(WORDS),
        "image_hash": draw(NAMES),
        "target_name": draw(WORDS),
    }
    outcome = st.sampled_from(["success", "goal not reached", "already there"])
    results = draw(
        st.just({})
        | st.fixed_dictionaries(
            {
                "outcome": outcome,
                "stopped": WORDS,
                "structure_removed": st.none(),
                **dict.fromkeys(FIGURES.values(), FIGURE),
            }
        )
    )
    return {
        "created": draw(st.sampled_from([1.0, 2.0, 2.5])),
        "state": draw(st.sampled_from(STATES)),
        "spec": json.dumps(spec),
        "results": json.dumps(results),
        "message": draw(WORDS),
        "verdict": draw(NAMES),
        "note": draw(WORDS),
        "tags": draw(WORDS),
        "author": draw(st.sampled_from(["", "ada", "bob"])),
        "private": draw(st.sampled_from([0, 0, 1])),
    }


FILTERS = st.builds(
    RunFilter,
    text=st.lists(WORDS, max_size=2).map(" ".join),
    outcome=st.sampled_from(["", "", "success", "goal not reached", CANCELLED, "queued"]),
    attack=NAMES,
    model=NAMES,
    dataset=st.sampled_from(["", "", OWN_IMAGE, "one"]),
    verdict=st.sampled_from(["", "", NO_VERDICT, "Two"]),
    author=st.sampled_from(["", "", NOBODY, "ada"]),
)
PEOPLE = st.sampled_from([Account("ada", VIEWER), Account("bob", ENGINEER), Account("eve", OWNER)])


def put(database: Database, row: dict[str, Any], run_id: str) -> None:
    known = row | {"id": run_id, "owner": "", "inputs_hash": "b"}
    with database.writing() as connection:
        connection.execute(
            f"INSERT INTO runs ({', '.join(known)}) VALUES ({', '.join('?' * len(known))})",
            tuple(known.values()),
        )


def all_runs(database: Database, who: Account) -> list[Run]:
    """Return the runs that somebody may see, the newest first, as the store did before."""
    with database.reading() as connection:
        found = connection.execute("SELECT * FROM runs ORDER BY created DESC, rowid DESC")
        may = [
            row
            for row in found
            if who.role == OWNER or not row["private"] or row["author"] == who.name
        ]
        return [run_of_row(row) for row in may]


def filtered(runs: Sequence[Run], wanted: RunFilter, order: str) -> list[Run]:
    """Filter and sort in Python, as the page did before 2026-11-30."""
    words = wanted.text.casefold().split()
    kept = [run for run in runs if fits(run, wanted) and holds(run, words)]
    if order == "newest":
        return kept
    name = order.partition("-")[0]

    def place(run: Run) -> tuple[bool, float]:
        value = run.created if order == "oldest" else run.results.get(FIGURES[name])
        if value is None:
            return (True, math.inf)
        return (False, -value if order in LARGEST_FIRST else value)

    return sorted(kept, key=place)


def fits(run: Run, wanted: RunFilter) -> bool:
    if wanted.outcome and wanted.outcome not in outcomes(run):
        return False
    return all(
        not asked or asked == has
        for asked, has in (
            (wanted.attack, run.spec.attack),
            (wanted.model, run.spec.model),
            (wanted.dataset, run.spec.dataset or OWN_IMAGE),
            (wanted.verdict, run.verdict or NO_VERDICT),
            (wanted.author, run.author or NOBODY),
        )
    )


def holds(run: Run, words: Sequence[str]) -> bool:
    spec = run.spec
    said = (run.id, run.message, run.verdict, run.note, run.tags, run.ending, *outcomes(run))
    text = "\n".join((*said, spec.image_name, run.goal, spec.attack, spec.model)).casefold()
    return all(word in text for word in words)


@dataclass
class _Files:
    """A database file for each example."""

    folder: Path
    count: int = 0

    def next(self) -> Database:
        self.count += 1
        return Database(self.folder / f"{self.count}.sqlite")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> _Files:
    return _Files(tmp_path_factory.mktemp("search"))


@given(
    made=st.lists(rows(), max_size=8),
    asked=st.lists(FILTERS, min_size=1, max_size=4),
    who=PEOPLE,
    data=st.data(),
)
@settings(max_examples=60)
def test_sql_finds_what_python_found(
    files: _Files, made: list[dict[str, Any]], asked: list[RunFilter], who: Account, data: Any
) -> None:
    database = files.next()
    search = RunSearch(database)
    for number, row in enumerate(made):
        put(database, row, f"{number * 0x1010101:08x}")
    runs = all_runs(database, who)
    # A part of what is said is what people look for, and hits.
    if runs:
        run = data.draw(st.sampled_from(runs))
        part = data.draw(st.sampled_from([run.note, run.spec.image_name, run.id, run.goal]))
        begin = data.draw(st.integers(0, len(part)))
        asked = [*asked, RunFilter(part[begin : begin + data.draw(st.integers(0, 9))].upper())]
    with acting_as(who):
        for wanted in asked:
            for order in ORDERS:
                expected = [run.id for run in filtered(runs, wanted, order)]
                assert search.ids(wanted, order) == expected, (wanted, order)
            newest = filtered(runs, wanted, "newest")
            assert search.count(wanted) == len(newest)
            assert search.page(wanted, first=1, most=2) == newest[1:3]
            assert list(search.each(wanted)) == newest
            ids = [run.id for run in runs[::2]]
            assert search.among(ids, wanted) == [run for run in newest if run.id in ids]
        values = {
            "outcome": {told for run in runs for told in outcomes(run)},
            "attack": {run.spec.attack for run in runs},
            "model": {run.spec.model for run in runs},
            "dataset": {run.spec.dataset or OWN_IMAGE for run in runs},
            "verdict": {run.verdict or NO_VERDICT for run in runs},
            "author": {run.author or NOBODY for run in runs},
        }
        assert search.choices() == {name: sorted(found) for name, found in values.items()}


@pytest.fixture
def runs(home: Path) -> RunStore:
    return RunStore(home)


def ids(runs: RunStore, text: str) -> list[str]:
    return runs.search.ids(RunFilter(text))


def test_words_are_looked_for_in_every_text_and_figures_order_the_rest(runs: RunStore) -> None:
    low = made_runs.finished(runs, Made(iou=0.5, dataset="", image_name="my eye.png"), files=False)
    none = made_runs.failed(runs, "the disk is full")
    high = made_runs.finished(runs, Made(iou=0.9), files=False)
    runs.judgements.annotate(high.id, note="Ask Dr. Vessel", verdict="odd")
    search = runs.search
    assert search.ids(order="iou") == [high.id, low.id, none.id]
    assert search.ids(order="iou-lowest") == [low.id, high.id, none.id]
    assert ids(runs, "vessel dr.") == [high.id]
    assert ids(runs, "disk FULL") == [none.id]
    assert search.ids(RunFilter(dataset=OWN_IMAGE)) == [low.id]
    assert search.ids(RunFilter(verdict=NO_VERDICT)) == [none.id, low.id]
    assert search.choices()["verdict"] == sorted([NO_VERDICT, "odd"])


@pytest.mark.parametrize(
    "text", ["\0", "a\0b", "\N{REPLACEMENT CHARACTER}", "\ufffe" * 4, "\udcff" * 4, "x" * 5000]
)
def test_strange_words_are_kept_and_found(runs: RunStore, text: str) -> None:
    run = made_runs.finished(runs, Made(image_name=text + ".png"), files=False)
    other = made_runs.finished(runs, files=False)
    assert run.id in ids(runs, text) and other.id not in ids(runs, text)


@pytest.mark.parametrize("text", ['" OR "', "NEAR(a b)", "words : x", "*", '"', "a" + " b" * 2000])
def test_what_people_type_is_no_language(runs: RunStore, text: str) -> None:
    made_runs.finished(runs, files=False)
    assert isinstance(ids(runs, text), list)


def test_the_list_follows_each_change_and_its_number_another(runs: RunStore) -> None:
    seen = {runs.search.revision()}

    def changed() -> bool:
        number = runs.search.revision()
        new = number not in seen
        seen.add(number)
        return new

    run = made_runs.queued(runs)
    assert changed() and runs.search.ids(RunFilter(outcome="queued")) == [run.id]
    runs.claim(run.id)
    assert changed() and runs.search.ids(RunFilter(outcome="running")) == [run.id]
    runs.fail(run.id, "no such luck")
    assert changed() and ids(runs, "luck") == [run.id] and ids(runs, "queued") == []
    runs.judgements.annotate(run.id, note="a word")
    assert changed() and ids(runs, "a word luck") == [run.id]
    assert not changed()
    runs.delete(run.id)
    assert changed() and runs.search.count() == 0 and ids(runs, "luck") == []
    with runs._database.reading() as database:
        assert database.execute("SELECT count(*) FROM run_words").fetchone()[0] == 0


def test_runs_of_an_image_of_inputs_and_of_a_sample(runs: RunStore) -> None:
    one, two = (made_runs.finished(runs, files=False) for _ in range(2))
    other = made_runs.finished(runs, Made(image_name="demo-fundus / 0009"), seed=1, files=False)
    made_runs.queued(runs)
    search = runs.search
    assert [run.id for run in search.of_image(one.spec.image_hash, 9)] == [two.id, one.id]
    assert [run.id for run in search.finished_with(one.spec.inputs_hash)] == [two.id, one.id]
    assert [run.id for run in search.of_sample("demo-fundus", "0009", 9)] == [other.id]
    assert search.counts("demo-fundus") == {"0003": 3, "0009": 1}
    assert search.counts("another") == {}
    assert [run.id for run in search.with_result(2)] == [other.id, two.id]


def test_private_runs_are_nobody_elses(runs: RunStore) -> None:
    run = made_runs.finished(runs, files=False)
    runs.judgements.annotate(run.id, tags="mine")
    with closing(sqlite3.connect(runs.home / "runs.sqlite")) as database, database:
        database.execute("UPDATE runs SET private = 1, author = 'ada'")
    # Also what another program has changed is followed when the store is opened.
    runs = RunStore(runs.home)
    search, spec = runs.search, run.spec
    with acting_as(Account("ada", ENGINEER)):
        assert runs.get(run.id) and search.count() == 1 and search.tags(9) == ["mine"]
    with acting_as(Account("bob", ENGINEER)):
        with pytest.raises(UnknownRunError):
            runs.get(run.id)
        assert search.count() == 0 and search.page() == [] and search.among([run.id]) == []
        assert search.of_image(spec.image_hash, 9) == search.finished_with(spec.inputs_hash) == []
        assert search.of_sample(spec.dataset, spec.sample, 9) == search.with_result(9) == []
        assert search.counts(spec.dataset) == {} and search.tags(9) == []
        assert search.choices()["attack"] == []
    with acting_as(Account("eve", OWNER)):
        assert runs.get(run.id) and search.choices()["attack"] == [spec.attack]


def old_database(folder: Path, count: int) -> Path:
    """Return a database of the version before the list, with runs in it."""
    from asma_core.runs.migrations import STEPS

    steps = STEPS[: [step.__name__ for step in STEPS].index("list_runs")]
    file = folder / "runs.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("BEGIN")
        for step in steps:
            step(database)
        for number in range(count):
            spec = SPEC | {
                **{"model": "m", "attack": "asma", "image_name": f"eye {number}"},
                **{"image_hash": "h", "target_name": "t"},
            }
            # Their ids are in another order than they are.
            database.execute(
                "INSERT INTO runs (id, created, state, owner, inputs_hash, spec) "
                "VALUES (?, 1, 'done', '', 'b', ?)",
                (f"{count - number:08x}", json.dumps(spec)),
            )
        database.execute(f"PRAGMA user_version = {len(steps)}")
        database.execute("COMMIT")
    return file


def test_the_runs_of_before_are_listed_in_their_order(tmp_path: Path) -> None:
    count = 1203
    search = RunSearch(Database(old_database(tmp_path, count)))
    assert search.ids() == [f"{number:08x}" for number in range(1, count + 1)]
    assert search.ids(RunFilter("eye 7 asma"), most=1) == [f"{count - 1197:08x}"]


def test_a_list_that_can_not_be_filled_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = old_database(tmp_path, 3)
    before = file.read_bytes()

    def broken(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("asma_core.runs.listing.facts_of", broken)
    with pytest.raises(MemoryError):
        Database(file)
    monkeypatch.undo()
    with closing(sqlite3.connect(file)) as database:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
    assert "run_list" not in tables and len(before) == file.stat().st_size
    assert len(RunSearch(Database(file)).ids()) == 3


BAD = {
    "spec": ["", "{", "{}", "[]", "7", '{"model": 3}', "[" * 99_999],
    "results": ["", "[1]", '{"iou_8bit": "high"}', '{"l2_8bit": [1]}'],
    "state": ["odd", "", 3, b"\xff"],
    "created": ["soon", b"\xff\xfe"],
    "finished": ["later"],
    "note": [b"\xff\x00"],
}


@pytest.mark.parametrize(("column", "value"), [(c, v) for c, some in BAD.items() for v in some])
def test_a_bad_row_hides_no_other_and_says_what_to_do(
    runs: RunStore, column: str, value: object
) -> None:
    good, bad = made_runs.finished(runs, files=False), made_runs.finished(runs, files=False)
    with closing(sqlite3.connect(runs.home / "runs.sqlite")) as database, database:
        database.execute(f"UPDATE runs SET {column} = ? WHERE id = ?", (value, bad.id))
    runs = RunStore(runs.home)
    found = {run.id: run for run in runs.newest()}
    assert found[good.id] == good
    damaged = found[bad.id]
    assert (damaged.state, damaged.outcome) == (DAMAGED, "") and damaged.ended
    assert bad.id in damaged.message and "store reindex" in damaged.message
    assert runs.search.ids(RunFilter(outcome=DAMAGED)) == [bad.id]
    assert runs.get(bad.id) == damaged
    runs.delete(bad.id)
    assert [run.id for run in runs.newest()] == [good.id]


def test_text_that_is_none_hides_no_other(runs: RunStore) -> None:
    good, bad = made_runs.finished(runs, files=False), made_runs.finished(runs, files=False)
    with closing(sqlite3.connect(runs.home / "runs.sqlite")) as database, database:
        query = "UPDATE runs SET note = CAST(x'61ff62' AS TEXT) WHERE id = ?"
        database.execute(query, (bad.id,))
    runs = RunStore(runs.home)
    assert [run.id for run in runs.newest()] == [bad.id, good.id]
    assert runs.get(bad.id).note == "a\N{REPLACEMENT CHARACTER}b"


def test_a_damaged_run_that_waits_is_not_carried_out(runs: RunStore) -> None:
    from asma_core.runs.execute import execute

    run = made_runs.queued(runs)
    with closing(sqlite3.connect(runs.home / "runs.sqlite")) as database, database:
        database.execute("UPDATE runs SET spec = '{'")
    assert RunStore(runs.home).get(run.id).state == "queued"
    ended = execute(runs, run.id)
    assert ended.state == DAMAGED and runs.count("failed") == 1


def test_nothing_reads_more_rows_than_it_returns(
    runs: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(6):
        made_runs.finished(runs, files=False)
    read: list[str] = []
    real = run_of_row

    def counting(row: sqlite3.Row) -> Run:
        read.append(row["id"])
        return real(row)

    monkeypatch.setattr("asma_core.runs.search.run_of_row", counting)
    search = runs.search
    search.count(RunFilter("asma"))
    search.choices()
    search.counts("demo-fundus")
    search.ids()
    search.revision()
    assert read == []
    assert len(search.page(RunFilter("asma"), "l2", 2, 2)) == 2 == len(read)


def test_each_order_has_an_index(runs: RunStore) -> None:
    with runs._database.reading() as database:
        for name, order in ORDERS.items():
            query = f"EXPLAIN QUERY PLAN SELECT id FROM run_list AS runs ORDER BY {order} LIMIT 50"
            plan = " ".join(row["detail"] for row in database.execute(query))
            assert "USING INDEX" in plan and "TEMP B-TREE" not in plan, (name, plan)
        for query in (
            "SELECT 1 FROM runs WHERE inputs_hash = 'x'",
            "SELECT id FROM runs WHERE finished IS NOT NULL AND finished < 7 AND pinned = 0",
            "SELECT id FROM run_list AS runs WHERE image_hash = 'x' AND has_result",
            "SELECT DISTINCT tags FROM run_list AS runs WHERE tags <> ''",
        ):
            plan = " ".join(
                row["detail"] for row in database.execute(f"EXPLAIN QUERY PLAN {query}")
            )
            assert "INDEX" in plan, plan

"""Finding runs in SQL: filtered, sorted, searched and by pages; nothing here reads all of them.

Only what the person who acts may see is found; see `runs.visibility`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from asma_core.runs.database import Database
from asma_core.runs.listing import BATCH, ORDERS
from asma_core.runs.rows import run_of_row
from asma_core.runs.run import CANCELLED, DONE, Run
from asma_core.runs.texts import folded, storable
from asma_core.runs.visibility import seen

# What the filters call a run without a data set, one that nobody has judged, and one of before
# people signed in.
OWN_IMAGE: Final = "own images"
NO_VERDICT: Final = "none yet"
NOBODY: Final = "nobody who signed in"
NEWEST: Final = "newest"
# Of a text that is searched for; nobody types more.
MOST_WORDS: Final = 40
# The search index holds sequences of so many letters.
_INDEXED: Final = 3
# By what runs are narrowed, and what those are called that have nothing there.
_CHOICES: Final = {
    "attack": "",
    "model": "",
    "dataset": OWN_IMAGE,
    "verdict": NO_VERDICT,
    "author": NOBODY,
}
_LIST: Final = "run_list AS runs"
# A revision, and who looks.
_State = tuple[int, tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class RunFilter:
    """Which runs are asked for; an empty text asks for all.

    Attributes:
        text: Words that all occur in the names, the message or what people said; the first
            `MOST_WORDS` count.
        outcome: An outcome, or a state.
        attack: Name of an attack.
        model: Name of a network.
        dataset: Name of a data set, or `OWN_IMAGE`.
        verdict: A verdict, or `NO_VERDICT`.
        author: Who asked for it, or `NOBODY`.
    """

    text: str = ""
    outcome: str = ""
    attack: str = ""
    model: str = ""
    dataset: str = ""
    verdict: str = ""
    author: str = ""


ALL: Final = RunFilter()


class RunSearch:
    """Finds runs of a store."""

    def __init__(self, database: Database) -> None:
        """Search in a database."""
        self._database = database
        self._choices: dict[_State, dict[str, list[str]]] = {}

    def revision(self) -> int:
        """Return a number that is another one after every change of a run."""
        with self._database.reading() as database:
            return int(database.execute("SELECT number FROM run_revision").fetchone()[0])

    def count(self, wanted: RunFilter = ALL) -> int:
        """Return how many runs are asked for."""
        where, values = _condition(wanted)
        with self._database.reading() as database:
            query = f"SELECT count(*) FROM {_table(wanted)} WHERE {where}"
            return int(database.execute(query, values).fetchone()[0])

    def ids(
        self,
        wanted: RunFilter = ALL,
        order: str = NEWEST,
        first: int = 0,
        most: int | None = None,
    ) -> list[str]:
        """Return the ids of the runs that are asked for.

        Args:
            wanted: Which.
            order: A name among `runs.listing.ORDERS`; the newest first for another one.
            first: How many are passed over.
            most: How many are returned; None for all.
        """
        where, values = _condition(wanted)
        return self._ids(where, values, order, first, most, _table(wanted))

    def page(
        self, wanted: RunFilter = ALL, order: str = NEWEST, first: int = 0, most: int | None = None
    ) -> list[Run]:
        """Return the runs that are asked for; see `ids` for the arguments."""
        return list(self._runs(self.ids(wanted, order, first, most)))

    def each(self, wanted: RunFilter = ALL, order: str = NEWEST) -> Iterator[Run]:
        """Yield the runs that are asked for, some hundreds in memory; see `ids`."""
        yield from self._runs(self.ids(wanted, order))

    def among(self, ids: Sequence[str], wanted: RunFilter = ALL, order: str = NEWEST) -> list[Run]:
        """Return those of some runs that are there and asked for, in order; see `ids`."""
        where, values = _condition(wanted)
        own = json.dumps([one for one in ids if one.isascii()])
        where += " AND id IN (SELECT value FROM json_each(?))"
        return list(self._runs(self._ids(where, (*values, own), order)))

    def of_image(self, image_hash: str, most: int) -> list[Run]:
        """Return the newest runs of an image that have a result."""
        return self._where("image_hash = ? AND has_result", (image_hash,), most)

    def with_result(self, most: int) -> list[Run]:
        """Return the newest runs that have a result."""
        return self._where("has_result", (), most)

    def of_sample(self, dataset: str, sample: str, most: int) -> list[Run]:
        """Return the newest runs of an image of a data set."""
        names = (storable(dataset), storable(sample))
        return self._where("dataset = ? AND sample = ?", names, most)

    def counts(self, dataset: str) -> dict[str, int]:
        """Return how many runs there are of each image of a data set that has any, by its name."""
        may, values = seen()
        with self._database.reading() as database:
            rows = database.execute(
                f"SELECT sample, count(*) FROM {_LIST} WHERE dataset = ? AND {may} GROUP BY sample",
                (storable(dataset), *values),
            ).fetchall()
        return {row[0]: row[1] for row in rows}

    def finished_with(self, inputs_hash: str) -> list[Run]:
        """Return the runs that have these inputs and were done, the newest first."""
        may, values = seen()
        with self._database.reading() as database:
            rows = database.execute(
                f"SELECT * FROM runs WHERE inputs_hash = ? AND state = ? AND {may} "
                "ORDER BY created DESC, rowid DESC",
                (inputs_hash, DONE, *values),
            ).fetchall()
        return [run for run in map(run_of_row, rows) if not run.damage]

    def tags(self, most: int) -> list[str]:
        """Return what runs are tagged with, as the store keeps it, each once."""
        may, values = seen()
        with self._database.reading() as database:
            rows = database.execute(
                f"SELECT DISTINCT tags FROM {_LIST} WHERE tags <> '' AND {may} LIMIT ?",
                (*values, most),
            ).fetchall()
        return [row[0] for row in rows]

    def choices(self) -> dict[str, list[str]]:
        """Return what the runs can be narrowed to, by the filter's field."""
        state = (self.revision(), seen())
        if state not in self._choices:
            # Of one revision for some people; what is older is asked for by nobody any more.
            found = self._found_choices()
            kept = {key: one for key, one in self._choices.items() if key[0] == state[0]}
            self._choices = kept | {state: found}
        return self._choices[state]

    def _found_choices(self) -> dict[str, list[str]]:
        may, values = seen()
        with self._database.reading() as database:
            rows = database.execute(
                f"SELECT DISTINCT outcome, stopped, {', '.join(_CHOICES)} FROM {_LIST} WHERE {may}",
                values,
            ).fetchall()
        told = {row["outcome"] for row in rows}
        told |= {CANCELLED for row in rows if row["stopped"]}
        return {"outcome": sorted(told)} | {
            name: sorted({row[name] or usual for row in rows}) for name, usual in _CHOICES.items()
        }

    def _where(self, where: str, values: Sequence[object], most: int) -> list[Run]:
        may, own = seen()
        return list(self._runs(self._ids(f"{where} AND {may}", (*values, *own), most=most)))

    def _ids(
        self,
        where: str,
        values: Sequence[object],
        order: str = NEWEST,
        first: int = 0,
        most: int | None = None,
        table: str = _LIST,
    ) -> list[str]:
        by = ORDERS.get(order, ORDERS[NEWEST])
        limit = -1 if most is None else most
        with self._database.reading() as database:
            rows = database.execute(
                f"SELECT id FROM {table} WHERE {where} ORDER BY {by} LIMIT ? OFFSET ?",
                (*values, limit, first),
            ).fetchall()
        return [row[0] for row in rows]

    def _runs(self, ids: Sequence[str]) -> Iterator[Run]:
        """Yield runs in the order of their ids; one that has gone since is left out."""
        for begin in range(0, len(ids), BATCH):
            some = ids[begin : begin + BATCH]
            with self._database.reading() as database:
                rows = database.execute(
                    f"SELECT * FROM runs WHERE id IN ({', '.join('?' * len(some))})", some
                ).fetchall()
            found = {row["id"]: row for row in rows}
            yield from (run_of_row(found[one]) for one in some if one in found)


def _table(wanted: RunFilter) -> str:
    """Return what to look through.

    Along an index what is rare would be looked for row by row, all over the file; the whole list is
    read and sorted in a fifth of that time.
    """
    return _LIST if wanted == ALL else f"{_LIST} NOT INDEXED"


def _condition(wanted: RunFilter) -> tuple[str, tuple[object, ...]]:
    """Return a condition of SQL on the list under the name `runs`, and its values."""
    may, own = seen()
    parts: list[tuple[str, tuple[object, ...]]] = [(may, own)]
    if wanted.outcome:
        asked = storable(wanted.outcome)
        parts.append(("(outcome = ? OR (stopped AND ? = ?))", (asked, asked, CANCELLED)))
    for name, usual in _CHOICES.items():
        asked = storable(getattr(wanted, name))
        if asked:
            parts.append((f"({name} = ? OR ({name} = '' AND ? = ?))", (asked, asked, usual)))
    parts += [_holds(word) for word in folded(wanted.text).split()[:MOST_WORDS]]
    values = tuple(value for _, some in parts for value in some)
    return " AND ".join(condition for condition, _ in parts), values


def _holds(word: str) -> tuple[str, tuple[object, ...]]:
    """Return a condition that a run's words hold a word, or a part of one."""
    if len(word) < _INDEXED:
        return "place IN (SELECT rowid FROM run_words WHERE instr(words, ?))", (word,)
    quoted = '"' + word.replace('"', '""') + '"'
    return "place IN (SELECT rowid FROM run_words WHERE run_words MATCH ?)", (quoted,)

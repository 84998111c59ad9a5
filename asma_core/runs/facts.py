"""What of a run is filtered, sorted and searched on."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from asma_core.runs.rows import run_of_row
from asma_core.runs.run import CANCELLED, Run
from asma_core.runs.texts import folded, storable

# Columns of the list, by the name that results have them under; see `runs.listing`.
FIGURES: Final = {
    "iou": "iou_8bit",
    "l2": "l2_8bit",
    "linf": "linf_8bit",
    "ciede2000": "ciede2000_8bit",
    "steps": "steps",
    "seconds": "seconds",
}


def facts_of(row: sqlite3.Row) -> tuple[dict[str, Any], str]:
    """Return what the list says of a row of the store's table, by column, and its words."""
    run = run_of_row(row)
    spec = run.spec
    texts = {
        "outcome": told_outcome(run),
        "attack": spec.attack,
        "model": spec.model,
        "dataset": spec.dataset,
        "sample": spec.sample,
        "verdict": run.verdict,
        "tags": run.tags,
        "image_hash": spec.image_hash,
    }
    facts = {
        "id": row["id"],
        "created": run.created,
        "author": row["author"],
        "private": row["private"],
        **{name: storable(text) for name, text in texts.items()},
        "has_result": int(bool(run.results)),
        "stopped": int(CANCELLED in outcomes(run)),
        **{name: run.results.get(key) for name, key in FIGURES.items()},
    }
    return facts, words_of(run)


def told_outcome(run: Run) -> str:
    """Return whether a run's goal was reached, in words; its state while there is no result."""
    return run.outcome or run.state


def outcomes(run: Run) -> tuple[str, ...]:
    """Return what a run can be found by: its outcome, and that it was stopped."""
    return (told_outcome(run), *((CANCELLED,) if run.outcome and run.state == CANCELLED else ()))


def words_of(run: Run) -> str:
    """Return all that the search looks into, folded; a word lies in one line of it."""
    spec = run.spec
    said = (run.id, run.message, run.verdict, run.note, run.tags, run.ending, *outcomes(run))
    made = (spec.image_name, run.goal, spec.attack, spec.model)
    return folded("\n".join(said + made))

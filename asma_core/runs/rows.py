"""From a row of the store's table to a run; what can't be read hides no other run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from asma_core.errors import AsmaError
from asma_core.metrics.score import IOU, score_columns
from asma_core.runs.run import DAMAGED, STATES, UNENDED, Run
from asma_core.runs.spec import RunSpec, spec_from_dict
from asma_core.runs.target_source import DESCRIBED, TargetSource

MESSAGE: Final = (
    "the record of run {id} in the database is damaged ({error}); `python -m asma_core store "
    "reindex` reads it from the run's folder once more, or delete the run"
)
_SAID: Final = ("message", "verdict", "note", "tags")
_NAMES: Final = (
    *("attack", "model", "dataset", "sample", "image_name", "target_name"),
    *("inputs_hash", "image_hash", "model_hash", "network_hash"),
)
# What lists show and sort by.
FIGURES: Final = (
    *("score_8bit", "iou_8bit", "structure_removed_8bit", "iou_lost_8bit"),
    *("l2_8bit", "linf_8bit", "ciede2000_8bit", "steps", "seconds", "gradient_evaluations"),
)


def run_of_row(row: sqlite3.Row) -> Run:
    """Return the run of a row of the store's table.

    A row that can't be read gives a run that says so, in its `damage` and in its message, with what
    is known of it; its state is `DAMAGED` unless it is still to be carried out.
    """
    try:
        return _read(row)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        return _damaged(row, f"{type(error).__name__}: {error}")
    except AsmaError as error:
        return _damaged(row, str(error))


def _read(row: sqlite3.Row) -> Run:
    values = json.loads(row["spec"])
    spec = spec_from_dict(dict(values))
    for name in _NAMES:
        _check(name, getattr(spec, name), str)
    _check("config", spec.config, Mapping)
    results = json.loads(row["results"])
    for name in FIGURES:
        _check(name, results.get(name), int | float | None)
    _check("finished", row["finished"], int | float | None)
    _check("created", row["created"], int | float)
    if row["state"] not in STATES:
        raise ValueError(f"no state is called {str(row['state'])[:40]!r}")
    for name in _SAID:
        _check(name, row[name], str)
    return Run(
        id=row["id"],
        created=row["created"],
        finished=row["finished"],
        state=row["state"],
        cancel=bool(row["cancel"]),
        spec=spec,
        results=_results_as_now(results),
        **{name: row[name] for name in _SAID},
        **_whose(row),
    )


def _whose(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "author": str(row["author"]),
        "private": bool(row["private"]),
        "pinned": bool(row["pinned"]),
    }


def _check(name: str, value: object, kind: Any) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {str(value)[:40]!r}")


def _damaged(row: sqlite3.Row, error: str) -> Run:
    said: dict[str, Any] = {name: row[name] if isinstance(row[name], str) else "" for name in _SAID}
    damage = MESSAGE.format(id=row["id"], error=" ".join(error.split())[:200])
    created = row["created"]
    return Run(
        id=str(row["id"]),
        created=float(created) if isinstance(created, int | float) else 0.0,
        finished=None,
        state=row["state"] if row["state"] in UNENDED else DAMAGED,
        cancel=bool(row["cancel"]),
        spec=_unknown(str(row["inputs_hash"])),
        results={},
        **(said | {"message": damage}),
        damage=damage,
        **_whose(row),
    )


def _unknown(inputs_hash: str) -> RunSpec:
    return RunSpec(
        model="",
        attack="",
        config={},
        image_name="an unreadable record",
        target=TargetSource(DESCRIBED, "a target that is not known"),
        model_hash="",
        inputs_hash=inputs_hash,
        image_hash="",
        versions={},
    )


def _results_as_now(results: dict[str, Any]) -> dict[str, Any]:
    """Give a record of before 2026-11-28 each score under the name of its own kind."""
    if not results or "structure_removed" in results:
        return results
    kind = results.get("score_name", IOU)
    for suffix in ("_before", "", "_8bit"):
        named = score_columns(kind, results.get(f"score{suffix}", results.get(f"iou{suffix}")))
        results |= {f"{name}{suffix}": value for name, value in named.items()}
    return results

"""Is a data folder whole after a crash: it opens, each run is whole or gone, nothing is half."""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from asma_core.errors import StoreError
from asma_core.experiments.store import ExperimentStore
from asma_core.experiments.universal_store import UniversalStore
from asma_core.files import read_json
from asma_core.reviews.store import ReviewStore
from asma_core.runs import artefacts
from asma_core.runs.leftovers import RECORD
from asma_core.runs.run import CANCELLED, DONE
from asma_core.runs.store import RunStore
from asma_core.training.store import TrainingStore
from asma_core.upkeep.check import Report, check
from asma_core.upkeep.reindex import reindex
from tests import tiny

REVIEW = "review "
# The database is what counts; these a crash may leave, and `check --repair` mends them.
MAY_BE_LEFT = (
    *("these rows have no copy", "these files were being written"),
    "answers of these reviews are in their copies alone",
)


def known(home: Path) -> dict[str, Any]:
    """Return what must survive: of each run what it is and says, its files' bytes; the reviews."""
    os.environ["ASMA_HOME"] = str(home)
    _opened(home)
    runs = RunStore()
    return {run.id: told(runs, run.id) for run in runs.newest()} | _reviews()


def _reviews() -> dict[str, Any]:
    """Return all of each review, by a name that is no run's."""
    reviews = ReviewStore()
    return {
        f"{REVIEW}{one.id}": [repr(reviews.get(one.id)), repr(reviews.answers(one.id))]
        for one in reviews.newest()
    }


def told(runs: RunStore, run_id: str) -> dict[str, Any]:
    """Return all of a run that a person would miss."""
    run = runs.get(run_id)
    folder = runs.folder(run_id)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "state": run.state,
        "verdict": run.verdict,
        "note": run.note,
        "inputs": run.spec.inputs_hash,
        "files": {str(path.relative_to(folder)): _sum(path) for path in files},
    }


def _sum(path: Path) -> int:
    return zlib.crc32(path.read_bytes())


def problems(home: Path, before: dict[str, Any], touched: list[str]) -> list[str]:
    """Return what is not as it should be, a line each.

    Args:
        home: The data folder.
        before: What `known` said of it.
        touched: The runs that somebody was at when the process died.
    """
    os.environ["ASMA_HOME"] = str(home)
    said = _opened(home)
    if said:
        return said
    reviews = {name: told for name, told in before.items() if name.startswith(REVIEW)}
    before = {name: told for name, told in before.items() if name not in reviews}
    runs = RunStore()
    runs.tidy()
    runs.recover()
    TrainingStore().recover()
    UniversalStore().recover()
    report = check(older_than=0.0)
    found = [line for line in report.problems if not _may_be_left(line)]
    if report.problems:
        check(repair=True, older_than=0.0)
        report = check(older_than=0.0)
    if report != Report():
        found.append(f"not mended: {report}")
    ids = {run.id for run in runs.newest()}
    found += [f"{run} is gone" for run in before if run not in ids and run not in touched]
    found += _changed(runs, before, touched)
    now = _reviews()
    found += [f"{name} is not as it was" for name in reviews if now.get(name) != reviews[name]]
    for run_id in sorted(ids):
        found += _half(runs, run_id)
    for run_id in touched:
        if run_id not in ids:
            found += _left(home, runs, run_id, before.get(run_id, {}))
    ExperimentStore(runs).newest()
    return found + _goes_on(runs)


def _opened(home: Path) -> list[str]:
    """Open a store; one that was killed between two names says so, and is made anew."""
    try:
        RunStore()
    except StoreError as error:
        if "store reindex" not in str(error):
            return [f"it does not open: {error}"]
        told_problems = reindex(home).problems
        return [f"not made anew: {line}" for line in told_problems]
    return []


def _may_be_left(line: str) -> bool:
    return line.startswith(MAY_BE_LEFT)


def _changed(runs: RunStore, before: dict[str, Any], touched: list[str]) -> list[str]:
    found = []
    for run_id, values in before.items():
        if run_id in touched:
            continue
        with suppress(StoreError):
            now = told(runs, run_id)
            found += [f"{run_id}: {name} changed" for name in values if now[name] != values[name]]
    return found


def _half(runs: RunStore, run_id: str) -> list[str]:
    run, folder = runs.get(run_id), runs.folder(run_id)
    found = []
    if run.damage:
        found.append(f"{run_id} is damaged: {run.damage}")
    try:
        runs.inputs(run)
    except StoreError as error:
        found.append(f"{run_id} has no inputs: {error}")
    if run.state == DONE or (run.state == CANCELLED and run.results):
        lost = set(artefacts.FILES) - {path.name for path in folder.iterdir()}
        found += [f"{run_id} lacks {sorted(lost)}"] * bool(lost)
        # What the first versions wrote is read with more names than it has.
        record = read_json(folder / RECORD)["results"].items()
        same = all(run.results.get(name) == value for name, value in record)
        found += [f"{run_id}: its record says something else"] * (not same)
    elif folder.exists():
        found.append(f"{run_id} is {run.state} and has files")
    return found


def _left(home: Path, runs: RunStore, run_id: str, before: dict[str, Any]) -> list[str]:
    """Return what is left of a run that was deleted, or never made."""
    named = {run.spec.inputs_hash for run in runs.newest()}
    inputs = before.get("inputs", "")
    names = [run_id] + [inputs] * bool(inputs and inputs not in named)
    left = [str(path) for path in home.rglob("*") for name in names if name in path.name]
    return [f"left of {run_id}: {path}" for path in left]


def _goes_on(runs: RunStore) -> list[str]:
    """See that one can go on working: make a run, say something of it, delete it."""
    run = runs.create(tiny.request({"steps": 1}), tiny.inputs(4, 5))
    runs.judgements.annotate(run.id, note="goes on")
    runs.ask_to_stop(run.id)
    said = runs.get(run.id)
    runs.delete(run.id)
    good = said.note == "goes on" and said.state == CANCELLED
    return [] if good else [f"it does not go on: {said.state} {said.note!r}"]

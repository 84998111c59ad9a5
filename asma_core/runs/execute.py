"""Carrying out runs: attack, save, read back, predict again, measure, store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch

from asma_core.attacks.contract import CANCELLED as ATTACK_CANCELLED
from asma_core.attacks.contract import THE_PAPERS
from asma_core.attacks.registry import find_attack
from asma_core.data.formats.images import read_image
from asma_core.errors import AsmaError
from asma_core.files import as_store_error, json_values, write_json
from asma_core.models.sources.defending import draws_at_random
from asma_core.runs import artefacts
from asma_core.runs.attacking import Attacked, attack_together, memory_explained
from asma_core.runs.checks import among_runs, beyond, norm_of
from asma_core.runs.keeper import RunKeeper
from asma_core.runs.leftovers import RECORD
from asma_core.runs.measuring import measure
from asma_core.runs.reasons import Attempt, explained
from asma_core.runs.run import CANCELLED, DONE, INTERRUPTED, Run
from asma_core.runs.signs import say_begun
from asma_core.runs.together import TimeLimit, Watch


def execute(runs: RunKeeper, run_id: str, watch: Watch | None = None) -> Run:
    """Carry out a queued run in this process.

    A fault that the user can mend ends the run as failed, with its sentence; any other is a bug:
    the run ends as failed and the exception goes on.

    Args:
        runs: The store.
        run_id: Of a queued run; nothing happens when it is not queued any more.
        watch: Called at each step too; what it returns, if true, cancels the run.

    Returns:
        The run as it ended.
    """
    (ended,) = execute_together(runs, [run_id], watch)
    return ended


def execute_together(
    runs: RunKeeper,
    run_ids: Sequence[str],
    watch: Watch | None = None,
    limit: TimeLimit | None = None,
) -> list[Run]:
    """Carry out queued runs in this process; those that differ in their pair alone at once.

    Each becomes what it would be alone: it has its own files, is stopped by itself, and fails by
    itself. Where an attack on several fails, for want of memory or by the fault of one of them,
    each half of them is tried by itself, down to single runs.

    Args:
        runs: The store.
        run_ids: Of queued runs; nothing happens to those that are not queued any more.
        watch: As `execute` has it, called for each run.
        limit: What takes longer is cancelled, and says so.

    Returns:
        The runs as they ended, in order.
    """
    claimed = [runs.get(run_id) for run_id in run_ids if runs.claim(run_id)]
    bugs: list[Exception] = []
    try:
        for run in claimed:
            if run.damage:
                runs.fail(run.id, run.damage)
        for alike in _by_recipe([run for run in claimed if not run.damage]):
            _carry_out(runs, alike, watch, limit, bugs)
    except KeyboardInterrupt:
        for run in claimed:
            runs.fail(run.id, "it was stopped from the keyboard; repeat it", INTERRUPTED)
        raise
    if bugs:
        raise bugs[0]
    return [runs.get(run_id) for run_id in run_ids]


def _by_recipe(runs: Sequence[Run]) -> list[list[Run]]:
    """Group runs that may be attacked at once.

    Where a search draws (behind a random defence, or made to survive), each is alone: what a step
    draws would hang on its neighbours.
    """
    found: dict[str, list[Run]] = {}
    for run in runs:
        draws = run.spec.execution.survives or draws_at_random(run.spec.model)
        alone = run.id if draws else ""
        found.setdefault(run.spec.recipe + alone, []).append(run)
    return list(found.values())


def _carry_out(
    runs: RunKeeper,
    alike: Sequence[Run],
    watch: Watch | None,
    limit: TimeLimit | None,
    bugs: list[Exception],
) -> None:
    if len(alike) == 1:
        with _own_end(runs, alike[0], bugs):
            (attacked,) = _attacked(runs, alike, watch, limit)
            _keep(runs, attacked, limit)
        return
    found = _unless_it_fails(partial(_attacked, runs, alike, watch, limit))
    if found is None:
        half = len(alike) // 2
        _carry_out(runs, alike[:half], watch, limit, bugs)
        _carry_out(runs, alike[half:], watch, limit, bugs)
        return
    for attacked in found:
        with _own_end(runs, attacked.run, bugs):
            _keep(runs, attacked, limit)


def _attacked(
    runs: RunKeeper, alike: Sequence[Run], watch: Watch | None, limit: TimeLimit | None
) -> list[Attacked]:
    if limit is None:
        return attack_together(runs, alike, watch)
    say_begun(runs.work_folder(run.id) for run in alike)
    return attack_together(runs, alike, limit.watching(watch))


def _unless_it_fails(attack: Callable[[], list[Attacked]]) -> list[Attacked] | None:
    """Return what an attack on several gives, None when it fails.

    The error ends with this function, as its traceback holds on to the tensors of the attempt.
    """
    # Nothing is lost: the run whose fault it is fails again, alone, and says why.
    with suppress(Exception):
        return attack()
    # Does nothing where there is no GPU.
    torch.cuda.empty_cache()
    return None


@contextmanager
def _own_end(runs: RunKeeper, run: Run, bugs: list[Exception]) -> Iterator[None]:
    """End a run as failed when it can't be carried out, and no other; keep what is a bug."""
    try:
        yield
    except AsmaError as error:
        runs.fail(run.id, str(error))
    except Exception as error:  # noqa: BLE001 - raised when the others have ended
        runs.fail(run.id, f"an error of the workbench itself: {type(error).__name__}: {error}")
        bugs.append(error)


def _draws(attacked: Attacked) -> bool:
    return attacked.model.random or attacked.run.spec.execution.survives


def _keep(runs: RunKeeper, attacked: Attacked, limit: TimeLimit | None) -> None:
    """Write the files of a run, measure it, and say how it ended."""
    run, result = attacked.run, attacked.result
    staged = runs.staging_folder(run.id)
    with as_store_error(staged):
        staged.mkdir(parents=True, exist_ok=True)
    with memory_explained(attacked.device, attacked.inputs):
        artefacts.write_images(staged, attacked.inputs, attacked.judge, result)
        results = _results(attacked, staged)
    results["warnings"] += among_runs(runs, run, results)
    artefacts.write_trajectory(staged, result, attacked.snapshots)
    state = CANCELLED if result.ending == ATTACK_CANCELLED else DONE
    late = state == CANCELLED and limit is not None and limit.passed
    message = limit.message if limit is not None and late and not runs.stop_wanted(run.id) else ""
    record = {"id": run.id, "state": state, "spec": run.spec.as_dict(), "results": results}
    write_json(staged / RECORD, record)
    runs.finish(run.id, state, staged, results, message)


def _results(attacked: Attacked, staged: Path) -> dict[str, Any]:
    """Measure the float image, and the file as it is read back."""
    run, inputs, result = attacked.run, attacked.inputs, attacked.result
    saved = read_image(staged / artefacts.ADVERSARIAL)
    measured = measure(
        attacked.model, attacked.device, attacked.judge, inputs.image, result, saved, run.wanted
    )
    artefacts.write_prediction(staged, measured.prediction)
    kept = beyond(saved - inputs.image, inputs.region, norm_of(run.spec.config), result.chosen)
    attempt = Attempt(
        result,
        measured.figures["outcome"],
        attacked.judge,
        measured.prediction,
        inputs.region,
        attacked.model.classes,
        run.wanted,
        find_attack(run.spec.attack).answers == THE_PAPERS,
    )
    figures = {
        **measured.figures,
        "seconds": round(attacked.seconds, 3),
        "batch": attacked.batch,
        **({"draws": attacked.draws} if _draws(attacked) else {}),
        "device": str(attacked.device),
        "precision": attacked.precision,
        "warnings": explained([*attacked.warnings, *kept], attempt),
        "goal": run.goal,
        "region_share": 1.0 if inputs.region is None else float(inputs.region.mean()),
    }
    return json_values(figures)

"""Carrying out a run: attack, save, read back, predict again, measure, store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from asma_core.attacks import checks
from asma_core.attacks.contract import CANCELLED as ATTACK_CANCELLED
from asma_core.attacks.contract import AttackResult, StepReport
from asma_core.attacks.registry import find_attack
from asma_core.data.formats.images import read_image
from asma_core.errors import AsmaError, DeviceError, ModelError
from asma_core.fields import config_from_dict
from asma_core.files import as_store_error, json_values, write_json
from asma_core.models.sources.cards import ModelCard, find_card, network_hash, weights_hash
from asma_core.models.sources.loading import load_model, predict
from asma_core.models.wrapper.backend import float32_sums, make_backend
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.devices import choose_device, is_out_of_memory
from asma_core.models.wrapper.specs import CENTRE
from asma_core.models.wrapper.threads import thread_count
from asma_core.runs import artefacts, store
from asma_core.runs.checks import among_runs, beyond, norm_of
from asma_core.runs.figures import Judge, make_judge
from asma_core.runs.live import LiveReporter
from asma_core.runs.measuring import attack_inputs, measure, only_covered, warned
from asma_core.runs.reasons import Attempt, explained
from asma_core.runs.run import CANCELLED, DONE, INTERRUPTED, Run
from asma_core.runs.spec import RunInputs
from asma_core.runs.store import RunStore

Watch = Callable[[StepReport], bool | None]


@dataclass(frozen=True)
class _Attacked:
    """What an attack gave, with what surrounds it."""

    model: SegmentationModel
    device: torch.device
    precision: str
    judge: Judge
    result: AttackResult
    seconds: float
    warnings: list[str]


def execute(runs: RunStore, run_id: str, watch: Watch | None = None) -> Run:
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
    if not runs.claim(run_id):
        return runs.get(run_id)
    try:
        _run_claimed(runs, runs.get(run_id), watch)
    except AsmaError as error:
        runs.fail(run_id, str(error))
    except KeyboardInterrupt:
        runs.fail(run_id, "it was stopped from the keyboard; repeat it", INTERRUPTED)
        raise
    except Exception as error:
        runs.fail(run_id, f"an error of the workbench itself: {type(error).__name__}: {error}")
        raise
    return runs.get(run_id)


def _run_claimed(runs: RunStore, run: Run, watch: Watch | None) -> None:
    card = _network(run)
    device = choose_device(run.spec.execution.device)
    given = runs.inputs(run)
    inputs = _covered(card, replace(given, image=given.original), device)
    reporter = LiveReporter(runs, run.id)
    staged = runs.work_folder(run.id) / "result"
    with as_store_error(staged):
        staged.mkdir(parents=True, exist_ok=True)
    with _memory_explained(device, inputs):
        attacked = _attack(run, card, inputs, device, _both(reporter, watch))
        artefacts.write_images(staged, inputs, attacked.judge, attacked.result)
        results = _results(run, inputs, attacked, staged)
    results["warnings"] += among_runs(runs, run, results)
    artefacts.write_trajectory(staged, attacked.result, reporter.keeper.snapshots)
    state = CANCELLED if attacked.result.ending == ATTACK_CANCELLED else DONE
    record = {"id": run.id, "state": state, "spec": run.spec.as_dict(), "results": results}
    write_json(staged / store.RECORD, record)
    runs.finish(run.id, state, staged, results)


def _network(run: Run) -> ModelCard:
    """Return the network that was asked for, and refuse any other.

    Raises:
        ModelError: Weights or card have changed since.
    """
    card, spec = find_card(run.spec.model), run.spec
    if weights_hash(card) != spec.model_hash:
        raise ModelError(f"the weights of {spec.model} changed after the run was queued; repeat it")
    if spec.network_hash and network_hash(card) != spec.network_hash:
        raise ModelError(f"the card of {spec.model} changed after the run was queued; repeat it")
    return card


def _covered(card: ModelCard, inputs: RunInputs, device: torch.device) -> RunInputs:
    """Let only those pixels count for which the network answers at all."""
    if card.output.fit != CENTRE:
        return inputs
    return only_covered(load_model(card, device), inputs)


@contextmanager
def _memory_explained(device: torch.device, inputs: RunInputs) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceError(
            f"{device} ran out of memory on an image of {inputs.image.shape[2]} x "
            f"{inputs.image.shape[1]}; make the image smaller or choose another device"
        ) from error


def _both(reporter: LiveReporter, watch: Watch | None) -> Watch:
    def on_step(report: StepReport) -> bool:
        stop = reporter(report)
        return bool(watch is not None and watch(report)) or stop

    return on_step


def _attack(
    run: Run, card: ModelCard, inputs: RunInputs, device: torch.device, on_step: Watch
) -> _Attacked:
    spec = run.spec
    entry = find_attack(spec.attack)
    model = load_model(card, device)
    config = config_from_dict(entry.config, spec.config)
    goal = config.goal()
    torch.manual_seed(spec.execution.seed)
    torch.set_num_threads(spec.threads or thread_count())
    clean = predict(model, inputs.image, device)
    judge = make_judge(inputs, clean, len(model.classes), goal.aim)
    given = attack_inputs([inputs], [judge], device)
    warnings = warned(model, given, goal.away)
    backend = make_backend(model, device, spec.execution.precision)
    not_compiled = backend.compiled_for(given.images) if spec.execution.compiled else ""
    if not_compiled:
        warnings.append(not_compiled)
    started = time.perf_counter()
    with float32_sums(backend.precision):
        (result,) = entry.attack(backend, given, config, on_step=on_step)
    seconds = time.perf_counter() - started
    if entry.monotone:
        warnings += checks.after(result.trajectory)
    return _Attacked(model, device, backend.precision, judge, result, seconds, warnings)


def _results(run: Run, inputs: RunInputs, attacked: _Attacked, staged: Path) -> dict[str, Any]:
    """Measure the float image, and the file as it is read back."""
    result, original = attacked.result, inputs.image
    saved = read_image(staged / artefacts.ADVERSARIAL)
    measured = measure(
        attacked.model, attacked.device, attacked.judge, original, result, saved, run.wanted
    )
    artefacts.write_prediction(staged, measured.prediction)
    kept = beyond(saved - original, inputs.region, norm_of(run.spec.config), result.chosen)
    attempt = Attempt(
        result,
        measured.figures["outcome"],
        attacked.judge,
        measured.prediction,
        inputs.region,
        attacked.model.classes,
    )
    figures = {
        **measured.figures,
        "seconds": round(attacked.seconds, 3),
        "device": str(attacked.device),
        "precision": attacked.precision,
        "warnings": explained([*attacked.warnings, *kept], attempt),
        "goal": run.goal,
        "region_share": 1.0 if inputs.region is None else float(inputs.region.mean()),
    }
    return json_values(figures)

"""Attacking the images of runs that differ in their pair alone, all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from asma_core.attacks import checks
from asma_core.attacks.contract import AttackInputs, AttackResult, StepReport
from asma_core.attacks.registry import find_attack
from asma_core.data.formats.images import FloatImage, read_image
from asma_core.errors import DeviceError, ModelError, RunStateError
from asma_core.fields import config_from_dict
from asma_core.models.sources.cards import ModelCard, find_card, network_hash, weights_hash
from asma_core.models.sources.loading import load_model, predict
from asma_core.models.wrapper.backend import float32_sums, make_backend
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import DefendedModel
from asma_core.models.wrapper.devices import choose_device, is_out_of_memory
from asma_core.models.wrapper.specs import CENTRE
from asma_core.models.wrapper.surviving import SurvivingModel
from asma_core.models.wrapper.threads import thread_count
from asma_core.runs.artefacts import ADVERSARIAL
from asma_core.runs.figures import Judge, make_judge
from asma_core.runs.keeper import RunKeeper
from asma_core.runs.live import LiveReporter
from asma_core.runs.measuring import attack_inputs, only_covered, warned
from asma_core.runs.run import Run
from asma_core.runs.snapshots import Snapshot
from asma_core.runs.spec import RunInputs
from asma_core.runs.store import RunStore
from asma_core.runs.together import SharedTime, Watch, each_alone


@dataclass(frozen=True)
class Attacked:
    """What an attack gave a run, with what surrounds it.

    Attributes:
        run: The run.
        inputs: As they were attacked: the image as its 8-bit file, void where no answer is.
        judge: What its predictions are held against.
        model: The network itself, in float32.
        device: It is on.
        precision: Of the attack's passes.
        result: Of the attack.
        snapshots: Of its way.
        seconds: That the attack took; of several at once its share, see `SharedTime`.
        batch: How many were attacked at once, this one among them.
        draws: How many answers a step of the attack asked for: behind a random defence, or where it
            is made to survive, several.
        warnings: What is to be said of network, image and course.
    """

    run: Run
    inputs: RunInputs
    judge: Judge
    model: SegmentationModel
    device: torch.device
    precision: str
    result: AttackResult
    snapshots: list[Snapshot]
    seconds: float
    batch: int
    draws: int
    warnings: list[str]


def attack_together(
    store: RunKeeper, runs: Sequence[Run], watch: Watch | None = None
) -> list[Attacked]:
    """Attack the images of runs at once; each can be watched, and stopped, by itself.

    What is wrong with one of them ends it for all.

    Args:
        store: Of the runs.
        runs: Of one recipe (`RunSpec.recipe`), their images of one size; claimed by this process.
        watch: Called for each image at each step; what it returns, if true, cancels that image.

    Raises:
        AsmaError: The network is another now, an image can't be attacked, no memory.
    """
    (card, *_) = [network_of(run) for run in runs]
    device = choose_device(runs[0].spec.execution.device)
    inputs = [as_attacked(store.inputs(run), card, device) for run in runs]
    with memory_explained(device, inputs[0]):
        return _attacked(store, runs, inputs, card, device, watch)


def network_of(run: Run) -> ModelCard:
    """Return the network that a run was asked of, and refuse any other.

    Raises:
        UnknownNameError: It is not there any more.
        ModelError: Weights or card have changed since.
    """
    card, spec = find_card(run.spec.model), run.spec
    if weights_hash(card) != spec.model_hash:
        raise ModelError(f"the weights of {spec.model} changed after the run was queued; repeat it")
    if spec.network_hash and network_hash(card) != spec.network_hash:
        raise ModelError(f"the card of {spec.model} changed after the run was queued; repeat it")
    return card


def as_attacked(given: RunInputs, card: ModelCard, device: torch.device) -> RunInputs:
    """Return what is attacked: the image as its 8-bit file, void where no answer is."""
    inputs = replace(given, image=given.original)
    if card.output.fit != CENTRE:
        return inputs
    return only_covered(load_model(card, device), inputs)


@dataclass(frozen=True)
class Made:
    """What a run has made, to be looked at again.

    Attributes:
        card: Of its network, which is still the one that was attacked.
        device: To ask it on.
        inputs: As they were attacked.
        saved: Its file, float32 (C, H, W) in [0, 1].
    """

    card: ModelCard
    device: torch.device
    inputs: RunInputs
    saved: FloatImage


def made_by(store: RunStore, run: Run, device: str) -> Made:
    """Return what a run has made, cancelled or not.

    Args:
        store: Of the run.
        run: One with a result.
        device: As `Execution` names it.

    Raises:
        RunStateError: It has no result.
        UnknownNameError: Its network is not there any more.
        ModelError: The network has changed since.
        DeviceError: No such device.
        StoreError: A file of the run can't be read.
    """
    if not run.results:
        raise RunStateError(
            f"run {run.id} has no result ({run.message or run.state}), so there is no file of it; "
            "choose a run that has one"
        )
    card, where = network_of(run), choose_device(device)
    inputs = as_attacked(store.inputs(run), card, where)
    return Made(card, where, inputs, read_image(store.folder(run.id) / ADVERSARIAL))


@contextmanager
def memory_explained(device: torch.device, inputs: RunInputs) -> Iterator[None]:
    """Say what to do when memory runs out on an image.

    Raises:
        DeviceError: It did.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceError(
            f"{device} ran out of memory on an image of {inputs.image.shape[2]} x "
            f"{inputs.image.shape[1]}; make the image smaller or choose another device"
        ) from error


def _attacked(
    store: RunKeeper,
    runs: Sequence[Run],
    inputs: Sequence[RunInputs],
    card: ModelCard,
    device: torch.device,
    watch: Watch | None,
) -> list[Attacked]:
    spec, count = runs[0].spec, len(runs)
    entry = find_attack(spec.attack)
    model = load_model(card, device)
    config = config_from_dict(entry.config, spec.config)
    goal = config.goal()
    torch.manual_seed(spec.execution.seed)
    torch.set_num_threads(spec.threads or thread_count())
    judges = [
        make_judge(one, predict(model, one.image, device), len(model.classes), goal.aim)
        for one in inputs
    ]
    warnings = [
        warned(model, attack_inputs([one], [judge], device), goal.away)
        for one, judge in zip(inputs, judges, strict=True)
    ]
    given = attack_inputs(inputs, judges, device)
    searched, draws = searched_through(model, given, goal.away, spec.execution.survives)
    backend = make_backend(searched, device, spec.execution.precision)
    not_compiled = backend.compiled_for(given.images) if spec.execution.compiled else ""
    reporters = [LiveReporter(store, run.id, count) for run in runs]
    shared = SharedTime(count)
    on_step = each_alone([_both(reporter, watch) for reporter in reporters], shared)
    with float32_sums(backend.precision):
        results = entry.attack(backend, given, config, on_step=on_step)
    shared.charge(range(count))
    return [
        Attacked(
            run=run,
            inputs=inputs[place],
            judge=judges[place],
            model=model,
            device=device,
            precision=backend.precision,
            result=results[place],
            snapshots=reporters[place].keeper.snapshots,
            seconds=shared.seconds[place],
            batch=count,
            draws=draws,
            warnings=[
                *warnings[place],
                *([not_compiled] if not_compiled else []),
                *(checks.after(results[place].trajectory) if entry.monotone else []),
            ],
        )
        for place, run in enumerate(runs)
    ]


def searched_through(
    model: SegmentationModel, given: AttackInputs, away: bool, survives: bool
) -> tuple[SegmentationModel | SurvivingModel, int]:
    """Return what an attack searches through, and how many answers a step asks for.

    Args:
        model: The network that is judged.
        given: What is attacked; one image alone where it shall survive.
        away: Whether the attack leads away.
        survives: Whether what it makes shall survive what happens to files.
    """
    searched = SurvivingModel(model, given.target, away) if survives else model
    if isinstance(searched, DefendedModel | SurvivingModel):
        return searched, searched.choose_draws(given.images)
    return searched, 1


def _both(reporter: LiveReporter, watch: Watch | None) -> Watch:
    def on_step(report: StepReport) -> bool:
        stop = reporter(report)
        return bool(watch is not None and watch(report)) or stop

    return on_step

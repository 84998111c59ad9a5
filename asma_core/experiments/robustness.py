"""Does a defence hold? Each attack on the bare network and on it behind each defence.

An attack that does not know the defence is one on the bare network whose file the defended one is
shown; an attack that knows it goes through it. Both are made, and a black box besides: a defence
against which one of these does better than the gradients has only hidden them (Carlini et al.,
arXiv:1902.06705).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from asma_core.data.formats.images import read_image
from asma_core.errors import RunStateError
from asma_core.experiments.cells import Cell
from asma_core.experiments.execute import execute
from asma_core.experiments.plan import Variant
from asma_core.experiments.robustness_plan import RobustnessPlan, networks, words_of
from asma_core.experiments.store import ExperimentStore, ended
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.metrics.score import SUCCESS, outcome
from asma_core.models.sources.loading import load_model, predict
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.wrapper.devices import choose_device
from asma_core.runs.artefacts import ADVERSARIAL
from asma_core.runs.attacking import as_attacked
from asma_core.runs.figures import Judge, Labels, make_judge
from asma_core.runs.run import Run
from asma_core.runs.spec import RunInputs
from asma_core.runs.store import RunStore


@dataclass(frozen=True)
class Seen:
    """What a network says of a file.

    Attributes:
        success: Whether it is a change that fools it as was asked.
        score: As the run is judged, in [0, 1].
        iou: With the truth, in [0, 1]; None where there is none.
    """

    success: bool
    score: float
    iou: float | None


@dataclass(frozen=True)
class Trial:
    """One attack on one image, and one network.

    Attributes:
        defence: In words, "none" of the bare network; the name of another network.
        network: Its name.
        attack: The attack's row.
        cell: Of the attack that knows the defence; of the bare network, of the attack on it.
        clean_iou: With the truth, of the original; None where there is no truth.
        knowing: What the network says of that attack's file; None where it failed.
        unknowing: What it says of the file that fools the bare network; None where there is none.
    """

    defence: str
    network: str
    attack: Variant
    cell: Cell
    clean_iou: float | None
    knowing: Seen | None
    unknowing: Seen | None


def carry_out(
    store: ExperimentStore,
    plan: RobustnessPlan,
    on_cell: Callable[[int], None] = lambda _: None,
    most: int | None = None,
) -> list[Trial]:
    """Attack all there is to attack in this process; what is done is not repeated.

    Each network's part is an experiment of the store, and its runs are there for all pages. A
    network behind a defence that is not kept yet is kept under a name of its own.

    Args:
        store: Of the experiments.
        plan: What is asked.
        on_cell: Gets the number of cells that have been passed so far.
        most: Pairs that are attacked at once; None for as many as is usual on the device.

    Returns:
        The trials: the bare network's first, then defence by defence, image by image.

    Raises:
        InputError: A name that there is not, classes that differ, or a network behind defences.
        RunStateError: Another process carries one of the experiments out.
        DeviceError: No such device.
    """
    cards = networks(plan)
    each = len(plan.pairs) * len(plan.attacks)
    for place, card in enumerate(cards):
        experiment = store.open(plan.part(card.name))
        if not store.claim(experiment.id):
            raise RunStateError(
                f"another process carries out the experiment {experiment.id}; wait for it, or stop "
                "it on the Experiments page"
            )
        execute(store, experiment, _further(on_cell, place * each), most)
    return looked_at(store, plan)


def looked_at(store: ExperimentStore, plan: RobustnessPlan) -> list[Trial]:
    """Return the trials of attacks that have ended; see `carry_out`.

    Raises:
        InputError: As for `carry_out`.
        RunStateError: Not all attacks have ended.
        DeviceError: No such device.
    """
    cards = networks(plan)
    cells = [store.cells(store.open(plan.part(card.name))) for card in cards]
    if any(cell is None for own in cells for cell in own):
        raise RunStateError("not all attacks have ended; go on with them first")
    device = choose_device(plan.execution.device)
    trials = []
    for card, own in zip(cards, cells, strict=True):
        look = _Look(store.runs, card, device)
        pairs = zip(ended(own), ended(cells[0]), strict=True)
        trials += [look.trial(plan, mine, bare, at) for at, (mine, bare) in enumerate(pairs)]
    return trials


def _further(on_cell: Callable[[int], None], passed: int) -> Callable[[int], None]:
    return lambda done: on_cell(passed + done)


@dataclass(frozen=True)
class _Look:
    """Asks a network about files."""

    runs: RunStore
    card: ModelCard
    device: torch.device

    def trial(self, plan: RobustnessPlan, own: Cell, bare: Cell, at: int) -> Trial:
        attack = plan.attacks[at % len(plan.attacks)]
        words = words_of(plan, self.card)
        if not (own.run_id and own.results):
            return Trial(words, self.card.name, attack, own, None, None, None)
        run = self.runs.get(own.run_id)
        inputs = as_attacked(self.runs.inputs(run), self.card, self.device)
        clean = self._says(inputs)
        judge = make_judge(inputs, clean, len(self.card.classes), run.aim)
        knowing = self._seen(run, run, judge, inputs)
        unknowing = None
        if bare.run_id and bare.results:
            unknowing = self._seen(self.runs.get(bare.run_id), run, judge, inputs)
        clean_iou = _iou(clean, inputs, judge.classes)
        return Trial(words, self.card.name, attack, own, clean_iou, knowing, unknowing)

    def _says(self, inputs: RunInputs) -> Labels:
        return predict(load_model(self.card, self.device), inputs.image, self.device)

    def _seen(self, of: Run, run: Run, judge: Judge, inputs: RunInputs) -> Seen:
        """Return what the network says of a run's file, as its own run is judged."""
        saved = read_image(self.runs.folder(of.id) / ADVERSARIAL)
        labels = self._says(replace(inputs, image=saved))
        score = float(judge.figures(labels, "")["score"])
        before = float(judge.figures(judge.clean, "")["score"])
        success = outcome(before, score, run.wanted) == SUCCESS
        return Seen(success, score, _iou(labels, inputs, judge.classes))


def _iou(labels: Labels, inputs: RunInputs, classes: int) -> float | None:
    """Return the mean foreground IoU with the truth; None where there is none to have."""
    if inputs.truth is None:
        return None
    value = foreground_iou(confusion_matrix(labels, inputs.truth, classes, inputs.valid))
    return None if value != value else value


def problems(trials: Sequence[Trial]) -> list[str]:
    """Return what could not be attacked, in sentences."""
    return [
        f"{one.attack.label} on {one.cell.sample} ({one.defence}): {one.cell.message}"
        for one in trials
        if one.cell.message
    ]

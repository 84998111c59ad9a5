"""Does a defence hold? Each attack on the bare network and on it behind each defence.

An attack that does not know the defence is one on the bare network whose file the defended one is
shown; an attack that knows it goes through it. Both are made, and a black box besides: a defence
against which one of these does better than the gradients has only hidden them (Carlini et al.,
arXiv:1902.06705).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asma_core.experiments.cells import Cell
from asma_core.experiments.execute import ended_cells, execute_parts
from asma_core.experiments.plan import Variant
from asma_core.experiments.robustness_plan import RobustnessPlan, networks, words_of
from asma_core.experiments.shown_files import Look, Seen, truth_iou
from asma_core.experiments.store import ExperimentStore
from asma_core.models.wrapper.devices import choose_device
from asma_core.runs.figures import make_judge


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
    execute_parts(store, [plan.part(card.name) for card in networks(plan)], on_cell, most)
    return looked_at(store, plan)


def looked_at(store: ExperimentStore, plan: RobustnessPlan) -> list[Trial]:
    """Return the trials of attacks that have ended; see `carry_out`.

    Raises:
        InputError: As for `carry_out`.
        RunStateError: Not all attacks have ended.
        DeviceError: No such device.
    """
    cards = networks(plan)
    cells = [ended_cells(store, plan.part(card.name)) for card in cards]
    device = choose_device(plan.execution.device)
    trials = []
    for card, own in zip(cards, cells, strict=True):
        look = Look(store.runs, card, device)
        pairs = zip(own, cells[0], strict=True)
        trials += [_trial(look, plan, mine, bare, at) for at, (mine, bare) in enumerate(pairs)]
    return trials


def _trial(look: Look, plan: RobustnessPlan, own: Cell, bare: Cell, at: int) -> Trial:
    attack, card = plan.attacks[at % len(plan.attacks)], look.card
    words = words_of(plan, card)
    if not (own.run_id and own.results):
        return Trial(words, card.name, attack, own, None, None, None)
    run = look.runs.get(own.run_id)
    inputs = look.inputs(run)
    clean = look.says(inputs)
    judge = make_judge(inputs, clean, len(card.classes), run.aim)
    knowing = look.seen(run, run, judge, inputs)
    unknowing = None
    if bare.run_id and bare.results:
        unknowing = look.seen(look.runs.get(bare.run_id), run, judge, inputs)
    clean_iou = truth_iou(clean, inputs, judge.classes)
    return Trial(words, card.name, attack, own, clean_iou, knowing, unknowing)


def problems(trials: Sequence[Trial]) -> list[str]:
    """Return what could not be attacked, in sentences."""
    return [
        f"{one.attack.label} on {one.cell.sample} ({one.defence}): {one.cell.message}"
        for one in trials
        if one.cell.message
    ]

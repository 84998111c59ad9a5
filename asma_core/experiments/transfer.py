"""Does an attack on one network fool another? Each network attacked, its files shown to all.

The files are those of runs: what is shown is what was saved. A network that is shown its own file
is the white box. Beside the networks stands the ensemble of all but one, attacked for that one
(Liu et al., "Delving into Transferable Adversarial Examples and Black-box Attacks", ICLR 2017,
arXiv:1611.02770).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asma_core.errors import AsmaError
from asma_core.experiments.cells import Cell
from asma_core.experiments.execute import ended_cells, execute_parts
from asma_core.experiments.plan import Variant
from asma_core.experiments.shown_files import Look, Seen, truth_iou
from asma_core.experiments.store import ExperimentStore
from asma_core.experiments.transfer_plan import Attacker, TransferPlan, attackers, networks
from asma_core.metrics.score import reached
from asma_core.models.wrapper.devices import choose_device
from asma_core.runs.figures import Judge, make_judge
from asma_core.runs.run import Run
from asma_core.runs.spec import RunInputs


@dataclass(frozen=True)
class Showing:
    """One file of one network, shown to one network.

    Attributes:
        attacker: Name of the network that was attacked, or `OTHERS`.
        victim: Name of the network that the file is shown to.
        attack: The attack's row.
        cell: Of the attack.
        clean_iou: Of the victim with the truth, on the original; None where there is no truth.
        already: Whether the victim is at the goal on the original.
        seen: What it says of the file; None where there is none, or it can't answer.
        message: Why, in a sentence, or "".
    """

    attacker: str
    victim: str
    attack: Variant
    cell: Cell
    clean_iou: float | None
    already: bool
    seen: Seen | None
    message: str = ""


def carry_out(
    store: ExperimentStore,
    plan: TransferPlan,
    on_cell: Callable[[int], None] = lambda _: None,
    most: int | None = None,
) -> list[Showing]:
    """Attack all there is to attack in this process, and show; what is done is not repeated.

    Each network's part is an experiment of the store, and its runs are there for all pages. An
    ensemble that is not kept yet is kept under a name of its own.

    Args:
        store: Of the experiments.
        plan: What is asked.
        on_cell: Gets the number of cells that have been passed so far.
        most: Pairs that are attacked at once; None for as many as is usual on the device.

    Returns:
        The showings: network by network, and for each victim by victim.

    Raises:
        InputError: A name that there is not, classes that differ, or fewer than two networks.
        RunStateError: Another process carries one of the experiments out.
        DeviceError: No such device.
    """
    execute_parts(store, [one.part for one in attackers(plan)], on_cell, most)
    return looked_at(store, plan)


def looked_at(store: ExperimentStore, plan: TransferPlan) -> list[Showing]:
    """Return the showings of attacks that have ended; see `carry_out`.

    Raises:
        InputError: As for `carry_out`.
        RunStateError: Not all attacks have ended.
        DeviceError: No such device.
    """
    found = [(one, ended_cells(store, one.part)) for one in attackers(plan)]
    device = choose_device(plan.execution.device)
    # Victim by victim, so that a network is loaded once.
    shown = {
        (place, name, at): showing
        for name, card in networks(plan).items()
        for victim in [_Victim(Look(store.runs, card, device))]
        for place, (one, cells) in enumerate(found)
        if name in one.shown_to
        for at, cell in enumerate(cells)
        for showing in [victim.shown(one, cell, one.part.variants[at % len(one.part.variants)])]
    }
    order = {name: at for at, name in enumerate(plan.models)}
    return [shown[key] for key in sorted(shown, key=lambda key: (key[0], order[key[1]], key[2]))]


class _Victim:
    """A network that is shown files; what it says of an original is asked once."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._judges: dict[tuple[str, str], tuple[RunInputs, Judge]] = {}

    def shown(self, attacker: Attacker, cell: Cell, attack: Variant) -> Showing:
        names = attacker.label, self._look.card.name, attack, cell
        if not (cell.run_id and cell.results):
            return Showing(*names, None, False, None, cell.message)
        run = self._look.runs.get(cell.run_id)
        try:
            inputs, judge = self._judge(run)
            seen = self._look.seen(run, run, judge, inputs)
        except AsmaError as error:
            return Showing(*names, None, False, None, str(error))
        already = reached(float(judge.figures(judge.clean, "")["score"]), run.wanted)
        clean = truth_iou(judge.clean, inputs, judge.classes)
        return Showing(*names, clean, already, seen)

    def _judge(self, run: Run) -> tuple[RunInputs, Judge]:
        key = run.spec.inputs_hash, run.aim
        if key not in self._judges:
            inputs = self._look.inputs(run)
            classes = len(self._look.card.classes)
            judge = make_judge(inputs, self._look.says(inputs), classes, run.aim)
            self._judges[key] = inputs, judge
        return self._judges[key]


def problems(showings: Sequence[Showing]) -> list[str]:
    """Return what could not be attacked or answered, in sentences, each once."""
    told = [
        f"{one.attack.label} on {one.cell.sample}, made on {one.attacker}: {one.message}"
        if one.cell.message
        else f"{one.victim} on {one.cell.sample}: {one.message}"
        for one in showings
        if one.message
    ]
    return list(dict.fromkeys(told))

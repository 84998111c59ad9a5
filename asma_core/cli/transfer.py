"""The command `transfer`: does an attack on one network fool another?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from asma_core.cli.many_pairs import add_many_options, execution_of, listed, settings_given
from asma_core.cli.progress import Progress
from asma_core.data.datasets import open_dataset
from asma_core.errors import InputError
from asma_core.experiments.plan import pairs_of
from asma_core.experiments.store import ExperimentStore
from asma_core.experiments.transfer_plan import (
    GOALS,
    MADE_TO_TRANSFER,
    USUAL_LOSS,
    TransferPlan,
    TransferPlans,
    asked_attacks,
    attackers,
)
from asma_core.runs.store import RunStore


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "--models", required=True, metavar="A,B,...", help="names of networks of one data set"
    )
    add_many_options(parser, samples=10)
    parser.add_argument("--attacks", default="pgd", help="names, separated by commas (pgd)")
    parser.add_argument(
        "--goals",
        default=",".join(GOALS),
        help="towards the target, away from the prediction, or both (towards,away)",
    )
    parser.add_argument(
        "--loss",
        default=USUAL_LOSS,
        help=f"of IoU, from which on an attack that leads away is a success ({USUAL_LOSS})",
    )
    parser.add_argument(
        "--no-others", action="store_true", help="leave out the ensemble of all networks but one"
    )
    parser.add_argument(
        "--made-to-transfer",
        action="store_true",
        help="momentum, input diversity and the whole budget, for attacks that have them",
    )
    parser.add_argument("--out", help="folder for the tables")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Attack each network, and show its files to all."""
    from asma_core.experiments.transfer import carry_out
    from asma_core.experiments.transfer_table import answer, written

    names = listed(options.attacks)
    if not names:
        raise InputError("name at least one attack: --attacks pgd,minimal")
    settings = (MADE_TO_TRANSFER if options.made_to_transfer else {}) | settings_given(options)
    plan = TransferPlan(
        tuple(listed(options.models)),
        options.dataset,
        pairs_of(open_dataset(options.dataset), options.samples),
        asked_attacks(names, listed(options.goals), settings, options.loss),
        not options.no_others,
        execution_of(options),
    )
    progress = Progress("transfer", sum(len(one.part.cells()) for one in attackers(plan)))
    store = ExperimentStore(RunStore())
    TransferPlans(store.runs.home).keep(plan)
    try:
        showings = carry_out(store, plan, progress.update, options.batch)
    finally:
        progress.close()
    found = answer(plan, showings)
    files = written(Path(options.out), showings) if options.out else {}
    return found | ({"files": files} if files else {})

"""The command `robustness`: what defences are worth, against attacks that know them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from asma_core.cli.many_pairs import add_pairs_options, asked_of, listed
from asma_core.cli.networks import check_all_suit
from asma_core.cli.progress import Progress
from asma_core.errors import InputError
from asma_core.experiments.plan import pairs_of, variant
from asma_core.experiments.robustness_plan import (
    RobustnessPlan,
    RobustnessPlans,
    other_network,
    parsed,
    with_check,
)
from asma_core.experiments.store import ExperimentStore
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.learning import learnt
from asma_core.runs.store import RunStore


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_pairs_options(parser)
    parser.add_argument(
        "--defences",
        default="jpeg,bit-depth,median",
        help="names, separated by commas, with settings behind colons: jpeg:quality=85,median; "
        "network:NAME sets another network beside, such as one that was trained adversarially",
    )
    parser.add_argument("--attacks", default="minimal", help="names, separated by commas")
    parser.add_argument(
        "--no-black-box", action="store_true", help="leave the check by square out (it is slow)"
    )
    parser.add_argument("--out", help="folder for the report and the tables")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Attack a network with and without defences, and say what each is worth."""
    from asma_core.experiments.robustness import carry_out
    from asma_core.experiments.robustness_report import answer, written

    asked = asked_of(options)
    names = listed(options.attacks)
    if not names:
        raise InputError("name at least one attack: --attacks asma,minimal")
    if not options.no_black_box:
        names = with_check(names)
    texts = listed(options.defences)
    others = [other_network(text) for text in texts]
    beside = tuple(dict.fromkeys(name for name in others if name is not None))
    for card in (asked.card, *map(find_card, beside)):
        check_all_suit(card, names)
    defences = [parsed(text) for text, other in zip(texts, others, strict=True) if other is None]
    plan = RobustnessPlan(
        asked.card.name,
        options.dataset,
        pairs_of(asked.dataset, options.samples),
        tuple(variant(name, asked.settings) for name in names),
        tuple(learnt(defence, asked.dataset) for defence in defences if defence is not None),
        asked.execution,
        beside,
    )
    progress = Progress("robustness", plan.total)
    store = ExperimentStore(RunStore())
    RobustnessPlans(store.runs.home).keep(plan)
    try:
        trials = carry_out(store, plan, progress.update, options.batch)
    finally:
        progress.close()
    found = answer(plan, trials)
    files = written(Path(options.out), store.runs, plan, trials) if options.out else {}
    return found | ({"files": files} if files else {})

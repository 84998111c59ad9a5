"""The command `robustness`: what defences are worth, against attacks that know them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from asma_core.cli.arguments import batch_option, count, model_option
from asma_core.cli.named_values import named_values
from asma_core.cli.networks import check_all_suit, check_execution
from asma_core.cli.progress import Progress
from asma_core.cli.setting_options import add_settings, settings_of
from asma_core.data.datasets import open_dataset
from asma_core.errors import InputError
from asma_core.experiments.plan import pairs_of, variant
from asma_core.experiments.robustness_plan import (
    RobustnessPlan,
    RobustnessPlans,
    parsed,
    with_check,
)
from asma_core.experiments.store import ExperimentStore
from asma_core.models.sources.cards import find_card
from asma_core.runs.execution import Execution
from asma_core.runs.store import RunStore


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_option(parser)
    add_settings(parser, Execution)
    parser.add_argument("--dataset", required=True, help="a data set's name or a folder")
    parser.add_argument("--samples", type=count, default=20, help="pairs to attack (20)")
    parser.add_argument(
        "--defences",
        default="jpeg,bit-depth,median",
        help="names, separated by commas, with settings behind colons: jpeg:quality=85,median",
    )
    parser.add_argument("--attacks", default="minimal", help="names, separated by commas")
    parser.add_argument("--steps", help="short for --set steps=N")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of every attack that has it",
    )
    parser.add_argument(
        "--no-black-box", action="store_true", help="leave the check by square out (it is slow)"
    )
    batch_option(parser)
    parser.add_argument("--out", help="folder for the report and the tables")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Attack a network with and without defences, and say what each is worth."""
    from asma_core.experiments.robustness import carry_out
    from asma_core.experiments.robustness_report import answer, written

    card, dataset = find_card(options.model), open_dataset(options.dataset)
    execution = settings_of(options, Execution)
    check_execution(execution)
    settings = named_values(options.set)
    if options.steps is not None:
        settings["steps"] = options.steps
    names = _split(options.attacks)
    if not names:
        raise InputError("name at least one attack: --attacks asma,minimal")
    if not options.no_black_box:
        names = with_check(names)
    check_all_suit(card, names)
    asked = [parsed(text) for text in _split(options.defences)]
    plan = RobustnessPlan(
        card.name,
        options.dataset,
        pairs_of(dataset, options.samples),
        tuple(variant(name, settings) for name in names),
        tuple(defence for defence in asked if defence is not None),
        execution,
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


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))

"""The command `detect`: would a machine notice an attack, and one that knows the detector?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from asma_core.cli.arguments import batch_option, count, model_option
from asma_core.cli.named_values import named_values
from asma_core.cli.networks import check_all_suit, check_execution
from asma_core.cli.progress import Progress
from asma_core.cli.setting_options import add_settings, settings_of
from asma_core.data.datasets import open_dataset
from asma_core.defences.detectors.registry import DETECTORS
from asma_core.errors import InputError
from asma_core.experiments.plan import pairs_of, variant
from asma_core.experiments.store import ExperimentStore
from asma_core.models.sources.cards import find_card
from asma_core.runs.execution import Execution
from asma_core.runs.store import RunStore

ALL: Final = ",".join(DETECTORS)
# Settings by which it is said what an attack is to reach.
GOAL: Final = ("target_iou", "goal_is", "rounding")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_option(parser)
    add_settings(parser, Execution)
    parser.add_argument("--dataset", required=True, help="a data set's name or a folder")
    parser.add_argument("--samples", type=count, default=20, help="pairs to attack (20)")
    parser.add_argument("--attack", default="minimal", help="that does not know the detectors")
    parser.add_argument("--steps", help="short for --set steps=N")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the attack"
    )
    parser.add_argument(
        "--detectors",
        default=ALL,
        help=f"names, separated by commas, with settings behind colons: squeezing:bits=3 ({ALL})",
    )
    parser.add_argument(
        "--adaptive-steps", type=count, default=200, help="of the attack that knows each (200)"
    )
    parser.add_argument("--budget", help="of that attack, L2 in [0, 1] units (automatic)")
    parser.add_argument(
        "--no-adaptive", action="store_true", help="leave out the attack that knows each (slow)"
    )
    batch_option(parser)
    parser.add_argument("--out", help="folder for the tables")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Attack images with and without knowing the detectors, and say what these are worth."""
    from asma_core.experiments.detection import EVADE, DetectionPlan, carry_out, evading
    from asma_core.experiments.detection_table import problems, rows, sentences, written

    card, dataset = find_card(options.model), open_dataset(options.dataset)
    execution = settings_of(options, Execution)
    check_execution(execution)
    detectors = tuple(_split(options.detectors))
    if not detectors:
        raise InputError("name at least one detector: --detectors entropy,squeezing")
    settings = named_values(options.set)
    if options.steps is not None:
        settings["steps"] = options.steps
    # Both have the same goal; steps and budgets are each one's own.
    own = {name: text for name, text in settings.items() if name in GOAL}
    own["steps"] = str(options.adaptive_steps)
    own |= {} if options.budget is None else {"budget": options.budget}
    known = () if options.no_adaptive else tuple(evading(text, own) for text in detectors)
    check_all_suit(card, [options.attack, *([EVADE] if known else [])])
    attack = variant(options.attack, settings)
    pairs = pairs_of(dataset, options.samples)
    plan = DetectionPlan(card.name, options.dataset, pairs, attack, detectors, known, execution)
    progress = Progress("detect", len(pairs) * (1 + len(known)))
    try:
        found, cells = carry_out(ExperimentStore(RunStore()), plan, progress.update, options.batch)
    finally:
        progress.close()
    table = rows(found)
    answer: dict[str, Any] = {
        "model": plan.model,
        "dataset": plan.dataset,
        "attack": attack.label,
        "sentences": sentences(table),
        "rows": table,
        "problems": problems(cells),
    }
    if options.out:
        answer["files"] = written(Path(options.out), table)
    return answer


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))

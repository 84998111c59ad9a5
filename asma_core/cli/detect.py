"""The command `detect`: would a machine notice an attack, and one that knows the detector?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asma_core.cli.arguments import count
from asma_core.cli.many_pairs import add_pairs_options, asked_of, listed
from asma_core.cli.networks import check_all_suit
from asma_core.cli.progress import Progress
from asma_core.defences.detectors.registry import DETECTORS
from asma_core.errors import InputError
from asma_core.experiments.plan import pairs_of, variant
from asma_core.experiments.store import ExperimentStore
from asma_core.runs.store import RunStore

if TYPE_CHECKING:
    from asma_core.experiments.detection import DetectionPlan

ALL: Final = ",".join(DETECTORS)
# Settings by which it is said what an attack is to reach.
GOAL: Final = ("target_iou", "goal_is", "rounding")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_pairs_options(parser)
    parser.add_argument("--attack", default="minimal", help="that does not know the detectors")
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
    parser.add_argument("--out", help="folder for the tables")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Attack images with and without knowing the detectors, and say what these are worth."""
    from asma_core.experiments.detection import carry_out
    from asma_core.experiments.detection_table import problems, rows, sentences, written

    plan = _plan(options)
    progress = Progress("detect", len(plan.pairs) * (1 + len(plan.evading)))
    try:
        found, cells = carry_out(ExperimentStore(RunStore()), plan, progress.update, options.batch)
    finally:
        progress.close()
    table = rows(found)
    answer: dict[str, Any] = {
        "model": plan.model,
        "dataset": plan.dataset,
        "attack": plan.attack.label,
        "sentences": sentences(table),
        "rows": table,
        "problems": problems(cells),
    }
    if options.out:
        answer["files"] = written(Path(options.out), table)
    return answer


def _plan(options: argparse.Namespace) -> DetectionPlan:
    """Return what is asked, checked as far as it can be before anything is loaded."""
    from asma_core.experiments.detection import DetectionPlan, evading

    asked = asked_of(options)
    detectors = tuple(listed(options.detectors))
    if not detectors:
        raise InputError("name at least one detector: --detectors entropy,squeezing")
    # Both have the same goal; steps and budgets are each one's own.
    own = {name: text for name, text in asked.settings.items() if name in GOAL}
    own["steps"] = str(options.adaptive_steps)
    own |= {} if options.budget is None else {"budget": options.budget}
    check_all_suit(asked.card, [options.attack])
    if not (asked.card.takes_gradients or options.no_adaptive):
        raise InputError(
            f"{asked.card.name} takes no gradients, so that no attack can know a detector; add "
            "--no-adaptive"
        )
    known = () if options.no_adaptive else tuple(evading(text, own) for text in detectors)
    attack = variant(options.attack, asked.settings)
    pairs = pairs_of(asked.dataset, options.samples)
    return DetectionPlan(
        asked.card.name, options.dataset, pairs, attack, detectors, known, asked.execution
    )

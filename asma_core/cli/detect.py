"""The command `detect`: would a machine notice an attack, and one that knows the detector?"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from asma_core.cli.arguments import count
from asma_core.cli.many_pairs import add_pairs_options, asked_of, listed
from asma_core.cli.progress import Progress
from asma_core.defences.detectors.registry import DETECTORS
from asma_core.errors import InputError
from asma_core.experiments.detection_plan import (
    DetectionPlan,
    DetectionPlans,
    check_asked,
    evading,
)
from asma_core.experiments.plan import pairs_of, variant
from asma_core.experiments.store import ExperimentStore
from asma_core.runs.store import RunStore

ALL: Final = ",".join(DETECTORS)


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
    from asma_core.experiments.detection_table import answer, rows, written

    plan = _plan(options)
    store = ExperimentStore(RunStore())
    # So that the Defences page has it too.
    DetectionPlans(store.runs.home).keep(plan)
    progress = Progress("detect", plan.total)
    try:
        found, cells = carry_out(store, plan, progress.update, options.batch)
    finally:
        progress.close()
    table = rows(found)
    told: dict[str, Any] = answer(plan, table, cells)
    if options.out:
        told["files"] = written(Path(options.out), table)
    return told


def _plan(options: argparse.Namespace) -> DetectionPlan:
    """Return what is asked, checked as far as it can be before anything is loaded."""
    asked = asked_of(options)
    detectors = tuple(listed(options.detectors))
    if not detectors:
        raise InputError("name at least one detector: --detectors entropy,squeezing")
    known = (
        ()
        if options.no_adaptive
        else tuple(
            evading(text, asked.settings, options.adaptive_steps, options.budget or "")
            for text in detectors
        )
    )
    attack = variant(options.attack, asked.settings)
    plan = DetectionPlan(
        asked.card.name, options.dataset, (), attack, detectors, known, asked.execution
    )
    check_asked(plan, asked.card)
    return replace(plan, pairs=pairs_of(asked.dataset, options.samples))

"""The command `universal`: one change for all images of a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from asma_core.attacks.universal import UniversalConfig
from asma_core.cli.arguments import count, device_option, from_zero, model_option
from asma_core.cli.networks import device_name
from asma_core.cli.progress import Progress
from asma_core.cli.setting_options import add_settings, settings_of
from asma_core.data.datasets import open_dataset
from asma_core.errors import RunStateError
from asma_core.experiments.universal_plan import UniversalPlan, universal_plan
from asma_core.experiments.universal_store import UniversalStore
from asma_core.models.sources.cards import find_card


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_option(parser)
    device_option(parser)
    parser.add_argument("--dataset", required=True, help="a data set's name or a folder")
    parser.add_argument(
        "--images",
        type=count,
        default=16,
        help="most images to learn on: 1, 2, 4, ... of them (16)",
    )
    parser.add_argument(
        "--unseen", type=count, default=16, help="most images to judge on, never learned (16)"
    )
    parser.add_argument(
        "--goal",
        default="hide",
        help="hide: nothing is outlined; mask: the same outline in all; away from the prediction "
        "(hide)",
    )
    parser.add_argument("--target-sample", help="the image whose mask it is, for the goal mask")
    parser.add_argument(
        "--wanted",
        type=float,
        help="score from which on an image is fooled (0.9; away 0.5 of its IoU lost)",
    )
    parser.add_argument("--seed", type=from_zero, default=0, help="of torch's generator (0)")
    add_settings(parser, UniversalConfig)
    parser.add_argument("--out", help="folder for the change, its picture and the tables")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Learn one change on more and more images, and put it on others; what is there is kept."""
    from asma_core.experiments.universal_table import answer, written

    device_name(options.device)
    plan = universal_plan(
        find_card(options.model),
        open_dataset(options.dataset),
        options.images,
        options.unseen,
        options.goal,
        target=options.target_sample or "",
        wanted=options.wanted,
        config=settings_of(options, UniversalConfig),
        device=options.device,
        seed=options.seed,
    )
    store = UniversalStore()
    _learn(store, plan)
    parts = store.parts(plan.id)
    told = {"id": plan.id} | answer(plan, parts)
    files = written(Path(options.out), plan, parts) if options.out else {}
    return told | ({"files": files} if files else {})


def _learn(store: UniversalStore, plan: UniversalPlan) -> None:
    if store.is_complete(plan):
        store.plans.keep(plan)
        return
    from asma_core.experiments.universal_execute import execute

    store.recover()
    # One that waits for its turn elsewhere is taken from there.
    store.queue(plan)
    progress = Progress("universal", plan.steps)
    try:
        mine = execute(store, plan.id, progress.update)
    finally:
        progress.close()
    if not mine:
        raise RunStateError(
            "another process learns this change; wait for it, or stop it on the Defences page"
        )
    ended = store.learning(plan.id)
    if not store.is_complete(plan):
        raise RunStateError(ended.message or "it was stopped; the same command goes on with it")

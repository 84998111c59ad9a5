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
    """Learn one change on more and more images, and put it on others."""
    from asma_core.experiments.universal import carry_out, universal_plan
    from asma_core.experiments.universal_table import answer, written

    dataset = open_dataset(options.dataset)
    target = dataset.find(options.target_sample) if options.target_sample else None
    plan = universal_plan(
        find_card(options.model),
        dataset,
        options.images,
        options.unseen,
        options.goal,
        target=target,
        wanted=options.wanted,
        config=settings_of(options, UniversalConfig),
        device=device_name(options.device),
        seed=options.seed,
    )
    progress = Progress("universal", len(plan.counts) * plan.config.steps)
    try:
        found = carry_out(plan, progress.update)
    finally:
        progress.close()
    told = answer(plan, found)
    files = written(Path(options.out), plan, found) if options.out else {}
    return told | ({"files": files} if files else {})

"""The command `check-model`."""

from __future__ import annotations

import argparse
from typing import Any

from asma_core.cli.arguments import count, device_option
from asma_core.data.datasets import open_dataset
from asma_core.errors import InputError
from asma_core.models.sources.cards import find_card


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("name", metavar="NAME", help="of a network; `models` lists them")
    parser.add_argument("--dataset", help="to compare with; the one it was trained on by default")
    parser.add_argument("--samples", type=count, default=6, help="images to look at (6)")
    device_option(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Check a network on a few images and say what was found."""
    from asma_core.jobs.checks import check_on

    card = find_card(options.name)
    name = options.dataset or card.dataset
    if not name:
        raise InputError(f"{card.name} does not say what it was trained on; name a --dataset")
    dataset = open_dataset(name)
    answer = check_on(card, dataset, options.samples, options.device)
    return {"name": card.name, "dataset": dataset.name, **answer}

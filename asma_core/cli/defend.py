"""The command `defend`."""

from __future__ import annotations

import argparse
from typing import Any

from asma_core.cli.named_values import named_values
from asma_core.data.datasets import open_dataset
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.defending import defence_from_text, keep_defended


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("--model", required=True, help="name of a network")
    parser.add_argument("--defence", required=True, help="name of a defence, see `defences`")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the defence, such as quality=85",
    )
    parser.add_argument("--dataset", help="that a defence learns from which learns (denoiser)")
    parser.add_argument("--name", help="of the network that is kept; MODEL-DEFENCE by default")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Keep a network behind a defence."""
    card = find_card(options.model)
    defence = defence_from_text(options.defence, named_values(options.set))
    dataset = open_dataset(options.dataset) if options.dataset else None
    made = keep_defended(card, defence, options.name or f"{card.name}-{defence.name}", dataset)
    return {
        "name": made.name,
        "base": made.base,
        "defences": [one.as_dict() for one in made.defences],
        "description": made.description,
    }

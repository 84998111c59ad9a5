"""The command `map-classes`."""

from __future__ import annotations

import argparse
from typing import Any

from asma_core.cli.arguments import count, device_option
from asma_core.cli.named_values import named_values
from asma_core.cli.networks import prediction
from asma_core.data.datasets import open_dataset
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.class_mapping import (
    as_dict,
    from_words,
    keep_mapped,
    missing,
    proposed,
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("--model", required=True, help="name of a network")
    parser.add_argument("--dataset", required=True, help="name of a data set, or its folder")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="ITS_CLASS=CLASS",
        help="what a class of the network counts as, by name or number; the rest is proposed",
    )
    parser.add_argument("--name", help="of the network that is kept; MODEL-DATASET by default")
    parser.add_argument("--samples", type=count, default=6, help="images for the proposal (6)")
    device_option(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Keep a network in the classes of a data set."""
    card, dataset = find_card(options.model), open_dataset(options.dataset)
    dataset.check_masked()
    words = named_values(options.set)
    samples = dataset.some(options.samples)
    pairs = (
        (prediction(card, options.device, dataset.image(one)), dataset.mask(one).labels)
        for one in samples
    )
    counts_as = from_words(card, dataset, words, proposed(card, dataset, pairs))
    made = keep_mapped(card, dataset, counts_as, options.name or f"{card.name}-{dataset.name}")
    without = missing(counts_as, dataset)
    warnings = [f"no class of {card.name} counts as {', '.join(without)}"] if without else []
    return {
        "name": made.name,
        "model": card.name,
        "dataset": dataset.name,
        "classes": list(made.classes),
        "counts_as": as_dict(card, dataset, counts_as),
        "warnings": warnings,
    }

"""What commands share that attack many pairs of images and targets of a data set."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from asma_core.cli.arguments import batch_option, count, model_option
from asma_core.cli.named_values import named_values
from asma_core.cli.networks import check_execution
from asma_core.cli.setting_options import add_settings, settings_of
from asma_core.data.datasets import Dataset, open_dataset
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.model_card import ModelCard
from asma_core.runs.execution import Execution


@dataclass(frozen=True)
class Asked:
    """What the options say.

    Attributes:
        card: Of the network.
        dataset: The data set.
        execution: How the runs are carried out.
        settings: Of the attacks, as texts by their names.
    """

    card: ModelCard
    dataset: Dataset
    execution: Execution
    settings: dict[str, str]


def add_pairs_options(parser: argparse.ArgumentParser) -> None:
    """Add the network, and what `add_many_options` does."""
    model_option(parser)
    add_many_options(parser)


def add_many_options(parser: argparse.ArgumentParser, samples: int = 20) -> None:
    """Add data set, number of pairs, settings of the attacks, and how they are run."""
    add_settings(parser, Execution)
    parser.add_argument("--dataset", required=True, help="a data set's name or a folder")
    parser.add_argument(
        "--samples", type=count, default=samples, help=f"pairs to attack ({samples})"
    )
    parser.add_argument("--target-iou", help="short for --set target_iou=X")
    parser.add_argument("--steps", help="short for --set steps=N")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of every attack that has it",
    )
    batch_option(parser)


def asked_of(options: argparse.Namespace) -> Asked:
    """Return what the options of `add_pairs_options` say.

    Raises:
        AsmaError: A network or data set that there is not, or a device.
    """
    card, dataset = find_card(options.model), open_dataset(options.dataset)
    return Asked(card, dataset, execution_of(options), settings_given(options))


def execution_of(options: argparse.Namespace) -> Execution:
    """Return how the runs are carried out, checked.

    Raises:
        AsmaError: A device that there is not.
    """
    execution = settings_of(options, Execution)
    check_execution(execution)
    return execution


def settings_given(options: argparse.Namespace) -> dict[str, str]:
    """Return the settings of the attacks, as texts by their names.

    Raises:
        InputError: A text without "=".
    """
    short = {"steps": options.steps, "target_iou": options.target_iou}
    given = {name: text for name, text in short.items() if text is not None}
    return named_values(options.set) | given


def listed(text: str) -> list[str]:
    """Return the names in a text that commas part, each once."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))

"""The command `ensemble`."""

from __future__ import annotations

import argparse
from typing import Any

from asma_core.models.sources.ensembles import keep_ensemble
from asma_core.models.sources.importing import describe


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "--models", required=True, metavar="A,B,...", help="names of networks of the same classes"
    )
    parser.add_argument("--name", required=True, help="of the network that is kept")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Keep an ensemble of networks as a network of its own."""
    names = [name.strip() for name in options.models.split(",") if name.strip()]
    return describe(keep_ensemble(names, options.name))

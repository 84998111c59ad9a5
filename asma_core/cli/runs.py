"""The command `runs`."""

from __future__ import annotations

import argparse
from typing import Any

from asma_core.cli.arguments import count
from asma_core.cli.run_answer import run_answer
from asma_core.runs.store import RunStore


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("--limit", type=count, default=20, help="how many (20)")


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """List the newest runs."""
    return [run_answer(run) for run in RunStore().newest(options.limit)]

"""How a run is carried out, as options of the commands that attack."""

from __future__ import annotations

import argparse

from asma_core.runs.execution import Execution


def execution_of(options: argparse.Namespace) -> Execution:
    """Return what the options say."""
    return Execution(options.device, options.seed, options.precision, options.compile)

"""The command `models`."""

from __future__ import annotations

import argparse
from typing import Any

from asma_core.models.sources.cards import broken_cards, model_cards
from asma_core.models.sources.importing import describe


def run(_: argparse.Namespace) -> list[dict[str, Any]]:
    """List the networks."""
    broken = [{"name": path.stem, "problem": message} for path, message in broken_cards().items()]
    return [describe(card) for card in model_cards().values()] + broken

"""The command `attacks`."""

from __future__ import annotations

import argparse
from typing import Any

from asma_core.attacks.registry import ATTACKS
from asma_core.fields import described


def run(_: argparse.Namespace) -> list[dict[str, Any]]:
    """List the attacks with their settings."""
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "answers": entry.answers,
            "summary": entry.summary,
            "source": entry.source,
            "needs_gradients": not entry.black_box,
            "presets": {name: dict(values) for name, values in entry.presets.items()},
            "settings": described(entry.config),
        }
        for entry in ATTACKS.values()
    ]

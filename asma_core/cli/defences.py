"""The command `defences`."""

from __future__ import annotations

import argparse
from typing import Any

from asma_core.defences.registry import DEFENCES
from asma_core.fields import described


def run(_: argparse.Namespace) -> list[dict[str, Any]]:
    """List the defences with their settings."""
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "kind": entry.kind,
            "summary": entry.summary,
            "adaptive": entry.adaptive,
            "random": entry.random,
            "source": entry.source,
            "settings": described(entry.settings),
        }
        for entry in DEFENCES.values()
    ]

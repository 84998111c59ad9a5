"""The command `detectors`."""

from __future__ import annotations

import argparse
from typing import Any

from asma_core.defences.detectors.registry import DETECTORS
from asma_core.fields import described


def run(_: argparse.Namespace) -> list[dict[str, Any]]:
    """List the detectors with their settings."""
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "summary": entry.summary,
            "unit": entry.unit,
            "random": entry.random,
            "source": entry.source,
            "settings": described(entry.settings),
        }
        for entry in DETECTORS.values()
    ]

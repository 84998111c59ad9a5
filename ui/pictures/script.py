"""The part of the scripts that every component with pictures begins with."""

from __future__ import annotations

from pathlib import Path


def shared_script() -> str:
    """Return JavaScript: pictures, outlines of masks, zoom and pan."""
    return Path(__file__).with_name("pictures.js").read_text(encoding="utf-8")

"""The part of the scripts that every component with pictures begins with."""

from __future__ import annotations

from pathlib import Path

from ui.common.lasting import lasting_script


def shared_script() -> str:
    """Return JavaScript: pictures, outlines of masks, zoom and pan, and what lasts."""
    return lasting_script() + Path(__file__).with_name("pictures.js").read_text(encoding="utf-8")

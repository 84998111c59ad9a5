"""The part of the scripts of components that keep something through the reruns of their page."""

from __future__ import annotations

from pathlib import Path


def lasting_script() -> str:
    """Return JavaScript: what shows a component is made once and ended when its element goes."""
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

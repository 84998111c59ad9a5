"""What the colours and the line styles of the outlines stand for."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

import streamlit as st

from asma_core.data.masks.palette import Dashes, Role, dashes_of

WIDTH: Final = 3


def swatch(colour: str, dashes: Dashes = ()) -> str:
    """Return a short line as HTML.

    Args:
        colour: "#rrggbb" or "currentColor".
        dashes: Of the line, in units of its width, as in `asma_core.data.masks.palette.DASHES`.
    """
    stops, position = [], 0.0
    for place, length in enumerate(dashes or (1.0,)):
        ink = "transparent" if place % 2 else colour
        stops.append(f"{ink} {position:g}px {position + WIDTH * length:g}px")
        position += WIDTH * length
    return (
        f'<span style="display: inline-block; width: 26px; height: {WIDTH}px; '
        "vertical-align: middle; margin-right: 0.5em; "
        f'background: repeating-linear-gradient(90deg, {", ".join(stops)})"></span>'
    )


def class_swatch(label: int) -> str:
    """Return the line style of a class, counted from 1."""
    return swatch("currentColor", dashes_of(label))


def legend(entries: Sequence[tuple[Role, str]]) -> None:
    """Show (role, what it stands for) in one line."""
    parts = "".join(
        f'<span style="margin-right: 1.4em; white-space: nowrap">{swatch(role.colour)}'
        f"{escape(words)}</span>"
        for role, words in entries
    )
    st.html(f'<div style="font-size: 0.85rem; opacity: 0.85">{parts}</div>', width="content")

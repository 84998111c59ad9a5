"""The window of a deep image: a slider over what its file holds, and what it means, in words."""

from __future__ import annotations

import math
from typing import Any, Final

import streamlit as st

from asma_core.data.formats.windows import RANGE, Window, chosen_window
from asma_core.errors import InputError
from ui.common.rerun import whole
from ui.common.values import SESSION, initial

MEANING: Final = "What is attacked and saved is the 8-bit image through this window."
# So many steps from the one end to the other.
STEPS: Final = 500


def window_slider(key: str, window: Window, extent: tuple[float, float]) -> Window:
    """Let a window be changed.

    Args:
        key: Of the widget; another image has another.
        window: Where the slider stands at first.
        extent: Lowest and highest value of the image, in the window's units.

    Returns:
        The same window as long as nobody moves the slider.
    """
    first = (window.low, window.high)
    chosen: Any = st.session_state.get(key, first)
    low, high = min(extent[0], window.low, *chosen), max(extent[1], window.high, *chosen)
    if window.how == RANGE and extent[1] > extent[0]:
        # Of a range that is hardly used the slider would move next to nothing.
        low, high = min(extent[0], *chosen), max(extent[1], *chosen)
    if not low < high:
        return window
    step = (high - low) / STEPS
    counted = all(float(end).is_integer() for end in extent) and step >= 1 / 4
    step = max(1.0, float(round(step))) if counted else step
    row = st.container(horizontal=True, vertical_alignment="bottom")
    ends: Any = row.slider(
        "Window",
        float(low),
        float(high),
        step=step,
        format="%.0f" if counted else f"%.{max(0, 2 - math.floor(math.log10(high - low)))}f",
        key=initial(key, first),
        persist_state=SESSION,
        help="The lowest and the highest intensity of the file that become black and white.",
    )
    if tuple(ends) == first or not ends[0] < ends[1]:
        return window
    row.button(
        "Automatic",
        key=f"{key}-automatic",
        on_click=whole(_set),
        args=(key, first),
        help=f"Back to {window.text()}",
    )
    return Window(float(ends[0]), float(ends[1]))


def _set(key: str, ends: tuple[float, float]) -> None:
    st.session_state[key] = ends


def window_caption(window: Window, extent: tuple[float, float] | None) -> None:
    """Say through which window an image is seen, and what that means."""
    holds = f"; the values go from {extent[0]:.6g} to {extent[1]:.6g}" if extent else ""
    st.caption(f"Seen through the window {window.text()}{holds}. {MEANING}")


def window_text(window: Window | None) -> str:
    """Return a window as it stands in an address, "" for none."""
    return f"{window.low!r},{window.high!r}" if window else ""


def window_of_text(text: str) -> Window | None:
    """Return the window that stands in an address; None where it makes no sense."""
    try:
        low, high = map(float, text.split(","))
        return chosen_window(low, high)
    except (ValueError, InputError):
        return None

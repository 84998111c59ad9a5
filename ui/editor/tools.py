"""The row of drawing tools above the canvas."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from ui.editor.session import DrawingSession

TOOLS: Final = {
    "brush": "Brush",
    "polygon": "Polygon",
    "rect": "Rectangle",
    "circle": "Circle",
    "eraser": "Eraser",
}
HINTS: Final = {
    "brush": "Drag to paint. Hold Shift for a straight line.",
    "polygon": "Click the corners; click the first corner again to close.",
    "rect": "Drag from corner to corner.",
    "circle": "Drag from one side of the circle to the other.",
    "eraser": "Drag over what should become background.",
}
FREEHAND: Final = ("brush", "eraser")
NARROWEST_TOOLS: Final = 440


def drawing_tools(
    key: str, session: DrawingSession, classes: tuple[str, ...], longest: int, width: int
) -> tuple[str, int, int]:
    """Show the tools.

    Args:
        key: Begins the keys of the widgets.
        session: The drawing that undo, redo and clear act on.
        classes: Names of the classes, background first.
        longest: The longer side of the image in its own pixels.
        width: Width of the canvas on the screen.

    Returns:
        Tool, class to draw and brush width in image pixels.
    """
    tool = st.segmented_control(
        "Tool",
        list(TOOLS),
        format_func=TOOLS.__getitem__,
        default="brush",
        required=True,
        key=f"{key}-tool",
        label_visibility="collapsed",
        persist_state="session",
    )
    row = st.container(
        horizontal=True, vertical_alignment="center", width=max(width, NARROWEST_TOOLS)
    )
    label = _class_choice(row, key, classes, tool) if len(classes) > 2 else 1
    brush = row.slider(
        "Brush width in image pixels",
        min_value=1,
        max_value=max(longest // 5, 2),
        value=max(longest // 20, 1),
        key=f"{key}-brush-{longest}",
        format="Brush %d px",
        label_visibility="collapsed",
        disabled=tool not in FREEHAND,
        persist_state="session",
        width=170,
    )
    row.space("stretch")
    _history(row, key, session)
    return tool or "brush", label, brush


def _class_choice(place: Any, key: str, classes: tuple[str, ...], tool: str) -> int:
    chosen: int | None = place.segmented_control(
        "Class to draw",
        list(range(1, len(classes))),
        format_func=classes.__getitem__,
        default=1,
        required=True,
        key=f"{key}-class",
        label_visibility="collapsed",
        disabled=tool == "eraser",
        persist_state="session",
    )
    return chosen or 1


def _history(place: Any, key: str, session: DrawingSession) -> None:
    first, last = session.position == 0, session.position == len(session.steps) - 1
    for name, icon, disabled, action in (
        ("Undo", ":material/undo:", first, lambda: session.go(-1)),
        ("Redo", ":material/redo:", last, lambda: session.go(1)),
        ("Clear", ":material/delete:", not session.drawn, session.clear),
    ):
        place.button(
            "",
            icon=icon,
            key=f"{key}-{name.lower()}",
            help=name,
            type="tertiary",
            disabled=disabled,
            on_click=action,
        )

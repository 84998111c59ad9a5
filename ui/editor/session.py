"""What a canvas remembers between runs and across pages: its drawing, with undo and redo."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

MOST_STEPS: Final = 100
Drawn = list[dict[str, Any]]


@dataclass
class DrawingSession:
    """The drawing of one canvas, kept in the session between runs.

    Attributes:
        identity: Image, base and size that it belongs to.
        steps: The drawings from the first to the newest, for undo and redo.
        position: The step that is shown.
        reported: What the browser said last.
        given: What the browser was given to begin with; it starts again when this changes.
        revision: Counts what was given, so that the same drawing can be given twice.
        scaled: The image at the size of the screen.
        painted: What was drawn last, the mask (as bytes, to be small) and the picture that it made.
    """

    identity: str
    steps: list[Drawn] = field(default_factory=lambda: [[]])
    position: int = 0
    reported: Drawn | None = None
    given: Drawn = field(default_factory=list)
    revision: int = 0
    scaled: NDArray[np.uint8] | None = None
    painted: tuple[object, NDArray[np.uint8], bytes] | None = None

    @property
    def drawn(self) -> Drawn:
        """The drawing that is shown."""
        return self.steps[self.position]

    def add(self, drawn: Drawn) -> None:
        """Take a new drawing over as the newest step."""
        known = self.drawn
        if drawn[: len(known)] == known:
            drawn = known + drawn[len(known) :]
        self.steps = [*self.steps[: self.position + 1], drawn][-MOST_STEPS:]
        self.position = len(self.steps) - 1

    def give(self) -> None:
        """Let the browser begin again with the drawing that is shown."""
        self.given = self.drawn
        self.revision += 1

    def go(self, by: int) -> None:
        """Show an earlier step (negative) or a later one."""
        self.position = min(max(self.position + by, 0), len(self.steps) - 1)
        self.give()

    def clear(self) -> None:
        """Take all shapes away, as a step that can be undone."""
        self.add([])
        self.give()


def find_session(key: str, identity: str, drawn: Drawn | None = None) -> DrawingSession:
    """Return the drawing of a canvas; a new one where image, base or size are others.

    Args:
        key: The canvas's key.
        identity: What the drawing belongs to.
        drawn: What a new drawing begins with, as a step that can be undone.

    Returns:
        The drawing, which lives in the Streamlit session.
    """
    name = f"{key}-drawing"
    session: DrawingSession | None = st.session_state.get(name)
    if session is None or session.identity != identity:
        session = st.session_state[name] = DrawingSession(identity)
        if drawn:
            session.add(drawn)
    return session

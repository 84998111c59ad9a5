"""The drawings of a session, one an image: they outlive reruns, other images and other pages."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from ui.common.outbox import LATE, Hearer
from ui.editor.shapes import Item, checked_items, checked_points

Head = dict[str, Any]
MOST_HEAD: Final = 20


@dataclass(frozen=True)
class Drawing:
    """What has been drawn over one image.

    Attributes:
        shapes: As the browser has them, in the order of drawing.
        label: The class that is drawn with.
        corners: (x, y) of a polygon that is not closed yet.
    """

    shapes: tuple[Item, ...] = ()
    label: int = 1
    corners: tuple[tuple[float, float], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is drawn."""
        return not (self.shapes or self.corners)

    @classmethod
    def from_browser(cls, told: dict[str, Any]) -> Drawing:
        """Read what the browser, or a file, says; what makes no sense in it is passed over."""
        label = told.get("label")
        corners = ((x, y) for x, y in checked_points(told.get("corners") or []))
        return cls(
            tuple(checked_items(told.get("shapes"))),
            label if type(label) is int and 1 <= label <= 255 else 1,
            tuple(corners),
        )

    def for_browser(self) -> dict[str, Any]:
        """Return it as JSON."""
        corners = [list(point) for point in self.corners]
        return {"shapes": list(self.shapes), "label": self.label, "corners": corners}


@dataclass
class Kept:
    """The drawing of one image.

    Attributes:
        drawing: As it is now.
        head: The choices that belong to it, of which the page makes the mask that is drawn over;
            None as long as the page has not said them.
        given: What the browser is given when it meets the image.
        revision: Names what was given; another one is given again.
    """

    drawing: Drawing = field(default_factory=Drawing)
    head: Head | None = None
    given: Drawing = field(default_factory=Drawing)
    revision: str = field(default_factory=lambda: secrets.token_hex(4))

    def give(self, drawing: Drawing, head: Head | None = None) -> None:
        """Let the browser go on with another drawing; it can undo that."""
        self.drawing = self.given = drawing
        self.head = head
        self.revision = secrets.token_hex(4)


@dataclass
class Drawings:
    """All drawings of a session.

    Attributes:
        images: By the identity of the image.
        turns: How often the browser has changed a head by undo or redo.
        turned: The identity whose head it changed since the page has looked; "" for none.
        late: By identity, what was drawn just before a reload, until the page takes it up.
    """

    images: dict[str, Kept] = field(default_factory=dict)
    turns: int = 0
    turned: str = ""
    late: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, identity: str) -> Kept:
        """Return the drawing of an image, an empty one at first."""
        return self.images.setdefault(identity, Kept())

    def hear(self, told: Any) -> None:
        """Take over what the browser reports."""
        if not isinstance(told, dict) or told.get("identity") not in self.images:
            return
        kept = self.images[told["identity"]]
        if told.get("revision") != kept.revision:
            return
        kept.drawing = Drawing.from_browser(told)
        head, turns = told.get("head"), told.get("turns")
        if turns != self.turns and isinstance(head, dict) and len(head) <= MOST_HEAD:
            kept.head = head
            self.turns = turns if isinstance(turns, int) else self.turns
            self.turned = told["identity"]

    def hear_late(self, told: Any) -> None:
        """Take note of what was drawn before a reload; see `take_late`."""
        if isinstance(told, dict) and isinstance(told.get("identity"), str):
            # A tab that is loaded again shows one image.
            self.late = {told["identity"]: told}

    def take_late(self, identity: str) -> tuple[Drawing, Head] | None:
        """Return what was drawn on an image just before a reload, once; None for nothing."""
        told = self.late.pop(identity, None)
        if told is None:
            return None
        head, drawing = told.get("head"), Drawing.from_browser(told)
        if not isinstance(head, dict) or not 0 < len(head) <= MOST_HEAD:
            return None
        # The draft has it where the browser was only not told that it was heard.
        return None if drawing == self.of(identity).drawing else (drawing, head)


def drawings(key: str) -> Drawings:
    """Return the drawings of this session.

    Args:
        key: Of the editor.
    """
    name = f"{key}-drawings"
    if name not in st.session_state:
        st.session_state[name] = Drawings()
    kept: Drawings = st.session_state[name]
    return kept


def drawing_hearers() -> dict[str, Hearer]:
    """Return what takes in what is drawn; see `ui.common.outbox`."""
    return {"drawing": _hear, f"{LATE}drawing": _hear_late}


def _hear_late(_: str, told: Any) -> None:
    if isinstance(told, dict) and isinstance(told.get("editor"), str):
        drawings(told["editor"]).hear_late(told)


def _hear(_: str, told: Any) -> None:
    editor = str(told.get("editor")) if isinstance(told, dict) else ""
    # A browser may still say what it drew before a reload.
    if f"{editor}-drawings" not in st.session_state:
        return
    drawings(editor).hear(told)
    # Seen by who asks whether anything on the page was used.
    st.session_state[f"{editor}-heard"] = st.session_state.get(f"{editor}-heard", 0) + 1

"""The canvas keeps its drawing, and says what it can't use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from asma_core.errors import InputError
from ui.editor.canvas import mask_canvas
from ui.editor.session import MOST_STEPS, DrawingSession


def page() -> None:
    import numpy as np
    import streamlit as st

    from ui.editor.canvas import mask_canvas

    base = np.zeros((30, 40), dtype=np.int64)
    base[10:20, 10:20] = 1
    classes = ("background", "rim", "cup") if st.session_state.get("cup") else ("skin", "lesion")
    drawn = mask_canvas(np.zeros((30, 40, 3), np.uint8), base, classes, key="target")
    st.session_state["same"] = bool((drawn.mask == base).all()) and drawn.n_edits == 0


def rectangle(left: float) -> dict[str, Any]:
    return {"type": "Rect", "left": left}


def test_before_anything_is_drawn_the_mask_is_the_base() -> None:
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert app.session_state["same"]
    assert [button.disabled for button in app.button] == [True, True, True]


def test_a_class_is_asked_for_only_where_there_are_two() -> None:
    app = AppTest.from_function(page).run()
    assert [group.key for group in app.segmented_control] == ["target-tool"]
    app.session_state["cup"] = True
    app.run()
    assert [group.key for group in app.segmented_control] == ["target-tool", "target-class"]
    assert not app.exception


def test_undo_and_redo_walk_the_drawings_and_clear_is_a_step_too() -> None:
    session = DrawingSession("a")
    session.add([rectangle(1)])
    session.add([rectangle(1), rectangle(2)])
    session.clear()
    assert session.drawn == []
    session.go(-1)
    assert session.drawn == [rectangle(1), rectangle(2)]
    session.go(-1)
    session.add([rectangle(1), rectangle(3)])
    session.go(1)
    assert session.drawn == [rectangle(1), rectangle(3)]
    session.go(-9)
    assert session.drawn == []


def test_the_browser_is_given_a_drawing_again_after_each_step() -> None:
    session = DrawingSession("a")
    session.add([rectangle(1)])
    revision = session.revision
    session.go(-1)
    session.go(1)
    assert session.revision == revision + 2
    assert session.given == [rectangle(1)]


def test_no_more_than_so_many_steps_are_kept() -> None:
    session = DrawingSession("a")
    for count in range(MOST_STEPS + 20):
        session.add([rectangle(left) for left in range(count)])
    assert len(session.steps) == MOST_STEPS
    assert len(session.drawn) == MOST_STEPS + 19


@pytest.mark.parametrize(
    ("image", "mask", "classes", "said"),
    [
        (np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.int64), ("a", "b"), "RGB"),
        (np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4), np.int64), ("a", "b"), r"shape \(4, 5\)"),
        (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.int64), ("a",), "at least one class"),
    ],
)
def test_what_does_not_fit_is_refused(image, mask, classes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        mask_canvas(image, mask, classes, key="x")

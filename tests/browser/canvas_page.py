"""A page with nothing but the canvas, which writes the mask to NAME.npy on every run."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import streamlit as st

from asma_core.files import write_bytes
from ui.editor.canvas import mask_canvas
from ui.editor.tools import TOOLS

st.set_page_config(layout="wide")


def drawing() -> None:
    """Draw over an empty image of the size that the address names, such as 428x569."""
    width, height = (int(part) for part in st.query_params.get("size", "256x256").split("x"))
    image = np.full((height, width, 3), 60, dtype=np.uint8)
    base = np.zeros((height, width), dtype=np.int64)
    classes = ("background", "rim", "cup")
    drawn = mask_canvas(image, base, classes, key="target", width=640, height=640)
    # A page that has just been closed may still write: every tab has its own file.
    name = st.session_state.setdefault("name", st.query_params.get("name", "mask"))
    # Renamed into place: the test reads it meanwhile.
    mask = io.BytesIO()
    np.save(mask, drawn.mask)
    write_bytes(Path(os.environ["ASMA_CANVAS_MASKS"]) / f"{name}.npy", mask.getvalue())
    st.text(f"shapes {drawn.n_edits}, area {np.count_nonzero(drawn.mask)}")
    tool = TOOLS[st.session_state["target-tool"]]
    # A canvas that has just come loads for a moment, in which the mouse draws nothing.
    loaded = any(str(name).startswith("target-canvas-") for name in st.session_state)
    state = "ready" if loaded else "loading"
    st.text(f"{state}: {tool}, {classes[st.session_state['target-class']]}")
    st.button("Run again", key="again")


def elsewhere() -> None:
    """Show another page."""
    st.text("nothing to draw here")


st.navigation(
    [st.Page(drawing, title="Drawing", default=True), st.Page(elsewhere, title="Elsewhere")]
).run()

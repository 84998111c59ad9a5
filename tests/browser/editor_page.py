"""A page with nothing but the editor, which writes the mask to NAME.npy on every run."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import streamlit as st

from asma_core.files import write_bytes
from ui.common.outbox import keep_outbox
from ui.editor.drawings import drawing_hearers, drawings
from ui.editor.target_editor import Ground, painted, painted_region, target_editor

st.set_page_config(layout="wide")
CLASSES = ("background", "rim", "cup")
STARTS = ("nothing", "a block")


def drawing() -> None:
    """Draw over an image of the size that the address names, such as 428x569."""
    asked = st.session_state.setdefault("asked", st.query_params.to_dict())
    width, height = (int(part) for part in asked.get("size", "256x256").split("x"))
    name = st.segmented_control("Image", ["first", "second"], default="first", required=True)
    kept = drawings("target").of(name)
    if drawings("target").turned:
        st.session_state["start"] = kept.head["start"]
    start = st.segmented_control("Start", STARTS, key="start", default="nothing", required=True)
    base = np.zeros((height, width), dtype=np.int64)
    if start == "a block":
        base[: height // 4, : width // 4] = 1
    shade = {"first": 60, "second": 90}[name]
    picture = np.full((height, width, 3), shade, dtype=np.uint8)
    kept.head = {"start": start}
    ground = Ground(name, picture, base, np.zeros_like(base), CLASSES)
    target_editor("target", ground, kept.head)
    drawings("target").turned = ""
    region = painted_region(None, kept, base.shape)
    # Renamed into place: the test reads it meanwhile.
    file = io.BytesIO()
    mask = painted(base, kept, len(CLASSES))
    np.savez(
        file,
        mask=mask,
        region=np.ones(base.shape, bool) if region is None else region,
    )
    write_bytes(Path(os.environ["ASMA_CANVAS_MASKS"]) / f"{asked['name']}.npz", file.getvalue())
    st.text(f"{name}, from {start}, {len(kept.drawing.shapes)} shapes")
    st.text(f"area {np.count_nonzero(mask)}")
    st.button("Run again", key="again")
    st.text_input("Some text", key="text")


def elsewhere() -> None:
    """Show another page."""
    st.text("nothing to draw here")


page = st.navigation(
    [st.Page(drawing, title="Drawing", default=True), st.Page(elsewhere, title="Elsewhere")]
)
keep_outbox(page.url_path, drawing_hearers())
page.run()

"""What a universal change comes to: the curve, the change itself, unseen images, the table."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st

from asma_core.data.masks.palette import ADVERSARIAL, PREDICTION
from asma_core.experiments.universal_parts import NOISE
from asma_core.experiments.universal_plan import UniversalPlan
from asma_core.experiments.universal_table import images_text, on_grey
from ui.common.errors import escape_markdown
from ui.common.format import number
from ui.defences.universal_figures import AFTER, BEFORE, curve, outlined
from ui.defences.universal_text import BESIDES, SCORES
from ui.pictures.curves import NO_TOOLBAR
from ui.pictures.differences import show_difference
from ui.pictures.encoding import jpeg_address
from ui.pictures.legend import legend
from ui.pictures.outlines import fit_size

FILES: Final = {
    "universal.npy": ("The change as .npy", "application/octet-stream"),
    "universal.png": ("Its picture as .png", "image/png"),
    "universal.csv": ("Table as CSV", "text/csv"),
    "universal.md": ("Table for Markdown", "text/markdown"),
    "universal.tex": ("Table for LaTeX", "text/x-tex"),
}
SIDE: Final = 480


def universal_result(
    plan: UniversalPlan, answer: Mapping[str, Any], files: Mapping[str, bytes]
) -> None:
    """Show what a plan comes to so far, but its sentences and files."""
    rows = answer["rows"]
    left, right = st.columns([7, 5], gap="large")
    with left:
        st.plotly_chart(curve(rows, SCORES[plan.goal]), key="universal-curve", config=NO_TOOLBAR)
        st.caption(
            f"Fooled: a score of {plan.wanted:g} or more, on an image that was below it before. "
            f"{BESIDES[plan.goal]} Noise: random signs of the same size, which nobody has learned."
        )
    with right:
        st.markdown(f"**The change**, learned on {images_text(rows[-1]['images'])}")
        with st.container(width=SIDE):
            _change(files["universal.npy"])
    _shown(answer, files)
    with st.expander("As a table", icon=":material/table_rows:"):
        _table(rows)


def _change(data: bytes) -> None:
    change = np.load(io.BytesIO(data), allow_pickle=False)
    still, moved = on_grey(change)
    show_difference(still, moved, fit_size(still.shape, SIDE, SIDE))


def _shown(answer: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Show the first unseen images without the change, and with it below."""
    shown = [one for place, one in enumerate(answer["shown"]) if f"after-{place}.png" in files]
    st.markdown("**Images that it has never seen**, without it and with it; the first ones")
    legend(
        [
            (PREDICTION, "the network without the change"),
            (ADVERSARIAL, "the network with it"),
        ]
    )
    for place, (column, one) in enumerate(zip(st.columns(4), shown, strict=False)):
        with column:
            for when, role in (("before", BEFORE), ("after", AFTER)):
                picture = files[f"{when}-{place}.png"], files[f"{when}-{place}-mask.png"]
                st.image(
                    jpeg_address(outlined(*picture, role)),
                    width="stretch",
                    alt=f"{one['name']}, {'with' if when == 'after' else 'without'} the change",
                )
            fooled = ":orange[fooled]" if one["fooled"] else "not fooled"
            st.caption(
                f"{escape_markdown(one['name'])}: score {number(one['before'])} without, "
                f"{number(one['after'])} with, {fooled}"
            )


def _table(rows: Sequence[Mapping[str, Any]]) -> None:
    shown = [
        {
            "Learned on": "noise" if row["images"] == NOISE else images_text(row["images"]),
            "Unseen images": row["n"],
            "Fooled": row["successes"],
            "Score, unseen": number(row["score"]),
            "Score, learned": number(row["score_learned"]),
        }
        for row in rows
    ]
    st.dataframe(
        pd.DataFrame(shown), hide_index=True, key="universal-table", height="content",
        alt="Success by the number of images learned on",
    )  # fmt: skip

"""What defences are worth: sentences, the picture, the table, the files, the runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from asma_core.experiments.robustness_plan import RobustnessPlan
from ui.defences.robustness_figures import picture, table
from ui.pictures.curves import NO_TOOLBAR

FILES: Final = {
    "report.html": ("Report", "text/html"),
    "robustness.csv": ("Table as CSV", "text/csv"),
    "robustness.md": ("Table for Markdown", "text/markdown"),
    "robustness.tex": ("Table for LaTeX", "text/x-tex"),
}


def robustness_result(
    _: RobustnessPlan, answer: Mapping[str, Any], _files: Mapping[str, bytes]
) -> None:
    """Show what a complete plan comes to, but its sentences and files."""
    drawing = picture(answer["points"])
    if drawing is None:
        st.info("There is no IoU with the truth to show.", icon=":material/info:")
    else:
        st.plotly_chart(drawing, key="defences-picture", config=NO_TOOLBAR)
        st.caption(
            "Robust IoU: with the truth, after the worst attack on each image. Rings: attacks that "
            "do not know the defence; dots: those that know it among them."
        )
    table(answer["rows"])

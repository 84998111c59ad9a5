"""What detectors are worth: the picture and the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from asma_core.experiments.detection_plan import DetectionPlan
from ui.defences.detection_figures import picture, table
from ui.pictures.curves import NO_TOOLBAR

FILES: Final = {
    "detection.csv": ("Table as CSV", "text/csv"),
    "detection.md": ("Table for Markdown", "text/markdown"),
    "detection.tex": ("Table for LaTeX", "text/x-tex"),
}


def detection_result(
    plan: DetectionPlan, answer: Mapping[str, Any], _files: Mapping[str, bytes]
) -> None:
    """Show what a complete plan comes to, but its sentences and files."""
    drawing = picture(answer["rows"])
    if drawing is not None:
        st.plotly_chart(drawing, key="detection-picture", config=NO_TOOLBAR)
        st.caption(
            "AUROC: the chance that an attacked file looks more suspicious than a clean one. 0.5 "
            "is chance, 1 finds all; below 0.5 attacked files are calmer than clean ones, which "
            "tells as well. Lines: 95 % of the bootstrap. "
            + (
                "Dots, bold in the table: what is left when the attack knows the detector."
                if plan.evading
                else ""
            )
        )
    table(answer["rows"])

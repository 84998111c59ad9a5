"""Plans of defences: what they are called, and what they come to."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from asma_core.attacks.registry import ATTACKS
from asma_core.defences.registry import in_words
from asma_core.experiments.robustness_plan import RobustnessPlan
from ui.address.views import DefencesView
from ui.common import services
from ui.defences.figures import picture, table
from ui.pictures.curves import NO_TOOLBAR
from ui.plans.page import PlanPage, downloads

TITLES: Final = {
    "report.html": "Report",
    "robustness.csv": "Table as CSV",
    "robustness.md": "Table for Markdown",
    "robustness.tex": "Table for LaTeX",
}


def _named(plan: RobustnessPlan) -> str:
    return f"{plan.model} on {plan.dataset}"


def _about(plan: RobustnessPlan) -> str:
    attacks = [
        ATTACKS[row.attack].title if row.attack in ATTACKS else row.attack for row in plan.attacks
    ]
    count = len(plan.pairs)
    pairs = f"{count} {'pair' if count == 1 else 'pairs'}"
    return f"{in_words(plan.defences) or 'no defence'}; {', '.join(attacks)}; {pairs}"


def _show(plan: RobustnessPlan, answer: dict[str, Any], files: dict[str, bytes]) -> None:
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
    downloads("defences", plan.model, files, TITLES)


PAGE: Final = PlanPage(
    "Defences",
    lambda: services.robustness(),
    DefencesView,
    _named,
    _about,
    "Showing the files to the defended networks",
    _show,
)

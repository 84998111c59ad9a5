"""What survives: the open run's file under what happens to files, as small pictures in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from asma_core.data.formats.images import read_image, to_rgb
from asma_core.data.masks.palette import ADVERSARIAL
from asma_core.jobs.survivals import KeptSurvival
from asma_core.metrics.score import IOU
from asma_core.runs.run import Run
from asma_core.runs.survival_words import in_words
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import number, score_label
from ui.compare.asked import asked_by_press
from ui.pictures.encoding import data_address
from ui.pictures.outlines import Layer, fit_size, outline, resize

# Of a picture's longer side, and of its outline: a screen shows it at about half of that.
SIDE: Final = 320
LINE_WIDTH: Final = 4.0
_STYLE: Final = """<style>
.st-key-survival-row {
  display: grid; gap: 1.5rem 1rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr));
}
[class*="st-key-survival-one-"] { gap: 0.25rem; min-width: 0; }
[class*="st-key-survival-one-"] img { border-radius: 6px; }
[class*="st-key-survival-one-"] [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
[class*="st-key-survival-one-"] [data-testid="stMarkdownContainer"] p {
  margin: 0; line-height: 1.4; font-size: 0.85rem; font-variant-numeric: tabular-nums;
}
</style>"""
_ABOUT: Final = (
    "The file as it is after being stored as JPEG, shown smaller, turned or made noisy, with the "
    "network's prediction outlined; below it its IoU, in grey that of the original then."
)


def what_survives(run: Run) -> None:
    """Show what is left of a run under each treatment; what isn't known is asked for by a press."""
    st.markdown("### What survives")
    with show_errors():
        predictor = services.predictor()
        found, _ = asked_by_press(
            run,
            "survival",
            predictor.known_survival,
            predictor.survival,
            invitation="Does the attack stand when its file is mailed as JPEG, resized, turned by "
            "a degree or made noisy?",
            button="See what survives",
            icon=":material/mail:",
            busy="Treating the file in each way, and asking the network: some seconds for a small "
            "image",
        )
        if found is not None:
            _row(run, found)


def _row(run: Run, found: Sequence[KeptSurvival]) -> None:
    st.caption(f"{escape_markdown(in_words([one.figures for one in found]))} {_ABOUT}")
    st.html(_STYLE)
    with st.container(key="survival-row"):
        for one in found:
            with st.container(key=f"survival-one-{one.figures['name']}"):
                title = one.figures["title"]
                st.image(_drawn(run.id, title, one), width="stretch", alt=title)
                st.markdown(_words(run, one.figures))


@st.cache_data(show_spinner=False, max_entries=200)
def _drawn(run_id: str, title: str, _one: KeptSurvival) -> str:
    pixels = to_rgb(read_image(_one.picture))
    size = fit_size(pixels.shape, SIDE, SIDE)
    layers = [Layer(_one.labels(), ADVERSARIAL)]
    return data_address(outline(resize(pixels, size), layers, LINE_WIDTH))


def _words(run: Run, figures: dict[str, Any]) -> str:
    """Return title, figures and the original's figures, a line each."""
    score, truth = figures["score"], figures["truth_iou"]
    lines = [f"**{escape_markdown(figures['title'])}**"]
    colour = "green" if figures["reached"] else "orange"
    judged = "target" if run.score_kind == IOU else score_label(run)
    lines.append(f":{colour}[{judged} {number(score)}]")
    own = f"original {number(figures['original_score'])}"
    if truth is not None:
        lines.append(f"truth {number(truth)}")
        own += f", truth {number(figures['original_truth_iou'])}"
    lines.append(f":gray[{own}]")
    return "  \n".join(lines)

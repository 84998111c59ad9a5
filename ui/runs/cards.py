"""Runs as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from asma_core.runs.run import Run
from ui.address.links import link
from ui.common.errors import escape_markdown
from ui.common.format import attack_title, number, outcome_colour, score_label
from ui.common.rerun import whole
from ui.judging.verdict import verdict_badge
from ui.runs.link import run_view
from ui.runs.pictures import blank
from ui.runs.progress import status_text
from ui.runs.selection import select_on_page, selected_ids
from ui.runs.whose import whose_words

# As many columns as fit, all of one width; a picture has its place before it is loaded.
STYLE: Final = """<style>
.st-key-runs-cards { display: grid !important;
  grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); }
.st-key-runs-cards img { aspect-ratio: 1; width: 100%; }
/* The link's face lies over the whole card, and the box to tick above it. */
[class*="st-key-runs-card-"] { position: relative; }
[class*="st-key-runs-card-"] [data-testid="stElementContainer"] { position: static; }
[class*="st-key-runs-card-"] [data-testid="stElementToolbar"] { display: none; }
[class*="st-key-runs-card-"] [data-testid="stPageLink-NavLink"] { padding: 0; background: none; }
[class*="st-key-runs-card-"] [data-testid="stPageLink-NavLink"]::after {
  content: ""; position: absolute; inset: 0; border-radius: 6px;
}
[class*="st-key-runs-card-"]:hover img { outline: 2px solid currentColor; outline-offset: 2px; }
[class*="st-key-runs-card-"] [data-testid="stPageLink-NavLink"]:focus-visible::after {
  outline: 2px solid currentColor; outline-offset: 2px;
}
[class*="st-key-runs-card-"] [data-testid="stCheckbox"] { position: relative; z-index: 1; }
[class*="st-key-runs-card-"] [data-testid="stCheckbox"] label {
  min-width: 36px; min-height: 36px; align-items: center;
}
</style>"""


def run_cards(runs: Sequence[Run], pictures: Mapping[str, bytes | None]) -> None:
    """Show a page of runs as a grid of pictures that lead to them and can be ticked.

    Args:
        runs: Of this page, in order.
        pictures: As `ui.runs.pictures.run_pictures` gives them.
    """
    st.html(STYLE)
    grid = st.container(horizontal=True, gap="medium", key="runs-cards")
    for run in runs:
        with grid.container(border=True, gap="xsmall", key=f"runs-card-{run.id}"):
            _card(run, pictures.get(run.id, blank()))


def _card(run: Run, picture: bytes | None) -> None:
    if picture is None:
        st.caption("Its files can't be read.")
    else:
        st.image(picture, width="stretch", alt=f"Run {run.id}")
    widget = f"runs-tick-{run.id}"
    st.session_state[widget] = run.id in selected_ids()
    row = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
    row.checkbox(
        f"Tick run {run.id}",
        key=widget,
        label_visibility="collapsed",
        width="content",
        on_change=whole(_ticked),
        args=(run.id, widget),
    )
    link(run_view(run), f"Run {run.id}", place=row)
    st.markdown("  \n".join(_lines(run)))


def _ticked(run_id: str, widget: str) -> None:
    select_on_page([run_id], [run_id] if st.session_state[widget] else [])


def _lines(run: Run) -> list[str]:
    spec = run.spec
    attack = attack_title(run)
    badge = f":{outcome_colour(run)}-badge[{escape_markdown(status_text(run))}]"
    whose = whose_words(run)
    words = (f"{attack}, {spec.image_name}", run.goal, _figures(run), whose and f"by {whose}")
    return [badge + verdict_badge(run), *map(_small, filter(None, words))]


def _figures(run: Run) -> str:
    results = run.results
    if not results:
        return run.message or "no result"
    score = f"{score_label(run)} {number(results.get('score_8bit'))}"
    return f"{score}, L2 {number(results.get('l2_8bit'), 2)}, {results.get('steps', 'n/a')} steps"


def _small(text: str) -> str:
    return f":small[{escape_markdown(' '.join(text.split()))}]"

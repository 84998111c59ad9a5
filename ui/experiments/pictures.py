"""The pictures of an experiment on its page; a click on a point opens its run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from asma_core.experiments.cells import Cell
from asma_core.experiments.store import Experiment
from asma_core.experiments.table import FIGURES, goal_of
from ui.address import browser as address
from ui.address.links import open_page
from ui.address.views import DISTANCE, CompareView, ExperimentsView
from ui.common.rerun import whole
from ui.experiments.experiment_text import row_titles
from ui.experiments.figures import TITLES, box_plot, clicked_run, curve_plot
from ui.pictures.curves import NO_TOOLBAR

_CLICKED: Final = "experiment-clicked"
_TURN: Final = "experiment-turn"


def experiment_pictures(experiment: Experiment, cells: Sequence[Cell]) -> None:
    """Show box plots and curves; what is shown is in the address."""
    row = st.container(horizontal=True, vertical_alignment="center")
    study = _shown_study(row, experiment, cells)
    titles = row_titles(experiment, study)
    of_study = [cell for cell in cells if cell.label in titles]
    goal = _shown_goal(row, of_study)
    own = [cell for cell in of_study if goal_of(cell, of_study) == goal]
    titles = {label: title for label, title in titles.items() if label in {c.label for c in own}}
    figure = _shown_figure(row, own)
    row.caption("Click a point to open its run. Crosses did not reach the goal.")
    left, right = st.columns(2, gap="large")
    turn = st.session_state.setdefault(_TURN, 0)
    for place, name, chart in (
        (left, "boxes", box_plot(own, titles, figure)),
        (right, "curve", curve_plot(own, titles)),
    ):
        key = f"experiment-{name}-{turn}"
        place.plotly_chart(
            chart,
            key=key,
            on_select=whole(partial(_keep_click, key)),
            selection_mode="points",
            config=NO_TOOLBAR,
        )


def follow_click() -> None:
    """Leave for the run whose point was clicked, if one was."""
    run_id = st.session_state.pop(_CLICKED, "")
    if run_id:
        open_page(CompareView(run_id))


def _keep_click(key: str) -> None:
    """Keep which run a click asked for, and let the charts be new ones, where nothing is chosen.

    Only the callback gets every click: a chart whose points have changed since, as those of a
    running experiment do at each of its runs, is another widget to Streamlit and returns nothing.
    """
    run_id = clicked_run(st.session_state[key])
    if run_id:
        st.session_state[_CLICKED] = run_id
        st.session_state[_TURN] += 1


def _shown_study(row: Any, experiment: Experiment, cells: Sequence[Cell]) -> bool:
    labels = {cell.label for cell in cells}
    there = [study for study in (False, True) if labels & set(row_titles(experiment, study))]
    if len(there) < 2:
        return there[0]
    names = {False: "Attacks", True: "Distance term"}
    asked = address.current(ExperimentsView).rows == DISTANCE
    chosen = row.segmented_control(
        "Rows",
        [False, True],
        format_func=names.__getitem__,
        default=asked,
        required=True,
        key="experiment-rows",
        label_visibility="collapsed",
    )
    address.change(ExperimentsView, rows=DISTANCE if chosen else "")
    return bool(chosen)


def _shown_goal(row: Any, cells: Sequence[Cell]) -> str:
    """Let one of several goals be chosen: they share neither a figure nor a success rate."""
    goals = list(dict.fromkeys(goal_of(cell, cells) for cell in cells))
    if len(goals) < 2:
        return goals[0]
    asked = address.current(ExperimentsView).goal
    chosen = row.segmented_control(
        "Goal",
        goals,
        format_func=str.capitalize,
        default=asked if asked in goals else goals[0],
        required=True,
        key="experiment-goal",
        label_visibility="collapsed",
    )
    address.change(ExperimentsView, goal=chosen if chosen != goals[0] else "")
    return str(chosen)


def _shown_figure(row: Any, cells: Sequence[Cell]) -> str:
    known = [
        name
        for name, key in FIGURES.items()
        if any(cell.results.get(key) is not None for cell in cells)
    ]
    known = [name for name in TITLES if name in known] or ["l2"]
    first = "l2" if "l2" in known else known[0]
    asked = address.current(ExperimentsView).figure
    chosen = row.segmented_control(
        "Figure",
        known,
        format_func=TITLES.__getitem__,
        default=asked if asked in known else first,
        required=True,
        key="experiment-figure",
        label_visibility="collapsed",
    )
    address.change(ExperimentsView, figure=chosen if chosen != first else "")
    return str(chosen)

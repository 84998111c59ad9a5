"""One experiment: how far it is, its tables, its pictures, its files."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from asma_core.experiments.cells import Cell
from asma_core.experiments.store import ended
from asma_core.runs.run import counted_warnings
from ui.common import services
from ui.common.errors import escape_markdown
from ui.common.format import moment
from ui.common.shell import name_tab
from ui.experiments.actions import experiment_actions
from ui.experiments.experiment_text import about, title
from ui.experiments.link import experiment_link
from ui.experiments.pictures import experiment_pictures, follow_click
from ui.experiments.progress import experiment_progress
from ui.experiments.tables import experiment_tables


def experiment_view(experiment_id: str) -> None:
    """Show an experiment, while it goes on and after."""
    follow_click()
    store = services.experiments().store
    experiment = store.get(experiment_id)
    every = store.cells(experiment)
    cells = ended(every)
    name_tab(title(experiment))
    experiment_link("All experiments", icon=":material/arrow_back:")
    head, actions = st.columns([7, 5], vertical_alignment="center")
    head.title(escape_markdown(title(experiment)), anchor=False)
    head.caption(f"{escape_markdown(about(experiment))}. Started {moment(experiment.created)}.")
    with actions:
        experiment_actions(experiment, cells, complete=len(cells) == len(every))
    experiment_progress(experiment, len(cells))
    if experiment.message:
        st.error(escape_markdown(f"It stopped: {experiment.message}"), icon=":material/error:")
    if not cells:
        if not experiment.active:
            st.info("Nothing has been run yet.", icon=":material/info:")
        return
    experiment_tables(experiment, cells)
    experiment_pictures(experiment, cells)
    _problems(cells)
    _warnings(cells)


def _warnings(cells: Sequence[Cell]) -> None:
    said = counted_warnings([cell.results for cell in cells])
    if not said:
        return
    with st.expander("Warnings", icon=":material/warning:", key="experiment-warnings"):
        for line in said:
            st.markdown(escape_markdown(line))


def _problems(cells: Sequence[Cell]) -> None:
    failed = [cell for cell in cells if not cell.results]
    if not failed:
        return
    with st.expander(f"{len(failed)} failed", icon=":material/error:"):
        for cell in failed:
            st.markdown(escape_markdown(f"{cell.label} on {cell.sample}: {cell.message}"))

"""What can be done with an experiment: stop, go on, export, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.experiments.cells import Cell
from asma_core.experiments.export import cells_csv, summary_csv, table_latex, table_markdown
from asma_core.experiments.store import Experiment
from asma_core.experiments.table import summary
from ui.address.links import open_here
from ui.address.views import ExperimentsView
from ui.common import services
from ui.common.errors import show_error, show_errors
from ui.common.presses import pressed
from ui.common.rerun import rerun_page, whole
from ui.common.stop_go import stop_or_go_on

ASKED: Final = "experiment-delete-asked"
FILES: Final[dict[str, tuple[str, str, Callable[[Sequence[Cell]], str]]]] = {
    "table.csv": ("Table as CSV", "text/csv", lambda cells: summary_csv(summary(cells))),
    "runs.csv": ("Every run as CSV", "text/csv", cells_csv),
    "table.tex": ("Table for LaTeX", "text/x-tex", lambda cells: table_latex(summary(cells))),
    "table.md": (
        "Table for Markdown",
        "text/markdown",
        lambda cells: table_markdown(summary(cells)),
    ),
}


def experiment_actions(experiment: Experiment, cells: Sequence[Cell], complete: bool) -> None:
    """Show the row of actions.

    Args:
        experiment: The experiment.
        cells: Those that have ended.
        complete: Whether all have.
    """
    row = st.container(horizontal=True, horizontal_alignment="right")
    stop_or_go_on(
        row,
        "experiment",
        active=experiment.active,
        stopping=experiment.stop,
        complete=complete,
        failed=any(not cell.results for cell in cells),
        stop=partial(services.experiments().store.ask_to_stop, experiment.id),
        go_on=partial(_resume, experiment.id),
    )
    with row.popover(
        "Export", icon=":material/download:", disabled=not cells, key="experiment-export"
    ):
        _exports(experiment, cells)
    row.button(
        "Delete",
        key="experiment-delete",
        icon=":material/delete:",
        disabled=experiment.active,
        help="Stop it first."
        if experiment.active
        else "Deletes the experiment; its runs stay on the Runs page.",
        on_click=whole(_ask),
        args=(experiment.id,),
    )
    if not experiment.active and st.session_state.get(ASKED) == experiment.id:
        _delete(experiment)


def _resume(experiment_id: str) -> None:
    with show_errors():
        services.experiments().start(experiment_id)


def _ask(experiment_id: str) -> None:
    """Open the question, at this rerun and at those that follow until it is answered."""
    st.session_state[ASKED] = experiment_id


def _close() -> None:
    st.session_state.pop(ASKED, None)


@st.dialog("Delete this experiment", on_dismiss=whole(_close))
def _delete(experiment: Experiment) -> None:
    st.markdown("Its tables and pictures go; the runs that it made stay on the Runs page.")
    row = st.container(horizontal=True, horizontal_alignment="right")
    if pressed(row, "Keep", key="experiment-delete-no"):
        _close()
        rerun_page()
    if pressed(row, "Delete", key="experiment-delete-yes", type="primary"):
        try:
            services.experiments().store.delete(experiment.id)
        except AsmaError as error:
            show_error(error)
            return
        _close()
        open_here(ExperimentsView())


def _exports(experiment: Experiment, cells: Sequence[Cell]) -> None:
    for name, (label, kind, make) in FILES.items():
        st.download_button(
            label,
            data=partial(make, cells),
            file_name=f"experiment-{experiment.id}-{name}",
            mime=kind,
            key=f"experiment-{name}",
            on_click="ignore",
            type="tertiary",
        )

"""The experiments there are, and the form of a new one."""

from __future__ import annotations

from typing import Final

import streamlit as st

from asma_core.experiments.store import Experiment, ExperimentStore
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import moment
from ui.common.rerun import whole
from ui.experiments.experiment_text import about, status_text, title
from ui.experiments.form import experiment_form
from ui.experiments.link import experiment_link

AT_ONCE: Final = 30
SHOWN: Final = "experiments-shown"
WHAT = (
    "The paper's Table 1 on your network and your images: several attacks on the same pairs of "
    "image and target mask, summed up as mean and standard deviation."
)


def experiment_list() -> None:
    """Show the form and, below it, what was asked for before."""
    st.title("Experiments", anchor=False)
    st.markdown(WHAT, width=760)
    store = services.experiments().store
    shown: int = st.session_state.setdefault(SHOWN, AT_ONCE)
    experiments = store.newest(shown + 1)
    # In an archive the form may have nothing to offer, and the list has.
    with st.container(border=True), show_errors():
        experiment_form()
    if experiments:
        st.subheader("Earlier experiments", anchor=False)
    for sentence in store.damaged(shown):
        st.warning(escape_markdown(sentence), icon=":material/warning:")
    for experiment in experiments[:shown]:
        _line(store, experiment)
    if len(experiments) > shown:
        st.button(
            "Show older experiments",
            key="experiments-older",
            icon=":material/expand_more:",
            on_click=whole(_show_more),
        )


def _show_more() -> None:
    st.session_state[SHOWN] += AT_ONCE


def _line(store: ExperimentStore, experiment: Experiment) -> None:
    done = store.count_ended(experiment.id)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        experiment_link(f"**{escape_markdown(title(experiment))}**", experiment.id)
        words, colour = status_text(experiment, done)
        st.markdown(f":{colour}[{words}]", width="content")
        st.caption(
            f"{escape_markdown(about(experiment))}, {moment(experiment.created)}", width="stretch"
        )

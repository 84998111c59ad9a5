"""The plans there are, and the form of a new one."""

from __future__ import annotations

import streamlit as st

from asma_core.errors import AsmaError
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import moment
from ui.defences.form import plan_form
from ui.defences.plan_text import about, plan_link, status_text, title

WHAT = (
    "Does a defence hold? Each attack is made twice: on the bare network, which is what a defence "
    "stops, and through the defence, which is what counts. A black box is the check that no "
    "defence merely hides its gradients."
)


def plan_list() -> None:
    """Show the form and, below it, what was asked for before."""
    st.title("Defences", anchor=False)
    st.markdown(WHAT, width=760)
    with st.container(border=True), show_errors():
        plan_form()
    known = services.robustness().plans.newest()
    if known:
        st.subheader("Earlier", anchor=False)
    for plan_id in known:
        _line(plan_id)


def _line(plan_id: str) -> None:
    runner = services.robustness()
    try:
        plan = runner.plans.get(plan_id)
        words, colour = status_text(runner.standing(plan))
    except AsmaError as error:
        st.markdown(f":red[{escape_markdown(str(error))}]")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        plan_link(f"**{escape_markdown(title(plan))}**", plan_id)
        st.markdown(f":{colour}[{words}]", width="content")
        when = moment(runner.plans.created(plan_id))
        st.caption(f"{escape_markdown(about(plan))}, {when}", width="stretch")

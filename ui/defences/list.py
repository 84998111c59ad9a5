"""The plans there are, and the form of a new one."""

from __future__ import annotations

import streamlit as st

from ui.common.errors import show_errors
from ui.defences.form import plan_form
from ui.defences.plans import PAGE
from ui.plans.page import plan_lines

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
    plan_lines(PAGE)

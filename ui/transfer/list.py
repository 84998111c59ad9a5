"""The plans there are, and the form of a new one."""

from __future__ import annotations

import streamlit as st

from ui.common.errors import show_errors
from ui.plans.page import plan_lines
from ui.transfer.form import plan_form
from ui.transfer.plans import PAGE

WHAT = (
    "Does an attack on one network fool another? Who does not have your network attacks one that "
    "is like it, and sends you the file. Here each network is attacked, and its files are shown to "
    "all of them; with three or more, all but one are attacked together for that one."
)


def plan_list() -> None:
    """Show the form and, below it, what was asked for before."""
    st.title("Transfer", anchor=False)
    st.markdown(WHAT, width=760)
    with st.container(border=True), show_errors():
        plan_form()
    plan_lines(PAGE)

"""The plans of a room that there are, and the form of a new one."""

from __future__ import annotations

import streamlit as st

from asma_core.errors import AsmaError
from ui.address import browser as address
from ui.address.views import DefencesView
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import moment
from ui.defences.plan_text import plan_link, status_text
from ui.defences.rooms import ROOMS, Room


def plan_list() -> None:
    """Show the form and, below it, what was asked for before."""
    st.title("Defences", anchor=False)
    room = _choose_room()
    st.markdown(room.what, width=760)
    with st.container(border=True), show_errors():
        room.form()
    known = room.runner().plans.newest()
    if known:
        st.subheader("Earlier", anchor=False)
    for plan_id in known:
        _line(room, plan_id)


def _choose_room() -> Room:
    chosen = st.segmented_control(
        "Question",
        list(ROOMS),
        format_func=lambda name: ROOMS[name].question,
        default=address.current(DefencesView).room,
        required=True,
        key="defences-room",
        label_visibility="collapsed",
    )
    address.change(DefencesView, room=chosen)
    return ROOMS[chosen]


def _line(room: Room, plan_id: str) -> None:
    runner = room.runner()
    try:
        plan = runner.plans.get(plan_id)
    except AsmaError as error:
        st.markdown(f":red[{escape_markdown(str(error))}]")
        return
    try:
        words, colour = status_text(runner.standing(plan))
    except AsmaError as error:
        words, colour = escape_markdown(str(error)), "red"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        plan_link(DefencesView(plan_id, room.name), f"**{escape_markdown(room.title(plan))}**")
        st.markdown(f":{colour}[{words}]", width="content")
        when = moment(runner.plans.created(plan_id))
        st.caption(f"{escape_markdown(room.about(plan))}, {when}", width="stretch")

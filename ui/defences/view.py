"""One plan: how far it is, what it comes to, its files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.jobs.plan_runner import Standing
from asma_core.naming import plain_name
from ui.address.links import link, open_here
from ui.address.views import DefencesView, ExperimentsView
from ui.common.errors import escape_markdown, show_error, show_errors
from ui.common.format import capitalised, duration, moment
from ui.common.presses import pressed
from ui.common.rerun import patiently, rerun_page
from ui.common.shell import name_tab
from ui.common.stop_go import stop_or_go_on
from ui.defences.plan_text import plan_link, status_text
from ui.defences.rooms import ROOMS, Room

REFRESH: Final = 1.0
# The plan that this session forgot last.
FORGOTTEN: Final = "defences-forgotten"


def plan_view(room_name: str, plan_id: str) -> None:
    """Show a plan, while it goes on and after.

    Raises:
        UnknownExperimentError: There is none of that id.
    """
    room = ROOMS[room_name]
    runner = room.runner()
    if st.session_state.get(FORGOTTEN) == plan_id and plan_id not in runner.plans.newest():
        # The browser asked once more for what was forgotten while it was on its way.
        open_here(DefencesView(room=room.name))
    plan = runner.plans.get(plan_id)
    name_tab(room.title(plan), "Defences")
    plan_link(DefencesView(room=room.name), "All plans", icon=":material/arrow_back:")
    head, actions = st.columns([7, 5], vertical_alignment="center")
    head.title(escape_markdown(room.title(plan)), anchor=False)
    when = moment(runner.plans.created(plan_id))
    head.caption(f"{room.question} {escape_markdown(room.about(plan))}. Started {when}.")
    try:
        found = runner.standing(plan)
    except AsmaError as error:
        # Such as when its network is gone; then it can only be forgotten.
        with actions:
            _delete(st.container(horizontal=True, horizontal_alignment="right"), room, plan)
        show_error(error)
        return
    with actions:
        _actions(room, plan, found)
    for message in found.messages:
        st.error(escape_markdown(f"It stopped: {message}"), icon=":material/error:")
    if found.active:
        st.fragment(_bar, run_every=REFRESH)(room.name, plan_id, found.partial)
    elif not found.complete:
        words, colour = status_text(found)
        st.markdown(f":{colour}[{capitalised(words)} {room.unit}]")
    if found.partial or (found.complete and not found.active):
        _result(room, plan, found)


def _bar(room_name: str, plan_id: str, partial: int) -> None:
    """Show how far it is; alone again every second.

    The whole page comes again at the end, and when there is more to look at.
    """
    with show_errors():
        room = ROOMS[room_name]
        runner = room.runner()
        found = runner.standing(runner.plans.get(plan_id))
        if not found.active or found.partial != partial:
            rerun_page()
        parts = (f"{found.done} of {found.total} {room.unit}", found.doing, _left(found))
        st.progress(found.done / found.total, text=", ".join(filter(None, parts)))


def _left(found: Standing) -> str:
    return "" if found.left is None else f"{duration(found.left)} left"


def _actions(room: Room, plan: Any, found: Standing) -> None:
    row = st.container(horizontal=True, horizontal_alignment="right")
    stop_or_go_on(
        row,
        "defences",
        active=found.active,
        stopping=found.stopping,
        complete=found.complete,
        failed=found.failed > 0,
        stop=partial(room.runner().stop, plan),
        go_on=partial(_resume, room, plan),
    )
    _delete(row, room, plan, found.active)


def _delete(row: Any, room: Room, plan: Any, active: bool = False) -> None:
    if pressed(
        row,
        "Delete",
        key="defences-delete",
        icon=":material/delete:",
        disabled=active,
        help="Stop it first." if active else room.kept,
    ):
        with show_errors():
            room.runner().delete(plan.id)
            st.session_state[FORGOTTEN] = plan.id
            open_here(DefencesView(room=room.name))


def _resume(room: Room, plan: Any) -> None:
    with show_errors():
        room.runner().start(plan)


def _result(room: Room, plan: Any, found: Standing) -> None:
    with st.spinner(room.looking, show_time=True):
        try:
            answer, files = patiently(room.runner().result, plan)
        except AsmaError as error:
            show_error(error)
            return
    for sentence in answer["sentences"]:
        st.markdown(escape_markdown(sentence), width=900)
    room.result(plan, answer, files)
    if not found.active:
        _downloads(room, plan, files)
    if answer["problems"]:
        with st.expander(f"{len(answer['problems'])} failed", icon=":material/error:"):
            for line in answer["problems"]:
                st.markdown(escape_markdown(line))
    _runs(found)


def _downloads(room: Room, plan: Any, files: Mapping[str, bytes]) -> None:
    row = st.container(horizontal=True)
    for place, (name, (words, kind)) in enumerate(room.files.items()):
        row.download_button(
            words,
            files[name],
            f"{plain_name(room.title(plan))}-{name}",
            kind,
            key=f"defences-{name}",
            on_click="ignore",
            icon=":material/download:",
            type="primary" if place == 0 else "secondary",
        )


def _runs(found: Standing) -> None:
    """Show the way to the experiments that a plan is made of, where it is."""
    if not found.experiments:
        return
    st.markdown(
        "**The runs**, network by network" if len(found.experiments) > 1 else "**The runs**"
    )
    networks = st.container(horizontal=True)
    for experiment in found.experiments:
        words = escape_markdown(experiment.plan.model)
        with networks.container(width="content"):
            link(ExperimentsView(experiment.id), words)

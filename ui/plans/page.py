"""What the pages of plans share: the lines of what was asked, and one plan while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.jobs.many_experiments import PlanRunner, Standing
from ui.address.links import inner_link, link, open_here
from ui.address.view import View
from ui.address.views import ExperimentsView
from ui.common.errors import escape_markdown, show_error, show_errors
from ui.common.format import moment
from ui.common.rerun import patiently, rerun_page, whole
from ui.common.shell import name_tab

REFRESH = 1.0


@dataclass(frozen=True)
class PlanPage:
    """A page of plans of one kind.

    Attributes:
        title: Of the page.
        runner: Returns what carries its plans out.
        view: Makes the address of a plan, or of the list for None.
        named: What a plan is called.
        about: What it asks, in a few words.
        looking: What is done when all runs have ended, in words.
        show: Shows what a complete plan comes to: the plan, the plain values, the files.
    """

    title: str
    runner: Callable[[], PlanRunner[Any]]
    view: Callable[[str | None], View]
    named: Callable[[Any], str]
    about: Callable[[Any], str]
    looking: str
    show: Callable[[Any, dict[str, Any], dict[str, bytes]], None]

    def key(self, name: str) -> str:
        """Return the key of a widget."""
        return f"{self.title.lower()}-{name}"


def plan_lines(page: PlanPage) -> None:
    """Show a line for each plan that was asked for before."""
    known = page.runner().plans.newest()
    if known:
        st.subheader("Earlier", anchor=False)
    for plan_id in known:
        _line(page, plan_id)


def _line(page: PlanPage, plan_id: str) -> None:
    runner = page.runner()
    try:
        plan = runner.plans.get(plan_id)
        words, colour = status_text(runner.standing(plan))
    except AsmaError as error:
        st.markdown(f":red[{escape_markdown(str(error))}]")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        _link(page, f"**{escape_markdown(page.named(plan))}**", plan_id)
        st.markdown(f":{colour}[{words}]", width="content")
        when = moment(runner.plans.created(plan_id))
        st.caption(f"{escape_markdown(page.about(plan))}, {when}", width="stretch")


def status_text(found: Standing) -> tuple[str, str]:
    """Return how a plan stands, and Streamlit's colour for it."""
    if found.active:
        words = f"{found.done} of {found.total}"
        return f"stopping, {words}" if found.stopping else words, "blue"
    if found.complete:
        return "done", "green"
    return f"stopped at {found.done} of {found.total}", "orange"


def _link(page: PlanPage, label: str, plan: str | None = None, icon: str = "") -> None:
    inner_link(page.view(plan), label, page.key(plan or "all"), icon)


def plan_view(page: PlanPage, plan_id: str) -> None:
    """Show a plan, while it goes on and after.

    Raises:
        UnknownExperimentError: There is none of that id.
    """
    runner = page.runner()
    if (
        st.session_state.get(page.key("forgotten")) == plan_id
        and plan_id not in runner.plans.newest()
    ):
        # The browser asked once more for what was forgotten while it was on its way.
        open_here(page.view(None))
    plan = runner.plans.get(plan_id)
    name_tab(page.named(plan), page.title)
    _link(page, "All plans", icon=":material/arrow_back:")
    found = runner.standing(plan)
    head, actions = st.columns([7, 5], vertical_alignment="center")
    head.title(escape_markdown(page.named(plan)), anchor=False)
    when = moment(runner.plans.created(plan_id))
    head.caption(f"{escape_markdown(page.about(plan))}. Started {when}.")
    with actions:
        _actions(page, plan, found)
    for message in found.messages:
        st.error(escape_markdown(f"It stopped: {message}"), icon=":material/error:")
    if found.active:
        st.fragment(partial(_bar, page), run_every=REFRESH)(plan_id)
        return
    if not found.complete:
        words, colour = status_text(found)
        st.markdown(f":{colour}[{words[:1].upper()}{words[1:]} runs]")
        return
    _result(page, plan, found)


def _bar(page: PlanPage, plan_id: str) -> None:
    """Show how far it is; alone again every second, and the whole page at the end."""
    with show_errors():
        runner = page.runner()
        found = runner.standing(runner.plans.get(plan_id))
        if not found.active:
            rerun_page()
        st.progress(found.done / found.total, text=f"{found.done} of {found.total} runs")


def _actions(page: PlanPage, plan: Any, found: Standing) -> None:
    row = st.container(horizontal=True, horizontal_alignment="right")
    with row.empty():
        if found.active:
            st.button(
                "Stopping" if found.stopping else "Stop",
                key=page.key("stop"),
                icon=":material/stop:",
                disabled=found.stopping,
                on_click=whole(page.runner().stop),
                args=(plan,),
                help="What is done stays done; go on with it when you like.",
            )
        elif not found.complete or found.failed:
            st.button(
                "Try the failed ones again" if found.complete else "Go on",
                key=page.key("resume"),
                type="primary",
                icon=":material/play_arrow:",
                on_click=whole(partial(_resume, page)),
                args=(plan,),
            )
    if row.button(
        "Delete",
        key=page.key("delete"),
        icon=":material/delete:",
        disabled=found.active,
        help="Stop it first." if found.active else "Its runs and its networks stay.",
    ):
        with show_errors():
            page.runner().delete(plan.id)
            st.session_state[page.key("forgotten")] = plan.id
            open_here(page.view(None))


def _resume(page: PlanPage, plan: Any) -> None:
    with show_errors():
        page.runner().start(plan)


def _result(page: PlanPage, plan: Any, found: Standing) -> None:
    with st.spinner(page.looking, show_time=True):
        try:
            answer, files = patiently(page.runner().result, plan)
        except AsmaError as error:
            show_error(error)
            return
    for sentence in answer["sentences"]:
        st.markdown(escape_markdown(sentence), width=900)
    page.show(plan, answer, files)
    if answer["problems"]:
        with st.expander(f"{len(answer['problems'])} failed", icon=":material/error:"):
            for line in answer["problems"]:
                st.markdown(escape_markdown(line))
    st.markdown("**The runs**, network by network")
    networks = st.container(horizontal=True)
    for experiment in found.experiments:
        with networks.container(width="content"):
            link(ExperimentsView(experiment.id), escape_markdown(experiment.plan.model))


def downloads(page_key: str, named: str, files: dict[str, bytes], titles: dict[str, str]) -> None:
    """Show a button for each file.

    Args:
        page_key: Of the page's widgets.
        named: Begins the names of the files that are saved.
        files: Their bytes by their names.
        titles: Words for each; the first is the one that most want.
    """
    row = st.container(horizontal=True)
    for name, data in files.items():
        row.download_button(
            titles[name],
            data,
            f"{named}-{name}",
            KINDS[name.rpartition(".")[2]],
            key=f"{page_key}-{name}",
            on_click="ignore",
            icon=":material/download:",
            type="primary" if name == next(iter(titles)) else "secondary",
        )


KINDS = {"html": "text/html", "csv": "text/csv", "md": "text/markdown", "tex": "text/x-tex"}

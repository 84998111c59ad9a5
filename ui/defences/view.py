"""One plan: how far it is, what its defences are worth, its files."""

from __future__ import annotations

from typing import Final

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.experiments.robustness_plan import RobustnessPlan
from asma_core.jobs.robustness import Standing
from ui.address.links import link, open_here
from ui.address.views import DefencesView, ExperimentsView
from ui.common import services
from ui.common.errors import escape_markdown, show_error, show_errors
from ui.common.format import moment
from ui.common.rerun import patiently, rerun_page, whole
from ui.common.shell import name_tab
from ui.defences.figures import picture, table
from ui.defences.plan_text import about, plan_link, status_text, title
from ui.pictures.curves import NO_TOOLBAR

REFRESH: Final = 1.0
# The plan that this session forgot last.
FORGOTTEN: Final = "defences-forgotten"
TITLES: Final = {
    "report.html": ("Report", "text/html"),
    "robustness.csv": ("Table as CSV", "text/csv"),
    "robustness.md": ("Table for Markdown", "text/markdown"),
    "robustness.tex": ("Table for LaTeX", "text/x-tex"),
}


def plan_view(plan_id: str) -> None:
    """Show a plan, while it goes on and after.

    Raises:
        UnknownExperimentError: There is none of that id.
    """
    runner = services.robustness()
    if st.session_state.get(FORGOTTEN) == plan_id and plan_id not in runner.plans.newest():
        # The browser asked once more for what was forgotten while it was on its way.
        open_here(DefencesView())
    plan = runner.plans.get(plan_id)
    name_tab(title(plan), "Defences")
    plan_link("All plans", icon=":material/arrow_back:")
    found = runner.standing(plan)
    head, actions = st.columns([7, 5], vertical_alignment="center")
    head.title(escape_markdown(title(plan)), anchor=False)
    when = moment(runner.plans.created(plan_id))
    head.caption(f"{escape_markdown(about(plan))}. Started {when}.")
    with actions:
        _actions(plan, found)
    for message in found.messages:
        st.error(escape_markdown(f"It stopped: {message}"), icon=":material/error:")
    if found.active:
        st.fragment(_bar, run_every=REFRESH)(plan_id)
        return
    if not found.complete:
        words, colour = status_text(found)
        st.markdown(f":{colour}[{words[:1].upper()}{words[1:]} runs]")
        return
    _result(plan, found)


def _bar(plan_id: str) -> None:
    """Show how far it is; alone again every second, and the whole page at the end."""
    with show_errors():
        runner = services.robustness()
        found = runner.standing(runner.plans.get(plan_id))
        if not found.active:
            rerun_page()
        st.progress(found.done / found.total, text=f"{found.done} of {found.total} runs")


def _actions(plan: RobustnessPlan, found: Standing) -> None:
    row = st.container(horizontal=True, horizontal_alignment="right")
    with row.empty():
        if found.active:
            st.button(
                "Stopping" if found.stopping else "Stop",
                key="defences-stop",
                icon=":material/stop:",
                disabled=found.stopping,
                on_click=whole(services.robustness().stop),
                args=(plan,),
                help="What is done stays done; go on with it when you like.",
            )
        elif not found.complete or found.failed:
            st.button(
                "Try the failed ones again" if found.complete else "Go on",
                key="defences-resume",
                type="primary",
                icon=":material/play_arrow:",
                on_click=whole(_resume),
                args=(plan,),
            )
    if row.button(
        "Delete",
        key="defences-delete",
        icon=":material/delete:",
        disabled=found.active,
        help="Stop it first." if found.active else "Its runs and its networks stay.",
    ):
        with show_errors():
            services.robustness().delete(plan.id)
            st.session_state[FORGOTTEN] = plan.id
            open_here(DefencesView())


def _resume(plan: RobustnessPlan) -> None:
    with show_errors():
        services.robustness().start(plan)


def _result(plan: RobustnessPlan, found: Standing) -> None:
    with st.spinner("Showing the files to the defended networks", show_time=True):
        try:
            answer, files = patiently(services.robustness().result, plan)
        except AsmaError as error:
            show_error(error)
            return
    for sentence in answer["sentences"]:
        st.markdown(escape_markdown(sentence), width=900)
    drawing = picture(answer["points"])
    if drawing is None:
        st.info("There is no IoU with the truth to show.", icon=":material/info:")
    else:
        st.plotly_chart(drawing, key="defences-picture", config=NO_TOOLBAR)
        st.caption(
            "Robust IoU: with the truth, after the worst attack on each image. Rings: attacks that "
            "do not know the defence; dots: those that know it among them."
        )
    table(answer["rows"])
    row = st.container(horizontal=True)
    for name, data in files.items():
        words, kind = TITLES[name]
        row.download_button(
            words,
            data,
            f"{plan.model}-{name}",
            kind,
            key=f"defences-{name}",
            on_click="ignore",
            icon=":material/download:",
            type="primary" if name == "report.html" else "secondary",
        )
    if answer["problems"]:
        with st.expander(f"{len(answer['problems'])} failed", icon=":material/error:"):
            for line in answer["problems"]:
                st.markdown(escape_markdown(line))
    st.markdown("**The runs**, network by network")
    networks = st.container(horizontal=True)
    for experiment in found.experiments:
        words = escape_markdown(experiment.plan.model)
        with networks.container(width="content"):
            link(ExperimentsView(experiment.id), words)

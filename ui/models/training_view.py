"""A training as it happens: how far it is, its curves, Stop and Go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from asma_core.data.masks.palette import ADVERSARIAL, QUIET, TRUTH
from asma_core.training import store as states
from asma_core.training.store import Training
from ui.address import browser as address
from ui.address.views import ModelsView
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import duration, number
from ui.common.presses import pressed
from ui.common.rerun import rerun_page
from ui.common.shell import name_tab
from ui.models.link import back, model_link
from ui.models.training_text import about, kept_text, status_text
from ui.pictures.curves import NO_TOOLBAR

REFRESH: Final = 1.0
LOSS_COLOUR: Final = QUIET
IOU_COLOUR: Final = TRUTH.colour
ROBUST_COLOUR: Final = ADVERSARIAL.colour


def training_view(training_id: str) -> None:
    """Show a training; alone again every second until it ends."""
    back()
    training = services.trainer().store.get(training_id)
    name_tab(f"Training of {training.plan.name or training.plan.dataset}")
    st.title(escape_markdown(training.plan.name or training.plan.dataset), anchor=False)
    st.caption(escape_markdown(about(training)))
    if training.ended:
        _ended(training)
    else:
        st.fragment(_live, run_every=REFRESH)(training_id)


def _live(training_id: str) -> None:
    with show_errors():
        trainings = services.trainer().store
        training = trainings.get(training_id)
        if training.ended:
            rerun_page()
        curve = training.curve
        words, button = st.columns([8, 2], vertical_alignment="center")
        stopping = trainings.shall_stop(training_id)
        if curve is None:
            words.progress(0.0, text="Waiting for its turn" if training.state == states.QUEUED
                           else "Reading the images")  # fmt: skip
        else:
            text = f"Step {curve['step']} of {curve['of']}, about {duration(curve['left'])} left"
            words.progress(curve["step"] / curve["of"], text=text)
        if pressed(
            button,
            "Stopping" if stopping else "Stop",
            icon=":material/stop:",
            key="training-stop",
            disabled=stopping,
            width="stretch",
            help="It can be gone on with where it was.",
        ):
            trainings.ask_to_stop(training_id)
            rerun_page()
        if curve is not None:
            if kept_text(training):
                st.caption(escape_markdown(kept_text(training)))
            _curves(curve)


def _ended(training: Training) -> None:
    words, colour = status_text(training)
    st.markdown(f":{colour}[{escape_markdown(words)}]")
    if training.message:
        # One that is done has a network all the same.
        show = st.warning if training.state == states.DONE else st.error
        show(escape_markdown(training.message), icon=":material/error:")
    row = st.container(horizontal=True, vertical_alignment="center")
    if training.state == states.DONE:
        with row:
            model_link("Look at the network", ModelsView(training.network, check=True), "made",
                       ":material/arrow_forward:")  # fmt: skip
    elif pressed(row, "Go on", icon=":material/play_arrow:", type="primary", key="training-on"):
        services.trainer().go_on(training.id)
        rerun_page()
    if pressed(row, "Remove the record", icon=":material/delete:", key="training-delete"):
        services.trainer().store.delete(training.id)
        address.go_to(ModelsView())
        rerun_page()
    figures = training.figures or {}
    if figures:
        row = st.container(horizontal=True)
        row.metric("Test IoU", number(figures.get("test_iou")))
        if "test_robust_iou" in figures:
            row.metric(
                "Test robust IoU",
                number(figures["test_robust_iou"]),
                help=f"Of images attacked by SegPGD within {training.plan.against()}. It says "
                "nothing of larger changes, and stronger attacks find more.",
            )
        row.metric("Test Dice", number(figures.get("test_dice")))
        row.metric("Test images", figures.get("test_images"))
        ended = {"early": ", stopped early", "collapsed": ", collapsed"}
        row.metric("Time", duration(float(figures.get("seconds", 0))))
        row.metric("Steps", f"{figures.get('steps')}{ended.get(str(figures.get('stopped')), '')}")
    if training.curve is not None:
        if training.state != states.DONE and kept_text(training):
            st.caption(escape_markdown(kept_text(training)))
        _curves(training.curve)


def _curves(curve: Mapping[str, Any]) -> None:
    figure = go.Figure()
    figure.add_scatter(
        x=curve["steps"],
        y=curve["loss"],
        name="loss",
        line={"color": LOSS_COLOUR, "width": 1.5},
        hovertemplate="step %{x}<br>loss %{y:.3f}<extra></extra>",
    )
    clean, robust = ("clean IoU", "robust IoU") if curve.get("robust") else ("validation IoU", "")
    for name, key, colour in ((clean, "iou", IOU_COLOUR), (robust, "robust", ROBUST_COLOUR)):
        if name and curve["validations"]:
            figure.add_scatter(
                x=curve["validations"],
                y=curve[key],
                name=name,
                yaxis="y2",
                mode="lines+markers",
                line={"color": colour, "width": 2},
                hovertemplate=f"step %{{x}}<br>{name} %{{y:.3f}}<extra></extra>",
            )
    figure.update_layout(
        height=360,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        legend={"orientation": "h", "y": 1.14, "x": 0},
        xaxis={"title": {"text": "step"}, "range": [0, curve["of"]], "showgrid": False},
        yaxis={"title": {"text": "Dice + cross-entropy"}, "rangemode": "tozero"},
        yaxis2={
            "title": {"text": "IoU"},
            "overlaying": "y",
            "side": "right",
            "range": [0, 1.02],
            "showgrid": False,
        },
        hovermode="x unified",
    )
    st.plotly_chart(figure, key="training-curves", config=NO_TOOLBAR)

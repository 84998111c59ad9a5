"""A run as it happens: progress, curves, the current prediction and difference, Stop."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from asma_core.accounts.rights import may_change
from asma_core.attacks.settings import TOWARDS
from asma_core.data.formats.images import to_rgb
from asma_core.data.masks.label_maps import mask_values
from asma_core.data.masks.palette import ADVERSARIAL, TARGET
from asma_core.jobs.own_runs import move, stop
from asma_core.runs.live import LiveState, live_state
from asma_core.runs.run import QUEUED, Run
from asma_core.runs.spec import RunInputs
from asma_core.runs.store import RunStore
from ui.common import services
from ui.common.errors import show_errors
from ui.common.format import SCORE_LABELS, duration, number
from ui.common.presses import pressed
from ui.common.rerun import rerun_page
from ui.pictures.curves import NO_TOOLBAR, run_curves
from ui.pictures.differences import show_difference
from ui.pictures.encoding import data_address
from ui.pictures.outlines import Layer, fit_size, outline, resize
from ui.runs.moves import AMONG_OWN, MOVES
from ui.runs.progress import place_text
from ui.runs.summary import headline

REFRESH: Final = 1.0
PICTURE_SIDE: Final = 420


def live_run(run_id: str) -> None:
    """Show a queued or running run until it ends; then the whole page runs again."""
    _panel(run_id)


@st.fragment(run_every=REFRESH)
def _panel(run_id: str) -> None:
    # The guard of app.py is not there when the fragment runs by itself.
    with show_errors():
        store = services.queue().store
        run = store.get(run_id)
        if run.ended:
            rerun_page()
        headline(run)
        state = live_state(store, run_id)
        _progress(store, run, state)
        if state is not None:
            _pictures(_inputs(run_id, store), run, state)


def _progress(store: RunStore, run: Run, state: LiveState | None) -> None:
    words, button = st.columns([8, 2], vertical_alignment="center")
    if run.state == QUEUED:
        words.progress(0.0, text=_waiting_text(run))
    elif state is None:
        words.progress(0.0, text="Waiting for the worker, loading")
    else:
        score = number(state.curves["score"][-1])
        left = duration(state.seconds_left)
        l2 = number(state.curves["l2"][-1], 2)
        label = SCORE_LABELS.get(state.score_kind, "IoU")
        text = f"Step {state.step} of {state.steps}, at most {left} left, {label} {score}, L2 {l2}"
        words.progress(min(state.step / state.steps, 1.0), text=text)
    waits = run.state == QUEUED
    if pressed(
        button,
        "Stopping" if run.cancel else "Stop",
        key=f"live-stop-{run.id}",
        icon=":material/stop:",
        disabled=run.cancel or not may_change(run.author),
        width="stretch",
        help="It has not begun, and will not." if waits else "What has been found so far is kept.",
    ):
        stop(store, run.id)
        rerun_page()
    if waits:
        _order(store, run)


def _waiting_text(run: Run) -> str:
    place = services.queue().places().get(run.id)
    if place is None:
        return "Waiting for a worker"
    text = f"In the queue: {place_text(place)}"
    return text if services.queue().workers() else f"{text}. No worker is there; it waits for one"


def _order(store: RunStore, run: Run) -> None:
    """Let the author put a run that waits before or behind others of theirs."""
    row = st.container(horizontal=True, key=f"live-order-{run.id}")
    for word, icon, by in MOVES:
        if pressed(
            row,
            word,
            key=f"live-{word.lower().replace(' ', '-')}-{run.id}",
            icon=icon,
            disabled=not may_change(run.author),
            help=AMONG_OWN,
        ):
            move(store, [run.id], by)
            services.queue().look_again()
            rerun_page()


@st.cache_resource(max_entries=8, show_spinner=False)
def _inputs(run_id: str, _store: RunStore) -> RunInputs:
    return _store.inputs(_store.get(run_id))


def _pictures(inputs: RunInputs, run: Run, state: LiveState) -> None:
    adversarial, prediction = _read(state)
    if adversarial is None or prediction is None:
        return
    size = fit_size(adversarial.shape, PICTURE_SIDE, PICTURE_SIDE)
    away = run.aim != TOWARDS
    target = [] if away else [Layer(inputs.target, TARGET)]
    shown = outline(resize(adversarial, size), [*target, Layer(prediction, ADVERSARIAL)])
    left, middle, right = st.columns([3, 3, 4])
    left.image(data_address(shown), width="stretch", alt="Adversarial image now")
    drawn = "" if away else f"target {TARGET.word}, "
    left.caption(f"Adversarial image now, step {state.step}: {drawn}prediction {ADVERSARIAL.word}")
    with middle:
        show_difference(to_rgb(inputs.image), adversarial, size)
    right.plotly_chart(
        run_curves(
            state.curves,
            SCORE_LABELS.get(state.score_kind, "IoU"),
            run.wanted,
            height=320,
        ),
        key=f"live-curves-{run.id}",
        config=NO_TOOLBAR,
    )


def _read(state: LiveState) -> tuple[NDArray[np.uint8] | None, NDArray[np.int64] | None]:
    """Read the current pictures; None when the run ended, and they went, between two looks."""
    try:
        image, labels = state.adversarial.read_bytes(), state.prediction.read_bytes()
    except FileNotFoundError:
        return None, None
    picture = np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))
    return picture, mask_values(labels).astype(np.int64)

"""Attack before it runs: the image with its target on the left, the settings on the right."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.data.images import to_rgb
from asma_core.data.palette import PREDICTION
from asma_core.errors import AsmaError
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.runs.spec import RunRequest
from ui import services
from ui.attack_form import AttackChoice, attack_form
from ui.format import number
from ui.guard import guarded, show_error
from ui.left_target import keep_left, left_start, take_left
from ui.mask_canvas import MaskDrawing, mask_canvas
from ui.pictures import Layer
from ui.region_choice import region_or_error
from ui.source_choice import Chosen, choose_source
from ui.target_choice import Start, choose_start

CANVAS_SIDE = 600


def attack_editor(key: str) -> None:
    """Show the editor; a press of Run queues the run and goes to it."""
    with guarded():
        take_left(key)
    chosen = choose_source(key)
    if chosen is None:
        return
    if chosen.dataset is not None and chosen.dataset.synthetic:
        st.caption("The images of this set are synthetic: generated, not taken from anybody.")
    with st.spinner("Asking the network for its prediction"):
        prediction = services.predictor().predict(chosen.card.name, chosen.source.image)
    left, right = st.columns([7, 5], gap="large")
    with right:
        start = choose_start(key, chosen, prediction, left_start(key, chosen))
    with left:
        drawing = mask_canvas(
            to_rgb(chosen.source.image),
            start.mask,
            chosen.card.classes,
            key=f"{key}-canvas",
            references=[Layer(prediction, PREDICTION)],
            width=CANVAS_SIDE,
            height=CANVAS_SIDE,
            drawn=start.drawn,
        )
    with guarded():
        keep_left(key, chosen, start, drawing)
    with right:
        choice = attack_form(key)
        region, usable = region_or_error(key, chosen, prediction, drawing.mask)
        _target_figures(chosen, drawing, prediction)
        if st.button(
            "Run the attack",
            key=f"{key}-run",
            type="primary",
            icon=":material/play_arrow:",
            shortcut="Ctrl+Enter",
            width="stretch",
            disabled=not usable,
        ):
            _run(chosen, choice, start, drawing, region)


def _target_figures(chosen: Chosen, drawing: MaskDrawing, prediction: NDArray[np.int64]) -> None:
    share = float((drawing.mask > 0).mean())
    classes = len(chosen.card.classes)
    counts = confusion_matrix(drawing.mask, prediction, classes, chosen.source.valid)
    overlap = foreground_iou(counts)
    words = number(None if math.isnan(overlap) else overlap)
    st.markdown(
        f"Target (yellow): **{100 * share:.1f} %** of the image, overlap with the prediction "
        f"(blue): IoU **{words}**"
    )


def _run(
    chosen: Chosen,
    choice: AttackChoice,
    start: Start,
    drawing: MaskDrawing,
    region: NDArray[np.bool_] | None,
) -> None:
    source = chosen.source
    drawn = f", {drawing.n_edits} drawn by hand" if drawing.n_edits else ""
    request = RunRequest(
        model=chosen.card.name,
        attack=choice.entry.name,
        config=choice.config,
        image_name=source.name,
        target_name=start.name + drawn,
        dataset=source.dataset,
        sample=source.sample,
        device=choice.device,
        seed=choice.seed,
        precision=choice.precision,
        compiled=choice.compiled,
    )
    try:
        run = services.queue().submit(request, source.towards(drawing.mask, region))
    except AsmaError as error:
        show_error(error)
        return
    st.query_params.from_dict({"run": run.id})
    st.rerun()

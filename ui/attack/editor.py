"""Attack before it runs: the image with its target on the left, the settings on the right."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.attacks.settings import AWAY, AWAY_FROM_TRUTH
from asma_core.data.formats.images import to_rgb
from asma_core.data.masks.label_maps import Mask
from asma_core.data.masks.palette import PREDICTION, TARGET
from asma_core.errors import AsmaError
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from ui.address import browser as address
from ui.address.views import AttackView
from ui.attack.form import AttackChoice, attack_form
from ui.attack.region_choice import region_or_error
from ui.attack.restored_target import restore, restored_start, save_draft
from ui.attack.source_choice import AttackSource, choose_source
from ui.attack.target_choice import BaseMask, choose_start, counted_target
from ui.common import services
from ui.common.errors import show_error, show_errors
from ui.common.format import number
from ui.editor.canvas import MaskDrawing, mask_canvas
from ui.pictures.outlines import Layer

CANVAS_SIDE = 600
AWAY_WORDS = {
    AWAY: "This attack leads **away from what the network says** of the image. The target is not "
    "used; choose the goal *towards the mask* to attack towards it.",
    AWAY_FROM_TRUTH: "This attack leads **away from the truth**. The target is not used; choose "
    "the goal *towards the mask* to attack towards it.",
}


def attack_editor(key: str) -> None:
    """Show the editor; a press of Run queues the run and goes to it."""
    with show_errors():
        restore(key)
    chosen = choose_source(key)
    if chosen is None:
        return
    if chosen.dataset is not None and chosen.dataset.synthetic:
        st.caption("The images of this set are synthetic: generated, not taken from anybody.")
    with st.spinner("Asking the network for its prediction"):
        prediction = services.predictor().predict(chosen.card, chosen.source.image)
    left, right = st.columns([7, 5], gap="large")
    with right:
        start = choose_start(key, chosen, prediction, restored_start(key, chosen))
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
    with show_errors():
        save_draft(key, chosen, start, drawing)
    with right:
        choice = attack_form(key)
        region, usable = region_or_error(key, chosen, prediction, drawing.mask)
        target = counted_target(start, drawing.mask)
        if choice.leads_away:
            st.info(AWAY_WORDS[choice.config["goal_is"]], icon=":material/info:")
        else:
            _target_figures(chosen, target, prediction)
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


def _target_figures(chosen: AttackSource, target: Mask, prediction: NDArray[np.int64]) -> None:
    share = float((target.labels > 0).mean())
    classes = len(chosen.card.classes)
    counted = chosen.source.valid & target.valid
    counts = confusion_matrix(target.labels, prediction, classes, counted)
    overlap = foreground_iou(counts)
    words = number(None if math.isnan(overlap) else overlap)
    st.markdown(
        f"Target ({TARGET.word}): **{100 * share:.1f} %** of the image, overlap with the "
        f"prediction ({PREDICTION.word}): IoU **{words}**"
    )


def _run(
    chosen: AttackSource,
    choice: AttackChoice,
    start: BaseMask,
    drawing: MaskDrawing,
    region: NDArray[np.bool_] | None,
) -> None:
    source = chosen.source
    origin = replace(start.origin, edits=start.origin.edits + drawing.n_edits)
    request = source.request(
        chosen.card.name, choice.entry.name, choice.config, origin, choice.execution
    )
    try:
        target = counted_target(start, drawing.mask)
        inputs = source.with_target(target, region)
        if choice.leads_away:
            # Kept for who changes the goal later; what is void in it must not count here.
            inputs = replace(inputs, valid=source.valid)
        run = services.queue().submit(request, inputs)
    except AsmaError as error:
        show_error(error)
        return
    address.go_to(AttackView(run.id))
    st.rerun()

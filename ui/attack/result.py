"""What Attack shows of a run that has ended, and where to go from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import streamlit as st

from asma_core.attacks.contract import THE_PAPERS
from asma_core.attacks.registry import find_attack
from asma_core.data.formats.images import read_image, to_rgb
from asma_core.data.masks.label_maps import mask_values
from asma_core.data.masks.palette import ADVERSARIAL, PREDICTION, TARGET
from asma_core.errors import AsmaError
from asma_core.metrics.score import NOT_REACHED
from asma_core.runs import artefacts
from asma_core.runs.run import DONE, Run
from asma_core.runs.uploads import keep_image
from ui.address.links import open_here, open_page
from ui.address.views import AttackView, CompareView
from ui.attack.live_run import PICTURE_SIDE
from ui.common import services
from ui.common.errors import escape_markdown, show_error, show_errors
from ui.common.presses import pressed
from ui.judging.strip import judging_strip
from ui.pictures.differences import show_difference
from ui.pictures.encoding import data_address
from ui.pictures.outlines import Layer, fit_size, outline, resize
from ui.runs.summary import headline, how, key_figures

# Name of the attack that is offered where one of the paper's stalls.
MINIMAL: Final = "minimal"


def run_result(run: Run) -> None:
    """Show the outcome with pictures, and the ways on: compare, change the target, repeat."""
    headline(run)
    _ways_on(run)
    if not run.results:
        if not run.message:
            st.info("It was stopped before it had a result.", icon=":material/info:")
        return
    key_figures(run)
    folder = services.store().folder(run.id)
    away = not (folder / artefacts.TARGET).exists()
    target = [] if away else [Layer(mask_values(folder / artefacts.TARGET), TARGET)]
    panels = (
        ("Original", artefacts.ORIGINAL, artefacts.PREDICTION_CLEAN, PREDICTION),
        ("Adversarial", artefacts.ADVERSARIAL, artefacts.PREDICTION_ADVERSARIAL, ADVERSARIAL),
    )
    columns = st.columns(3)
    pictures = []
    for column, (title, name, prediction, role) in zip(columns, panels, strict=False):
        picture = to_rgb(read_image(folder / name))
        pictures.append(picture)
        size = fit_size(picture.shape, PICTURE_SIDE, PICTURE_SIDE)
        layers = [*target, Layer(mask_values(folder / prediction), role)]
        drawn_on = data_address(outline(resize(picture, size), layers))
        column.image(drawn_on, width="stretch", alt=f"{title} image")
        drawn = "" if away else f"target {TARGET.word}, "
        column.caption(f"{title}: {drawn}prediction {role.word}")
    with columns[2]:
        show_difference(pictures[0], pictures[1], size)
    st.caption(escape_markdown(how(run)))
    judging_strip(run, "judging")


def _ways_on(run: Run) -> None:
    row = st.container(horizontal=True)
    if run.results and pressed(
        row, "Compare", key="result-compare", type="primary", icon=":material/compare:"
    ):
        open_page(CompareView(run.id))
    if pressed(
        row,
        "Change the target",
        key="result-change",
        icon=":material/draw:",
        help="Back to the image, with the target and the settings as they were.",
    ):
        with show_errors():
            _leave_run(run)
    if pressed(row, "Repeat", key="result-repeat", icon=":material/replay:"):
        _queue(lambda: services.queue().repeat(run.id))
    if _has_failed(run) and pressed(
        row,
        "Try Minimal",
        key="result-minimal",
        icon=":material/compress:",
        help="The same image, target and target IoU with the attack that looks for the smallest "
        "change; it also lowers the logit of the strongest rival.",
    ):
        _queue(lambda: services.queue().try_instead(run.id, MINIMAL))


def _has_failed(run: Run) -> bool:
    """Tell whether one of the paper's attacks has led to its target, and not reached it."""
    papers = find_attack(run.spec.attack).answers == THE_PAPERS
    return papers and run.state == DONE and run.outcome == NOT_REACHED


def _queue(ask: Callable[[], Run]) -> None:
    """Queue a run and watch it."""
    try:
        queued = ask()
    except AsmaError as error:
        show_error(error)
        return
    open_here(AttackView(queued.id))


def _leave_run(run: Run) -> None:
    """Go back to the editor, at the run's image, target and settings."""
    spec = run.spec
    if spec.dataset:
        view = AttackView(dataset=spec.dataset, sample=spec.sample)
    else:
        # The link may have been opened in a session that doesn't have the image.
        image = services.store().inputs(run).image
        view = AttackView(own=keep_image(image, spec.sample, spec.window))
    open_here(replace(view, from_run=run.id))

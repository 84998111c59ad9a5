"""Attack before it runs: the image with its target on the left, the settings on the right."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.accounts.current import account
from asma_core.accounts.quota import nearly_full
from asma_core.attacks.settings import AWAY, AWAY_FROM_TRUTH
from asma_core.data.formats.images import to_rgb
from asma_core.data.masks.label_maps import Mask
from asma_core.data.masks.palette import PREDICTION, TARGET
from asma_core.defences.registry import in_words
from asma_core.errors import AsmaError
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from ui.address import browser as address
from ui.address.links import open_here
from ui.address.views import AttackView
from ui.attack.form import AttackChoice, attack_form
from ui.attack.page_state import bring_back, buttons, follow_address, say_address
from ui.attack.region_choice import choose_region
from ui.attack.source_choice import AttackSource, choose_source, source_view
from ui.attack.target_choice import BaseMask, choose_start, counted_target
from ui.common import services
from ui.common.errors import escape_markdown, show_error, show_errors
from ui.common.format import number
from ui.common.looks import unseen_title
from ui.common.presses import pressed
from ui.common.refusals import making_refused
from ui.common.rerun import patiently
from ui.common.shell import all_room, background, name_tab
from ui.editor.drawings import drawings
from ui.editor.target_editor import Ground, n_edits, painted, painted_region, target_editor

# Always in sight, whatever is folded out above.
RUN_BAR: Final = """<style>
[data-testid="stLayoutWrapper"]:has(> [class*="-run-bar"]) {{ position: sticky; bottom: 0;
z-index: 4; background: {paper}; }}
[class*="-run-bar"] {{ padding: 0.5rem 0 0.75rem; gap: 0.5rem; }}
</style>"""
AT_TARGET: Final = (
    "The prediction is at this target already, so there is nothing to attack yet: draw what it "
    "shall become."
)
AWAY_WORDS = {
    AWAY: "This attack leads **away from what the network says** of the image. The target is not "
    "used; choose the goal *towards the mask* to attack towards it.",
    AWAY_FROM_TRUTH: "This attack leads **away from the truth**. The target is not used; choose "
    "the goal *towards the mask* to attack towards it.",
}


def attack_editor(key: str) -> None:
    """Show the editor; a press of Run queues the run and goes to it."""
    all_room()
    unseen_title("Attack")
    follow_address(key)
    try:
        chosen = choose_source(key)
        if chosen is not None:
            name_tab("Attack", chosen.source.name)
            with st.spinner("Asking the network for its prediction"):
                card, image = chosen.card, chosen.source.image
                prediction = patiently(services.predictor().predict, card, image)
    except AsmaError as error:
        show_error(error)
        chosen = None
    if chosen is None:
        address.say(key, source_view(key), buttons(key))
        return
    kept = drawings(key).of(chosen.identity)
    left, right = st.columns([7, 5], gap="medium")
    with right:
        setup = _set_up(key, chosen, prediction)
    with left:
        target_editor(key, setup.ground, kept.head or {})
        if chosen.dataset is not None and chosen.dataset.synthetic:
            st.caption("The images of this set are synthetic: generated, not taken from anybody.")
    with show_errors():
        say_address(key, chosen, setup.start, drawings(key), setup.choice)
    drawings(key).turned = ""
    with right, st.container(key=f"{key}-run-bar"):
        st.html(RUN_BAR.format(paper=background()))
        if setup.choice.leads_away:
            st.info(AWAY_WORDS[setup.choice.config["goal_is"]], icon=":material/info:")
        else:
            _target_figures(chosen, setup, prediction)
        if chosen.card.defences:
            words = escape_markdown(in_words(chosen.card.defences))
            st.caption(f"The network stands behind {words}; the attack goes through it.")
        if told := nearly_full(account()):
            st.warning(told, icon=":material/hard_drive:")
        if refused := making_refused():
            st.info(escape_markdown(refused), icon=":material/info:")
        if pressed(
            st,
            "Run the attack",
            key=f"{key}-run",
            type="primary",
            icon=":material/play_arrow:",
            shortcut="Ctrl+Enter",
            width="stretch",
            disabled=not setup.usable or bool(refused),
        ):
            _run(chosen, setup, n_edits(kept))


@dataclass(frozen=True)
class _Setup:
    """What is to be attacked towards what, and how."""

    start: BaseMask
    target: Mask
    ground: Ground
    region: NDArray[np.bool_] | None
    usable: bool
    choice: AttackChoice


def _set_up(key: str, chosen: AttackSource, prediction: NDArray[np.int64]) -> _Setup:
    """Show the choices of the right side; return what they make together with the drawing."""
    classes, shape = chosen.card.classes, chosen.source.shape
    kept = drawings(key).of(chosen.identity)
    left = bring_back(key, chosen, drawings(key))
    start, head = choose_start(key, chosen, prediction, left)
    target = counted_target(start, painted(start.mask, kept, len(classes)))
    choice = attack_form(key, chosen.card.takes_gradients)
    with st.expander("Where the image may change", icon=":material/select:"):
        region, where, usable = choose_region(key, chosen, prediction, target.labels)
        drawn = painted_region(region, kept, shape)
        if drawn is not None:
            st.caption(f"{100 * float(drawn.mean()):.0f} % of the image may change.")
    kept.head = head | where
    if drawn is not None and not drawn.any():
        st.warning("Nothing may change: draw where it may, or choose everywhere.")
        usable = False
    ground = Ground(
        chosen.identity, to_rgb(chosen.source.image), start.mask, prediction, classes, region
    )
    return _Setup(start, target, ground, drawn, usable, choice)


def _target_figures(chosen: AttackSource, setup: _Setup, prediction: NDArray[np.int64]) -> None:
    target = setup.target
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
    # Where neither has structure the overlap is undefined, and nothing is left to remove.
    if math.isnan(overlap) or overlap >= setup.choice.config["target_iou"]:
        st.caption(AT_TARGET)


def _run(chosen: AttackSource, setup: _Setup, edits: int) -> None:
    source, choice = chosen.source, setup.choice
    origin = replace(setup.start.origin, edits=setup.start.origin.edits + edits)
    request = source.request(
        chosen.card.name, choice.entry.name, choice.config, origin, choice.execution
    )
    try:
        inputs = source.with_target(setup.target, setup.region)
        if choice.leads_away:
            # Kept for who changes the goal later; what is void in it must not count here.
            inputs = replace(inputs, valid=source.valid)
        run = services.queue().submit(request, inputs)
    except AsmaError as error:
        show_error(error)
        return
    open_here(AttackView(run.id))

"""The form of a new universal change: which network and images, which goal, how large a change."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from asma_core.attacks.universal import UniversalConfig
from asma_core.data.datasets import Dataset
from asma_core.errors import AsmaError
from asma_core.experiments.universal_plan import (
    GOALS,
    MASK,
    WANTED,
    doubled,
    most_to_learn_on,
    parted,
    universal_plan,
)
from asma_core.fields import declared
from asma_core.models.sources.cards import ModelCard
from ui.address.links import open_here
from ui.address.views import UNIVERSAL, DefencesView
from ui.common import services
from ui.common.errors import escape_markdown, show_error
from ui.common.execution_form import execution_form
from ui.common.pairs_choice import choose_images
from ui.common.presses import pressed
from ui.common.settings_form import setting_widget
from ui.common.values import SESSION, initial
from ui.defences.universal_text import AIMS, SCORES
from ui.pictures.thumbnails import sample_thumbnail

KEY: Final = "universal-form"
USUAL: Final = 16
PREVIEW: Final = 160


def universal_form() -> None:
    """Show the form; a press of Start goes to the plan."""
    left, right = st.columns(2, gap="large")
    with left:
        dataset, card = choose_images(KEY, unmasked=True)
        images, unseen = _counts(dataset)
    with right:
        goal, more = _goal(dataset)
        config, seen = _config()
        more |= {"config": config, **seen}
    with left:
        ready = card is not None and card.takes_gradients and images > 0
        if card is not None and not card.takes_gradients:
            st.caption(
                f"{escape_markdown(card.name)} takes no gradients, and a universal change is "
                "learned by them; choose another network."
            )
        elif images > 0:
            counts = ", ".join(map(str, doubled(images)))
            st.caption(
                f"Learned on {counts} {'image' if images == 1 else 'images'}, {config.steps} steps "
                f"each time, and judged on {unseen} that it has never seen."
            )
        if pressed(
            st,
            "Start",
            key=f"{KEY}-start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not ready,
            width=160,
        ):
            assert card is not None
            _start(card, dataset, images, unseen, goal, more)


def _counts(dataset: Dataset) -> tuple[int, int]:
    """Ask how many images are learned on and judged on; 0 where there are too few."""
    most = most_to_learn_on(dataset)
    if most < 1:
        st.warning(
            "It takes two images at least: one to learn on, and one that was never seen.",
            icon=":material/info:",
        )
        return 0, 0
    learning, judging = st.columns(2)
    images = _count(
        learning,
        "Images to learn on",
        f"learned-{dataset.name}",
        most,
        "At most: it is learned on 1, 2, 4, ... of them, which shows how many it takes. None of "
        "them is a test image, where there is a test split.",
    )
    unseen = _count(
        judging,
        "Unseen images",
        f"unseen-{dataset.name}",
        len(parted(dataset, images)[1]),
        "On which it is judged; it has learned on none of them.",
    )
    return images, unseen


def _count(place: Any, label: str, name: str, most: int, help_text: str) -> int:
    key = initial(f"{KEY}-{name}", min(USUAL, most))
    st.session_state[key] = min(st.session_state[key], most)
    return int(
        place.number_input(
            label, min_value=1, max_value=most, step=1, key=key, persist_state=SESSION,
            help=help_text,
        )
    )  # fmt: skip


def _goal(dataset: Dataset) -> tuple[str, dict[str, Any]]:
    """Ask for the goal; return it, and what else of the plan says it."""
    offered = [goal for goal in GOALS if dataset.masked or goal != MASK]
    chosen = st.segmented_control(
        "Goal",
        offered,
        format_func=AIMS.__getitem__,
        required=True,
        key=initial(f"{KEY}-goal{'' if dataset.masked else '-unmasked'}", offered[0], offered),
        persist_state=SESSION,
        help="Hide: nothing is to be left of what the network outlines. Same mask: it is to draw "
        "that of one image in all. Away: it is to draw anything but what it draws.",
    )
    goal = str(chosen)
    if not dataset.masked:
        st.caption(
            f"{escape_markdown(dataset.name)} has no masks, so none can be drawn in all; what the "
            "network says itself is hidden or left."
        )
    more: dict[str, Any] = {"target": _target(dataset)} if goal == MASK else {}
    wanted = st.number_input(
        "Fooled from a score of",
        min_value=0.01,
        max_value=1.0,
        step=0.05,
        key=initial(f"{KEY}-wanted-{goal}", WANTED[goal]),
        persist_state=SESSION,
        help=f"{SCORES[goal]}: from here on an image counts as fooled.",
    )
    return goal, more | {"wanted": wanted}


def _target(dataset: Dataset) -> str:
    """Ask for the image whose mask it is, and show it."""
    names = [one.name for one in dataset.samples]
    name = st.selectbox(
        "The mask of",
        names,
        key=initial(f"{KEY}-target-{dataset.name}", names[0], names),
        persist_state=SESSION,
        help="All images are to be segmented as this one is.",
    )
    shown = sample_thumbnail(dataset, dataset.find(name))
    if shown.picture is not None:
        st.image(shown.picture, width=PREVIEW)
    return name


def _config() -> tuple[UniversalConfig, dict[str, Any]]:
    """Ask how it is learned; return the settings, and device and seed."""
    items = declared(UniversalConfig)
    first, second = st.columns(2)
    places = {"norm": first, "budget": second, "steps": first}
    values = {name: setting_widget(place, KEY, items[name]) for name, place in places.items()}
    with st.expander("How it is learned", icon=":material/tune:"):
        for name in (name for name in items if name not in places):
            values[name] = setting_widget(st, KEY, items[name])
        execution = execution_form(st, KEY, ("device", "seed"))
    return UniversalConfig(**values), {"device": execution.device, "seed": execution.seed}


def _start(
    card: ModelCard, dataset: Dataset, images: int, unseen: int, goal: str, more: dict[str, Any]
) -> None:
    try:
        plan = universal_plan(card, dataset, images, unseen, goal, **more)
        plan_id = services.universal().start(plan)
    except AsmaError as error:
        show_error(error)
        return
    open_here(DefencesView(plan_id, UNIVERSAL))

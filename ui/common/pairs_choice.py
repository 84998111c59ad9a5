"""Choices of what many runs share: data set and network, pairs, attacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from asma_core.attacks.registry import ATTACKS, suited
from asma_core.data.datasets import Dataset, dataset_names
from asma_core.data.samples import no_masks
from asma_core.models.sources.cards import ModelCard
from ui.common import services
from ui.common.errors import escape_markdown
from ui.common.network_choice import LEFT_OUT, fill_network, fitting_networks, network_choice
from ui.common.values import SESSION, initial

# The key of the form of detectors, which other pages fill.
DETECTION_FORM: Final = "detection-form"


def fill_images(key: str, dataset: str, network: str) -> None:
    """Choose a data set and a network; call it before the choice is shown."""
    st.session_state[f"{key}-dataset"] = dataset
    fill_network(key, network, dataset)


def choose_images(
    key: str, bare: bool = False, unmasked: bool = False
) -> tuple[Dataset, ModelCard | None]:
    """Show the choice of a data set and of a network that fits it; None where none does.

    Args:
        key: Of the page's widgets.
        bare: Whether networks behind defences are left out.
        unmasked: Whether a data set without masks will do; if not, it is told and there is no
            network for it.
    """
    names = dataset_names()
    name = st.selectbox(
        "Data set",
        names,
        key=initial(f"{key}-dataset", names[0], names),
        persist_state=SESSION,
        help="Its test images, or all where it has no test split.",
    )
    dataset = services.open_dataset(name)
    if not (dataset.masked or unmasked):
        st.warning(escape_markdown(f"{no_masks(name)}."), icon=":material/info:")
        return dataset, None
    fitting = {
        network: card
        for network, card in fitting_networks(dataset).items()
        if not (bare and card.defences)
    }
    if not fitting:
        st.warning(
            f"No network has the {len(dataset.classes)} classes of this data set; train one with "
            "`python -m asma_core train`.",
            icon=":material/info:",
        )
        return dataset, None
    return dataset, fitting[network_choice(st, key, fitting, name)]


def choose_pairs(key: str, dataset: Dataset, few: int) -> int:
    """Show the choice of how many pairs of a data set are attacked, at first a few."""
    total = len(dataset.split("test") or dataset.samples)
    most = max(total * (total - 1), 1) if dataset.masked else total
    return int(
        st.number_input(
            "Pairs" if dataset.masked else "Images",
            min_value=1,
            max_value=most,
            step=1,
            key=initial(f"{key}-pairs-{dataset.name}", min(few, most)),
            persist_state=SESSION,
            help="Each image is attacked towards the mask of the next one, the paper's way; when "
            "all are used up, towards that of the next but one."
            if dataset.masked
            else "There are no masks, so each image is led away from the network's prediction.",
        )
    )


def choose_attacks(key: str, card: ModelCard | None, first: Sequence[str]) -> tuple[str, ...]:
    """Show the choice of attacks that suit a network.

    Args:
        key: Of the page's widgets.
        card: Of the network, if there is one.
        first: Names that are chosen at first, those of them that suit.
    """
    offered = suited(card.takes_gradients) if card else ATTACKS
    whole = len(offered) == len(ATTACKS)
    usual = [name for name in first if name in offered] or list(offered)
    chosen = st.multiselect(
        "Attacks",
        list(offered),
        format_func=lambda name: ATTACKS[name].title,
        # A black box has a choice of its own, so that the other is there when one comes back.
        key=initial(f"{key}-attacks{'' if whole else '-black-box'}", usual),
        persist_state=SESSION,
        placeholder="Choose attacks",
    )
    if not whole:
        st.caption(LEFT_OUT)
    return tuple(chosen)


def choose_goal(key: str, iou: float, steps: int | None) -> dict[str, str]:
    """Show target IoU and steps; return them as texts by the names of the settings.

    Args:
        key: Of the page's widgets.
        iou: At first.
        steps: At first; None for what each attack has by default, which can be left so.
    """
    target, most = st.columns(2)
    wanted = target.number_input(
        "Target IoU",
        min_value=0.01,
        max_value=1.0,
        step=0.01,
        key=initial(f"{key}-iou", iou),
        persist_state=SESSION,
        help="From which on an attack counts as a success, and stops or shrinks its change.",
    )
    count = most.number_input(
        "Steps",
        min_value=3,
        max_value=100_000,
        value=None,
        step=50,
        placeholder="each attack's own",
        key=initial(f"{key}-steps", steps),
        persist_state=SESSION,
        help="Most updates of the image. Empty: what each attack has by default.",
    )
    settings = {"target_iou": f"{wanted:g}"}
    return settings | ({"steps": str(int(count))} if count is not None else {})

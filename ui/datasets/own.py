"""Adding a data set of one's own, and removing it."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from asma_core.accounts.belongings import DATASET, belonging, share
from asma_core.accounts.rights import may_change
from asma_core.data.importing import can_forget, forget
from asma_core.errors import AsmaError
from asma_core.models.sources.cards import model_cards
from ui.address import browser as address
from ui.address.links import open_page
from ui.address.views import DatasetsView, ModelsView
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.icon_button import icon_popover
from ui.common.presses import pressed
from ui.common.rerun import rerun_page, whole
from ui.datasets.view import go_to


def add_dataset() -> None:
    """Offer the way to a new data set."""
    st.button(
        "Add", icon=":material/add:", key="datasets-add", on_click=whole(_add), help="Your images"
    )


def _add() -> None:
    address.go_to(DatasetsView(add=True))


def train_on(name: str) -> None:
    """Offer to train a network on a data set that has none of its own."""
    if (
        not can_forget(name)
        or not _masked(name)
        or any(card.dataset == name for card in model_cards().values())
    ):
        return
    if pressed(
        st,
        "Train",
        icon=":material/model_training:",
        key="datasets-train",
        help="A network on these images; there is none yet",
    ):
        open_page(ModelsView(train=True, dataset=name))


def _masked(name: str) -> bool:
    # The page itself says what is wrong with one that can't be opened.
    with suppress(AsmaError):
        return services.open_dataset(name).masked
    return False


def share_dataset(name: str) -> None:
    """Say that only its author sees a data set, and offer to share it."""
    known = belonging(DATASET, name)
    if known.shared or not may_change(known.author):
        return
    st.button(
        "Share",
        key="datasets-share",
        icon=":material/group:",
        help="Only who brought it and the owners of this server see it until then.",
        on_click=whole(_share),
        args=(name,),
    )


def _share(name: str) -> None:
    with show_errors():
        share(DATASET, name)


def remove_dataset(name: str) -> None:
    """Offer to remove a data set that was added here."""
    if not can_forget(name):
        return
    with icon_popover(st, "Remove this data set", ":material/delete:", "datasets-forget"):
        st.markdown(
            f"Remove **{escape_markdown(name)}**? Uploaded files are deleted, a folder on the "
            "server stays. Runs on its images stay."
        )
        if pressed(st, "Remove", key="datasets-remove", type="primary"):
            with show_errors():
                forget(name)
                services.forget_datasets()
                go_to(DatasetsView(dataset="demo-fundus"))
                rerun_page()

"""Opening a data set, with the place of its images kept while that takes time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from asma_core.data.datasets import Dataset
from ui.address.views import DatasetsView
from ui.common import services
from ui.common.fresh_view import fresh_view, is_fresh
from ui.pictures.cards import card_skeletons

PLACES: Final = 14


@contextmanager
def opened(view: DatasetsView) -> Iterator[Dataset]:
    """Open the data set of a view, and show what the block draws in its place.

    Args:
        view: Of which the images of another data set are no part.

    Raises:
        InputError: It can't be opened.
    """
    identity = (view.dataset, "image" if view.sample else "grid")
    fresh = is_fresh("datasets", *identity)
    place, below = fresh_view("datasets", *identity), st.empty()
    if fresh and not view.sample:
        with below.container():
            # Streamlit lays the words of what is waited for over what follows.
            st.space("medium")
            card_skeletons(PLACES, "opening")
    try:
        with place:
            dataset = services.open_dataset(view.dataset)
    finally:
        below.empty()
    with place:
        yield dataset

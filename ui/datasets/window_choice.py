"""The window of a data set that is being added: shown, and changed for all its images."""

from __future__ import annotations

import streamlit as st

from asma_core.data.datasets import Dataset
from asma_core.data.formats.windows import PERCENTILE, Window
from asma_core.data.intensities import Intensities, intensities
from asma_core.data.preview import Preview
from asma_core.limited.reading import read
from ui.common.values import initial
from ui.common.window_slider import MEANING, window_caption, window_slider

EACH = (
    "Each image is seen through its file's own window, or, where it has none, between the 0.5th "
    f"and the 99.5th percentile of its file. {MEANING}"
)


def window_choice(found: Preview, key: str) -> Preview:
    """Show through which window the deep images are seen, and let it be changed.

    Args:
        found: What was found; images of 8 bits have no window.
        key: Of the widgets; another folder or layout has another.

    Returns:
        The same with the window that was chosen.
    """
    dataset = found.dataset
    seen = _intensities(dataset.fingerprint(dataset.samples[0]), len(dataset.samples), dataset)
    if seen is None:
        return found
    window = found.card.window
    if window is None:
        if not st.toggle("One window for all images", key=initial(f"{key}-one-window", False)):
            st.caption(EACH)
            return found
        window = seen.window or Window(*seen.extent, PERCENTILE)
        found = found.corrected(window=Window(window.low, window.high))
    window = window_slider(f"{key}-window", window, seen.extent)
    window_caption(window, seen.extent)
    return found.corrected(window=window)


@st.cache_data(show_spinner="Looking at the intensities", max_entries=16)
def _intensities(fingerprint: str, count: int, _dataset: Dataset) -> Intensities | None:
    return read(_dataset.title, intensities, _dataset.samples)

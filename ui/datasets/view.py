"""What the Datasets page shows is in its address, so that a link shows the same.

The address is the one truth: widgets are set from it before they are drawn, and write to it when
they are changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from ui.address import browser as address
from ui.address.views import DatasetsView

_REMEMBERED: Final = "datasets-remembered"


def current_view(datasets: Sequence[str]) -> DatasetsView:
    """Return what to show; an address without a data set shows the grid that was seen last."""
    view = address.current(DatasetsView)
    if not view.dataset:
        remembered = st.session_state.get(_REMEMBERED, DatasetsView(dataset=datasets[0]))
        view = remembered.of_sample("")
    go_to(view)
    return view


def go_to(view: DatasetsView) -> None:
    """Put a view into the address, and remember it for when the person comes back."""
    st.session_state[_REMEMBERED] = view
    address.go_to(view)


def change(**changes: Any) -> None:
    """Change the view from a widget's callback; a changed filter begins at the first page."""
    view = address.current(DatasetsView)
    go_to(replace(view, **({"page": 1} | changes)))

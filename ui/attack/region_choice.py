"""Choosing where the image may change."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.data.targets.regions import REGIONS, USUAL_MARGIN, make_region, read_region
from asma_core.errors import AsmaError
from ui.attack.source_choice import AttackSource
from ui.attack.target_choice import EVERYWHERE, MASK_FILES
from ui.common.errors import show_error
from ui.common.file_choice import file_choice
from ui.common.values import SESSION, initial
from ui.editor.drawings import Head

FILE: Final = "file"
LABELS: Final = {EVERYWHERE: "Everywhere", **REGIONS, FILE: "Where a file says"}


def fill_region(key: str, head: Head) -> None:
    """Set the choice to what a head says; call it before it is shown."""
    if head.get("region") in LABELS:
        st.session_state[f"{key}-region"] = head["region"]
    if type(head.get("margin")) is int and head["margin"] >= 0:
        st.session_state[f"{key}-region-margin"] = head["margin"]


def choose_region(
    key: str, chosen: AttackSource, prediction: NDArray[np.int64], target: NDArray[np.int64]
) -> tuple[NDArray[np.bool_] | None, Head, bool]:
    """Show the choice of a region.

    Returns:
        The region before anything is drawn, bool (H, W) or None for all of the image; what was
        chosen; and whether it can be used.
    """
    kind = st.selectbox(
        "The image may change",
        list(LABELS),
        format_func=LABELS.__getitem__,
        key=initial(f"{key}-region", EVERYWHERE, list(LABELS)),
        persist_state=SESSION,
        help="Nothing outside this region is changed. Structures are those of the prediction and "
        "of the target. Draw it by hand on the picture's layer *May change*.",
    )
    head: Head = {"region": kind, "margin": 0}
    try:
        if kind == EVERYWHERE:
            return None, head, True
        if kind == FILE:
            return _from_file(key, chosen), head, True
        head["margin"] = _margin(key, chosen)
        return make_region(kind, prediction, target, head["margin"]), head, True
    except AsmaError as error:
        show_error(error)
        return None, head, False


def _margin(key: str, chosen: AttackSource) -> int:
    usual = round(USUAL_MARGIN * min(chosen.source.shape))
    return int(
        st.number_input(
            "Margin around the structures, pixels",
            min_value=0,
            max_value=max(chosen.source.shape),
            step=1,
            key=initial(f"{key}-region-margin", usual),
            persist_state=SESSION,
        )
    )


def _from_file(key: str, chosen: AttackSource) -> NDArray[np.bool_] | None:
    file = file_choice(
        "Region file",
        MASK_FILES,
        f"{key}-region-file",
        "As large as the image; where it is not 0 the image may change.",
    )
    if file is None:
        st.caption("Without a file the image may change everywhere.")
        return None
    return read_region(file.data, chosen.source.shape, file.name)

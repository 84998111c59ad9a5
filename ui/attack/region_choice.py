"""Choosing where the image may change."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.data.formats.images import to_rgb
from asma_core.data.targets.regions import REGIONS, USUAL_MARGIN, make_region, read_region
from asma_core.errors import AsmaError
from ui.attack.source_choice import AttackSource
from ui.common.errors import show_error
from ui.common.values import SESSION, initial
from ui.pictures.encoding import data_address
from ui.pictures.outlines import fit_size, resize

EVERYWHERE: Final = "everywhere"
FILE: Final = "file"
LABELS: Final = {EVERYWHERE: "Everywhere", **REGIONS, FILE: "Where a file says"}
SIDE: Final = 220
DIMMED: Final = 0.25


def choose_region(
    key: str, chosen: AttackSource, prediction: NDArray[np.int64], target: NDArray[np.int64]
) -> NDArray[np.bool_] | None:
    """Show the choice of a region, bool (H, W); None is all of the image.

    Raises:
        AsmaError: The region is empty or its file can't be used.
    """
    kind = st.selectbox(
        "The image may change",
        list(LABELS),
        format_func=LABELS.__getitem__,
        key=initial(f"{key}-region", EVERYWHERE, list(LABELS)),
        persist_state=SESSION,
        help="Nothing outside this region is changed. Structures are those of the prediction and "
        "of the target.",
    )
    if kind == EVERYWHERE:
        return None
    if kind == FILE:
        region = _from_file(key, chosen)
    else:
        region = make_region(kind, prediction, target, _margin(key, chosen))
    if region is not None:
        _show(chosen, region)
    return region


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
    uploaded = st.file_uploader(
        "Region file",
        type=["png", "bmp", "tif", "tiff"],
        key=f"{key}-region-file",
        help="As large as the image; where it is not 0 the image may change.",
    )
    if uploaded is None:
        st.caption("Without a file the image may change everywhere.")
        return None
    return read_region(uploaded.getvalue(), chosen.source.shape, uploaded.name)


def _show(chosen: AttackSource, region: NDArray[np.bool_]) -> None:
    picture = to_rgb(chosen.source.image).astype(np.float32)
    dimmed = np.where(region[..., None], picture, DIMMED * picture).astype(np.uint8)
    st.image(
        data_address(resize(dimmed, fit_size(region.shape, SIDE, SIDE))),
        caption=f"{100 * float(region.mean()):.0f} % of the image may change",
    )


def region_or_error(
    key: str, chosen: AttackSource, prediction: NDArray[np.int64], target: NDArray[np.int64]
) -> tuple[NDArray[np.bool_] | None, bool]:
    """Show the choice; return the region, and whether it can be used."""
    with st.expander("Where the image may change", icon=":material/select:"):
        try:
            return choose_region(key, chosen, prediction, target), True
        except AsmaError as error:
            show_error(error)
            return None, False

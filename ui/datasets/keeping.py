"""Keeping a data set: every file is looked at, and what that finds is told before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import streamlit as st

from asma_core.data.finding import Finding
from asma_core.data.importing import check_name, free_name, take_in
from asma_core.data.inspection import Inspection
from asma_core.data.preview import Preview, look
from asma_core.errors import AsmaError
from asma_core.limited.reading import read
from ui.address.links import open_page
from ui.address.views import DatasetsView
from ui.common.errors import show_error
from ui.common.presses import pressed
from ui.common.values import SESSION, initial
from ui.datasets.findings import show_findings
from ui.datasets.grid import PER_PAGE
from ui.pictures.thumbnails import sample_thumbnail

KEY: Final = "dataset-import"


def keep_data_set(found: Preview, root: Path, known: Sequence[Finding]) -> None:
    """Offer to keep a data set under a name.

    Args:
        found: As it is understood and corrected.
        root: Its folder.
        known: What was told of it already.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom")
    name = row.text_input(
        "Name",
        key=initial(f"{KEY}-name-{root}", free_name(found.card.title)),
        width=320,
        persist_state=SESSION,
    )
    asked = pressed(
        row,
        "Add this data set",
        type="primary",
        icon=":material/add:",
        key=f"{KEY}-keep",
        lasting=True,
    )
    waiting = f"{KEY}-inspected"
    try:
        if asked:
            check_name(name)
            st.session_state[waiting] = (repr(found.card), _inspected(found))
        card, inspection = st.session_state.get(waiting, ("", None))
        if inspection is None or card != repr(found.card):
            return
        kinds = {one.kind for one in known}
        new = [one for one in inspection.findings if one.kind not in kinds]
        if new and not _all_the_same(found, new):
            return
        del st.session_state[waiting]
        imported = read(name, take_in, found, name, None, inspection)
    except AsmaError as error:
        st.session_state.pop(waiting, None)
        show_error(error)
        return
    for sample in imported.dataset.samples[:PER_PAGE]:
        # The first page of the grid is then there at once.
        sample_thumbnail(imported.dataset, sample)
    st.session_state.pop(f"{KEY}-unpacked", None)
    open_page(DatasetsView(dataset=imported.dataset.name))


def _inspected(found: Preview) -> Inspection:
    place = st.empty()

    def show(done: int, count: int) -> None:
        if done == count or done % 10 == 0:
            words = f"Checking every image and mask: {done:,} of {count:,}"
            place.progress(done / count, text=words)

    try:
        return read(found.root.name, look, found, None, on_progress=show)
    finally:
        place.empty()


def _all_the_same(found: Preview, new: Sequence[Finding]) -> bool:
    """Show what only looking at all images has found; tell whether it is to be kept so."""
    st.markdown("**Found while checking every image**")
    show_findings(found, [replace(one, choices=()) for one in new], f"{KEY}-last")
    return pressed(st, "Add it all the same", key=f"{KEY}-all-the-same")

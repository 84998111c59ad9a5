"""Which run is compared: the one that the address names."""

from __future__ import annotations

from functools import partial
from typing import Final

import streamlit as st

from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from ui.address import browser as address
from ui.address.links import link
from ui.address.views import AttackView, CompareView
from ui.common import services
from ui.common.errors import escape_markdown
from ui.common.unchanged import as_of_now
from ui.judging.strip import Stop, stop_at

MOST_LISTED: Final = 150


def choose_run() -> Run | None:
    """Return the run that the address names, or the newest; say so where there is none."""
    asked = address.current(CompareView).run
    if asked:
        run = services.store().get(asked)
        if run.results:
            return run
        _without_result(run)
        return None
    newest = services.store().search.with_result(1)
    if not newest:
        st.title("Compare", anchor=False)
        st.info("There is nothing to compare yet: run an attack first.", icon=":material/info:")
        link(AttackView(), "Attack an image", icon=":material/draw:")
        return None
    address.change(CompareView, run=newest[0].id)
    return newest[0]


def comparable_runs(run: Run) -> list[Stop]:
    """Return what one steps through: the newest runs first, and the one that is open."""
    store = services.store()
    listed = as_of_now(store, "compare-along", partial(_newest, store))
    return listed if run.id in {other.id for other in listed} else [*listed, stop_at(run)]


def _newest(store: RunStore) -> list[Stop]:
    return [stop_at(run) for run in store.search.with_result(MOST_LISTED)]


def _without_result(run: Run) -> None:
    st.title("Compare", anchor=False)
    words = run.message or "it has not ended yet" if not run.ended else run.message or run.state
    st.info(
        f"Run {run.id} has no result to compare: {escape_markdown(words)}.", icon=":material/info:"
    )
    words = "Look at it" if run.ended else "Watch it"
    link(AttackView(run.id), words, icon=":material/visibility:")

"""Would a machine notice: what detectors say of the open run's original and file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import streamlit as st

from asma_core.files import as_store_error
from asma_core.jobs.suspicions import KeptSuspicion, clean_scores
from asma_core.runs.run import Run
from asma_core.runs.suspicion_words import among, compared, in_words
from ui.address.links import open_page
from ui.address.views import DETECTION, DefencesView
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.pairs_choice import DETECTION_FORM, fill_images
from ui.common.presses import pressed
from ui.common.rerun import rerun_page
from ui.compare.asked import asked_by_press
from ui.comparison.payload import SuspicionMaps

HEAD: Final = ("Detector", "Original", "Attacked", "Attacked is", "Among clean images", "Unit")


def suspicion_maps(run: Run) -> tuple[SuspicionMaps, ...]:
    """Return the maps of the detectors that have looked at a run.

    Raises:
        StoreError: A file can't be read.
    """
    found = services.predictor().known_suspicions(run) or []
    return tuple(
        _maps(one.original, one.adversarial, one.figures)
        for one in found
        if one.original is not None and one.adversarial is not None
    )


def _maps(original: Path, adversarial: Path, figures: Mapping[str, Any]) -> SuspicionMaps:
    with as_store_error(original):
        pictures = original.read_bytes(), adversarial.read_bytes()
    end = f"{figures['end']:.2g}"
    return SuspicionMaps(figures["name"], figures["title"], figures["unit"], end, *pictures)


def would_a_machine_notice(run: Run) -> None:
    """Show what detectors say of a run; what isn't known is asked for by a press."""
    st.markdown("### Would a machine notice?")
    with show_errors():
        predictor = services.predictor()
        found, new = asked_by_press(
            run,
            "suspicion",
            predictor.known_suspicions,
            predictor.suspicions,
            invitation="Does the file look attacked to detectors, and where?",
            button="Ask the detectors",
            icon=":material/troubleshoot:",
            busy="Asking the detectors about original and file: some seconds for a small image",
        )
        if found is None:
            return
        if new:
            # The viewer above gets the maps.
            rerun_page()
        _said(run, found)


def _said(run: Run, found: Sequence[KeptSuspicion]) -> None:
    figures = [one.figures for one in found]
    clean = clean_scores(services.store().home, run)
    where = " Where they are suspicious: \u201csuspicious to\u201d below the pictures (key S)."
    shown = any(one.original for one in found)
    st.caption(escape_markdown(in_words(figures, clean)) + (where if shown else ""))
    lines = [
        list(HEAD),
        ["---", "---:", "---:", "---", "---:", "---"],
        *(_line(one, clean.get(one["name"], [])) for one in figures),
    ]
    st.markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))
    for one in figures:
        if one["why"]:
            st.caption(escape_markdown(f"{one['title']}: {one['why']}."))
    if not clean:
        _offer_clean_images(run)


def _offer_clean_images(run: Run) -> None:
    """Offer the form of detectors, with the run's own data set and network."""
    if pressed(
        st,
        "Have clean images looked at",
        icon=":material/shield:",
        key="suspicion-clean",
        help="On Defences: the same detectors look at clean images of this data set, too.",
    ):
        if run.spec.dataset:
            fill_images(DETECTION_FORM, run.spec.dataset, run.spec.model)
        open_page(DefencesView(room=DETECTION))


def _line(figures: Mapping[str, Any], clean: Sequence[float]) -> list[str]:
    return [
        escape_markdown(figures["title"]),
        _score(figures["original"]),
        _score(figures["attacked"]),
        compared(figures),
        among(figures, clean) or "not known",
        escape_markdown(figures["unit"]),
    ]


def _score(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3g}"

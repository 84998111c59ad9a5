"""One run: the viewer, the figures, the files, and the other runs of its image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import streamlit as st

from asma_core.runs import artefacts
from asma_core.runs.export import run_zip
from asma_core.runs.run import Run
from ui.address import browser as address
from ui.address.links import address_of, link, open_page
from ui.address.views import AttackView, CompareView
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import (
    attack_title,
    moment,
    number,
    outcome_colour,
    score_label,
    standing_outcome,
)
from ui.common.presses import pressed
from ui.common.shell import all_room, name_tab
from ui.common.sign_in import people_sign_in
from ui.compare.beside import choose_beside, other_runs, short_line
from ui.compare.pictures import beside_of, comparison_of
from ui.compare.run_choice import comparable_runs
from ui.compare.survival import what_survives
from ui.compare.suspicion import suspicion_maps, would_a_machine_notice
from ui.comparison.payload import Beside, SuspicionMaps
from ui.comparison.viewer import comparison_viewer
from ui.judging.strip import judging_strip
from ui.judging.verdict import verdict_badge
from ui.runs.summary import figures_table, how, runs_table, said_lines
from ui.runs.whose import whose_line

MOST_LISTED: Final = 12
MIME: Final = {".png": "image/png", ".npz": "application/octet-stream", ".json": "application/json"}
_STYLE: Final = """<style>
.st-key-compare-head h1 { font-size: 1.05rem; padding: 0; white-space: nowrap; }
.st-key-compare-head [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-compare-head p { margin: 0; }
/* One row from 760 pixels on: what was attacked takes two lines, before a button takes a row. */
@media (min-width: 760px) {
  .st-key-compare-head { gap: 0.5rem; flex-wrap: nowrap; }
  .st-key-compare-head > * { flex-shrink: 0; }
  .st-key-compare-head > :has([data-testid="stMarkdown"] p) { flex: 0 1 auto; min-width: 0; }
}
.st-key-compare-page { gap: 0.5rem; }
</style>"""


def compare_run(run: Run) -> None:
    """Show everything about a run that has a result."""
    name_tab(f"Run {run.id}", run.spec.image_name)
    all_room()
    st.html(_STYLE)
    others = other_runs(run)
    with st.container(key="compare-page"):
        beside, left_out = _head(run, others)
        if left_out:
            st.info(escape_markdown(left_out), icon=":material/info:")
        shown = replace(
            comparison_of(run), beside=_with_pictures(beside), suspicions=_with_maps(run)
        )
        view = comparison_viewer(shown, key="compare-viewer", view=address.current(CompareView))
    # What is as always is left out: an address that the page completes by itself is one more step
    # back in the browser, which would lead to this page again and again.
    address.change(CompareView, **vars(view))
    judging_strip(run, "judging", comparable_runs(run))
    whose_line(run, "compare")
    _words(run)
    if beside:
        runs_table([run, *beside])
    place = st.container()
    figures, more = st.columns([1, 1], gap="large")
    with figures:
        said_lines(run)
        figures_table(run, run.class_names)
    with more:
        spec = run.spec
        made = f"{attack_title(run)} on {spec.model}, {spec.image_name} {run.goal}. {how(run)}"
        st.caption(escape_markdown(made))
        _list(others)
    # Last, as it may have to be waited for.
    with place:
        what_survives(run)
        would_a_machine_notice(run)


def _head(run: Run, others: list[Run]) -> tuple[list[Run], str]:
    """Show in one row which run this is, how it ended, and what can be done with it."""
    row = st.container(horizontal=True, vertical_alignment="center", key="compare-head")
    with row:
        st.markdown(
            f"# Run {run.id} :{outcome_colour(run)}-badge[{standing_outcome(run)}]"
            f"{verdict_badge(run)}",
            width="content",
        )
        made = f"{attack_title(run)} on {run.spec.image_name} {run.goal}"
        st.markdown(f":small[:gray[{escape_markdown(made)}]]", width="content")
        st.space("stretch")
        label = f"Beside ({len(address.current(CompareView).beside)})" if others else "Beside"
        icon = ":material/view_column:"
        with st.popover(label, icon=icon, disabled=not others, key="compare-beside"):
            found = choose_beside(run, others)
        with st.popover("Files, link", icon=":material/download:", key="compare-files"):
            _link(run)
            _downloads(run)
        if pressed(st, "Repeat", icon=":material/replay:", key="compare-repeat"):
            with show_errors():
                repeated = services.queue().repeat(run.id)
                open_page(AttackView(repeated.id))
    return found


def _words(run: Run) -> None:
    """Say what was noticed of a run."""
    if run.message:
        st.warning(escape_markdown(run.message), icon=":material/info:")
    for warning in run.results.get("warnings", []):
        st.warning(escape_markdown(warning), icon=":material/warning:")


def _link(run: Run) -> None:
    """Show the address that leads others to what is shown."""
    st.markdown("Link to this run, as it is shown:")
    view = replace(address.current(CompareView), run=run.id)
    st.code(address_of(st.context.url or "", view), language=None, wrap_lines=True)
    if people_sign_in() and run.private:
        st.caption("Others can open it once it is shared, below the pictures.")


def _downloads(run: Run) -> None:
    store = services.store()
    st.download_button(
        "Everything in one zip",
        data=lambda: run_zip(store, run),
        file_name=f"asma-run-{run.id}.zip",
        mime="application/zip",
        key="compare-zip",
        icon=":material/folder_zip:",
        on_click="ignore",
        width="stretch",
    )
    folder = store.folder(run.id)
    for name in (*artefacts.FILES, artefacts.TRUTH, artefacts.REGION):
        if (folder / name).exists():
            st.download_button(
                name,
                data=_reader(folder, name),
                file_name=f"{run.id}-{name}",
                mime=MIME[Path(name).suffix],
                key=f"compare-file-{name}",
                on_click="ignore",
                type="tertiary",
            )


def _reader(folder: Path, name: str) -> Callable[[], bytes]:
    return (folder / name).read_bytes


def _with_pictures(runs: list[Run]) -> tuple[Beside, ...]:
    """Read the pictures of the runs beside; one whose files are gone is told and left out."""
    read = []
    for run in runs:
        with show_errors():
            read.append(beside_of(run, short_line(run)))
    return tuple(read)


def _with_maps(run: Run) -> tuple[SuspicionMaps, ...]:
    """Read the maps of detectors; where they can't be read it is told."""
    with show_errors():
        return suspicion_maps(run)
    return ()


def _list(others: list[Run]) -> None:
    """List the other runs of the same image; the view stays when one of them is opened."""
    if not others:
        return
    st.markdown("### Other runs of this image")
    view = address.current(CompareView)
    for other in others[:MOST_LISTED]:
        link(view.of_run(other.id), _line(other), icon=None)


def _line(run: Run) -> str:
    score, l2 = run.results.get("score_8bit"), run.results.get("l2_8bit")
    figures = f"{score_label(run)} {number(score)}   L2 {number(l2, 2)}"
    return (
        f"{run.id}   {attack_title(run)}   {escape_markdown(run.goal)}   "
        f"{standing_outcome(run)}   {figures}   {moment(run.created)}"
    )

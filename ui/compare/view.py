"""One run: the viewer, the figures, the curves, the files, and the other runs of its image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import streamlit as st

from asma_core.files import as_store_error
from asma_core.runs import artefacts
from asma_core.runs.export import run_zip
from asma_core.runs.reading import read_file, read_trajectory, stored_snapshots
from asma_core.runs.run import Run
from ui.address import browser as address
from ui.address.links import link, open_page
from ui.address.views import AttackView, CompareView
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import attack_title, moment, number, score_label, standing_outcome
from ui.common.shell import name_tab
from ui.compare.run_choice import comparable_runs
from ui.comparison.viewer import (
    DEFAULT_VIEW,
    MOST_BESIDE,
    Beside,
    Comparison,
    Frame,
    comparison_viewer,
)
from ui.judging.strip import judging_strip
from ui.pictures.curves import NO_TOOLBAR, run_curves
from ui.runs.summary import figures_table, headline, how, key_figures, runs_table

MOST_SEARCHED: Final = 500
MOST_LISTED: Final = 12
MIME: Final = {".png": "image/png", ".npz": "application/octet-stream", ".json": "application/json"}


def compare_run(run: Run) -> None:
    """Show everything about a run that has a result."""
    name_tab(f"Run {run.id}", run.spec.image_name)
    title, actions = st.columns([7, 5], vertical_alignment="center")
    with title:
        headline(run)
    with actions:
        _actions(run)
    classes = run.class_names
    others = _other_runs(run)
    beside = _choose_beside(run, others)
    shown = replace(_comparison(run.id, classes), beside=_with_pictures(beside))
    asked = address.current(CompareView).viewer()
    view = comparison_viewer(shown, key="compare-viewer", view=asked)
    _say_view(view, len(shown.frames))
    judging_strip(run, "judging", comparable_runs(run))
    if beside:
        runs_table([run, *beside])
    key_figures(run)
    curves, figures = st.columns([1, 1], gap="large")
    with curves:
        _curves(run)
    with figures:
        figures_table(run, classes)
    st.caption(escape_markdown(how(run)))
    _list(others)


def _actions(run: Run) -> None:
    row = st.container(horizontal=True, horizontal_alignment="right")
    with row:
        with st.popover("Files", icon=":material/download:", key="compare-files"):
            _downloads(run)
        if st.button("Repeat", icon=":material/replay:", key="compare-repeat"):
            with show_errors():
                repeated = services.queue().repeat(run.id)
                open_page(AttackView(repeated.id))


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


@st.cache_resource(max_entries=8, show_spinner=False)
def _comparison(run_id: str, classes: tuple[str, ...]) -> Comparison:
    """Read a run's pictures; a run never changes once it has ended."""
    folder = services.store().folder(run_id)
    with as_store_error(folder):
        original = (folder / artefacts.ORIGINAL).read_bytes()
        frames = [
            Frame(f"step {at.step}", at.step, at.image.read_bytes(), at.prediction.read_bytes())
            for at in stored_snapshots(folder)
        ]
    return Comparison(
        key=run_id,
        original_png=original,
        frames=(*frames, _result_frame(folder)),
        truth_png=read_file(folder, artefacts.TRUTH),
        prediction_png=read_file(folder, artefacts.PREDICTION_CLEAN),
        target_png=read_file(folder, artefacts.TARGET),
        class_names=classes,
    )


def _result_frame(folder: Path) -> Frame:
    best = read_trajectory(folder)["best_step"]
    with as_store_error(folder):
        adversarial = (folder / artefacts.ADVERSARIAL).read_bytes()
    prediction = read_file(folder, artefacts.PREDICTION_ADVERSARIAL)
    return Frame(f"result, step {best}", best, adversarial, prediction)


def _say_view(view: dict[str, object], frames: int) -> None:
    """Write what is being looked at into the address, so that a link shows the same.

    What is as always is left out: an address that the page completes by itself is one more step
    back in the browser, which would lead to this page again and again.
    """
    shown = address.current(CompareView)
    usual = DEFAULT_VIEW | {"frame": frames - 1}
    address.change(CompareView, **vars(shown.showing(view, usual)))


def _curves(run: Run) -> None:
    trajectory = read_trajectory(services.store().folder(run.id))
    figure = run_curves(
        trajectory,
        score_label(run),
        run.wanted,
        marked_step=trajectory["best_step"],
        height=340,
    )
    st.plotly_chart(figure, key="compare-curves", config=NO_TOOLBAR)


def _other_runs(run: Run) -> list[Run]:
    """Return the other runs of the same image that have a result, newest first."""
    return [
        other
        for other in services.store().newest(MOST_SEARCHED)
        if other.spec.image_hash == run.spec.image_hash and other.id != run.id and other.results
    ]


def _choose_beside(run: Run, others: list[Run]) -> list[Run]:
    """Show the choice of runs to put beside; the address names them, so that a link shows them."""
    known = {other.id: other for other in others}
    asked = address.current(CompareView).beside
    fitting = list(dict.fromkeys(name for name in asked if name in known))[:MOST_BESIDE]
    key = f"compare-beside-{run.id}"
    if st.session_state.get(f"{key}-asked") != asked:
        st.session_state[key] = fitting
        st.session_state[f"{key}-left-out"] = len(fitting) < len(asked)
    if st.session_state[f"{key}-left-out"]:
        st.info(
            f"Up to {MOST_BESIDE} other runs of this image can stand beside it; what else the "
            "address names is left out.",
            icon=":material/info:",
        )
    chosen = _beside_widget(key, known) if others else []
    st.session_state[f"{key}-asked"] = tuple(chosen)
    address.change(CompareView, beside=tuple(chosen))
    return [known[name] for name in chosen]


def _beside_widget(key: str, known: dict[str, Run]) -> list[str]:
    return st.multiselect(
        "Beside it",
        list(known),
        format_func=lambda name: _short(known[name]),
        max_selections=MOST_BESIDE,
        placeholder="Put other runs of this image beside it",
        key=key,
        label_visibility="collapsed",
        on_change=_chosen_beside,
        args=(key,),
    )


def _chosen_beside(key: str) -> None:
    """Let the widget's choice stand: after a quick second click the address is still old."""
    st.session_state[f"{key}-asked"] = address.current(CompareView).beside
    st.session_state[f"{key}-left-out"] = False


def _short(run: Run) -> str:
    score, l2 = run.results.get("score_8bit"), run.results.get("l2_8bit")
    label = score_label(run)
    return f"{run.id}, {attack_title(run)}, {label} {number(score)}, L2 {number(l2, 2)}"


@st.cache_resource(max_entries=16, show_spinner=False)
def _beside_pictures(run_id: str) -> tuple[bytes, bytes | None, bytes | None]:
    folder = services.store().folder(run_id)
    with as_store_error(folder):
        adversarial = (folder / artefacts.ADVERSARIAL).read_bytes()
    prediction = read_file(folder, artefacts.PREDICTION_ADVERSARIAL)
    return adversarial, prediction, read_file(folder, artefacts.TARGET)


def _with_pictures(runs: list[Run]) -> tuple[Beside, ...]:
    """Read the pictures of the runs beside; one whose files are gone is told and left out."""
    read = []
    for run in runs:
        with show_errors():
            read.append(Beside(run.id, _short(run), *_beside_pictures(run.id)))
    return tuple(read)


def _list(others: list[Run]) -> None:
    """List the other runs of the same image; the view stays when one of them is opened."""
    if not others:
        return
    st.markdown("#### Other runs of this image")
    for other in others[:MOST_LISTED]:
        link(CompareView(other.id), _line(other), icon=None)


def _line(run: Run) -> str:
    score, l2 = run.results.get("score_8bit"), run.results.get("l2_8bit")
    figures = f"{score_label(run)} {number(score)}   L2 {number(l2, 2)}"
    return (
        f"{run.id}   {attack_title(run)}   {escape_markdown(run.goal)}   "
        f"{standing_outcome(run)}   {figures}   {moment(run.created)}"
    )

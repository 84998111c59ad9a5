"""One experiment: how far it is, its tables, its pictures, its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from asma_core.errors import AsmaError
from asma_core.experiments.cells import Cell
from asma_core.experiments.export import (
    COLUMNS,
    cells_csv,
    figure_text,
    summary_csv,
    table_latex,
    table_markdown,
)
from asma_core.experiments.store import Experiment, ExperimentStore, ended
from asma_core.experiments.table import summary
from asma_core.runs.run import RUNNING
from ui import services
from ui.curves import NO_TOOLBAR
from ui.experiment_figures import TITLES, box_plot, clicked_run, curve_plot
from ui.experiment_link import experiment_link
from ui.experiment_words import about, row_title, seconds_left, standing, title
from ui.format import duration, moment
from ui.guard import guarded, plain, show_error
from ui.run_progress import steps_done

REFRESH: Final = 1.0
ASKED: Final = "experiment-delete-asked"
# A page that draws its pictures anew at every cell of hundreds would do little else.
MOST_REDRAWS: Final = 40
FILES: Final[dict[str, tuple[str, str, Callable[[Any, Any], str]]]] = {
    "table.csv": ("Table as CSV", "text/csv", lambda rows, cells: summary_csv(rows)),
    "runs.csv": ("Every run as CSV", "text/csv", lambda rows, cells: cells_csv(cells)),
    "table.tex": ("Table for LaTeX", "text/x-tex", lambda rows, cells: table_latex(rows)),
    "table.md": ("Table for Markdown", "text/markdown", lambda rows, cells: table_markdown(rows)),
}


def experiment_view(experiment_id: str) -> None:
    """Show an experiment, while it goes on and after."""
    store = services.experiments().store
    experiment = store.get(experiment_id)
    every = store.cells(experiment)
    cells = ended(every)
    experiment_link("All experiments", {}, ":material/arrow_back:")
    head, actions = st.columns([7, 5], vertical_alignment="center")
    head.title(plain(title(experiment)), anchor=False)
    head.caption(f"{plain(about(experiment))}. Started {moment(experiment.created)}.")
    with actions:
        _actions(experiment, cells, complete=len(cells) == len(every))
    _progress(experiment, len(cells))
    if experiment.message:
        st.error(plain(f"It stopped: {experiment.message}"), icon=":material/error:")
    if not cells:
        if not experiment.active:
            st.info("Nothing has been run yet.", icon=":material/info:")
        return
    _tables(experiment, cells)
    _pictures(experiment, cells)
    _problems(cells)


def _actions(experiment: Experiment, cells: Sequence[Cell], complete: bool) -> None:
    runner = services.experiments()
    failed = any(not cell.results for cell in cells)
    row = st.container(horizontal=True, horizontal_alignment="right")
    if experiment.active:
        row.button(
            "Stopping" if experiment.stop else "Stop",
            key="experiment-stop",
            icon=":material/stop:",
            disabled=experiment.stop,
            on_click=runner.store.ask_to_stop,
            args=(experiment.id,),
            help="What is done stays done; go on with it when you like.",
        )
    elif not complete or failed:
        row.button(
            "Try the failed ones again" if complete else "Go on",
            key="experiment-resume",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_resume,
            args=(experiment.id,),
        )
    if cells:
        with row.popover("Export", icon=":material/download:", key="experiment-export"):
            _exports(experiment, cells)
    if not experiment.active:
        row.button(
            "Delete",
            key="experiment-delete",
            icon=":material/delete:",
            help="Deletes the experiment; its runs stay on the Runs page.",
            on_click=_ask,
            args=(experiment.id,),
        )
        if st.session_state.get(ASKED) == experiment.id:
            _delete(experiment)


def _resume(experiment_id: str) -> None:
    with guarded():
        services.experiments().start(experiment_id)


def _ask(experiment_id: str) -> None:
    """Open the question, at this rerun and at those that follow until it is answered."""
    st.session_state[ASKED] = experiment_id


def _close() -> None:
    st.session_state.pop(ASKED, None)


@st.dialog("Delete this experiment", on_dismiss=_close)
def _delete(experiment: Experiment) -> None:
    st.markdown("Its tables and pictures go; the runs that it made stay on the Runs page.")
    row = st.container(horizontal=True, horizontal_alignment="right")
    if row.button("Keep", key="experiment-delete-no"):
        _close()
        st.rerun()
    if row.button("Delete", key="experiment-delete-yes", type="primary"):
        try:
            services.experiments().store.delete(experiment.id)
        except AsmaError as error:
            show_error(error)
            return
        _close()
        st.query_params.clear()
        st.rerun()


def _exports(experiment: Experiment, cells: Sequence[Cell]) -> None:
    rows = summary(cells)
    for name, (label, kind, make) in FILES.items():
        st.download_button(
            label,
            data=make(rows, cells),
            file_name=f"experiment-{experiment.id}-{name}",
            mime=kind,
            key=f"experiment-{name}",
            on_click="ignore",
            type="tertiary",
        )


def _progress(experiment: Experiment, done: int) -> None:
    if experiment.active:
        st.fragment(_bar, run_every=REFRESH)(experiment.id, done)
        return
    words, colour = standing(experiment, done)
    if done < len(experiment.plan.cells()):
        st.markdown(f":{colour}[{words[:1].upper()}{words[1:]} runs]")


def _bar(experiment_id: str, drawn: int) -> None:
    """Show how far it is; alone again every second, with the whole page now and then."""
    with guarded():
        store = services.experiments().store
        experiment = store.get(experiment_id)
        services.queue()
        every = store.cells(experiment)
        done, total = len(ended(every)), len(every)
        if not experiment.active or done - drawn > total // MOST_REDRAWS:
            st.rerun()
        left = seconds_left(experiment, every)
        time = "" if left is None else f", about {duration(left)} left"
        words, share = _now(store, experiment)
        st.progress((done + share) / total, text=f"{done} of {total} runs{time}{words}")


def _now(store: ExperimentStore, experiment: Experiment) -> tuple[str, float]:
    """Return what is running, in words, and how much of it is done, in [0, 1)."""
    for place, run in store.cell_runs(experiment.id).items():
        if run.state == RUNNING:
            row = experiment.plan.cells()[place][1]
            done, steps = steps_done(store.runs, run) or (0, 1)
            at = f", step {done} of {steps}" if done else ""
            share = min(done / steps, 0.99)
            return plain(f". Now {row_title(row)} on {run.spec.sample}{at}"), share
    return "", 0.0


def _tables(experiment: Experiment, cells: Sequence[Cell]) -> None:
    for study, words in ((False, ""), (True, "The distance term")):
        titles = _titles(experiment, study)
        own = [cell for cell in cells if cell.label in titles]
        if own:
            if words:
                st.subheader(words, anchor=False)
            _table(summary(own), titles, key=f"experiment-table-{study}")


def _titles(experiment: Experiment, study: bool) -> dict[str, str]:
    return {row.label: row_title(row) for row in experiment.plan.variants if row.study == study}


def _table(rows: Sequence[dict[str, Any]], titles: dict[str, str], key: str) -> None:
    shown = [
        {
            "attack": titles[row["label"]],
            "n": row["n"],
            "success": f"{100 * row['success_rate']:.0f} %",
            **{name: figure_text(row, name) for name in COLUMNS},
        }
        for row in rows
    ]
    text = st.column_config.TextColumn
    st.dataframe(
        pd.DataFrame(shown),
        hide_index=True,
        key=key,
        height="content",
        column_config={
            "attack": text("Attack"),
            "n": st.column_config.NumberColumn("Pairs", width=70),
            "success": text("Success", alignment="right", help="Share whose file meets the target"),
            **{
                name: text(head, alignment="right", help="Mean ± standard deviation, 8-bit file")
                for name, (head, _) in COLUMNS.items()
            },
        },
        alt="Attacks compared",
    )


def _pictures(experiment: Experiment, cells: Sequence[Cell]) -> None:
    row = st.container(horizontal=True, vertical_alignment="center")
    study = _shown_study(row, experiment, cells)
    figure = _shown_figure(row)
    row.caption("Click a point to open its run. Crosses did not reach the target.")
    titles = _titles(experiment, study)
    own = [cell for cell in cells if cell.label in titles]
    left, right = st.columns(2, gap="large")
    # A chart keeps what was clicked; with a new key it does not lead to the run again.
    turn = st.session_state.setdefault("experiment-turn", 0)
    for place, name, chart in (
        (left, "boxes", box_plot(own, titles, figure)),
        (right, "curve", curve_plot(own, titles)),
    ):
        event = place.plotly_chart(
            chart,
            key=f"experiment-{name}-{turn}",
            on_select="rerun",
            selection_mode="points",
            config=NO_TOOLBAR,
        )
        run_id = clicked_run(event)
        if run_id:
            st.session_state["experiment-turn"] = turn + 1
            st.switch_page("pages/compare.py", query_params={"run": run_id})


def _shown_study(row: Any, experiment: Experiment, cells: Sequence[Cell]) -> bool:
    labels = {cell.label for cell in cells}
    there = [study for study in (False, True) if labels & set(_titles(experiment, study))]
    if len(there) < 2:
        return there[0]
    names = {False: "Attacks", True: "Distance term"}
    asked = st.query_params.get("rows") == "distance"
    chosen = row.segmented_control(
        "Rows",
        [False, True],
        format_func=names.__getitem__,
        default=asked,
        required=True,
        key="experiment-rows",
        label_visibility="collapsed",
    )
    if chosen:
        st.query_params["rows"] = "distance"
    else:
        st.query_params.pop("rows", None)
    return bool(chosen)


def _shown_figure(row: Any) -> str:
    asked = st.query_params.get("figure", "l2")
    chosen = row.segmented_control(
        "Figure",
        list(TITLES),
        format_func=TITLES.__getitem__,
        default=asked if asked in TITLES else "l2",
        required=True,
        key="experiment-figure",
        label_visibility="collapsed",
    )
    if chosen != "l2":
        st.query_params["figure"] = chosen
    else:
        st.query_params.pop("figure", None)
    return str(chosen)


def _problems(cells: Sequence[Cell]) -> None:
    failed = [cell for cell in cells if not cell.results]
    if not failed:
        return
    with st.expander(f"{len(failed)} failed", icon=":material/error:"):
        for cell in failed:
            st.markdown(plain(f"{cell.label} on {cell.sample}: {cell.message}"))

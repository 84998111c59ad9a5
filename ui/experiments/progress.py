"""How far an experiment is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import streamlit as st

from asma_core.experiments.cells import Cell
from asma_core.experiments.store import Experiment, ExperimentStore, ended
from asma_core.runs.run import RUNNING, Run
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import capitalised, duration
from ui.common.rerun import rerun_page
from ui.common.unchanged import as_of_now
from ui.experiments.experiment_text import row_title, seconds_left, status_text
from ui.runs.progress import steps_done

REFRESH: Final = 1.0
# A page that draws its pictures anew at every cell of hundreds would do little else.
MOST_REDRAWS: Final = 40


def experiment_progress(experiment: Experiment, done: int) -> None:
    """Show a bar that follows what happens, or where an unfinished one was stopped."""
    if experiment.active:
        st.fragment(_bar, run_every=REFRESH)(experiment.id, done)
        return
    words, colour = status_text(experiment, done)
    if done < len(experiment.plan.cells()):
        st.markdown(f":{colour}[{capitalised(words)} runs]")


def _bar(experiment_id: str, drawn: int) -> None:
    """Show how far it is; alone again every second, with the whole page now and then."""
    with show_errors():
        store = services.experiments().store
        experiment = store.get(experiment_id)
        runs, every = as_of_now(
            store.runs, f"experiment-runs-{experiment_id}", partial(_read, store, experiment)
        )
        done, total = len(ended(every)), len(every)
        if not experiment.active or done - drawn > total // MOST_REDRAWS:
            rerun_page()
        left = seconds_left(experiment, every)
        time = "" if left is None else f", about {duration(left)} left"
        words, share = _now(experiment, runs)
        st.progress((done + share) / total, text=f"{done} of {total} runs{time}{words}")


def _read(
    store: ExperimentStore, experiment: Experiment
) -> tuple[dict[int, Run], list[Cell | None]]:
    runs = store.cell_runs(experiment.id)
    return runs, store.cells(experiment, runs)


def _now(experiment: Experiment, runs: Mapping[int, Run]) -> tuple[str, float]:
    """Return what is running, in words, and how much of it is done, in [0, 1)."""
    for place, run in runs.items():
        if run.state == RUNNING:
            row = experiment.plan.cells()[place][1]
            done, steps = steps_done(services.store(), run) or (0, 1)
            at = f", step {done} of {steps}" if done else ""
            share = min(done / steps, 0.99)
            return escape_markdown(f". Now {row_title(row)} on {run.spec.sample}{at}"), share
    return "", 0.0

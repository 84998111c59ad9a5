"""The form of a new experiment: which network, which images, which attacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from asma_core.attacks.registry import ATTACKS, suited
from asma_core.data.datasets import Dataset
from asma_core.errors import AsmaError, InputError
from asma_core.experiments.plan import Plan, Variant, distance_study, pairs_of, variant
from asma_core.runs.execution import Execution
from ui.address.links import open_here
from ui.address.views import ExperimentsView
from ui.common import services
from ui.common.errors import show_error
from ui.common.execution_form import execution_form
from ui.common.pairs_choice import choose_attacks, choose_goal, choose_images, choose_pairs
from ui.common.presses import pressed
from ui.common.values import SESSION, initial

KEY: Final = "experiment-form"
TABLE_1: Final = ("ssm", "ssm-dpm", "asm", "asma", "minimal")
STUDIED: Final = ("asma", "asm", "ssm-dpm", "ssm")
WEIGHTS: Final = ("0", "1", "10", "100", "1000")
FEW: Final = 8


@dataclass(frozen=True)
class _Wanted:
    """What the widgets say."""

    dataset: str
    model: str
    pairs: int
    attacks: tuple[str, ...]
    settings: dict[str, str]
    studied: str
    weights: tuple[str, ...]
    execution: Execution


def experiment_form() -> None:
    """Show the form; a press of Start goes to the experiment."""
    left, right = st.columns(2, gap="large")
    with left:
        dataset, model = choose_images(KEY)
        pairs = choose_pairs(KEY, dataset, FEW)
    offered = suited(model.takes_gradients) if model else ATTACKS
    with right:
        attacks = choose_attacks(KEY, model, TABLE_1)
        settings = choose_goal(KEY, 0.95, None)
        studied, weights = _study([name for name in STUDIED if name in offered])
        with st.expander("How the runs are carried out", icon=":material/tune:"):
            execution = execution_form(st, KEY)
    name = model.name if model else ""
    wanted = _Wanted(dataset.name, name, pairs, attacks, settings, studied, weights, execution)
    rows = len(attacks) + len(weights)
    with left:
        st.caption(
            f"{rows * pairs} runs: {pairs} {'pair' if pairs == 1 else 'pairs'}, "
            f"{rows} {'row' if rows == 1 else 'rows'}. What has been run already with the same "
            "settings is taken as it is."
        )
        if pressed(
            st,
            "Start",
            key=f"{KEY}-start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not model or rows == 0,
            width=160,
        ):
            _start(wanted, dataset)


def _study(studied_ones: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    if not studied_ones:
        return STUDIED[0], ()
    wanted = st.toggle(
        "Study the distance term too",
        key=initial(f"{KEY}-study", False),
        persist_state=SESSION,
        help="The authors' code has a distance term that the paper's formulas lack. One attack, "
        "with that term off and ever heavier, in a table of its own.",
    )
    if not wanted:
        return STUDIED[0], ()
    which, weights = st.columns([1, 2])
    studied = which.selectbox(
        "Attack",
        studied_ones,
        format_func=lambda name: ATTACKS[name].title,
        key=initial(f"{KEY}-studied", studied_ones[0], studied_ones),
        persist_state=SESSION,
    )
    chosen = weights.multiselect(
        "Distance weights",
        WEIGHTS,
        key=initial(f"{KEY}-weights", ["0", "1", "10", "100"]),
        persist_state=SESSION,
        accept_new_options=True,
    )
    return studied, tuple(chosen)


def _plan(wanted: _Wanted, dataset: Dataset) -> Plan:
    rows: list[Variant] = [variant(name, wanted.settings) for name in wanted.attacks]
    if wanted.weights:
        rows += distance_study(wanted.studied, wanted.weights, wanted.settings)
    if not rows:
        raise InputError("choose at least one attack")
    pairs = pairs_of(dataset, wanted.pairs)
    return Plan(wanted.model, wanted.dataset, pairs, tuple(rows), wanted.execution)


def _start(wanted: _Wanted, dataset: Dataset) -> None:
    runner = services.experiments()
    try:
        experiment = runner.store.open(_plan(wanted, dataset))
        runner.start(experiment.id)
    except AsmaError as error:
        show_error(error)
        return
    open_here(ExperimentsView(experiment.id))

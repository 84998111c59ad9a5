"""The form of a new plan: which networks and images, which attacks, where they lead."""

from __future__ import annotations

from typing import Final

import streamlit as st

from asma_core.attacks.registry import ATTACKS
from asma_core.data.datasets import Dataset, dataset_names
from asma_core.errors import AsmaError
from asma_core.experiments.plan import pairs_of
from asma_core.experiments.transfer_plan import GOALS, MADE_TO_TRANSFER, TransferPlan, asked_attacks
from asma_core.runs.execution import Execution
from ui.address.links import open_here
from ui.address.views import TRANSFER, DefencesView
from ui.common import services
from ui.common.errors import show_error
from ui.common.execution_form import execution_form
from ui.common.network_choice import fitting_networks
from ui.common.pairs_choice import choose_attacks, choose_goal, choose_pairs
from ui.common.presses import pressed
from ui.common.values import SESSION, initial

KEY: Final = "transfer-form"
FEW: Final = 4
# A budget is the same for all networks, so that their files are alike in size.
USUAL_ATTACKS: Final = ("pgd",)
AIMS: Final = {"towards": "Towards the target", "away": "Away from the prediction"}


def transfer_form() -> None:
    """Show the form; a press of Start goes to the plan."""
    left, right = st.columns(2, gap="large")
    with left:
        dataset, models = _networks()
        pairs = choose_pairs(KEY, dataset, FEW)
        others = st.toggle(
            "All others together",
            key=initial(f"{KEY}-others", True),
            persist_state=SESSION,
            disabled=len(models) < 3,
            help="The ensemble of all networks but one is attacked too, and its files are shown to "
            "that one. It takes three networks.",
        )
    with right:
        attacks = choose_attacks(KEY, None, USUAL_ATTACKS)
        goals = st.segmented_control(
            "Goals",
            list(GOALS),
            format_func=AIMS.__getitem__,
            selection_mode="multi",
            key=initial(f"{KEY}-goals", list(GOALS)),
            persist_state=SESSION,
            help="Away counts as a success when half of the IoU with what the network said is "
            "lost. An attack that can't lead away is made towards the target alone.",
        )
        settings = choose_goal(KEY, 0.9, 100)
        if st.toggle(
            "Made to transfer",
            key=initial(f"{KEY}-made", False),
            persist_state=SESSION,
            help="PGD, SegPGD and CosPGD with momentum, input diversity and their whole budget: "
            "their files fool other networks more often, and the one that they were made on less.",
        ):
            settings |= MADE_TO_TRANSFER
        with st.expander("How the runs are carried out", icon=":material/tune:"):
            execution = execution_form(st, KEY)
    with left:
        _start_button(dataset, models, pairs, others, attacks, goals, settings, execution)


def _networks() -> tuple[Dataset, list[str]]:
    names = dataset_names()
    name = st.selectbox(
        "Data set",
        names,
        key=initial(f"{KEY}-dataset", names[0], names),
        persist_state=SESSION,
        help="Its test images, or all where it has no test split.",
    )
    dataset = services.open_dataset(name)
    fitting = fitting_networks(dataset)
    bare = {one: card for one, card in fitting.items() if not (card.members or card.defences)}
    own = [one for one, card in bare.items() if card.dataset == name]
    usual = own if len(own) > 1 else list(bare)
    models = st.multiselect(
        "Networks",
        list(fitting),
        key=initial(f"{KEY}-networks-{name}", usual[:FEW]),
        persist_state=SESSION,
        placeholder="Choose two or more",
        help="Those that have the classes of this data set. One of other classes is kept in these "
        "on its page, under Models.",
    )
    if len(fitting) < 2:
        st.info(
            "Transfer is from one network to another: train or add a second one for this data set, "
            "under Models.",
            icon=":material/info:",
        )
    elif len(models) < 2:
        st.info(
            "Transfer is from one network to another: choose a second one.", icon=":material/info:"
        )
    return dataset, models


def _networks_of(models: list[str]) -> str:
    return f"{len(models)} {'network' if len(models) == 1 else 'networks'}"


def _start_button(
    dataset: Dataset,
    models: list[str],
    pairs: int,
    others: bool,
    attacks: tuple[str, ...],
    goals: list[str],
    settings: dict[str, str],
    execution: Execution,
) -> None:
    try:
        rows = asked_attacks(attacks, goals, settings) if attacks and goals else ()
    except AsmaError as error:
        show_error(error)
        rows = ()
    together = len(models) if others and len(models) > 2 else 0
    runs = pairs * len(rows) * (len(models) + together)
    made = [f"{pairs} {'pair' if pairs == 1 else 'pairs'}", _networks_of(models)]
    made += [f"{together} ensembles of all others"] if together else []
    titles = ", ".join(ATTACKS[name].title for name in attacks)
    st.caption(
        f"At most {runs} runs: {', '.join(made)}, {titles or 'no attack'}. What has been run "
        "already is taken as it is."
    )
    if pressed(
        st,
        "Start",
        key=f"{KEY}-start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=len(models) < 2 or not rows,
        width=160,
    ):
        try:
            chosen = pairs_of(dataset, pairs)
            plan = TransferPlan(tuple(models), dataset.name, chosen, rows, others, execution)
            plan_id = services.transfer().start(plan)
        except AsmaError as error:
            show_error(error)
            return
        open_here(DefencesView(plan_id, TRANSFER))

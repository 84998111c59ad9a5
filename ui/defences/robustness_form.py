"""The form of a new plan: which network and images, which defences, which attacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from asma_core.attacks.registry import ATTACKS
from asma_core.data.datasets import Dataset
from asma_core.defences.contract import Defence
from asma_core.defences.registry import DEFENCES
from asma_core.errors import AsmaError
from asma_core.experiments.plan import pairs_of, variant
from asma_core.experiments.robustness_plan import BLACK_BOX, RobustnessPlan, with_check
from asma_core.models.sources.cards import ModelCard
from asma_core.runs.execution import Execution
from ui.address.links import open_here
from ui.address.views import DefencesView
from ui.common import services
from ui.common.errors import escape_markdown, show_error
from ui.common.execution_form import execution_form
from ui.common.network_choice import fitting_networks
from ui.common.pairs_choice import choose_attacks, choose_goal, choose_images, choose_pairs
from ui.common.presses import pressed
from ui.common.rerun import patiently
from ui.common.values import SESSION, initial
from ui.defences.settings_of import Offer, choose_with_settings

KEY: Final = "defences-form"
USUAL: Final = ("jpeg", "bit-depth", "median")
FEW: Final = 4
# Attacks that need no target of their own choosing, and are quick enough for many networks.
USUAL_ATTACKS: Final = ("minimal",)


def robustness_form() -> None:
    """Show the form; a press of Start goes to the plan."""
    left, right = st.columns(2, gap="large")
    with left:
        dataset, card = choose_images(KEY, bare=True)
        pairs = choose_pairs(KEY, dataset, FEW)
    with right:
        defences = _defences()
        others = _others(dataset, card)
        attacks, settings = _attacks(card)
        with st.expander("How the runs are carried out", icon=":material/tune:"):
            execution = execution_form(st, KEY)
    runs = pairs * len(attacks) * (1 + len(defences) + len(others))
    with left:
        st.caption(
            f"{runs} runs: {pairs} {'pair' if pairs == 1 else 'pairs'}, {len(attacks)} attacks, "
            f"the bare network and {len(defences)} behind a defence, each kept as a network of its "
            f"own{_beside(others)}. What has been run already is taken as it is."
        )
        if pressed(
            st,
            "Start",
            key=f"{KEY}-start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=card is None or not (defences or others) or not attacks,
            width=160,
        ):
            assert card is not None
            _start(card, dataset, pairs, attacks, settings, defences, execution, others)


def _beside(others: Sequence[str]) -> str:
    return f", and {', '.join(map(escape_markdown, others))} beside it" if others else ""


def _others(dataset: Dataset, card: ModelCard | None) -> tuple[str, ...]:
    """Ask which networks are set beside the bare one, such as it after a training."""
    fitting = [name for name in fitting_networks(dataset) if card is None or name != card.name]
    if not fitting:
        return ()
    key = f"{KEY}-others"
    kept = [name for name in st.session_state.get(key, []) if name in fitting]
    st.session_state[key] = kept
    chosen = st.multiselect(
        "Other networks beside it",
        fitting,
        key=key,
        persist_state=SESSION,
        placeholder="Choose networks",
        help="Such as the same network after an adversarial training: each is attacked as one "
        "behind a defence is, by an attack that knows it and by the bare network's files.",
    )
    return tuple(chosen)


def _defences() -> tuple[Defence, ...]:
    offers = {
        name: Offer(entry.title, f"{entry.summary} {entry.adaptive}", entry.settings)
        for name, entry in DEFENCES.items()
    }
    chosen = choose_with_settings(
        KEY, "Defences", offers, USUAL, "Each stands before the network by itself."
    )
    return tuple(Defence(name, values) for name, values in chosen.items())


def _attacks(card: ModelCard | None) -> tuple[list[str], dict[str, str]]:
    names = list(choose_attacks(KEY, card, USUAL_ATTACKS))
    check = st.toggle(
        f"Check by a black box ({ATTACKS[BLACK_BOX].title})",
        key=initial(f"{KEY}-check", True),
        persist_state=SESSION,
        help="It needs no gradients, so that no defence can hide any from it. It is slow.",
    )
    settings = choose_goal(KEY, 0.9, 100)
    return (with_check(names) if check and names else names), settings


def _start(
    card: ModelCard,
    dataset: Dataset,
    pairs: int,
    attacks: list[str],
    settings: dict[str, str],
    defences: tuple[Defence, ...],
    execution: Execution,
    others: tuple[str, ...],
) -> None:
    try:
        rows = tuple(variant(name, settings) for name in attacks)
        chosen = pairs_of(dataset, pairs)
        plan = RobustnessPlan(card.name, dataset.name, chosen, rows, defences, execution, others)
        with st.spinner("Preparing the networks behind the defences", show_time=True):
            plan_id = patiently(services.robustness().start, plan)
    except AsmaError as error:
        show_error(error)
        return
    open_here(DefencesView(plan_id))

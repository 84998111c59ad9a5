"""The form of a new plan of detectors: which network and images, which attack, which detectors."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from asma_core.attacks.registry import ATTACKS, suited
from asma_core.attacks.settings import AWAY
from asma_core.data.datasets import Dataset
from asma_core.defences.detectors.registry import DETECTORS
from asma_core.errors import AsmaError
from asma_core.experiments.detection_plan import EVADE, DetectionPlan, evading
from asma_core.experiments.plan import pairs_of, variant
from asma_core.fields import config_from_dict, declared
from asma_core.models.sources.cards import ModelCard
from asma_core.runs.execution import Execution
from ui.address.links import open_here
from ui.address.views import DETECTION, DefencesView
from ui.common import services
from ui.common.errors import show_error
from ui.common.execution_form import execution_form
from ui.common.network_choice import LEFT_OUT
from ui.common.pairs_choice import DETECTION_FORM, choose_goal, choose_images, choose_pairs
from ui.common.presses import pressed
from ui.common.values import SESSION, initial
from ui.defences.settings_of import Offer, choose_with_settings

KEY: Final = DETECTION_FORM
USUAL: Final = ("entropy", "squeezing", "residual")
FEW: Final = 8
USUAL_ATTACK: Final = "minimal"
KNOWING_STEPS: Final = 200


def detection_form() -> None:
    """Show the form; a press of Start goes to the plan."""
    left, right = st.columns(2, gap="large")
    with left:
        dataset, card = choose_images(KEY, unmasked=True)
        pairs = choose_pairs(KEY, dataset, FEW)
    with right:
        detectors = _detectors()
        attack, settings, steps = _attack(card, dataset.masked)
        with st.expander("How the runs are carried out", icon=":material/memory:"):
            execution = execution_form(st, KEY)
    with left:
        st.caption(_cost(pairs, len(detectors), steps is not None))
        if pressed(
            st,
            "Start",
            key=f"{KEY}-start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=card is None or not detectors,
            width=160,
        ):
            assert card is not None
            known = () if steps is None else tuple(detectors)
            _start(card, dataset, pairs, attack, settings, detectors, known, steps or 0, execution)


def _cost(pairs: int, detectors: int, knowing: bool) -> str:
    runs = pairs * (1 + (detectors if knowing else 0))
    told = f"{runs} runs: {pairs} {'pair' if pairs == 1 else 'pairs'}, the attack"
    told += " and one more for each detector that it knows" if knowing else ""
    return f"{told}. What has been run already is taken as it is."


def _detectors() -> tuple[str, ...]:
    """Return the chosen detectors as texts; settings that are as usual are not in them."""
    offers = {
        name: Offer(entry.title, entry.summary, entry.settings) for name, entry in DETECTORS.items()
    }
    chosen = choose_with_settings(
        KEY, "Detectors", offers, USUAL, "Each looks at original, attacked and noisy files."
    )
    return tuple(_text(name, values) for name, values in chosen.items())


def _text(name: str, values: dict[str, Any]) -> str:
    usual = config_from_dict(DETECTORS[name].settings, {}).as_dict()
    own = [f"{key}={value}" for key, value in values.items() if value != usual[key]]
    return ":".join([name, *own])


def _attack(card: ModelCard | None, masked: bool) -> tuple[str, dict[str, str], int | None]:
    """Show the attack; return its name, its settings, and the steps of the one that knows."""
    gradients = card is None or card.takes_gradients
    offered = [
        name for name in suited(gradients) if name != EVADE and (masked or _leads_away(name))
    ]
    first = USUAL_ATTACK if USUAL_ATTACK in offered else offered[0]
    attack = st.selectbox(
        "Attack",
        offered,
        format_func=lambda name: ATTACKS[name].title,
        key=initial(
            f"{KEY}-attack{'' if gradients else '-black-box'}{'' if masked else '-away'}",
            first,
            offered,
        ),
        persist_state=SESSION,
        help="It does not know the detectors.",
    )
    settings = choose_goal(KEY, 0.9, 100) | ({} if masked else {"goal_is": AWAY})
    if not gradients:
        st.caption(f"{LEFT_OUT} So no attack can know a detector.")
        return attack, settings, None
    known = st.toggle(
        f"And the attack that knows each detector ({ATTACKS[EVADE].title})",
        key=initial(f"{KEY}-knowing", True),
        persist_state=SESSION,
        help="What a detector is worth is what it finds of files that were made to evade it.",
    )
    if not known:
        return attack, settings, None
    steps = st.number_input(
        "Steps of that attack",
        min_value=3,
        max_value=100_000,
        step=50,
        key=initial(f"{KEY}-knowing-steps", KNOWING_STEPS),
        persist_state=SESSION,
    )
    return attack, settings, int(steps)


def _leads_away(name: str) -> bool:
    return "goal_is" in declared(ATTACKS[name].config)


def _start(
    card: ModelCard,
    dataset: Dataset,
    pairs: int,
    attack: str,
    settings: dict[str, str],
    detectors: tuple[str, ...],
    known: tuple[str, ...],
    steps: int,
    execution: Execution,
) -> None:
    try:
        plan = DetectionPlan(
            card.name,
            dataset.name,
            pairs_of(dataset, pairs),
            variant(attack, settings),
            detectors,
            tuple(evading(text, settings, steps) for text in known),
            execution,
        )
        plan_id = services.detection().start(plan)
    except AsmaError as error:
        show_error(error)
        return
    open_here(DefencesView(plan_id, DETECTION))

"""The form of an attack's settings, made from its config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from asma_core.attacks.contract import AttackEntry
from asma_core.attacks.registry import ATTACKS, find_attack, suited
from asma_core.attacks.settings import TOWARDS
from asma_core.errors import AsmaError, UnknownNameError
from asma_core.fields import config_from_dict, declared
from asma_core.runs.execution import DEFAULT, Execution
from asma_core.runs.spec import RunSpec
from ui.address.views import AttackView
from ui.common.execution_form import execution_form, fill_execution
from ui.common.network_choice import LEFT_OUT
from ui.common.settings_form import fill_settings, setting_widget
from ui.common.values import SESSION, initial

DEFAULT_PRESET: Final = "default"


@dataclass(frozen=True)
class AttackChoice:
    """What was chosen.

    Attributes:
        entry: The attack.
        preset: Of its settings.
        config: Its settings by name.
        execution: How the run is carried out.
    """

    entry: AttackEntry
    preset: str
    config: dict[str, Any]
    execution: Execution

    @property
    def leads_away(self) -> bool:
        """Whether it goes without a target."""
        return bool(self.config.get("goal_is", TOWARDS) != TOWARDS)


def attack_form(key: str, takes_gradients: bool = True) -> AttackChoice:
    """Show an attack's settings; sensible without touching anything.

    Args:
        key: Begins the keys of the widgets.
        takes_gradients: Whether the network does; else only black boxes are offered.
    """
    offered = suited(takes_gradients)
    names = _by_answer(offered)
    name = st.selectbox(
        "Attack",
        names,
        format_func=lambda item: f"{ATTACKS[item].answers}: {ATTACKS[item].title}",
        key=initial(f"{key}-attack", names[0], names),
        persist_state=SESSION,
        help="  \n".join(f"**{entry.title}**: {entry.summary}" for entry in offered.values()),
    )
    if not takes_gradients:
        st.caption(LEFT_OUT)
    entry = offered[name]
    preset = _presets(key, entry)
    # Each preset has widgets of its own. If it set values of shared ones, a report of the canvas
    # that crosses the click would bring the old values back.
    prefix = f"{key}-{entry.name}-{preset}"
    values = entry.presets.get(preset, {})
    settings = declared(entry.config).values()
    plain = [item for item in settings if not item.rule.advanced]
    config: dict[str, Any] = {}
    # Two in a row: more would cut the words of a choice off.
    columns = [column for _ in range(0, len(plain), 2) for column in st.columns(2)]
    for column, item in zip(columns, plain, strict=False):
        config[item.name] = setting_widget(column, prefix, item, values)
    with st.expander("More settings", icon=":material/tune:"):
        st.caption(f"{entry.summary} Source: {entry.source}.")
        for item in settings:
            if item.rule.advanced:
                config[item.name] = setting_widget(st, prefix, item, values)
        execution = execution_form(st, key)
    return AttackChoice(entry, preset, config, execution)


def _by_answer(offered: Mapping[str, AttackEntry]) -> list[str]:
    """Return the attacks with those together that are taken for the same."""
    answers = list(dict.fromkeys(entry.answers for entry in offered.values()))
    return sorted(offered, key=lambda name: answers.index(offered[name].answers))


def said(choice: AttackChoice) -> AttackView:
    """Return what an address says of the attack: what differs from its preset and is not usual."""
    usual = _values(choice.entry, choice.preset) | DEFAULT.as_dict()
    chosen = choice.config | choice.execution.as_dict()
    settings = [f"{name}:{_text(value)}" for name, value in chosen.items() if value != usual[name]]
    return AttackView(attack=choice.entry.name, preset=choice.preset, settings=tuple(settings))


def take_form(key: str, view: AttackView) -> None:
    """Set the form to what an address says; call it before the form is shown.

    Raises:
        AsmaError: It names no attack or no setting, or a value that can't be.
    """
    entry = find_attack(view.attack)
    preset = view.preset if view.preset in entry.presets else DEFAULT_PRESET
    settings, execution = declared(entry.config), declared(Execution)
    values, how = _values(entry, preset), DEFAULT.as_dict()
    for part in view.settings:
        name, _, text = part.partition(":")
        if name in execution:
            how[name] = execution[name].parse(text)
        elif name in settings:
            values[name] = settings[name].parse(text)
        else:
            raise UnknownNameError("setting", name, settings)
    st.session_state[f"{key}-attack"] = entry.name
    st.session_state[f"{key}-{entry.name}-preset"] = preset
    fill_settings(f"{key}-{entry.name}-{preset}", values)
    fill_execution(key, Execution(**how))


def _values(entry: AttackEntry, preset: str) -> dict[str, Any]:
    usual = {name: item.default for name, item in declared(entry.config).items()}
    return usual | dict(entry.presets.get(preset, {}))


def _text(value: Any) -> str:
    return "auto" if value is None else f"{value:g}" if type(value) is float else str(value)


def fill_form(key: str, spec: RunSpec) -> None:
    """Set the form to what a run was asked for; call it before the form is shown."""
    state = st.session_state
    fill_execution(key, spec.execution)
    if spec.attack in ATTACKS:
        state[f"{key}-attack"] = spec.attack
        state[f"{key}-{spec.attack}-preset"] = DEFAULT_PRESET
        fill_settings(f"{key}-{spec.attack}-{DEFAULT_PRESET}", _settings_as_now(spec))


def _settings_as_now(spec: RunSpec) -> Mapping[str, Any]:
    """Return a run's settings as the form has them now; none where they don't fit any more."""
    try:
        return config_from_dict(ATTACKS[spec.attack].config, spec.config).as_dict()
    except AsmaError:
        return {}


def _presets(key: str, entry: AttackEntry) -> str:
    names = [DEFAULT_PRESET, *entry.presets]
    chosen: str | None = st.segmented_control(
        "Preset",
        names,
        wrap=True,
        key=initial(f"{key}-{entry.name}-preset", DEFAULT_PRESET, names),
        persist_state=SESSION,
        required=True,
        help="Default stops at the first success. Quick and strong change steps and target. "
        "Paper is the authors' demo, with its fixed multipliers.",
    )
    return chosen or DEFAULT_PRESET

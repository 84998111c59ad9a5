"""The form of an attack's settings, made from its config."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from typing import Any, Final, get_type_hints

import streamlit as st

from asma_core.attacks.configs import TOWARDS
from asma_core.attacks.registry import ATTACKS, AttackEntry
from asma_core.errors import AsmaError
from asma_core.fields import Setting, choices, config_from_dict, setting_of
from asma_core.models.wrapper.precision import AUTO
from asma_core.runs.spec import RunSpec
from ui.common.backend_choice import compile_choice, fill_backend, precision_choice
from ui.common.values import SESSION, initial

DEFAULT_PRESET: Final = "default"


@dataclass(frozen=True)
class AttackChoice:
    """What was chosen.

    Attributes:
        entry: The attack.
        config: Its settings by name.
        device: Name of the device.
        seed: Of torch's generator.
        precision: Of the attack's passes.
        compiled: Whether the network is compiled first.
    """

    entry: AttackEntry
    config: dict[str, Any]
    device: str
    seed: int
    precision: str
    compiled: bool

    @property
    def leads_away(self) -> bool:
        """Whether it goes without a target."""
        return bool(self.config.get("goal_is", TOWARDS) != TOWARDS)


def attack_form(key: str) -> AttackChoice:
    """Show an attack's settings; sensible without touching anything."""
    names = list(ATTACKS)
    name = st.selectbox(
        "Attack",
        names,
        format_func=lambda item: ATTACKS[item].title,
        key=initial(f"{key}-attack", names[0], names),
        persist_state=SESSION,
        help="  \n".join(f"**{entry.title}**: {entry.summary}" for entry in ATTACKS.values()),
    )
    entry = ATTACKS[name]
    preset = _presets(key, entry)
    # Each preset has widgets of its own. If it set values of shared ones, a report of the canvas
    # that crosses the click would bring the old values back.
    prefix = f"{key}-{entry.name}-{preset}"
    values = entry.presets.get(preset, {})
    plain = [item for item in fields(entry.config) if not setting_of(item).advanced]
    folded = [item for item in fields(entry.config) if setting_of(item).advanced]
    kinds = get_type_hints(entry.config)
    config: dict[str, Any] = {}
    # Two in a row: more would cut the words of a choice off.
    columns = [column for _ in range(0, len(plain), 2) for column in st.columns(2)]
    for column, item in zip(columns, plain, strict=False):
        with column:
            config[item.name] = _widget(prefix, item, kinds[item.name], values)
    with st.expander("More settings", icon=":material/tune:"):
        st.caption(f"{entry.summary} Source: {entry.source}.")
        for item in folded:
            config[item.name] = _widget(prefix, item, kinds[item.name], values)
        around = _surroundings(key)
    return AttackChoice(entry, config, *around)


def fill_form(key: str, spec: RunSpec) -> None:
    """Set the form to what a run was asked for; call it before the form is shown."""
    state = st.session_state
    state[f"{key}-device"], state[f"{key}-seed"] = spec.device, spec.seed
    fill_backend(key, spec.precision, spec.compiled)
    if spec.attack in ATTACKS:
        state[f"{key}-attack"] = spec.attack
        state[f"{key}-{spec.attack}-preset"] = DEFAULT_PRESET
        for name, value in _settings_as_now(spec).items():
            state[f"{key}-{spec.attack}-{DEFAULT_PRESET}-{name}"] = value


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


def _widget(prefix: str, item: Field[Any], kind: Any, values: Mapping[str, Any]) -> Any:
    rule = setting_of(item)
    key = initial(f"{prefix}-{item.name}", values.get(item.name, item.default))
    if choices(kind):
        return st.selectbox(
            rule.label, choices(kind), key=key, persist_state=SESSION, help=rule.help
        )
    if kind is bool:
        return st.toggle(rule.label, key=key, persist_state=SESSION, help=rule.help)
    if kind is int:
        return st.number_input(
            rule.label,
            min_value=int(rule.minimum),
            max_value=int(rule.maximum),
            step=50,
            key=key,
            persist_state=SESSION,
            help=rule.help,
        )
    return _number(rule, key, automatic=kind == float | None)


def _number(rule: Setting, key: str, automatic: bool) -> float | None:
    low = None if rule.open_minimum or math.isinf(rule.minimum) else float(rule.minimum)
    high = None if math.isinf(rule.maximum) else float(rule.maximum)
    if automatic:
        return st.number_input(
            rule.label,
            min_value=low,
            max_value=high,
            value=None,
            format="%.3g",
            placeholder="automatic",
            key=key,
            persist_state=SESSION,
            help=rule.help,
        )
    share = rule.maximum == 1.0
    return st.number_input(
        rule.label,
        min_value=low,
        max_value=high,
        step=0.01 if share else 1.0,
        format="%.2f" if share else "%.3g",
        key=key,
        persist_state=SESSION,
        help=rule.help,
    )


def _surroundings(key: str) -> tuple[str, int, str, bool]:
    gpu = shutil.which("nvidia-smi") is not None
    devices = ["auto", "cpu", *(["cuda"] if gpu else [])]
    device = st.selectbox(
        "Device",
        devices,
        key=initial(f"{key}-device", "auto", devices),
        persist_state=SESSION,
        help="auto: the GPU with the most free memory, else the CPU.",
    )
    seed = st.number_input(
        "Seed",
        min_value=0,
        max_value=2**31 - 1,
        step=1,
        key=initial(f"{key}-seed", 0),
        persist_state=SESSION,
        help="The same seed on the same CPU gives the same files.",
    )
    precision = precision_choice(key) if gpu else AUTO
    return device, int(seed), precision, compile_choice(key)

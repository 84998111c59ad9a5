"""A declared setting is shown as its declaration says."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from typing import Any, Literal

import pytest

from asma_core.attacks.registry import ATTACKS
from asma_core.data.targets.scenarios import SCENARIOS
from asma_core.fields import BUTTONS, SLIDER, Settings, declared, setting
from asma_core.training.plan import TrainingPlan
from ui.common.settings_form import setting_widget


@dataclass(frozen=True)
class Everything(Settings):
    """One setting of every kind."""

    must: str = setting(MISSING, "Must", "Has to be said.")
    count: int = setting(3, "Count", "Whole.", minimum=1, maximum=9, step=2)
    plain: int = setting(3, "Plain", "")
    open: float = setting(0.5, "Open", "", minimum=0.0, maximum=1.0, open_minimum=True)
    auto: float | None = setting(None, "Auto", "", minimum=0.0)
    slid: float = setting(
        5.0, "Slid", "", minimum=5.0, maximum=95.0, step=5.0, unit="%", shown_as=SLIDER
    )
    yes: bool = setting(True, "Yes", "")
    one: Literal["a", "b"] = setting("a", "One", "", offered={"a": "Aa", "b": "Bb"})
    button: Literal["a", "b"] = setting("b", "Button", "", shown_as=BUTTONS)
    side: int = setting(64, "Side", "", offered={64: "64 x 64", 96: "96 x 96"}, shown_as=SLIDER)


class Place:
    """Notes which widget is shown, and answers with its first value."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.kind = ""
        self.label = ""
        self.given: dict[str, Any] = {}

    def __getattr__(self, kind: str) -> Any:
        def show(label: str, **given: Any) -> Any:
            self.kind, self.label, self.given = kind, label, given
            return self.state[given["key"]]

        return show


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    state: dict[str, Any] = {}
    monkeypatch.setattr("streamlit.session_state", state)
    return Place(state)


def shown(place: Place, name: str, values: dict[str, Any] | None = None) -> Any:
    return setting_widget(place, "page", declared(Everything)[name], values)


@pytest.mark.parametrize(
    ("name", "kind", "label", "value"),
    [
        ("count", "number_input", "Count", 3),
        ("open", "number_input", "Open", 0.5),
        ("auto", "number_input", "Auto", None),
        ("slid", "slider", "Slid, %", 5.0),
        ("yes", "toggle", "Yes", True),
        ("one", "selectbox", "One", "a"),
        ("button", "segmented_control", "Button", "b"),
        ("side", "select_slider", "Side", 64),
    ],
)
def test_a_setting_is_shown_as_its_declaration_says(
    place: Place, name: str, kind: str, label: str, value: object
) -> None:
    assert shown(place, name) == value
    assert (place.kind, place.label) == (kind, label)
    assert (place.given["key"], place.given["persist_state"]) == (f"page-{name}", "session")


def test_range_and_step_come_from_the_declaration_in_the_settings_own_type(place: Place) -> None:
    def ends() -> list[object]:
        return [place.given[name] for name in ("min_value", "max_value", "step")]

    shown(place, "count")
    assert ends() == [1, 9, 2] and all(type(value) is int for value in ends())
    shown(place, "plain")
    assert ends() == [None, None, 1]
    shown(place, "open")
    assert ends() == [None, 1.0, None]
    shown(place, "slid")
    assert ends() == [5.0, 95.0, 5.0] and all(type(value) is float for value in ends())


def test_first_values_may_be_others_and_stay_once_they_are_there(place: Place) -> None:
    assert shown(place, "count", {"count": 7}) == 7
    assert shown(place, "count", {"count": 5}) == 7


def test_a_choice_that_is_no_longer_there_falls_back(place: Place) -> None:
    place.state.update({"page-one": "c", "page-side": 65})
    assert (shown(place, "one"), shown(place, "side")) == ("a", 64)
    assert list(map(place.given["format_func"], place.given["options"])) == ["64 x 64", "96 x 96"]


def test_an_empty_help_shows_no_sign(place: Place) -> None:
    shown(place, "yes")
    assert place.given["help"] is None
    shown(place, "count")
    assert place.given["help"] == "Whole."


@pytest.mark.parametrize(
    "settings",
    [
        *(entry.config for entry in ATTACKS.values()),
        *(scenario.settings for scenario in SCENARIOS.values()),
        TrainingPlan,
    ],
)
def test_every_default_lies_on_its_widget(place: Place, settings: type[Settings]) -> None:
    for item in declared(settings).values():
        if item.default is MISSING:
            continue
        setting_widget(place, settings.__name__, item)
        low, high = place.given.get("min_value"), place.given.get("max_value")
        if item.default is not None and place.kind in ("number_input", "slider"):
            assert low is None or low <= item.default
            assert high is None or item.default <= high
        if "options" in place.given:
            assert item.default in place.given["options"]

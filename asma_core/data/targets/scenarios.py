"""The scenarios: named ways to make a target from a mask that is there, with their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from asma_core.data.targets.deformations import (
    Labels,
    enlarge_class,
    grow,
    hide,
    mirror,
    move,
    shrink,
)
from asma_core.errors import UnknownNameError
from asma_core.fields import SLIDER, Settings, config_from_dict, setting

__all__ = [
    "SCENARIOS",
    "Scenario",
    "enlarge_class",
    "get_scenario",
    "grow",
    "hide",
    "mirror",
    "move",
    "shrink",
]

_SHIFT: Final[Mapping[str, Any]] = {
    "minimum": -1.0,
    "maximum": 1.0,
    "step": 0.01,
    "shown_as": SLIDER,
}


@dataclass(frozen=True)
class GrowSettings(Settings):
    """How a structure, or its inner class, is enlarged."""

    percent: float = setting(
        50.0,
        "Larger by",
        "",
        minimum=5.0,
        maximum=400.0,
        step=5.0,
        unit="% of its area",
        shown_as=SLIDER,
    )


@dataclass(frozen=True)
class ShrinkSettings(Settings):
    """How a structure is reduced."""

    percent: float = setting(
        50.0,
        "Smaller by",
        "",
        minimum=5.0,
        maximum=95.0,
        step=5.0,
        unit="% of its area",
        shown_as=SLIDER,
    )


@dataclass(frozen=True)
class MoveSettings(Settings):
    """Where a structure is shifted."""

    dx: float = setting(0.15, "To the right", "", unit="of the width", **_SHIFT)
    dy: float = setting(0.0, "Down", "", unit="of the height", **_SHIFT)


@dataclass(frozen=True)
class MirrorSettings(Settings):
    """Which sides are swapped, and about what."""

    axis: Literal["horizontal", "vertical"] = setting("horizontal", "Swap", "")
    about: Literal["image", "structure"] = setting("image", "About the centre of the", "")


@dataclass(frozen=True)
class Scenario:
    """A named way to make a target from a mask.

    Attributes:
        name: The key in `SCENARIOS`.
        label: What a page calls it.
        help: One line for the user.
        function: Takes the mask and the settings by name.
        settings: The class of its settings.
        minimum_classes: How many classes, background included, a network needs for it.
    """

    name: str
    label: str
    help: str
    function: Callable[..., Labels]
    settings: type[Settings] = Settings
    minimum_classes: int = 2

    def apply(self, mask: Labels, values: Mapping[str, Any] | None = None) -> Labels:
        """Make the target.

        Args:
            mask: Label mask, int64 (H, W).
            values: Settings by name; what is left out takes its default.

        Returns:
            The new label mask.

        Raises:
            UnknownNameError: The scenario has no setting of that name.
            InputError: The scenario can't be used on this mask or with these settings.
        """
        settings = config_from_dict(self.settings, values or {})
        return self.function(mask, **settings.as_dict())


_ALL: Final = (
    Scenario("hide", "Hide", "The structure is gone: nothing but background.", hide),
    Scenario("grow", "Grow", "A larger structure of the same kind.", grow, GrowSettings),
    Scenario("shrink", "Shrink", "A smaller structure of the same kind.", shrink, ShrinkSettings),
    Scenario("move", "Move", "The same structure in another place.", move, MoveSettings),
    Scenario(
        "mirror",
        "Mirror",
        "The structure on the other side, or its own sides swapped.",
        mirror,
        MirrorSettings,
    ),
    Scenario(
        "enlarge_class",
        "Enlarge the inner class",
        "A larger cup in the same disc: the inner class grows into the one around it.",
        enlarge_class,
        GrowSettings,
        minimum_classes=3,
    ),
)
SCENARIOS: Final[Mapping[str, Scenario]] = {scenario.name: scenario for scenario in _ALL}


def get_scenario(name: str) -> Scenario:
    """Look a scenario up.

    Args:
        name: A key of `SCENARIOS`.

    Returns:
        The scenario.

    Raises:
        UnknownNameError: There is none of that name.
    """
    if name not in SCENARIOS:
        raise UnknownNameError("scenario", name, SCENARIOS)
    return SCENARIOS[name]

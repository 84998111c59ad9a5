"""The scenarios: named ways to make a target from a mask that is there, with their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

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

__all__ = [
    "SCENARIOS",
    "Parameter",
    "Scenario",
    "enlarge_class",
    "get_scenario",
    "grow",
    "hide",
    "mirror",
    "move",
    "shrink",
]


@dataclass(frozen=True)
class Parameter:
    """One setting of a scenario, from which a page makes its widget.

    Attributes:
        name: The argument's name.
        label: What a page calls it.
        default: Where the widget starts.
        choices: The names to choose from; empty for a number.
        minimum: Smallest number.
        maximum: Largest number.
        step: Step of the widget.
        unit: Unit of the number, as shown.
        help: One line for the user.
    """

    name: str
    label: str
    default: float | str
    choices: tuple[str, ...] = ()
    minimum: float = 0.0
    maximum: float = 1.0
    step: float = 0.01
    unit: str = ""
    help: str = ""


@dataclass(frozen=True)
class Scenario:
    """A named way to make a target from a mask.

    Attributes:
        name: The key in `SCENARIOS`.
        label: What a page calls it.
        help: One line for the user.
        function: Takes the mask and the parameters by name.
        parameters: The settings.
        minimum_classes: How many classes, background included, a network needs for it.
    """

    name: str
    label: str
    help: str
    function: Callable[..., Labels]
    parameters: tuple[Parameter, ...] = ()
    minimum_classes: int = 2

    def apply(self, mask: Labels, values: Mapping[str, Any] | None = None) -> Labels:
        """Make the target.

        Args:
            mask: Label mask, int64 (H, W).
            values: Settings by name; what is left out takes its default.

        Returns:
            The new label mask.

        Raises:
            InputError: The scenario can't be used on this mask or with these settings.
        """
        defaults = {parameter.name: parameter.default for parameter in self.parameters}
        for name in values or {}:
            if name not in defaults:
                raise UnknownNameError(f"setting of {self.name}", name, defaults)
        return self.function(mask, **{**defaults, **(values or {})})


def _percent(label: str, maximum: float, default: float) -> Parameter:
    return Parameter(
        "percent", label, default, minimum=5.0, maximum=maximum, step=5.0, unit="% of its area"
    )


_ALL: Final = (
    Scenario("hide", "Hide", "The structure is gone: nothing but background.", hide),
    Scenario(
        "grow",
        "Grow",
        "A larger structure of the same kind.",
        grow,
        (_percent("Larger by", 400.0, 50.0),),
    ),
    Scenario(
        "shrink",
        "Shrink",
        "A smaller structure of the same kind.",
        shrink,
        (_percent("Smaller by", 95.0, 50.0),),
    ),
    Scenario(
        "move",
        "Move",
        "The same structure in another place.",
        move,
        (
            Parameter("dx", "To the right", 0.15, minimum=-1.0, unit="of the width"),
            Parameter("dy", "Down", 0.0, minimum=-1.0, unit="of the height"),
        ),
    ),
    Scenario(
        "mirror",
        "Mirror",
        "The structure on the other side, or its own sides swapped.",
        mirror,
        (
            Parameter("axis", "Swap", "horizontal", ("horizontal", "vertical")),
            Parameter("about", "About the centre of the", "image", ("image", "structure")),
        ),
    ),
    Scenario(
        "enlarge_class",
        "Enlarge the inner class",
        "A larger cup in the same disc: the inner class grows into the one around it.",
        enlarge_class,
        (_percent("Larger by", 400.0, 50.0),),
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

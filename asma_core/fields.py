"""Settings of an attack, said once: the form, the command line and the record come from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

from asma_core.errors import InputError, UnknownNameError

Config = TypeVar("Config", bound="AttackConfig")


@dataclass(frozen=True)
class Setting:
    """What a person needs to know of one field.

    Attributes:
        label: Its name on the page.
        help: One line: what it does.
        minimum: Smallest value allowed.
        maximum: Largest value allowed.
        unit: Of the value, or "".
        open_minimum: Whether `minimum` itself is forbidden.
        advanced: Whether the page keeps it folded away.
        formerly: Values of older records, by what stands for them now.
    """

    label: str
    help: str
    minimum: float = -math.inf
    maximum: float = math.inf
    unit: str = ""
    open_minimum: bool = False
    advanced: bool = False
    formerly: Mapping[str, str] = field(default_factory=dict)

    def range_text(self) -> str:
        """Return the allowed range in words."""
        low = f"{'above' if self.open_minimum else 'at least'} {self.minimum:g}"
        high = f"at most {self.maximum:g}"
        bounds = [low] if math.isfinite(self.minimum) else []
        return " and ".join(bounds + ([high] if math.isfinite(self.maximum) else []))


def setting(default: Any, label: str, help: str, **more: Any) -> Any:
    """Declare a field of a config together with its `Setting`."""
    return field(default=default, metadata={"setting": Setting(label, help, **more)})


def setting_of(item: Field[Any]) -> Setting:
    """Return the `Setting` that a field was declared with."""
    declared: Setting = item.metadata["setting"]
    return declared


@dataclass(frozen=True)
class AttackConfig:
    """Base of every attack's config; values are checked when it is made.

    Raises:
        InputError: A value of another type or outside its range.
    """

    def __post_init__(self) -> None:
        kinds = get_type_hints(type(self))
        for item in fields(self):
            _check(item.name, getattr(self, item.name), kinds[item.name], setting_of(item))

    def as_dict(self) -> dict[str, Any]:
        """Return the values as plain types."""
        return asdict(self)


def _check(name: str, value: Any, kind: Any, rule: Setting) -> None:
    if value is None and kind == float | None:
        return
    if choices(kind):
        if value not in choices(kind):
            raise InputError(f"{name} is {str(value)[:40]!r}; it must be {_kind_text(kind)}")
        return
    allowed: dict[Any, tuple[type, ...]] = {bool: (bool,), int: (int,)}
    if type(value) not in allowed.get(kind, (int, float)):
        raise InputError(f"{name} is {value!r}; it must be {_kind_text(kind)}")
    if kind is not bool:
        _check_range(name, value, rule)


def _check_range(name: str, value: float, rule: Setting) -> None:
    too_low = value <= rule.minimum if rule.open_minimum else value < rule.minimum
    # A whole number may be too large for a float, so the comparisons come first.
    if too_low or value > rule.maximum or not math.isfinite(value):
        raise InputError(f"{name} is {str(value)[:20]}; it must be {rule.range_text()}")


def choices(kind: Any) -> tuple[str, ...]:
    """Return the values of a `Literal`; none for any other type."""
    return get_args(kind) if get_origin(kind) is Literal else ()


def _kind_text(kind: Any) -> str:
    if choices(kind):
        return " or ".join(f'"{value}"' for value in choices(kind))
    words = {bool: "true or false", int: "a whole number", float: "a number"}
    return words.get(kind, 'a number, or "auto"')


def config_from_text(config: type[Config], values: Mapping[str, str]) -> Config:
    """Make a config from texts, as the command line gives them; what is not named is default.

    Args:
        config: The class.
        values: Texts by the name of the field; "auto" stands for None.

    Raises:
        UnknownNameError: No field has that name.
        InputError: A text that is no value, or a value outside its range.
    """
    kinds = get_type_hints(config)
    for name in values:
        if name not in kinds:
            raise UnknownNameError("setting of this attack", name, kinds)
    parsed = {name: _parse(name, text, kinds[name]) for name, text in values.items()}
    return config(**_as_now(config, parsed))


def _as_now(config: type[AttackConfig], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with those of older records as they are called now."""
    known = {item.name: setting_of(item).formerly for item in fields(config)}
    return {
        name: known[name].get(value, value) if isinstance(value, str) else value
        for name, value in values.items()
    }


_TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _parse(name: str, text: str, kind: Any) -> Any:
    lowered = text.strip().lower()
    if kind == float | None and lowered in ("auto", "none", ""):
        return None
    if choices(kind):
        return lowered
    readers: dict[Any, Callable[[str], Any]] = {bool: _TRUTH.__getitem__, int: int}
    try:
        return readers.get(kind, float)(lowered)
    except (ValueError, KeyError) as error:
        raise InputError(f"{name} is {text!r}; it must be {_kind_text(kind)}") from error


def config_from_dict(config: type[Config], values: Mapping[str, Any]) -> Config:
    """Make a config from stored values.

    Raises:
        UnknownNameError: No field has that name.
        InputError: A value of another type or outside its range.
    """
    known = [item.name for item in fields(config)]
    for name in values:
        if name not in known:
            raise UnknownNameError("setting of this attack", name, known)
    return config(**_as_now(config, values))


def described(config: type[AttackConfig]) -> dict[str, dict[str, Any]]:
    """Return what a person needs to know of each setting, as plain values."""
    kinds = get_type_hints(config)
    return {
        item.name: {
            "default": item.default,
            "type": _kind_text(kinds[item.name]),
            "range": setting_of(item).range_text(),
            "unit": setting_of(item).unit,
            "help": setting_of(item).help,
        }
        for item in fields(config)
    }

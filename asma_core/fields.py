"""Settings, said once: form, command line, checks and record come from their declaration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

from asma_core.errors import InputError, UnknownNameError

Config = TypeVar("Config", bound="Settings")

# How a page may show a setting instead of as a plain field.
SLIDER: Final = "slider"
BUTTONS: Final = "buttons"


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
        step: By which the page's widget goes up and down; None for 1, or 0.01 of a fraction.
        offered: Values that the page offers, by what it calls them; empty for all that are allowed.
        shown_as: `SLIDER`, `BUTTONS`, or "" for a plain field.
        option: What the command line calls it, where that is not the field's name.
        asked: Whether a person is asked for it; else the program knows.
    """

    label: str
    help: str
    minimum: float = -math.inf
    maximum: float = math.inf
    unit: str = ""
    open_minimum: bool = False
    advanced: bool = False
    formerly: Mapping[str, str] = field(default_factory=dict)
    step: float | None = None
    offered: Mapping[Any, str] = field(default_factory=dict)
    shown_as: Literal["", "slider", "buttons"] = ""
    option: str = ""
    asked: bool = True

    def range_text(self) -> str:
        """Return the allowed range in words."""
        low = f"{'above' if self.open_minimum else 'at least'} {self.minimum:g}"
        high = f"at most {self.maximum:g}"
        bounds = [low] if math.isfinite(self.minimum) else []
        return " and ".join(bounds + ([high] if math.isfinite(self.maximum) else []))


@dataclass(frozen=True)
class Declared:
    """A field of a class of settings, as form and command line need it.

    Attributes:
        name: Of the field.
        kind: `bool`, `int`, `float`, `float | None` ("auto"), `str` or a `Literal` of texts.
        default: Its value when nothing is said; `dataclasses.MISSING` when something must be.
        rule: What a person needs to know.
    """

    name: str
    kind: Any
    default: Any
    rule: Setting

    @property
    def option(self) -> str:
        """Its name on the command line."""
        return f"--{(self.rule.option or self.name).replace('_', '-')}"

    @property
    def options(self) -> Mapping[Any, str]:
        """What a page lets choose from, by what it calls it; empty for any value in the range."""
        return self.rule.offered or {value: value for value in choices(self.kind)}

    @property
    def type_text(self) -> str:
        """What it takes, in words."""
        return _kind_text(self.kind)

    def check(self, value: Any) -> None:
        """Refuse a value of another type or outside the range.

        Raises:
            InputError: It is one.
        """
        _check(self.name, value, self.kind, self.rule)

    def parse(self, text: str) -> Any:
        """Return the value that a text stands for; "auto" stands for None.

        Raises:
            InputError: The text is no value, or one outside the range.
        """
        value = _parse(self.name, text, self.kind)
        self.check(self.as_now(value))
        return self.as_now(value)

    def as_now(self, value: Any) -> Any:
        """Return a value of an older record as it is called now."""
        return self.rule.formerly.get(value, value) if isinstance(value, str) else value


def setting(default: Any, label: str, help: str, **more: Any) -> Any:
    """Declare a field together with its `Setting`; `MISSING` as default asks for a value."""
    return field(default=default, metadata={"setting": Setting(label, help, **more)})


def setting_of(item: Field[Any]) -> Setting:
    """Return the `Setting` that a field was declared with."""
    declared: Setting = item.metadata["setting"]
    return declared


def declared(settings: type[Settings]) -> dict[str, Declared]:
    """Return the fields of a class of settings by name, in their order."""
    if settings not in _DECLARED:
        kinds = get_type_hints(settings)
        _DECLARED[settings] = {
            item.name: Declared(item.name, kinds[item.name], item.default, setting_of(item))
            for item in fields(settings)
        }
    return dict(_DECLARED[settings])


# A class declares its fields once, and they are asked for at each record that is read.
_DECLARED: Final[dict[type, dict[str, Declared]]] = {}


def asked(settings: type[Settings]) -> list[Declared]:
    """Return the fields of a class of settings that a person is asked for, in their order."""
    return [item for item in declared(settings).values() if item.rule.asked]


@dataclass(frozen=True)
class Settings:
    """Base of every class of settings; values are checked when one is made.

    Raises:
        InputError: A value of another type or outside its range.
    """

    def __post_init__(self) -> None:
        for name, item in declared(type(self)).items():
            item.check(getattr(self, name))

    def as_dict(self) -> dict[str, Any]:
        """Return the values as plain types."""
        return asdict(self)


@dataclass(frozen=True)
class AttackConfig(Settings):
    """Base of every attack's config."""


def _check(name: str, value: Any, kind: Any, rule: Setting) -> None:
    if value is None and kind == float | None:
        return
    if choices(kind):
        if value not in choices(kind):
            raise InputError(f"{name} is {str(value)[:40]!r}; it must be {_kind_text(kind)}")
        return
    allowed: dict[Any, tuple[type, ...]] = {bool: (bool,), int: (int,), str: (str,)}
    if type(value) not in allowed.get(kind, (int, float)):
        raise InputError(f"{name} is {value!r}; it must be {_kind_text(kind)}")
    if kind not in (bool, str):
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
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    return words.get(kind, 'a number, or "auto"')


_TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _parse(name: str, text: str, kind: Any) -> Any:
    if kind is str:
        return text
    lowered = text.strip().lower()
    if kind == float | None and lowered in ("auto", "none", ""):
        return None
    if choices(kind):
        return {value.lower(): value for value in choices(kind)}.get(lowered, lowered)
    readers: dict[Any, Callable[[str], Any]] = {bool: _TRUTH.__getitem__, int: int}
    try:
        return readers.get(kind, float)(lowered)
    except (ValueError, KeyError) as error:
        raise InputError(f"{name} is {text!r}; it must be {_kind_text(kind)}") from error


def config_from_text(config: type[Config], values: Mapping[str, str]) -> Config:
    """Make settings from texts, as the command line gives them; what is not named is default.

    Args:
        config: The class.
        values: Texts by the name of the field; "auto" stands for None.

    Raises:
        UnknownNameError: No field has that name.
        InputError: A text that is no value, or a value outside its range.
    """
    known = _known(config, values)
    return config(**{name: known[name].parse(text) for name, text in values.items()})


def named_values_in(text: str, kind: str, example: str) -> tuple[str, dict[str, str]]:
    """Split a text such as "jpeg:quality=85" into a name and texts by the names of settings.

    Args:
        text: Name and settings, parted by colons.
        kind: What the name is of, in a word.
        example: How it is written, for the error.

    Raises:
        InputError: A part without "=".
    """
    name, _, rest = text.partition(":")
    values = {}
    for pair in filter(None, rest.split(":")):
        key, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"{text[:40]!r} is no {kind}; write it as {example}")
        values[key] = value
    return name, values


def config_from_dict(config: type[Config], values: Mapping[str, Any]) -> Config:
    """Make settings from stored values.

    Raises:
        UnknownNameError: No field has that name.
        InputError: A value of another type or outside its range.
    """
    known = _known(config, values)
    return config(**{name: known[name].as_now(value) for name, value in values.items()})


def _known(config: type[Settings], values: Mapping[str, Any]) -> dict[str, Declared]:
    """Return the fields of a class, once all names of the values are among them."""
    known = declared(config)
    for name in values:
        if name not in known:
            raise UnknownNameError("setting", name, known)
    return known


def described(config: type[Settings]) -> dict[str, dict[str, Any]]:
    """Return what a person needs to know of each setting, as plain values."""
    return {
        name: {
            "default": None if item.default is MISSING else item.default,
            "type": item.type_text,
            "range": item.rule.range_text(),
            "unit": item.rule.unit,
            "help": item.rule.help,
        }
        for name, item in declared(config).items()
        if item.rule.asked
    }

"""A view as a frozen dataclass, and as the parameters of an address; without Streamlit.

A view's fields are its parameters. Texts, numbers, switches, and tuples of texts or of whole
numbers are written and read by one function for all views; a value that is the field's default
stays out of the address, and what makes no sense in an address is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, replace
from types import NoneType
from typing import Any, ClassVar, Final, Self, get_args, get_type_hints

# An empty tuple that is not the default needs a word, for a parameter without a value is none.
_NONE: Final = "none"
# Of an absurd length it is no number anybody meant.
_MOST_DIGITS: Final = 9
# Of a share of a picture: a ten-thousandth is a pixel of the largest.
_DECIMALS: Final = 4
_MOST_LISTED_DIGITS: Final = 3


def parameter(
    default: Any,
    name: str = "",
    choices: Sequence[str] = (),
    low: float = 0,
    high: float | None = None,
    opens: bool = False,
    filled: bool = False,
) -> Any:
    """Return a field of a view that is more than its type.

    Args:
        default: Its value in an address that doesn't say it.
        name: In the address, where that is a word of Python's.
        choices: The texts that make sense; all of them unless said.
        low: The least number.
        high: The greatest number.
        opens: Whether another value is another object, and so a step of the browser's history.
        filled: Whether the page fills it in where the address has none, which is no step.
    """
    told = {"name": name, "choices": tuple(choices), "low": low, "high": high}
    return field(default=default, metadata=told | {"opens": opens, "filled": filled})


@dataclass(frozen=True)
class View:
    """What a page shows; a page has a class of its own."""

    PAGE: ClassVar[str]

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return what its parameters are called in an address."""
        return tuple(_name(item) for item in fields(cls))

    @classmethod
    def parameter_of(cls, field_name: str) -> str:
        """Return what a field is called in an address."""
        (item,) = (item for item in fields(cls) if item.name == field_name)
        return _name(item)

    @classmethod
    def objects(cls) -> dict[str, bool]:
        """Return the parameters that say which object is open, and whether the page fills them."""
        opening = [item for item in fields(cls) if item.metadata.get("opens")]
        return {_name(item): bool(item.metadata["filled"]) for item in opening}

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Read the parameters of an address."""
        known = {}
        for item, read in _readers(cls):
            text = query.get(_name(item), "")
            # Without a value a parameter says nothing, unless there is a word for nothing: a link
            # to a run of no name leads to none, not to where there is no run.
            said = bool(text) or (item.default is None and _name(item) in query)
            value = read(text, item) if said else None
            known[item.name] = item.default if value is None else value
        return cls(**known)

    def query(self, **changes: Any) -> dict[str, str]:
        """Return the parameters of the address, with some fields changed."""
        changed = replace(self, **changes)
        return {
            _name(item): _text(getattr(changed, item.name))
            for item in fields(changed)
            if getattr(changed, item.name) != item.default
        }


def _name(item: Field[Any]) -> str:
    return item.metadata.get("name") or item.name


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        separator = "-" if all(isinstance(item, int) for item in value) else ","
        return separator.join(str(item) for item in value) or _NONE
    if isinstance(value, float):
        return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return str(int(value)) if isinstance(value, bool) else str(value)


_Reader = Callable[[str, Field[Any]], Any]


def _readers(kind: type[View]) -> tuple[tuple[Field[Any], _Reader], ...]:
    hints = get_type_hints(kind)
    return tuple((item, _READERS[_plain(hints[item.name])]) for item in fields(kind))


def _plain(hint: Any) -> Any:
    """Return a field's type without "or None"."""
    parts = [part for part in get_args(hint) if part is not NoneType]
    return parts[0] if NoneType in get_args(hint) else hint


def _word(text: str, item: Field[Any]) -> str | None:
    choices = item.metadata.get("choices")
    return text if not choices or text in choices else None


def _number(text: str, item: Field[Any]) -> int | None:
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        return None
    return int(_held(int(text), item))


def _decimal(text: str, item: Field[Any]) -> float | None:
    """Read a number of digits with or without a point; "1e3", "inf" and signs are none."""
    if not all(part.isdecimal() for part in text.split(".", 1)) or len(text) > 2 * _MOST_DIGITS:
        return None
    return round(float(_held(float(text), item)), _DECIMALS)


def _held(value: float, item: Field[Any]) -> float:
    """Return the nearest number that the field allows."""
    low: float = item.metadata.get("low", 0)
    high: float | None = item.metadata.get("high")
    least = max(value, low)
    return least if high is None else min(least, high)


def _switch(text: str, _item: Field[Any]) -> bool | None:
    return {"1": True, "0": False}.get(text)


def _words(text: str, item: Field[Any]) -> tuple[str, ...]:
    choices = item.metadata.get("choices")
    said = [part for part in text.split(",") if part]
    if choices:
        return tuple(part for part in choices if part in said)
    return () if text == _NONE else tuple(said)


def _numbers(text: str, _item: Field[Any]) -> tuple[int, ...]:
    parts = [p for p in text.split("-") if p.isdecimal() and len(p) <= _MOST_LISTED_DIGITS]
    return tuple(sorted({int(part) for part in parts}))


_READERS: Final[Mapping[Any, _Reader]] = {
    str: _word,
    int: _number,
    float: _decimal,
    bool: _switch,
    tuple[str, ...]: _words,
    tuple[int, ...]: _numbers,
}

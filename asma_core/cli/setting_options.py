"""A command's options for a class of settings, made from the settings' declaration."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import MISSING
from typing import Any, TypeVar

from asma_core.errors import InputError
from asma_core.fields import Declared, Settings, declared

Kind = TypeVar("Kind", bound=Settings)


def add_settings(parser: argparse.ArgumentParser, settings: type[Settings]) -> None:
    """Add an option for every setting; what is not given is None.

    Args:
        parser: Of the command.
        settings: The class.
    """
    for item in declared(settings).values():
        common: dict[str, Any] = {"dest": item.name, "help": _help(item)}
        if item.kind is bool:
            parser.add_argument(item.option, action="store_const", const=True, **common)
            continue
        parser.add_argument(
            item.option, type=_reader(item), required=item.default is MISSING, **common
        )


def settings_of(options: argparse.Namespace, kind: type[Kind]) -> Kind:
    """Return the settings that were given, the others by their defaults."""
    values = {name: getattr(options, name) for name in declared(kind)}
    return kind(**{name: value for name, value in values.items() if value is not None})


def _reader(item: Declared) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return item.parse(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def _help(item: Declared) -> str:
    """Return label, help and default in one line."""
    words = ": ".join(text[:1].lower() + text[1:] for text in (item.rule.label, item.rule.help))
    default = "" if item.default in (MISSING, "") else f" ({item.default})"
    return f"{words.rstrip('.')}{default}".replace("%", "%%")

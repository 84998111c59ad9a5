"""Reading the NAME=VALUE texts of the command line."""

from __future__ import annotations

from collections.abc import Sequence

from asma_core.errors import InputError


def named_values(pairs: Sequence[str]) -> dict[str, str]:
    """Split NAME=VALUE texts.

    Raises:
        InputError: A text without "=".
    """
    values = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--set takes NAME=VALUE, got {pair!r}")
        values[name.strip()] = value
    return values

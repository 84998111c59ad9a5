"""Packages that are needed for some networks only."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from asma_core.errors import ModelError


def optional(module: str, package: str, options: str = "") -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: To import.
        package: What pip calls it.
        options: Of `pip install`, with a space behind.

    Raises:
        ModelError: It is not installed, or can't be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ModelError(
            f"this network needs the package {package}, which can't be imported here "
            f"({first_line(error)}); the owner of the server installs it with: "
            f"pip install {options}{package}"
        ) from error


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, or its kind; at most 200 characters."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(":. ")

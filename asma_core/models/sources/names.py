"""Names of networks: which may be had, which are free."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from asma_core.errors import InputError
from asma_core.models.sources.cards import model_cards
from asma_core.naming import free_among, plain_name

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def network_name(dataset_name: str, architecture: str = "UNet") -> str:
    """Return the name of the network for a data set: letters, digits and dashes, then "-unet"."""
    return f"{plain_name(Path(dataset_name).name)}-{architecture.lower()}"


def check_model_name(name: str) -> str:
    """Return a name that a new network may have.

    Raises:
        InputError: Not a name for a file, or taken.
    """
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} can't be the name of a network; use up to 64 letters without accents, "
            "digits, dots, dashes and underscores, and no spaces"
        )
    if name in model_cards():
        raise InputError(f"a network is called {name!r} already; choose another name")
    return name


def free_model_name(wanted: str) -> str:
    """Return a name that no network has yet, near the one that is wanted."""
    return free_among(wanted, model_cards())

"""All defences by name, in the order in which they are offered: one line a defence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from asma_core.defences import (
    bit_depth,
    denoiser,
    dropout,
    flips,
    gaussian,
    jpeg,
    median,
    noise,
    non_local_means,
    random_resizing,
    total_variation,
)
from asma_core.defences.contract import Defence, DefenceEntry
from asma_core.errors import UnknownNameError
from asma_core.fields import Settings, config_from_dict

_ENTRIES: Final[tuple[DefenceEntry[Any], ...]] = (
    jpeg.ENTRY,
    bit_depth.ENTRY,
    median.ENTRY,
    gaussian.ENTRY,
    total_variation.ENTRY,
    non_local_means.ENTRY,
    denoiser.ENTRY,
    flips.ENTRY,
    noise.ENTRY,
    random_resizing.ENTRY,
    dropout.ENTRY,
)
DEFENCES: Final = {entry.name: entry for entry in _ENTRIES}


def find_defence(name: str) -> DefenceEntry[Any]:
    """Return the defence of that name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in DEFENCES:
        raise UnknownNameError("defence", name, DEFENCES)
    return DEFENCES[name]


def settings_of(defence: Defence) -> Settings:
    """Return the settings of a defence as a card names it.

    Raises:
        UnknownNameError: No such defence, or no such setting.
        InputError: A value of another type or outside its range.
    """
    settings: Settings = config_from_dict(find_defence(defence.name).settings, defence.values)
    return settings


def in_words(defences: Sequence[Defence]) -> str:
    """Return defences with their settings, such as "JPEG (quality 75), Bit depth (bits 4)"."""
    return ", ".join(_words(defence) for defence in defences)


def _words(defence: Defence) -> str:
    entry, settings = find_defence(defence.name), settings_of(defence)
    values = [f"{name.replace('_', ' ')} {value}" for name, value in settings.as_dict().items()]
    return f"{entry.title} ({', '.join(values)})" if values else entry.title

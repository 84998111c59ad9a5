"""All detectors by name, in the order in which they are offered: one line a detector."""

from __future__ import annotations

from typing import Any, Final

from asma_core.defences.detectors import augmentation, crops, residual, softmax, squeezing
from asma_core.defences.detectors.contract import Detector, DetectorEntry
from asma_core.errors import UnknownNameError
from asma_core.fields import config_from_text, named_values_in

_ENTRIES: Final[tuple[DetectorEntry[Any], ...]] = (
    softmax.ENTROPY,
    softmax.MARGIN,
    augmentation.ENTRY,
    crops.ENTRY,
    squeezing.ENTRY,
    residual.ENTRY,
)
DETECTORS: Final = {entry.name: entry for entry in _ENTRIES}


def find_detector(text: str) -> Detector:
    """Return the detector that a text means, such as "squeezing" or "squeezing:bits=3".

    Raises:
        UnknownNameError: No such detector, or no such setting.
        InputError: A text that is no value, or a value outside its range.
    """
    name, values = named_values_in(text, "detector", "squeezing or squeezing:bits=3")
    if name not in DETECTORS:
        raise UnknownNameError("detector", name, DETECTORS)
    entry = DETECTORS[name]
    return Detector(entry, config_from_text(entry.settings, values))

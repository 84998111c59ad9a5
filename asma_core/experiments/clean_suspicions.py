"""What detectors said of unattacked images, kept: what an attacked one can be held against."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from asma_core.files import read_json, write_json

# By the text of the detector, then by the image's hash.
Scores = Mapping[str, Mapping[str, float]]
_FOLDER: Final = Path("cache") / "clean_suspicions"


def keep_clean(home: Path, network_hash: str, dataset: str, scores: Scores) -> None:
    """Add scores to those that are known of a network and a data set.

    Args:
        home: The data folder.
        network_hash: As `cards.network_hash` gives it.
        dataset: Name of the data set.
        scores: Suspicion of the whole image, in the detector's unit.

    Raises:
        StoreError: The data folder can't be written.
    """
    known = known_clean(home, network_hash, dataset)
    merged = {text: {**known.get(text, {}), **scores.get(text, {})} for text in {**known, **scores}}
    write_json(_file(home, network_hash, dataset), merged)


def known_clean(home: Path, network_hash: str, dataset: str) -> Scores:
    """Return the scores that are known; nothing of a data set that was never looked at."""
    file = _file(home, network_hash, dataset)
    found: Scores = read_json(file) if file.exists() else {}
    return found


def _file(home: Path, network_hash: str, dataset: str) -> Path:
    name = hashlib.sha256(f"{network_hash} {dataset}".encode()).hexdigest()[:16]
    return home / _FOLDER / f"{name}.json"

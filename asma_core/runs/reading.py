"""Reading a finished run back: its snapshots and its trajectory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asma_core.errors import StoreError
from asma_core.files import as_store_error, read_json
from asma_core.runs import artefacts
from asma_core.runs.live import CURVES


@dataclass(frozen=True)
class StoredSnapshot:
    """Files of one snapshot.

    Attributes:
        step: Updates made.
        image: PNG of the image.
        prediction: Indexed PNG of the network's labels on it.
    """

    step: int
    image: Path
    prediction: Path


def stored_snapshots(folder: Path) -> list[StoredSnapshot]:
    """Return the snapshots of a run's folder in the order of their steps."""
    files = sorted((folder / artefacts.SNAPSHOTS).glob("*_prediction.png"))
    return [
        StoredSnapshot(int(step), path.with_name(f"{step}.png"), path)
        for path in files
        for step in [path.name.partition("_")[0]]
        if step.isdecimal()
    ]


def read_file(folder: Path, name: str) -> bytes | None:
    """Return a file of a run's folder, None where the run has no such file.

    Raises:
        StoreError: It is there and can't be read.
    """
    path = folder / name
    if not path.exists():
        return None
    with as_store_error(path):
        return path.read_bytes()


def read_trajectory(folder: Path) -> dict[str, Any]:
    """Return the figures of all steps as lists by name.

    Raises:
        StoreError: The file is gone or damaged.
    """
    file = folder / artefacts.TRAJECTORY
    trajectory = read_json(file)
    if not isinstance(trajectory, dict) or not {"best_step", "chosen", *CURVES} <= set(trajectory):
        raise StoreError(f"{file} is damaged; restore it from a copy or delete the run")
    return trajectory

"""What detectors say of runs, worked out once and kept: figures, and maps for the viewer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from asma_core.data.formats.images import encode_png
from asma_core.defences.detectors.registry import DETECTORS
from asma_core.experiments.clean_suspicions import known_clean
from asma_core.files import read_json, write_bytes, write_json
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore

# What reaches the end of the scale; a few pixels may lie beyond.
PERCENTILE: Final = 99.5
LEVELS: Final = 255
# Of the scale where nothing is suspicious at all.
SMALLEST: Final = 1e-6


@dataclass(frozen=True)
class KeptSuspicion:
    """What a detector says of a run's original and of its file.

    Attributes:
        figures: As `runs.suspicion.Suspected.figures` has them, and `end`, what a pixel of 255 of
            either map stands for.
        original: A file, grey PNG: where the original looks suspicious; None where it can't be
            judged.
        adversarial: The same of the run's file, on the same scale.
    """

    figures: dict[str, Any]
    original: Path | None
    adversarial: Path | None


def suspicion_file(home: Path, run: Run) -> Path:
    """Return the file of figures that is there once the detectors have looked at a run."""
    known = "".join(f"{one.name}{one.summary}" for one in DETECTORS.values())
    digest = hashlib.sha256(f"{run.spec.network_hash}{run.created}{known}".encode()).hexdigest()
    return home / "cache" / "suspicion" / f"{run.id}-{digest[:16]}" / "figures.json"


def read_suspicions(file: Path) -> list[KeptSuspicion]:
    """Read what was kept, in the order of the registry.

    Raises:
        StoreError: It is not there or damaged.
    """
    return [
        KeptSuspicion(one, *((None, None) if one["why"] else _files(file.parent, one["name"])))
        for one in read_json(file)
    ]


def clean_scores(home: Path, run: Run) -> dict[str, list[float]]:
    """Return what detectors, by their names, said of other clean images of a run's data set."""
    known = known_clean(home, run.spec.network_hash, run.spec.dataset)
    own = run.spec.image_hash
    return {
        name: [score for image, score in known[name].items() if image != own]
        for name in DETECTORS
        if name in known
    }


def keep_suspicions(home: str, run_id: str, device: str) -> None:
    """Ask the detectors about a run and keep what they say; in the process that predicts.

    Raises:
        AsmaError: As for `runs.suspicion.suspicions`.
    """
    from asma_core.runs.suspicion import suspicions

    store = RunStore(Path(home))
    run = store.get(run_id)
    file = suspicion_file(Path(home), run)
    figures = []
    for one in suspicions(store, run, device):
        told = one.figures()
        if one.original is not None and one.adversarial is not None:
            both = np.stack([one.original, one.adversarial])
            end = max(float(np.percentile(both, PERCENTILE)), SMALLEST)
            told["end"] = end
            shown = np.rint(np.clip(both / end, 0.0, 1.0) * LEVELS).astype(np.uint8)
            for path, pixels in zip(_files(file.parent, told["name"]), shown, strict=True):
                write_bytes(path, encode_png(pixels))
        figures.append(told)
    write_json(file, figures)


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}_original.png", folder / f"{name}_adversarial.png"

"""What survives of runs, worked out once and kept: figures, and small pictures for a page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.formats.images import encode_png, to_rgb
from asma_core.data.masks.label_maps import encode_mask, mask_values
from asma_core.files import read_json, write_bytes, write_json
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from asma_core.treatments.registry import TREATMENTS

# Of a kept picture's longer side; a mask is kept at twice that, so that its outline is smooth.
SIDE: Final = 320


@dataclass(frozen=True)
class KeptSurvival:
    """What a treatment leaves of a run's file.

    Attributes:
        figures: As `runs.survival.Survived.figures` has them.
        picture: A file, PNG: the treated picture, made smaller.
        prediction: A file, indexed PNG: what the network says of it, where it lies there.
    """

    figures: dict[str, Any]
    picture: Path
    prediction: Path

    def labels(self) -> NDArray[np.int64]:
        """Read the prediction, int64 (H, W), at a size of its own."""
        return mask_values(self.prediction).astype(np.int64)


def survival_file(home: Path, run: Run) -> Path:
    """Return the file of figures that is there once a run's survival has been worked out."""
    known = "".join(f"{one.name}{one.summary}" for one in TREATMENTS.values())
    digest = hashlib.sha256(f"{run.spec.network_hash}{run.created}{known}".encode()).hexdigest()
    return home / "cache" / "survival" / f"{run.id}-{digest[:16]}" / "figures.json"


def read_survival(file: Path) -> list[KeptSurvival]:
    """Read what was kept, the untouched file first.

    Raises:
        StoreError: It is not there or damaged.
    """
    return [KeptSurvival(one, *_files(file.parent, one["name"])) for one in read_json(file)]


def keep_survival(home: str, run_id: str, device: str) -> None:
    """Work out what survives of a run and keep it; in the process that predicts.

    Raises:
        AsmaError: As for `runs.survival.survival`.
    """
    from asma_core.runs.survival import survival

    store = RunStore(Path(home))
    run = store.get(run_id)
    file = survival_file(Path(home), run)
    figures = []
    for one in survival(store, run, device):
        picture, prediction = _files(file.parent, one.treatment.name)
        write_bytes(picture, encode_png(_smaller(to_rgb(one.adversarial.image), SIDE)))
        labels = one.adversarial.prediction.astype(np.uint8)
        write_bytes(prediction, encode_mask(_smaller(labels, 2 * SIDE)))
        figures.append(one.figures())
    write_json(file, figures)


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.png", folder / f"{name}_prediction.png"


def _smaller(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return a picture or a mask, uint8 (H, W, 3) or (H, W), of at most that side."""
    picture = Image.fromarray(pixels)
    factor = side / max(picture.size)
    if factor >= 1:
        return pixels
    method = Image.Resampling.NEAREST if pixels.ndim == 2 else Image.Resampling.LANCZOS
    width, height = (max(1, round(length * factor)) for length in picture.size)
    return np.asarray(picture.resize((width, height), method))

"""A run of ASMA on the network called "own", and its file as it is read back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.runs import artefacts
from asma_core.runs.execute import execute
from asma_core.runs.run import DONE, Run
from asma_core.runs.spec import RunInputs, RunRequest
from asma_core.runs.store import RunStore
from asma_core.runs.target_source import TargetSource


def attacked(
    runs: RunStore, image: NDArray[np.float32], target: NDArray[np.int64], steps: int
) -> tuple[Run, NDArray[np.uint8]]:
    request = RunRequest(
        model="own", attack="asma", config={"steps": steps, "target_iou": 0.9}, image_name="i",
        target=TargetSource("file", "t"),
    )  # fmt: skip
    inputs = RunInputs(image, target, np.ones(target.shape, dtype=np.bool_), None)
    run = execute(runs, runs.create(request, inputs).id)
    assert run.state == DONE, run.message
    file = runs.folder(run.id) / artefacts.ADVERSARIAL
    return run, np.asarray(Image.open(file).convert("RGB"))

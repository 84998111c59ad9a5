"""What survives of a stored run, as a table."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from asma_core.api.tables import store_of
from asma_core.runs.survival import survival

if TYPE_CHECKING:
    import pandas as pd


def survives(
    run_id: str, device: str = "auto", home: str | os.PathLike[str] | None = None
) -> pd.DataFrame:
    """Return what is left of a run when its file is mailed as JPEG, resized, turned, made noisy.

    Args:
        run_id: Of a run with a result; `runs()` lists them.
        device: "auto" (the GPU with the most free memory, else the CPU), "cpu", "cuda" or "cuda:N".
        home: The data folder; `ASMA_HOME` unless given.

    Returns:
        A row for each treatment, the untouched file first: name, title, summary, source, score
        (what the run is judged by), truth_iou, reached (whether the goal stands), and of the
        original under the same treatment original_score and original_truth_iou. Undefined ones are
        NaN.

    Raises:
        InputError: There is no such folder.
        StoreError: No such run, or it has no result.
        UnknownNameError: Its network is not there any more.
        ModelError: The network has changed since.
        DeviceError: No such device, or no memory for the image.
    """
    import pandas as pd

    store = store_of(home)
    rows = [one.figures() for one in survival(store, store.get(run_id), device)]
    scores = ["score", "truth_iou", "original_score", "original_truth_iou"]
    return pd.DataFrame(rows).astype(dict.fromkeys(scores, float))

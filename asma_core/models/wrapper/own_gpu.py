"""Which GPUs this machine has, and which of them is this process's own; without torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

# The number of the GPU that a worker process was given, as torch counts them.
OWN_GPU: Final = "ASMA_GPU"
_DEVICES: Final = Path("/dev")


def gpu_count() -> int:
    """Return how many NVIDIA GPUs torch would see, as far as can be told without it; 0 for none."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return len(list(_DEVICES.glob("nvidia[0-9]*")))
    names = [name.strip() for name in chosen.split(",")]
    # CUDA ignores what stands behind an invalid one, such as -1.
    valid = [name not in ("", "-1") for name in names]
    return valid.index(False) if False in valid else len(valid)


def own_gpu(count: int) -> int | None:
    """Return the number of this process's own GPU; None when it has none of its own.

    Args:
        count: Of the GPUs that torch sees.
    """
    text = os.environ.get(OWN_GPU, "")
    return int(text) if text.isdecimal() and int(text) < count else None

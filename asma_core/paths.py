"""Where things lie on disk."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED_MODELS = Path(__file__).resolve().parent / "models" / "shipped"


def home() -> Path:
    """Return the data folder: `ASMA_HOME`, or `.asma` in the project. It may not exist yet."""
    return Path(os.environ.get("ASMA_HOME") or PROJECT / ".asma").expanduser().resolve()

"""The file from which a training goes on."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from asma_core.files import write_bytes


def write_checkpoint(file: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint aside and rename it.

    Raises:
        StoreError: It can't be written.
    """
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    write_bytes(file, buffer.getvalue())


def read_checkpoint(file: Path, identity: str, device: torch.device) -> dict[str, Any] | None:
    """Return what a checkpoint of a training holds; None if it is absent, damaged, or another's."""
    if not file.exists():
        return None
    try:
        content: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
        return content if content["identity"] == identity else None
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, KeyError, ValueError):
        return None

"""Drawings that are not run yet, kept on disk so that a reload of the page brings them back."""

from __future__ import annotations

import base64
import re
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core import paths
from asma_core.data.masks.label_maps import encode_mask, mask_values
from asma_core.errors import InputError, StoreError
from asma_core.files import read_json, write_json
from asma_core.runs.target_source import DESCRIBED, TargetSource
from ui.editor.drawings import Drawing, Head
from ui.editor.fabric_shapes import shapes_of_fabric
from ui.editor.shapes import to_items

KEPT_FOR: Final = 30 * 24 * 3600.0
_KEY: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Draft:
    """A drawing over a mask, with the choices that made the mask.

    Attributes:
        image: Identity of the image that it was drawn on.
        base: int64 (H, W), the mask that it was drawn over.
        origin: Where that mask comes from.
        drawing: What was drawn.
        counted: bool (H, W), False where that mask is void; None for all.
        head: The choices, as the editor has them; None in drafts of before 2026-11-28.
    """

    image: str
    base: NDArray[np.int64]
    origin: TargetSource
    drawing: Drawing
    counted: NDArray[np.bool_] | None = None
    head: Head | None = None


def keep_draft(draft: Draft, key: str | None) -> str:
    """Write a draft; return the key by which `open_draft` finds it.

    Args:
        draft: The drawing.
        key: Of an earlier version, which it takes the place of; None for a new one.

    Raises:
        StoreError: It can't be written.
    """
    if key is None:
        _tidy()
        key = secrets.token_hex(8)
    write_json(
        _file(key),
        {
            "image": draft.image,
            "base": _text(draft.base),
            "counted": None if draft.counted is None else _text(draft.counted.astype(np.int64)),
            "origin": asdict(draft.origin),
            "drawing": draft.drawing.for_browser(),
            "head": draft.head,
        },
    )
    return key


def open_draft(key: str) -> Draft | None:
    """Return a draft that was kept; None where there is none, or the key is no key."""
    if not _KEY.fullmatch(key) or not _file(key).exists():
        return None
    try:
        kept = read_json(_file(key))
        base, counted = _mask(kept["base"]), kept.get("counted")
        # Drafts of before 2026-11-28 hold the sentence alone.
        origin = kept.get("origin") or {"kind": DESCRIBED, "name": kept["name"]}
        return Draft(
            kept["image"],
            base,
            TargetSource(**origin),
            _drawing(kept, base.shape),
            None if counted is None else _mask(counted) > 0,
            kept.get("head"),
        )
    except (StoreError, InputError, KeyError, TypeError, ValueError):
        return None


def _drawing(kept: dict[str, Any], shape: tuple[int, ...]) -> Drawing:
    if "objects" in kept:
        return Drawing(tuple(to_items(shapes_of_fabric(kept["objects"], shape))))
    return Drawing.from_browser(kept["drawing"])


def _text(mask: NDArray[np.int64]) -> str:
    return base64.b64encode(encode_mask(mask)).decode()


def _mask(text: str) -> NDArray[np.int64]:
    return mask_values(base64.b64decode(text)).astype(np.int64)


def _file(key: str) -> Path:
    return paths.home() / "drafts" / f"{key}.json"


def _tidy() -> None:
    """Delete what nobody came back to."""
    for file in (paths.home() / "drafts").glob("*.json"):
        if time.time() - file.stat().st_mtime > KEPT_FOR:
            file.unlink(missing_ok=True)

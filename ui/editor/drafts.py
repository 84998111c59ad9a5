"""Drawings that are not run yet, kept on disk so that a reload of the page brings them back.

One key names the drawings of all images that somebody has drawn on; it stands in the address.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import shutil
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core import paths
from asma_core.data.masks.label_maps import encode_mask, mask_values
from asma_core.errors import InputError, StoreError
from asma_core.files import as_store_error, read_json, write_json
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


def new_key(seen: str = "") -> str:
    """Return the key of a new set of drafts, one an image.

    Args:
        seen: Key of a set that the new one goes on from: it belongs to somebody else, or to the
            time before a reload.

    Raises:
        StoreError: It can't be written.
    """
    _tidy()
    key = secrets.token_hex(8)
    with as_store_error(_folder()):
        if _KEY.fullmatch(seen) and (_folder() / seen).is_dir():
            shutil.copytree(_folder() / seen, _folder() / key)
        else:
            (_folder() / key).mkdir(parents=True)
    return key


def is_known(key: str) -> bool:
    """Return whether there is a set of drafts of that key."""
    known = _KEY.fullmatch(key) is not None
    return known and ((_folder() / key).is_dir() or _old_file(key).exists())


def keep_draft(draft: Draft, key: str) -> None:
    """Write a draft in the place of an earlier one of its image.

    Args:
        draft: The drawing.
        key: Of the set, from `new_key`.

    Raises:
        StoreError: It can't be written.
    """
    write_json(
        _file(key, draft.image),
        {
            "image": draft.image,
            "base": _text(draft.base),
            "counted": None if draft.counted is None else _text(draft.counted.astype(np.int64)),
            "origin": asdict(draft.origin),
            "drawing": draft.drawing.for_browser(),
            "head": draft.head,
        },
    )


def open_draft(key: str, images: Collection[str]) -> Draft | None:
    """Return the draft of an image; None where there is none, or the key is no key.

    Args:
        key: Of the set.
        images: The image's identity and name; older drafts are kept under the name.
    """
    if not _KEY.fullmatch(key):
        return None
    files = [*(_file(key, image) for image in images), _old_file(key)]
    drafts = (_read(file) for file in files if file.exists())
    return next((draft for draft in drafts if draft and draft.image in images), None)


def _read(file: Path) -> Draft | None:
    try:
        kept = read_json(file)
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


def _folder() -> Path:
    return paths.home() / "drafts"


def _file(key: str, image: str) -> Path:
    return _folder() / key / f"{hashlib.sha256(image.encode()).hexdigest()[:32]}.json"


def _old_file(key: str) -> Path:
    """Return where the only draft of a key was before 2026-11-28."""
    return _folder() / f"{key}.json"


def _tidy() -> None:
    """Delete what nobody came back to."""
    oldest = time.time() - KEPT_FOR
    for file in _folder().glob("*.json"):
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)
    for folder in _folder().glob("*/"):
        if all(file.stat().st_mtime < oldest for file in (folder, *folder.iterdir())):
            shutil.rmtree(folder, ignore_errors=True)

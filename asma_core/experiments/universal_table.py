"""What a universal change comes to: a sentence, the curve as tables, the change as a file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import numpy as np

from asma_core.data.formats.images import ByteImage, FloatImage, encode_png, to_bytes
from asma_core.experiments.export import csv_text, latex_table, markdown_table
from asma_core.experiments.universal import NOISE, Universal, UniversalPlan
from asma_core.files import write_bytes
from asma_core.runs.difference import difference_picture

HEAD: Final = ("Learned on", "Unseen images", "Fooled", "Score, unseen", "Score, learned")
GREY: Final = 128 / 255


def answer(plan: UniversalPlan, found: Universal) -> dict[str, Any]:
    """Return what came of a plan as plain values."""
    return {
        "model": plan.card.name,
        "dataset": plan.dataset.name,
        "goal": plan.goal,
        "wanted": plan.wanted,
        "norm": plan.config.norm,
        "budget": found.budget,
        "score_without": found.before,
        "sentences": [sentence(plan, found)],
        "rows": [dict(row) for row in found.rows],
    }


def sentence(plan: UniversalPlan, found: Universal) -> str:
    """Return what came of it, in plain words."""
    noise, *rows = found.rows
    best = max(rows, key=lambda row: (row["successes"], row["score"]))
    few = next(row for row in rows if row["successes"] >= best["successes"] / 2)
    told = (
        f"One change, learned on {_images(rows[-1]['images'])}, fools {plan.card.name} on "
        f"{rows[-1]['successes']} of {rows[-1]['n']} images that it has never seen (noise of the "
        f"same budget on {noise['successes']})."
    )
    if not best["successes"]:
        return told
    return told + f" Half of the most that any reaches takes {_images(few['images'])}."


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def written(out: Path, plan: UniversalPlan, found: Universal) -> dict[str, str]:
    """Write the change and the tables into a folder; return their paths by their names.

    The picture shows the change amplified, on grey.

    Raises:
        StoreError: They can't be written.
    """
    lines = [_line(row) for row in found.rows]
    files: dict[str, str | bytes] = {
        "universal.npy": _npy(found.change),
        "universal.png": encode_png(_picture(found.change)),
        "universal.csv": csv_text([list(found.rows[0]), *[list(r.values()) for r in found.rows]]),
        "universal.md": markdown_table(HEAD, lines),
        "universal.tex": latex_table(HEAD, lines),
    }
    for name, data in files.items():
        write_bytes(out / name, data if isinstance(data, bytes) else data.encode())
    return {name: str(out / name) for name in files}


def _line(row: dict[str, Any]) -> list[str]:
    known = row["score_learned"]
    return [
        NOISE if row["images"] == NOISE else _images(row["images"]),
        str(row["n"]),
        str(row["successes"]),
        f"{row['score']:.3f}",
        "n/a" if known is None else f"{known:.3f}",
    ]


def _npy(change: FloatImage) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, change.astype(np.float32))
    return buffer.getvalue()


def _picture(change: FloatImage) -> ByteImage:
    """Return the change on a grey image, amplified."""
    still = np.full_like(change, GREY)
    return difference_picture(to_bytes(still), to_bytes(np.clip(still + change, 0.0, 1.0)))

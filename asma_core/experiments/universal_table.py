"""What a universal change comes to: sentences, the curve as tables, the change as a file."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from asma_core.attacks.settings import LINF
from asma_core.data.formats.images import ByteImage, FloatImage, encode_png, to_bytes
from asma_core.errors import RunStateError
from asma_core.experiments.export import csv_text, latex_table, markdown_table
from asma_core.experiments.universal_parts import NOISE, WITHOUT, Parts
from asma_core.experiments.universal_plan import AWAY, HIDE, UniversalPlan
from asma_core.files import write_bytes
from asma_core.metrics.score import reached
from asma_core.runs.difference import difference_picture

HEAD: Final = ("Learned on", "Unseen images", "Fooled", "Score, unseen", "Score, learned")
GREY: Final = 128 / 255
# Shares that have a word of their own.
_SHARES: Final = {0.5: "half", 0.75: "three quarters", 0.9: "nine tenths", 1.0: "all"}


def answer(plan: UniversalPlan, parts: Parts) -> dict[str, Any]:
    """Return what came of a plan so far as plain values.

    Raises:
        RunStateError: Nothing was learned yet.
        StoreError: A file of it can't be read.
    """
    made = parts.made(plan)
    if not made:
        raise RunStateError("nothing was learned yet; go on with it")
    without = parts.row(WITHOUT)
    rows = _rows(parts, made)
    return {
        "model": plan.model,
        "dataset": plan.dataset,
        "goal": plan.goal,
        "wanted": plan.wanted,
        "norm": plan.config.norm,
        "budget": without["budget"],
        "score_without": without["score"],
        "sentences": sentences(plan, rows),
        "rows": rows,
        "shown": _shown(plan, without, rows[-1]),
        "problems": [],
    }


def _rows(parts: Parts, made: Sequence[int]) -> list[dict[str, Any]]:
    return [parts.row(NOISE), *(parts.row(count) for count in made)]


def _shown(
    plan: UniversalPlan, without: Mapping[str, Any], last: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return names and scores of the unseen images, without the change and with it."""
    return [
        {"name": name, "before": before, "after": after, "fooled": _is_fooled(plan, before, after)}
        for name, before, after in zip(
            plan.judged_on, without["scores"], last["scores"], strict=True
        )
    ]


def _is_fooled(plan: UniversalPlan, before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return False
    return reached(after, plan.wanted) and not reached(before, plan.wanted)


def sentences(plan: UniversalPlan, rows: list[dict[str, Any]]) -> list[str]:
    """Return what came of it, in plain words."""
    noise, *learned = rows
    last = learned[-1]
    if not last["n"]:
        return [
            f"Each of the {len(plan.judged_on)} unseen images is at the goal before anything is "
            "changed, so that there is nothing to fool: choose other images or another goal."
        ]
    won, by_noise = (row["successes"] or "none" for row in (last, noise))
    told = [
        f"One change of {size_text(plan, last['budget'])} that was learned on "
        f"{images_text(last['images'])} {_does(plan)} on {won} of {last['n']} images that it has "
        f"never seen; noise of the same size on {by_noise}."
    ]
    most = max(row["successes"] for row in learned)
    if most:
        few = next(row for row in learned if row["successes"] >= most / 2)
        told.append(
            f"Half of the most that were fooled takes {images_text(few['images'])} to learn on."
        )
    return told


def size_text(plan: UniversalPlan, budget: float) -> str:
    """Return how large the change may be, in words."""
    if plan.config.norm == LINF:
        levels = 255 * budget
        whole = abs(levels - round(levels)) < 0.05 and round(levels) > 0
        return f"at most {round(levels)}/255" if whole else f"at most {budget:.3g}"
    return f"an L2 of at most {budget:.3g}"


def _does(plan: UniversalPlan) -> str:
    share = _SHARES.get(plan.wanted, f"{plan.wanted:.0%}")
    if plan.goal == HIDE:
        return f"hides {share} of the outline"
    if plan.goal == AWAY:
        return f"takes {share} of the overlap with what the network said"
    return f"makes the network draw the mask of {plan.target} (IoU {plan.wanted:g})"


def images_text(count: int) -> str:
    """Return so many images in words."""
    return "1 image" if count == 1 else f"{count} images"


def files(plan: UniversalPlan, parts: Parts) -> dict[str, bytes]:
    """Return the change that was learned on most images, and the tables, by their names.

    The picture shows the change amplified, on grey.

    Raises:
        StoreError: A file of a part can't be read.
    """
    made = parts.made(plan)
    change = parts.change(made[-1])
    rows = _rows(parts, made)
    lines = [_line(row) for row in rows]
    names = ("images", "n", "successes", "success_rate", "score", "score_learned")
    return {
        "universal.npy": _npy(change),
        "universal.png": encode_png(difference_picture(*on_grey(change))),
        "universal.csv": csv_text([names, *[[row[one] for one in names] for row in rows]]).encode(),
        "universal.md": markdown_table(HEAD, lines).encode(),
        "universal.tex": latex_table(HEAD, lines).encode(),
    }


def written(out: Path, plan: UniversalPlan, parts: Parts) -> dict[str, str]:
    """Write `files` into a folder; return their paths by their names.

    Raises:
        StoreError: They can't be written.
    """
    for name, data in (made := files(plan, parts)).items():
        write_bytes(out / name, data)
    return {name: str(out / name) for name in made}


def on_grey(change: FloatImage) -> tuple[ByteImage, ByteImage]:
    """Return a grey image, and it with a change, (C, H, W), as 8-bit pictures."""
    still = np.full_like(change, GREY)
    return to_bytes(still), to_bytes(np.clip(still + change, 0.0, 1.0))


def _line(row: Mapping[str, Any]) -> list[str]:
    return [
        NOISE if row["images"] == NOISE else images_text(row["images"]),
        str(row["n"]),
        str(row["successes"]),
        *("n/a" if row[one] is None else f"{row[one]:.3f}" for one in ("score", "score_learned")),
    ]


def _npy(change: FloatImage) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, change.astype(np.float32))
    return buffer.getvalue()

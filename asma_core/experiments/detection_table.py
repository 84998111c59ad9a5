"""What detectors are worth: AUROC and TPR with intervals, as rows, sentences and tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from asma_core.defences.detectors.registry import find_detector
from asma_core.experiments.cells import Cell
from asma_core.experiments.detection import Look, Sighting
from asma_core.experiments.detection_plan import ADAPTIVE, KINDS, DetectionPlan
from asma_core.experiments.export import csv_text, latex_table, markdown_table
from asma_core.files import write_bytes
from asma_core.metrics.detection import COVERAGE, auroc, bootstrapped, tpr_at_fpr

HEAD: Final = (
    "Detector", "Files", "Images", "AUROC", "95 %", "TPR at 5 % FPR", "95 %", "L2",
)  # fmt: skip
# By the side of chance that an AUROC with its interval is on.
_PLAIN: Final = {
    1: "tells attacked from clean files",
    0: "does not surely tell attacked from clean files",
    -1: "finds attacked files calmer than clean ones",
}
_LEFT: Final = {
    1: "so that it still helps",
    0: "which may be chance",
    -1: "so that being too calm tells the file",
}
MORE: Final = " So few files can't be sure, however narrow the intervals: take more pairs."
FEW: Final = "AUROC is undefined for one image; ask for two or more"


def answer(
    plan: DetectionPlan, table: Sequence[dict[str, Any]], cells: Sequence[Cell]
) -> dict[str, Any]:
    """Return what the rows come to as plain values, with what could not be attacked."""
    return {
        "model": plan.model,
        "dataset": plan.dataset,
        "attack": plan.attack.label,
        "sentences": sentences(table),
        "rows": list(table),
        "problems": problems(cells),
    }


def rows(sightings: Sequence[Sighting]) -> list[dict[str, Any]]:
    """Return a row for each detector and kind of files, in their order; clean files are its other.

    What is undefined is None: all with one image, and all of a kind of which there are no files.
    """
    found = []
    for text in dict.fromkeys(one.detector for one in sightings):
        own = [one for one in sightings if one.detector == text]
        found += [_row(text, kind, own) for kind in KINDS if kind != ADAPTIVE or _asked(own)]
    return found


def _asked(own: Sequence[Sighting]) -> bool:
    return any(one.evaded is not None for one in own)


def _row(text: str, kind: str, own: Sequence[Sighting]) -> dict[str, Any]:
    detector = find_detector(text)
    samples = list(dict.fromkeys(one.sample for one in own))
    # An image that is attacked towards several targets is one clean image.
    clean = [[next(one.clean.suspicion for one in own if one.sample == name)] for name in samples]
    looks: list[list[Look]] = [
        [look for one in own if one.sample == name and (look := getattr(one, kind)) is not None]
        for name in samples
    ]
    found = [[look.suspicion for look in group] for group in looks]
    every = [look for group in looks for look in group]
    return {
        "detector": text,
        "title": detector.words(),
        "unit": detector.entry.unit,
        "files": kind,
        "clean_images": len(clean),
        "n": len(every),
        "evaded": sum(bool(one.evaded) for one in own) if kind == ADAPTIVE else None,
        "auroc": asdict(bootstrapped(auroc, clean, found)),
        "tpr": asdict(bootstrapped(tpr_at_fpr, clean, found)),
        "clean_suspicion": float(np.mean(clean)),
        "suspicion": _mean(every, lambda look: look.suspicion),
        "l2": _mean(every, lambda look: look.l2),
    }


def _mean(looks: Sequence[Look], figure: Callable[[Look], float]) -> float | None:
    return float(np.mean([figure(look) for look in looks])) if looks else None


def sentences(table: Sequence[dict[str, Any]]) -> list[str]:
    """Return what the rows say, in plain words, one for each detector."""
    found = []
    for text in dict.fromkeys(row["detector"] for row in table):
        own = {row["files"]: row for row in table if row["detector"] == text}
        found.append(_sentence(own))
    return found


def _sentence(own: dict[str, dict[str, Any]]) -> str:
    plain = own["attacked"]
    title = plain["title"]
    if plain["auroc"]["value"] is None:
        why = FEW if plain["clean_images"] < 2 else "the attack reaches its goal on no image"
        return f"{title}: {why}."
    told = f"{title} {_PLAIN[_side(plain)]} with an AUROC of {plain['auroc']['value']:.2f}"
    told += f" (noise of the same L2 {own['noise']['auroc']['value']:.2f})"
    knowing = own.get(ADAPTIVE)
    if knowing is None:
        return told + "; the attack that knows it was not tried."
    left = knowing["auroc"]["value"]
    told = f"{told}; {left:.2f} is left when the attack knows it, {_LEFT[_side(knowing)]}."
    return told + (MORE if _too_few(plain) or _too_few(knowing) else "")


def _side(row: dict[str, Any]) -> int:
    """Return 1 if a row's AUROC is above chance for certain, -1 if below, 0 if it may be chance."""
    if _too_few(row):
        return 0
    return int(row["auroc"]["low"] > 0.5) - int(row["auroc"]["high"] < 0.5)


def _too_few(row: dict[str, Any]) -> bool:
    """Tell whether so few files can't be surely told, however far apart their scores are."""
    # All scores on their sides are a point to the bootstrap, whatever their number; to Mann and
    # Whitney it is one of that many orders.
    return 2.0 / math.comb(row["clean_images"] + row["n"], row["n"]) > 1.0 - COVERAGE


def problems(cells: Sequence[Cell]) -> list[str]:
    """Return what could not be attacked, in sentences."""
    return [f"{one.label} on {one.sample}: {one.message}" for one in cells if one.message]


def written(out: Path, table: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Write the tables into a folder; return their paths by their names.

    Raises:
        StoreError: They can't be written.
    """
    lines = [_line(row) for row in table]
    texts = {
        "detection.csv": csv_text([HEAD, *lines]),
        "detection.md": markdown_table(HEAD, lines, words=2),
        "detection.tex": latex_table(HEAD, lines, words=2),
    }
    for name, text in texts.items():
        write_bytes(out / name, text.encode())
    return {name: str(out / name) for name in texts}


def _line(row: dict[str, Any]) -> list[str]:
    return [
        row["title"],
        KINDS[row["files"]],
        str(row["n"]),
        *_texts(row["auroc"]),
        *_texts(row["tpr"]),
        "n/a" if row["l2"] is None else f"{row['l2']:.2f}",
    ]


def _texts(estimate: dict[str, float | None]) -> tuple[str, str]:
    if estimate["value"] is None:
        return "n/a", "n/a"
    return f"{estimate['value']:.2f}", f"{estimate['low']:.2f} to {estimate['high']:.2f}"

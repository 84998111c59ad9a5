"""What the viewer is given of runs: their pictures, curves and figures, each read once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st

from asma_core.data.formats.images import read_image, to_bytes
from asma_core.files import as_store_error
from asma_core.metrics.visibility import Visibility, visibility
from asma_core.runs import artefacts
from asma_core.runs.reading import read_file, read_trajectory, stored_snapshots
from asma_core.runs.run import Run
from ui.common import services
from ui.common.format import number, score_label
from ui.comparison.payload import Beside, Comparison, Curves, Figures, Frame

# More would be finer than a screen.
MOST_POINTS: Final = 600
_NAMES: Final = ("score", "l2", "linf", "pixel_accuracy")


def comparison_of(run: Run) -> Comparison:
    """Read a run; it never changes once it has ended.

    Raises:
        StoreError: A file of it can't be read.
    """
    return _comparison(run.id, run)


def beside_of(run: Run, label: str) -> Beside:
    """Read another run's result.

    Raises:
        StoreError: A file of it can't be read.
    """
    return _beside(run.id, label, run)


@st.cache_resource(max_entries=8, show_spinner=False)
def _comparison(run_id: str, _run: Run) -> Comparison:
    folder = services.store().folder(run_id)
    trajectory = read_trajectory(folder)
    label = score_label(_run)
    with as_store_error(folder):
        original = (folder / artefacts.ORIGINAL).read_bytes()
        frames = [
            Frame(
                f"step {at.step}",
                at.step,
                at.image.read_bytes(),
                at.prediction.read_bytes(),
                _figures_at(trajectory, at.step, label),
            )
            for at in stored_snapshots(folder)
        ]
    best = trajectory["best_step"]
    result = Frame(f"result, step {best}", best, *_result(folder), _figures(_run.results, label))
    return Comparison(
        key=run_id,
        original_png=original,
        frames=(*frames, result),
        truth_png=read_file(folder, artefacts.TRUTH),
        prediction_png=read_file(folder, artefacts.PREDICTION_CLEAN),
        target_png=read_file(folder, artefacts.TARGET),
        class_names=_run.class_names,
        curves=_curves(trajectory, label, _run.wanted),
        visible=_visible(folder),
    )


@st.cache_resource(max_entries=16, show_spinner=False)
def _beside(run_id: str, label: str, _run: Run) -> Beside:
    folder = services.store().folder(run_id)
    return Beside(
        run_id,
        label,
        *_result(folder),
        target_png=read_file(folder, artefacts.TARGET),
        figures=_figures(_run.results, score_label(_run)),
        visible=_visible(folder),
    )


def _result(folder: Path) -> tuple[bytes, bytes | None]:
    with as_store_error(folder):
        adversarial = (folder / artefacts.ADVERSARIAL).read_bytes()
    return adversarial, read_file(folder, artefacts.PREDICTION_ADVERSARIAL)


def _figures(results: Mapping[str, Any], label: str) -> Figures:
    """Return the figures of a result, of its 8-bit file."""
    return _listed({name: results.get(f"{name}_8bit") for name in _NAMES}, label)


def _figures_at(trajectory: Mapping[str, Any], step: int, label: str) -> Figures:
    """Return the figures of a step on the way."""
    if step not in trajectory["step"]:
        return ()
    place = trajectory["step"].index(step)
    return _listed({name: trajectory[name][place] for name in _NAMES}, label)


def _listed(values: Mapping[str, float | None], label: str) -> Figures:
    return (
        (label, number(values["score"])),
        ("L2", number(values["l2"], 2)),
        ("Linf", number(values["linf"])),
        ("Pixel accuracy", number(values["pixel_accuracy"], 4)),
    )


def _curves(trajectory: Mapping[str, Any], label: str, wanted: float) -> Curves:
    steps = trajectory["step"]
    every = -(-len(steps) // MOST_POINTS) or 1
    kept = sorted({*range(0, len(steps), every), len(steps) - 1})
    score, l2 = (tuple(trajectory[name][place] for place in kept) for name in ("score", "l2"))
    return Curves(label, wanted, tuple(steps[place] for place in kept), score, l2)


def _visible(folder: Path) -> Figures:
    """Measure how visible a result is, of its 8-bit file."""
    names = (artefacts.ORIGINAL, artefacts.ADVERSARIAL)
    original, adversarial = (to_bytes(read_image(folder / name)) for name in names)
    return _said(visibility(original, adversarial))


def _said(found: Visibility) -> Figures:
    return (
        ("L2", _number(found.l2, 2)),
        ("Linf", _number(found.linf)),
        ("PSNR", _number(found.psnr, 1, " dB")),
        ("SSIM", _number(found.ssim, 4)),
        ("CIEDE2000, mean", _number(found.delta_e_mean, 2)),
        ("CIEDE2000, 99 %", _number(found.delta_e_99, 2)),
        ("Changed by more than 2 levels", _number(100 * found.changed, 1, " %")),
    )


def _number(value: float, digits: int = 3, unit: str = "") -> str:
    return "n/a" if math.isnan(value) else f"{value:.{digits}f}{unit}"

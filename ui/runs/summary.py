"""What came of a run, in figures: beside each other the float image and the 8-bit file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from asma_core.attacks.settings import CIEDE2000
from asma_core.metrics.score import LOST, REMOVED
from asma_core.runs.run import Run
from ui.common.errors import escape_markdown
from ui.common.format import (
    SCORE_LABELS,
    attack_title,
    number,
    outcome,
    outcome_colour,
    score_label,
    standing_outcome,
)
from ui.judging.verdict import verdict_badge
from ui.runs.whose import whose_line

SCORES = ((SCORE_LABELS[REMOVED], "structure_removed"), (SCORE_LABELS[LOST], "iou_lost"))
ROWS = (
    ("IoU", "iou", 3, ""),
    ("Pixel accuracy", "pixel_accuracy", 4, ""),
    ("L2", "l2", 3, ""),
    ("Linf", "linf", 4, ""),
    ("PSNR", "psnr", 1, " dB"),
    ("SSIM", "ssim", 4, ""),
    ("CIEDE2000, mean", "ciede2000", 2, ""),
)


def headline(run: Run) -> None:
    """Show which run this is and how it ended."""
    spec = run.spec
    words = f"{escape_markdown(spec.image_name)} {escape_markdown(run.goal)}"
    with st.container(key="small-title-run"):
        st.markdown(
            f"# Run {run.id} :{outcome_colour(run)}-badge[{standing_outcome(run)}]"
            f"{verdict_badge(run)}\n"
            f"{attack_title(run)} on {escape_markdown(spec.model)}, {words}"
        )
    whose_line(run, "headline")
    if run.message:
        st.warning(escape_markdown(run.message), icon=":material/info:")
    for warning in run.results.get("warnings", []):
        st.warning(escape_markdown(warning), icon=":material/warning:")


def key_figures(run: Run) -> None:
    """Show the four figures that matter, of the 8-bit file."""
    results = run.results
    metrics = (
        (f"{score_label(run)}, 8-bit", number(results.get("score_8bit"))),
        ("L2, 8-bit", number(results.get("l2_8bit"), 2)),
        _other_distance(run),
        ("Steps", str(results.get("steps", "n/a"))),
    )
    for column, (label, value) in zip(st.columns(len(metrics)), metrics, strict=True):
        column.metric(label, value)
    said_lines(run)


def _draws_line(run: Run) -> None:
    """Say how the file does over single draws, where the network stands behind one that draws."""
    found = run.results.get("score_8bit_draws")
    if found:
        mean, lowest, highest = (number(found[name]) for name in ("mean", "lowest", "highest"))
        st.caption(
            f"Over {found['count']} draws of the defence: {score_label(run)} {mean} in the mean, "
            f"{lowest} to {highest}. A step of the attack asked for {run.results.get('draws')}."
        )


def _other_distance(run: Run) -> tuple[str, str]:
    """Return what stands beside L2: what was made small, if it is how the colours look."""
    if run.spec.config.get("norm") == CIEDE2000:
        return "CIEDE2000, 8-bit", number(run.results.get("ciede2000_8bit"), 2)
    return "Linf, 8-bit", number(run.results.get("linf_8bit"))


def said_lines(run: Run) -> None:
    """Say what the figures don't: which IoU was reached at which change, and over draws.

    Runs of before 2026-11-29 don't know the first.
    """
    if said := run.frontier:
        st.caption(said)
    _draws_line(run)


def figures_table(run: Run, classes: tuple[str, ...]) -> None:
    """Show all figures: before the attack, of the float image, and of the file."""
    st.dataframe(
        pd.DataFrame(_rows(run.results, classes)),
        hide_index=True,
        key=f"figures-{run.id}",
        column_config={
            "Figure": st.column_config.TextColumn(width="medium"),
            **{
                name: st.column_config.TextColumn(alignment="right")
                for name in ("Before", "Float", "8-bit file")
            },
        },
    )


def runs_table(runs: Sequence[Run]) -> None:
    """Show the figures of several runs of one image beside each other, of their 8-bit files."""
    lines: list[tuple[str, Callable[[Run], str]]] = [
        ("Attack", lambda run: attack_title(run)),
        ("Goal", lambda run: run.goal),
        ("Outcome", outcome),
        ("Ended", lambda run: run.ending),
        *(
            (label, _cell(key, 3, ""))
            for label, key in SCORES
            if any(run.results.get(f"{key}_8bit") is not None for run in runs)
        ),
        *((label, _cell(key, digits, unit)) for label, key, digits, unit in ROWS),
        ("Gradient evaluations", lambda run: str(run.results.get("gradient_evaluations", "n/a"))),
        ("Forward passes", lambda run: str(run.results.get("forward_passes", "n/a"))),
        ("Seconds", lambda run: number(run.results.get("seconds"), 1)),
    ]
    rows = [{"Figure": label} | {run.id: said(run) for run in runs} for label, said in lines]
    right = {run.id: st.column_config.TextColumn(alignment="right") for run in runs}
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, key="figures-beside", column_config=dict(right)
    )


def _cell(key: str, digits: int, unit: str) -> Callable[[Run], str]:
    def text(run: Run) -> str:
        value = run.results.get(f"{key}_8bit")
        return number(value, digits) + (unit if value is not None else "")

    return text


def _rows(results: Mapping[str, Any], classes: tuple[str, ...]) -> list[dict[str, str]]:
    kind = str(results.get("score_name"))
    judged = SCORE_LABELS[kind] if kind in (REMOVED, LOST) else ""
    rows = [_row(judged, results, "score", 3, "")] if judged else []
    rows += [_row(label, results, name, digits, unit) for label, name, digits, unit in ROWS]
    for number_of_class, name in enumerate(classes[1:], start=1):
        for title, key, digits, unit in (
            ("IoU", "iou_per_class", 3, ""),
            ("Dice", "dice_per_class", 3, ""),
            ("Hausdorff 95", "hausdorff_95_per_class", 1, " px"),
        ):
            place = number_of_class - 1 if key.startswith("hausdorff") else number_of_class
            rows.append(_row(f"{title}, {name}", results, key, digits, unit, place))
    return rows


def _row(
    label: str, results: Any, name: str, digits: int, unit: str, place: int | None = None
) -> dict[str, str]:
    cells = {"Figure": label}
    for title, suffix in (("Before", "_before"), ("Float", ""), ("8-bit file", "_8bit")):
        value = results.get(name + suffix)
        if place is not None and value is not None:
            value = value[place]
        cells[title] = number(value, digits) + (unit if value is not None else "")
    return cells


def how(run: Run) -> str:
    """Return in words how the run was made: settings, what was chosen, time, device."""
    results, spec = run.results, run.spec
    chosen = ", ".join(f"{name} {value:.3g}" for name, value in results.get("chosen", {}).items())
    settings = ", ".join(f"{name} {value}" for name, value in spec.config.items())
    asked = ", ".join(f"{name} {value}" for name, value in spec.execution.recorded().items())
    device = results.get("device", spec.execution.device)
    notes = "".join(f" {name}: {value}." for name, value in results.get("notes", {}).items())
    share = results.get("region_share", 1.0)
    threads = f", {spec.threads} thread{'' if spec.threads == 1 else 's'}" if spec.threads else ""
    within = "" if share == 1.0 else f" Changes only within {100 * share:.0f} % of the image."
    window = spec.window
    seen = f" The 8-bit image is the file's through the window {window.text()}." if window else ""
    return (
        f"Chosen by the attack: {chosen or 'nothing'}.{notes}{within}{seen} Settings: {settings}. "
        f"Asked for: {asked}. {passes_text(run)} in "
        f"{results.get('seconds', 0):.1f} s on {device}{threads}; ended: {run.ending}."
    )


def passes_text(run: Run) -> str:
    """Return how often the network was asked: forward passes, and how many of them backward too."""
    gradients = f"{run.results.get('gradient_evaluations', 0)} gradient evaluations"
    forward = run.results.get("forward_passes")
    return gradients if forward is None else f"{forward} forward passes, {gradients}"

"""The pictures of an experiment: box plots, and success against the change that is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from asma_core.data.masks.palette import SERIES
from asma_core.experiments.cells import Cell
from asma_core.experiments.table import FIGURES, success_curve
from ui.common.format import SCORE_LABELS

DASHES: Final = ("solid", "dash", "dot")
TITLES: Final = {
    "l2": "L2",
    "linf": "Linf",
    "ciede2000": "CIEDE2000, mean",
    "ssim": "SSIM",
    "iou": "IoU",
    "structure_removed": "Structure removed",
    "iou_lost": "IoU lost",
    "pixel_accuracy": "Pixel accuracy",
    "gradient_evaluations": "Gradient evaluations",
    "forward_passes": "Forward passes",
    "seconds": "Seconds",
}
OVERLAPS: Final = ("iou", "structure_removed", "iou_lost", "pixel_accuracy", "ssim")
HEIGHT: Final = 420
# Half the width over which the points of a row are strewn; rows are 1 apart.
STREWN: Final = 0.22
HOVER: Final = (
    "<b>%{fullData.name}</b><br>%{customdata[1]} towards %{customdata[2]}<br>%{customdata[3]}"
    "<extra></extra>"
)


def box_plot(cells: Sequence[Cell], titles: Mapping[str, str], figure: str) -> go.Figure:
    """Return a box for each row with all its points; a point's custom data is its run.

    Args:
        cells: Of the rows to show.
        titles: What each row is called, by its label; they say the order too.
        figure: One of `TITLES`.
    """
    drawing = go.Figure()
    for place, label in enumerate(titles):
        own = [cell for cell in cells if cell.label == label]
        known = [cell for cell in own if cell.results.get(FIGURES[figure]) is not None]
        values = [float(cell.results[FIGURES[figure]]) for cell in known]
        colour = SERIES[place % len(SERIES)]
        drawing.add_box(
            x=[place] * len(values),
            y=values,
            name=titles[label],
            boxpoints=False,
            boxmean=True,
            width=0.6,
            line={"color": colour, "width": 1.5},
            fillcolor="rgba(128, 140, 148, 0.08)",
            hoverinfo="skip",
            showlegend=False,
        )
        drawing.add_scatter(
            x=_strewn(place, len(values)),
            y=values,
            mode="markers",
            marker={"color": colour, "size": 9, "symbol": _symbols(known), "opacity": 0.85},
            customdata=[[cell.run_id, *_said(cell)] for cell in known],
            hovertemplate=HOVER,
            name=titles[label],
            showlegend=False,
        )
    drawing.update_layout(**_layout(TITLES[figure], ""))
    drawing.update_xaxes(
        tickvals=list(range(len(titles))),
        ticktext=list(titles.values()),
        range=[-0.6, len(titles) - 0.4],
    )
    drawing.update_yaxes(rangemode="tozero" if figure not in OVERLAPS else "normal")
    return drawing


def curve_plot(cells: Sequence[Cell], titles: Mapping[str, str]) -> go.Figure:
    """Return the share of pairs that an attack wins within an L2, over that L2.

    Args:
        cells: Of the rows to show.
        titles: What each row is called, by its label; they say the order too.
    """
    drawing = go.Figure()
    rows = {label: success_curve([c for c in cells if c.label == label]) for label in titles}
    furthest = max((point.l2 for points in rows.values() for point in points), default=1.0) * 1.05
    for place, (label, points) in enumerate(rows.items()):
        last = points[-1].share if points else 0.0
        drawing.add_scatter(
            x=[0.0, *(point.l2 for point in points), furthest],
            y=[0.0, *(point.share for point in points), last],
            customdata=[["", "", "", ""]]
            + [[point.cell.run_id, *_said(point.cell)] for point in points]
            + [["", "", "", ""]],
            name=titles[label],
            mode="lines+markers",
            marker={"size": [0, *([7] * len(points)), 0]},
            line={
                "shape": "hv",
                "width": 2,
                "color": SERIES[place % len(SERIES)],
                "dash": DASHES[place // len(SERIES) % len(DASHES)],
            },
            hovertemplate=HOVER,
        )
    drawing.update_layout(**_layout("Share of pairs won", "L2 budget"))
    drawing.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    drawing.update_yaxes(range=[0, 1.03], tickformat=".0%")
    drawing.update_xaxes(range=[0, furthest])
    return drawing


def clicked_run(event: Any) -> str:
    """Return the run of the point that was clicked; "" for none."""
    for point in event.selection.points:
        data = point.get("customdata")
        if data and data[0]:
            return str(data[0])
    return ""


def _said(cell: Cell) -> list[str]:
    iou, l2 = cell.results.get("score_8bit"), cell.results.get("l2_8bit")
    score = "n/a" if iou is None else f"{iou:.3f}"
    change = "n/a" if l2 is None else f"{l2:.2f}"
    label = SCORE_LABELS[cell.kind]
    return [cell.sample, cell.target, f"{label} {score}, L2 {change}, {cell.outcome}"]


def _symbols(cells: Sequence[Cell]) -> list[str]:
    return ["circle" if cell.success else "x-thin-open" for cell in cells]


def _strewn(place: int, count: int) -> list[float]:
    """Strew points over the width of their box, the same way each time."""
    offsets = np.random.default_rng(place).permutation(np.linspace(-STREWN, STREWN, max(count, 1)))
    return [place + float(offset) for offset in offsets[:count]]


def _layout(value: str, other: str) -> dict[str, Any]:
    return {
        "height": HEIGHT,
        "margin": {"l": 8, "r": 8, "t": 40, "b": 8},
        "xaxis": {"title": {"text": other}, "showgrid": False, "fixedrange": True},
        "yaxis": {"title": {"text": value}, "fixedrange": True},
        "hovermode": "closest",
        "dragmode": False,
        "clickmode": "event+select",
    }

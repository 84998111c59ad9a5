"""The curves of a run: score and L2 over the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from asma_core.data.masks.palette import ADVERSARIAL, QUIET

SCORE_COLOUR: Final = ADVERSARIAL.colour
DISTANCE_COLOUR: Final = QUIET
NO_TOOLBAR: Final = {"displayModeBar": False}


def run_curves(
    curves: Mapping[str, Sequence[Any]],
    label: str,
    target: float,
    height: int = 240,
) -> go.Figure:
    """Return score (left axis) and L2 (right axis) over the steps.

    Args:
        curves: Lists by name: step, score, l2.
        label: What the score is called.
        target: Score at which the attack succeeds, drawn as a dotted line.
        height: In CSS pixels.
    """
    figure = go.Figure()
    for name, title, axis, colour, dash in (
        ("score", label, "y", SCORE_COLOUR, "solid"),
        ("l2", "L2", "y2", DISTANCE_COLOUR, "dot"),
    ):
        figure.add_scatter(
            x=list(curves["step"]),
            y=list(curves[name]),
            name=title,
            yaxis=axis,
            line={"color": colour, "width": 2, "dash": dash},
            hovertemplate=f"step %{{x}}<br>{title} %{{y:.3f}}<extra></extra>",
        )
    figure.add_hline(y=target, line={"color": SCORE_COLOUR, "width": 1, "dash": "dot"})
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        legend={"orientation": "h", "y": 1.16, "x": 0},
        xaxis={"title": {"text": "step"}, "showgrid": False, "rangemode": "tozero"},
        yaxis={"title": {"text": label}, "range": [0, 1.02], "fixedrange": True},
        yaxis2={
            "title": {"text": "L2"},
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "showgrid": False,
            "fixedrange": True,
        },
        hovermode="x unified",
    )
    return figure

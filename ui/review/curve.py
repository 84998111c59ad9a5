"""How often a change is noticed, over its size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import plotly.graph_objects as go

from asma_core.data.masks.palette import QUIET, SERIES
from asma_core.reviews.curves import MEASURES
from asma_core.reviews.psychometric import TARGET, Fit
from asma_core.reviews.questions import Question
from asma_core.reviews.rates import Bin

HEIGHT: Final = 320
# Of a curve.
POINTS: Final = 80


def rate_curve(
    bins: Sequence[Bin], measure: str, question: Question, fit: Fit | None = None
) -> go.Figure:
    """Return the rate of each bin with its interval, and the curve through all answers.

    Args:
        bins: At least one.
        measure: One of `MEASURES`, of the 8-bit file.
        question: What was asked.
        fit: The curve, where the answers hold one.
    """
    drawing = go.Figure()
    drawing.add_scatter(
        x=[one.middle for one in bins],
        y=[one.rate.value for one in bins],
        error_y=_reach([(one.rate.value, one.rate.low, one.rate.high) for one in bins]),
        error_x=_reach([(one.middle, one.low, one.high) for one in bins]),
        mode="lines+markers" if fit is None else "markers",
        line={"color": SERIES[0], "width": 1.5, "dash": "dot"},
        marker={"color": SERIES[0], "size": 9},
        customdata=[[one.rate.noticed, one.rate.count] for one in bins],
        hovertemplate=f"{MEASURES[measure]} %{{x:.3g}}<br>%{{customdata[0]}} of "
        "%{customdata[1]} answers<extra></extra>",
        showlegend=False,
    )
    if fit is not None:
        _add_curve(drawing, fit, measure)
    if question.chance is not None:
        drawing.add_hline(y=question.chance, line={"width": 1, "dash": "dash", "color": QUIET})
    drawing.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 10, "b": 8},
        xaxis={"title": f"{MEASURES[measure]} of the 8-bit file", "fixedrange": True},
        yaxis={
            "title": question.rate,
            "range": [-0.02, 1.02],
            "tickformat": ".0%",
            "fixedrange": True,
        },
        dragmode=False,
    )
    return drawing


def _add_curve(drawing: go.Figure, fit: Fit, measure: str) -> None:
    """Draw the curve over what was shown, and its threshold with the interval."""
    sizes = np.geomspace(fit.smallest, fit.largest, POINTS)
    drawing.add_scatter(
        x=sizes,
        y=[fit.rate(float(size)) for size in sizes],
        mode="lines",
        line={"color": SERIES[0], "width": 2},
        hovertemplate=f"{MEASURES[measure]} %{{x:.3g}}<br>%{{y:.0%}} on the curve<extra></extra>",
        showlegend=False,
    )
    if fit.within:
        low, high = fit.low or 0.0, fit.high or fit.largest
        drawing.add_shape(
            type="line",
            x0=max(low, 0.0),
            x1=min(high, fit.largest),
            y0=TARGET,
            y1=TARGET,
            line={"color": QUIET, "width": 4},
        )
        drawing.add_vline(x=fit.threshold, line={"width": 1, "dash": "dot", "color": QUIET})


def _reach(points: Sequence[tuple[float | None, float | None, float | None]]) -> dict[str, object]:
    """Return error bars from (value, low, high)."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [(high or 0.0) - (value or 0.0) for value, _, high in points],
        "arrayminus": [(value or 0.0) - (low or 0.0) for value, low, _ in points],
        "thickness": 1.5,
        "width": 4,
        "color": SERIES[0],
    }

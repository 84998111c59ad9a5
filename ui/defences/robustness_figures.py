"""What defences cost and leave, as a picture, and the table of their attacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from asma_core.attacks.registry import ATTACKS
from asma_core.data.masks.palette import SERIES
from ui.common.format import number

HEIGHT: Final = 420


def picture(points: Sequence[Mapping[str, Any]]) -> go.Figure | None:
    """Return clean IoU to the right and robust IoU upwards; None where nothing is known.

    Args:
        points: As `robustness_table.points` gives them.
    """
    known = [one for one in points if None not in (one["clean_iou"], one["before"], one["after"])]
    if not known:
        return None
    drawing = go.Figure()
    for place, one in enumerate(known):
        colour = SERIES[place % len(SERIES)]
        x, before, after = one["clean_iou"], one["before"], one["after"]
        drawing.add_scatter(
            x=[x, x],
            y=[before, after],
            mode="markers",
            name=one["defence"],
            marker={"color": colour, "size": 10, "symbol": ["circle-open", "circle"]},
            hovertemplate=f"<b>{one['defence']}</b><br>clean %{{x:.3f}}, robust %{{y:.3f}}"
            "<extra></extra>",
        )
        if before - after > 0.01:
            drawing.add_annotation(
                x=x,
                y=after,
                ax=x,
                ay=before,
                axref="x",
                ayref="y",
                showarrow=True,
                arrowhead=2,
                arrowcolor=colour,
                text="",
                standoff=6,
                startstandoff=6,
            )
    drawing.update_layout(
        height=HEIGHT,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "v"},
        xaxis={"title": "Clean IoU", "range": [_low(known), 1.0]},
        yaxis={"title": "Robust IoU", "range": [0, 1.02]},
    )
    return drawing


def _low(known: Sequence[Mapping[str, Any]]) -> float:
    """Return where the axis begins: clean IoUs lie close together."""
    return max(0.0, min(float(one["clean_iou"]) for one in known) - 0.1)


def table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Show a line for each defence and attack."""
    shown = [
        {
            "Defence": row["defence"],
            "Attack": _title(row["attack"]),
            "Pairs": row["n"],
            "Fooled, bare": row["fooled"],
            "Not knowing": row["unknowing"]["successes"],
            "Knowing": row["knowing"]["successes"],
            "Clean IoU": number(row["clean_iou"]),
            "IoU left": number(row["knowing"]["iou"]),
            "L2": number(row["knowing"]["l2_of_successes"], 2),
        }
        for row in rows
    ]
    text, count = st.column_config.TextColumn, st.column_config.NumberColumn
    told = {
        "Fooled, bare": "Images on which the attack on the bare network reaches its goal",
        "Not knowing": "Of these, on how many that file fools the defended network",
        "Knowing": "Of the same, on how many the attack through the defence does",
        "IoU left": "With the truth, over all images, after the attack through the defence",
        "L2": "Mean over the images that the column Knowing counts, of the 8-bit file",
    }
    right = ("Clean IoU", "IoU left", "L2")
    st.dataframe(
        pd.DataFrame(shown),
        hide_index=True,
        key="defences-table",
        height="content",
        column_config={
            name: text(name, alignment="right" if name in right else None, help=told.get(name))
            if name in (*right, "Defence", "Attack")
            else count(name, help=told.get(name))
            for name in shown[0]
        },
        alt="Attacks before and after they know the defences",
    )


def _title(label: str) -> str:
    return ATTACKS[label].title if label in ATTACKS else label

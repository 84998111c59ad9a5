"""The heat map of an attack: who was attacked, and whom its files fool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from asma_core.experiments.transfer_plan import OTHERS

ROW: Final = 46
MARGINS: Final = 120
# Unlike the colours of outlines; dark ends are legible on both themes with white text.
SCALE: Final = [[0.0, "#e9eef1"], [0.5, "#7fa6c0"], [1.0, "#12405f"]]


def heat_map(
    rows: Sequence[Mapping[str, Any]], clean: Mapping[str, float | None], attack: str
) -> go.Figure:
    """Return a cell for each two networks; the colour is the share that was fooled.

    A click gives the cell's names as `x` and `y`.

    Args:
        rows: As `transfer_table.rows` gives them.
        clean: Clean IoU by network, as `transfer_table.clean_ious` gives it.
        attack: Its label.
    """
    own = {(row["attacker"], row["victim"]): row for row in rows if row["attack"] == attack}
    victims = list(dict.fromkeys(victim for _, victim in own))
    made_on = sorted(dict.fromkeys(name for name, _ in own), key=lambda name: name == OTHERS)
    cells = [[own.get((name, victim)) for victim in victims] for name in made_on]
    drawing = go.Figure(
        go.Heatmap(
            z=[[None if row is None else row["success_rate"] for row in line] for line in cells],
            x=[_victim(name, clean) for name in victims],
            y=made_on,
            zmin=0.0,
            zmax=1.0,
            colorscale=SCALE,
            showscale=False,
            xgap=3,
            ygap=3,
            text=[["" if row is None else _text(row) for row in line] for line in cells],
            texttemplate="%{text}",
            textfont={"size": 13},
            hoverinfo="skip",
        )
    )
    # Points that can be clicked: a heat map's cells give no selection.
    shown = [
        (victim, name, row)
        for name, line in zip(made_on, cells, strict=True)
        for victim, row in zip(victims, line, strict=True)
        if row is not None
    ]
    drawing.add_scatter(
        x=[_victim(victim, clean) for victim, _, _ in shown],
        y=[name for _, name, _ in shown],
        mode="markers",
        marker={"size": ROW - 8, "symbol": "square", "opacity": 0},
        customdata=[[name, victim] for victim, name, _ in shown],
        hovertext=[_hover(row) for _, _, row in shown],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
    )
    drawing.update_layout(
        height=MARGINS + ROW * len(made_on),
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        showlegend=False,
        # A click anywhere in a cell is one on its point.
        hoverdistance=-1,
        xaxis={"title": {"text": "shown to"}, "side": "top", "showgrid": False},
        yaxis={"title": {"text": "made on"}, "autorange": "reversed", "showgrid": False},
    )
    return drawing


def _victim(name: str, clean: Mapping[str, float | None]) -> str:
    known = clean.get(name)
    return name if known is None else f"{name}<br>clean IoU {known:.3f}"


def _text(row: Mapping[str, Any]) -> str:
    return f"{row['successes']} of {row['n']}" if row["n"] else "n/a"


def _hover(row: Mapping[str, Any]) -> str:
    lines = [f"<b>made on {row['attacker']}, shown to {row['victim']}</b>"]
    if row["n"]:
        lines.append(
            f"fooled {row['successes']} of {row['n']}, 95 % {row['low']:.2f} to {row['high']:.2f}"
        )
    if row["mean_score"] is not None:
        lines.append(f"mean score {row['mean_score']:.3f}")
    if row["iou"] is not None:
        lines.append(f"IoU with the truth that is left {row['iou']:.3f}")
    if row["already"]:
        lines.append(f"{row['already']} were at the goal before")
    return "<br>".join(lines)

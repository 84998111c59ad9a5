"""How well detectors tell files, as a picture of intervals and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from asma_core.data.masks.palette import QUIET, SERIES
from asma_core.defences.detectors.registry import find_detector
from asma_core.experiments.detection_plan import ADAPTIVE, KINDS
from ui.common.format import capitalised, number

CHANCE: Final = 0.5
# Title, and whether it is a number.
COLUMNS: Final = (
    ("Detector", False),
    ("Files", False),
    ("Number", True),
    ("AUROC", True),
    ("95 %", True),
    ("Found at 5 % false alarms", True),
    ("95 %", True),
    ("L2", True),
)
_ROW: Final = 72
_APART: Final = 0.22
# Colour and symbol of each kind of files.
_LOOKS: Final = {
    "noise": (QUIET, "circle-open"),
    "attacked": (SERIES[0], "circle-open"),
    ADAPTIVE: (SERIES[1], "circle"),
}


def picture(rows: Sequence[Mapping[str, Any]]) -> go.Figure | None:
    """Return AUROCs with their intervals, a line for each detector; None where none is known.

    Args:
        rows: As `detection_table.rows` gives them.
    """
    known = [row for row in rows if row["auroc"]["value"] is not None]
    if not known:
        return None
    detectors = list(dict.fromkeys(row["detector"] for row in rows))
    kinds = [kind for kind in KINDS if any(row["files"] == kind for row in known)]
    drawing = go.Figure()
    for kind in kinds:
        own = [row for row in known if row["files"] == kind]
        offset = _APART * (kinds.index(kind) - (len(kinds) - 1) / 2)
        drawing.add_scatter(
            **_points(kind, own, [detectors.index(r["detector"]) for r in own], offset)
        )
    drawing.add_vline(x=CHANCE, line={"width": 1, "dash": "dot", "color": "#808c94"})
    drawing.update_layout(
        height=90 + _ROW * len(detectors),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": "AUROC against clean files", "range": [-0.02, 1.02], "fixedrange": True},
        yaxis={
            "tickvals": list(range(len(detectors))),
            "ticktext": [find_detector(text).words() for text in detectors],
            "range": [len(detectors) - 0.5, -0.5],
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
        },
        dragmode=False,
    )
    return drawing


def _points(
    kind: str, own: Sequence[Mapping[str, Any]], places: Sequence[int], offset: float
) -> dict[str, Any]:
    colour, symbol = _LOOKS[kind]
    found = [row["auroc"] for row in own]
    return {
        "x": [one["value"] for one in found],
        "y": [place + offset for place in places],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(one["high"] - one["value"], 0.0) for one in found],
            "arrayminus": [max(one["value"] - one["low"], 0.0) for one in found],
            "thickness": 1.5,
            "width": 4,
            "color": colour,
        },
        "mode": "markers",
        "name": _capital(KINDS[kind]),
        "marker": {"color": colour, "size": 10, "symbol": symbol, "line": {"width": 2}},
        "customdata": [
            [one["low"], one["high"], row["n"]] for one, row in zip(found, own, strict=True)
        ],
        "hovertemplate": f"<b>{KINDS[kind]}</b><br>AUROC %{{x:.3f}} (%{{customdata[0]:.2f}} to "
        "%{customdata[1]:.2f}), %{customdata[2]} files<extra></extra>",
    }


def table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Show a line for each detector and kind of files; what an attack that knows leaves is bold."""
    lines = [
        [column for column, _ in COLUMNS],
        ["---:" if right else "---" for _, right in COLUMNS],
        *map(_line, rows),
    ]
    st.markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))


def _line(row: Mapping[str, Any]) -> list[str]:
    words = [
        row["title"],
        _capital(KINDS[row["files"]]),
        str(row["n"]),
        *_estimate(row["auroc"]),
        *_estimate(row["tpr"]),
        number(row["l2"], 2),
    ]
    return [f"**{word}**" for word in words] if row["files"] == ADAPTIVE else words


def _estimate(found: Mapping[str, float | None]) -> tuple[str, str]:
    if found["value"] is None:
        return "n/a", "n/a"
    return number(found["value"], 2), f"{number(found['low'], 2)} to {number(found['high'], 2)}"


def _capital(words: str) -> str:
    """Return words with the first letter large and the others as they are."""
    return capitalised(words)

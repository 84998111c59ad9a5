"""The pictures of a universal change: its curve, and unseen images without it and with it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from PIL import Image

from asma_core.data.masks.palette import ADVERSARIAL, PREDICTION, QUIET, ROLES, SERIES
from asma_core.experiments.universal_parts import NOISE
from ui.pictures.encoding import jpeg
from ui.pictures.outlines import Layer, fit_size, outline, resize

HEIGHT: Final = 380
SIDE: Final = 360
LINE_WIDTH: Final = 2.5
BAR: Final = "rgba(213, 94, 0, 0.35)"


def curve(rows: Sequence[Mapping[str, Any]], label: str) -> go.Figure:
    """Return success and mean score against the number of images that were learned on.

    Args:
        rows: Of noise, then of each number of images, as `universal_table.answer` gives them.
        label: What the score is.
    """
    noise, *learned = rows
    places = list(range(len(rows)))
    drawing = go.Figure(
        go.Bar(
            x=places,
            y=[row["success_rate"] for row in rows],
            name="unseen images fooled",
            marker={"color": BAR},
            width=0.5,
            customdata=[f"{row['successes']} of {row['n']}" for row in rows],
            hovertemplate="%{customdata} unseen images fooled<extra></extra>",
        )
    )
    lines = (
        ("mean score, unseen images", "score", SERIES[0], "solid"),
        ("mean score, images learned on", "score_learned", SERIES[2], "dash"),
    )
    for title, key, colour, dash in lines:
        drawing.add_scatter(
            x=places[1:],
            y=[row[key] for row in learned],
            name=title,
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": dash},
            hovertemplate=f"{title} %{{y:.3f}}<extra></extra>",
        )
    drawing.add_scatter(
        x=places,
        y=[noise["score"]] * len(places),
        name="mean score, noise",
        mode="lines",
        line={"color": QUIET, "width": 2, "dash": "dot"},
        hovertemplate="noise of the same size %{y:.3f}<extra></extra>",
    )
    drawing.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 60, "b": 8},
        legend={"orientation": "h", "y": 1.04, "yanchor": "bottom", "x": 0},
        xaxis={
            "title": {"text": "images learned on; below, how many unseen ones are fooled"},
            "tickvals": places,
            "ticktext": [_tick(row) for row in rows],
            "range": [-0.5, len(rows) - 0.5],
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={"title": {"text": label}, "range": [0, 1.06], "fixedrange": True},
    )
    return drawing


def _tick(row: Mapping[str, Any]) -> str:
    """Return below a bar what it is of, and how high: a number on it would lie on the lines."""
    name = "noise" if row["images"] == NOISE else row["images"]
    return f"{name}<br>{row['successes']} of {row['n']}"


BEFORE: Final = next(name for name, role in ROLES.items() if role is PREDICTION)
AFTER: Final = next(name for name, role in ROLES.items() if role is ADVERSARIAL)


@st.cache_data(show_spinner=False, max_entries=200)
def outlined(picture: bytes, mask: bytes, role: str) -> bytes:
    """Return an image with what the network says of it outlined, as JPEG.

    Args:
        picture: PNG file.
        mask: PNG file whose values are the class numbers.
        role: `BEFORE` or `AFTER`.
    """
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
    labels = np.asarray(Image.open(io.BytesIO(mask))).astype(np.int64)
    shown = resize(pixels, fit_size(pixels.shape, SIDE, SIDE))
    return jpeg(outline(shown, [Layer(labels, ROLES[role])], LINE_WIDTH))

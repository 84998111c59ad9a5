"""Results as HTML for a notebook: self-contained, without scripts, every text escaped."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from asma_core.data.formats.images import encode_png, to_bytes
from asma_core.data.masks.label_maps import encode_mask
from asma_core.runs.difference import GAIN, MEANING, difference_picture

if TYPE_CHECKING:
    from asma_core.api.results import Result

# Pixels of the longer side; a larger picture is shown smaller.
LARGE: Final = 512
SMALL: Final = 96
MOST_ROWS: Final = 50
ORIGINAL: Final = "Original"
ADVERSARIAL: Final = "Adversarial image"
DIFFERENCE: Final = f"Difference, {GAIN} times ({MEANING})"
CELL: Final = "padding:2px 10px;text-align:left"


def result_html(result: Result) -> str:
    """Return original, adversarial image, difference, masks and figures of one result."""
    made = ", made to survive," if result.figures.get("made_to_survive") else ""
    heading = f"<b>{escape(result.attack)}</b>{made} on {escape(result.name)}: "
    warnings = "".join(f"<li>{escape(sentence)}</li>" for sentence in result.warnings)
    return (
        f"<div><p>{heading}<b>{escape(result.outcome)}</b></p>"
        f"{_strip(_pictures(result, LARGE), 256)}{_strip(_masks(result), 128)}"
        f"{_table([figures_shown(result)])}"
        + (f"<ul>{warnings}</ul>" if warnings else "")
        + "</div>"
    )


def results_html(results: Sequence[Result]) -> str:
    """Return a row of small pictures and figures for each result."""
    rows = []
    for result in results[:MOST_ROWS]:
        pictures = {name: _image(data, name, 96) for name, data in _pictures(result, SMALL).items()}
        rows.append({"Image": escape(result.name), **pictures, **figures_shown(result)})
    left = len(results) - len(rows)
    more = f"<p>{left} more; table() has all of them.</p>" if left else ""
    return f"<div><p>{escape(repr(results))}</p>{_table(rows)}{more}</div>"


def figures_shown(result: Result) -> dict[str, str]:
    """Return the figures that are shown, as escaped texts by their names."""
    figures = result.figures
    name = {"iou": "IoU with the target"}.get(figures["score_name"], figures["score_name"])
    before, after = (_digits(figures[key]) for key in ("score_before", "score_8bit"))
    texts = {
        "Outcome": result.outcome,
        str(name).capitalize().replace("Iou", "IoU"): f"{before} before, {after} after",
        "L2": _digits(result.l2),
        "Linf": _digits(result.linf),
        "SSIM": _digits(figures["ssim_8bit"]),
        "CIEDE2000": _digits(figures["ciede2000_8bit"]),
        "Steps": str(result.steps),
        "Gradient evaluations": str(result.gradient_evaluations),
        "Seconds": f"{result.seconds:.2f}",
    }
    return {escape(label): escape(text) for label, text in texts.items()}


def _digits(value: Any) -> str:
    return "n/a" if math.isnan(value) else f"{value:.4f}"


def _pictures(result: Result, side: int) -> dict[str, bytes]:
    original, adversarial = to_bytes(result.original), to_bytes(result.adversarial)
    pixels = {
        ORIGINAL: original,
        ADVERSARIAL: adversarial,
        DIFFERENCE: difference_picture(original, adversarial),
    }
    return {name: _smaller(encode_png(values), side) for name, values in pixels.items()}


def _masks(result: Result) -> dict[str, bytes]:
    masks = {
        "Target": result.target,
        "Prediction before": result.prediction_before,
        "Prediction after": result.prediction_after,
    }
    return {
        name: _smaller(encode_mask(labels), LARGE // 2)
        for name, labels in masks.items()
        if labels is not None
    }


def _smaller(png: bytes, side: int) -> bytes:
    picture = Image.open(BytesIO(png))
    if max(picture.size) <= side:
        return png
    # Neither an average of differences nor of class numbers would be true.
    picture.thumbnail((side, side), Image.Resampling.NEAREST)
    buffer = BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _image(png: bytes, name: str, width: int) -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    style = f"width:{width}px;max-width:none;image-rendering:pixelated"
    return f'<img alt="{escape(name)}" style="{style}" src="{source}">'


def _strip(pictures: dict[str, bytes], width: int) -> str:
    figures = "".join(
        f'<figure style="margin:0">{_image(png, name, width)}'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for name, png in pictures.items()
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px;margin-bottom:8px">{figures}</div>'


def _table(rows: Sequence[dict[str, str]]) -> str:
    """Return a table; its texts are HTML already. Rows of several kinds share no column."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f'<th style="{CELL}">{name}</th>' for name in names)
    body = "".join(
        "<tr>" + "".join(f'<td style="{CELL}">{row.get(name, "")}</td>' for name in names) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

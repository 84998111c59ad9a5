"""What defences cost and leave, as one picture: clean IoU to the right, robust IoU upwards."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

# In units of the picture: where the axes meet, and how long they are.
LEFT, LOW, WIDTH, HEIGHT = 60, 330, 420, 300
TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
INK, GREY = "#1b637c", "#56626a"
TIP: Final = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    f'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{INK}"/></marker></defs>'
)
NOTE: Final = (
    '<p class="small">Robust IoU: with the truth, after the worst attack on each image. Rings: '
    "attacks that do not know the defence; dots: those that know it among them.</p>"
)
NO_TRUTH: Final = "<p>There is no IoU with the truth to show.</p>"


def chart(points: Sequence[Mapping[str, Any]]) -> str:
    """Return a picture in SVG with its legend and a note.

    Args:
        points: As `robustness_table.points` gives them; what has no IoU is left out.
    """
    known = [one for one in points if None not in (one["clean_iou"], one["before"], one["after"])]
    if not known:
        return NO_TRUTH
    tall = max(380, 60 + 20 * len(known))
    marks = "".join(_marks(place, one) for place, one in enumerate(known, start=1))
    return (
        f'<svg viewBox="0 0 960 {tall}" width="960" role="img" '
        f'aria-label="Clean and robust IoU">{TIP}{_axes()}{marks}</svg>{NOTE}'
    )


def _x(value: float) -> float:
    return round(LEFT + WIDTH * value, 1)


def _y(value: float) -> float:
    return round(LOW - HEIGHT * value, 1)


def _text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}" font-size="13" {more}>{html.escape(words)}</text>'


def _axes() -> str:
    middle, below = 'text-anchor="middle"', 'text-anchor="end"'
    ticks = [_text(_x(tick), LOW + 18, f"{tick:g}", middle) for tick in TICKS]
    ticks += [_text(LEFT - 8, _y(tick) + 4, f"{tick:g}", below) for tick in TICKS]
    turned = f'{middle} transform="rotate(-90 16 {_y(0.5)})"'
    names = _text(_x(0.5), LOW + 40, "Clean IoU", middle) + _text(16, _y(0.5), "Robust IoU", turned)
    lines = f'<path d="M{LEFT},{_y(1)} V{LOW} H{_x(1)}" fill="none" stroke="{GREY}"/>'
    return lines + "".join(ticks) + names


def _marks(place: int, one: Mapping[str, Any]) -> str:
    x, before, after = _x(one["clean_iou"]), _y(one["before"]), _y(one["after"])
    arrow = (
        f'<line x1="{x}" y1="{before}" x2="{x}" y2="{after}" stroke="{INK}" '
        'marker-end="url(#tip)"/>'
    )
    return (
        f'<circle cx="{x}" cy="{before}" r="5" fill="none" stroke="{INK}"/>'
        f'<circle cx="{x}" cy="{after}" r="4" fill="{INK}"/>'
        + (arrow if after - before > 3 else "")
        + _text(x + 8, after + 4, str(place))
        + _text(_x(1) + 40, _y(1) + 20 * place, f"{place} {one['defence']}")
    )

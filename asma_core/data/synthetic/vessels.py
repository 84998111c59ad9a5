"""The retinal vessels: four arcades of arteries and veins that leave the disc and branch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asma_core.data.synthetic.disc import Disc
from asma_core.data.synthetic.noise import Field, blur, chance, step
from asma_core.data.synthetic.strokes import Stroke, draw, wander

_DEEPEST = 2
# What is left of red, green and blue light after a full vessel: blood takes green and blue.
_ABSORPTION = np.asarray([0.36, 0.98, 0.95], dtype=np.float32)


@dataclass(frozen=True)
class Vessels:
    """The strokes of both kinds of vessel."""

    arteries: list[Stroke]
    veins: list[Stroke]


def grow_vessels(rng: np.random.Generator, disc: Disc) -> Vessels:
    """Return vessels that rise from the nasal side of the cup and leave the disc."""
    row, column, cup_radius = disc.cup
    hub = (
        row + rng.normal(0, 0.06) * disc.radius,
        column - disc.temporal * cup_radius * rng.uniform(0.2, 0.8),
    )
    base = disc.radius * rng.uniform(0.085, 0.135)
    trees: tuple[list[Stroke], list[Stroke]] = ([], [])
    for kind, tree in enumerate(trees):
        width = base * (rng.uniform(0.62, 0.8) if kind == 0 else 1.0)
        for upward in (-1, 1):
            for arcade in (True, False):
                share = width * rng.uniform(0.85, 1.1) * (1.0 if arcade else 0.7)
                _grow_trunk(rng, tree, disc, hub, share, upward, arcade)
        for _ in range(int(rng.integers(1, 4))):
            heading = rng.uniform(0, 2 * np.pi)
            _grow(rng, tree, disc, hub, width * rng.uniform(0.25, 0.45), heading, 0.0, 1)
    return Vessels(*trees)


def _grow_trunk(
    rng: np.random.Generator,
    tree: list[Stroke],
    disc: Disc,
    hub: tuple[float, float],
    width: float,
    upward: int,
    arcade: bool,
) -> None:
    """Grow one of the four main vessels; an arcade bends around the macula."""
    start = (hub[0] + rng.normal(0, 0.07) * disc.radius, hub[1] + rng.normal(0, 0.1) * disc.radius)
    side = disc.temporal if arcade else -disc.temporal
    lean = rng.uniform(0.05, 0.5) if arcade else rng.uniform(0.3, 1.0)
    heading = np.arctan2(upward * np.cos(lean), side * np.sin(lean))
    # Towards the horizontal on its own side: clockwise or not depends on both signs.
    bend = -upward * side * (rng.uniform(0.1, 0.28) if arcade else rng.uniform(-0.1, 0.15))
    _grow(rng, tree, disc, start, width, float(heading), bend, 0)


def _grow(
    rng: np.random.Generator,
    tree: list[Stroke],
    disc: Disc,
    start: tuple[float, float],
    width: float,
    heading: float,
    bend: float,
    depth: int,
) -> None:
    """Grow a vessel and its branches; `bend` is in radians per disc radius."""
    stride = disc.radius * 0.09
    reach = int(min(2.2 * disc.size / stride, 90) * (1.0 if depth == 0 else rng.uniform(0.3, 0.7)))
    if reach < 9 or width < 0.35:
        return
    headings = heading + bend * 0.09 * np.arange(reach, dtype=np.float64)
    points = wander(rng, start, headings, stride, rng.uniform(0.08, 0.2))
    along = np.linspace(0.0, 1.0, len(points))
    widths = width * (1.0 - (0.55 if depth == 0 else 0.75) * along)
    if depth == 0:
        # A trunk comes up out of the cup, so its first stretch is seen end on.
        widths[:9] *= np.linspace(0.2, 1.0, 9) ** 0.7
    strength = 1.0 if depth == 0 else rng.uniform(0.4, 0.8)
    tree.append(Stroke(points, widths, strength))
    _branch(rng, tree, disc, points, widths, bend, depth)


def _branch(
    rng: np.random.Generator,
    tree: list[Stroke],
    disc: Disc,
    points: NDArray[np.float64],
    widths: NDArray[np.float64],
    bend: float,
    depth: int,
) -> None:
    if depth >= _DEEPEST:
        return
    inside = np.abs(points - disc.size / 2).max(axis=1) < disc.size / 2 + 10
    places = np.flatnonzero(inside)
    places = places[places < len(points) - 1]
    if len(places) < 6:
        return
    for place in rng.choice(places[4:], min(len(places) - 4, int(rng.integers(1, 5))), False):
        ahead = points[place + 1] - points[place]
        side = 1 if chance(rng, 0.5) else -1
        heading = float(np.arctan2(ahead[0], ahead[1])) + side * rng.uniform(0.4, 1.1)
        start = (float(points[place][0]), float(points[place][1]))
        width = float(widths[place]) * rng.uniform(0.4, 0.72)
        _grow(rng, tree, disc, start, width, heading, -side * rng.uniform(0.0, 0.4), depth + 1)


def paint_vessels(
    rng: np.random.Generator, scene: Field, disc: Disc, vessels: Vessels, wide: bool
) -> Field:
    """Lay the veins, then the arteries with their bright reflex, over the scene."""
    overall = rng.uniform(0.25, 1.25) if wide else rng.uniform(0.8, 1.1)
    fuzz = rng.uniform(0.3, 0.8) * disc.size / 256
    for strokes, darkness in ((vessels.veins, 0.62), (vessels.arteries, 0.42)):
        cover = blur(draw(strokes, disc.size), fuzz) * np.float32(darkness * overall)
        # Over the pale disc the column of blood looks thinner and redder.
        scene = scene * (1.0 - np.clip(cover, 0.0, 0.95)[..., None] * _ABSORPTION)
    if chance(rng, 0.65):
        wider = [stroke for stroke in vessels.arteries + vessels.veins if stroke.widths.max() > 3.0]
        shine = draw(wider, disc.size, 0.28) * np.float32(rng.uniform(0.05, 0.22))
        shine *= step(-disc.cup_depth, 0.1 * disc.radius)
        scene = scene * (1.0 + shine[..., None] * np.asarray([0.6, 1.0, 0.9], dtype=np.float32))
    return np.asarray(scene, dtype=np.float32)

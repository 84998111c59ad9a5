"""The optic disc: where it lies, its rim, its cup, and the atrophy around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asma_core.data.synthetic.noise import (
    Field,
    blend,
    chance,
    fractal_noise,
    smooth_noise,
    step,
)
from asma_core.data.synthetic.outline import Outline, irregular_ellipse, polar

_SMALLEST_RIM = 0.94


@dataclass(frozen=True)
class Disc:
    """A disc with its cup.

    Attributes:
        size: Side of the picture in pixels.
        row: Row of the centre in pixels.
        column: Column of the centre in pixels.
        radius: Mean radius in pixels.
        temporal: 1 if the macula lies to the right, else -1.
        outline: The edge of the disc.
        depth: Pixels inside the disc's edge, float32 (size, size), negative outside.
        cup_depth: The same for the cup's edge.
        cup: Row, column and mean radius of the cup in pixels.
    """

    size: int
    row: float
    column: float
    radius: float
    temporal: int
    outline: Outline
    depth: Field
    cup_depth: Field
    cup: tuple[float, float, float]


def place_disc(rng: np.random.Generator, size: int, wide: bool) -> Disc:
    """Return a disc and a cup of random size, place and shape."""
    diameter = rng.uniform(0.17, 0.68) if wide else rng.uniform(0.34, 0.55)
    radius = diameter * size / 2
    spread = 0.5 - diameter / 2 - 0.03 if wide else 0.12
    row, column = size * (0.5 + rng.uniform(-spread, spread, 2))
    temporal = 1 if chance(rng, 0.5) else -1
    oval = rng.uniform(0.9, 1.25) if wide else rng.uniform(1.0, 1.14)
    axes = (radius * oval**0.5, radius / oval**0.5)
    tilt = rng.uniform(-0.4, 0.4)
    roughness = rng.uniform(0.004, 0.03 if wide else 0.016)
    outline = irregular_ellipse(rng, (row, column), axes, tilt, roughness, 5)
    depth = outline.distance(size)
    cup_depth, cup = _place_cup(rng, outline, axes, temporal, wide, size)
    inside = outline.scaled(_SMALLEST_RIM).distance(size)
    cup_depth = np.minimum(cup_depth, inside)
    return Disc(size, row, column, radius, temporal, outline, depth, cup_depth, cup)


def _place_cup(
    rng: np.random.Generator,
    outline: Outline,
    axes: tuple[float, float],
    temporal: int,
    wide: bool,
    size: int,
) -> tuple[Field, tuple[float, float, float]]:
    ratio = 0.25 + 0.55 * rng.beta(2.5, 2.5)
    if wide:
        ratio = rng.uniform(0.2, 0.85)
    free = (1 - ratio) * axes[1]
    row = outline.row + rng.uniform(-0.2, 0.2) * free
    column = outline.column + temporal * rng.uniform(-0.05, 0.4) * free
    broad = rng.uniform(0.88, 1.1)
    cup_axes = (ratio * axes[0], ratio * axes[1] * broad)
    roughness = rng.uniform(0.005, 0.04 if wide else 0.025)
    cup = irregular_ellipse(rng, (row, column), cup_axes, rng.uniform(-0.3, 0.3), roughness, 4)
    return cup.distance(size), (row, column, ratio * axes[1])


def paint_disc(
    rng: np.random.Generator, scene: Field, disc: Disc, base: NDArray[np.float64], wide: bool
) -> Field:
    """Paint the rim and the cup over the retina."""
    rim, cup = _disc_colours(rng, base, wide)
    edge = disc.radius * rng.uniform(0.015, 0.14 if wide else 0.06)
    ragged = 0.012 * disc.radius * fractal_noise(rng, disc.size, 12, 3)
    _, angle = polar(disc.size, disc.row, disc.column)
    # An edge is sharp on one side and blurred on another, most often the nasal one.
    sharpness = np.exp(rng.uniform(0.2, 0.7) * angular_noise(rng, angle, 5))
    cover = step((disc.depth + ragged) * sharpness, edge)
    scene = blend(scene, _rim_picture(rng, disc, rim, 0.2 if wide else 0.1), cover)
    scene = _scleral_ring(rng, scene, disc, cup)
    cup_edge = disc.radius * rng.uniform(0.03, 0.2 if wide else 0.08)
    hollow = step(disc.cup_depth + ragged, cup_edge) * cover
    return blend(scene, _cup_picture(rng, disc, cup), hollow)


def _disc_colours(
    rng: np.random.Generator, base: NDArray[np.float64], wide: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the colours of rim and cup; brightness follows the light on the retina."""
    light = np.clip(base[0] / 0.8, 0.75, 1.15)
    rim = light * np.asarray([0.92, rng.uniform(0.5, 0.62), rng.uniform(0.26, 0.38)])
    cup = light * np.asarray([1.0, rng.uniform(0.67, 0.77), rng.uniform(0.44, 0.62)])
    if not wide:
        # A living rim is translucent: some of the retina's own colour shows.
        return rim + (base * 1.15 - rim) * rng.uniform(0.0, 0.25), cup
    rim = rim * (1.0 + rng.uniform(-0.1, 0.1, 3))
    cup = cup * (1.0 + rng.uniform(-0.1, 0.1, 3))
    rim = base + (rim - base) * rng.uniform(0.3, 1.3)
    # From a cup that hardly differs from the rim to a chalk-white one.
    cup = rim + (cup - rim) * rng.uniform(0.3, 1.2)
    return rim, cup


def _rim_picture(
    rng: np.random.Generator, disc: Disc, colour: NDArray[np.float64], unevenness: float
) -> NDArray[np.float32]:
    """Return the rim's tissue: paler on the temporal side, striped along the nerve fibres."""
    radius, angle = polar(disc.size, disc.row, disc.column)
    paler = np.cos(angle) * disc.temporal * rng.uniform(0.0, unevenness)
    stripes = angular_noise(rng, angle, 60) * rng.uniform(0.0, 0.03)
    mottle = fractal_noise(rng, disc.size, 256 / max(disc.radius, 8.0), 3) * rng.uniform(0.02, 0.06)
    fall = (radius / disc.radius - 0.7) * rng.uniform(-0.22, 0.02)
    shade = (1.0 + paler + stripes + mottle + fall)[..., None]
    return np.asarray(shade * colour, dtype=np.float32)


def _cup_picture(
    rng: np.random.Generator, disc: Disc, colour: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the cup: brightest at its floor, with the pores of the lamina cribrosa."""
    deep = np.clip(disc.cup_depth / max(disc.cup[2], 1.0), 0.0, 1.0)
    pores = smooth_noise(rng, disc.size, 4.5 * disc.size / disc.radius)
    pores = np.clip(-pores, 0.0, 1.5) * np.clip(deep * 2 - 0.3, 0.0, 1.0)
    shade = 0.97 + rng.uniform(0.0, 0.1) * deep - rng.uniform(0.0, 0.07) * pores
    shade += fractal_noise(rng, disc.size, 5, 2) * 0.015
    tint = np.asarray([1.0, 1.0, 1.0]) - pores[..., None] * np.asarray([0.01, 0.02, 0.03])
    return np.asarray(shade[..., None] * colour * tint, dtype=np.float32)


def _scleral_ring(
    rng: np.random.Generator, scene: Field, disc: Disc, cup: NDArray[np.float64]
) -> Field:
    if not chance(rng, 0.45):
        return scene
    _, angle = polar(disc.size, disc.row, disc.column)
    width = disc.radius * rng.uniform(0.025, 0.06)
    ring = np.exp(-(((disc.depth - width) / width) ** 2))
    part = np.clip(0.5 + angular_noise(rng, angle, 4), 0.0, 1.0)
    return blend(scene, cup * 0.95, ring * part * np.float32(rng.uniform(0.08, 0.38)))


def paint_atrophy(
    rng: np.random.Generator, scene: Field, disc: Disc, base: NDArray[np.float64], wide: bool
) -> Field:
    """Paint a pale crescent beside the disc, a pigmented border, or a dark halo."""
    if not chance(rng, 0.65 if wide else 0.45):
        return scene
    _, angle = polar(disc.size, disc.row, disc.column)
    aim = rng.normal(0.0 if disc.temporal > 0 else np.pi, 0.6)
    facing = np.clip(np.cos(angle - aim), 0.0, 1.0) ** rng.uniform(0.5, 2.0)
    if chance(rng, 0.2):
        facing = 0.5 + 0.5 * facing
    ragged = 1.0 + 0.25 * angular_noise(rng, angle, 12)
    width = disc.radius * rng.uniform(0.08, 0.75 if wide else 0.45) * facing * ragged
    zone = step(disc.depth + width, disc.radius * rng.uniform(0.02, 0.06))
    mottle = 1.0 + 0.35 * fractal_noise(rng, disc.size, 14, 3)
    colour = np.asarray([0.93, 0.66, 0.44]) * np.clip(base[0] / 0.8, 0.7, 1.1)
    pale = zone * np.clip(mottle, 0.0, 1.4) * np.float32(rng.uniform(0.1, 0.75 if wide else 0.5))
    scene = blend(scene, colour, np.clip(pale, 0.0, 0.9))
    border = np.exp(-(((disc.depth + width) / (0.05 * disc.radius)) ** 2)) * facing
    dark = np.clip(border * (mottle - 0.4) * rng.uniform(0.0, 0.7), 0.0, 0.8)
    return blend(scene, base * np.asarray([0.5, 0.4, 0.4]), dark.astype(np.float32))


def angular_noise(rng: np.random.Generator, angle: Field, cells: int) -> Field:
    """Return noise that depends on the angle (radians, [0, 2 pi)) only and has no seam."""
    knots = rng.standard_normal(cells)
    knots = np.append(knots, knots[0])
    position = angle * np.float32(cells / (2 * np.pi))
    whole = np.minimum(position.astype(np.int64), cells - 1)
    rest = position - whole
    smooth = rest * rest * (3 - 2 * rest)
    return np.asarray(knots[whole] * (1 - smooth) + knots[whole + 1] * smooth, dtype=np.float32)

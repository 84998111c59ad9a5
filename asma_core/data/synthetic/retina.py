"""The retina around the disc: colour, choroid, nerve fibres, macula and lesions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asma_core.data.synthetic.disc import Disc, angular_noise
from asma_core.data.synthetic.noise import (
    Field,
    blend,
    chance,
    fractal_noise,
    smooth_noise,
    spot,
    step,
)
from asma_core.data.synthetic.outline import irregular_ellipse, polar

# Orange, deep red, brown, pale, dark, and the near-grey of an old film camera.
_BASES = np.asarray(
    [
        [0.80, 0.42, 0.20],
        [0.72, 0.27, 0.12],
        [0.58, 0.34, 0.20],
        [0.86, 0.54, 0.34],
        [0.50, 0.20, 0.10],
        [0.78, 0.34, 0.24],
    ]
)


def paint_retina(
    rng: np.random.Generator, disc: Disc, wide: bool
) -> tuple[Field, NDArray[np.float64]]:
    """Return the retina without disc and vessels, (size, size, 3), and its mean colour (3,)."""
    base = _base_colour(rng, wide)
    texture = _choroid(rng, disc, wide)
    tint = np.asarray([0.45, 1.0, 1.1]) * rng.uniform(0.5, 1.0 if not wide else 1.6)
    fibres = _nerve_fibres(rng, disc, wide)[..., None] * np.asarray([0.5, 1.0, 1.2])
    scene = np.asarray(base * (1.0 + texture[..., None] * tint) * (1.0 + fibres), dtype=np.float32)
    scene = _macula(rng, scene, disc)
    return np.asarray(np.clip(scene, 0.01, 1.2), dtype=np.float32), base


def _base_colour(rng: np.random.Generator, wide: bool) -> NDArray[np.float64]:
    first, second = rng.choice(len(_BASES), 2, replace=False)
    mix = rng.uniform(0.0, 0.5)
    base = _BASES[first] * (1 - mix) + _BASES[second] * mix
    if not wide:
        return np.asarray(base * (1.0 + rng.uniform(-0.05, 0.05, 3)))
    base = base * (1.0 + rng.uniform(-0.2, 0.2, 3)) * rng.uniform(0.6, 1.15)
    if chance(rng, 0.12):
        grey = base.mean()
        base = grey + (base - grey) * rng.uniform(0.0, 0.6)
    return np.asarray(base)


def _choroid(rng: np.random.Generator, disc: Disc, wide: bool) -> Field:
    """Return grain, clouds, and at times the pale and dark bands of a tessellated fundus."""
    size = disc.size
    field = 0.035 * fractal_noise(rng, size, 24, 3) + 0.05 * fractal_noise(rng, size, 2, 3)
    if chance(rng, 0.5):
        bands = fractal_noise(rng, size, rng.uniform(5, 11), 2)
        # The zero line of a noise is a net of winding bands, as choroidal vessels are.
        net = np.exp(-((bands / rng.uniform(0.25, 0.45)) ** 2)) - 0.4
        patch = np.clip(0.5 + smooth_noise(rng, size, 2), 0.0, 1.0)
        field = field + net * patch * rng.uniform(0.04, 0.25 if wide else 0.14)
    if chance(rng, 0.4):
        blotch = np.clip(fractal_noise(rng, size, rng.uniform(4, 10), 3) - 0.7, 0.0, 1.0)
        field = field - blotch * rng.uniform(0.05, 0.4 if wide else 0.2)
    return np.asarray(field, dtype=np.float32)


def _nerve_fibres(rng: np.random.Generator, disc: Disc, wide: bool) -> Field:
    """Return the fine bright striae that fan out of the disc, strongest above and below."""
    radius, angle = polar(disc.size, disc.row, disc.column)
    reach = radius / disc.radius
    swirl = 0.25 * disc.temporal * np.cos(angle) * np.clip(reach - 1, 0, 4) * np.sin(angle)
    turned = (angle + swirl) % np.float32(2 * np.pi)
    stripes = angular_noise(rng, turned, 130) + 0.7 * angular_noise(rng, turned, 50)
    poles = 0.25 + np.abs(np.sin(angle)) ** 2
    fade = np.exp(-np.clip(reach - 1, 0, None) / rng.uniform(0.6, 1.6))
    strength = rng.uniform(0.0, 0.05 if wide else 0.03)
    halo = rng.uniform(-0.1, 0.2) * fade if chance(rng, 0.5) else np.float32(0.0)
    return np.asarray(strength * stripes * poles * fade * 2 + halo, dtype=np.float32)


def _macula(rng: np.random.Generator, scene: Field, disc: Disc) -> Field:
    column = disc.column + disc.temporal * disc.radius * rng.uniform(4.2, 5.4)
    row = disc.row + disc.radius * rng.uniform(0.1, 0.7)
    shade = spot(disc.size, row, column, disc.radius * rng.uniform(0.8, 1.4))
    shade *= np.float32(rng.uniform(0.15, 0.4))
    tint = np.asarray([0.6, 1.0, 1.0], dtype=np.float32)
    return np.asarray(scene * (1.0 - shade[..., None] * tint), dtype=np.float32)


def paint_lesions(
    rng: np.random.Generator, scene: Field, disc: Disc, base: NDArray[np.float64], wide: bool
) -> Field:
    """Paint what is not disc: bright exudates and reflections, dark haemorrhages and pigment."""
    if chance(rng, 0.35 if wide else 0.06):
        cover = _spots(rng, disc, int(rng.integers(3, 25)), 0.012)
        scene = blend(
            scene, np.asarray([0.95, 0.85, 0.5]) * np.clip(base[0] / 0.8, 0.6, 1.1), cover
        )
    if chance(rng, 0.3 if wide else 0.06):
        cover = _spots(rng, disc, int(rng.integers(1, 10)), 0.02)
        scene = blend(scene, base * np.asarray([0.5, 0.25, 0.3]), cover * np.float32(0.85))
    if wide and chance(rng, 0.45):
        scene = _pale_patch(rng, scene, disc, base)
    if wide and chance(rng, 0.3):
        row, column = rng.uniform(0, disc.size, 2)
        glow = spot(disc.size, row, column, disc.size * rng.uniform(0.03, 0.2))
        scene = scene * (1 + rng.uniform(0.1, 0.5) * glow[..., None] * _away(disc)[..., None])
    return np.asarray(scene, dtype=np.float32)


def _away(disc: Disc) -> Field:
    """Return 0 on the disc rising to 1 a little outside it."""
    return np.asarray(np.clip(-disc.depth / (0.25 * disc.radius) - 0.2, 0.0, 1.0), np.float32)


def _spots(rng: np.random.Generator, disc: Disc, count: int, radius: float) -> Field:
    cover = np.zeros((disc.size, disc.size), dtype=np.float32)
    centre = rng.uniform(0, disc.size, 2)
    for _ in range(count):
        row, column = centre + rng.normal(0, 0.14 * disc.size, 2)
        extent = disc.size * radius * rng.lognormal(0.0, 0.5)
        cover = np.maximum(cover, spot(disc.size, row, column, extent))
    ragged = cover + 0.12 * fractal_noise(rng, disc.size, 30, 2)
    cover = step(ragged - 0.6, 0.1) * _away(disc) * rng.uniform(0.3, 0.95)
    return np.asarray(cover, dtype=np.float32)


def _pale_patch(
    rng: np.random.Generator, scene: Field, disc: Disc, base: NDArray[np.float64]
) -> Field:
    """Paint a bright, fairly round blotch that could be taken for a disc but has no vessels."""
    row, column = rng.uniform(0, disc.size, 2)
    radius = disc.radius * rng.uniform(0.2, 0.8)
    axes = (radius * rng.uniform(0.6, 1.5), radius)
    shape = irregular_ellipse(rng, (row, column), axes, rng.uniform(0, 3), 0.12, 8)
    soft = radius * rng.uniform(0.05, 0.6)
    cover = step(shape.distance(disc.size), soft) * _away(disc)
    colour = base * rng.uniform(1.1, 1.6) + rng.uniform(-0.05, 0.1, 3)
    return blend(scene, colour, cover * np.float32(rng.uniform(0.2, 0.9)))

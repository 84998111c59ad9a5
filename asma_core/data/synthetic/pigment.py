"""The lesion: brown shades, pigment network, globules, streaks, blue-white veil, regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asma_core.data.synthetic.noise import (
    Field,
    blend,
    chance,
    fractal_noise,
    grid,
    smooth_noise,
    spot,
    step,
)
from asma_core.data.synthetic.outline import polar

# Melanin from light brown over dark brown to black-brown, and a reddish one.
_BROWNS = np.asarray(
    [
        [0.62, 0.40, 0.27],
        [0.48, 0.29, 0.19],
        [0.36, 0.21, 0.15],
        [0.24, 0.15, 0.12],
        [0.56, 0.32, 0.26],
    ]
)


def paint_lesion(
    rng: np.random.Generator,
    scene: Field,
    skin: NDArray[np.float64],
    depth: Field,
    wide: bool,
) -> Field:
    """Paint a pigmented lesion where `depth` (pixels inside its outline) is positive."""
    size = depth.shape[0]
    radius = max(float(depth.max()), 4.0)
    softness = radius * rng.uniform(0.02, 0.22 if wide else 0.1)
    softness_map = softness * np.exp(0.5 * smooth_noise(rng, size, 3))
    cover = 1.0 / (1.0 + np.exp(-2.0 * np.clip(depth / softness_map, -12.0, 12.0)))
    weakest = 0.3 if wide else 0.62
    pigment = _pigment(rng, skin, depth, radius) * (0.8 + 0.2 * scene / skin)
    density = np.clip(1.0 + 0.12 * fractal_noise(rng, size, 6, 3), 0.5, 1.2)
    amount = np.clip(cover * density * rng.uniform(weakest, 0.98), 0.0, 1.0)
    painted = blend(scene, pigment.astype(np.float32), amount.astype(np.float32))
    return _structures(rng, painted, depth, radius, cover.astype(np.float32))


def _pigment(
    rng: np.random.Generator, skin: NDArray[np.float64], depth: Field, radius: float
) -> NDArray[np.float64]:
    """Return the pigment's colour at each pixel: two or three browns in uneven zones."""
    size = depth.shape[0]
    light, dark, third = _BROWNS[rng.choice(len(_BROWNS), 3, replace=False)]
    if light.sum() < dark.sum():
        light, dark = dark, light
    light = light * 0.75 + skin * 0.25
    inner = np.clip(depth / radius, 0.0, 1.0)
    lean = smooth_noise(rng, size, 1.5) * rng.uniform(0.1, 0.5)
    clouds = fractal_noise(rng, size, rng.uniform(4, 9), 4) * rng.uniform(0.1, 0.4)
    share = np.clip(inner * rng.uniform(-0.4, 1.2) + lean + clouds + 0.3, 0.0, 1.0)[..., None]
    colour = light * (1 - share) + dark * share
    zone = np.clip(smooth_noise(rng, size, 2.5) - rng.uniform(0.2, 1.0), 0.0, 1.0)[..., None]
    return np.asarray(colour * (1 - zone) + third * zone)


def _structures(
    rng: np.random.Generator, scene: Field, depth: Field, radius: float, cover: Field
) -> Field:
    if chance(rng, 0.6):
        scene = _network(rng, scene, cover)
    if chance(rng, 0.45):
        scene = _globules(rng, scene, depth, radius)
    if chance(rng, 0.22):
        scene = _streaks(rng, scene, depth, radius)
    if chance(rng, 0.25):
        scene = _veil(rng, scene, depth, radius, [0.52, 0.57, 0.66])
    if chance(rng, 0.2):
        scene = _veil(rng, scene, depth, radius, [0.80, 0.66, 0.60])
    return scene


def _network(rng: np.random.Generator, scene: Field, cover: Field) -> Field:
    """Darken the lines between round holes, a honeycomb bent by noise."""
    size = cover.shape[0]
    rows, columns = grid(size)
    pitch = size / rng.uniform(26, 44)
    bend = pitch * 0.9
    rows = rows + bend * fractal_noise(rng, size, 7, 2)
    columns = columns + bend * fractal_noise(rng, size, 7, 2)
    waves = [
        np.cos(2 * np.pi * (rows * np.cos(turn) + columns * np.sin(turn)) / pitch)
        for turn in (0.0, np.pi / 3, 2 * np.pi / 3)
    ]
    lines = np.clip(0.3 - (waves[0] + waves[1] + waves[2]) / 2.0, 0.0, 1.0)
    patch = np.clip(smooth_noise(rng, size, 3) + 0.5, 0.0, 1.0)
    dark = lines * patch * cover * np.float32(rng.uniform(0.15, 0.45))
    return blend(scene, scene * np.asarray([0.5, 0.42, 0.42], dtype=np.float32), dark)


def _globules(rng: np.random.Generator, scene: Field, depth: Field, radius: float) -> Field:
    size = depth.shape[0]
    places = np.argwhere(depth > 0.08 * radius)
    if len(places) == 0:
        return scene
    dots = np.zeros((size, size), dtype=np.float32)
    extent = size * rng.uniform(0.006, 0.013)
    for row, column in places[rng.integers(0, len(places), int(rng.integers(10, 45)))]:
        dots = np.maximum(dots, spot(size, row, column, extent * rng.uniform(0.6, 1.3)))
    cover = step(dots - 0.55, 0.12) * np.float32(rng.uniform(0.3, 0.75))
    return blend(scene, scene * np.asarray([0.5, 0.45, 0.45], dtype=np.float32), cover)


def _streaks(rng: np.random.Generator, scene: Field, depth: Field, radius: float) -> Field:
    """Paint dark radial lines near the border."""
    size = depth.shape[0]
    row, column = np.argwhere(depth == depth.max())[0]
    _, angle = polar(size, float(row), float(column))
    count = int(rng.integers(24, 52))
    fan = np.cos(angle * count + 3.0 * fractal_noise(rng, size, 5, 3)) - 0.2
    near = np.exp(-(((depth - 0.12 * radius) / (0.14 * radius)) ** 2))
    sector = np.clip(np.cos(angle - rng.uniform(0, 2 * np.pi)) + 0.2, 0.0, 1.0)
    dark = np.clip(fan, 0.0, 1.0) * near * sector * (depth > -2) * rng.uniform(0.3, 0.8)
    return blend(scene, np.asarray([0.22, 0.14, 0.11]), dark.astype(np.float32))


def _veil(
    rng: np.random.Generator, scene: Field, depth: Field, radius: float, colour: list[float]
) -> Field:
    """Paint a structureless zone well inside the lesion."""
    size = depth.shape[0]
    inside = step(depth - 0.25 * radius, 0.12 * radius)
    zone = np.clip(smooth_noise(rng, size, 3) * 1.2 + 0.1, 0.0, 1.0)
    amount = inside * zone * np.float32(rng.uniform(0.2, 0.6))
    return blend(scene, np.asarray(colour), amount)

"""What lies between skin and lens: hairs, gel bubbles, a ruler, the dark tube of the instrument."""

from __future__ import annotations

import numpy as np

from asma_core.data.synthetic.noise import Field, blend, blur, chance, spot
from asma_core.data.synthetic.outline import polar
from asma_core.data.synthetic.strokes import Stroke, draw, wander


def paint_hairs(rng: np.random.Generator, scene: Field) -> Field:
    """Lay a few or many curved hairs, with a faint shadow, over the picture."""
    size = scene.shape[0]
    lie = rng.uniform(0, 2 * np.pi)
    strokes = [_hair(rng, size, lie) for _ in range(int(rng.integers(2, 22)))]
    cover = draw(strokes, size)
    shadow = np.roll(blur(cover, 1.0), (1, 1), axis=(0, 1)) * np.float32(0.2)
    scene = scene * (1.0 - shadow[..., None])
    colours = np.asarray([[0.12, 0.08, 0.07], [0.25, 0.16, 0.10], [0.45, 0.33, 0.22]])
    return blend(scene, rng.choice(colours), blur(cover, 0.4) * np.float32(rng.uniform(0.6, 0.95)))


def _hair(rng: np.random.Generator, size: int, lie: float) -> Stroke:
    count = int(rng.integers(25, 70))
    heading = rng.normal(lie, 0.5) + np.cumsum(np.full(count, rng.normal(0, 0.018)))
    start = rng.uniform(-0.1, 1.1, 2) * size
    points = wander(rng, (float(start[0]), float(start[1])), heading, size / 60, 0.03)
    width = size / 256 * rng.uniform(0.8, 2.2)
    taper = np.clip(np.linspace(1.2, 0.3, len(points)), 0.3, 1.0)
    return Stroke(points, width * taper, rng.uniform(0.7, 1.0))


def paint_bubbles(rng: np.random.Generator, scene: Field) -> Field:
    """Paint bubbles of the contact gel: a bright rim, a dark edge and a small reflection."""
    size = scene.shape[0]
    for _ in range(int(rng.integers(1, 7))):
        row, column = rng.uniform(0, size, 2)
        radius = size * 0.012 * rng.lognormal(0.0, 0.6)
        distance, _ = polar(size, row, column)
        rim = np.exp(-(((distance - radius) / (0.16 * radius + 0.5)) ** 2))
        edge = np.exp(-(((distance - 1.25 * radius) / (0.16 * radius + 0.5)) ** 2))
        scene = scene * (1.0 - 0.14 * edge[..., None])
        scene = blend(
            scene, np.asarray([1.0, 0.98, 0.95]), rim * np.float32(rng.uniform(0.05, 0.25))
        )
        glint = spot(size, row - 0.4 * radius, column - 0.4 * radius, 0.18 * radius + 0.5)
        scene = blend(scene, np.ones(3), glint * np.float32(rng.uniform(0.4, 0.9)))
    return scene


def paint_ruler(rng: np.random.Generator, scene: Field) -> Field:
    """Paint the tick marks of a scale along one edge, every fifth one longer."""
    size = scene.shape[0]
    pitch = size * rng.uniform(0.02, 0.05)
    inset = size * rng.uniform(0.01, 0.08)
    length = size * rng.uniform(0.025, 0.045)
    width = np.full(2, size / 256 * rng.uniform(0.9, 1.8))
    ticks = []
    for index, place in enumerate(np.arange(rng.uniform(0, pitch), size, pitch)):
        reach = length * (1.8 if index % 5 == 0 else 1.0)
        ticks.append(Stroke(np.asarray([[inset, place], [inset + reach, place]]), width))
    cover = np.rot90(draw(ticks, size), int(rng.integers(0, 4)))
    ink = np.asarray([0.08, 0.08, 0.1]) if chance(rng, 0.7) else np.asarray([0.95, 0.95, 0.95])
    return blend(scene, ink, np.ascontiguousarray(cover) * np.float32(rng.uniform(0.6, 0.95)))


def tube(rng: np.random.Generator, size: int) -> Field:
    """Return the light that the round tube lets through: 1 inside, nearly 0 in the corners."""
    row, column = size * (0.5 + rng.uniform(-0.04, 0.04, 2))
    distance, _ = polar(size, row, column)
    radius = size * rng.uniform(0.56, 0.68)
    softness = size * rng.uniform(0.006, 0.05)
    light = np.clip((radius - distance) / softness + 0.5, 0.0, 1.0)
    return np.asarray(0.03 + 0.97 * light * light * (3 - 2 * light), dtype=np.float32)

"""Colour fundus photographs around the optic disc, with the disc rim and the cup as masks.

Every layer follows what fundus photographs show: choroid, nerve fibres, atrophy around the disc,
disc and cup, vessels on top, lesions now and then, and at last the camera.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from asma_core.data.synthetic.camera import Camera, photograph
from asma_core.data.synthetic.disc import Disc, paint_atrophy, paint_disc, place_disc
from asma_core.data.synthetic.noise import Field, chance, grid
from asma_core.data.synthetic.retina import paint_lesions, paint_retina
from asma_core.data.synthetic.vessels import grow_vessels, paint_vessels

_CAMERA = Camera(light=0.12, vignette=0.2, cast=0.05, gamma=0.12, exposure=0.08, blur=1.0)
_WIDE_CAMERA = Camera(
    light=0.3,
    vignette=0.5,
    cast=0.2,
    gamma=0.35,
    exposure=0.28,
    blur=3.2,
    noise=0.04,
    jpeg=0.5,
    lowest_quality=35,
)


def fundus_pair(
    rng: np.random.Generator, size: int = 256, wide: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a made-up fundus photograph around the optic disc and its mask.

    Args:
        rng: The source of randomness; the same state gives the same picture.
        size: Side of the square picture in pixels, at least 32.
        wide: Vary everything far more than real pictures do, for training.

    Returns:
        The image, uint8 (size, size, 3), and the mask, uint8 (size, size):
        0 background, 1 disc rim, 2 cup.
    """
    disc = place_disc(rng, size, wide)
    scene, base = paint_retina(rng, disc, wide)
    scene = paint_atrophy(rng, scene, disc, base, wide)
    scene = paint_disc(rng, scene, disc, base, wide)
    vessels = grow_vessels(rng, disc)
    scene = paint_vessels(rng, scene, disc, vessels, wide)
    scene = paint_lesions(rng, scene, disc, base, wide)
    scene = _haze(rng, scene, disc, wide)
    seen = _field_of_view(rng, disc, wide)
    image = photograph(rng, scene * seen[..., None], _camera(rng, wide))
    return image, _mask(disc, seen)


def _camera(rng: np.random.Generator, wide: bool) -> Camera:
    if not wide:
        return _CAMERA
    # Half of the training pictures are sharp, so that fine edges are learnt too.
    return _WIDE_CAMERA if chance(rng, 0.5) else replace(_WIDE_CAMERA, blur=1.2)


def _mask(disc: Disc, seen: Field) -> NDArray[np.uint8]:
    mask = np.zeros(disc.depth.shape, dtype=np.uint8)
    mask[disc.depth > 0] = 1
    mask[(disc.depth > 0) & (disc.cup_depth > 0)] = 2
    mask[seen < 0.5] = 0
    return mask


def _haze(rng: np.random.Generator, scene: Field, disc: Disc, wide: bool) -> Field:
    """Add the veil of a cloudy lens or a reflection at an edge of the pupil."""
    if not chance(rng, 0.5 if wide else 0.15):
        return scene
    rows, columns = grid(disc.size)
    angle = rng.uniform(0, 2 * np.pi)
    across = (np.cos(angle) * (columns / disc.size - 0.5)) + np.sin(angle) * (
        rows / disc.size - 0.5
    )
    strength = rng.uniform(0.0, 0.45 if wide else 0.14)
    veil = np.clip(across + rng.uniform(-0.5, 0.4), 0.0, 1.0) * np.float32(strength)
    colour = np.asarray(rng.choice([[0.8, 0.8, 0.9], [0.9, 0.7, 0.5], [0.7, 0.8, 0.7]]))
    return np.asarray(scene * (1 - veil[..., None]) + veil[..., None] * colour, dtype=np.float32)


def _field_of_view(rng: np.random.Generator, disc: Disc, wide: bool) -> Field:
    """Return 1 inside the round field of the camera, 0 outside, with a soft edge."""
    if not chance(rng, 0.2 if wide else 0.08):
        return np.ones((disc.size, disc.size), dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    # The edge stays outside the disc, at a random place between it and the corner.
    gap = disc.radius * rng.uniform(1.4, 2.2) + rng.uniform(0.05, 0.35) * disc.size
    field_radius = disc.size * rng.uniform(1.0, 2.0)
    rows, columns = grid(disc.size)
    row = disc.row + np.sin(angle) * (gap - field_radius)
    column = disc.column + np.cos(angle) * (gap - field_radius)
    inside = field_radius - np.hypot(rows - row, columns - column)
    return np.asarray(np.clip(inside / 2.0 + 0.5, 0.0, 1.0), dtype=np.float32)

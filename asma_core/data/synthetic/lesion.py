"""Dermoscopy pictures of pigmented skin lesions, with the lesion as mask.

Layers from below: skin with its furrows and pores, the lesion's pigment and structures, then what
lies on the skin (gel bubbles, hairs, a ruler), and at last the dermatoscope and its camera.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from asma_core.data.synthetic.camera import Camera, photograph
from asma_core.data.synthetic.noise import Field, chance, fractal_noise
from asma_core.data.synthetic.outline import irregular_ellipse
from asma_core.data.synthetic.overlay import paint_bubbles, paint_hairs, paint_ruler, tube
from asma_core.data.synthetic.pigment import paint_lesion
from asma_core.data.synthetic.skin import paint_skin

_CAMERA = Camera(light=0.1, vignette=0.22, cast=0.04, gamma=0.1, exposure=0.08, blur=0.9)
_WIDE_CAMERA = Camera(
    light=0.3,
    vignette=0.55,
    cast=0.16,
    gamma=0.35,
    exposure=0.3,
    blur=2.6,
    noise=0.035,
    jpeg=0.5,
    lowest_quality=40,
)


def lesion_pair(
    rng: np.random.Generator, size: int = 256, wide: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a made-up dermoscopy picture and its mask.

    Args:
        rng: The source of randomness; the same state gives the same picture.
        size: Side of the square picture in pixels, at least 32.
        wide: Vary everything far more than real pictures do, for training.

    Returns:
        The image, uint8 (size, size, 3), and the mask, uint8 (size, size): 0 skin, 1 lesion.
    """
    depth = _shape(rng, size, wide)
    scene, skin = paint_skin(rng, size, wide)
    scene = paint_lesion(rng, scene, skin, depth, wide)
    if chance(rng, 0.3):
        scene = paint_bubbles(rng, scene)
    if chance(rng, 0.5 if wide else 0.4):
        scene = paint_hairs(rng, scene)
    if chance(rng, 0.25):
        scene = paint_ruler(rng, scene)
    if chance(rng, 0.25):
        scene = scene * tube(rng, size)[..., None]
    camera = _WIDE_CAMERA if wide else _CAMERA
    if wide and chance(rng, 0.5):
        camera = replace(camera, blur=1.2)
    return photograph(rng, scene, camera), (depth > 0).astype(np.uint8)


def _shape(rng: np.random.Generator, size: int, wide: bool) -> Field:
    """Return the depth inside the lesion in pixels: two blobs grown together, roughened."""
    radius = size * (rng.uniform(0.08, 0.42) if wide else rng.uniform(0.14, 0.33))
    spread = 0.22 if wide else 0.1
    row, column = size * (0.5 + rng.uniform(-spread, spread, 2))
    oval = rng.uniform(0.7, 1.0)
    tilt = rng.uniform(0, np.pi)
    axes = (radius * oval, radius)
    rough = rng.uniform(0.02, 0.1)
    depth = irregular_ellipse(rng, (row, column), axes, tilt, rough, 9).distance(size)
    if chance(rng, 0.5):
        angle = rng.uniform(0, 2 * np.pi)
        beside = (row + np.sin(angle) * radius * 0.6, column + np.cos(angle) * radius * 0.6)
        share = radius * rng.uniform(0.4, 0.75)
        other = irregular_ellipse(rng, beside, (share, share * 0.8), angle, rough, 9)
        depth = np.maximum(depth, other.distance(size))
    ragged = fractal_noise(rng, size, 9, 3) * radius * rng.uniform(0.01, 0.07)
    return _one_piece(np.asarray(depth + ragged, dtype=np.float32))


def _one_piece(depth: Field) -> Field:
    """Keep the largest connected piece, so that the outline is one closed line."""
    pieces, count = ndimage.label(depth > 0)
    if count < 2:
        return depth
    largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return np.where((depth > 0) & (pieces != largest), np.float32(-1.0), depth)

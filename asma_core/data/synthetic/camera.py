"""What light, lens, sensor and file format do to a picture."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.synthetic.noise import Field, blur, chance, fractal_noise, smooth_noise
from asma_core.data.synthetic.outline import polar


@dataclass(frozen=True)
class Camera:
    """How strongly a camera may spoil a picture; each number is a highest value.

    Attributes:
        light: Unevenness of the light as a share.
        vignette: Darkening of the corners as a share.
        cast: Change of one channel's gain as a share.
        gamma: Change of the exponent as a share.
        exposure: Change of the overall gain as a share.
        blur: Blur in pixels at 256 pixels a side.
        noise: Standard deviation of the sensor noise.
        jpeg: Probability of JPEG compression.
        lowest_quality: Lowest JPEG quality.
    """

    light: float = 0.22
    vignette: float = 0.25
    cast: float = 0.06
    gamma: float = 0.12
    exposure: float = 0.1
    blur: float = 1.1
    noise: float = 0.014
    jpeg: float = 0.5
    lowest_quality: int = 70


def photograph(rng: np.random.Generator, scene: Field, camera: Camera) -> NDArray[np.uint8]:
    """Return a scene, float32 (H, H, 3) near [0, 1], as the camera would store it, uint8."""
    image = scene * _light(rng, scene.shape[0], camera)[..., None]
    image = blur(image, rng.uniform(0.0, camera.blur) * scene.shape[0] / 256)
    image = _colours(rng, image, camera)
    image = _sensor_noise(rng, image, camera)
    stored = (np.clip(image, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    if chance(rng, camera.jpeg):
        return through_jpeg(stored, int(rng.integers(camera.lowest_quality, 96)))
    return stored


def through_jpeg(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return the image, uint8 (H, W, 3), after JPEG compression of that quality."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    file.seek(0)
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))


def _light(rng: np.random.Generator, size: int, camera: Camera) -> Field:
    uneven = smooth_noise(rng, size, rng.uniform(0.6, 2.0)) * rng.uniform(0.0, camera.light)
    row, column = rng.uniform(0.3, 0.7, 2) * size
    radius, _ = polar(size, row, column)
    fall = rng.uniform(0.0, camera.vignette) * (radius / (0.7 * size)) ** rng.uniform(2.0, 4.0)
    return np.asarray(np.clip(1.0 + uneven - fall, 0.12, 1.8), dtype=np.float32)


def _colours(rng: np.random.Generator, image: Field, camera: Camera) -> Field:
    gain = 1.0 + rng.uniform(-camera.cast, camera.cast, 3)
    gain *= 1.0 + rng.uniform(-camera.exposure, camera.exposure)
    exponent = np.exp(rng.uniform(-camera.gamma, camera.gamma) * 1.5)
    bright = np.clip(image * gain.astype(np.float32), 0.0, 1.15)
    return np.asarray(bright ** np.float32(exponent), dtype=np.float32)


def _sensor_noise(rng: np.random.Generator, image: Field, camera: Camera) -> Field:
    size = image.shape[0]
    strength = np.float32(rng.uniform(0.2, 1.0) * camera.noise)
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    if chance(rng, 0.5):
        # Pictures that were enlarged or compressed have coarser grain than a bare sensor.
        grain = blur(grain, 0.7) * np.float32(2.2)
    cloud = fractal_noise(rng, size, size / 16, 2)[..., None] * np.float32(0.4)
    return np.asarray(image + strength * (grain + cloud), dtype=np.float32)

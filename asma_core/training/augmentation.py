"""Random changes of training pictures: geometry for image and mask, colour for the image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from asma_core.training.data import Pair

# A Gaussian that is narrower than this, in pixels, changes nothing.
_LEAST_BLUR: Final = 0.3


@dataclass(frozen=True)
class Augmentation:
    """How far training pictures are changed.

    Attributes:
        flip: Mirror left to right and top to bottom, each half of the time.
        rotation: Largest rotation in degrees, either way.
        scale: Largest factor of enlarging or shrinking.
        stretch: Largest factor between the two axes.
        shift: Largest shift as a share of the picture.
        aspect: Largest ratio of the sides of a batch.
        gain: Largest change of a channel's brightness, as a logarithm.
        gamma: Largest change of the exponent, as a logarithm.
        blur: Largest Gaussian blur in pixels.
        noise: Largest standard deviation of the noise.
    """

    flip: bool = True
    rotation: float = 30.0
    scale: float = 1.35
    stretch: float = 1.12
    shift: float = 0.12
    aspect: float = 1.45
    gain: float = 0.3
    gamma: float = 0.4
    blur: float = 1.6
    noise: float = 0.03


def canvas_size(
    rng: np.random.Generator, augmentation: Augmentation, size: int, multiple: int
) -> tuple[int, int]:
    """Return the height and width of a batch: an area of `size` squared at a random aspect."""
    span = math.log(augmentation.aspect)
    aspect = math.exp(rng.uniform(-span, span)) if rng.random() < 0.6 else 1.0
    height, width = size * aspect**0.5, size / aspect**0.5
    return _rounded(height, multiple), _rounded(width, multiple)


def _rounded(side: float, multiple: int) -> int:
    return max(1, round(side / multiple)) * multiple


def warped(
    pair: Pair,
    rng: np.random.Generator,
    augmentation: Augmentation,
    canvas: tuple[int, int],
    channels: int,
) -> tuple[Tensor, Tensor]:
    """Return an image and its mask, turned, scaled and shifted alike.

    Args:
        pair: The image, uint8 (H, W) or (H, W, 3), and the labels (H, W).
        rng: The source of randomness.
        augmentation: How far.
        canvas: Height and width of what comes back.
        channels: 1 or 3.

    Returns:
        float32 (channels, height, width) in [0, 1] and int64 (1, height, width).
    """
    image, labels = _shrunk(pair, 2 * max(canvas), channels)
    theta = _affine(rng, augmentation, labels.shape, canvas)
    grid = functional.affine_grid(theta, [1, 1, *canvas], align_corners=False)
    # Beyond the picture's edge: its mirror image, or black as beyond the camera's field.
    padding = "reflection" if rng.random() < 0.7 else "zeros"
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255.0
    classes = torch.from_numpy(labels)[None, None].float()
    sample = functional.grid_sample
    warped_image = sample(pixels, grid, mode="bilinear", padding_mode=padding, align_corners=False)
    warped_labels = sample(classes, grid, mode="nearest", padding_mode=padding, align_corners=False)
    return warped_image[0], warped_labels[0].long()


def _shrunk(pair: Pair, longest: int, channels: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Match the channels, and shrink with antialiasing what is far larger than the canvas."""
    picture = Image.fromarray(np.asarray(pair[0])).convert("RGB" if channels == 3 else "L")
    labels = np.asarray(pair[1], dtype=np.uint8)
    if max(picture.size) > longest:
        factor = longest / max(picture.size)
        width, height = (max(1, round(side * factor)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        small = Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST)
        labels = np.asarray(small)
    image = np.array(picture, dtype=np.uint8)
    return image.reshape(*labels.shape, channels), labels.copy()


def _affine(
    rng: np.random.Generator,
    augmentation: Augmentation,
    shape: tuple[int, ...],
    canvas: tuple[int, int],
) -> Tensor:
    """Return the map from canvas to source, both in [-1, 1], float32 (1, 2, 3)."""
    # Source pixels per canvas pixel at equal areas, before the random zoom.
    unit = math.sqrt(shape[0] * shape[1] / (canvas[0] * canvas[1]))
    zoom = _factor(rng, augmentation.scale)
    stretch = _factor(rng, augmentation.stretch)
    angle = math.radians(rng.uniform(-1, 1) * augmentation.rotation)
    flips = [1.0 if rng.random() < 0.5 or not augmentation.flip else -1.0 for _ in range(2)]
    across = unit * zoom * stretch**0.5 * flips[0]
    down = unit * zoom / stretch**0.5 * flips[1]
    half_canvas = (canvas[0] / shape[0], canvas[1] / shape[1])
    ratio = shape[0] / shape[1]
    cosine, sine = math.cos(angle), math.sin(angle)
    shift = rng.uniform(-1, 1, 2) * augmentation.shift
    rows = [
        [across * cosine * half_canvas[1], -down * sine * half_canvas[0] * ratio, shift[0]],
        [across * sine * half_canvas[1] / ratio, down * cosine * half_canvas[0], shift[1]],
    ]
    return torch.tensor([rows], dtype=torch.float32)


def _factor(rng: np.random.Generator, largest: float) -> float:
    span = math.log(largest)
    return math.exp(rng.uniform(-span, span))


def recoloured(images: Tensor, rng: np.random.Generator, augmentation: Augmentation) -> Tensor:
    """Return images, float32 (B, C, H, W) in [0, 1], with other colours, blur and noise."""
    count, channels = images.shape[:2]
    overall = rng.uniform(-1, 1, (count, 1))
    gain = np.exp(augmentation.gain * (overall + rng.uniform(-1, 1, (count, channels))))
    exponent = np.exp(augmentation.gamma * rng.uniform(-1, 1, count))
    images = (images * _per_image(gain)).clamp(1e-4, 1.0) ** _per_image(exponent[:, None])
    if rng.random() < 0.5 and augmentation.blur > _LEAST_BLUR:
        images = _blurred(images, rng.uniform(_LEAST_BLUR, augmentation.blur))
    strength = rng.uniform(0.0, augmentation.noise, (count, 1))
    grain = torch.from_numpy(rng.standard_normal(images.shape, dtype=np.float32))
    return (images + grain * _per_image(strength)).clamp(0.0, 1.0)


def _per_image(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))[:, :, None, None]


def _blurred(images: Tensor, sigma: float) -> Tensor:
    radius = math.ceil(3 * sigma)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    channels = images.shape[1]
    for shape in ((1, 1, -1, 1), (1, 1, 1, -1)):
        weights = kernel.view(shape).repeat(channels, 1, 1, 1)
        pad = (0, 0, radius, radius) if shape[2] == -1 else (radius, radius, 0, 0)
        padded = functional.pad(images, pad, mode="replicate")
        images = functional.conv2d(padded, weights, groups=channels)
    return images

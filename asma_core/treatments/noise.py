"""Noise: the picture is printed and photographed, or sent through a poor camera.

Source: Gaussian, alike in every value, as in Hendrycks and Dietterich, arXiv:1903.12261, there much
stronger (0.08 and more); here about what a good sensor has.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from asma_core.data.formats.images import FloatImage, from_bytes, to_bytes
from asma_core.defences.contract import Network
from asma_core.lazy import Tensor, torch
from asma_core.treatments.contract import Treatment

SIGMA: Final = 0.02
SEED: Final = 20_170_707
# What an attack that shall survive draws from.
MOST_SIGMA: Final = 0.03


def noisy(image: FloatImage) -> FloatImage:
    """Return an image, float32 (C, H, W) in [0, 1], with the same noise at each call."""
    noise = np.random.default_rng(SEED).normal(0.0, SIGMA, image.shape)
    return from_bytes(to_bytes(np.clip(image + noise, 0.0, 1.0).astype(np.float32)))


NOISE: Final = Treatment(
    "noise",
    f"Noise, sigma {SIGMA:g}",
    f"With Gaussian noise of sigma {SIGMA:g} ({255 * SIGMA:.0f} grey levels), always the same.",
    "arXiv:1903.12261",
    noisy,
)


def drawn(network: Network, images: Tensor) -> Tensor:
    """Ask a network about images with noise; its strength is drawn, and one for all of them."""
    sigma = MOST_SIGMA * float(torch.rand(()))
    noise = torch.randn(images.shape[1:]).to(images)
    return network((images + sigma * noise).clamp(0.0, 1.0))

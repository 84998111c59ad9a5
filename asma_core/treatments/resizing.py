"""Resizing: a viewer or a chat shows the file at half its size, and it is brought back.

Source: bilinear with the support of the smaller size, as Pillow does it (`Image.resize`); torch's
`interpolate` with antialias for the gradient.
"""

from __future__ import annotations

from typing import Final

from PIL import Image

from asma_core.data.formats.images import FloatImage
from asma_core.defences.contract import Network
from asma_core.lazy import Tensor, torch
from asma_core.treatments.contract import Treatment
from asma_core.treatments.pictures import image_of, picture_of

SHARE: Final = 0.5
# What an attack that shall survive draws from.
SMALLEST, LARGEST = 0.4, 0.8


def halved(image: FloatImage) -> FloatImage:
    """Return an image, float32 (C, H, W) in [0, 1], made half as large and brought back."""
    picture = picture_of(image)
    width, height = (max(1, round(side * SHARE)) for side in picture.size)
    small = picture.resize((width, height), Image.Resampling.BILINEAR)
    return image_of(small.resize(picture.size, Image.Resampling.BILINEAR))


HALF: Final = Treatment(
    "half",
    "Half size",
    "Made half as large and brought back to its size.",
    "bilinear (Pillow)",
    halved,
)


def drawn(network: Network, images: Tensor) -> Tensor:
    """Ask a network about images that were smaller for a while, by a share that is drawn."""
    share = SMALLEST + float(torch.rand(())) * (LARGEST - SMALLEST)
    size = [max(1, round(side * share)) for side in images.shape[-2:]]
    resize = torch.nn.functional.interpolate
    small = resize(images, size=size, mode="bilinear", antialias=True)
    return network(resize(small, size=images.shape[-2:], mode="bilinear"))

"""Rotation: the picture is scanned or shown a little askew.

What the network says is turned back before it is judged; corners that the picture lost are void.
Source: bilinear about the centre, the corners black, as Pillow does it (`Image.rotate`). For the
gradient torch's `affine_grid` and `grid_sample`, as in Athalye et al., arXiv:1707.07397; there the
corners repeat the picture's border, so that they pull at nothing.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from PIL import Image

from asma_core.data.formats.images import FloatImage
from asma_core.defences.contract import Network
from asma_core.lazy import Tensor, torch
from asma_core.treatments.contract import UNSEEN, Labels, Treatment
from asma_core.treatments.pictures import image_of, picture_of

DEGREES: Final = 1.0
# What an attack that shall survive draws from, either way.
MOST_DEGREES: Final = 2.0


def turned(image: FloatImage) -> FloatImage:
    """Return an image, float32 (C, H, W) in [0, 1], turned anticlockwise by `DEGREES`."""
    return image_of(picture_of(image).rotate(DEGREES, Image.Resampling.BILINEAR))


def turned_back(labels: Labels) -> Labels:
    """Return a mask of a turned picture, int64 (H, W), as one of the image; see `Treatment`."""
    picture = Image.fromarray(labels.astype(np.int32))
    back = picture.rotate(-DEGREES, Image.Resampling.NEAREST, fillcolor=UNSEEN)
    return np.asarray(back).astype(np.int64)


ROTATED: Final = Treatment(
    "rotation",
    "Turned by 1 degree",
    "Turned by 1 degree about its centre; what the network says is turned back.",
    "bilinear (Pillow)",
    turned,
    turned_back,
)


def rotated(planes: Tensor, degrees: float) -> Tensor:
    """Return planes, float32 (B, C, H, W), turned anticlockwise; differentiable."""
    height, width = planes.shape[-2:]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # The grid's axes both go from -1 to 1, whatever the sides are.
    across, down = sine * height / width, sine * width / height
    turn = planes.new_tensor([[cosine, -across, 0.0], [down, cosine, 0.0]])
    turns = turn.expand(len(planes), 2, 3)
    grid = torch.nn.functional.affine_grid(turns, list(planes.shape), align_corners=False)
    found: Tensor = torch.nn.functional.grid_sample(
        planes, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return found


def drawn(network: Network, images: Tensor) -> Tensor:
    """Ask a network about turned images, by an angle that is drawn, and turn the logits back."""
    degrees = MOST_DEGREES * (2 * float(torch.rand(())) - 1)
    return rotated(network(rotated(images, degrees)), -degrees)

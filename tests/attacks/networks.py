"""Small networks and problems for the tests of the attacks."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def small_network(
    classes: int = 2, channels: int = 3, seed: int = 3, padding: int = 1
) -> nn.Module:
    """A few thousand weights, smooth, with batch norm and dropout that a training mode would show.

    Its gain is high and its classes are balanced over the images below, so that small changes
    flip pixels.
    """
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=padding),
        nn.BatchNorm2d(16),
        nn.SiLU(),
        nn.Dropout(0.5),
        nn.Conv2d(16, 16, 3, padding=padding),
        nn.SiLU(),
        nn.Conv2d(16, classes, 3, padding=padding),
    ).eval()
    with torch.no_grad():
        network[0].weight *= 8.0
        network[0].bias -= 0.5 * network[0].weight.sum(dim=(1, 2, 3))
        network[6].weight *= 4.0
        network[6].bias -= network(some_images(8, channels)).mean(dim=(0, 2, 3))
    return network


def some_images(count: int, channels: int = 3, size: int = 32, seed: int = 5) -> Tensor:
    """Smooth pale images, exact in 8 bits, with a corner at 0 and one at 1 to hit the box."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, channels, 8, 8, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=(size, size), mode="bicubic")
    images = ((0.5 + 0.12 * (smooth - 0.5)) * 255.0).round() / 255.0
    images[:, :, :2, :2] = 1.0
    images[:, :, -2:, -2:] = 0.0
    return images


def disc(count: int, size: int = 32, classes: int = 2) -> Tensor:
    """Discs of class 1, with a core of class 2 where there is one, each at its own place."""
    axis = torch.arange(size)
    masks = torch.zeros(count, size, size, dtype=torch.int64)
    for row in range(count):
        away = (axis[:, None] - size * (0.35 + 0.1 * row)) ** 2 + (axis - size * 0.5) ** 2
        masks[row][away < (size * 0.3) ** 2] = 1
        if classes > 2:
            masks[row][away < (size * 0.15) ** 2] = 2
    return masks


class Linear(nn.Module):
    """Two classes; z_1 = w . x and z_0 = -z_1, pixel by pixel."""

    def __init__(self, weights: tuple[float, ...], bias: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weights).view(1, -1, 1, 1))
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(self, images: Tensor) -> Tensor:
        score = (images * self.weight).sum(dim=1, keepdim=True) + self.bias
        return torch.cat((-score, score), dim=1)

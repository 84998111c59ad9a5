"""The architecture of ../shared/real/networks: two U-Nets in a row, as its README says in words."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from asma_core.models.wrapper.outputs import as_logits
from asma_core.models.wrapper.specs import ONE_LOGIT, OutputSpec


class _Block(nn.Module):
    """Two convolutions, each with ReLU and batch norm, and a shortcut around them."""

    def __init__(self, inputs: int, outputs: int, pool: bool = False) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2) if pool else nn.Identity()
        self.block = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.ReLU(),
            nn.BatchNorm2d(outputs),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.ReLU(),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        )

    def forward(self, images: Tensor) -> Tensor:
        images = self.pool(images)
        answer: Tensor = self.block(images) + self.shortcut(images)
        return answer


class _Layers(nn.Module):
    """Layers in a row, under the name that the weights have for them."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.block = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        answer: Tensor = self.block(images)
        return answer


class _Up(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.up_layer = _Layers(nn.ConvTranspose2d(inputs, outputs, 2, stride=2))
        self.conv_bridge_layer = _Layers(
            nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(outputs)
        )
        self.conv_layer = _Block(2 * outputs, outputs)

    def forward(self, below: Tensor, skipped: Tensor) -> Tensor:
        both = [self.up_layer(below), self.conv_bridge_layer(skipped)]
        answer: Tensor = self.conv_layer(torch.cat(both, dim=1))
        return answer


class UNet(nn.Module):
    """A U-Net; `layers` are its channels from the largest map to the smallest."""

    def __init__(self, inputs: int, logits: int, layers: tuple[int, ...]) -> None:
        """Make a network with random weights."""
        super().__init__()
        self.first = _Block(inputs, layers[0])
        self.down_path = nn.ModuleList(
            _Block(larger, smaller, pool=True) for larger, smaller in pairwise(layers)
        )
        self.up_path = nn.ModuleList(
            _Up(smaller, larger) for smaller, larger in pairwise(layers[::-1])
        )
        self.final = nn.Conv2d(layers[0], logits, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K, H, W) of images (B, C, H, W)."""
        maps = [self.first(images)]
        for down in self.down_path:
            maps.append(down(maps[-1]))
        answer = maps.pop()
        for up in self.up_path:
            answer = up(answer, maps.pop())
        logits: Tensor = self.final(answer)
        return logits


class TwoInARow(nn.Module):
    """Two U-Nets; the second takes the image with the first one's logits behind it."""

    def __init__(self, inputs: int, logits: int, layers: tuple[int, ...]) -> None:
        """Make a network with random weights."""
        super().__init__()
        self.unet1 = UNet(inputs, logits, layers)
        self.unet2 = UNet(inputs + logits, logits, layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K, H, W) of images (B, C, H, W)."""
        answer: Tensor = self.unet2(torch.cat([images, self.unet1(images)], dim=1))
        return answer


class TwoLogits(nn.Module):
    """A network of one logit as one of two: background and structure."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network that returns (B, 1, H, W)."""
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, 2, H, W), of which either class can be raised."""
        return as_logits(self.network(images), OutputSpec(ONE_LOGIT))

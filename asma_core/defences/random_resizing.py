"""Random resizing: the network sees the image at a random size and place; its answer is put back.

Source: Xie et al., "Mitigating adversarial effects through randomization", ICLR 2018,
arXiv:1711.01991, there for classifiers: of a segmentation the answer must be moved back to where
the image was, and here the image is made smaller within its own frame, not larger. The frame is
filled with the image's outermost pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asma_core.defences.contract import RANDOM, DefenceEntry, Network
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor, torch


@dataclass(frozen=True)
class RandomResizingSettings(Settings):
    """Settings of the defence."""

    smallest: float = setting(
        0.8,
        "Smallest size",
        "Share of its own size that the image has at least.",
        minimum=0.3,
        maximum=1.0,
    )


def _ask(network: Network, images: Tensor, settings: RandomResizingSettings) -> Tensor:
    return resized_at_random(network, images, settings.smallest)


def resized_at_random(network: Network, images: Tensor, smallest: float) -> Tensor:
    """Ask a network about images that are made smaller and moved within their frame.

    Args:
        network: Answers every pixel of images (B, C, H, W), (B, K, H, W).
        images: float32 (B, C, H, W); all of them are treated alike.
        smallest: Share of its own size that an image has at least.

    Returns:
        What it answers, put back to where the images were.
    """
    height, width = images.shape[-2:]
    share, down, right = torch.rand(3).tolist()
    scale = smallest + share * (1 - smallest)
    size = (max(1, round(scale * height)), max(1, round(scale * width)))
    above, left = round(down * (height - size[0])), round(right * (width - size[1]))
    resize = torch.nn.functional.interpolate
    small = resize(images, size=size, mode="bilinear", antialias=True)
    margins = (left, width - size[1] - left, above, height - size[0] - above)
    answer = network(torch.nn.functional.pad(small, margins, mode="replicate"))
    inside = answer[..., above : above + size[0], left : left + size[1]]
    back: Tensor = resize(inside, size=(height, width), mode="bilinear")
    return back


ENTRY: Final[DefenceEntry[Any]] = DefenceEntry(
    "random-resizing",
    "Random resizing",
    RANDOM,
    "The network sees the image at a random size and place; its answer is put back.",
    "The gradient is the mean over draws (EOT), through resizing and padding.",
    "arXiv:1711.01991",
    RandomResizingSettings,
    _ask,
    random=True,
)

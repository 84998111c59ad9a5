"""Input diversity: some steps see the image a little smaller and moved.

Source: Xie et al., "Improving Transferability of Adversarial Examples with Input Diversity", CVPR
2019, arXiv:1803.06978: with a probability the gradient is that of the image at a random size and
place. Deviations: the image is made smaller within its own frame, by at most a tenth, and the frame
is filled with its outermost pixels, where the paper makes it larger and fills it with zeros; a
network's answer is put back to where the image was, as a segmentation has a place. What counts is
the network's answer to the image as it is: a step that seems a success is asked about again.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from asma_core.attacks.engine.passes import exact_of
from asma_core.defences.random_resizing import resized_at_random
from asma_core.errors import InputError

# Share of its own size that an image has at least; the paper's go from 299 to 330 pixels.
SMALLEST: Final = 0.9


class Diverse(nn.Module):
    """A network that an attack sees so; it draws from torch's generator of the CPU.

    Attributes:
        network: The network, as it is run.
        rounds: That its logits differ from those by which the network is judged.
    """

    rounds = True

    def __init__(self, network: nn.Module, probability: float) -> None:
        """Stand before a network."""
        super().__init__()
        self.network = network
        self._probability = probability

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, K, H, W) of images, float32 (B, C, H, W); one draw for all of them.

        Raises:
            InputError: The network answers for the centre of an image only.
        """
        if float(torch.rand(1)) >= self._probability:
            logits: Tensor = self.network(images)
            return logits
        return resized_at_random(self._whole, images, SMALLEST)

    def _whole(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)
        if logits.shape[-2:] != images.shape[-2:]:
            raise InputError(
                "input diversity moves the image, and this network answers for the centre of it "
                "only; set diversity to 0"
            )
        return logits

    def exact(self, images: Tensor) -> Tensor:
        """Return the logits by which the network is judged."""
        exact = exact_of(self.network)
        if exact is not None:
            return exact(images)
        with torch.no_grad():
            logits: Tensor = self.network(images)
            return logits

"""The model contract: images in [0, 1] go in at their own size, logits of that size come out."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from asma_core.errors import InputError, ModelError
from asma_core.models.wrapper.calls import checked_shape
from asma_core.models.wrapper.devices import is_out_of_memory
from asma_core.models.wrapper.outputs import as_logits, centred, margins, merged, padded, picked
from asma_core.models.wrapper.resizing import resized
from asma_core.models.wrapper.specs import (
    CENTRE,
    PER_CHANNEL,
    PER_IMAGE,
    PER_RANGE,
    InputSpec,
    OutputSpec,
)

# What networks raise over arguments that make no sense and images that do not suit them.
NETWORK_FAULTS: Final = (
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, at most 200 characters."""
    return (str(error).strip().splitlines() or [""])[0][:200]


class SegmentationModel(nn.Module):
    """A network with its resizing, normalising and reading inside, all of it differentiable.

    An attack on it therefore changes the image as the user has it, at its own resolution.

    Attributes:
        network: The bare network; it takes normalised images and returns its own answer.
        spec: What the bare network takes.
        classes: Names of the classes, background first.
        output: How its answer is read.
        random: Whether its answers to one image differ, as behind a defence that draws.
    """

    random = False
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        spec: InputSpec,
        classes: tuple[str, ...],
        output: OutputSpec | None = None,
    ) -> None:
        """Wrap a network; see the attributes."""
        super().__init__()
        self.network = network
        self.spec = spec
        self.classes = classes
        self.output = output or OutputSpec()
        self._covered: dict[tuple[int, ...], Tensor] = {}
        self.register_buffer("mean", torch.tensor(spec.mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(spec.std).view(1, -1, 1, 1))

    @property
    def takes_gradients(self) -> bool:
        """Whether gradients flow from its logits to its images; through an ONNX file none do."""
        return bool(getattr(self.network, "takes_gradients", True))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits.

        Args:
            images: float32 (B, C, H, W) in [0, 1]; C may be 1 or 3 for any network.

        Returns:
            float32 (B, K, H, W). Where a network without padding says nothing, background; see
            `covered`.

        Raises:
            InputError: Images that are neither grey nor RGB.
            ModelError: The network does not answer with logits of its classes.
        """
        size = images.shape[-2:]
        inner = self.prepared(images)
        logits = self.read(self.ask(inner))
        if self.output.fit == CENTRE:
            logits = centred(logits, inner.shape[-2:])
        logits = resized(self._cropped(logits, *size), size)
        return merged(logits, self.output.counts_as, len(self.classes))

    def prepared(self, images: Tensor) -> Tensor:
        """Return what the bare network is given, float32 (B, channels, H', W')."""
        inner = resized(
            match_channels(images, self.spec.channels), self.spec.inner_size(*images.shape[-2:])
        )
        inner = self._normalised(inner)
        return padded(inner, self.spec.padding(*inner.shape[-2:]), self.spec.pad)

    def unresized(self, images: Tensor) -> Tensor:
        """Return logits of images of whatever size they are, as a training shows them.

        Args:
            images: float32 (B, channels, H, W) in [0, 1], sides multiples of the spec's.

        Returns:
            (B, K, H, W); see `forward`.

        Raises:
            ModelError: The network does not answer with logits of its classes.
        """
        logits = self.read(self.ask(self._normalised(images)))
        return merged(resized(logits, images.shape[-2:]), self.output.counts_as, len(self.classes))

    def _normalised(self, inner: Tensor) -> Tensor:
        """Bring images in [0, 1] to the order and the range of the bare network."""
        if self.spec.order == "bgr":
            inner = inner.flip(1)
        how = self.spec.normalisation
        if how == PER_IMAGE:
            mean, std = inner.mean((1, 2, 3), True), inner.std((1, 2, 3), keepdim=True)
            return (inner - mean) / std.clamp_min(1e-6)
        if how == PER_CHANNEL:
            variance, mean = torch.var_mean(inner, (2, 3), correction=0, keepdim=True)
            return (inner - mean) / variance.clamp_min(1e-12).sqrt()
        if how == PER_RANGE:
            low, high = inner.amin((1, 2, 3), True), inner.amax((1, 2, 3), True)
            inner = (inner - low) / (high - low).clamp_min(1e-6)
        return (inner - self.mean) / self.std

    def seen_size(self, height: int, width: int) -> tuple[int, int] | None:
        """Return the size to which images of a size are resized before all else.

        An image of that size itself is not resized, so that the network answers to it as to the
        larger one, but for the resizing of the answer. None where no such size is known.
        """
        seen = self.spec.inner_size(height, width)
        if self.output.fit == CENTRE or self.spec.inner_size(*seen) != seen:
            return None
        return seen

    def ask(self, inner: Tensor) -> Tensor:
        """Return the map in the bare network's answer to prepared images.

        Raises:
            ModelError: The network fails, or its answer is not as the card says.
        """
        try:
            if self.spec.batch != 1 or len(inner) == 1:
                return picked(self.network(inner), self.output)
            return torch.cat([picked(self.network(one[None]), self.output) for one in inner])
        except NETWORK_FAULTS as error:
            if is_out_of_memory(error):
                raise
            raise ModelError(
                f"the network fails on {tuple(inner.shape)} ({type(error).__name__}: "
                f"{first_line(error)}); give it a larger image, or correct input.size or "
                "input.multiple of its card"
            ) from error

    def read(self, found: Tensor) -> Tensor:
        """Return the map of a network's answer as logits of its own classes, (B, N, H', W').

        Raises:
            ModelError: It is not what the card says.
        """
        own = self.output.own_classes(len(self.classes))
        return checked_shape(as_logits(found, self.output), own)

    def _cropped(self, logits: Tensor, height: int, width: int) -> Tensor:
        """Take away what was padded, also from an answer that is coarser than the image."""
        inner = self.spec.inner_size(height, width)
        below, beside = self.spec.padding(*inner)
        if not (below or beside):
            return logits
        full = (inner[0] + below, inner[1] + beside)
        return resized(logits, full)[..., : inner[0], : inner[1]]

    def covered(self, height: int, width: int) -> Tensor:
        """Return for which pixels of an image the network answers, bool (H, W).

        All of them, but for a network without padding, which answers for the centre only.
        """
        if self.output.fit != CENTRE:
            return torch.ones(height, width, dtype=torch.bool, device=self.mean.device)
        if (height, width) not in self._covered:
            self._covered[height, width] = self._measured(height, width)
        return self._covered[height, width]

    def _measured(self, height: int, width: int) -> Tensor:
        with torch.no_grad():
            blank = self.mean.new_zeros(1, self.spec.channels, height, width)
            inner = self.prepared(blank)
            answer = self.read(self.ask(inner))
            ones = torch.ones_like(answer[:, :1])
            inside = functional.pad(ones, margins(ones.shape[-2:], inner.shape[-2:]))
            shown = resized(self._cropped(inside, height, width), (height, width))
        return shown[0, 0] > 1.0 - 1e-4


def match_channels(images: Tensor, channels: int) -> Tensor:
    """Repeat grey to RGB, or weigh RGB to grey as luma (ITU-R BT.601).

    Raises:
        InputError: Neither grey nor RGB.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise InputError(
            f"expected images of shape (B, 1 or 3, H, W), got {tuple(images.shape)}; "
            "convert them to grey or RGB"
        )
    if images.shape[1] == channels:
        return images
    if images.shape[1] == 1:
        return images.expand(-1, channels, -1, -1)
    luma = images.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (images * luma).sum(dim=1, keepdim=True)
